"""The audit log over the API: each change and refusal is there with who, what and from which request; who reads what."""

import os

import pytest

from harness.client import Registry
from harness.people import People, unique

AUDIT = "/api/v1/audit"


def records(registry, **query):
    answer = registry.get(AUDIT, params=query)
    assert answer.status_code == 200, f"{query}: {answer.status_code} {answer.text}"
    return answer.json()["records"]


def one(registry, answer):
    """The records of one request, which are these."""
    return records(registry, request=answer.headers["X-Request-Id"], pageSize=0)


def test_a_push_is_on_record(admin, repo):
    digest = admin.push_image(repo, "v1").digest
    found = records(admin, path=repo, action="TAG_PUSH")
    assert len(found) == 1
    record = found[0]
    assert record | {"id": 0, "at": "", "request": "", "address": "", "credential": ""} == {
        "id": 0, "at": "", "action": "TAG_PUSH", "outcome": "done", "actorKind": "user", "account": "admin",
        "credential": "", "address": "", "request": "", "path": repo, "objectKind": "tag", "object": "v1",
        "digest": digest}
    assert record["address"] == "127.0.0.1" and record["request"]
    assert {entry["action"] for entry in records(admin, path=repo, pageSize=0)} >= {
        "REPO_CREATED", "BLOB_PUSH", "MANIFEST_PUSH", "TAG_PUSH"}


def test_moves_and_deletes_say_what_was_before(admin, repo):
    old = admin.push_image(repo, "v1").digest
    new = admin.push_image(repo, "v1").digest
    moved = records(admin, path=repo, action="TAG_PUSH")[0]
    assert (moved["oldDigest"], moved["digest"]) == (old, new)
    answer = admin.delete(f"/v2/{repo}/manifests/v1")
    assert answer.status_code == 202
    assert {(entry["action"], entry["object"], entry["oldDigest"]) for entry in one(admin, answer)} == {
        ("TAG_DELETE", "v1", new)}


def test_newest_first_page_by_page(admin, repo):
    for tag in "abcdefg":
        admin.push_image(repo, tag)
    seen, start = [], None
    while True:
        answer = admin.get(AUDIT, params={"path": repo, "action": "TAG_PUSH", "pageSize": 3} | (
            {"pageStart": start} if start else {}))
        seen += [entry["object"] for entry in answer.json()["records"]]
        start = answer.headers.get("X-Next-Page-Start")
        if not start:
            break
    assert seen == list("gfedcba")


def test_settings_have_before_and_after(new_server):
    server = new_server()
    server.admin("set", "upload-ttl", "2h")
    server.admin("set", "upload-ttl", "3h")
    found = records(Registry(server.url(), "admin", server.password), action="SETTING_CHANGED")
    assert [(entry["object"], entry["before"], entry["after"], entry["account"]) for entry in found] == [
        ("upload-ttl", "2h", "3h", "shell"), ("upload-ttl", "1d", "2h", "shell")]


def test_keys_have_records(new_server):
    server = new_server()
    server.admin("rotate-token-key")
    key = server.data / "key"
    key.write_text(os.urandom(32).hex() + "\n" + key.read_text())
    server.admin("reseal")
    found = {entry["action"]: entry for entry in records(Registry(server.url(), "admin", server.password), account="shell")}
    assert found["TOKEN_KEY_ADDED"]["objectKind"] == "token-key"
    assert found["KEYS_RESEALED"]["objectKind"] == "token-key"


@pytest.mark.parametrize("query, about", [
    ({"outcome": "maybe"}, "outcome"), ({"from": "yesterday"}, "from"), ({"to": "1"}, "to"), ({"path": "A//b"}, "path"),
    ({"pageStart": "x"}, "pageStart"), ({"pageSize": "-1"}, "pageSize"), ({"acount": "admin"}, "acount"),
    ({"account": "x" * 256}, "account"),
])
def test_a_bad_filter_is_named(admin, query, about):
    answer = admin.get(AUDIT, params=query)
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["code"] == "INVALID_PARAMETERS" and about in error["message"]


def test_times_bound_the_search(admin, repo):
    admin.push_image(repo, "v1")
    at = records(admin, path=repo)[0]["at"]
    assert records(admin, path=repo, **{"from": at})
    assert all(entry["at"] < at for entry in records(admin, path=repo, to=at, pageSize=0))
    assert records(admin, path=repo, to="2001-01-01T00:00:00Z") == []


def test_who_reads_what(admin, anonymous, repo, image):
    people = People(admin)
    ann, bob = people.user(), people.user()
    ann_repo = f"{ann.user}/app"
    ann.push_image(ann_repo, "v1")
    refused = bob.get("/api/v1/roles/none/such")
    assert refused.status_code == 404

    assert {entry["account"] for entry in records(ann, pageSize=0)} == {ann.user}, "one's own doings"
    assert records(bob) == []
    assert records(ann, path=ann.user, action="TAG_PUSH")[0]["path"] == ann_repo, "the owner of a namespace"
    assert bob.get(AUDIT, params={"path": ann.user}).status_code == 404
    assert bob.get(AUDIT, params={"path": ann_repo}).status_code == 404
    assert anonymous.get(AUDIT).status_code == 401
    assert records(admin, path=ann_repo, action="TAG_PUSH")


def test_refusals_are_on_record_and_failed_log_ins_folded(server, admin):
    people = People(admin)
    ann = people.user()
    answer = ann.post("/api/v1/roles", json={"name": "mine", "verbs": ["pull"]})
    assert answer.status_code == 403
    record = one(admin, answer)[0]
    assert (record["outcome"], record["action"], record["account"]) == ("refused", "role.create", ann.user)

    name = unique("guess")
    wrong = Registry(server.url(), name, "not the password")
    for i in range(13):
        wrong.session.auth = (name, f"not the password {i}".encode())
        assert wrong.get("/v2/").status_code in (401, 429)
    found = records(admin, account=name, pageSize=0)
    assert 1 <= len(found) <= 10 and {entry["action"] for entry in found} == {"LOGIN_FAILED"}
    assert {(entry["outcome"], entry["objectKind"], entry["object"]) for entry in found} == {("refused", "account", name)}
