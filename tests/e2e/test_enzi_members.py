"""Organisations, their members and owners, teams, their members and admins, by DTR's accounts API."""

import pytest

from harness.people import People, refused, unique

ACCOUNTS = "/enzi/v0/accounts"


@pytest.fixture
def people(admin):
    return People(admin)


@pytest.fixture
def org(people):
    return people.org()


@pytest.fixture
def owner(people, org):
    return people.member(org, owner=True)


@pytest.fixture
def member(people, org):
    return people.member(org)


@pytest.fixture
def stranger(people):
    return people.user()


def names(answer, wrapper="members", what="member"):
    assert answer.status_code == 200, answer.text
    return [x[what]["name"] for x in answer.json()[wrapper]]


# Members of organisations.


def test_an_owner_adds_changes_and_removes_members(org, owner, stranger):
    path = f"{ACCOUNTS}/{org}/members/{stranger.user}"
    refused(owner.get(path), 404, "NO_SUCH_MEMBER", stranger.user)
    refused(owner.patch(path, json={"isAdmin": True}), 404, "NO_SUCH_MEMBER")
    answer = owner.put(path, json={})
    assert answer.status_code == 200
    assert answer.json()["member"]["name"] == stranger.user and answer.json()["isAdmin"] is False
    assert owner.patch(path, json={"isAdmin": True}).json()["isAdmin"] is True
    assert owner.put(path, json={}).json()["isAdmin"] is True, "what is not said stays"
    assert stranger.get(path).json()["isAdmin"] is True
    assert names(owner.get(f"{ACCOUNTS}/{org}/members")) == sorted([owner.user, stranger.user])
    assert owner.delete(path).status_code == 204
    refused(owner.delete(path), 404, "NO_SUCH_MEMBER")
    refused(stranger.get(path), 404, "NO_SUCH_ACCOUNT")


def test_a_member_is_found_by_id_too(admin, org, owner, member):
    org_id = admin.get(f"{ACCOUNTS}/{org}").json()["id"]
    member_id = admin.get(f"{ACCOUNTS}/{member.user}").json()["id"]
    assert owner.get(f"{ACCOUNTS}/{org_id}/members/{member_id}").json()["member"]["name"] == member.user
    assert admin.get(f"{ACCOUNTS}/{org}").json()["membersCount"] == 2


@pytest.mark.parametrize("who", ["member", "stranger", "anonymous"])
def test_who_is_no_owner_changes_no_members(request, org, owner, stranger, who, people):
    one = request.getfixturevalue(who)
    status, code = {"member": (403, "NOT_AUTHORIZED"), "stranger": (404, "NO_SUCH_ACCOUNT"),
                    "anonymous": (401, "NOT_AUTHENTICATED")}[who]
    for user in (one.user or owner.user, people.user().user):
        path = f"{ACCOUNTS}/{org}/members/{user}"
        refused(one.put(path, json={"isAdmin": True}), status, code)
        refused(one.patch(path, json={"isAdmin": True}), status, code)
        refused(one.delete(path), status, code)
    refused(one.post(f"{ACCOUNTS}/{org}/teams", json={"name": "no"}), status, code)
    refused(one.patch(f"{ACCOUNTS}/{org}", json={"fullName": "no"}), status, code)
    if who != "member":
        refused(one.get(f"{ACCOUNTS}/{org}/members"), status, code)


def test_members_see_their_organisation_and_each_other(org, owner, member, stranger):
    assert member.get(f"{ACCOUNTS}/{org}").json()["membersCount"] == 2
    assert names(member.get(f"{ACCOUNTS}/{org}/members", params={"filter": "admins"})) == [owner.user]
    assert names(member.get(f"{ACCOUNTS}/{org}/members", params={"filter": "non-admins"})) == [member.user]
    refused(member.get(f"{ACCOUNTS}/{org}/members", params={"filter": "some"}), 400, "INVALID_PARAMETERS", "filter")
    assert member.get(f"{ACCOUNTS}/{owner.user}").status_code == 200
    refused(member.get(f"{ACCOUNTS}/{stranger.user}"), 404, "NO_SUCH_ACCOUNT")
    seen = member.get(ACCOUNTS, params={"limit": 0}).json()
    assert [x["name"] for x in seen["accounts"]] == sorted([org, owner.user, member.user])
    assert (seen["usersCount"], seen["orgsCount"]) == (2, 1)
    assert [x["name"] for x in member.get(ACCOUNTS, params={"filter": "orgs"}).json()["accounts"]] == [org]


