"""Access tokens on DTR's routes, and what one may do with them: everything that their owner may, unless they are narrowed."""

import datetime

import pytest

from harness.client import Registry, assert_error
from harness.people import PASSWORD, People, unique
from harness.server import wait_for

TOKENS = "/api/v0/api_tokens"
NEVER = "0001-01-01T00:00:00Z"
MEMBERS = {"createdAt", "creatorUa", "generatedBy", "hashedToken", "isActive", "lastUsed", "tokenLabel", "expiresAt"}


@pytest.fixture
def people(admin):
    return People(admin)


def make(registry, username=None, **body):
    answer = registry.post(TOKENS, params={"username": username} if username else None, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def with_token(registry, token, user=None):
    return Registry(registry.url, user or registry.user, token["token"])


def in_future(**by):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**by)).strftime("%Y-%m-%dT%H:%M:%SZ")


def name_of(registry):
    answer = registry.get("/basic_info")
    return answer.json()["User"] if answer.status_code == 200 else None


# As DTR's clients use them.

def test_a_token_is_shown_once_and_works_as_a_password(people):
    user = people.user()
    token = make(user, tokenLabel="laptop")
    assert set(token) == MEMBERS | {"token"}
    assert token["tokenLabel"] == "laptop" and token["isActive"] is True and token["generatedBy"] == "manual"
    assert token["lastUsed"] == NEVER and token["expiresAt"] == NEVER and token["creatorUa"].startswith("python-requests")
    path = f"{TOKENS}/{token['hashedToken']}"
    seen = user.get(path).json()
    assert seen == {key: token[key] for key in MEMBERS}
    assert user.get(TOKENS).json() == [seen]

    client = with_token(user, token)
    assert name_of(client) == user.user and client.get("/basic_info").json()["AuthnMethod"] == "AccessToken"
    assert user.get(path).json()["lastUsed"] != NEVER
    assert name_of(Registry(user.url, token=token["token"])) == user.user  # as a bearer
    assert name_of(Registry(user.url, "admin", token["token"])) is None  # under nobody else's name


def test_tokens_are_listed_in_pages_by_username(admin, people):
    user = people.user()
    hashes = [make(user, tokenLabel=str(i))["hashedToken"] for i in range(5)]
    first = admin.get(TOKENS, params={"username": user.user, "pageSize": 2, "count": "true"})
    assert [row["hashedToken"] for row in first.json()] == hashes[:2] and first.headers["X-Resource-Count"] == "5"
    start, found = first.headers["X-Next-Page-Start"], hashes[:2]
    while start:
        page = admin.get(TOKENS, params={"username": user.user, "pageSize": 2, "pageStart": start})
        found += [row["hashedToken"] for row in page.json()]
        start = page.headers.get("X-Next-Page-Start")
    assert found == hashes
    assert len(admin.get(TOKENS, params={"username": user.user, "pageSize": 0}).json()) == 5


def test_admins_make_them_for_others_and_others_do_not(admin, people):
    user, stranger = people.user(), people.user()
    token = make(admin, username=user.user, tokenLabel="by the admin")
    assert name_of(with_token(user, token)) == user.user
    path = f"{TOKENS}/{token['hashedToken']}"
    for answer in (stranger.get(path), stranger.patch(path, json={"isActive": False}), stranger.delete(path)):
        assert_error(answer, 404, "NO_SUCH_API_TOKEN")
    for answer in (stranger.get(TOKENS, params={"username": user.user}),
                   stranger.post(TOKENS, params={"username": user.user}, json={}),
                   stranger.delete(TOKENS, params={"username": user.user})):
        assert_error(answer, 404, "NO_SUCH_USER")
    assert admin.get(path).status_code == 200
    assert admin.delete(path).status_code == 200 and name_of(with_token(user, token)) is None


def test_one_is_renamed_and_switched_off_and_on(people):
    user = people.user()
    token = make(user)
    path, client = f"{TOKENS}/{token['hashedToken']}", with_token(user, token)
    assert user.patch(path, json={"tokenLabel": "renamed"}).json()["tokenLabel"] == "renamed"
    assert name_of(client) == user.user
    off = user.patch(path, json={"isActive": False}).json()
    assert off["isActive"] is False and off["tokenLabel"] == "renamed" and name_of(client) is None
    assert user.patch(path, json={"isActive": True}).json()["isActive"] is True and name_of(client) == user.user
    # The body of a GET can be sent back; what nobody may change is named and ignored.
    again = user.patch(path, json=user.get(path).json())
    assert again.status_code == 200 and "hashedToken" in again.headers["Warning"]
    assert user.delete(path).status_code == 200
    assert name_of(client) is None
    assert_error(user.get(path), 404, "NO_SUCH_API_TOKEN")
    assert_error(user.delete(path), 404, "NO_SUCH_API_TOKEN")


