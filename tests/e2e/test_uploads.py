"""Uploads: every way of sending a blob that the standard and its clients know, and what goes wrong on the way."""

import base64
import re
import threading
import time

import pytest

from harness import oci
from harness.client import Registry, assert_error, with_query
from harness.raw import RawConnection, request
from harness.server import ADMIN_PASSWORD

ADMIN_BASIC = "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()


def range_end(answer):
    """The Range header's last byte."""
    found = re.fullmatch(r"0-(\d+)", answer.headers["Range"])
    assert found, f"Range: {answer.headers['Range']!r}"
    return int(found[1])


def status(registry, location):
    answer = registry.get(location)
    assert answer.status_code == 204, f"upload status: {answer.status_code} {answer.text}"
    return answer


def send_chunk(registry, location, data, first=None):
    headers = {"Content-Type": "application/octet-stream"}
    if first is not None:
        headers["Content-Range"] = f"{first}-{first + len(data) - 1}"
    return registry.patch(location, data=data, headers=headers)


def assert_pulls(registry, repo, data, algorithm="sha256"):
    answer = registry.pull_blob(repo, oci.digest(data, algorithm))
    assert answer.status_code == 200 and answer.content == data


# Opening a session.

def test_post_opens_a_session_whose_whole_state_is_in_the_path(admin, repo):
    """Some clients throw the query of the location away; all of them resolve it against the request."""
    answer = admin.post(f"/v2/{repo}/blobs/uploads/")
    assert answer.status_code == 202
    location = answer.headers["Location"]
    assert location.startswith(f"/v2/{repo}/blobs/uploads/")
    assert "?" not in location
    assert answer.headers["Docker-Upload-UUID"] and answer.headers["Docker-Upload-UUID"] in location
    assert answer.headers["Range"] == "0-0"
    assert answer.headers["Content-Length"] == "0"


def test_a_session_alone_makes_no_repository(admin, repo):
    admin.start_upload(repo)
    assert_error(admin.get(f"/v2/{repo}/tags/list"), 404, "NAME_UNKNOWN")


def test_the_status_of_a_new_session_is_empty(admin, repo):
    answer = status(admin, admin.start_upload(repo))
    assert answer.headers["Range"] == "0-0"
    assert answer.headers["Location"].startswith(f"/v2/{repo}/blobs/uploads/")


# Whole blobs.

@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_post_then_put(admin, repo, algorithm):
    data = oci.random_blob(5000)
    digest = oci.digest(data, algorithm)
    answer = admin.finish_upload(admin.start_upload(repo), digest, data)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repo}/blobs/{digest}"
    assert answer.headers["Docker-Content-Digest"] == digest
    assert_pulls(admin, repo, data, algorithm)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_single_post_with_digest(admin, repo, algorithm):
    data = oci.random_blob(5000)
    digest = oci.digest(data, algorithm)
    answer = admin.post(f"/v2/{repo}/blobs/uploads/", params={"digest": digest}, data=data,
                        headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repo}/blobs/{digest}"
    assert_pulls(admin, repo, data, algorithm)


def test_single_post_with_a_wrong_digest_leaves_nothing(admin, repo):
    digest = oci.missing_digest()
    answer = admin.post(f"/v2/{repo}/blobs/uploads/", params={"digest": digest}, data=b"other bytes")
    assert_error(answer, 400, "DIGEST_INVALID", detail=digest)
    assert_error(admin.pull_blob(repo, digest), 404)
    assert_error(admin.pull_blob(repo, oci.digest(b"other bytes")), 404)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("announced", [True, False])
def test_the_algorithm_may_be_announced(admin, repo, algorithm, announced):
    """`digest-algorithm` at POST lets the server hash as the bytes come; without it sha512 works as well."""
    data = oci.random_blob(700_000)
    params = {"digest-algorithm": algorithm} if announced else {}
    location = admin.start_upload(repo, **params)
    location = send_chunk(admin, location, data[:300_000]).headers["Location"]
    assert admin.finish_upload(location, oci.digest(data, algorithm), data[300_000:]).status_code == 201
    assert_pulls(admin, repo, data, algorithm)


def test_sha256_finishes_a_session_announced_as_sha512(admin, repo):
    data = oci.random_blob(1000)
    location = admin.start_upload(repo, **{"digest-algorithm": "sha512"})
    assert admin.finish_upload(location, oci.digest(data), data).status_code == 201
    assert_pulls(admin, repo, data)


@pytest.mark.parametrize("algorithm", ["md5", "", "SHA512", "sha512 ", "sha3-256"])
def test_an_unknown_algorithm_is_refused_at_post(admin, repo, algorithm):
    answer = admin.post(f"/v2/{repo}/blobs/uploads/", params={"digest-algorithm": algorithm})
    assert_error(answer, 400, "DIGEST_INVALID", "UNSUPPORTED")


