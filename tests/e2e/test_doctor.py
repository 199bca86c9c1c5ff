"""`assay doctor`: green on a healthy registry, and each trouble of the disk, the files and the settings has its finding
with a next step."""

import json

from harness import oci
from harness.client import admin_of
from harness.server import run_assay
from test_damage import object_of, wait_for

CHECKS = ["registry", "storage", "durability", "disk", "database", "damage", "quotas", "scrub", "webhooks", "clock", "keys", "certificate", "limits",
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


def only_the_registry_is_red(server, *options):
    found = doctor(server, *options)
    assert [name for name, check in found.items() if check["color"] == "red"] == ["registry"], found
    return found


def test_postgresql_is_asked_for_its_settings(new_server, cluster):
    server = new_server("--database", cluster.url(cluster.new_database()))
    assert doctor(server)["database"]["color"] == "green"
    for name in ("fsync", "full_page_writes"):
        cluster.sql(f"ALTER SYSTEM SET {name} = off")
        cluster.sql("SELECT pg_reload_conf()")
        try:
            wait_for(lambda: cluster.sql(f"SHOW {name}") == [["off"]])
            wait_for(lambda: doctor(server)["database"]["color"] == "red")
            assert name in doctor(server)["database"]["text"]
        finally:
            cluster.sql(f"ALTER SYSTEM RESET {name}")
            cluster.sql("SELECT pg_reload_conf()")
            wait_for(lambda: cluster.sql(f"SHOW {name}") == [["on"]])
    wait_for(lambda: doctor(server)["database"]["color"] == "green")


def test_what_keeps_a_registry_from_opening_is_said(new_server, tmp_path):
    server = new_server()
    server.stop()
    key = (server.data / "key").read_text()
    (server.data / "key").write_text("0" * 64 + "\n")
    found = only_the_registry_is_red(server)
    assert "key file" in found["registry"]["text"]
    assert {found[name]["color"] for name in ("storage", "damage", "keys")} == {"yellow"}
    assert {found[name]["color"] for name in ("certificate", "ownership", "settings")} == {"green"}
    assert "key" in run_assay("doctor", *server.arguments).stderr
    (server.data / "key").write_text(key)
    (server.data / "blobs").rename(server.data / "away")
    assert "volume" in only_the_registry_is_red(server)["registry"]["text"]
    (server.data / "away").rename(server.data / "blobs")
    assert doctor(server)["registry"]["color"] == "green"
    away = only_the_registry_is_red(server, "--database", "postgresql://nobody@127.0.0.1:1/no")
    assert "database" in away["registry"]["text"]
    done = run_assay("doctor", "--data", tmp_path / "nowhere")
    assert done.returncode == 1 and "no registry" in done.stderr
    assert run_assay("doctor", "--what", "--data", server.data).returncode == 2