def test_the_unused_are_cleaned_up(people):
    user = people.user()
    used, unused = make(user, tokenLabel="used"), make(user, tokenLabel="unused")
    assert name_of(with_token(user, used)) == user.user

    def left():
        return {row["tokenLabel"] for row in user.get(TOKENS).json()}

    assert user.delete(TOKENS).status_code == 200 and left() == {"used", "unused"}  # generated by hand
    assert user.delete(TOKENS, params={"usedbefore": "2020-01-01", "generatedby": "manual"}).status_code == 200
    assert left() == {"used", "unused"}
    assert user.delete(TOKENS, params={"usedbefore": in_future(days=1), "generatedby": "all"}).status_code == 200
    assert left() == set() and name_of(with_token(user, unused)) is None


@pytest.mark.parametrize("params", [{"usedbefore": "yesterday"}, {"usedbefore": "2020-13-01T00:00:00Z"},
                                    {"generatedby": "magic"}])
def test_a_clean_up_that_nobody_understands_deletes_nothing(people, params):
    user = people.user()
    make(user)
    assert_error(user.delete(TOKENS, params={"generatedby": "manual"} | params), 400, "INVALID_PARAMETERS")
    assert len(user.get(TOKENS).json()) == 1


@pytest.mark.parametrize("body, word", [
    ({"tokenLabel": "x" * 129}, "tokenLabel"), ({"tokenLabel": "a\nb"}, "tokenLabel"), ({"tokenLabel": 7}, "tokenLabel"),
    ({"expiresAt": "soon"}, "expiresAt"), ({"expiresAt": "2001-01-01T00:00:00Z"}, "expiresAt"),
    ({"scopes": [{"path": "a"}]}, "scopes"), ({"scopes": [{"path": "a", "actions": ["fly"]}]}, "scopes"),
    ({"scopes": [{"path": "a", "verbs": ["fly"]}]}, "fly"), ({"scopes": [{"path": "A/b", "actions": ["pull"]}]}, "scopes"),
    ({"scopes": [{"path": "a", "actions": ["pull"]}] * 2}, "scopes"), ({"scopes": [{"actions": ["pull"]}]}, "path"),
    ({"scopes": [{"path": f"a{i}", "actions": ["pull"]} for i in range(101)]}, "scopes"),
])
def test_a_bad_field_is_named(admin, body, word):
    answer = admin.post(TOKENS, json=body)
    assert answer.status_code == 400 and word in str(answer.json()["errors"][0]), answer.text


def test_nobody_and_other_kinds_of_accounts_have_none(admin, anonymous, people):
    assert anonymous.get(TOKENS).status_code == 401 and anonymous.post(TOKENS, json={}).status_code == 401
    org = people.org()
    for name in (org, unique("nobody"), "has space"):
        assert_error(admin.get(TOKENS, params={"username": name}), 404, "NO_SUCH_USER")
        assert_error(admin.post(TOKENS, params={"username": name}, json={}), 404, "NO_SUCH_USER")


# Bounded.

def test_a_token_ends_when_it_says(admin):
    token = make(admin, expiresAt=in_future(days=1))
    assert token["expiresAt"] == in_future(days=1)[:10] + token["expiresAt"][10:] and name_of(with_token(admin, token))
    client = with_token(admin, token)
    # What it makes ends with it at the latest.
    child = make(client)
    assert child["expiresAt"] == token["expiresAt"]
    assert_error(client.post(TOKENS, json={"expiresAt": in_future(days=2)}), 403, "NOT_AUTHORIZED")


def test_the_longest_life_is_a_setting_and_counts_for_old_tokens(new_server):
    server = new_server()
    admin = Registry(server.url(), "admin", server.password)
    old = make(admin)
    assert old["expiresAt"] == NEVER
    server.admin("set", "pat-max-life", "1d")
    wait_for(lambda: make(admin)["expiresAt"] != NEVER)
    assert_error(admin.post(TOKENS, json={"expiresAt": in_future(days=3)}), 400, "INVALID_PARAMETERS")
    server.admin("set", "pat-max-life", "1us")
    wait_for(lambda: name_of(with_token(admin, old)) is None)


