"""Group E: names that try to leave the storage, with a trace of every path the server opens meanwhile."""

import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from harness import oci
from harness.client import Registry
from harness.crew import ADMIN
from harness.raw import exchange, request
from harness.server import ADMIN_PASSWORD, Server

NAMES = ["..", "a/../b", "%2e%2e", "..%2f..%2fetc%2fpasswd", "/%2f%2f..%2f", "%252e", "a//b", "a/./b", "a\\b", "%c0%ae", "%00",
         "%09", "x" * 251, "/".join("a" * 300), "a/%2e%2e/%2e%2e/etc/passwd", "a%5cb", "..", ".", "a/..", "%2e/a",
         "etc/passwd%00", "a/\u00e9".encode().decode("latin-1"), "A", "a_-b", "a/-", "a/_uploads/x"]
WORDS = ["_uploads", "blobs", "uploads", "manifests", "tags", "referrers", "blobs/uploads", "manifests/tags", "tags/list"]
TAGS = ["../x", ".x", "-x", "x" * 129, "%2fx", "x%2fy", "%c3%a9", "", "..%2f..%2fassay.db", "%00", "x%00", "..", "%2e%2e"]
UPLOADS = ["x", "0" * 31, "0" * 33, "A" * 32, "00000000-0000-7000-8000-000000000000", "%2e%2e", "..%2fassay.db", "0" * 10_240,
           "g" * 32, "0" * 32, "%00" + "0" * 31, "1." + "0" * 32]
DIGESTS = ["sha256:" + "a" * 63, "sha256:" + "A" * 64, "sha256:..%2f" + "a" * 60, "md5:" + "a" * 32, "sha256", "sha256:",
           "sha512:" + "a" * 64, "sha256:" + "a" * 64 + "%00", "%2e%2e:" + "a" * 64, "sha256:" + "g" * 64, "SHA256:" + "a" * 64,
           "sha256:" + "a" * 65, "sha256+x:" + "a" * 64]
LAST = ["tags/list", "manifests/v1", "blobs/" + oci.digest(b""), "blobs/uploads/" + "0" * 32]


def ask(server, method, path, body=b""):
    headers = [ADMIN] + ([("Content-Length", len(body))] if method in ("POST", "PUT", "PATCH") else [])
    return exchange(server.address(), request(method, path, headers, body), method)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:24]))
def test_E_01_names(server, no_effect, name):
    """400 with NAME_INVALID, or no route: never a name that was put right, never a file."""
    with no_effect():
        for last in LAST:
            answer = ask(server, "GET", f"/v2/admin/{name}/{last}")
            assert answer.status in (400, 404) and answer.error_codes(), answer
        answer = ask(server, "POST", f"/v2/admin/{name}/blobs/uploads/?digest={oci.digest(b'x')}", b"x")
        assert answer.status in (400, 404, 405), answer


@pytest.mark.parametrize("word", WORDS)
def test_E_01_reserved_words(server, word):
    """The right-most word of the protocol counts; what stands before it is the name, as far as it is one."""
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    for name, statuses in ((f"admin/{word}/x", {201}), (f"admin/{word}", {201, 400})):
        answer = ask(server, "POST", f"/v2/{name}/blobs/uploads/?digest={oci.digest(b'x')}", b"x")
        if "_" in word:
            statuses = {400}
        assert answer.status in statuses, answer
        if answer.status == 201:
            assert registry.pull_blob(name, oci.digest(b"x")).content == b"x"
        else:
            assert answer.error_codes() == ["NAME_INVALID"]


@pytest.mark.parametrize("tag", TAGS, ids=lambda tag: repr(tag[:24]))
def test_E_02_tags(server, no_effect, tag):
    with no_effect():
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = ask(server, method, f"/v2/admin/e02/manifests/{tag}", b"{}" if method == "PUT" else b"")
            assert answer.status in (400, 404, 405), (method, answer)


@pytest.mark.parametrize("upload", UPLOADS, ids=lambda upload: repr(upload[:24]))
def test_E_03_upload_ids(server, no_effect, upload):
    repo = "admin/e03"
    Registry(server.url(), "admin", ADMIN_PASSWORD).push_blob(repo, b"e03")
    with no_effect():
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            query = f"?digest={oci.digest(b'')}" if method == "PUT" else ""
            answer = ask(server, method, f"/v2/{repo}/blobs/uploads/{upload}{query}")
            assert answer.status in ((404,) if re.fullmatch(r"[\w.-]{1,40}", upload) else (400, 404, 414)), (method, answer)
            if answer.status == 404 and "%2f" not in upload:
                assert set(answer.error_codes()) <= {"BLOB_UPLOAD_UNKNOWN", "NOT_FOUND"}, answer


