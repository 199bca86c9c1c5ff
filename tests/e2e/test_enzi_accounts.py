"""Accounts by DTR's accounts API: users and organisations are listed, made, changed and deleted, and passwords set."""

import pytest

from harness.client import Registry
from harness.people import PASSWORD, People, refused, unique

ACCOUNTS = "/enzi/v0/accounts"


@pytest.fixture
def people(admin):
    return People(admin)


# Making.


def test_a_user_is_made_and_may_log_in(admin, people):
    name = unique("user")
    answer = admin.post(ACCOUNTS, json={"name": name, "password": PASSWORD, "fullName": "Ada L."})
    assert answer.status_code == 201
    account = answer.json()
    assert account == {"name": name, "id": account["id"], "fullName": "Ada L.", "isOrg": False, "isAdmin": False,
                       "isActive": True, "isImported": False, "onDemand": False, "otpEnabled": False}
    assert admin.get(f"{ACCOUNTS}/{account['id']}").json() == account
    assert Registry(admin.url, name, PASSWORD).get(f"{ACCOUNTS}/{name}").json() == account


def test_an_organisation_is_made_as_old_clients_do(admin):
    """With an empty id, an empty password and members that nobody knows."""
    name = unique("org")
    answer = admin.post(ACCOUNTS, data=f'{{"name": "{name}", "id": "", "password": "", "isOrg": true, "colour": 1}}')
    assert answer.status_code == 201
    assert answer.json() | {"id": ""} == {
        "name": name, "id": "", "fullName": "", "isOrg": True, "isAdmin": False, "isActive": True,
        "isImported": False, "onDemand": False, "otpEnabled": False, "membersCount": 0, "teamsCount": 0}
    assert "id" in answer.headers["Warning"] and "colour" in answer.headers["Warning"]


@pytest.mark.parametrize("body, word", [
    ({"password": PASSWORD}, "name"),
    ({"name": "", "password": PASSWORD}, "name"),
    ({"name": "Upper", "password": PASSWORD}, "name"),
    ({"name": "has space", "password": PASSWORD}, "name"),
    ({"name": "a..b", "password": PASSWORD}, "name"),
    ({"name": "a/b", "password": PASSWORD}, "name"),
    ({"name": "ends-", "password": PASSWORD}, "name"),
    ({"name": "x" * 101, "password": PASSWORD}, "name"),
    ({"name": "anonymous", "password": PASSWORD}, "name"),
    ({"name": "language", "isOrg": True}, "name"),
    ({"name": "0190f0a0-0000-7000-8000-000000000000", "isOrg": True}, "name"),
    ({"name": "free-name"}, "password"),
    ({"name": "free-name", "password": ""}, "password"),
    ({"name": "free-name", "password": "short"}, "password"),
    ({"name": "free-name", "password": "x" * 1025}, "password"),
    ({"name": "free-name", "password": PASSWORD, "fullName": "a\nb"}, "fullName"),
    ({"name": "free-name", "password": PASSWORD, "fullName": "x" * 257}, "fullName"),
    ({"name": "free-name", "password": PASSWORD, "isAdmin": "yes"}, "isAdmin"),
    ({"name": "free-name", "password": PASSWORD, "searchLDAP": True}, "searchLDAP"),
    ({"name": "free-name", "isOrg": True, "isAdmin": True}, "isAdmin"),
])
def test_a_bad_field_is_named(admin, body, word):
    answer = admin.post(ACCOUNTS, json=body)
    assert answer.status_code == 400
    assert word in answer.json()["errors"][0]["message"]
    assert admin.get(f"{ACCOUNTS}/free-name").status_code == 404


def test_a_name_of_a_hundred_characters_is_one(admin):
    name = (unique("long") + "-" + "x" * 100)[:100]
    assert admin.post(ACCOUNTS, json={"name": name, "isOrg": True}).status_code == 201
    assert admin.delete(f"{ACCOUNTS}/{name}").status_code == 204


def test_a_name_is_taken_once(admin, people):
    name = people.org()
    refused(admin.post(ACCOUNTS, json={"name": name, "isOrg": True}), 409, "ACCOUNT_EXISTS", name)


