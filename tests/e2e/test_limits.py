"""The table of limits: each passes at its value, one more is refused with a clear answer, and the server stays well."""

import base64
import threading
import time

import pytest

from harness import oci
from harness.client import Registry, assert_error
from harness.raw import RawConnection, exchange, request
from harness.server import ADMIN_PASSWORD

AUTH = ("Authorization", "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode())
MANIFEST_LIMIT = 4 * oci.MIB


def test_a_manifest_of_4_mib_passes(admin, repo, image):
    data = oci.padded(image.document, MANIFEST_LIMIT)
    admin.push_manifest(repo, "full", data)
    assert admin.pull_manifest(repo, "full").content == data


@pytest.mark.parametrize("chunked", [False, True])
def test_a_manifest_of_one_byte_more_is_refused(admin, repo, image, chunked):
    data = oci.padded(image.document, MANIFEST_LIMIT + 1)
    answer = admin.put(f"/v2/{repo}/manifests/over", headers={"Content-Type": oci.OCI_MANIFEST},
                       data=iter([data[:100], data[100:]]) if chunked else data)
    assert_error(answer, 413, "MANIFEST_INVALID", "SIZE_INVALID")
    assert admin.tags(repo) == ["v1"]


def test_a_manifest_that_announces_too_much_is_refused_before_it_comes(server, repo, image):
    for length in (MANIFEST_LIMIT + 1, 2**62):
        with RawConnection(server.address()) as connection:
            connection.send(request("PUT", f"/v2/{repo}/manifests/v2", [
                AUTH, ("Content-Type", oci.OCI_MANIFEST), ("Content-Length", length), ("Expect", "100-continue")]))
            assert connection.answer().status == 413


def test_an_endless_chunked_manifest_is_cut(server, repo, image):
    with RawConnection(server.address()) as connection:
        connection.send(request("PUT", f"/v2/{repo}/manifests/v2", [
            AUTH, ("Content-Type", oci.OCI_MANIFEST), ("Transfer-Encoding", "chunked")]))
        block, sent = b"100000\r\n" + b" " * 0x100000 + b"\r\n", 0
        try:
            while sent < 64:
                connection.sock.sendall(block)
                sent += 1
        except OSError:
            pass
        assert sent < 64
    server.check_alive()


def test_a_manifest_with_a_content_encoding_is_refused(admin, repo, image):
    answer = admin.put(f"/v2/{repo}/manifests/v2", data=image.data,
                       headers={"Content-Type": oci.OCI_MANIFEST, "Content-Encoding": "gzip"})
    assert_error(answer, 415)


def test_64_kib_of_form_pass_and_one_more_does_not(anonymous):
    start = b"grant_type=x&client_id=x&service=x&padding="
    for size, statuses in ((64 * 1024, (400,)), (64 * 1024 + 1, (413,))):
        answer = anonymous.post("/auth/token", data=start + b"x" * (size - len(start)),
                                headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code in statuses, size


def test_1000_open_uploads_pass_and_one_more_is_429(new_server):
    """Sessions younger than ten minutes are nobody's to evict."""
    running = new_server()
    locations = []

    def open_some(count):
        registry = Registry(running.url(), "admin", ADMIN_PASSWORD)
        for _ in range(count):
            locations.append(registry.start_upload("admin/many"))

    threads = [threading.Thread(target=open_some, args=(250,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(locations)) == 1000
    admin = Registry(running.url(), "admin", ADMIN_PASSWORD)
    refused = admin.post("/v2/admin/many/blobs/uploads/")
    assert_error(refused, 429, "TOOMANYREQUESTS")
    assert admin.delete(locations[0]).status_code == 204
    admin.start_upload("admin/many")


@pytest.mark.timeout(60)
def test_a_client_that_never_ends_its_headers_is_dropped(server):
    """The header deadline is 10 s, however many bytes trickle in."""
    with RawConnection(server.address(), timeout=30) as connection:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: a\r\n")
        start = time.monotonic()
        connection.sock.settimeout(1)
        while time.monotonic() - start < 20:
            try:
                connection.sock.sendall(b"X")
                if not connection.sock.recv(100):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 5 < time.monotonic() - start < 16
    server.check_alive()


@pytest.mark.timeout(60)
def test_a_client_that_drips_its_body_is_dropped(server):
    """Below 1 KiB/s after 10 s the connection goes; what a healthy client does is not disturbed."""
    with RawConnection(server.address(), timeout=30) as connection:
        connection.send(request("POST", "/v2/admin/drip/blobs/uploads/?digest=" + oci.digest(b""),
                                [AUTH, ("Content-Length", 1_000_000)]))
        start = time.monotonic()
        connection.sock.settimeout(0.5)
        while time.monotonic() - start < 30:
            try:
                connection.sock.sendall(b"x" * 10)
                if not connection.sock.recv(1000):
                    break
            except TimeoutError:
                assert exchange(server.address(), request("GET", "/livez")).status == 200
            except OSError:
                break
        assert 8 < time.monotonic() - start < 25
    server.check_alive()


def test_many_idle_connections_leave_the_server_quick(server):
    """Three hundred sockets that say nothing: a healthy request still takes well under a second."""
    idle = [RawConnection(server.address()) for _ in range(300)]
    try:
        start = time.monotonic()
        assert exchange(server.address(), request("GET", "/livez")).status == 200
        assert time.monotonic() - start < 1
    finally:
        for connection in idle:
            connection.close()


def test_parallel_wrong_passwords_do_not_stop_pulls(server, admin, repo, image):
    """Password hashing is bounded: guesses are refused or put off, pulls by token go on."""
    puller = admin.with_token(f"repository:{repo}:pull")
    statuses = []

    def guess(i):
        statuses.append(Registry(server.url(), "admin", f"guess{i}").get("/auth/token").status_code)

    threads = [threading.Thread(target=guess, args=(i,)) for i in range(60)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        start = time.monotonic()
        assert puller.pull_manifest(repo, "v1").status_code == 200
        assert time.monotonic() - start < 2
    for thread in threads:
        thread.join()
    assert set(statuses) <= {401, 429, 503} and 401 in statuses


def files_of(running):
    """All that lies in the data directory, but for what readiness tries the store with."""
    return sorted(str(path) for path in running.data.rglob("*") if path.name != "assay-probe")


def test_anonymous_traffic_leaves_nothing_behind(new_server):
    """Refused requests make no rows and no files."""
    running = new_server()
    anonymous = Registry(running.url())
    anonymous.get("/v2/")
    before = files_of(running)
    for i in range(100):
        anonymous.post(f"/v2/admin/r{i}/blobs/uploads/", data=b"x" * 100)
        anonymous.put(f"/v2/admin/r{i}/manifests/v1", data=b"{}")
    assert files_of(running) == before
    assert Registry(running.url(), "admin", ADMIN_PASSWORD).get("/v2/_catalog").json()["repositories"] == []


def test_metrics_stay_small(server, admin, anonymous):
    """Labels come from fixed sets: strange names and agents do not grow the page."""
    for i in range(200):
        anonymous.get(f"/v2/admin/metric{i}/tags/list", headers={"User-Agent": f"agent-{i}"})
    text = admin.get("/metrics").text
    assert len(text) < 1_000_000
    assert "metric199" not in text and "agent-199" not in text
