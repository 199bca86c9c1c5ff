"""Searching: any part of a name finds it, for those who may see it and for nobody else; hostile questions cost little and
find nothing. With the routes of DTR and with the one that `docker search` asks."""

import pytest

from harness.client import Registry, assert_error
from harness.people import PASSWORD, People, unique
from harness.server import ADMIN_PASSWORD


def complete(registry, query, **more):
    answer = registry.get("/api/v0/index/autocomplete", params={"query": query} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def repos(registry, query, **more):
    return [f"{one['namespace']}/{one['name']}" for one in complete(registry, query, **more)["repositoryResults"]]


def v1(registry, q, **more):
    answer = registry.get("/v1/search", params={"q": q} | more)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["num_results"] == len(found["results"]) and found["query"] == q
    return [one["name"] for one in found["results"]]


@pytest.fixture
def word():
    """Letters that stand in no other test's names."""
    return unique("zq").replace("-", "")


def make(registry, namespace, name, **fields):
    answer = registry.post(f"/api/v0/repositories/{namespace}", json={"name": name} | fields)
    assert answer.status_code == 201, answer.text


@pytest.mark.both_engines
def test_any_part_of_a_name_finds_it(admin, word):
    make(admin, "admin", f"{word}/web/front", visibility="public", shortDescription="the web shop")
    make(admin, "admin", f"my{word}")
    for query in word, word.upper(), word[1:], f"admin/{word}/web", f"{word}/web/front":
        assert f"admin/{word}/web/front" in repos(admin, query), query
    assert repos(admin, word) == [f"admin/my{word}", f"admin/{word}/web/front"]
    assert repos(admin, word, limit=1) in ([f"admin/my{word}"], [f"admin/{word}/web/front"])
    assert repos(admin, f"y{word}") == [f"admin/my{word}"] == v1(admin, f"y{word}")
    found = admin.get("/api/v0/index/dockersearch", params={"q": f"{word}/web"}).json()
    assert found == {"num_results": 1, "query": f"{word}/web", "results": [
        {"name": f"admin/{word}/web/front", "description": "the web shop", "is_official": False, "is_trusted": False,
         "star_count": 0}]}

    admin.delete(f"/api/v0/repositories/admin/my{word}")
    assert repos(admin, f"y{word}") == []
    assert admin.post(f"/api/v1/repositories/admin/my{word}/undelete").status_code == 200
    assert repos(admin, f"y{word}") == [f"admin/my{word}"]
    admin.push_image(f"admin/pushed{word}", "v1")
    assert repos(admin, f"d{word}") == [f"admin/pushed{word}"]


def test_only_what_may_be_seen_is_found(admin, word):
    people = People(admin)
    org, other = people.org(), people.user()
    member = people.member(org)
    for name, visibility in ((f"{word}-open", "public"), (f"{word}-closed", "private"), (f"{word}-granted", "private")):
        make(admin, org, name, visibility=visibility)
    make(other, other.user, f"{word}-own")
    team = people.team(org, member)
    admin.put(f"/api/v0/repositories/{org}/{word}-granted/teamAccess/{team}", json={"accessLevel": "read-only"})
    opened, granted = f"{org}/{word}-open", f"{org}/{word}-granted"
    assert repos(member, word) == sorted([opened, granted])
    assert set(repos(other, word)) == {opened, f"{other.user}/{word}-own"}
    assert repos(other, word, namespace=org) == [opened]
    assert len(repos(admin, word)) == 4
    nobody = admin.anonymous()
    assert repos(nobody, word) == [opened] == v1(nobody, word)
    assert complete(nobody, "a")["accountResults"] == []
    bad = Registry(admin.url, member.user, PASSWORD + "x")
    for path in "/v1/search?q=a", "/api/v0/index/dockersearch?q=a", "/api/v0/index/autocomplete?query=a":
        assert_error(bad.get(path), 401)


def test_accounts_are_found_by_those_who_see_them(admin):
    people = People(admin)
    org = people.org()
    member, stranger = people.member(org), people.user()
    query = member.user[1:]
    for seer, finds in ((admin, True), (member, True), (people.member(org), True), (stranger, False)):
        names = [one["name"] for one in complete(seer, query, includeRepositories="false")["accountResults"]]
        assert (member.user in names) == finds
    assert "repositoryResults" not in complete(admin, query, includeRepositories="false")
    assert "accountResults" not in complete(admin, query, includeAccounts="false")
    admin.delete(f"/enzi/v0/accounts/{member.user}")
    assert member.user not in [one["name"] for one in complete(admin, query)["accountResults"]]


@pytest.mark.parametrize("query", ["%", "_", "*", "' OR 1=1 --", "\\", "é", "a b", "~", "x" * 255, "\x7f", "a" * 65, "A%", "-"])
def test_odd_questions_find_what_they_say_or_nothing(admin, query):
    assert all(query.lower() in name for name in repos(admin, query) + v1(admin, query))


def test_questions_that_are_refused(admin):
    for path in "/v1/search", "/v1/search?q=", "/api/v0/index/dockersearch", "/api/v0/index/autocomplete", \
                "/v1/search?q=a&n=0", "/v1/search?q=a&n=x", f"/v1/search?q={'x' * 256}", "/v1/search?q=a&q=b", \
                "/api/v0/index/autocomplete?query=a&limit=-1", "/api/v0/index/autocomplete?query=a&namespace=%2F", \
                "/api/v0/index/autocomplete?query=a&includeAccounts=perhaps", "/v1/search?q=%ff":
        assert_error(admin.get(path), 400)
    assert len(v1(admin, "a", n=1000000)) <= 100


def test_v1_ping(admin):
    answer = admin.anonymous().get("/v1/_ping")
    assert answer.status_code == 200 and answer.json() == {"standalone": True}
    assert answer.headers["X-Docker-Registry-Standalone"] == "true"


def test_nobody_finds_nothing_where_anonymous_access_is_off(new_server):
    server = new_server("--anonymous-access=off")
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    make(admin, "admin", "open", visibility="public")
    assert_error(admin.anonymous().get("/v1/search?q=open"), 401)
    assert v1(admin, "pen") == ["admin/open"]


def test_what_stands_in_many_names_is_found_among_those_of_the_caller(new_server, engine, cluster):
    """The index of names holds more hits than are looked at, none of which the caller may see."""
    server = new_server()
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    user = People(admin).user()
    fill = """INSERT INTO repositories (uuid, path, namespace_id, created_at, created_by)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
        SELECT 'u-' || i, 'admin/app-' || i, 1, 1, 1 FROM n;
        INSERT INTO name_ends (kind, name_end, id)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
        SELECT DISTINCT 'repository', substr(path, i, 64), id FROM repositories JOIN n ON i <= length(path);"""
    if engine == "sqlite":
        import sqlite3
        with sqlite3.connect(server.data / "assay.db", timeout=30) as database:
            database.executescript(fill)
    else:
        cluster.sql(fill, server.database[1].split("?")[0].rsplit("/", 1)[1])
    make(user, user.user, "zapp-own")
    assert repos(user, "app-") == [f"{user.user}/zapp-own"]
    assert len(repos(admin, "app-2", limit=100)) == 100
