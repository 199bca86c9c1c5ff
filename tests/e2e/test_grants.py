"""Grants of roles to teams and accounts: where they count, who may give and take them, and that they are on record.
The levels of an organisation's tree (organisation, program, project, application) inherit downwards and add up."""

import itertools
import time

import pytest

from harness.client import Registry
from harness.people import People, refused, unique
from harness.server import ADMIN_PASSWORD

GRANTS, EXPLAIN, WHO = "/api/v1/grants", "/api/v1/access/explain", "/api/v1/access/who"


class Org:
    """An organisation with an owner, a member who is in a team, and a private repository in its depths."""

    def __init__(self, admin):
        people = People(admin)
        self.admin, self.name = admin, people.org()
        self.owner, self.member = people.member(self.name, owner=True), people.member(self.name)
        self.stranger = people.user()
        self.team = f"{self.name}/{people.team(self.name, self.member)}"
        self.repo = f"{self.name}/program/project/app"
        made = admin.post(f"/api/v0/repositories/{self.name}", json={"name": "program/project/app"})
        assert made.status_code == 201, made.text

    def grant(self, by=None, status=201, **body):
        answer = (by or self.owner).post(GRANTS, json=body)
        assert answer.status_code == status, f"{body}: {answer.status_code} {answer.text}"
        return answer.json()

    def may(self, user, action, repo=None):
        """What the explanation says, and that the list of who can says the same."""
        query = {"repository": repo or self.repo, "action": action}
        said = self.owner.get(EXPLAIN, params=query | {"user": user.user})
        assert said.status_code == 200, said.text
        listed = self.owner.get(WHO, params=query | {"pageSize": 0}).json()
        names = [entry["user"] for entry in listed["accounts"]]
        assert (user.user in names or listed["public"]) == said.json()["allowed"]
        return said.json()


@pytest.fixture
def org(admin):
    return Org(admin)


# Where grants count.


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_grant_at_each_level_is_inherited_below(org, depth):
    prefix = "/".join(org.repo.split("/")[:depth])
    made = org.grant(role="pusher", team=org.team, prefix=prefix)
    assert made["prefix"] == prefix and made["team"] == org.team and "repository" not in made and "user" not in made
    why = org.may(org.member, "push")
    assert why["allowed"] and why["lacks"] == ["move-tag", "create"]
    assert why["reasons"] == [{"source": "grant", "grant": made["id"], "role": "pusher", "team": org.team, "path": prefix,
                               "isPrefix": True, "verbs": ["view", "pull", "push", "create-tag"]}]
    org.member.push_image(org.repo, "v1")
    assert not org.may(org.stranger, "pull")["allowed"]


def test_a_grant_beside_or_above_by_name_alone_does_not_count(org):
    org.grant(role="read-only", user=org.member.user, prefix=f"{org.name}/prog")
    org.grant(role="read-only", user=org.member.user, prefix=f"{org.name}/program/project/app/below")
    why = org.may(org.member, "pull")
    assert not why["allowed"] and why["reasons"] == [] and "pull" in why["missing"] and org.repo in why["missing"]
    assert org.member.get(f"/v2/{org.repo}/tags/list").status_code == 401


def test_grants_add_up(org):
    org.grant(role="read-only", team=org.team, prefix=org.name)
    org.grant(role="approver", user=org.member.user, repository=org.repo)
    why = org.may(org.member, "approve")
    assert why["verbs"] == ["view", "pull", "approve"] and len(why["reasons"]) == 2
    assert {(reason["role"], reason["isPrefix"]) for reason in why["reasons"]} == {("read-only", True), ("approver", False)}


def test_a_grant_ends_with_its_repository_and_when_it_is_taken_away(org):
    org.grant(role="read-only", user=org.member.user, repository=org.repo)
    assert org.may(org.member, "pull")["allowed"]
    path = f"/api/v0/repositories/{org.name}/" + org.repo.split("/", 1)[1].replace("/", "%2F")
    assert org.owner.delete(path).status_code == 204
    assert org.owner.post(f"/api/v0/repositories/{org.name}", json={"name": "program/project/app"}).status_code == 201
    assert not org.may(org.member, "pull")["allowed"], "another repository of the same name"

    made = org.grant(role="read-only", user=org.member.user, prefix=org.name)
    assert org.member.get(f"/v2/{org.repo}/tags/list").status_code == 200
    assert org.owner.delete(f"{GRANTS}/{made['id']}").status_code == 204
    assert org.member.get(f"/v2/{org.repo}/tags/list").status_code == 401, "at once on the node that took it away"
    assert org.owner.delete(f"{GRANTS}/{made['id']}").status_code == 404


