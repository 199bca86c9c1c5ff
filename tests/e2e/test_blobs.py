"""Blobs: what was pushed comes back byte for byte, whole, in ranges, conditionally, and goes when told."""

import pytest

from harness import oci
from harness.client import assert_error

SIZE = 300_000


@pytest.fixture
def blob(admin, repo):
    data = oci.random_blob(SIZE)
    return data, admin.push_blob(repo, data)


def test_get_returns_the_bytes_with_digest_and_length(admin, repo, blob):
    data, digest = blob
    answer = admin.pull_blob(repo, digest)
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["Docker-Content-Digest"] == digest


def test_head_equals_get_without_the_body(admin, repo, blob):
    _, digest = blob
    head, get = admin.head(f"/v2/{repo}/blobs/{digest}"), admin.pull_blob(repo, digest)
    assert head.status_code == 200 and not head.content
    for name in ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag", "Accept-Ranges"):
        assert head.headers.get(name) == get.headers.get(name), name


def test_a_blob_is_served_as_harmless_bytes(admin, repo, blob):
    """No browser may take a stranger's blob for a page."""
    answer = admin.pull_blob(repo, blob[1])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_private_content_is_not_for_shared_caches(admin, repo, blob):
    answer = admin.pull_blob(repo, blob[1])
    cache = answer.headers.get("Cache-Control", "")
    assert "private" in cache or "no-store" in cache
    assert "public" not in cache
    assert "authorization" in answer.headers.get("Vary", "").lower()


