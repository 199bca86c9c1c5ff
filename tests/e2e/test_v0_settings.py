"""DTR's settings: some are this registry's own, the rest constants and facts that can be sent back; the storage in
force is accepted and any other refused; alerts and the state of the nodes are the truth."""

import re
import time

import pytest

from harness.client import Registry
from harness.people import People, refused
from harness.server import ADMIN_PASSWORD

SETTINGS, STORAGE = "/api/v0/meta/settings", "/api/v0/admin/settings/registry"

READ = {
    "anonymizeAnalytics", "clientCertAuthEnabled", "createRepositoryOnPush", "disableBackupWarning",
    "disablePersistentCookies", "disableUpgrades", "dtrHost", "httpProxy", "httpsProxy", "jobHistoryCompactionEnabled",
    "jobHistoryMaxAge", "jobHistoryToKeep", "logHost", "logLevel", "logProtocol", "nfsHost", "nfsPath", "noProxy",
    "readOnlyRegistry", "replicaID", "replicaSettings", "repoEventHistoryCompactionEnabled", "repoEventHistoryMaxAge",
    "repoEventHistoryToKeep", "reportAnalytics", "scanningDeadline", "scanningEnableAutoRecheck", "scanningEnabled",
    "scanningSyncOnline", "sso", "storageVolume", "webTLSCA", "webTLSCert", "webTLSClientCA",
    "auditAuthLogsEnabled", "customCACertBundle",
}


@pytest.fixture
def own(new_server):
    """A server of the test's own, for its settings change."""
    return new_server(https="127.0.0.1:0")


@pytest.fixture
def boss(own):
    return Registry(own.url(), "admin", ADMIN_PASSWORD)


def test_all_keys_are_there_and_can_be_sent_back(admin):
    settings = admin.get(SETTINGS).json()
    assert set(settings) == READ
    answer = admin.post(SETTINGS, json=settings)
    assert answer.status_code == 202, answer.text
    for name in ("httpProxy", "logLevel", "replicaID", "replicaSettings", "storageVolume"):
        assert name in answer.headers["Warning"], "what was only ever shown is named as ignored"
    assert admin.get(SETTINGS).json() == settings
    assert admin.get("/api/v1/audit", params={"request": answer.headers["X-Request-Id"]}).json() == {"records": []}


def test_facts_of_the_node(server, admin):
    settings = admin.get(SETTINGS).json()
    assert re.fullmatch("[0-9a-f]{12}", settings["replicaID"])
    assert settings["replicaID"] == (server.data / "node").read_text().strip()
    assert list(settings["replicaSettings"]) == [settings["replicaID"]]
    assert set(settings["replicaSettings"][settings["replicaID"]]) == {"HTTPPort", "HTTPSPort", "node"}
    assert settings["storageVolume"].endswith("/blobs")
    assert settings["webTLSCA"] == admin.get("/ca").text
    assert settings["webTLSCert"].startswith("-----BEGIN CERTIFICATE-----") and "PRIVATE" not in str(settings)
    assert settings["logLevel"] == server.env["ASSAY_LOG_LEVEL"] and settings["logProtocol"] == "internal"


def test_the_id_of_a_node_is_stable(own, boss):
    before = boss.get(SETTINGS).json()["replicaID"]
    own.restart()
    assert Registry(own.url(), "admin", ADMIN_PASSWORD).get(SETTINGS).json()["replicaID"] == before