# Who may.


def test_only_system_admins_make_and_delete(people, anonymous):
    user, org = people.user(), people.org()
    for one in (user, anonymous):
        status, code = (403, "NOT_AUTHORIZED") if one is user else (401, "NOT_AUTHENTICATED")
        refused(one.post(ACCOUNTS, json={"name": unique("no"), "isOrg": True}), status, code)
        refused(one.delete(f"{ACCOUNTS}/{org}"), status, code)
    refused(user.delete(f"{ACCOUNTS}/{user.user}"), 403, "NOT_AUTHORIZED")


def test_strangers_do_not_see_each_other(people):
    user, other, org = people.user(), people.user(), people.org()
    for name in (other.user, org, unique("nobody")):
        refused(user.get(f"{ACCOUNTS}/{name}"), 404, "NO_SUCH_ACCOUNT", "no such account")
        refused(user.patch(f"{ACCOUNTS}/{name}", json={"fullName": "x"}), 404, "NO_SUCH_ACCOUNT")
    answer = user.get(ACCOUNTS).json()
    assert [x["name"] for x in answer["accounts"]] == [user.user]
    assert (answer["usersCount"], answer["orgsCount"], answer["resourceCount"]) == (1, 0, 1)


# Changing.


def test_a_user_changes_its_full_name_and_nothing_else(people):
    user = people.user()
    mine = f"{ACCOUNTS}/{user.user}"
    assert user.patch(mine, json={"fullName": "Grace"}).json()["fullName"] == "Grace"
    refused(user.patch(mine, json={"isAdmin": True}), 403, "NOT_AUTHORIZED", "isAdmin")
    refused(user.patch(mine, json={"isActive": False}), 403, "NOT_AUTHORIZED", "isActive")
    whole = user.get(mine).json()
    answer = user.patch(mine, json=whole)
    assert answer.status_code == 200 and answer.json() == whole and "isOrg" in answer.headers["Warning"]
    assert whole["isAdmin"] is False


def test_an_admin_is_made_and_unmade(admin, people):
    user = people.user()
    mine = f"{ACCOUNTS}/{user.user}"
    assert admin.patch(mine, json={"isAdmin": True}).json()["isAdmin"] is True
    assert user.get(ACCOUNTS, params={"limit": 1}).json()["resourceCount"] > 1
    assert admin.patch(mine, json={"isAdmin": False}).json()["isAdmin"] is False
    refused(user.post(ACCOUNTS, json={"name": unique("no"), "isOrg": True}), 403, "NOT_AUTHORIZED")


def test_a_user_that_is_switched_off_is_out_at_once(admin, people):
    user = people.user()
    bearer = user.with_token()
    assert bearer.get(f"{ACCOUNTS}/{user.user}").status_code == 200
    assert admin.patch(f"{ACCOUNTS}/{user.user}", json={"isActive": False}).json()["isActive"] is False
    assert user.get("/v2/").status_code == 401
    assert bearer.get(f"{ACCOUNTS}/{user.user}").status_code == 401
    assert admin.patch(f"{ACCOUNTS}/{user.user}", json={"isActive": True}).json()["isActive"] is True
    assert user.get("/v2/").status_code == 200
    assert bearer.get(f"{ACCOUNTS}/{user.user}").status_code == 401, "a token of before stays void"


def test_an_organisation_has_neither_rank_nor_state(admin, people):
    org = people.org()
    refused(admin.patch(f"{ACCOUNTS}/{org}", json={"isAdmin": True}), 400, "INVALID_PARAMETERS", "isAdmin")
    refused(admin.patch(f"{ACCOUNTS}/{org}", json={"isActive": False}), 400, "INVALID_PARAMETERS", "isActive")
    assert admin.patch(f"{ACCOUNTS}/{org}", json={"fullName": "Acme"}).json()["fullName"] == "Acme"


# Passwords.


