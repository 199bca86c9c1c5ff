"""What may not change: tags that rules make immutable on each level, holds on digests, tags and prefixes, days that are
kept; who may say so; that the answer names the rule; and that no push or delete that is under way slips past one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import oci
from harness.client import Registry, assert_error
from harness.people import People, unique
from harness.server import ADMIN_PASSWORD

RULES, POLICY, HOLDS, BASE = "/api/v1/tag-rules", "/api/v1/tag-policy", "/api/v1/holds", "/api/v0/repositories"
NOBODY = "00000000-0000-7000-8000-000000000099"


class Org:
    """An organisation with its owner and two repositories in its depths."""

    def __init__(self, admin):
        people = People(admin)
        self.admin, self.name = admin, people.org()
        self.owner, self.member = people.member(self.name, owner=True), people.member(self.name)
        self.stranger = people.user()
        self.app, self.lab = f"{self.name}/prod/app", f"{self.name}/lab/app"
        for repo in (self.app, self.lab):
            made = admin.post(f"{BASE}/{self.name}", json={"name": repo.split("/", 1)[1]})
            assert made.status_code == 201, made.text

    def make(self, route, status=201, by=None, **body):
        answer = (by or self.owner).post(route, json=body)
        assert answer.status_code == status, f"{body}: {answer.status_code} {answer.text}"
        return answer.json()

    def policy(self, repo, tag):
        answer = self.owner.get(POLICY, params={"repository": repo, "tag": tag})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def org(admin):
    return Org(admin)


def moves(registry, repo, tag):
    """The answer to a push of something else to a tag."""
    image = registry.push_image(repo)
    return registry.put_manifest(repo, tag, image.data, image.media_type)


# Immutable tags.


@pytest.mark.both_engines
def test_a_rule_makes_tags_immutable_below_its_path(org):
    org.owner.push_image(org.app, "v1")
    org.owner.push_image(org.app, "v1-rc1")
    rule = org.make(RULES, path=org.name, pattern="v*", **{"except": "*-rc*"})
    assert rule["effect"] == "immutable" and rule["syntax"] == "glob" and not rule["mayLoosen"]

    refused = moves(org.owner, org.app, "v1")
    assert_error(refused, 403, "DENIED")
    assert rule["id"] in refused.text and "v*" in refused.text
    assert_error(org.owner.delete(f"/v2/{org.app}/manifests/v1"), 403, "DENIED")
    assert_error(org.owner.delete(f"{BASE}/{org.app}/tags/v1"), 409, "TAG_IMMUTABLE")
    assert moves(org.owner, org.app, "v1-rc1").status_code == 201
    assert moves(org.owner, org.app, "v2").status_code == 201
    assert_error(moves(org.owner, org.app, "v2"), 403, "DENIED")

    assert org.owner.delete(f"{RULES}/{rule['id']}").status_code == 204
    assert moves(org.owner, org.app, "v1").status_code == 201
    assert_error(org.owner.delete(f"{RULES}/{rule['id']}"), 404, "NO_SUCH_RULE")


def test_the_policy_says_which_level_each_part_came_from(org):
    strict = org.make(RULES, path=org.name, pattern="v*")
    loose = org.make(RULES, path=org.name, pattern=r"r\d+", syntax="regex", mayLoosen=True)
    lab = org.make(RULES, path=f"{org.name}/lab", pattern="r*", effect="mutable")
    own = org.make(RULES, path=org.lab, pattern="app-*")

    said = org.policy(org.lab, "r12")
    assert said["mayMove"] and said["mayDelete"] and "because" not in said
    assert [(part["id"], part["level"], part["fits"], part.get("liftedBy")) for part in said["rules"]
            if part["path"].startswith(org.name)] == [
        (strict["id"], "namespace", False, None), (loose["id"], "namespace", True, lab["id"]),
        (lab["id"], "prefix", True, None), (own["id"], "repository", False, None)]

    said = org.policy(org.lab, "v12")
    assert not said["mayMove"] and not said["mayDelete"]
    assert said["because"] == {"kind": "immutable tags", "level": "namespace", "id": strict["id"], "path": org.name,
                               "pattern": "v*"}
    said = org.policy(org.app, "r12")
    assert not said["mayMove"] and said["because"]["id"] == loose["id"]
    assert moves(org.owner, org.lab, "r12").status_code == moves(org.owner, org.lab, "r12").status_code == 201

    org.admin.patch(f"{BASE}/{org.app}", json={"immutableTags": True})
    said = org.policy(org.app, "latest")
    assert said["immutableTags"] and said["because"]["kind"] == "immutable repository"
    listed = org.owner.get(RULES, params={"prefix": f"{org.name}/lab"}).json()["rules"]
    assert [rule["id"] for rule in listed] == [lab["id"], own["id"]]


def test_loosening_needs_the_leave_of_the_rule_above(org):
    strict = org.make(RULES, path=org.name, pattern="*")
    refused = org.make(RULES, status=409, path=f"{org.name}/lab", pattern="*", effect="mutable")
    assert refused["errors"][0]["code"] == "LOOSENING_REFUSED" and strict["id"] in refused["errors"][0]["message"]


@pytest.mark.parametrize("body, about", [
    ({"path": "", "pattern": "("}, None),
    ({"path": "admin", "pattern": "[a"}, "pattern"),
    ({"path": "admin", "pattern": "(a", "syntax": "regex"}, "pattern"),
    ({"path": "admin", "pattern": "(a)\\1", "syntax": "regex"}, "pattern"),
    ({"path": "admin", "pattern": "(?=a)a", "syntax": "regex"}, "pattern"),
    ({"path": "admin", "pattern": "a" * 257}, "pattern"),
    ({"path": "admin", "pattern": "a", "except": "[z-a]"}, "except"),
    ({"path": "admin", "pattern": "a", "syntax": "sql"}, "syntax"),
    ({"path": "admin", "pattern": "a", "effect": "frozen"}, "effect"),
    ({"path": "X/../y", "pattern": "a"}, "path"),
    ({"pattern": "a"}, "path"), ({"path": "admin"}, "pattern"), ({"path": "x", "pattern": "a", "level": 1}, "level"),
])
def test_what_is_no_rule_is_refused_with_the_field(admin, body, about):
    answer = admin.post(RULES, json=body)
    if about is None:
        assert answer.status_code == 201, answer.text
        assert admin.delete(f"{RULES}/{answer.json()['id']}").status_code == 204
        return
    assert answer.status_code == 400 and about in answer.text, answer.text


def test_who_may_make_rules_and_holds(org):
    rule = {"path": org.name, "pattern": "*"}
    hold = {"prefix": org.name, "reason": "x"}
    assert org.member.post(RULES, json=rule).status_code in (403, 404)
    assert org.member.post(HOLDS, json=hold).status_code in (403, 404)
    assert_error(org.stranger.post(RULES, json=rule), 404)
    assert_error(org.owner.post(RULES, json=rule | {"path": ""}), 404)
    made = org.make(RULES, **rule)
    assert_error(org.stranger.get(f"{RULES}/{made['id']}"), 404, "NO_SUCH_RULE")
    assert_error(org.stranger.delete(f"{RULES}/{made['id']}"), 404, "NO_SUCH_RULE")
    assert_error(org.stranger.get(f"{RULES}/{NOBODY}"), 404, "NO_SUCH_RULE")
    assert_error(org.stranger.get(POLICY, params={"repository": org.app}), 404)
    assert_error(org.owner.post(RULES, json=rule), 409, "RULE_EXISTS")

    granted = org.owner.post("/api/v1/grants", json={"role": "security", "user": org.member.user, "prefix": org.name})
    assert granted.status_code == 201, granted.text
    of_member = org.make(HOLDS, by=org.member, **hold)
    assert of_member["owner"] == org.member.user
    assert_error(org.owner.delete(f"{HOLDS}/{of_member['id']}"), 403)
    assert_error(org.stranger.delete(f"{HOLDS}/{of_member['id']}"), 404, "NO_SUCH_HOLD")
    assert org.member.delete(f"{HOLDS}/{of_member['id']}").status_code == 204
    again = org.make(HOLDS, by=org.member, **hold)
    assert org.admin.delete(f"{HOLDS}/{again['id']}").status_code == 204


# Holds.


@pytest.mark.both_engines
def test_what_is_held_is_not_deleted(org):
    image = org.owner.push_image(org.app, "v1")
    org.owner.push_image(org.app, "v2")
    tag = org.make(HOLDS, repository=org.app, tag="v1", reason="case 4711")
    assert_error(org.owner.delete(f"/v2/{org.app}/manifests/v1"), 403, "DENIED")
    refused = moves(org.owner, org.app, "v1")
    assert_error(refused, 403, "DENIED")
    assert "case 4711" in refused.text and tag["id"] in refused.text and org.owner.user in refused.text
    assert_error(org.owner.delete(f"/v2/{org.app}/manifests/{image.digest}"), 403, "DENIED")
    assert_error(org.owner.delete(f"{BASE}/{org.app}"), 409, "HELD")
    assert moves(org.owner, org.app, "v2").status_code == 201
    assert org.policy(org.app, "v1")["because"] == {
        "kind": "hold", "level": "tag", "id": tag["id"], "path": org.app, "reason": "case 4711", "owner": org.owner.user}
    assert org.owner.delete(f"{HOLDS}/{tag['id']}").status_code == 204

    held = org.make(HOLDS, repository=org.app, digest=image.digest, reason="evidence", until="2099-01-01")
    assert held["until"] == "2099-01-01T00:00:00Z"
    assert moves(org.owner, org.app, "v1").status_code == 201  # the tag may leave, the digest stays
    refused = org.owner.delete(f"/v2/{org.app}/manifests/{image.digest}")
    assert_error(refused, 403, "DENIED")
    assert "2099" in refused.text
    assert_error(org.owner.delete(f"{BASE}/{org.app}"), 409, "HELD")
    assert org.owner.delete(f"{HOLDS}/{held['id']}").status_code == 204

    prefix = org.make(HOLDS, prefix=f"{org.name}/prod", reason="audit")
    assert_error(moves(org.owner, org.app, "v2"), 403, "DENIED")
    assert_error(org.owner.delete(f"{BASE}/{org.app}/tags/v2"), 409, "HELD")
    assert moves(org.owner, org.app, "v3").status_code == 201
    assert org.owner.delete(f"{BASE}/{org.lab}").status_code == 204
    assert_error(org.owner.delete(f"{BASE}/{org.app}"), 409, "HELD")
    listed = org.owner.get(HOLDS, params={"prefix": org.name}).json()["holds"]
    assert [hold["id"] for hold in listed] == [prefix["id"]]
    assert org.owner.delete(f"{HOLDS}/{prefix['id']}").status_code == 204
    assert org.owner.delete(f"{BASE}/{org.app}").status_code == 204

    said = [record["action"] for record in
            org.admin.get("/api/v1/audit", params={"path": f"{org.name}/prod", "pageSize": 100}).json()["records"]]
    assert said.count("HOLD_CREATED") == said.count("HOLD_LIFTED") == 3


def test_days_are_kept_from_the_last_push_on(org):
    image = org.owner.push_image(org.app, "v1")
    keep = org.make(HOLDS, prefix=org.name, keepDays=30, reason="a month")
    assert moves(org.owner, org.app, "v1").status_code == 201
    refused = org.owner.delete(f"/v2/{org.app}/manifests/{image.digest}")
    assert_error(refused, 403, "DENIED")
    assert "a month" in refused.text
    assert_error(org.owner.delete(f"{BASE}/{org.app}/tags/v1"), 409, "HELD")
    assert_error(org.owner.delete(f"{BASE}/{org.app}"), 409, "HELD")
    assert org.owner.get(f"{HOLDS}/{keep['id']}").json()["keepDays"] == 30
    assert org.owner.delete(f"{HOLDS}/{keep['id']}").status_code == 204
    assert org.owner.delete(f"{BASE}/{org.app}").status_code == 204


@pytest.mark.parametrize("body, about", [
    ({"reason": "x"}, "prefix"), ({"prefix": ""}, "reason"), ({"prefix": "", "reason": ""}, "reason"),
    ({"prefix": "", "reason": "a\nb"}, "reason"), ({"prefix": "", "reason": "x" * 257}, "reason"),
    ({"prefix": "", "reason": "x", "tag": "v1"}, "prefix"), ({"tag": "v1", "reason": "x"}, "tag"),
    ({"digest": "sha256:12", "reason": "x"}, "digest"), ({"prefix": "", "reason": "x", "until": "soon"}, "until"),
    ({"prefix": "", "reason": "x", "until": "2020-01-01"}, "until"),
    ({"prefix": "", "reason": "x", "keepDays": 36501}, "keepDays"), ({"prefix": "", "reason": "x", "keepDays": -1}, "keepDays"),
    ({"prefix": "A B", "reason": "x"}, "path"), ({"prefix": "", "reason": "x", "owner": "y"}, "owner"),
])
def test_what_is_no_hold_is_refused_with_the_field(admin, body, about):
    answer = admin.post(HOLDS, json=body)
    assert answer.status_code == 400 and about in answer.text, answer.text


def test_what_is_not_there_is_not_held(org):
    org.owner.push_image(org.app, "v1")
    for body in ({"tag": "nope"}, {"digest": oci.missing_digest()}):
        assert_error(org.owner.post(HOLDS, json=body | {"repository": org.app, "reason": "x"}), 404, "MANIFEST_UNKNOWN")
    assert_error(org.owner.post(HOLDS, json={"repository": f"{org.name}/none", "tag": "v1", "reason": "x"}), 404)
    assert_error(org.admin.post(HOLDS, json={"digest": oci.missing_digest(), "reason": "x"}), 404, "MANIFEST_UNKNOWN")


# Races.


def at_once(server, calls):
    gate = threading.Barrier(len(calls))

    def run(call):
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        registry.get(BASE)
        gate.wait(60)
        return call(registry)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.both_engines
def test_of_two_pushes_of_one_immutable_tag_one_wins(server, admin):
    repo = f"admin/{unique('race')}"
    images = [admin.push_image(repo) for _ in range(4)]
    rule = admin.post(RULES, json={"path": repo, "pattern": "v*"}).json()
    for number in range(8):
        answers = at_once(server, [
            lambda r, image=image: r.put_manifest(repo, f"v{number}", image.data, image.media_type) for image in images])
        assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403], [a.text for a in answers]
        winner = images[[answer.status_code for answer in answers].index(201)]
        assert admin.pull_manifest(repo, f"v{number}").headers["Docker-Content-Digest"] == winner.digest
    assert admin.delete(f"{RULES}/{rule['id']}").status_code == 204


@pytest.mark.both_engines
def test_nothing_that_is_under_way_slips_past_a_hold(server, admin):
    """After the answer to a hold, what it holds is there, whatever was deleting at that time; or the hold found nothing."""
    repo = f"admin/{unique('race')}"
    for number in range(6):
        tag = f"t{number}"
        image = admin.push_image(repo, tag)
        held, *deleted = at_once(server, [
            lambda r: r.post(HOLDS, json={"repository": repo, "tag": tag, "reason": "race"}),
            lambda r: r.delete(f"/v2/{repo}/manifests/{tag}"),
            lambda r: r.delete(f"/v2/{repo}/manifests/{image.digest}")])
        there = admin.get(f"/v2/{repo}/manifests/{tag}").status_code
        assert held.status_code in (201, 404), held.text
        if held.status_code == 201:
            assert there == 200 and {answer.status_code for answer in deleted} == {403}, [a.text for a in deleted]
            assert admin.delete(f"{HOLDS}/{held.json()['id']}").status_code == 204
        else:
            assert there == 404 and 202 in {answer.status_code for answer in deleted}