def test_create_on_push_and_read_only_are_settings(own, boss):
    assert boss.post(SETTINGS, json={"createRepositoryOnPush": False}).status_code == 202
    assert boss.get(SETTINGS).json()["createRepositoryOnPush"] is False
    assert boss.post("/v2/admin/new/blobs/uploads/").status_code == 404
    assert boss.post(SETTINGS, json={"createRepositoryOnPush": True}).status_code == 202
    boss.push_image("admin/new", "v1")

    answer = boss.post(SETTINGS, json={"readOnlyRegistry": True})
    assert answer.status_code == 202
    assert boss.post("/v2/admin/new/blobs/uploads/").status_code == 405, "at once on the node that was asked"
    record = boss.get("/api/v1/audit", params={"request": answer.headers["X-Request-Id"]}).json()["records"]
    assert [(entry["object"], entry["before"], entry["after"]) for entry in record] == [("read-only", "off", "on")]
    assert boss.get("/api/v0/meta/cluster_status").json()["replica_readonly"] == {boss.get(SETTINGS).json()["replicaID"]: True}
    assert boss.post(SETTINGS, json={"readOnlyRegistry": False}).status_code == 202
    boss.push_image("admin/new", "v2")


@pytest.mark.parametrize("field, value, instead", [
    ("sso", True, "password"), ("reportAnalytics", True, "nothing"), ("anonymizeAnalytics", False, "nothing"),
    ("disableUpgrades", False, "package"), ("clientCertAuthEnabled", True, "password"), ("dtrHost", "x.example", "external-url"),
    ("jobHistoryToKeep", -5, "jobHistoryToKeep"), ("jobHistoryMaxAge", "soon", "span of time"),
    ("repoEventHistoryToKeep", -5, "repoEventHistoryToKeep"), ("repoEventHistoryMaxAge", "soon", "span of time"),
    ("scanningEnabled", True, "scan"), ("webTLSCert", "x", "--tls-cert"), ("webTLSKey", "x", "--tls-key"),
    ("webTLSClientCA", "x", "password"), ("customCACertBundle", "x", "no certificate"), ("auditAuthLogsEnabled", False, "audit"),
    ("disableBackupWarning", False, "backup"),
])
def test_constants_say_what_to_do_instead(admin, field, value, instead):
    before = admin.get(SETTINGS).json()
    answer = admin.post(SETTINGS, json={"readOnlyRegistry": True, field: value})
    error = refused(answer, 400, "INVALID_SETTINGS", field)
    assert instead in error["message"]
    assert admin.get(SETTINGS).json() == before, "all of a body or nothing"


def test_authorities_for_what_goes_out(own, boss):
    authority = boss.get("/ca").text
    assert boss.get(SETTINGS).json()["customCACertBundle"] == ""
    assert boss.post(SETTINGS, json={"customCACertBundle": authority + authority}).status_code == 202
    assert boss.get(SETTINGS).json()["customCACertBundle"] == authority + authority
    error = refused(boss.post(SETTINGS, json={"customCACertBundle": authority.replace("M", "!")}), 400,
                    "INVALID_SETTINGS", "customCACertBundle")
    assert "customCACertBundle" in error["message"]
    assert boss.get(SETTINGS).json()["customCACertBundle"] == authority + authority
    assert boss.post(SETTINGS, json={"customCACertBundle": ""}).status_code == 202
    assert boss.get(SETTINGS).json()["customCACertBundle"] == ""
    assert own.admin("set", "ca-bundle", authority)
    assert boss.get(SETTINGS).json()["customCACertBundle"] == authority


def test_proxies_are_shown_without_their_passwords(new_server):
    running = new_server("--http-proxy", "http://joe:pr0xypass@proxy.example:3128", "--https-proxy", "https://proxy.example",
                         "--no-proxy", "localhost,.corp.example,10.0.0.0/8")
    settings = Registry(running.url(), "admin", ADMIN_PASSWORD).get(SETTINGS).json()
    assert settings["httpProxy"] == "http://proxy.example:3128"
    assert settings["httpsProxy"] == "https://proxy.example"
    assert settings["noProxy"] == "localhost,.corp.example,10.0.0.0/8"


@pytest.mark.parametrize("body, about", [
    ({"readOnlyRegistry": "yes"}, "readOnlyRegistry"), ({"jobHistoryToKeep": 1.5}, "jobHistoryToKeep"),
    ({"READONLYREGISTRY": True}, "READONLYREGISTRY"), ([], ""),
])
def test_a_bad_value_is_named(admin, body, about):
    answer = admin.post(SETTINGS, json=body)
    assert answer.status_code == 400 and about in answer.json()["errors"][0]["message"]
    assert admin.post(SETTINGS, data='{"sso": false, "sso": false}').status_code == 400