def test_a_changed_role_changes_what_its_holders_may(org):
    role = unique("role")
    assert org.admin.post("/api/v1/roles", json={"name": role, "verbs": ["view"]}).status_code == 201
    org.grant(role=role, team=org.team, prefix=org.name)
    assert not org.may(org.member, "pull")["allowed"]
    assert org.admin.patch(f"/api/v1/roles/{role}", json={"verbs": ["pull"]}).status_code == 200
    assert org.may(org.member, "pull")["allowed"]
    refused(org.admin.delete(f"/api/v1/roles/{role}"), 409, "ROLE_IN_USE", "1 grant")


# Who may give.


def test_nobody_gives_more_than_they_have(org):
    org.admin.post("/api/v1/roles", json={"name": "granter", "verbs": ["pull", "access"]})
    org.grant(role="granter", user=org.member.user, prefix=f"{org.name}/program")
    given = org.grant(by=org.member, role="read-only", user=org.stranger.user, prefix=f"{org.name}/program/project")
    more = org.member.post(GRANTS, json={"role": "pusher", "user": org.stranger.user, "repository": org.repo})
    refused(more, 403, "NOT_AUTHORIZED", "pusher")
    assert org.member.post(GRANTS, json={"role": "granter", "user": org.member.user, "prefix": org.name}).status_code in (403, 404)
    record = org.admin.get("/api/v1/audit", params={"request": more.headers["X-Request-Id"]}).json()["records"]
    assert [(entry["outcome"], entry["action"], entry["account"]) for entry in record] == [
        ("refused", "grant.create", org.member.user)]
    assert org.member.delete(f"{GRANTS}/{given['id']}").status_code == 204


def test_strangers_learn_nothing_and_members_give_nothing(org, anonymous):
    body = {"role": "read-only", "user": org.stranger.user, "repository": org.repo}
    assert org.stranger.post(GRANTS, json=body).status_code == 404
    assert org.member.post(GRANTS, json=body).status_code == 404, "a member without a grant does not see it either"
    assert anonymous.post(GRANTS, json=body).status_code == 401
    org.grant(role="read-only", user=org.member.user, prefix=org.name)
    assert org.member.post(GRANTS, json=body).status_code == 403
    for path in EXPLAIN, WHO:
        query = {"user": org.owner.user, "repository": org.repo, "action": "pull"}
        query = query if path == EXPLAIN else {key: query[key] for key in ("repository", "action")}
        assert org.stranger.get(path, params=query).status_code == 404
        assert org.member.get(path, params=query).status_code == 403
    mine = org.stranger.get(EXPLAIN, params={"repository": org.repo, "action": "pull"}).json()
    none = org.stranger.get(EXPLAIN, params={"repository": org.name + "/none", "action": "pull"}).json()
    assert not mine["allowed"] and not mine["exists"]
    mine["missing"] = mine["missing"].replace(org.repo, org.name + "/none")
    assert mine | {"repository": ""} == none | {"repository": ""}, "hidden and absent look the same"


def test_the_whole_registry_is_for_system_admins(org):
    body = {"role": "auditor", "user": org.member.user, "prefix": ""}
    assert org.owner.post(GRANTS, json=body).status_code in (403, 404)
    made = org.admin.post(GRANTS, json=body)
    assert made.status_code == 201 and made.json()["prefix"] == ""
    assert org.may(org.member, "audit")["allowed"]
    assert org.admin.delete(f"{GRANTS}/{made.json()['id']}").status_code == 204


@pytest.mark.parametrize("change, status, about", [
    ({"role": "none-such"}, 404, "none-such"), ({"role": None}, 400, "role"), ({"user": None}, 400, "team, user"),
    ({"team": "x/y"}, 400, "team, user"), ({"user": "nobody-here"}, 404, "nobody-here"),
    ({"prefix": None}, 400, "repository, prefix"), ({"prefix": "A//b"}, 400, "prefix"),
    ({"prefix": None, "repository": "x"}, 400, "repository"), ({"user": None, "team": "devs"}, 400, "team"),
    ({"user": None, "team": "nobody-here/devs"}, 404, "team"), ({"colour": "red"}, 400, "colour"),
])
def test_a_bad_field_is_named(org, change, status, about):
    body = {"role": "read-only", "user": org.member.user, "prefix": org.name} | change
    answer = org.admin.post(GRANTS, json={key: value for key, value in body.items() if value is not None})
    assert answer.status_code == status, answer.text
    assert about in answer.json()["errors"][0]["message"], answer.text


def test_the_same_twice_is_a_conflict(org):
    org.grant(role="read-only", user=org.member.user, prefix=org.name)
    again = org.owner.post(GRANTS, json={"role": "read-only", "user": org.member.user, "prefix": org.name})
    refused(again, 409, "GRANT_EXISTS")


# Lists.


