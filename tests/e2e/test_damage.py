"""Damaged objects: no complete answer holds wrong bytes when reads are verified, no push relies on what is damaged, and
pushing again repairs it for everyone."""

import pathlib
import time
import time

import pytest

from harness import oci
from harness.client import admin_of, assert_error


def object_of(server, digest):
    """The file that holds the blob. A test alone with its server finds exactly one."""
    algorithm, digits = digest.split(":")
    found = list((pathlib.Path(server.data) / "blobs/blobs" / algorithm / digits[:2]).glob(digits + ".*"))
    assert len(found) == 1, found
    return found[0]


def flip_bit(path, offset=0):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_wrong_bytes_are_never_a_complete_answer(new_server):
    server = new_server("--verify-on-read")
    registry = admin_of(server)
    data = oci.random_blob(300_000)
    digest = registry.push_blob("admin/app", data)
    flip_bit(object_of(server, digest), 150_000)

    puller = registry.with_token("repository:admin/app:pull")
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=0-"}, {"Range": "bytes=-5"}):
        answer = puller.pull_blob("admin/app", digest, headers=headers)
        assert answer.status_code == 500, (headers, answer.status_code)
        assert data[:10] not in answer.content
    assert puller.head(f"/v2/admin/app/blobs/{digest}").status_code == 500
    assert "damage.found" in server.log() and digest in server.log()
    assert server.log().count("damage.found") == 1


@pytest.mark.parametrize("damage", ["missing", "truncated", "digest"])
def test_who_may_push_is_told_to_send_again_and_that_repairs(new_server, damage):
    server = new_server("--verify-on-read")
    registry = admin_of(server)
    image = registry.push_image("admin/app", "v1")
    layer = image.layers[0]
    digest = oci.digest(layer)
    registry.post("/v2/admin/copy/blobs/uploads/", params={"mount": digest, "from": "admin/app"})
    path = object_of(server, digest)
    {"missing": path.unlink, "truncated": lambda: path.write_bytes(layer[:-1]), "digest": lambda: flip_bit(path)}[damage]()

    puller = registry.with_token("repository:admin/app:pull", "repository:admin/copy:pull")
    assert puller.pull_blob("admin/app", digest).status_code == 500
    pusher = registry.with_token("repository:admin/app:pull,push", "repository:admin/copy:pull,push")
    assert_error(pusher.head(f"/v2/admin/app/blobs/{digest}"), 404)
    assert_error(pusher.pull_blob("admin/copy", digest), 404, "BLOB_UNKNOWN")
    mount = pusher.post("/v2/admin/copy/blobs/uploads/", params={"mount": digest, "from": "admin/app"})
    assert mount.status_code == 202, "a mount of a damaged blob promises what is not there"
    assert_error(pusher.put_manifest("admin/app", "v2", image.data), (400, 404), "MANIFEST_BLOB_UNKNOWN")

    assert pusher.push_blob("admin/copy", layer) == digest
    for repo in ("admin/app", "admin/copy"):
        answer = puller.pull_blob(repo, digest)
        assert answer.status_code == 200 and answer.content == layer
        assert pusher.head(f"/v2/{repo}/blobs/{digest}").status_code == 200
    assert pusher.put_manifest("admin/app", "v2", image.data).status_code == 201


def test_damage_that_shows_is_told_without_verifying_too(new_server):
    server = new_server()
    registry = admin_of(server)
    first, second = (registry.push_blob("admin/app", oci.random_blob(5000)) for _ in range(2))
    object_of(server, first).unlink()
    object_of(server, second).write_bytes(b"short")
    puller = registry.with_token("repository:admin/app:pull")
    assert puller.pull_blob("admin/app", first).status_code == 500
    assert puller.pull_blob("admin/app", second).status_code == 500
    assert server.log().count("damage.found") == 2
    assert registry.get("/readyz").status_code == 200


def test_known_damage_survives_a_restart(new_server):
    server = new_server()
    registry = admin_of(server)
    data = oci.random_blob(5000)
    digest = registry.push_blob("admin/app", data)
    object_of(server, digest).unlink()
    assert_error(registry.head(f"/v2/admin/app/blobs/{digest}"), 404)
    server.restart()
    registry = admin_of(server)
    assert_error(registry.head(f"/v2/admin/app/blobs/{digest}"), 404)
    registry.push_blob("admin/app", data)
    assert registry.pull_blob("admin/app", digest).content == data


def metric(registry, name):
    answer = registry.get("/metrics")
    assert answer.status_code == 200
    return next(float(line.split()[-1]) for line in answer.text.splitlines() if line.startswith(name))


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.1)


def test_the_scrub_finds_damage_by_itself(new_server):
    server = new_server("--scrub-interval", "1s", "--scrub-rate", "1GiB")
    registry = admin_of(server)
    missing, flipped = (registry.push_blob("admin/app", oci.random_blob(5000)) for _ in range(2))
    object_of(server, missing).unlink()
    flip_bit(object_of(server, flipped), 4999)
    wait_for(lambda: metric(registry, "assay_damaged_objects ") == 2)
    for digest in (missing, flipped):
        assert_error(registry.head(f"/v2/admin/app/blobs/{digest}"), 404)
    assert registry.get("/readyz").status_code == 200
    assert metric(registry, 'assay_scrub_finished_timestamp_seconds{scrub="size"}') > 0
    log = server.log()
    assert log.count("damage.found") == 2


def test_a_scrub_at_work_ends_with_the_server_and_goes_on(new_server):
    server = new_server("--scrub-interval", "30d", "--scrub-rate", "1KiB")
    registry = admin_of(server)
    registry.push_blob("admin/app", oci.random_blob(1_000_000))
    server.restart()  # a pass that would take a quarter of an hour begins with the first look, and SIGTERM ends it
    registry = admin_of(server)
    server.admin("set", "scrub-rate", "1GiB")
    wait_for(lambda: metric(registry, 'assay_scrub_finished_timestamp_seconds{scrub="hash"}') > 0)
