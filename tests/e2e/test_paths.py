"""Paths, exactly as sent: names that try to leave the root, escapes with two meanings, ids that are not ours."""

import base64
import time

import pytest

from harness import oci
from harness.client import assert_error
from harness.raw import exchange, request
from harness.server import ADMIN_PASSWORD

AUTH = ("Authorization", "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode())


def get(server, path, method="GET"):
    return exchange(server.address(), request(method, path, [AUTH]), method)


BAD_NAMES = [
    "admin/..", "admin/.", "../admin/x", "admin/../x", "admin/x/..", "admin/x/../y", "admin/./x", "admin//x",
    "/admin/x",
    "admin/%2e%2e", "admin/%2e%2e/x", "admin/%2E%2E/x", "admin/..%2f..%2fetc%2fpasswd", "admin/%2f%2f..%2f",
    "admin%2fx", "admin%2Fx", "admin/%252e", "admin/%252e%252e/x", "admin/a\\b", "admin/%5c", "admin/%c0%ae",
    "admin/%c0%af",
    "admin/%00", "admin/x%00", "admin/x%00y", "admin/%09", "admin/x%20", "admin/%zz", "admin/%", "admin/%2",
    "admin/X", "Admin/x", "ADMIN/x", "admin/\xe9", "admin/%C3%A9", "admin/-x", "admin/x-", "admin/.x", "admin/x.",
    "admin/_x", "admin/x_", "admin/a___b", "admin/a..b", "admin/a._b", "admin/a-_b", "admin/a+b", "admin/a@b",
    "admin/a:b", "admin/a~b", "admin/a;b", "admin/a,b", "admin/a'b", "admin/_uploads", "admin/a=b", "admin/a*b",
    "admin/" + "/".join(["a"] * 300), "admin/" + "x" * 251,
]
BAD_NAMES_THAT_ARE_SHORT = [name for name in BAD_NAMES if len(name) < 200]


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: name[:40])
def test_a_malformed_name_is_refused(server, name):
    """400 NAME_INVALID, or 404 where the path is no route at all; never anything from outside the root."""
    answer = get(server, f"/v2/{name}/tags/list")
    assert answer.status in (400, 404), answer
    codes = {"NAME_INVALID", "NAME_UNKNOWN", "UNSUPPORTED", "MANIFEST_UNKNOWN"}
    if not name.isascii():
        codes.add("INVALID")  # no name at all: the request line has a byte that may not stand there
    assert set(answer.error_codes()) <= codes, answer
    assert b"root:" not in answer.body
    if answer.status == 404:
        assert "//" in name or "/." in name or "../" in name or "%" in name, f"{name} was taken for a good name"


@pytest.mark.parametrize("name", BAD_NAMES_THAT_ARE_SHORT)
def test_nothing_can_be_pushed_under_a_malformed_name(server, name):
    data = b"{}"
    path = f"/v2/{name}/blobs/uploads/?digest={oci.digest(data)}"
    answer = exchange(server.address(), request("POST", path, [AUTH, ("Content-Length", 2)], data))
    assert answer.status in (400, 404, 405), answer


def test_nothing_was_made(admin):
    names = admin.get("/v2/_catalog", params={"n": 1000}).json()["repositories"]
    assert all(name == name.lower() and ".." not in name and not name.endswith(("-", "_", ".")) for name in names)


@pytest.mark.parametrize("last", [
    "manifests/%2e%2e", "manifests/..", "manifests/..%2f..%2fx", "manifests/%2e", "manifests/.", "manifests/v1%00",
    "manifests/%zz", "manifests/%", "blobs/%2e%2e", "blobs/..", "blobs/sha256:%2e%2e", "blobs/sha256:..%2f" + "a" * 60,
    "blobs/sha256%3a" + "a" * 63, "blobs/sha256:" + "a" * 64 + "%00", "blobs/sha256:" + "a" * 64 + "/x",
    "blobs/uploads/%2e%2e", "blobs/uploads/..", "blobs/uploads/..%2f..%2fassay.db", "blobs/uploads/%00",
    "blobs/uploads/x/y", "referrers/%2e%2e", "referrers/..", "tags/%2e%2e", "tags/list%00", "tags/%6cist%2f",
])
def test_a_malformed_last_part_is_refused(server, repo, image, last):
    answer = get(server, f"/v2/{repo}/{last}")
    assert answer.status in (400, 404), answer
    assert answer.error_codes(), "no error in OCI form"


