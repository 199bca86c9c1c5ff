"""`assay fsck`: a registry in use is clean; each kind of damage is named, with the images that suffer from it; derived
rows are made anew from the bytes of manifests; beside a running server and alone."""

import json
import os
import sqlite3

import pytest

from harness import oci
from harness.client import Registry, admin_of
from harness.server import ADMIN_PASSWORD, Server, run_assay
from test_damage import flip_bit, object_of


def fsck(server, *options):
    """The JSON report and the exit code."""
    done = run_assay("fsck", "-o", "json", *options, *server.arguments, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert (done.returncode == 1) == bool(report["findings"])
    assert report["counts"]["findings"] == len(report["findings"])
    return report


def kinds(report):
    return sorted(finding["kind"] for finding in report["findings"])


def break_rows(server, *statements):
    """Changes the database as only damage does, with no foreign key in the way."""
    with sqlite3.connect(server.data / "assay.db", timeout=20) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


@pytest.fixture
def registry(new_server):
    server = new_server()
    found = admin_of(server)
    found.server = server
    return found


def test_a_registry_in_use_is_clean(registry):
    image = registry.push_image("admin/app", "v1", layers=3)
    registry.push_index("admin/app", [image], "index")
    registry.push_artifact("admin/app", "application/spdx+json", subject=image)
    registry.push_image("admin/app", "old")
    registry.delete("/v2/admin/app/manifests/old")
    lone = registry.push_blob("admin/app", oci.random_blob())
    assert registry.delete(f"/v2/admin/app/blobs/{lone}").status_code == 202
    registry.start_upload("admin/app")

    report = fsck(registry.server, "--rehash")
    assert report["findings"] == []
    assert report["counts"]["blobs"] == report["counts"]["objects"] == 9
    assert report["counts"]["manifests"] == 4 and report["counts"]["tags"] == 2 and report["counts"]["unused"] == 1
    assert report["counts"]["bytesHashed"] == report["counts"]["bytes"] > 0
    text = run_assay("fsck", *registry.server.arguments)
    assert text.returncode == 0 and "all is well" in text.stdout

    registry.server.stop()
    assert fsck(registry.server, "--rehash")["findings"] == []


def test_damaged_objects_are_named_with_their_images(registry):
    image = registry.push_image("admin/app", "v1", layers=3, layer_size=5000)
    registry.push_index("admin/app", [image], "all")
    registry.push_image("admin/other", "v1")
    missing, cut, flipped = (oci.digest(layer) for layer in image.layers)
    object_of(registry.server, missing).unlink()
    object_of(registry.server, cut).write_bytes(b"short")
    flip_bit(object_of(registry.server, flipped), 4000)

    report = fsck(registry.server)
    assert kinds(report) == ["missing", "size"], "without --rehash nothing is hashed"
    report = fsck(registry.server, "--rehash")
    assert {(f["kind"], f["object"]) for f in report["findings"]} == {
        ("missing", missing), ("size", cut), ("digest", flipped)}
    for finding in report["findings"]:
        assert sorted(finding["images"]) == ["admin/app:all", "admin/app:v1"], finding
    assert registry.head(f"/v2/admin/app/blobs/{flipped}").status_code == 404, "what fsck found is known"

    registry.push_blobs("admin/app", *image.layers)
    assert fsck(registry.server, "--rehash")["findings"] == []


def test_a_file_that_comes_back_ends_its_damage(registry):
    image = registry.push_image("admin/app", "v1")
    digest = oci.digest(image.layers[0])
    path = object_of(registry.server, digest)
    path.rename(path.with_suffix(".kept"))
    assert kinds(fsck(registry.server)) == ["missing"]
    path.with_suffix(".kept").rename(path)
    assert fsck(registry.server)["findings"] == []
    assert registry.head(f"/v2/admin/app/blobs/{digest}").status_code == 200


def test_orphans_are_told_and_kept(registry):
    digest = registry.push_blob("admin/app", oci.random_blob())
    known = object_of(registry.server, digest)
    stray = known.with_name(known.name.split(".")[0] + "." + "0" * 32)
    stray.write_bytes(b"nobody's")
    assert fsck(registry.server)["findings"] == [], "a young object beside a server may have its rows yet to come"
    os.utime(stray, (1_700_000_000, 1_700_000_000))
    report = fsck(registry.server, "--repair-index")
    assert kinds(report) == ["orphan"] and stray.name in report["findings"][0]["object"]
    assert stray.exists()


BREAKS = [
    ("manifest-blobs", "DELETE FROM manifest_blobs"),
    ("manifest-children", "DELETE FROM manifest_children"),
    ("manifest-columns", "UPDATE manifests SET total_size = 1"),
    ("manifest-columns", "UPDATE manifests SET depth = 5 WHERE depth = 1"),
    ("manifest-columns", "UPDATE manifests SET artifact_type = 'x', config_type = 'y'"),
    ("manifest-columns", "UPDATE manifests SET referrer = '{}' WHERE subject IS NOT NULL"),
    ("manifest-columns", "UPDATE manifests SET referrer = NULL, subject = NULL WHERE subject IS NOT NULL"),
    ("quota-sum", "UPDATE quotas SET bytes = bytes + 7 WHERE path = ''"),
    ("quota-sum", "UPDATE quotas SET tags = tags + 3 WHERE path = 'admin'"),
    ("doomed-in-use", "INSERT INTO doomed_objects SELECT object_key, 1, 9000000000000000 FROM blobs LIMIT 1"),
    ("pending-in-use", "INSERT INTO pending_objects SELECT object_key, 9000000000000000 FROM blobs LIMIT 1"),
]


@pytest.mark.sqlite
def test_rows_that_follow_from_others_are_made_anew(registry):
    for path in ("", "admin"):
        assert registry.put("/api/v1/quotas", json={"path": path, "bytes": 10**9}).status_code == 200
    image = registry.push_image("admin/app", "v1", layers=2)
    registry.push_index("admin/app", [image], "all")
    registry.push_artifact("admin/app", "application/spdx+json", subject=image)
    server = registry.server
    referrers = registry.referrers("admin/app", image.digest)
    for kind, statement in BREAKS:
        break_rows(server, statement)
        broken = fsck(server)
        assert set(kinds(broken)) == {kind}, statement
        assert not any(finding["repaired"] for finding in broken["findings"])
        repaired = fsck(server, "--repair-index")
        assert kinds(repaired) == kinds(broken) and all(finding["repaired"] for finding in repaired["findings"])
        assert fsck(server)["findings"] == [], statement
    assert registry.referrers("admin/app", image.digest) == referrers
    break_rows(server, "INSERT INTO manifest_blobs SELECT repo_id, digest, (SELECT digest FROM blobs LIMIT 1)"
                       " FROM manifests WHERE depth = 1")
    assert kinds(fsck(server, "--repair-index")) == ["manifest-blobs"]
    assert fsck(server)["findings"] == []


@pytest.mark.sqlite
@pytest.mark.parametrize("kind, statement", [
    ("tag-target", "UPDATE manifests SET deleted_at = 1"),
    ("manifest-digest", "UPDATE manifests SET bytes = CAST(replace(CAST(bytes AS TEXT), '2', '3') AS BLOB)"),
    ("manifest-form", "UPDATE manifests SET media_type = 'application/vnd.oci.image.index.v1+json'"),
    ("unlinked", "DELETE FROM gc_queue WHERE kind = 'blob'"),
    ("manifest-blob-unknown", "DELETE FROM blobs WHERE digest IN (SELECT digest FROM manifest_blobs LIMIT 1)"),
])
def test_what_only_people_can_mend_is_told(registry, kind, statement):
    registry.push_image("admin/app", "v1", layers=2)
    lone = registry.push_blob("admin/app", oci.random_blob())
    registry.delete(f"/v2/admin/app/blobs/{lone}")
    break_rows(registry.server, statement)
    for options in ((), ("--repair-index",)):
        report = fsck(registry.server, *options)
        assert kind in kinds(report)
        assert not any(finding["repaired"] for finding in report["findings"] if finding["kind"] == kind)


def test_wrong_usage_and_no_registry(tmp_path):
    assert run_assay("fsck", "--rehash", "again", "--data", tmp_path).returncode == 2
    assert run_assay("fsck", "-o", "xml", "--data", tmp_path).returncode == 2
    assert run_assay("fsck", "--unknown", "--data", tmp_path).returncode == 2
    done = run_assay("fsck", "--data", tmp_path / "nowhere")
    assert done.returncode == 1 and "no registry" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_beside_a_server_other_commands_are_served(registry):
    """A check that takes its time holds up neither the admin socket nor the end of the server."""
    registry.push_image("admin/app", "v1")
    assert fsck(registry.server)["findings"] == []
    registry.server.admin("repo-visibility", "admin/app", "public")
    assert fsck(registry.server)["findings"] == []


def test_pages_and_many_repositories(tmp_path):
    """More rows than a page holds."""
    with Server(tmp_path / "data") as server:
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        data = registry.push_image("admin/app", "v1").data
        for number in range(20):
            registry.put_manifest("admin/app", f"t{number}", data + b" " * number)
        digest = registry.push_blob("admin/app", b"x")
        with sqlite3.connect(server.data / "assay.db", timeout=20) as database:
            database.executemany(
                "INSERT INTO tags (repo_id, name, digest, moved_at, moved_by, created_at) SELECT repo_id, ?, digest, 1, 1, 1"
                " FROM manifests LIMIT 1",
                [(f"many-{number}",) for number in range(1200)])
        database.close()
        report = fsck(server)
        assert report["findings"] == []
        assert report["counts"]["tags"] == 1221 and report["counts"]["manifests"] == 20
        assert digest
