"""How people log in, by DTR's accounts API: how long sessions live can be changed, the rest is constant."""

import pytest

from harness.client import admin_of
from harness.people import People, refused

CONFIG = "/enzi/v0/config/auth"


@pytest.fixture
def admin(new_server):
    return admin_of(new_server())


def test_sessions_are_settings_of_the_registry(admin):
    config = admin.get(CONFIG).json()
    assert config == {
        "backend": "managed", "defaultNewUserRole": "", "samlEnabled": False, "samlLoginText": "",
        "saml": {"idpMetadataURL": "", "rootCerts": "", "spHost": "", "tlsSkipVerify": False},
        "sessions": {"lifetimeMinutes": 60, "renewalThresholdMinutes": 20, "perUserLimit": 10}}
    assert admin.put(CONFIG, json=config).json() == config, "it can be sent back"

    changed = {"lifetimeMinutes": 4320, "renewalThresholdMinutes": 1440, "perUserLimit": 5}
    answer = admin.put(CONFIG, json={"backend": "managed", "sessions": changed})
    assert answer.status_code == 200 and answer.json()["sessions"] == changed
    assert admin.get(CONFIG).json()["sessions"] == changed
    answer = admin.put(CONFIG, json={"sessions": {"renewalThresholdMinutes": 0, "more": 1}})
    assert answer.json()["sessions"] == changed | {"renewalThresholdMinutes": 0}
    assert "more" in answer.headers["Warning"]
    records = admin.get("/api/v1/audit", params={"action": "SETTING_CHANGED"}).json()["records"]
    assert {x["object"] for x in records} == {"session-life", "session-renewal", "session-limit"}
    assert len(records) == 4, "what is so already is no change"


@pytest.mark.parametrize("body, word", [
    ({"backend": "ldap"}, "backend"), ({"samlEnabled": True}, "samlEnabled"), ({"samlLoginText": "x"}, "samlEnabled"),
    ({"defaultNewUserRole": "fullcontrol"}, "defaultNewUserRole"), ({"saml": {"idpMetadataURL": "https://x"}}, "saml"),
    ({"saml": {"tlsSkipVerify": True}}, "saml"), ({"sessions": {"lifetimeMinutes": 9}}, "sessions.lifetimeMinutes"),
    ({"sessions": {"lifetimeMinutes": 525601}}, "sessions.lifetimeMinutes"),
    ({"sessions": {"lifetimeMinutes": 20}}, "sessions.renewalThresholdMinutes"),
    ({"sessions": {"renewalThresholdMinutes": 56}}, "sessions.renewalThresholdMinutes"),
    ({"sessions": {"renewalThresholdMinutes": -1}}, "sessions.renewalThresholdMinutes"),
    ({"sessions": {"perUserLimit": -1}}, "sessions.perUserLimit"),
    ({"sessions": {"perUserLimit": 1001}}, "sessions.perUserLimit"),
    ({"sessions": {"perUserLimit": "ten"}}, "perUserLimit"), ({"sessions": []}, "sessions"),
])
def test_what_is_constant_says_what_to_do(server, body, word):
    admin = admin_of(server)
    before = admin.get(CONFIG).json()
    answer = admin.put(CONFIG, json=body)
    assert answer.status_code == 400 and word in answer.json()["errors"][0]["message"], answer.text
    assert admin.get(CONFIG).json() == before


def test_only_system_admins(server, anonymous):
    user = People(admin_of(server)).user()
    for method, body in (("GET", {}), ("PUT", {"json": {}})):
        refused(user.request(method, CONFIG, **body), 403, "NOT_AUTHORIZED")
        refused(anonymous.request(method, CONFIG, **body), 401, "NOT_AUTHENTICATED")