def test_the_organisations_of_a_user(admin, people, org, owner, member):
    other = people.org()
    people.member(other, member, owner=True)
    answer = member.get(f"{ACCOUNTS}/{member.user}/organizations")
    assert {x["org"]["name"]: x["isAdmin"] for x in answer.json()["memberOrgs"]} == {org: False, other: True}
    assert answer.json()["resourceCount"] == 2
    assert names(admin.get(f"{ACCOUNTS}/{member.user}/organizations"), "memberOrgs", "org") == sorted([org, other])
    refused(owner.get(f"{ACCOUNTS}/{member.user}/organizations"), 403, "NOT_AUTHORIZED")


def test_only_users_are_members_and_only_organisations_have_them(admin, people, org, owner, member):
    other = people.org()
    refused(admin.put(f"{ACCOUNTS}/{org}/members/{other}", json={}), 404, "NO_SUCH_USER", other)
    refused(owner.put(f"{ACCOUNTS}/{org}/members/{unique('nobody')}", json={}), 404, "NO_SUCH_USER")
    for path in ("members", "teams"):
        refused(admin.get(f"{ACCOUNTS}/{member.user}/{path}"), 404, "NO_SUCH_ACCOUNT", "no organisation")
    refused(admin.put(f"{ACCOUNTS}/{member.user}/members/{owner.user}", json={}), 404, "NO_SUCH_ACCOUNT")
    refused(owner.put(f"{ACCOUNTS}/{org}/members/{member.user}", json={"isAdmin": 1}), 400, "INVALID_JSON", "isAdmin")


def test_an_organisation_goes_with_its_teams_and_a_user_with_its_memberships(admin, people, org, owner, member):
    team = people.team(org, member)
    assert admin.delete(f"{ACCOUNTS}/{member.user}").status_code == 204
    assert names(owner.get(f"{ACCOUNTS}/{org}/members")) == [owner.user]
    assert names(owner.get(f"{ACCOUNTS}/{org}/teams/{team}/members")) == []
    assert admin.delete(f"{ACCOUNTS}/{org}").status_code == 204
    assert owner.get(f"{ACCOUNTS}/{owner.user}/organizations").json()["memberOrgs"] == []
    people.org(org)
    refused(admin.get(f"{ACCOUNTS}/{org}/teams/{team}"), 404, "NO_SUCH_TEAM")


# Teams.


def test_a_team_is_made_changed_and_deleted(admin, org, owner):
    org_id = admin.get(f"{ACCOUNTS}/{org}").json()["id"]
    answer = owner.post(f"{ACCOUNTS}/{org}/teams", json={"id": "", "orgID": org_id, "membersCount": 0, "name": "Devs"})
    assert answer.status_code == 201
    team = answer.json()
    assert team == {"id": team["id"], "orgID": org_id, "name": "Devs", "description": "", "membersCount": 0}
    path = f"{ACCOUNTS}/{org}/teams/{team['id']}"
    changed = owner.patch(path, json={"description": "they make it", "name": ""}).json()
    assert changed == team | {"description": "they make it"}, "an empty name changes nothing"
    assert owner.patch(path, json={"name": "dev-s"}).json()["name"] == "dev-s"
    assert owner.get(f"{ACCOUNTS}/{org}/teams/dev-s").json()["description"] == "they make it"
    assert owner.get(f"{ACCOUNTS}/{org}").json()["teamsCount"] == 1
    assert owner.delete(path).status_code == 204
    refused(owner.get(path), 404, "NO_SUCH_TEAM", team["id"])
    refused(owner.delete(path), 404, "NO_SUCH_TEAM")


@pytest.mark.parametrize("body, word", [
    ({}, "name"), ({"name": ""}, "name"), ({"name": "a/b"}, "name"), ({"name": " a"}, "name"), ({"name": "a\n"}, "name"),
    ({"name": "x" * 101}, "name"), ({"name": "0190f0a0-0000-7000-8000-000000000000"}, "name"),
    ({"name": "ok", "description": "x" * 1025}, "description"), ({"name": "ok", "description": 1}, "description"),
])
def test_a_bad_field_of_a_team_is_named(admin, org, body, word):
    answer = admin.post(f"{ACCOUNTS}/{org}/teams", json=body)
    assert answer.status_code == 400 and word in answer.json()["errors"][0]["message"], answer.text
    assert admin.get(f"{ACCOUNTS}/{org}/teams").json()["teams"] == []