@pytest.mark.parametrize("digest", DIGESTS, ids=lambda digest: repr(digest[:24]))
def test_E_04_digests(server, no_effect, digest):
    Registry(server.url(), "admin", ADMIN_PASSWORD).push_blob("admin/e04", b"e04")
    with no_effect():
        for method, path in (("GET", "blobs/"), ("HEAD", "blobs/"), ("DELETE", "blobs/"), ("GET", "manifests/"),
                             ("GET", "referrers/"), ("POST", "blobs/uploads/?digest="), ("POST", "blobs/uploads/?mount=")):
            answer = ask(server, method, f"/v2/admin/e04/{path}{digest}")
            assert answer.status == 400 or (answer.status == 404 and ":" not in digest), (method, path, answer)


def traced_opens(trace):
    """Every path that an open of any kind was given, and the directory that it was relative to."""
    return re.findall(r'\bopen(?:at2?)?\((?:([^,]+), )?"((?:[^"\\]|\\.)*)"', trace)


@pytest.mark.skipif(not shutil.which("strace") and not os.environ.get("CI"), reason="no strace (see tests/packages.txt)")
def test_E_01_E_02_E_03_open_nothing_outside_the_data_directory(tmp):
    """A trace of the whole server while every bad name, tag, upload and digest is asked for: 0 opens elsewhere."""
    with Server(tmp / "data", "--event-threads", "1", "--workers", "4") as server:
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        registry.push_image("admin/traced", "v1")
        registry.get("/metrics")
        trace_file = tmp / "trace"
        tracer = subprocess.Popen(["strace", "-f", "-y", "-e", "trace=open,openat,openat2,creat,link,linkat,rename,renameat,"
                                   "renameat2,symlink,symlinkat,mkdir,mkdirat", "-s", "300", "-o", str(trace_file), "-p",
                                   str(server.process.pid)], stderr=subprocess.PIPE)
        try:
            assert b"attached" in tracer.stderr.readline()
            data = oci.random_blob()
            deadline = time.monotonic() + 30
            while "uploads/" not in (trace_file.read_text() if trace_file.exists() else ""):
                registry.push_blob("admin/traced", data)  # until the tracer sees what it should see
                assert time.monotonic() < deadline, "the trace stays empty"
            n_requests = 0
            for path in [f"/v2/admin/{name}/{last}" for name in NAMES + WORDS for last in LAST] + \
                    [f"/v2/admin/traced/manifests/{tag}" for tag in TAGS] + \
                    [f"/v2/admin/traced/blobs/uploads/{upload}" for upload in UPLOADS] + \
                    [f"/v2/admin/traced/blobs/{digest}" for digest in DIGESTS]:
                for method in ("GET", "DELETE"):
                    assert ask(server, method, path).status < 500
                    n_requests += 1
        finally:
            tracer.terminate()
            tracer.communicate()
        opens = traced_opens(trace_file.read_text())
        root = str(pathlib.Path(server.data).resolve())
        outside = [(base, path) for base, path in opens
                   if not (path.startswith(root) or (not path.startswith("/") and root in base and ".." not in path))]
        allowed = re.compile(r"^/(proc/self|sys|dev/(null|urandom)|etc/(localtime|ld\.so\.cache))|\.so")
        outside = [one for one in outside if not allowed.search(one[1])]
        assert opens and not outside, outside[:5]
        print(f"E-01..03: {n_requests} requests, {len(opens)} opens, 0 outside")


def broken_by_symlink(blobs, tmp):
    blobs.rename(tmp / "elsewhere")
    blobs.symlink_to(tmp / "elsewhere")


def broken_by_mode(blobs, _):
    blobs.chmod(0o777)


@pytest.mark.parametrize("damage", [broken_by_symlink, broken_by_mode], ids=["symlink", "world-writable"])
def test_E_08_storage_that_others_could_change(new_server, tmp, damage):
    """The start refuses and says which directory."""
    running = new_server()
    Registry(running.url(), "admin", ADMIN_PASSWORD).push_blob("admin/e08", b"x")
    running.stop()
    damage(running.data / "blobs", tmp)
    with pytest.raises(AssertionError, match="blobs"):
        running.start()


def test_E_08_modes_of_what_is_made(server, target):
    """Files 0600, directories 0700, whatever the umask of who starts it."""
    assert target.image
    for path in server.data.rglob("*"):
        mode = path.lstat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))