def test_pushing_the_same_blob_again_is_no_error(admin, repo):
    data = oci.random_blob(1000)
    assert admin.push_blob(repo, data) == admin.push_blob(repo, data)
    assert_pulls(admin, repo, data)


def test_a_chunked_body_is_accepted(admin, repo):
    """Streaming clients send Transfer-Encoding: chunked and no length."""
    data = oci.random_blob(600_000)
    location = admin.start_upload(repo)
    answer = admin.patch(location, data=iter([data[:1], data[1:100_000], data[100_000:]]))
    assert answer.status_code == 202 and range_end(answer) == len(data) - 1
    assert admin.finish_upload(answer.headers["Location"], oci.digest(data)).status_code == 201
    assert_pulls(admin, repo, data)


def test_a_chunked_put_is_accepted(admin, repo):
    data = oci.random_blob(600_000)
    location = with_query(admin.start_upload(repo), digest=oci.digest(data))
    assert admin.put(location, data=iter([data[:70_000], data[70_000:]])).status_code == 201
    assert_pulls(admin, repo, data)


# Chunks.

@pytest.mark.parametrize("with_range", [True, False])
@pytest.mark.parametrize("last_by_put", [True, False])
def test_chunks(admin, repo, with_range, last_by_put):
    """PATCH after PATCH, with or without Content-Range; the last chunk by PATCH or with the closing PUT."""
    data = oci.random_blob(10_000)
    chunks = [data[:4000], data[4000:4001], data[4001:]]
    patched = chunks[:-1] if last_by_put else chunks
    location, sent = admin.start_upload(repo), 0
    for chunk in patched:
        answer = send_chunk(admin, location, chunk, sent if with_range else None)
        sent += len(chunk)
        assert answer.status_code == 202
        assert range_end(answer) == sent - 1
        assert range_end(status(admin, answer.headers["Location"])) == sent - 1
        location = answer.headers["Location"]
    last = chunks[-1] if last_by_put else b""
    headers = {"Content-Range": f"{sent}-{sent + len(last) - 1}"} if last and with_range else {}
    assert admin.finish_upload(location, oci.digest(data), last, headers).status_code == 201
    assert_pulls(admin, repo, data)


def test_an_empty_patch_moves_nothing(admin, repo):
    data = oci.random_blob(100)
    first = admin.start_upload(repo)
    assert send_chunk(admin, first, b"").status_code == 202
    assert send_chunk(admin, first, data).status_code == 202
    answer = send_chunk(admin, first, b"")
    assert answer.status_code == 202 and range_end(answer) == 99
    assert admin.finish_upload(first, oci.digest(data)).status_code == 201
    assert_pulls(admin, repo, data)


def test_the_first_location_stays_good(admin, repo):
    """Benchmark clients send an empty PATCH, then go on at the old location without Content-Range."""
    data = oci.random_blob(3000)
    first = admin.start_upload(repo)
    for start in (0, 1000, 2000):
        assert send_chunk(admin, first, data[start:start + 1000]).status_code == 202
    assert admin.finish_upload(first, oci.digest(data)).status_code == 201
    assert_pulls(admin, repo, data)


@pytest.mark.parametrize("first", [0, 500, 1001, 5000])
def test_a_chunk_out_of_order_is_416_and_the_session_goes_on(admin, repo, first):
    """Overlap and gap are refused with the true range; the upload can still be finished."""
    data = oci.random_blob(2000)
    location = send_chunk(admin, admin.start_upload(repo), data[:1000], 0).headers["Location"]
    answer = send_chunk(admin, location, data[1000:], first)
    assert answer.status_code == 416
    assert range_end(answer) == 999
    answer = status(admin, location)
    assert range_end(answer) == 999
    answer = send_chunk(admin, answer.headers["Location"], data[1000:], 1000)
    assert answer.status_code == 202
    assert admin.finish_upload(answer.headers["Location"], oci.digest(data)).status_code == 201
    assert_pulls(admin, repo, data)


def test_a_first_chunk_that_does_not_start_at_zero_is_416(admin, repo):
    location = admin.start_upload(repo)
    assert send_chunk(admin, location, b"x" * 10, 10).status_code == 416
    assert status(admin, location).headers["Range"] == "0-0"


def test_a_closing_chunk_out_of_order_is_416(admin, repo):
    data = oci.random_blob(2000)
    location = send_chunk(admin, admin.start_upload(repo), data[:1000], 0).headers["Location"]
    answer = admin.finish_upload(location, oci.digest(data), data[1000:], {"Content-Range": "0-999"})
    assert answer.status_code == 416
    assert admin.finish_upload(location, oci.digest(data), data[1000:],
                               {"Content-Range": "1000-1999"}).status_code == 201


