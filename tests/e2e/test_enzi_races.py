"""Two requests at once about accounts: the last active system admin stays, and nothing is left in the hands of an
account that is gone."""

import concurrent.futures
import threading

import pytest

from harness.client import Registry
from harness.people import PASSWORD, People

ACCOUNTS = "/enzi/v0/accounts"
ROUNDS = 9


def at_once(*calls):
    """The statuses of the calls, all sent at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait(30)
        return call().status_code

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def takers(registry, name):
    """The ways in which a system admin is lost."""
    path = f"{ACCOUNTS}/{name}"
    return [lambda: registry.delete(path), lambda: registry.patch(path, json={"isAdmin": False}),
            lambda: registry.patch(path, json={"isActive": False})]


@pytest.mark.both_engines
def test_of_two_last_admins_one_stays(new_server):
    server = new_server()
    names = ["ann", "bob"]
    root = Registry(server.url(), "admin", server.password)
    for name in names:
        People(root).user(name, isAdmin=True)
    ann, bob = (Registry(server.url(), name, PASSWORD) for name in names)
    assert ann.delete(f"{ACCOUNTS}/admin").status_code == 204
    for n in range(ROUNDS):
        # Each takes the other away, or one takes both.
        first, second = (ann, bob) if n % 2 == 0 else (ann, Registry(server.url(), "ann", PASSWORD))
        statuses = at_once(takers(first, "bob")[n % 3], takers(second, "ann")[n // 3 % 3])
        assert sum(status in (200, 204) for status in statuses) == 1, statuses
        assert all(status in (200, 204, 401, 403, 404, 409) for status in statuses), statuses

        left = [x for x in (ann, bob) if x.get(ACCOUNTS, params={"filter": "admins"}).status_code == 200
                and x.get(f"{ACCOUNTS}/{x.user}").json()["isAdmin"]]
        assert len(left) == 1, "one, and it may still do its work"
        for name in names:
            if left[0].get(f"{ACCOUNTS}/{name}").status_code == 404:
                People(left[0]).user(name, isAdmin=True)
            answer = left[0].patch(f"{ACCOUNTS}/{name}", json={"isAdmin": True, "isActive": True})
            assert answer.status_code == 200, answer.text


@pytest.mark.both_engines
def test_nothing_is_put_into_the_hands_of_who_is_gone(admin):
    people = People(admin)
    for _ in range(ROUNDS):
        org, user = people.org(), people.user()
        team = people.team(org)
        added, deleted = at_once(
            lambda org=org, team=team, user=user: Registry(admin.url, "admin", admin.password).put(
                f"{ACCOUNTS}/{org}/teams/{team}/members/{user.user}", json={}),
            lambda user=user: admin.delete(f"{ACCOUNTS}/{user.user}"))
        assert deleted == 204 and added in (200, 404), (added, deleted)
        assert admin.get(f"{ACCOUNTS}/{org}/members").json()["members"] == []

        pushed, deleted = at_once(
            lambda org=org: Registry(admin.url, "admin", admin.password).post(
                f"/api/v0/repositories/{org}", json={"name": "app", "visibility": "public"}),
            lambda org=org: admin.delete(f"{ACCOUNTS}/{org}"))
        assert (pushed, deleted) in ((201, 409), (404, 204)), (pushed, deleted)
        if deleted == 204:
            people.org(org)
            assert admin.get(f"/api/v0/repositories/{org}/app").status_code == 404


@pytest.mark.both_engines
def test_who_leaves_an_organisation_is_in_no_team_of_it(admin):
    people = People(admin)
    org = people.org()
    team = people.team(org)
    for _ in range(ROUNDS):
        user = people.member(org)
        added, removed = at_once(
            lambda user=user: Registry(admin.url, "admin", admin.password).put(
                f"{ACCOUNTS}/{org}/teams/{team}/members/{user.user}", json={}),
            lambda user=user: admin.delete(f"{ACCOUNTS}/{org}/members/{user.user}"))
        assert (added, removed) == (200, 204)
        in_org = admin.get(f"{ACCOUNTS}/{org}/members/{user.user}").status_code
        in_team = admin.get(f"{ACCOUNTS}/{org}/teams/{team}/members/{user.user}").status_code
        assert in_org == in_team, "put into the team after it left it is a member again, else of neither"