def test_a_name_of_a_team_is_taken_once_in_its_organisation(admin, people, org):
    team, other, elsewhere = people.team(org), people.team(org), people.org()
    refused(admin.post(f"{ACCOUNTS}/{org}/teams", json={"name": team}), 409, "TEAM_EXISTS", team)
    refused(admin.patch(f"{ACCOUNTS}/{org}/teams/{other}", json={"name": team}), 409, "TEAM_EXISTS", team)
    assert admin.post(f"{ACCOUNTS}/{elsewhere}/teams", json={"name": team}).status_code == 201


def test_teams_are_listed_to_members_in_pages(admin, people, org, owner, member):
    made = sorted(people.team(org) for _ in range(5))
    found, start = [], None
    while True:
        answer = member.get(f"{ACCOUNTS}/{org}/teams",
                            params={"limit": 2, "count": "true"} | ({"start": start} if start else {}))
        assert answer.headers["X-Resource-Count"] == "5" and answer.json()["resourceCount"] == 5
        found += [x["name"] for x in answer.json()["teams"]]
        start = answer.headers.get("X-Next-Page-Start")
        if start is None:
            break
    assert found == made
    for name in made[:2]:
        assert owner.put(f"{ACCOUNTS}/{org}/teams/{name}/members/{member.user}", json={}).status_code == 200
    answer = member.get(f"{ACCOUNTS}/{org}/members/{member.user}/teams")
    assert names(answer, "memberTeams", "team") == made[:2] and answer.json()["resourceCount"] == 2
    refused(member.get(f"{ACCOUNTS}/{org}/members/{admin.user}/teams"), 404, "NO_SUCH_MEMBER")


# Members of teams.


def test_an_owner_puts_users_into_teams(people, org, owner, stranger):
    team = people.team(org)
    path = f"{ACCOUNTS}/{org}/teams/{team}/members/{stranger.user}"
    refused(owner.patch(path, json={}), 404, "NO_SUCH_MEMBER")
    assert owner.put(path, json={"isAdmin": False}).json()["isAdmin"] is False
    assert names(owner.get(f"{ACCOUNTS}/{org}/members")) == sorted([owner.user, stranger.user]), "so it is a member"
    assert owner.patch(path, json={"isAdmin": True}).json()["isAdmin"] is True
    assert owner.get(path).json()["isAdmin"] is True
    assert names(owner.get(f"{ACCOUNTS}/{org}/teams/{team}/members", params={"filter": "admins"})) == [stranger.user]
    assert owner.get(f"{ACCOUNTS}/{org}/teams/{team}").json()["membersCount"] == 1
    assert owner.delete(path).status_code == 204
    refused(owner.get(path), 404, "NO_SUCH_MEMBER")
    assert owner.get(f"{ACCOUNTS}/{org}/members/{stranger.user}").status_code == 200, "a member it remains"


def test_leaving_the_organisation_is_leaving_its_teams(people, org, owner, member):
    team = people.team(org, member)
    assert owner.delete(f"{ACCOUNTS}/{org}/members/{member.user}").status_code == 204
    assert names(owner.get(f"{ACCOUNTS}/{org}/teams/{team}/members")) == []


def test_an_admin_of_a_team_changes_its_ordinary_members(people, org, owner, member, stranger):
    chief, other = people.member(org), people.member(org)
    team, elsewhere = people.team(org, chief, other), people.team(org)
    base = f"{ACCOUNTS}/{org}/teams/{team}/members"
    for user in (chief, other):
        assert owner.patch(f"{base}/{user.user}", json={"isAdmin": True}).status_code == 200

    assert chief.put(f"{base}/{member.user}", json={}).status_code == 200
    refused(chief.put(f"{base}/{member.user}", json={"isAdmin": True}), 403, "NOT_AUTHORIZED", "isAdmin")
    refused(chief.put(f"{base}/{stranger.user}", json={}), 403, "NOT_AUTHORIZED", "owner")
    refused(chief.delete(f"{base}/{other.user}"), 403, "NOT_AUTHORIZED", "owner")
    refused(chief.put(f"{ACCOUNTS}/{org}/teams/{elsewhere}/members/{member.user}", json={}), 403, "NOT_AUTHORIZED")
    refused(chief.patch(f"{ACCOUNTS}/{org}/teams/{team}", json={"name": "mine"}), 403, "NOT_AUTHORIZED")
    refused(member.delete(f"{base}/{chief.user}"), 403, "NOT_AUTHORIZED")
    refused(member.put(f"{base}/{member.user}", json={"isAdmin": True}), 403, "NOT_AUTHORIZED")
    assert chief.delete(f"{base}/{member.user}").status_code == 204
    assert chief.delete(f"{base}/{chief.user}").status_code == 204, "it may leave"
    refused(chief.put(f"{base}/{member.user}", json={}), 403, "NOT_AUTHORIZED")
