"""Webhooks: who is told of what, in which order, signed by whom, and what becomes of receivers that do not answer. Receivers
are real TLS servers of the test's own authority."""

import base64
import os
import threading

import pytest

from harness.cli import Cli
from harness.client import Registry, admin_of
from harness.people import People, refused, unique
from harness.receiver import Authority, Receiver, eventually
from harness.server import ADMIN_PASSWORD

SOON = {"ASSAY_WEBHOOK_RETRY": "20ms", "ASSAY_WEBHOOK_MAX_WAIT": "100ms", "ASSAY_WEBHOOK_FAILURES": "4"}
TYPES = ["TAG_PUSH", "TAG_PULL", "TAG_DELETE", "PROMOTION", "PUSH_MIRRORING", "POLL_MIRRORING", "MANIFEST_PUSH",
         "MANIFEST_PULL", "MANIFEST_DELETE", "REPO_EVENT", "SCAN_COMPLETED", "SCAN_FAILED", "SCANNER_UPDATE_COMPLETED"]
NEVER = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def authority(tmp):
    return Authority(tmp)


@pytest.fixture
def receiver(authority):
    with Receiver(authority) as running:
        yield running


@pytest.fixture
def hooked(new_server):
    """A server whose webhooks may go to this machine and are tried again soon."""
    return new_server("--egress-allow", "127.0.0.0/8", env=SOON)


@pytest.fixture
def boss(hooked):
    return admin_of(hooked)


def repository(registry, namespace="admin", **fields):
    name = unique("app")
    answer = registry.post(f"/api/v0/repositories/{namespace}", json={"name": name} | fields)
    assert answer.status_code == 201, answer.text
    return f"{namespace}/{name}"


def form(receiver, authority, type="TAG_PUSH", key="", **fields):
    return {"type": type, "key": key, "endpoint": receiver.url, "tlsCert": authority.pem} | fields