def test_a_password_is_changed_with_the_old_one(people):
    user = people.user()
    bearer = user.with_token()
    path = f"{ACCOUNTS}/{user.user}/changePassword"
    refused(user.post(path, json={"newPassword": "another password"}), 400, "INVALID_PARAMETERS", "oldPassword")
    refused(user.post(path, json={"oldPassword": "wrong", "newPassword": "another password"}),
            403, "NOT_AUTHORIZED", "oldPassword")
    refused(user.post(path, json={"oldPassword": PASSWORD, "newPassword": "short"}),
            400, "INVALID_PARAMETERS", "newPassword")
    answer = user.post(path, json={"oldPassword": PASSWORD, "newPassword": "another password"})
    assert answer.status_code == 200 and answer.json()["name"] == user.user
    assert user.get("/v2/").status_code == 401, "the old password is no more"
    assert bearer.get(f"{ACCOUNTS}/{user.user}").status_code == 401, "tokens end with it"
    assert Registry(user.url, user.user, "another password").get("/v2/").status_code == 200


def test_a_system_admin_sets_a_password_without_the_old_one(admin, people):
    user, other, org = people.user(), people.user(), people.org()
    answer = admin.post(f"{ACCOUNTS}/{user.user}/changePassword", json={"newPassword": "set by an admin"})
    assert answer.status_code == 200
    assert Registry(user.url, user.user, "set by an admin").get("/v2/").status_code == 200
    refused(other.post(f"{ACCOUNTS}/{user.user}/changePassword", json={"newPassword": "set by another"}),
            404, "NO_SUCH_ACCOUNT")
    refused(admin.post(f"{ACCOUNTS}/{org}/changePassword", json={"newPassword": "of nobody's"}), 404, "NO_SUCH_USER")


# Deleting.


def test_a_deleted_account_is_gone_and_its_name_free(admin, people):
    user = people.user()
    before = admin.get(f"{ACCOUNTS}/{user.user}").json()["id"]
    assert admin.delete(f"{ACCOUNTS}/{before}").status_code == 204
    refused(admin.delete(f"{ACCOUNTS}/{before}"), 404, "NO_SUCH_ACCOUNT")
    assert user.get("/v2/").status_code == 401
    again = people.user(user.user)
    assert again.get(f"{ACCOUNTS}/{user.user}").json()["id"] != before


def test_an_account_with_repositories_stays(admin, people):
    user = people.user()
    user.push_image(f"{user.user}/one", "v1")
    error = refused(admin.delete(f"{ACCOUNTS}/{user.user}"), 409, "ACCOUNT_HAS_REPOSITORIES", "1 repository")
    assert "DELETE" in error["message"], "it says what to do"
    assert user.get("/v2/").status_code == 200


# The last system admin.


@pytest.mark.parametrize("change", [{"isAdmin": False}, {"isActive": False}, None])
def test_the_last_system_admin_stays(new_server, change):
    server = new_server()
    admin = Registry(server.url(), "admin", server.password)
    other = People(admin).user(isAdmin=True, isActive=False)
    path = f"{ACCOUNTS}/admin"
    answer = admin.delete(path) if change is None else admin.patch(path, json=change)
    refused(answer, 409, "LAST_ADMIN", "admin")
    assert admin.patch(f"{ACCOUNTS}/{other.user}", json={"isActive": True}).status_code == 200
    answer = admin.delete(path) if change is None else admin.patch(path, json=change)
    assert answer.status_code in (200, 204), answer.text
    refused(other.patch(f"{ACCOUNTS}/{other.user}", json={"isAdmin": False}), 409, "LAST_ADMIN")


# Lists.