def test_lists_by_team_user_repository_and_prefix(org):
    on_team = org.grant(role="read-only", team=org.team, prefix=org.name)
    on_repo = org.grant(role="pusher", user=org.member.user, repository=org.repo)
    below = org.grant(role="approver", user=org.stranger.user, prefix=f"{org.name}/program")

    def listed(by, **query):
        answer = by.get(GRANTS, params={"pageSize": 0} | query)
        assert answer.status_code == 200, answer.text
        return [entry["id"] for entry in answer.json()["grants"]]

    assert listed(org.owner, team=org.team) == [on_team["id"]]
    assert listed(org.owner, repository=org.repo) == [on_repo["id"]]
    assert listed(org.owner, prefix=org.name) == [on_team["id"], on_repo["id"], below["id"]]
    assert listed(org.owner, prefix=f"{org.name}/program") == [on_repo["id"], below["id"]]
    assert listed(org.member) == [on_team["id"], on_repo["id"]], "what reaches oneself"
    assert listed(org.member, user=org.member.user) == [on_repo["id"]]
    assert {on_team["id"], on_repo["id"], below["id"]} <= set(listed(org.admin))
    assert org.owner.get(GRANTS, params={"user": org.stranger.user}).status_code in (403, 404)
    assert org.stranger.get(GRANTS, params={"prefix": org.name}).status_code in (403, 404)
    assert org.owner.get(GRANTS, params={"team": org.team, "prefix": org.name}).status_code == 400
    for reader, status in (org.owner, 200), (org.member, 200), (org.stranger, 404):
        assert reader.get(f"{GRANTS}/{on_team['id']}").status_code == status
    assert org.member.get(f"{GRANTS}/{on_team['id']}").json() == on_team


def test_pages_of_grants(org):
    made = [org.grant(role="read-only", user=org.member.user, prefix=f"{org.name}/p{i}")["id"] for i in range(7)]
    seen, start = [], ""
    for _ in itertools.count():
        page = org.owner.get(GRANTS, params={"prefix": org.name, "pageSize": 3, "pageStart": start})
        seen += [entry["id"] for entry in page.json()["grants"]]
        start = page.headers.get("X-Next-Page-Start")
        if start is None:
            break
    assert seen == made


def test_pages_of_who_can(org):
    people = People(org.admin)
    users = sorted(people.user().user for _ in range(5))
    for user in users:
        org.grant(role="read-only", user=user, repository=org.repo)
    org.grant(role="auditor", user=org.stranger.user, repository=org.repo)
    expected = sorted([*users, org.owner.user, "admin"])
    seen, start = [], ""
    while start is not None:
        page = org.owner.get(WHO, params={"repository": org.repo, "action": "pull", "pageSize": 2, "pageStart": start})
        seen += [entry["user"] for entry in page.json()["accounts"]]
        start = page.headers.get("X-Next-Page-Start")
    assert [name for name in seen if name in expected] == expected and org.stranger.user not in seen
    assert len(seen) == len(set(seen))


# On record, and on other nodes.


def test_grants_are_on_record_with_before_and_after(org):
    made = org.grant(role="pusher", team=org.team, prefix=org.name)
    org.owner.delete(f"{GRANTS}/{made['id']}")
    found = org.owner.get("/api/v1/audit", params={"path": org.name, "pageSize": 0}).json()["records"]
    told = [entry for entry in found if entry["object"] == made["id"]]
    assert [(entry["action"], entry["account"]) for entry in told] == [
        ("GRANT_DELETED", org.owner.user), ("GRANT_CREATED", org.owner.user)]
    assert "pusher" in told[0]["before"] and "before" not in told[1] and "pusher" in told[1]["after"]


def test_changes_take_effect_on_every_node(tmp, cluster, new_server):
    """Two nodes on one PostgreSQL and one storage: at once on the one that was asked, within 5 s on the other."""
    database = cluster.url(cluster.new_database())
    here, key, store = [], tmp / "first" / "key", f"file:{tmp}/first/blobs"
    first = new_server("--database", database, name="first")
    second = new_server("--storage", store, "--key-file", str(key), "--database", database, name="second")
    here = [Registry(server.url(), "admin", ADMIN_PASSWORD) for server in (first, second)]
    org = Org(here[0])
    there = Registry(second.url(), org.member.user, org.member.session.auth[1].decode())

    def status():
        return there.get(f"/v2/{org.repo}/tags/list").status_code

    def becomes(wanted):
        begin = time.monotonic()
        while status() != wanted:
            assert time.monotonic() < begin + 5 + 10, f"still {status()}"  # the promise, and a busy machine
            time.sleep(0.05)

    assert status() == 401
    made = org.grant(role="read-only", team=org.team, prefix=org.name)
    assert org.member.get(f"/v2/{org.repo}/tags/list").status_code == 200
    becomes(200)
    assert here[1].delete(f"{GRANTS}/{made['id']}").status_code == 204
    assert status() == 401
    begin = time.monotonic()
    while org.member.get(f"/v2/{org.repo}/tags/list").status_code != 401:
        assert time.monotonic() < begin + 5 + 10
        time.sleep(0.05)
