"""Service accounts: names for machines with two live secrets, bounded by their prefix, their grants and their maker."""

import pytest

from harness.client import Registry, assert_error
from harness.people import People, unique

NEVER = "0001-01-01T00:00:00Z"


@pytest.fixture
def people(admin):
    return People(admin)


def services(account):
    return f"/api/v1/accounts/{account}/services"


def make(registry, account, label="ci", **body):
    answer = registry.post(services(account), json={"label": label} | body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def machine(registry, service, secret=None):
    return Registry(registry.url, service["name"], secret or service["secret"])


def can_pull(registry, repo, tag="v1"):
    """With its secret at the API, and with a token bought with it: the same."""
    found = {registry.pull_manifest(repo, tag).status_code == 200}
    answer = registry.get("/auth/token", params={"scope": f"repository:{repo}:pull"})
    if answer.status_code == 200:
        found.add(registry.bearer(answer.json()["token"]).pull_manifest(repo, tag).status_code == 200)
    else:
        found.add(False)
    assert len(found) == 1
    return found.pop()


@pytest.fixture
def org(admin, people):
    """An organisation with a repository `app` of an image `v1`, seen by the system admin."""
    name = people.org()
    answer = admin.post(f"/api/v0/repositories/{name}", json={"name": "app", "visibility": "private"})
    assert answer.status_code == 201, answer.text
    admin.push_image(f"{name}/app", "v1")
    return name


def test_a_service_account_is_made_listed_and_deleted(admin, org):
    made = make(admin, org, "build", description="the builder", prefix=f"{org}/app", role="read-only")
    assert made["name"] == f"{org}+build" and made["owner"] == org and made["maker"] == "admin"
    assert made["prefix"] == f"{org}/app" and made["isActive"] is True and made["secret"].startswith("assay_svc_")
    assert [(secret["slot"], secret["lastUsed"], secret["expiresAt"]) for secret in made["secrets"]] == [(1, NEVER, NEVER)]
    shown = {key: value for key, value in made.items() if key != "secret"}
    assert admin.get(services(org)).json() == [shown]
    for name in ("build", f"{org}+build", f"{org}%2Bbuild"):
        assert admin.get(f"{services(org)}/{name}").json() == shown
    assert admin.get(services(org), params={"prefix": f"{org}/other"}).json() == []
    assert can_pull(machine(admin, made), f"{org}/app")

    assert admin.delete(f"{services(org)}/build").status_code == 204
    assert admin.get(services(org)).json() == [] and not can_pull(machine(admin, made), f"{org}/app")
    again = make(admin, org, "build", role="read-only")
    assert not can_pull(machine(admin, again, made["secret"]), f"{org}/app")  # the old secret stays dead
    assert can_pull(machine(admin, again), f"{org}/app")


def test_two_secrets_live_at_a_time_and_the_older_gives_way(admin, org):
    made = make(admin, org, role="read-only")
    path, repo = f"{services(org)}/ci", f"{org}/app"
    second = admin.post(f"{path}/secrets", json={})
    assert second.status_code == 201 and second.json()["slot"] == 2
    second = second.json()["secret"]
    assert can_pull(machine(admin, made), repo) and can_pull(machine(admin, made, second), repo)
    assert [secret["slot"] for secret in admin.get(path).json()["secrets"]] == [1, 2]
    assert all(secret["lastUsed"] != NEVER for secret in admin.get(path).json()["secrets"])

    bought = machine(admin, made).with_token(f"repository:{repo}:pull")
    third = admin.post(f"{path}/secrets").json()
    assert third["slot"] == 1
    assert not can_pull(machine(admin, made), repo) and bought.pull_manifest(repo, "v1").status_code == 401
    assert can_pull(machine(admin, made, second), repo) and can_pull(machine(admin, made, third["secret"]), repo)
    fourth = admin.post(f"{path}/secrets", json={"slot": 1}).json()
    assert fourth["slot"] == 1 and not can_pull(machine(admin, made, third["secret"]), repo)
    assert admin.delete(f"{path}/secrets/2").status_code == 204
    assert not can_pull(machine(admin, made, second), repo) and can_pull(machine(admin, made, fourth["secret"]), repo)
    for slot in ("2", "3", "0", "x"):
        assert_error(admin.delete(f"{path}/secrets/{slot}"), 404, "NO_SUCH_SECRET")
    assert_error(admin.post(f"{path}/secrets", json={"slot": 3}), 400, "INVALID_PARAMETERS")


def test_its_rights_are_its_grants_within_its_prefix(admin, org):
    other = f"{org}/other"
    admin.post(f"/api/v0/repositories/{org}", json={"name": "other", "visibility": "private"})
    admin.push_image(other, "v1")
    reader = machine(admin, make(admin, org, "reader", prefix=f"{org}/app", role="read-only"))
    assert can_pull(reader, f"{org}/app") and not can_pull(reader, other)
    assert reader.post(f"/v2/{org}/app/blobs/uploads/").status_code == 401
    idle = machine(admin, make(admin, org, "idle"))
    assert not can_pull(idle, f"{org}/app")
    writer = machine(admin, make(admin, org, "writer", prefix=f"{org}/app", role="read-write"))
    writer.push_image(f"{org}/app", "v2")
    assert can_pull(writer, f"{org}/app", "v2")


def test_it_may_no_more_than_its_maker(admin, people, org):
    owner = people.user()
    assert admin.put(f"/enzi/v0/accounts/{org}/members/{owner.user}", json={"isAdmin": True}).status_code == 200
    made = make(owner, org, role="read-write")
    assert can_pull(machine(admin, made), f"{org}/app")
    assert admin.put(f"/enzi/v0/accounts/{org}/members/{owner.user}", json={"isAdmin": False}).status_code == 200
    assert not can_pull(machine(admin, made), f"{org}/app")
    adopted = admin.patch(f"{services(org)}/ci", json={"adopt": True})
    assert adopted.status_code == 200 and adopted.json()["maker"] == "admin"
    assert can_pull(machine(admin, made), f"{org}/app")


def test_switched_off_or_with_its_maker_it_is_out(admin, people, org):
    owner = people.user()
    admin.put(f"/enzi/v0/accounts/{org}/members/{owner.user}", json={"isAdmin": True})
    made, path = make(owner, org, role="read-only"), f"{services(org)}/ci"
    assert owner.patch(path, json={"isActive": False, "description": "off"}).json()["isActive"] is False
    assert not can_pull(machine(admin, made), f"{org}/app")
    assert owner.patch(path, json={"isActive": True}).json()["description"] == "off"
    assert can_pull(machine(admin, made), f"{org}/app")
    assert admin.patch(f"/enzi/v0/accounts/{owner.user}", json={"isActive": False}).status_code == 200
    assert not can_pull(machine(admin, made), f"{org}/app")
    assert Registry(admin.url, made["name"], made["secret"]).get("/basic_info").status_code == 401


def test_it_manages_nothing(admin, org):
    made = make(admin, org, role="admin")
    client = machine(admin, made)
    assert client.get("/basic_info").json() == {"CurrentVersion": client.get("/basic_info").json()["CurrentVersion"],
                                                "User": made["name"], "IsAdmin": False, "AuthnMethod": "AccessToken"}
    assert client.post("/enzi/v0/accounts", json={"name": unique("x"), "isOrg": True}).status_code in (403, 404)
    assert client.post("/api/v0/api_tokens", json={}).status_code in (403, 404)
    assert client.post(services(org), json={"label": "child"}).status_code in (403, 404)
    assert client.post(f"{services(org)}/ci/secrets").status_code in (403, 404)


def test_who_may_not_give_access_sees_none(admin, people, org, anonymous):
    make(admin, org, "hidden")
    member, stranger = people.user(), people.user()
    admin.put(f"/enzi/v0/accounts/{org}/members/{member.user}", json={"isAdmin": False})
    narrowed = Registry(admin.url, "admin", admin.post("/api/v0/api_tokens", json={
        "scopes": [{"path": org, "actions": ["*"], "verbs": ["access"]}]}).json()["token"])
    for who in (member, stranger, narrowed):
        assert who.get(services(org)).status_code in (403, 404)
        assert who.post(services(org), json={"label": "x"}).status_code in (403, 404)
        one = who.get(f"{services(org)}/hidden")
        assert one.status_code in (403, 404)
        if who is not narrowed:
            none = who.get(f"{services(org)}/nothing")
            assert one.status_code == 404 and one.json()["errors"] == none.json()["errors"]
        assert who.delete(f"{services(org)}/hidden").status_code in (403, 404)
        assert who.post(f"{services(org)}/hidden/secrets").status_code in (403, 404)
    assert anonymous.get(services(org)).status_code == 401
    # Under another owner's name it is not there.
    assert_error(admin.get(f"{services(member.user)}/{org}+hidden"), 404, "NO_SUCH_SERVICE")


def test_access_at_a_prefix_is_enough_there(admin, people, org):
    lead = people.user()
    admin.put(f"/enzi/v0/accounts/{org}/members/{lead.user}", json={"isAdmin": False})
    answer = admin.post("/api/v1/grants", json={"role": "admin", "user": lead.user, "prefix": f"{org}/app"})
    assert answer.status_code == 201, answer.text
    made = make(lead, org, prefix=f"{org}/app", role="read-write")
    assert can_pull(machine(admin, made), f"{org}/app")
    assert lead.post(services(org), json={"label": "wide"}).status_code in (403, 404)
    assert lead.post(services(org), json={"label": "wide", "prefix": f"{org}/other"}).status_code in (403, 404)
    assert [row["label"] for row in lead.get(services(org), params={"prefix": f"{org}/app"}).json()] == ["ci"]


@pytest.mark.parametrize("body, word", [
    ({}, "label"), ({"label": ""}, "label"), ({"label": "A"}, "label"), ({"label": "a+b"}, "label"),
    ({"label": "x" * 51}, "label"), ({"label": "ok", "prefix": "elsewhere"}, "prefix"),
    ({"label": "ok", "prefix": "A b"}, "prefix"), ({"label": "ok", "role": "emperor"}, "role"),
    ({"label": "ok", "expiresAt": "never"}, "expiresAt"), ({"label": "ok", "description": "x" * 257}, "description"),
    ({"label": "ok", "colour": "red"}, "colour"), ({"label": "ok", "description": 1}, "description"),
])
def test_a_bad_field_is_named_and_nothing_is_made(admin, people, body, word):
    org = people.org()
    if body.get("prefix") == "elsewhere":
        body = body | {"prefix": people.org()}
    answer = admin.post(services(org), json=body)
    assert answer.status_code in (400, 404), answer.text
    assert word in str(answer.json()["errors"][0]) and admin.get(services(org)).json() == []


def test_labels_are_unique_and_lists_have_pages(admin, people):
    org = people.org()
    for label in "abc":
        make(admin, org, label)
    assert_error(admin.post(services(org), json={"label": "b"}), 409, "SERVICE_EXISTS")
    page = admin.get(services(org), params={"pageSize": 2})
    rest = admin.get(services(org), params={"pageStart": page.headers["X-Next-Page-Start"]})
    assert [row["label"] for row in page.json() + rest.json()] == ["a", "b", "c"]
    assert "X-Next-Page-Start" not in rest.headers


def test_each_change_is_on_record(admin, people):
    org = people.org()

    def actions(answer):
        assert answer.ok, answer.text
        found = admin.get("/api/v1/audit", params={"request": answer.headers["X-Request-Id"]}).json()["records"]
        return {record["action"] for record in found}

    made = admin.post(services(org), json={"label": "ci", "role": "read-only"})
    assert actions(made) == {"SERVICE_CREATED", "GRANT_CREATED"}
    path = f"{services(org)}/ci"
    assert actions(admin.patch(path, json={"isActive": False})) == {"SERVICE_CHANGED"}
    assert actions(admin.post(f"{path}/secrets")) == {"SERVICE_SECRET_ADDED"}
    assert actions(admin.delete(f"{path}/secrets/1")) == {"SERVICE_SECRET_DELETED"}
    assert actions(admin.delete(path)) == {"SERVICE_DELETED"}
