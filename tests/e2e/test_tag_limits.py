"""The limit on tags: the oldest go in the transaction of the push that makes one too many, exactly, whoever pushes at
once; what a pattern keeps neither goes nor counts; what a rule or a hold keeps is passed over."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Registry, assert_error
from harness.people import People, unique
from harness.server import ADMIN_PASSWORD

LIMITS, POLICY, BASE = "/api/v1/tag-limits", "/api/v1/tag-policy", "/api/v0/repositories"


@pytest.fixture
def repo(admin):
    name = unique("limit")
    assert admin.post(f"{BASE}/admin", json={"name": name}).status_code == 201
    return f"admin/{name}"


def limit(admin, repo, number, **body):
    answer = admin.put(LIMITS, json={"repository": repo, "limit": number} | body)
    assert answer.status_code == 200, answer.text


@pytest.mark.both_engines
def test_the_oldest_go(admin, repo):
    admin.patch(f"{BASE}/{repo}", json={"tagLimit": 3})
    images = [admin.push_image(repo, f"t{number}") for number in range(5)]
    assert admin.tags(repo) == ["t2", "t3", "t4"]
    admin.push_manifest(repo, "t2", images[2].data, images[2].media_type)  # pushed again it is the youngest
    admin.push_image(repo, "t5")
    assert admin.tags(repo) == ["t2", "t4", "t5"]
    gone = admin.get("/api/v1/audit", params={"path": repo, "action": "TAG_DELETE", "pageSize": 10}).json()["records"]
    assert len(gone) == 3 and {record["target"] for record in gone} == {"tag-limit"}

    limit(admin, repo, 1)
    admin.push_image(repo, "t6")
    assert admin.tags(repo) == ["t6"]
    limit(admin, repo, 0)
    for number in range(7, 10):
        admin.push_image(repo, f"t{number}")
    assert len(admin.tags(repo)) == 4


@pytest.mark.both_engines
def test_what_is_kept_neither_goes_nor_counts(admin, repo):
    for tag in ("v1", "v2", "a"):
        admin.push_image(repo, tag)
    limit(admin, repo, 2, keep="v*")
    assert admin.get(POLICY, params={"repository": repo}).json()["tagLimitKeep"] == "v*"
    for tag in ("b", "v3", "c"):
        admin.push_image(repo, tag)
    assert admin.tags(repo) == ["b", "c", "v1", "v2", "v3"]
    limit(admin, repo, 2, keep="c")
    admin.push_image(repo, "d")
    assert admin.tags(repo) == ["c", "d", "v3"]


@pytest.mark.both_engines
def test_what_a_rule_or_a_hold_keeps_is_passed_over(admin, repo):
    for tag in ("one", "two", "three"):
        admin.push_image(repo, tag)
    rule = admin.post("/api/v1/tag-rules", json={"path": repo, "pattern": "one"}).json()
    hold = admin.post("/api/v1/holds", json={"repository": repo, "tag": "two", "reason": "x"}).json()
    limit(admin, repo, 2)
    admin.push_image(repo, "four")
    admin.push_image(repo, "five")
    assert admin.tags(repo) == ["five", "one", "two"]
    assert admin.delete(f"/api/v1/tag-rules/{rule['id']}").status_code == 204
    assert admin.delete(f"/api/v1/holds/{hold['id']}").status_code == 204
    admin.push_image(repo, "six")
    assert admin.tags(repo) == ["five", "six"]
    admin.patch(f"{BASE}/{repo}", json={"immutableTags": True})
    admin.push_image(repo, "seven")
    assert admin.tags(repo) == ["five", "seven", "six"]


@pytest.mark.both_engines
def test_pushes_at_once_leave_exactly_the_limit(server, admin, repo):
    limit(admin, repo, 5)
    gate = threading.Barrier(6)

    def push(who):
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        images = [registry.push_image(repo) for _ in range(4)]
        gate.wait(60)
        return [registry.put_manifest(repo, f"t{who}-{number}", image.data, image.media_type).status_code
                for number, image in enumerate(images)]

    with ThreadPoolExecutor(6) as pool:
        assert {status for statuses in pool.map(push, range(6)) for status in statuses} == {201}
    assert len(admin.tags(repo)) == 5


@pytest.mark.parametrize("body, about", [
    ({"limit": 1}, "repository"), ({"repository": "admin/x"}, "limit"), ({"repository": "x", "limit": 1}, "repository"),
    ({"limit": -1}, "limit"), ({"limit": 1000001}, "limit"), ({"limit": "1"}, "limit"), ({"limit": 1, "keep": "[a"}, "keep"),
    ({"limit": 1, "more": 1}, "more"),
])
def test_what_is_no_limit_is_refused_with_the_field(admin, repo, body, about):
    answer = admin.put(LIMITS, json=({"repository": repo} if about != "repository" else {}) | body)
    assert answer.status_code == 400 and about in answer.text, answer.text


def test_who_may_limit(admin, repo):
    stranger = People(admin).user()
    assert_error(stranger.put(LIMITS, json={"repository": repo, "limit": 1}), 404)
    assert_error(admin.put(LIMITS, json={"repository": "admin/none", "limit": 1}), 404)
