"""Guessing is slowed down by name and network, tells nothing, and locks nobody else out; and nothing without an account where
that is switched off."""

import shutil

import pytest

from harness.client import Registry, assert_error
from harness.people import PASSWORD, People, unique
from harness.server import wait_for

WAYS = {
    "basic": lambda registry, name, password: Registry(registry.url, name, password).get("/v2/"),
    "token": lambda registry, name, password: Registry(registry.url, name, password).get("/auth/token"),
    "oauth": lambda registry, name, password: Registry(registry.url).post("/auth/token", data={
        "grant_type": "password", "username": name, "password": password, "client_id": "t", "service": "x"}),
    "form": lambda registry, name, password: Registry(registry.url).post("/login", data={
        "username": name, "password": password}),
    "script": lambda registry, name, password: Registry(registry.url).post("/auth/login", json={
        "username": name, "password": password}),
}


@pytest.fixture
def strict(new_server):
    """The admin of a server where three wrong passwords are enough."""
    server = new_server()
    server.admin("set", "login-failures", "3")
    admin = Registry(server.url(), "admin", server.password)
    admin.server = server
    return admin


def guess(registry, name, n=6):
    """Wrong passwords, each another one: the same one again is no new guess."""
    return [WAYS["basic"](registry, name, f"{unique('wrong')}") for _ in range(n)]


def shown(answer):
    """Everything that a client can tell answers apart by, but for ids and times."""
    headers = {key: value for key, value in answer.headers.items() if key not in ("X-Request-Id", "Date")}
    return answer.status_code, headers, answer.text


def test_a_locked_name_is_told_nothing_and_its_tokens_go_on(strict):
    user = People(strict).user()
    token = strict.post("/api/v0/api_tokens", params={"username": user.user}, json={}).json()["token"]
    disabled = People(strict).user()
    assert strict.patch(f"/enzi/v0/accounts/{disabled.user}", json={"isActive": False}).status_code == 200
    guess(strict, user.user)
    for name, way in WAYS.items():
        locked, unknown = way(strict, user.user, PASSWORD), way(strict, unique("nobody"), PASSWORD)
        assert locked.status_code == 401, name
        assert shown(locked) == shown(unknown) == shown(way(strict, disabled.user, PASSWORD)), name
    assert WAYS["basic"](strict, user.user, token).status_code == 200
    # Others, and the same network's other names, are not touched.
    assert People(strict).user().get("/v2/").status_code == 200
    # The lock ends by itself, and a success forgets what was before.
    wait_for(lambda: WAYS["basic"](strict, user.user, PASSWORD).status_code == 200, seconds=60)


def test_who_logs_in_is_told_of_the_guesses(strict):
    user = People(strict).user()
    guess(strict, user.user, 2)
    body = WAYS["form"](strict, user.user, PASSWORD).json()
    assert body["failedLogins"] == 2 and body["lastFailedAt"].startswith("20")
    assert "failedLogins" not in WAYS["form"](strict, user.user, PASSWORD).json()


def test_guesses_through_all_nodes_are_one_sum(cluster, new_server):
    """A-19, MN-07: three nodes, a hundred guesses in turn: hardly more are looked at than one node would, and the right
    password is then refused by each, until the lock ends."""
    name = cluster.new_database()
    database = cluster.url(name)
    first = new_server("--database", database, name="node0")
    nodes = [first]
    for i in (1, 2):
        folder = first.data.parent / f"node{i}"
        folder.mkdir()
        shutil.copy(first.data / "key", folder / "key")
        nodes.append(new_server("--database", database, "--storage", f"file:{first.data}/blobs", name=folder.name))
    admin = Registry(first.url(), "admin", first.password)
    first.admin("set", "login-failures", "3")
    user = People(admin).user()
    for number in range(100):
        guess(Registry(nodes[number % 3].url()), user.user, 1)
    guess(admin, user.user, 1)  # should the lock have ended just now, this is the guess that locks again
    for node in nodes:
        assert WAYS["basic"](Registry(node.url()), user.user, PASSWORD).status_code == 401
    [[counted]] = cluster.sql(f"SELECT failures FROM login_attempts WHERE name = '{user.user}'", name)
    assert 3 <= int(counted) <= 10, f"{counted} guesses were looked at"
    wait_for(lambda: all(WAYS["basic"](Registry(node.url()), user.user, PASSWORD).status_code == 200 for node in nodes),
             seconds=100)


def test_names_that_do_not_exist_are_counted_alike(strict):
    name = unique("later")
    guess(strict, name)
    answer = strict.post("/enzi/v0/accounts", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 201
    assert WAYS["basic"](strict, name, PASSWORD).status_code == 401


def test_failures_are_on_record_with_their_name_and_network(strict):
    name = unique("guessed")
    guess(strict, name, 2)
    found = strict.get("/api/v1/audit", params={"action": "LOGIN_FAILED"})
    assert found.status_code == 200 and name in found.text and "127.0.0.1" in found.text


def test_without_anonymous_access_everything_wants_an_account(strict, new_server):
    server = strict.server
    repository = "admin/public"
    strict.push_image(repository, "v1")
    server.admin("repo-visibility", repository, "public")
    nobody = Registry(server.url())
    before = nobody.with_token(f"repository:{repository}:pull")
    catalog = nobody.with_token("registry:catalog:*")
    assert before.pull_manifest(repository, "v1").status_code == 200
    server.admin("set", "anonymous-access", "off")
    wait_for(lambda: nobody.get("/auth/token").status_code == 401)
    assert_error(nobody.get("/v2/"), 401, "UNAUTHORIZED")
    assert nobody.get("/auth/token", params={"scope": f"repository:{repository}:pull"}).status_code == 401
    wait_for(lambda: before.pull_manifest(repository, "v1").status_code == 401)
    assert before.get("/v2/").status_code == 401 and catalog.get("/v2/_catalog").status_code == 401
    for path in "/api/v0/repositories", f"/api/v0/repositories/{repository}", "/enzi/v0/accounts", "/api/v1/session":
        assert nobody.get(path).status_code == 401, path
    for path in "/_ping", "/basic_info", "/api/v1/banner":
        assert nobody.get(path).status_code == 200, path
    assert strict.with_token(f"repository:{repository}:pull").pull_manifest(repository, "v1").status_code == 200
