"""Repositories over DTR's API: made, listed, shown, changed and deleted, as its clients do it."""

import contextlib
import itertools
import json
import os
import sqlite3

import pytest

from harness.client import Registry, assert_error
from harness.server import ADMIN_PASSWORD
from harness.state import resident_kib

FIELDS = {"enableManifestLists", "id", "immutableTags", "name", "namespace", "namespaceType", "pulls", "pushes", "scanOnPush",
          "shortDescription", "tagLimit", "visibility"}
BASE = "/api/v0/repositories"

numbers = itertools.count(1)


@pytest.fixture
def name():
    """A repository that no other case has, below admin/."""
    return f"v0-{next(numbers)}"


def make(registry, name, namespace="admin", **fields):
    answer = registry.post(f"{BASE}/{namespace}", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def names(answer):
    assert answer.status_code == 200, answer.text
    return [f"{one['namespace']}/{one['name']}" for one in answer.json()["repositories"]]


def test_a_repository_from_its_making_to_its_end(admin, name):
    made = make(admin, name, shortDescription="kitchen", longDescription="# Kitchen\n\n*tools*", immutableTags=True,
                scanOnPush=True, enableManifestLists=True, tagLimit=7, visibility="public")
    assert set(made) == FIELDS | {"longDescription"}
    assert made | {"id": ""} == {
        "id": "", "name": name, "namespace": "admin", "namespaceType": "user", "visibility": "public",
        "shortDescription": "kitchen", "longDescription": "# Kitchen\n\n*tools*", "immutableTags": True,
        "scanOnPush": True, "enableManifestLists": True, "tagLimit": 7, "pulls": 0, "pushes": 0}
    assert admin.get(f"{BASE}/admin/{name}").json() == made

    listed = [one for one in admin.get(f"{BASE}/admin?pageSize=0").json()["repositories"] if one["name"] == name]
    assert len(listed) == 1 and set(listed[0]) == FIELDS and listed[0]["id"] == made["id"]

    changed = admin.patch(f"{BASE}/admin/{name}", json={"shortDescription": "cellar", "visibility": "private"})
    assert changed.status_code == 200
    assert changed.json() == made | {"shortDescription": "cellar", "visibility": "private"}

    gone = admin.delete(f"{BASE}/admin/{name}?domain=registry.example")
    assert gone.status_code == 204 and gone.content == b""
    assert_error(admin.get(f"{BASE}/admin/{name}"), 404, "NO_SUCH_REPOSITORY")
    assert_error(admin.delete(f"{BASE}/admin/{name}"), 404, "NO_SUCH_REPOSITORY")


def test_what_is_not_said_is_off_and_private(admin, name):
    made = make(admin, name)
    assert made["visibility"] == "private" and made["tagLimit"] == 0 and made["longDescription"] == ""
    assert not (made["immutableTags"] or made["scanOnPush"] or made["enableManifestLists"])
    assert make(admin, name + "-empty", visibility="")["visibility"] == "private"


def test_the_body_of_an_answer_can_be_sent_back(admin, name):
    made = make(admin, name, shortDescription="x")
    answer = admin.patch(f"{BASE}/admin/{name}", json=made | {"shortDescription": "y"})
    assert answer.status_code == 200 and answer.json() == made | {"shortDescription": "y"}
    for field in ("id", "pulls", "namespaceType"):
        assert field in answer.headers["Warning"]


@pytest.mark.parametrize("body, field, code", [
    ({"visibility": "secret"}, "visibility", "INVALID_REPOSITORY_VISIBILITY"),
    ({"visibility": 1}, "visibility", "INVALID_JSON"),
    ({"tagLimit": -1}, "tagLimit", "INVALID_PARAMETERS"),
    ({"tagLimit": 1000001}, "tagLimit", "INVALID_PARAMETERS"),
    ({"tagLimit": "7"}, "tagLimit", "INVALID_JSON"),
    ({"shortDescription": "x" * 1025}, "shortDescription", "INVALID_PARAMETERS"),
    ({"shortDescription": "two\nlines"}, "shortDescription", "INVALID_PARAMETERS"),
    ({"longDescription": "x" * (256 * 1024 + 1)}, "longDescription", "INVALID_PARAMETERS"),
    ({"immutableTags": "yes"}, "immutableTags", "INVALID_JSON"),
])
def test_a_bad_field_is_named(admin, name, body, field, code):
    error = assert_error(admin.post(f"{BASE}/admin", json={"name": name, **body}), 400, code)
    assert field in error["message"]
    assert_error(admin.get(f"{BASE}/admin/{name}"), 404)
    make(admin, name)
    error = assert_error(admin.patch(f"{BASE}/admin/{name}", json=body), 400, code)
    assert field in error["message"]


def test_limits_are_reached(admin, name):
    made = make(admin, name, shortDescription="x" * 1024, longDescription="\u0001" * (256 * 1024), tagLimit=1000000)
    assert made["longDescription"] == "\u0001" * (256 * 1024) and made["tagLimit"] == 1000000


@pytest.mark.parametrize("bad", ["", "UPPER", "a//b", "-a", "a/tags", "manifests", "x" * 260, "../b", "a b"])
def test_names_that_cannot_be(admin, bad):
    error = assert_error(admin.post(f"{BASE}/admin", json={"name": bad}), 400, "INVALID_PARAMETERS")
    assert error["message"].startswith("name")


def test_a_name_is_needed_and_taken_once(admin, name):
    assert "name" in assert_error(admin.post(f"{BASE}/admin", json={}), 400, "INVALID_JSON")["message"]
    make(admin, name)
    assert_error(admin.post(f"{BASE}/admin", json={"name": name}), 400, "REPOSITORY_EXISTS")


def test_an_unknown_namespace(admin):
    assert_error(admin.get(f"{BASE}/nobody-here"), 404, "NO_SUCH_ACCOUNT")
    assert_error(admin.post(f"{BASE}/nobody-here", json={"name": "x"}), 404, "NO_SUCH_ACCOUNT")
    assert_error(admin.get(f"{BASE}/nobody-here/x"), 404, "NO_SUCH_REPOSITORY")


def test_without_credentials(anonymous, admin, name):
    make(admin, name, visibility="public")
    for method, path in [("GET", BASE), ("GET", f"{BASE}/admin"), ("POST", f"{BASE}/admin"), ("GET", f"{BASE}/admin/{name}"),
                         ("PATCH", f"{BASE}/admin/{name}"), ("DELETE", f"{BASE}/admin/{name}")]:
        assert_error(anonymous.request(method, path, json={}), 401, "NOT_AUTHENTICATED")
    assert admin.get(f"{BASE}/admin/{name}").status_code == 200


def test_a_path_that_is_deep_with_and_without_escapes(admin, name):
    made = make(admin, f"{name}/project/app")
    assert made["name"] == f"{name}/project/app" and made["namespace"] == "admin"
    for path in (f"admin/{name}/project/app", f"admin/{name}%2Fproject%2Fapp", f"admin/{name}%2fproject/app",
                 f"admin/{name}/project/app/"):
        assert admin.get(f"{BASE}/{path}").json() == made
    assert_error(admin.get(f"{BASE}/admin/{name}/project"), 404, "NO_SUCH_REPOSITORY")
    assert_error(admin.get(f"{BASE}/admin/{name}/project/app%00"), 400)
    assert admin.patch(f"{BASE}/admin/{name}%2Fproject%2Fapp", json={"tagLimit": 3}).json()["tagLimit"] == 3
    assert admin.delete(f"{BASE}/admin/{name}%2Fproject%2Fapp").status_code == 204


def test_pages(admin, name):
    wanted = [f"admin/{name}/{i:02}" for i in range(12)]
    for path in wanted:
        make(admin, path.removeprefix("admin/"))

    got, start, pages = [], None, 0
    while True:
        answer = admin.get(f"{BASE}/admin", params={"pageSize": 5, "count": "true"} | ({"pageStart": start} if start else {}))
        got += names(answer)
        pages += 1
        total = int(answer.headers["X-Resource-Count"])
        start = answer.headers.get("X-Next-Page-Start")
        if not start:
            break
    assert got == sorted(got) and len(got) == len(set(got)) == total and set(wanted) <= set(got)
    assert pages == -(-total // 5)

    assert len(names(admin.get(f"{BASE}/admin"))) == 10
    everything = admin.get(f"{BASE}/admin/?pageSize=0")
    assert names(everything) == got and "X-Next-Page-Start" not in everything.headers
    assert "X-Resource-Count" not in everything.headers
    assert names(admin.get(f"{BASE}/admin?pageSize=99999999999999999"))[:1] == got[:1]
    for query in ("pageSize=-1", "pageSize=x", "pageSize=" + "9" * 20, "pageStart=%21", "count=maybe"):
        assert_error(admin.get(f"{BASE}/admin?{query}"), 400, "INVALID_PARAMETERS")


def test_a_body_of_any_type_with_basic_credentials(admin, name):
    answer = admin.post(f"{BASE}/admin", data=json.dumps({"name": name}), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201
    assert_error(admin.post(f"{BASE}/admin", data="{", headers={"Content-Type": "text/plain"}), 400, "INVALID_JSON")
    assert_error(admin.post(f"{BASE}/admin", data='{"name":"a","name":"b"}'), 400, "INVALID_JSON")


def test_pushes_are_counted_and_immutable_tags_stay(server, admin, name):
    repo = f"admin/{name}"
    make(admin, name, immutableTags=True)
    image = admin.push_image(repo, "v1")
    assert admin.get(f"{BASE}/{repo}").json()["pushes"] == 1
    admin.push_manifest(repo, "v1", image.data, image.media_type)  # the same again is no change
    other = admin.push_image(repo)                                 # by digest
    assert admin.get(f"{BASE}/{repo}").json()["pushes"] == 2

    error = assert_error(admin.put_manifest(repo, "v1", other.data, other.media_type), 403, "DENIED")
    assert "immutable" in error["message"] and repo in error["message"] and "v1" in error["message"]
    assert_error(admin.put(f"/v2/{repo}/manifests/{other.digest}?tag=v2&tag=v1", data=other.data,
                           headers={"Content-Type": other.media_type}), 403, "DENIED")
    assert admin.tags(repo) == ["v1"]
    assert_error(admin.delete(f"/v2/{repo}/manifests/v1"), 403, "DENIED")
    assert_error(admin.delete(f"/v2/{repo}/manifests/{image.digest}"), 403, "DENIED")
    assert admin.pull_manifest(repo, "v1").headers["Docker-Content-Digest"] == image.digest
    assert admin.get(f"{BASE}/{repo}").json()["pushes"] == 2

    assert admin.patch(f"{BASE}/{repo}", json={"immutableTags": False}).status_code == 200
    admin.push_manifest(repo, "v1", other.data, other.media_type)
    assert admin.delete(f"/v2/{repo}/manifests/v1").status_code == 202


def test_deleting_and_making_anew_voids_tokens(server, admin, name):
    repo = f"admin/{name}"
    first = make(admin, name)
    holder = admin.with_token(f"repository:{repo}:pull,push")
    holder.push_image(repo, "v1")
    assert admin.delete(f"{BASE}/{repo}").status_code == 204
    second = make(admin, name)
    assert second["id"] != first["id"] and second["pushes"] == 0
    assert_error(holder.pull_manifest(repo, "v1"), 401)
    assert_error(holder.post(f"/v2/{repo}/blobs/uploads/"), 401)
    assert_error(admin.pull_manifest(repo, "v1"), 404, "MANIFEST_UNKNOWN")


def test_a_token_of_the_registry_is_not_for_management(server, admin, name):
    make(admin, name)
    holder = admin.with_token(f"repository:admin/{name}:*")
    for method, path in [("GET", BASE), ("GET", f"{BASE}/admin/{name}"), ("DELETE", f"{BASE}/admin/{name}"),
                         ("POST", f"{BASE}/admin")]:
        assert holder.request(method, path, json={"name": "x"}).status_code == 401


def test_wrong_passwords(server):
    assert_error(Registry(server.url(), "admin", ADMIN_PASSWORD + "x").get(BASE), 401, "NOT_AUTHENTICATED")


@pytest.mark.sqlite
def test_a_page_of_a_hundred_thousand_in_constant_memory(new_server):
    """The whole answer is some tens of megabytes; the server does not hold it."""
    # A sanitizer keeps what was freed for a while, which is not what is measured.
    server = new_server(env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"})
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    make(admin, "first")
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / "assay.db")) as db, db:
        db.execute("""
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
            INSERT INTO repositories (uuid, path, namespace_id, is_public, created_at, created_by, short_description)
            SELECT printf('0190f0a0-0000-7000-8000-%012d', i), printf('admin/many/%06d', i), r.namespace_id, 0, r.created_at,
                   r.created_by, 'one of many' FROM n, repositories AS r WHERE r.path = 'admin/first'""")
    server.start()
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    assert len(names(admin.get(f"{BASE}?pageSize=5000"))) == 5000
    before = resident_kib(server.process.pid)
    answer = admin.get(f"{BASE}/admin?pageSize=0&count=1")
    found = names(answer)
    grown = resident_kib(server.process.pid) - before
    assert len(found) == 100000 and found[:2] == ["admin/first", "admin/many/000000"] and found == sorted(found)
    assert answer.headers["X-Resource-Count"] == "100002"
    rest = admin.get(f"{BASE}/admin", params={"pageSize": 100000, "pageStart": answer.headers["X-Next-Page-Start"]})
    assert names(rest) == ["admin/many/099999", "admin/many/100000"] and "X-Next-Page-Start" not in rest.headers
    assert len(answer.content) > 25 << 20
    assert grown < 16 << 10, f"{grown} KiB for an answer of {len(answer.content) >> 10} KiB"


def test_the_longest_repository_that_exists_is_meant(admin, name):
    """A path of a tag may be a repository's too."""
    make(admin, name)
    image = admin.push_image(f"admin/{name}", "b")
    path = f"{BASE}/admin/{name}/tags/b"
    assert admin.get(path).json()[0]["digest"] == image.digest
    deeper = make(admin, f"{name}/tags/b")
    assert admin.get(path).json() == deeper
    assert admin.get(f"{path}/tags").json() == []
    assert [tag["name"] for tag in admin.get(f"{BASE}/admin/{name}/tags").json()] == ["b"]
    assert admin.delete(path).status_code == 204
    assert admin.get(path).json()[0]["digest"] == image.digest


def test_tags_as_clients_of_dtr_read_them(admin, name):
    repo = f"admin/{name}"
    make(admin, name)
    image = admin.push_image(repo, "v1", layer_size=5000)
    admin.push_manifest(repo, "v2", image.data, image.media_type)
    index = admin.push_index(repo, [image], "multi")
    listed = admin.get(f"{BASE}/{repo}/tags?includeManifests=true&count=1")
    assert listed.headers["X-Resource-Count"] == "3"
    tags = {tag["name"]: tag for tag in listed.json()}
    assert set(tags["v1"]) == {"author", "createdAt", "digest", "hashMismatch", "inNotary", "manifest", "name", "updatedAt"}
    assert tags["v1"]["author"] == "admin" and tags["v1"]["hashMismatch"] is False and tags["v1"]["inNotary"] is False
    assert tags["v1"]["manifest"]["digest"] == tags["v1"]["digest"] == image.digest
    assert tags["v1"]["manifest"]["mediaType"] == image.media_type and tags["v1"]["manifest"]["size"] > 5000
    assert tags["multi"]["digest"] == index.digest and "configMediaType" not in tags["multi"]["manifest"]
    for field in ("createdAt", "updatedAt"):
        assert tags["v1"][field].endswith("Z") and tags["v1"][field] > "2020"
    assert [tag["name"] for tag in admin.get(f"{BASE}/{repo}/tags/{image.digest}").json()] == ["v1", "v2"]
    page = admin.get(f"{BASE}/{repo}/tags?pageSize=2")
    rest = admin.get(f"{BASE}/{repo}/tags", params={"pageSize": 2, "pageStart": page.headers["X-Next-Page-Start"]})
    assert [tag["name"] for tag in page.json() + rest.json()] == ["multi", "v1", "v2"]
    assert_error(admin.get(f"{BASE}/{repo}/tags/v9"), 404, "NO_SUCH_REF")
    assert_error(admin.delete(f"{BASE}/{repo}/tags/v9"), 404, "NO_SUCH_TAG")
    assert_error(admin.delete(f"{BASE}/{repo}/tags/-bad"), 400)
    admin.patch(f"{BASE}/{repo}", json={"immutableTags": True})
    assert_error(admin.delete(f"{BASE}/{repo}/tags/v2"), 409, "TAG_IMMUTABLE")
    admin.patch(f"{BASE}/{repo}", json={"immutableTags": False})
    assert admin.delete(f"{BASE}/{repo}/tags/v2?domain=x").status_code == 204
    assert admin.pull_manifest(repo, "v1").status_code == 200


def test_deletes_that_are_off(new_server):
    """`allow-delete` off is 405 everywhere, read-only as well."""
    server = new_server()
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    make(admin, "app")
    server.admin("set", "allow-delete", "off")
    assert_error(admin.delete(f"{BASE}/admin/app"), 405, "NOT_ALLOWED")
    assert_error(admin.delete("/api/v0/accounts/admin/repositories"), 405, "NOT_ALLOWED")
    server.admin("set", "read-only", "on")
    assert_error(admin.post(f"{BASE}/admin", json={"name": "other"}), 405, "NOT_ALLOWED")
    assert_error(admin.patch(f"{BASE}/admin/app", json={"tagLimit": 1}), 405, "NOT_ALLOWED")
    assert admin.get(f"{BASE}/admin/app").json()["tagLimit"] == 0
