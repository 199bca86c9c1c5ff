"""What was deleted comes back within the window, as it was, and a tag's history tells who moved it from what to what."""

import pytest

from harness import oci
from harness.client import Registry, assert_error
from harness.people import People, unique
from harness.server import ADMIN_PASSWORD

BASE = "/api/v1/repositories"


def history(registry, repo, tag, **query):
    answer = registry.get(f"{BASE}/{repo}/tags/{tag}/history", params={"pageSize": 100} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()["history"]


def deleted(registry, repo, kind):
    answer = registry.get(f"{BASE}/{repo}/deleted/{kind}", params={"pageSize": 0})
    assert answer.status_code == 200, answer.text
    return answer.json()["deleted"]


def undelete(registry, repo, what):
    return registry.post(f"{BASE}/{repo}{what}/undelete")


def test_history_of_a_tag(admin, repo):
    first, second = admin.push_image(repo, "v1"), admin.push_image(repo, "v1")
    assert admin.delete(f"/v2/{repo}/manifests/v1").status_code == 202
    assert undelete(admin, repo, "/tags/v1").json() == {"kind": "tag", "name": "v1", "digest": second.digest}
    moves = history(admin, repo, "v1")
    assert [move["type"] for move in moves] == ["TAG_UNDELETE", "TAG_DELETE", "TAG_PUSH", "TAG_PUSH"]
    assert {move["account"] for move in moves} == {"admin"} and moves[0]["at"] > moves[3]["at"]
    assert moves[3]["digest"] == first.digest and "oldDigest" not in moves[3]
    assert (moves[2]["oldDigest"], moves[2]["digest"]) == (first.digest, second.digest)
    assert moves[1]["oldDigest"] == second.digest and "digest" not in moves[1]
    assert moves[0]["digest"] == second.digest

    page = admin.get(f"{BASE}/{repo}/tags/v1/history", params={"pageSize": 3})
    rest = history(admin, repo, "v1", pageStart=page.headers["X-Next-Page-Start"])
    assert page.json()["history"] + rest == moves
    assert_error(admin.get(f"{BASE}/{repo}/tags/other/history"), 404, "NO_SUCH_TAG")
    assert_error(admin.get(f"{BASE}/{repo}/tags/v1/history", params={"pageStart": "x"}), 400, "INVALID_PARAMETERS")
    assert_error(People(admin).user().get(f"{BASE}/{repo}/tags/v1/history"), 404)


def test_a_deleted_manifest_comes_back_with_what_it_names(admin, repo):
    images = [admin.push_image(repo) for _ in range(2)]
    index = admin.push_index(repo, images, "multi")
    for digest in [index.digest] + [image.digest for image in images]:
        assert admin.delete(f"/v2/{repo}/manifests/{digest}").status_code == 202
    assert [row["name"] for row in deleted(admin, repo, "tags")] == ["multi"]
    gone = deleted(admin, repo, "manifests")
    assert {row["name"] for row in gone} == {index.digest, *(image.digest for image in images)}
    assert all(row["until"] > row["at"] and row["kind"] == "manifest" for row in gone)

    assert undelete(admin, repo, "/tags/multi").json()["digest"] == index.digest
    assert admin.pull_manifest(repo, "multi").content == index.data
    for image in images:
        assert admin.pull_manifest(repo, image.digest).content == image.data
        assert admin.pull_blob(repo, oci.digest(image.layers[0])).content == image.layers[0]
    assert deleted(admin, repo, "tags") == deleted(admin, repo, "manifests") == []


def test_what_cannot_come_back_says_why(admin, repo):
    image = admin.push_image(repo, "v1")
    assert_error(undelete(admin, repo, "/tags/v1"), 409, "TAG_EXISTS")
    assert_error(undelete(admin, repo, "/tags/never"), 404, "NO_SUCH_TAG")
    assert_error(undelete(admin, repo, "/tags/-bad"), 400)
    assert_error(undelete(admin, repo, f"/manifests/{image.digest}"), 409, "NOT_DELETED")
    assert_error(undelete(admin, repo, f"/manifests/{oci.digest(b'never')}"), 404, "NO_SUCH_REF")
    assert_error(undelete(admin, repo, "/manifests/v1"), 400)
    admin.delete(f"/v2/{repo}/manifests/{image.digest}")
    assert undelete(admin, repo, f"/manifests/{image.digest}").status_code == 200
    assert admin.pull_manifest(repo, image.digest).status_code == 200 and admin.tags(repo) == []
    assert undelete(admin, repo, "/tags/v1").status_code == 200 and admin.tags(repo) == ["v1"]
    assert_error(undelete(admin, repo, ""), 409, "REPOSITORY_EXISTS")
    assert_error(undelete(admin, "admin/" + unique("never"), ""), 409, "NOT_DELETED")


def test_who_may_bring_back(admin):
    people = People(admin)
    org = people.org()
    repo = f"{org}/app"
    writer, reader, owner = people.member(org), people.member(org), people.member(org, owner=True)
    owner.post(f"/api/v0/repositories/{org}", json={"name": "app", "visibility": "private"})
    for user, level in ((writer, "read-write"), (reader, "read-only")):
        owner.put(f"/api/v0/repositories/{repo}/teamAccess/{people.team(org, user)}", json={"accessLevel": level})
    image = admin.push_image(repo, "v1")
    admin.delete(f"/v2/{repo}/manifests/{image.digest}")
    assert_error(undelete(reader, repo, "/tags/v1"), 403)
    assert undelete(writer, repo, "/tags/v1").status_code == 200
    assert history(reader, repo, "v1")[0]["account"] == writer.user
    admin.delete(f"/api/v0/repositories/{repo}")
    assert_error(undelete(writer, repo, ""), 404)
    assert undelete(owner, repo, "").json() == {"kind": "repository", "name": repo}


@pytest.mark.both_engines
def test_a_repository_comes_back_with_all_that_was_in_it(admin):
    name = unique("back")
    repo = f"admin/{name}"
    admin.post("/api/v0/repositories/admin", json={"name": name, "visibility": "public", "shortDescription": "mine"})
    image = admin.push_image(repo, "v1")
    before = admin.get(f"/api/v0/repositories/{repo}").json()
    assert admin.delete(f"/api/v0/repositories/{repo}").status_code == 204
    assert_error(admin.pull_manifest(repo, "v1"), 404)
    assert undelete(admin, repo, "").status_code == 200
    assert admin.get(f"/api/v0/repositories/{repo}").json() == before
    assert admin.pull_manifest(repo, "v1").content == image.data

    admin.delete(f"/api/v0/repositories/{repo}")
    admin.push_image(repo, "other")
    assert_error(undelete(admin, repo, ""), 409, "REPOSITORY_EXISTS")


def test_after_the_window_nothing_comes_back(new_server):
    """Neither where collection was, nor where it has not been yet."""
    server = new_server("--undelete-window", "0s", "--gc-interval", "1h")
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    image = admin.push_image("admin/app", "v1")
    admin.push_image("admin/other", "v1")
    admin.delete(f"/v2/admin/app/manifests/{image.digest}")
    assert_error(undelete(admin, "admin/app", "/tags/v1"), 409, "ALREADY_COLLECTED")
    assert_error(undelete(admin, "admin/app", f"/manifests/{image.digest}"), 409, "ALREADY_COLLECTED")
    assert deleted(admin, "admin/app", "tags") == []
    admin.delete("/api/v0/repositories/admin/other")
    assert_error(undelete(admin, "admin/other", ""), 409, "ALREADY_COLLECTED")
    server.admin("set", "read-only", "on")
    assert_error(undelete(admin, "admin/app", "/tags/v1"), 405)