@pytest.mark.parametrize("asked, first, last", [
    ("bytes=0-0", 0, 0),
    ("bytes=0-9", 0, 9),
    ("bytes=10-", 10, SIZE - 1),
    ("bytes=-5", SIZE - 5, SIZE - 1),
    (f"bytes=-{SIZE + 1000}", 0, SIZE - 1),
    (f"bytes=100-{SIZE + 1000}", 100, SIZE - 1),
    (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
    (f"bytes=65530-{131_080}", 65530, 131_080),
])
def test_a_single_range_is_served(admin, repo, blob, asked, first, last):
    data, digest = blob
    answer = admin.pull_blob(repo, digest, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.content == data[first:last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
def test_a_range_behind_the_end_is_416(admin, repo, blob, asked):
    answer = admin.pull_blob(repo, blob[1], headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", [
    "bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "lines=1-2", "bytes=0-9,20-29", "bytes=--5", "bytes 0-5",
    "bytes=0-99999999999999999999999", "bytes=18446744073709551616-", "bytes=-18446744073709551616", "bytes=+1-2",
    "bytes=0x1-2", ",", "bytes=0-1;x",
])
def test_an_odd_range_is_ignored_or_refused_but_harmless(admin, repo, blob, asked):
    """Either the whole blob, or the meaning that the grammar gives, or a 4xx: never other bytes, never a 5xx."""
    data, digest = blob
    answer = admin.pull_blob(repo, digest, headers={"Range": asked})
    assert answer.status_code in (200, 206, 400, 416)
    if answer.status_code == 200:
        assert answer.content == data
    if answer.status_code == 206:
        assert answer.content in data and "," not in asked


def test_if_none_match_saves_the_body(admin, repo, blob):
    data, digest = blob
    tag = admin.pull_blob(repo, digest).headers["ETag"]
    assert digest in tag and tag.startswith('"')
    for value in (tag, f'"other", {tag}', "W/" + tag, "*"):
        answer = admin.pull_blob(repo, digest, headers={"If-None-Match": value})
        assert answer.status_code == 304 and not answer.content, value
        assert answer.headers["ETag"] == tag
    assert admin.pull_blob(repo, digest, headers={"If-None-Match": '"other"'}).content == data


def test_head_answers_if_none_match_too(admin, repo, blob):
    tag = admin.head(f"/v2/{repo}/blobs/{blob[1]}").headers["ETag"]
    answer = admin.head(f"/v2/{repo}/blobs/{blob[1]}", headers={"If-None-Match": tag})
    assert answer.status_code == 304


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [0, 1, 4095, 65536, 262_144, 262_145, 3_000_001])
def test_every_size_and_algorithm_comes_back(admin, repo, algorithm, size):
    """Round the buffer sizes nothing is lost and nothing added; the empty blob is a blob."""
    data = oci.random_blob(size)
    digest = admin.push_blob(repo, data, algorithm)
    answer = admin.pull_blob(repo, digest)
    assert answer.status_code == 200 and answer.content == data


def test_a_missing_blob_is_unknown(admin, repo, blob):
    digest = oci.missing_digest()
    assert_error(admin.pull_blob(repo, digest), 404, "BLOB_UNKNOWN", detail=digest)
    assert_error(admin.head(f"/v2/{repo}/blobs/{digest}"), 404)


def test_a_blob_of_another_repository_is_unknown_here(admin, repo, second_repo, blob):
    admin.push_blob(second_repo, b"something else")
    assert_error(admin.pull_blob(second_repo, blob[1]), 404, "BLOB_UNKNOWN", detail=blob[1])


def test_delete_takes_the_blob_out_of_this_repository_only(admin, repo, second_repo, blob):
    data, digest = blob
    admin.push_blob(second_repo, data)
    assert admin.delete(f"/v2/{repo}/blobs/{digest}").status_code == 202
    assert_error(admin.pull_blob(repo, digest), 404, "BLOB_UNKNOWN")
    assert_error(admin.delete(f"/v2/{repo}/blobs/{digest}"), 404, "BLOB_UNKNOWN")
    assert admin.pull_blob(second_repo, digest).content == data


def test_a_deleted_blob_can_be_pushed_again(admin, repo, blob):
    data, digest = blob
    assert admin.delete(f"/v2/{repo}/blobs/{digest}").status_code == 202
    assert admin.push_blob(repo, data) == digest
    assert admin.pull_blob(repo, digest).content == data


def test_a_blob_in_use_cannot_be_deleted(admin, repo, image):
    """While a manifest of the repository names a blob, deleting it is refused and nothing is lost."""
    digest = image.document["layers"][0]["digest"]
    assert admin.delete(f"/v2/{repo}/blobs/{digest}").status_code == 409
    assert admin.pull_blob(repo, digest).content == image.layers[0]


def test_manifest_then_blobs_can_be_deleted_at_once(admin, repo, image):
    """The order in which clean-up scripts and benchmark clients delete: manifest by digest, then its blobs."""
    assert admin.delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202
    for descriptor in [image.document["config"], *image.document["layers"]]:
        assert admin.delete(f"/v2/{repo}/blobs/{descriptor['digest']}").status_code == 202
        assert_error(admin.pull_blob(repo, descriptor["digest"]), 404, "BLOB_UNKNOWN")


@pytest.mark.parametrize("digest", [
    "sha256:", "sha256", ":", "sha256:abc", "sha256:" + "g" * 64, "sha256:" + "A" * 64, "SHA256:" + "a" * 64,
    "sha256:" + "a" * 63, "sha256:" + "a" * 65, "sha512:" + "a" * 64, "md5:" + "a" * 32, "sha256:" + "a" * 64 + ":x",
    "sha256%00:" + "a" * 64, "sha256%3A" + "a" * 63,
])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_malformed_digest_is_refused(admin, repo, blob, method, digest):
    assert_error(admin.request(method, f"/v2/{repo}/blobs/{digest}"), (400, 404),
                 "DIGEST_INVALID", "BLOB_UNKNOWN", "UNSUPPORTED", "NAME_INVALID")


def test_methods_that_blobs_do_not_have_are_405(admin, repo, blob):
    for method in ("PUT", "POST", "PATCH"):
        assert_error(admin.request(method, f"/v2/{repo}/blobs/{blob[1]}"), (404, 405), "UNSUPPORTED")