@pytest.mark.parametrize("method, path", [
    ("GET", SETTINGS), ("POST", SETTINGS), ("GET", "/api/v0/meta/alerts"), ("GET", "/api/v0/meta/cluster_status"),
    ("GET", STORAGE), ("PUT", STORAGE), ("PUT", STORAGE + "/simple"),
])
def test_for_system_admins_alone(admin, anonymous, method, path):
    someone = People(admin).user()
    assert someone.request(method, path, json={}).status_code == 403
    assert anonymous.request(method, path, json={}).status_code == 401


# The storage.


def test_the_storage_in_force_is_accepted(own, boss):
    now = boss.get(STORAGE).json()
    assert now == {"storage": {"delete": {"enabled": True}, "maintenance": {"readonly": {"enabled": False}},
                               "filesystem": {"rootdirectory": str(own.data / "blobs")}}, "keep_metadata": True}
    for path in STORAGE, STORAGE + "/simple":
        answer = boss.put(path, json=now)
        assert answer.status_code == 200 and answer.json() == now
    changed = boss.put(STORAGE + "/simple", json={"storage": {"delete": {"enabled": False},
                                                              "maintenance": {"readonly": {"enabled": True}}}})
    assert changed.status_code == 200
    assert changed.json()["storage"]["delete"] == {"enabled": False}
    assert changed.json()["storage"]["maintenance"] == {"readonly": {"enabled": True}}
    assert boss.get(SETTINGS).json()["readOnlyRegistry"] is True
    assert boss.post("/v2/admin/x/blobs/uploads/").status_code == 405


@pytest.mark.parametrize("storage", [
    {"s3": {"bucket": "b", "region": "r"}}, {"azure": {}}, {"gcs": {}}, {"swift": {}}, {"oss": {}},
    {"filesystem": {"rootdirectory": "/elsewhere"}},
])
def test_any_other_storage_is_refused_with_what_to_do(admin, storage):
    for path in STORAGE, STORAGE + "/simple":
        answer = admin.put(path, json={"storage": {"delete": {"enabled": False}} | storage})
        error = refused(answer, 400, "INVALID_SETTINGS")
        assert "--storage" in error["message"] or "`storage`" in error["message"]
    assert admin.get(STORAGE).json()["storage"]["delete"] == {"enabled": True}
    assert admin.put(STORAGE, json={"keep_metadata": False}).status_code == 400


# The state.


def test_the_nodes_as_they_are(server, admin):
    node = admin.get(SETTINGS).json()["replicaID"]
    deadline = time.monotonic() + 60
    while node not in (status := admin.get("/api/v0/meta/cluster_status").json())["replica_health"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert set(status) == {"gc_lock_holder", "replica_health", "replica_readonly", "replica_timestamp", "rethink_system_tables"}
    assert status["replica_health"] == {node: "OK"} and status["replica_readonly"] == {node: False}
    assert re.match(r"\d{4}-\d\d-\d\dT", status["replica_timestamp"][node])
    assert status["rethink_system_tables"] == {} and status["gc_lock_holder"] == ""


def test_alerts_are_true(own, boss):
    def alerts():
        answer = boss.get("/api/v0/meta/alerts")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert all(set(alert) == {"message", "class", "id"} and alert["class"] in ("warning", "error") for alert in found)
        return {alert["id"]: alert["message"] for alert in found}

    assert "damage" not in alerts() and "settings" not in alerts()
    boss.post(SETTINGS, json={"readOnlyRegistry": True})
    assert "read-only" in alerts()["settings"]
    boss.post(SETTINGS, json={"readOnlyRegistry": False})
    (own.data / "key").chmod(0o644)
    assert "key file" in alerts()["keys"]
    (own.data / "key").chmod(0o600)
    assert "keys" not in alerts()