def test_a_narrowed_token_does_what_it_names_and_nothing_more(admin, repo, image):
    namespace = repo.rsplit("/", 1)[0]
    token = make(admin, scopes=[{"path": repo, "actions": ["pull"]}])
    assert token["scopes"] == [{"path": repo, "actions": ["pull"], "verbs": ["view", "pull"]}]
    basic, bearer = with_token(admin, token), Registry(admin.url, token=token["token"])
    session = Registry(admin.url)
    csrf = session.post("/login", data={"username": "admin", "password": token["token"]}).json()["csrfToken"]
    script = Registry(admin.url, token=session.post("/auth/login", headers={"X-Csrf-Token": csrf}, json={
        "username": "admin", "password": token["token"]}).json()["auth_token"])
    bought = basic.with_token(f"repository:{repo}:pull,push,delete")

    for client in (basic, bearer, bought):
        assert client.pull_manifest(repo, "v1").status_code == 200
        assert client.post(f"/v2/{repo}/blobs/uploads/").status_code == 401
        assert client.delete(f"/v2/{repo}/manifests/v1").status_code == 401
    assert basic.post(f"/v2/{namespace}/other/blobs/uploads/").status_code == 401
    for client in (basic, bearer, script, session):
        headers = {"X-Csrf-Token": csrf} if client is session else {}
        assert client.get("/basic_info").json()["IsAdmin"] is False
        assert client.post("/enzi/v0/accounts", json={"name": unique("x"), "isOrg": True}, headers=headers).status_code == 403
        assert client.post(TOKENS, json={}, headers=headers).status_code == 403
        assert client.get(f"{TOKENS}/{token['hashedToken']}").status_code == 403
        assert client.patch(f"{TOKENS}/{token['hashedToken']}", json={"tokenLabel": "x"}, headers=headers).status_code == 403
    assert admin.get("/auth/token", params={"access_token": token["token"]}).status_code == 200  # never from the query
    assert Registry(admin.url).get("/api/v1/session", params={"access_token": token["token"]}).status_code == 401


def test_a_token_narrowed_to_nothing_does_nothing(admin, repo, image):
    token = make(admin, scopes=[])
    assert token["scopes"] == []
    assert with_token(admin, token).pull_manifest(repo, "v1").status_code == 401


def test_what_was_bought_with_a_token_ends_with_it(admin, repo, image):
    token = make(admin)
    client = with_token(admin, token)
    bought = client.with_token(f"repository:{repo}:pull")
    refresh = client.fetch_token(f"repository:{repo}:pull", offline_token="true")["refresh_token"]
    session = Registry(admin.url)
    assert session.post("/login", data={"username": "admin", "password": token["token"]}).status_code == 200

    def refreshed():
        return admin.anonymous().post("/auth/token", data={
            "grant_type": "refresh_token", "refresh_token": refresh, "client_id": "test", "service": "x"}).status_code

    def all_open():
        return (bought.pull_manifest(repo, "v1").status_code, refreshed(), session.get("/api/v1/session").status_code)

    assert all_open() == (200, 200, 200)
    assert admin.patch(f"{TOKENS}/{token['hashedToken']}", json={"isActive": False}).status_code == 200
    assert all_open() == (401, 401, 401)
    assert admin.patch(f"{TOKENS}/{token['hashedToken']}", json={"isActive": True}).status_code == 200
    assert all_open() == (401, 401, 401) and client.pull_manifest(repo, "v1").status_code == 200


def test_each_change_and_refusal_is_on_record(admin, people):
    user = people.user()

    def on_record(answer):
        found = admin.get("/api/v1/audit", params={"request": answer.headers["X-Request-Id"]}).json()["records"]
        assert all(record["account"] == user.user and record["address"] == "127.0.0.1" for record in found)
        return [(record["action"], record["outcome"]) for record in found], found

    made = user.post(TOKENS, json={"scopes": [{"path": user.user, "actions": ["pull"]}]})
    actions, (record,) = on_record(made)
    assert actions == [("API_TOKEN_CREATED", "done")] and made.json()["hashedToken"].startswith(record["object"])
    assert user.user in record["after"] and made.json()["token"] not in str(record)
    path = f"{TOKENS}/{made.json()['hashedToken']}"
    actions, (record,) = on_record(user.patch(path, json={"isActive": False}))
    assert actions == [("API_TOKEN_CHANGED", "done")] and "true" in record["before"] and "false" in record["after"]
    assert user.patch(path, json={"isActive": True}).status_code == 200
    refused = with_token(user, made.json()).post(TOKENS, json={})
    assert refused.status_code == 403
    actions, (record,) = on_record(refused)
    assert actions == [("api_tokens.create", "refused")] and record["credential"].startswith("token-")
    assert on_record(user.delete(path))[0] == [("API_TOKEN_DELETED", "done")]