def test_an_escape_is_decoded_once(server, repo, image):
    """%76 is v: the tag v1 may be written so; %2576 is not."""
    assert get(server, f"/v2/{repo}/manifests/%761").status == 200
    assert get(server, f"/v2/{repo}/manifests/%25761").status in (400, 404)
    colon = image.digest.replace(":", "%3A")
    assert get(server, f"/v2/{repo}/manifests/{colon}").status == 200


def test_a_name_of_255_passes_and_of_256_does_not(admin):
    longest = "admin/" + "x" * 249
    image = admin.push_image(longest, "v1")
    assert admin.pull_manifest(longest, "v1").content == image.data
    for method, path in (("POST", "blobs/uploads/"), ("GET", "tags/list"), ("GET", "manifests/v1")):
        assert_error(admin.request(method, f"/v2/{longest}x/{path}"), 400, "NAME_INVALID")


def test_a_tag_of_128_passes_and_of_129_does_not(admin, repo, image):
    admin.push_manifest(repo, "x" * 128, image.data)
    assert_error(admin.put_manifest(repo, "x" * 129, image.data), 400, "TAG_INVALID", "MANIFEST_INVALID",
                 "NAME_INVALID")
    assert admin.tags(repo) == ["v1", "x" * 128]


@pytest.mark.parametrize("path", ["/../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd",
                                  "//etc/passwd",
                                  "/v2/../../etc/passwd", "/ca/../key", "/ca%00", "/_ping/..", "/metrics/../v2/",
                                  "/auth/../v2/", "/.%00/", "/\xff", "/%ff", "/%"])
def test_no_path_leads_out(server, path):
    answer = get(server, path)
    assert answer.status in (0, 400, 401, 404, 405), answer
    assert b"root:" not in answer.body and b"PRIVATE KEY" not in answer.body


@pytest.mark.parametrize("query", ["?%", "?%zz=1", "?n=%", "?n=%00", "?last=%ff%fe", "?" + "a=b&" * 2000, "?=", "?&&&",
                                   "?n",
                                   "?last=a%00b", "?last=" + "x" * 4000], ids=lambda query: query[:20])
def test_odd_queries_do_no_harm(server, repo, image, query):
    """Served, or refused at once: not left hanging until some deadline."""
    start = time.monotonic()
    answer = get(server, f"/v2/{repo}/tags/list{query}")
    assert answer.status in (0, 200, 400, 414, 431), answer
    assert time.monotonic() - start < 5, "left hanging"


@pytest.mark.parametrize("text", ["'", '"', ";--", "\\", "%25", "%s%n%x", "{0}", "${jndi:ldap://x}", "' OR '1'='1",
                                  "\r\nX-Injected: 1", "<script>", "\x1b[31m", "x" * 3000])
def test_text_is_only_text(admin, server, repo, image, text):
    """In every parameter and free header: no server error, no injected header, nothing raw in the log."""
    for path in (f"/v2/{repo}/tags/list", "/v2/_catalog", f"/v2/{repo}/referrers/{image.digest}", "/auth/token"):
        answer = admin.get(path, params={"last": text, "artifactType": text, "service": text, "account": text})
        assert answer.status_code < 500
        assert "X-Injected" not in answer.headers
    if text.isprintable():
        assert admin.get("/v2/", headers={"User-Agent": text}).status_code in (200, 431)
    assert "\x1b[31m" not in server.log() and "\nX-Injected" not in server.log()
