"""Two requests at once about one repository: one makes it, levels do not pile up, every push is counted, and no push that
was under way moves a tag after it was said to be immutable."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import oci
from harness.client import Registry
from harness.people import People
from harness.server import ADMIN_PASSWORD

BASE = "/api/v0/repositories"
LEVELS = ("read-only", "read-write", "admin")
AT_ONCE = 6

numbers = itertools.count(1)


@pytest.fixture
def name():
    return f"race-{next(numbers)}"


def at_once(server, calls):
    """Each call with a registry of its own, all begun together; their results."""
    gate = threading.Barrier(len(calls))

    def run(call):
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        registry.get(BASE)
        gate.wait(60)
        return call(registry)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_one_of_several_makes_it(server, name):
    answers = at_once(server, [lambda r: r.post(f"{BASE}/admin", json={"name": name})] * AT_ONCE)
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * (AT_ONCE - 1)
    assert {answer.json()["errors"][0]["code"] for answer in answers if answer.status_code == 400} == {"REPOSITORY_EXISTS"}


def test_a_team_has_one_level(server, admin):
    people = People(admin)
    org = people.org()
    team = people.team(org)
    admin.post(f"{BASE}/{org}", json={"name": "app"})
    path = f"{BASE}/{org}/app/teamAccess"
    for _ in range(4):
        answers = at_once(server, [lambda r, level=level: r.put(f"{path}/{team}", json={"accessLevel": level})
                                   for level in LEVELS * 2])
        assert [answer.status_code for answer in answers] == [200] * len(answers), [answer.text for answer in answers]
        grants = admin.get("/api/v1/grants", params={"repository": f"{org}/app"})
        assert grants.status_code == 200, grants.text
        assert len(next(value for value in grants.json().values() if isinstance(value, list))) == 1


def test_every_push_is_counted(server, admin, name):
    repo = f"admin/{name}"
    image = admin.push_image(repo, "v0")
    each = 4

    def push(number):
        return lambda r: [r.push_manifest(repo, f"t{number}-{i % 2}", image.data, image.media_type) for i in range(each)]

    at_once(server, [push(number) for number in range(AT_ONCE)])
    assert admin.get(f"{BASE}/{repo}").json()["pushes"] == 1 + AT_ONCE * each


def test_no_push_under_way_moves_an_immutable_tag(server, admin, name):
    repo = f"admin/{name}"
    images = [admin.push_image(repo) for _ in range(3)]
    admin.push_manifest(repo, "v1", images[0].data, images[0].media_type)
    seen = []

    def push(registry):
        """Until it is refused, or has moved the tag often enough."""
        for i in range(60):
            image = images[i % 3]
            answer = registry.put_manifest(repo, "v1", image.data, image.media_type)
            if answer.status_code == 403:
                return
            assert answer.status_code == 201, answer.text

    def switch(registry):
        for _ in range(5):
            registry.get(f"{BASE}/{repo}")
        assert registry.patch(f"{BASE}/{repo}", json={"immutableTags": True}).status_code == 200
        seen.append(registry.pull_manifest(repo, "v1").headers["Docker-Content-Digest"])

    at_once(server, [push] * 3 + [switch])
    assert admin.pull_manifest(repo, "v1").headers["Docker-Content-Digest"] == seen[0]
    refused = [admin.put_manifest(repo, "v1", image.data, image.media_type).status_code for image in images]
    assert sorted(refused) == [201, 403, 403]  # the same again is no change
    assert oci.digest(images[refused.index(201)].data) == seen[0]