def subscribe(registry, *arguments, **fields):
    """By our own API: with a secret, and a shape."""
    answer = registry.post("/api/v1/webhooks", json=form(*arguments, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


def state_of(registry, hook):
    answer = registry.get(f"/api/v1/webhooks/{hook['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def log_of(registry, hook):
    return registry.get(f"/api/v1/webhooks/{hook['id']}/deliveries", params={"pageSize": 0}).json()["deliveries"]


def tags(calls):
    return [call.json["contents"]["tag"] for call in calls]


# -- subscriptions --------------------------------------------------------------------------------------------------


def test_dtr_s_routes_make_list_update_and_delete(boss, receiver, authority):
    repo = repository(boss)
    made = boss.post("/api/v0/webhooks", json=form(receiver, authority, key=repo))
    assert made.status_code == 201, made.text
    hook = made.json()
    assert set(hook) == {"authorID", "createdAt", "endpoint", "id", "inactive", "key", "skipTLSVerification", "tlsCert", "type"}
    assert hook["authorID"] == boss.get("/enzi/v0/accounts/admin").json()["id"]
    assert (hook["type"], hook["key"], hook["endpoint"], hook["inactive"], hook["skipTLSVerification"], hook["tlsCert"]) == (
        "TAG_PUSH", repo, receiver.url, False, False, authority.pem)

    assert boss.get("/api/v0/webhooks").json() == [hook]
    assert boss.get("/api/v0/webhooks", params={"webhookType": "any"}).json() == [hook]
    assert boss.get("/api/v0/webhooks", params={"webhookType": "TAG_DELETE"}).json() == []
    assert boss.get(f"/api/v0/repositories/{repo}/webhooks").json() == [hook]
    assert boss.get("/api/v0/accounts/admin/webhooks").json() == []
    refused(boss.get("/api/v0/webhooks", params={"webhookType": "TAG_BURN"}), 400, "INVALID_PARAMETERS", "webhookType")

    boss.push_image(repo, "v1")
    call = receiver.wait_for(1)[0]
    assert "webhook-signature" not in call.headers, "a webhook of DTR's routes has no secret"
    eventually(lambda: boss.get("/api/v0/webhooks").json()[0].get("lastSuccessfulAt"), "lastSuccessfulAt")

    off = boss.post("/api/v0/webhooks/update", json={"id": hook["id"], "inactive": True})
    assert off.status_code == 200 and [one["inactive"] for one in off.json()] == [True], off.text
    boss.push_image(repo, "v2")
    on = boss.post("/api/v0/webhooks/update", json={"id": hook["id"], "inactive": False})
    assert on.status_code == 200 and on.json()[0]["inactive"] is False
    boss.push_image(repo, "v3")
    assert tags(receiver.wait_for(2)) == ["v1", "v3"]

    assert boss.delete(f"/api/v0/webhooks/{hook['id']}").status_code == 204
    refused(boss.delete(f"/api/v0/webhooks/{hook['id']}"), 404, "NO_SUCH_WEBHOOK")
    refused(boss.post("/api/v0/webhooks/update", json={"id": NEVER}), 404, "NO_SUCH_WEBHOOK")
    assert boss.get("/api/v0/webhooks").json() == []


BAD = [
    ({"type": "TAG_BURN"}, "type"), ({"type": "BLOB_PUSH"}, "type"), ({"type": "ANY"}, "type"),
    ({"endpoint": "http://127.0.0.1:8000/"}, "skipTLSVerification"),
    ({"endpoint": ""}, "endpoint"), ({"endpoint": "ftp://example.com/"}, "endpoint"), ({"endpoint": "https://"}, "endpoint"),
    ({"endpoint": "https://user@example.com/"}, "endpoint"), ({"endpoint": "not a url"}, "endpoint"),
    ({"endpoint": "https://127.0.0.1:22/"}, "endpoint"), ({"endpoint": "https://10.1.2.3/"}, "endpoint"),
    ({"tlsCert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "tlsCert"), ({"tlsCert": "words"}, "tlsCert"),
    ({"key": "admin/UPPER"}, "key"), ({"key": "a b"}, "key"), ({"type": "SCANNER_UPDATE_COMPLETED"}, "key"),
    ({"type": "REPO_EVENT"}, "key"),
]


@pytest.mark.parametrize("change, field", BAD, ids=[f"{list(change)[0]}-{number}" for number, (change, _) in enumerate(BAD)])
def test_bad_fields_are_named(server, change, field):
    """On a server that lists no network: what is said holds for the endpoint of each other row as well."""
    boss = admin_of(server)
    repo = f"admin/{'bad-fields'}"
    boss.post("/api/v0/repositories/admin", json={"name": "bad-fields"})
    body = {"type": "TAG_PUSH", "key": repo, "endpoint": "https://192.0.2.1/"} | change
    if "endpoint" not in change:
        body["endpoint"] = "https://example.com/"
    before = boss.get("/api/v0/webhooks").json()
    for path in ("/api/v0/webhooks", "/api/v0/webhooks/test"):
        if path.endswith("test") and field == "key":
            continue
        answer = boss.post(path, json={name: value for name, value in body.items() if name != "key" or not path.endswith("test")})
        assert answer.status_code == 400, answer.text
        error = answer.json()["errors"][0]
        assert error["code"] in ("INVALID_PARAMETERS", "INVALID_JSON") and field in error["message"], error
    assert boss.get("/api/v0/webhooks").json() == before


def test_what_is_not_there_or_not_theirs(boss, receiver, authority):
    people = People(boss)
    org = people.org()
    owner, member, stranger = people.member(org, owner=True), people.member(org), people.user()
    repo = repository(boss, org)
    mine = form(receiver, authority, key=repo)
    for key, status in ((repo, 404), (org, 404), ("", 403)):
        answer = stranger.post("/api/v0/webhooks", json=mine | {"key": key})
        assert answer.status_code == status, f"{key}: {answer.status_code} {answer.text}"
    refused(owner.post("/api/v0/webhooks", json=mine | {"key": ""}), 403, "NOT_AUTHORIZED")
    refused(boss.post("/api/v0/webhooks", json=mine | {"key": f"{org}/no-such"}), 404, "NO_SUCH_REPOSITORY")
    refused(boss.post("/api/v0/webhooks", json=mine | {"key": unique("no-such")}), 404, "NO_SUCH_ACCOUNT")
    assert member.post("/api/v0/webhooks", json=mine).status_code in (403, 404)

    hooks = [subscribe(owner, receiver, authority, key=repo), subscribe(owner, receiver, authority, "REPO_EVENT", org),
             subscribe(boss, receiver, authority, "ANY", "")]
    assert [hook["id"] for hook in owner.get("/api/v0/webhooks").json()] == [hook["id"] for hook in hooks[:2]]
    assert [hook["id"] for hook in owner.get(f"/api/v0/accounts/{org}/webhooks").json()] == [hooks[1]["id"]]
    assert stranger.get("/api/v0/webhooks").json() == [] and member.get("/api/v1/webhooks").json() == {"webhooks": []}
    for hook in hooks:
        for call in (lambda path: stranger.get(path), lambda path: stranger.delete(path),
                     lambda path: stranger.post(path + "/secret", json={}), lambda path: stranger.get(path + "/deliveries"),
                     lambda path: stranger.post(path + "/replay", json={"from": 1})):
            refused(call(f"/api/v1/webhooks/{hook['id']}"), 404, "NO_SUCH_WEBHOOK")
    assert boss.get("/api/v1/webhooks", params={"pageSize": 2}).headers["X-Next-Page-Start"]

    token = owner.post("/api/v0/api_tokens", json={"tokenLabel": "narrow", "scopes": [{"path": org, "actions": ["pull", "policies"]}]})
    if token.status_code == 200:
        narrow = Registry(boss.url, owner.user, token.json()["token"])
        assert narrow.post("/api/v0/webhooks", json=mine).status_code == 403


def test_a_webhook_ends_with_its_repository_and_its_author_s_right(boss, receiver, authority):
    people = People(boss)
    org = people.org()
    owner = people.member(org, owner=True)
    gone, stays = repository(boss, org), repository(boss, org)
    of_gone = subscribe(owner, receiver, authority, "ANY", gone)
    of_stays = subscribe(owner, receiver, authority, key=stays)
    by_admin = subscribe(boss, receiver, authority, "REPO_EVENT", org, shape="dtr")
    assert boss.delete(f"/api/v0/repositories/{gone}").status_code == 204
    refused(boss.get(f"/api/v1/webhooks/{of_gone['id']}"), 404, "NO_SUCH_WEBHOOK")
    assert receiver.wait_for(1)[0].json["contents"]["event"] == "REPO_DELETED"

    assert boss.delete(f"/enzi/v0/accounts/{org}/members/{owner.user}").status_code == 204
    boss.push_image(stays, "v1")
    stopped = eventually(lambda: (s := state_of(boss, of_stays))["state"] == "rights" and s, "the stop")
    assert stopped["missedFrom"] > 0
    assert state_of(boss, by_admin)["state"] == "active"
    assert not [call for call in receiver.calls if call.json["type"] == "TAG_PUSH"]


# -- calls ----------------------------------------------------------------------------------------------------------


def test_the_sample_of_every_type_is_sent_at_once(boss, receiver, authority, tmp):
    for number, type in enumerate(TYPES, 1):
        answer = boss.post("/api/v0/webhooks/test", json={"type": type, "endpoint": receiver.url, "tlsCert": authority.pem})
        assert answer.status_code == 200 and not answer.content, f"{type}: {answer.text}"
        assert receiver.wait_for(number)[-1].json["type"] == type
    assert [call.headers["content-type"] for call in receiver.calls] == ["application/json"] * len(TYPES)

    secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
    answer = boss.post("/api/v1/webhooks/test", json={"type": "BLOB_MOUNT", "endpoint": receiver.url, "tlsCert": authority.pem,
                                                      "shape": "distribution", "secret": secret})
    assert answer.status_code == 204, answer.text
    call = receiver.wait_for(len(TYPES) + 1)[-1]
    assert call.is_signed_by(secret) and call.headers["content-type"] == "application/vnd.docker.distribution.events.v2+json"

    receiver.answer = 500
    body = {"type": "TAG_PUSH", "endpoint": receiver.url, "tlsCert": authority.pem}
    refused(boss.post("/api/v0/webhooks/test", json=body), 400, "WEBHOOK_TEST_FAILED", "500")
    receiver.answer = 302
    refused(boss.post("/api/v0/webhooks/test", json=body), 400, "WEBHOOK_TEST_FAILED", "302")
    other = Authority(tmp)
    refused(boss.post("/api/v0/webhooks/test", json=body | {"tlsCert": other.pem}), 400, "WEBHOOK_TEST_FAILED")
    receiver.answer = 200
    assert boss.post("/api/v0/webhooks/test", json=body | {"tlsCert": "", "skipTLSVerification": True}).status_code == 200
    with Receiver() as plain:
        refused(boss.post("/api/v0/webhooks/test", json=body | {"endpoint": plain.url}), 400, "INVALID_PARAMETERS", "skipTLSVerification")
        assert boss.post("/api/v0/webhooks/test", json={"type": "TAG_PUSH", "endpoint": plain.url,
                                                        "skipTLSVerification": True}).status_code == 200


def test_signatures_and_the_rotation_of_their_secret(boss, receiver, authority):
    repo = repository(boss)
    hook = subscribe(boss, receiver, authority, key=repo)
    first, path = hook["secret"], f"/api/v1/webhooks/{hook['id']}"
    boss.push_image(repo, "v1")
    call = receiver.wait_for(1)[0]
    assert call.is_signed_by(first) and not call.is_signed_by("whsec_" + base64.b64encode(os.urandom(32)).decode())
    assert call.headers["webhook-timestamp"].isdigit() and len(call.headers["webhook-signature"].split(" ")) == 1

    rotated = boss.post(path + "/secret", json={"overlap": "1h"})
    assert rotated.status_code == 200 and rotated.json()["oldSecretUntil"], rotated.text
    second = rotated.json()["secret"]
    boss.push_image(repo, "v2")
    call = receiver.wait_for(2)[1]
    assert call.is_signed_by(first) and call.is_signed_by(second) and len(call.headers["webhook-signature"].split(" ")) == 2

    third = "whsec_" + base64.b64encode(os.urandom(24)).decode()
    assert boss.post(path + "/secret", json={"secret": third, "overlap": "0"}).json() == {"secret": third}
    boss.push_image(repo, "v3")
    call = receiver.wait_for(3)[2]
    assert call.is_signed_by(third) and not call.is_signed_by(second) and not call.is_signed_by(first)

    for bad in ("whsec_", "whsec_!!", third[6:], "whsec_" + base64.b64encode(b"short").decode()):
        refused(boss.post(path + "/secret", json={"secret": bad}), 400, "INVALID_PARAMETERS", "secret")
    refused(boss.post(path + "/secret", json={"overlap": "31d"}), 400, "INVALID_PARAMETERS", "overlap")
    shown = boss.get(path).text + boss.get("/api/v1/webhooks").text + boss.get("/api/v0/webhooks").text
    assert not [secret for secret in (first, second, third) if secret in shown] and '"hasSecret":true' in shown


def test_an_endpoint_is_told_in_order_and_again_until_it_takes_it(boss, receiver, authority):
    repo = repository(boss)
    fails = iter([500, 503, 404])
    receiver.answer = lambda call: next(fails, 200)
    hook = subscribe(boss, receiver, authority, key=repo)
    deletes = subscribe(boss, receiver, authority, "TAG_DELETE", repo)
    for number in range(4):
        boss.push_image(repo, f"v{number}")
        assert boss.delete(f"/api/v0/repositories/{repo}/tags/v{number}").status_code == 204
    receiver.wait(lambda calls: sum(call.status == 200 for call in calls) >= 8, "the last of them")
    told = [(call.json["type"], call.json["contents"]["tag"]) for call in receiver.good()]
    assert told == [(type, f"v{number}") for number in range(4) for type in ("TAG_PUSH", "TAG_DELETE")]
    assert len({call.id for call in receiver.calls[:4]}) == 1, "a message keeps its id"
    assert len({call.id for call in receiver.good()}) == 8

    log = eventually(lambda: len(found := log_of(boss, hook)) == 7 and found, "the log")
    assert [(line["status"], line["attempt"], line["delivered"]) for line in reversed(log)][:4] == [
        (500, 1, False), (503, 2, False), (404, 3, False), (200, 4, True)]
    assert {line["messageId"] for line in log} == {call.id for call in receiver.calls if call.json["type"] == "TAG_PUSH"}
    assert len(log_of(boss, deletes)) == 4
    page = boss.get(f"/api/v1/webhooks/{hook['id']}/deliveries", params={"pageSize": 3})
    rest = boss.get(f"/api/v1/webhooks/{hook['id']}/deliveries", params={"pageSize": 0, "pageStart": page.headers["X-Next-Page-Start"]})
    assert page.json()["deliveries"] + rest.json()["deliveries"] == log


def test_a_dead_and_a_slow_endpoint_keep_nobody_waiting(boss, receiver, authority):
    repo = repository(boss)
    release = threading.Event()
    with Receiver(authority) as slow, Receiver(authority) as dead:
        slow.answer = lambda call: 200 if release.wait(60) else 500
        dead.stop()
        for target in (slow, dead, receiver):
            subscribe(boss, target, authority, key=repo)
        for number in range(20):
            boss.push_image(repo, f"v{number}")
        try:
            assert tags(receiver.wait_for(20)) == [f"v{number}" for number in range(20)]
            assert slow.calls == []
        finally:
            release.set()
        assert tags(slow.wait_for(20)) == [f"v{number}" for number in range(20)]


def test_after_enough_failures_a_webhook_stops_with_an_alert_and_goes_on_with_what_it_missed(boss, receiver, authority):
    repo = repository(boss)
    receiver.answer = 500
    hook = subscribe(boss, receiver, authority, key=repo)
    boss.push_image(repo, "v1")
    state = eventually(lambda: (s := state_of(boss, hook))["state"] == "failures" and s, "the stop")
    assert state["lastFailure"] == "it answered with status 500" and state["stoppedAt"] and state["missedFrom"] > 0
    assert len(log_of(boss, hook)) == 4
    assert boss.get("/api/v0/webhooks").json()[0]["inactive"] is True
    boss.push_image(repo, "v2")
    alert = [one for one in boss.get("/api/v0/meta/alerts").json() if one["id"] == "webhooks"]
    assert len(alert) == 1 and hook["id"] in alert[0]["message"] and str(state["missedFrom"]) in alert[0]["message"]
    refused(boss.post(f"/api/v1/webhooks/{hook['id']}/replay", json={"from": 1}), 409, "WEBHOOK_INACTIVE")

    receiver.answer = 200
    answer = boss.post(f"/api/v1/webhooks/{hook['id']}/enable", json={"replay": True})
    assert answer.status_code == 200 and answer.json()["state"] == "active", answer.text
    receiver.wait(lambda calls: sum(call.status == 200 for call in calls) >= 2, "what it missed")
    assert tags(receiver.good()) == ["v1", "v2"]
    assert [one for one in boss.get("/api/v0/meta/alerts").json() if one["id"] == "webhooks"] == []

    # Gone is a word for good.
    receiver.answer = 410
    boss.push_image(repo, "v3")
    eventually(lambda: state_of(boss, hook)["state"] == "failures", "the stop")
    assert log_of(boss, hook)[0]["status"] == 410 and log_of(boss, hook)[1]["status"] == 200


def test_a_replay_tells_again_from_an_event_on_with_the_ids_of_then(boss, receiver, authority):
    repo, other = repository(boss), repository(boss)
    hook = subscribe(boss, receiver, authority, key=repo)
    for number in range(3):
        boss.push_image(repo, f"v{number}")
        boss.push_image(other, f"v{number}")
    told = receiver.wait_for(3)
    log = eventually(lambda: len(found := log_of(boss, hook)) == 3 and found, "the log")
    assert [line["object"] for line in log] == ["v2", "v1", "v0"] and {line["repository"] for line in log} == {repo}
    answer = boss.post(f"/api/v1/webhooks/{hook['id']}/replay", json={"from": log[1]["event"]})
    assert answer.status_code == 202 and answer.json()["job"], answer.text
    again = receiver.wait_for(5)[3:]
    assert tags(again) == ["v1", "v2"] and [call.id for call in again] == [call.id for call in told[1:]]
    assert [call.body for call in again] == [call.body for call in told[1:]]
    for bad in ({"from": 0}, {"from": "1"}, {}):
        assert boss.post(f"/api/v1/webhooks/{hook['id']}/replay", json=bad).status_code == 400


def test_what_was_sent_and_what_failed_are_activities(boss, receiver, authority):
    repo = repository(boss)
    receiver.answer = lambda call: 500 if len(receiver.calls) == 0 else 200
    subscribe(boss, receiver, authority, key=repo)
    boss.push_image(repo, "v1")
    receiver.wait(lambda calls: [call.status for call in calls] == [500, 200], "both calls")
    for type in ("FAIL", "SEND"):
        eventually(lambda: boss.get("/api/v0/events", params={"eventType": type, "objectType": "WEBHOOK"}).json()["events"], type)


# -- the command line -----------------------------------------------------------------------------------------------


def test_the_command_line(hooked, boss, receiver, authority, tmp):
    repo = repository(boss)
    cli = Cli(tmp / "cli")
    cli.login(hooked.url(), "admin", ADMIN_PASSWORD)
    (tmp / "ca.pem").write_text(authority.pem)
    assert "took it" in cli("webhook", "test", "TAG_PUSH", receiver.url, "--cert", tmp / "ca.pem")
    made = cli.json("webhook", "create", "TAG_PUSH", receiver.url, "--key", repo, "--cert", tmp / "ca.pem", "--shape", "cloudevents")
    assert cli.table("webhook", "ls", "--key", repo) == [made["id"]]
    boss.push_image(repo, "v1")
    assert receiver.wait_for(2)[1].is_signed_by(made["secret"])
    event = eventually(lambda: cli.json("webhook", "log", made["id"])["deliveries"], "the log")[0]["event"]
    assert cli.json("webhook", "replay", made["id"], event)["job"]
    assert receiver.wait_for(3)[2].id == receiver.calls[1].id
    assert cli.json("webhook", "rotate-secret", made["id"], "--overlap", "0")["secret"] != made["secret"]
    assert cli.json("webhook", "update", made["id"], "--off")["state"] == "hand"
    assert cli.json("webhook", "enable", made["id"])["state"] == "active"
    assert made["id"] in cli("webhook", "show", made["id"])
    cli("webhook", "rm", made["id"])
    assert cli.table("webhook", "ls") == []
