"""`assay doctor`: green on a healthy registry, and each trouble of the disk, the files and the settings has its finding
with a next step."""

import json

from harness import oci
from harness.client import admin_of
from harness.server import run_assay
from test_damage import object_of

CHECKS = ["storage", "durability", "disk", "database", "damage", "scrub", "clock", "keys", "certificate", "limits",
          "ownership", "settings"]


def doctor(server, *options):
    done = run_assay("doctor", "-o", "json", *server.arguments, *options, timeout=120)
    report = json.loads(done.stdout)
    found = {check["check"]: check for check in report["checks"]}
    assert list(found) == CHECKS
    assert report["healthy"] == (done.returncode == 0) == all(check["color"] != "red" for check in found.values())
    for check in found.values():
        assert check["text"] and (check["color"] == "green") == (check["next"] is None), check
    return found


def test_a_healthy_registry_is_healthy(new_server):
    server = new_server()
    admin_of(server).push_image("admin/app", "v1")
    beside = doctor(server)
    for name in ("storage", "database", "damage", "keys", "certificate", "ownership", "settings"):
        assert beside[name]["color"] == "green", beside[name]
    text = run_assay("doctor", *server.arguments)
    assert "green" in text.stdout and all(len(line) < 200 for line in text.stdout.splitlines())
    server.stop()
    assert doctor(server)["database"]["color"] == "green"


def test_troubles_are_red_or_yellow(new_server):
    server = new_server()
    registry = admin_of(server)
    digest = registry.push_blob("admin/app", oci.random_blob())
    object_of(server, digest).unlink()
    registry.head(f"/v2/admin/app/blobs/{digest}")
    (server.data / "key").chmod(0o644)
    (server.data / "stray").write_text("")
    (server.data / "stray").chmod(0o666)
    server.admin("set", "read-only", "on")
    server.admin("set", "scrub-rate", "0")
    found = doctor(server)
    assert {name: found[name]["color"] for name in ("damage", "keys", "ownership", "settings", "scrub")} == {
        "damage": "red", "keys": "red", "ownership": "red", "settings": "yellow", "scrub": "yellow"}
    (server.data / "stray").unlink()
    (server.data / "stray").symlink_to("/etc/passwd")
    assert "link" in doctor(server)["ownership"]["text"]
    marker = server.data / "blobs/assay-store"
    marker.rename(marker.with_suffix(".away"))
    assert doctor(server)["storage"]["color"] == "red"
    marker.with_suffix(".away").rename(marker)
    assert doctor(server)["storage"]["color"] == "green"


def test_what_keeps_a_registry_from_opening_is_said(new_server, tmp_path):
    server = new_server()
    server.stop()
    (server.data / "key").write_text("0" * 64 + "\n")
    done = run_assay("doctor", *server.arguments)
    assert done.returncode == 1 and "key" in done.stderr
    done = run_assay("doctor", "--data", tmp_path / "nowhere")
    assert done.returncode == 1 and "no registry" in done.stderr
    assert run_assay("doctor", "--what", "--data", server.data).returncode == 2