def test_filters_and_pages(new_server):
    server = new_server()
    admin = Registry(server.url(), "admin", server.password)
    people = People(admin)
    for name in ("ann", "bea"):
        people.user(name)
    people.user("off", isActive=False)
    people.user("root", isAdmin=True)
    people.org("acme")

    def names(**params):
        return [x["name"] for x in admin.get(ACCOUNTS, params=params).json()["accounts"]]

    assert names() == names(filter="all") == ["acme", "admin", "ann", "bea", "off", "root"]
    assert names(filter="users") == ["admin", "ann", "bea", "off", "root"]
    assert names(filter="orgs") == ["acme"]
    assert names(filter="admins") == ["admin", "root"]
    assert names(filter="non-admins") == ["ann", "bea", "off"]
    assert names(filter="active-users") == ["admin", "ann", "bea", "root"]
    assert names(filter="inactive-users") == ["off"]
    refused(admin.get(ACCOUNTS, params={"filter": "user"}), 400, "INVALID_PARAMETERS", "filter")
    refused(admin.get(ACCOUNTS, params={"limit": "ten"}), 400, "INVALID_PARAMETERS", "limit")
    refused(admin.get(ACCOUNTS, params={"start": "acme"}), 400, "INVALID_PARAMETERS", "start")

    found, start = [], None
    while True:
        answer = admin.get(ACCOUNTS, params={"limit": 2, "count": "true"} | ({"start": start} if start else {}))
        page = answer.json()
        assert answer.headers["X-Resource-Count"] == "6" and page["resourceCount"] == 6
        assert (page["usersCount"], page["orgsCount"]) == (5, 1)
        found += [x["name"] for x in page["accounts"]]
        start = answer.headers.get("X-Next-Page-Start")
        assert page["nextPageStart"] == (start or "")
        if start is None:
            break
        assert len(page["accounts"]) == 2
    assert found == names(limit=0)
    assert "X-Resource-Count" not in admin.get(ACCOUNTS).headers


# Other credentials than passwords.


def token_of(user, **body):
    """The same user with an access token in the password's place."""
    answer = user.post("/api/v0/api_tokens", json={"tokenLabel": "test"} | body)
    assert answer.status_code == 200, answer.text
    return Registry(user.url, user.user, answer.json()["token"])


def test_a_token_is_not_the_old_password(people):
    user = people.user()
    token = token_of(user)
    path = f"{ACCOUNTS}/{user.user}/changePassword"
    assert token.patch(f"{ACCOUNTS}/{user.user}", json={"fullName": "by token"}).status_code == 200
    for old in (token.password, "", "guessed"):
        answer = token.post(path, json={"oldPassword": old, "newPassword": "another password"})
        assert answer.status_code in (400, 403) and "oldPassword" in answer.json()["errors"][0]["message"]
    assert user.get("/v2/").status_code == 200
    assert token.post(path, json={"oldPassword": PASSWORD, "newPassword": "another password"}).status_code == 200


def test_a_narrowed_token_manages_nothing(admin, people):
    org = people.org()
    owner, user = people.member(org, owner=True), people.user()
    team = people.team(org)
    for one in (owner, admin):
        token = token_of(one, scopes=[{"path": org, "verbs": ["*"]}])
        for method, path, body in (
                ("PATCH", f"{ACCOUNTS}/{one.user}", {"fullName": "x"}), ("POST", ACCOUNTS, {"name": unique("no"), "isOrg": True}),
                ("POST", f"{ACCOUNTS}/{one.user}/changePassword", {"oldPassword": one.password, "newPassword": PASSWORD}),
                ("PUT", f"{ACCOUNTS}/{org}/members/{user.user}", {}), ("POST", f"{ACCOUNTS}/{org}/teams", {"name": "x"}),
                ("PUT", f"{ACCOUNTS}/{org}/teams/{team}/members/{user.user}", {}), ("DELETE", f"{ACCOUNTS}/{org}", None)):
            if one is admin and org in path:
                continue
            answer = token.request(method, path, json=body)
            assert answer.status_code in (403, 404), (method, path, answer.text)
    assert admin.get(f"{ACCOUNTS}/{org}").json()["membersCount"] == 1


def test_a_session_ends_with_its_user_and_with_its_password(admin, people):
    user = people.user()
    path = f"{ACCOUNTS}/{user.user}"
    ways = (lambda: admin.patch(path, json={"isActive": False}),
            lambda: admin.post(f"{path}/changePassword", json={"newPassword": PASSWORD}), lambda: admin.delete(path))
    for way in ways:
        assert admin.patch(path, json={"isActive": True}).status_code == 200
        token = user.post("/auth/login", json={"username": user.user, "password": PASSWORD}).json()["auth_token"]
        browser = Registry(user.url, token=token)
        assert browser.get(path).status_code == 200
        assert way().status_code in (200, 204)
        assert browser.get(path).status_code == 401