@pytest.mark.parametrize("value", [
    "0-8", "0-10", "9-0", "a-b", "-5", "0-", "0", "bytes 0-8/9", "1-10/10", "-1-9", "0-99999999999999999999999",
    "18446744073709551616-18446744073709551625", "+0-9",
])
def test_a_content_range_that_is_not_the_body_is_refused(admin, repo, value):
    location = admin.start_upload(repo)
    answer = admin.patch(location, data=b"0123456789", headers={"Content-Range": value})
    assert answer.status_code in (400, 416)
    assert status(admin, location).headers["Range"] == "0-0"


# Ending, in every way.

def test_cancel_ends_the_session(admin, repo):
    location = send_chunk(admin, admin.start_upload(repo), b"data").headers["Location"]
    assert admin.delete(location).status_code == 204
    assert_error(admin.get(location), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_error(send_chunk(admin, location, b"more"), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_error(admin.finish_upload(location, oci.digest(b"data")), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_error(admin.delete(location), 404, "BLOB_UPLOAD_UNKNOWN")


def test_a_finished_session_is_gone(admin, repo):
    data = oci.random_blob(10)
    location = admin.start_upload(repo)
    assert admin.finish_upload(location, oci.digest(data), data).status_code == 201
    assert_error(admin.get(location), 404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_wrong_digest_is_refused_and_nothing_becomes_visible(admin, repo, algorithm):
    data, wrong = oci.random_blob(1000), oci.missing_digest(algorithm)
    answer = admin.finish_upload(admin.start_upload(repo), wrong, data)
    assert_error(answer, 400, "DIGEST_INVALID", detail=wrong)
    for digest in (wrong, oci.digest(data), oci.digest(data, "sha512")):
        assert_error(admin.pull_blob(repo, digest), 404)


def test_a_truncated_blob_is_refused(admin, repo):
    data = oci.random_blob(1000)
    location = send_chunk(admin, admin.start_upload(repo), data[:500]).headers["Location"]
    assert_error(admin.finish_upload(location, oci.digest(data), data[500:999]), 400, "DIGEST_INVALID")
    assert_error(admin.pull_blob(repo, oci.digest(data)), 404)


@pytest.mark.parametrize("query", [
    "", "digest=", "digest=sha256:abc", "digest=md5:" + "a" * 32, "digest=SHA256:" + "a" * 64,
    "digest=sha256:" + "A" * 64, f"digest={oci.digest(b'data')}&digest={oci.digest(b'other')}",
    "digest=sha256%00:" + "a" * 64, "digest=%zz",
])
def test_a_missing_malformed_or_second_digest_is_refused(admin, repo, query):
    answer = admin.put(f"{admin.start_upload(repo)}?{query}", data=b"data")
    assert_error(answer, 400, "DIGEST_INVALID", "BLOB_UPLOAD_INVALID", "UNSUPPORTED")
    assert_error(admin.pull_blob(repo, oci.digest(b"data")), 404)


def test_an_encoded_body_is_refused(admin, repo):
    """The digest is of the bytes sent; a coding over them would have two meanings."""
    answer = admin.patch(admin.start_upload(repo), data=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


# Whose session it is.

@pytest.mark.parametrize("upload", [
    "no-such-upload", "00000000-0000-0000-0000-000000000000", "0" * 32, "A" * 32, "x" * 10_000,
    "%00", "a b", "é",
])
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_an_unknown_upload_is_404(admin, repo, image, method, upload):
    """Whatever stands where the upload's id belongs, no file is opened for it."""
    answer = admin.request(method, f"/v2/{repo}/blobs/uploads/{upload}?digest={oci.digest(b'')}")
    if len(upload) > 1000:
        assert answer.status_code in (404, 414, 431)
    else:
        assert_error(answer, (400, 404), "BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "NAME_INVALID")


def test_a_session_belongs_to_its_repository(admin, repo, second_repo):
    admin.push_blob(second_repo, b"makes it")
    location = admin.start_upload(repo)
    elsewhere = location.replace(f"/v2/{repo}/", f"/v2/{second_repo}/")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = admin.request(method, f"{elsewhere}?digest={oci.digest(b'')}")
        assert_error(answer, 404, "BLOB_UPLOAD_UNKNOWN")
    status(admin, location)


def test_strangers_cannot_touch_a_session(admin, anonymous, repo):
    location = admin.start_upload(repo)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert_error(anonymous.request(method, location), 401, "UNAUTHORIZED")
    status(admin, location)


# Interruptions.

def send_part(server, location, data, part):
    """PATCHes `data` and drops the connection after `part` bytes of it."""
    head = request("PATCH", location, [("Authorization", ADMIN_BASIC), ("Content-Length", len(data)),
                                       ("Content-Type", "application/octet-stream")])
    with RawConnection(server.address()) as connection:
        connection.send(head + data[:part])


def wait_for_offset(registry, location, ceiling):
    """The stable offset after a dropped PATCH: two equal readings."""
    last = -1
    for _ in range(100):
        answer = registry.get(location)
        if answer.status_code == 204:
            end = range_end(answer)
            offset = 0 if end == 0 else end + 1
            assert offset <= ceiling
            if offset == last and offset > 0:
                return offset
            last = offset
        time.sleep(0.1)
    return max(last, 0)


def send_rest(registry, location, data, first):
    """Sends what is missing from `first` on, as a client does: 409 while the dropped connection still holds the session,
    416 when more of its bytes arrived than the status said a moment ago. Returns the answer and where it began."""
    for _ in range(50):
        answer = send_chunk(registry, location, data[first:], first)
        if answer.status_code == 416:
            first = int(answer.headers["Range"].partition("-")[2]) + 1
        elif answer.status_code == 409:
            time.sleep(0.1)
        else:
            break
    return answer, first


@pytest.mark.parametrize("restart", [False, True], ids=["dropped-connection", "server-restart"])
def test_an_upload_goes_on_after_an_interruption(new_server, repo, restart):
    """The status says how far the bytes came; the client sends the rest, even after a restart."""
    server = new_server()
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    data = oci.random_blob(2_000_000)
    location = send_chunk(admin, admin.start_upload(repo), data[:100_000], 0).headers["Location"]
    send_part(server, location, data[100_000:], 900_000)
    offset = wait_for_offset(admin, location, 1_000_000)
    assert offset >= 100_000, "acknowledged bytes were lost"
    if restart:
        server.restart()
        admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
        kept = range_end(status(admin, location)) + 1
        assert kept >= offset, "acknowledged bytes were lost"
        offset = kept
    answer, begun = send_rest(admin, location, data, offset)
    assert answer.status_code == 202
    assert offset <= begun <= 1_000_000
    assert admin.finish_upload(answer.headers["Location"], oci.digest(data)).status_code == 201
    assert_pulls(admin, repo, data)


def test_a_restart_keeps_the_hash_state(new_server, repo):
    """Both hashes go on where they stood, whatever was announced."""
    server = new_server()
    data = oci.random_blob(1_000_003)
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    locations = {name: registry.start_upload(repo, **({"digest-algorithm": name} if name == "sha512" else {}))
                 for name in ("sha256", "sha512")}
    for name, location in locations.items():
        locations[name] = send_chunk(registry, location, data[:333_333], 0).headers["Location"]
    server.restart()
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    for name, location in locations.items():
        assert registry.finish_upload(location, oci.digest(data, name), data[333_333:]).status_code == 201
        assert_pulls(registry, repo, data, name)


def test_two_patches_at_once_have_one_winner(admin, server, repo):
    """Neither mixes into the other: the session holds one body or the other, whole."""
    bodies = [b"a" * 400_000, b"b" * 400_000]
    location = admin.start_upload(repo)
    answers = [None, None]

    def run(i):
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        answers[i] = send_chunk(registry, location, bodies[i], 0).status_code

    threads = [threading.Thread(target=run, args=(i,)) for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(202) == 1, answers
    assert all(code in (202, 409, 416, 429, 503) for code in answers), answers
    winner = bodies[answers.index(202)]
    assert admin.finish_upload(location, oci.digest(winner)).status_code == 201
    assert_pulls(admin, repo, winner)


def test_many_clients_push_the_same_blob(admin, server, repo):
    """The same digest from eight sides at once: every one gets its 201 and the bytes are right."""
    data = oci.random_blob(200_000)
    answers = []

    def run(i):
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        answers.append(registry.finish_upload(registry.start_upload(f"{repo}-{i % 2}"),
                                              oci.digest(data), data).status_code)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 8
    for i in (0, 1):
        assert_pulls(admin, f"{repo}-{i}", data)


def test_expect_100_continue(server, repo, admin):
    """An allowed upload is invited to send its body."""
    data = oci.random_blob(1000)
    target = with_query(admin.start_upload(repo), digest=oci.digest(data))
    with RawConnection(server.address()) as connection:
        connection.send(request("PUT", target, [("Authorization", ADMIN_BASIC), ("Content-Length", len(data)),
                                                ("Expect", "100-continue")]))
        assert connection.answer().status == 100
        connection.send(data)
        assert connection.answer("PUT").status == 201
    assert_pulls(admin, repo, data)
