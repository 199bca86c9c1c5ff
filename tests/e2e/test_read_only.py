"""A registry that is read-only (`readOnlyRegistry` of /api/v0/meta/settings, setting `read-only`): pulls and lists go on, people
are managed, and nothing that is stored changes, on all nodes within five seconds."""

import time

import pytest

from harness import oci
from harness.client import Registry, assert_error
from harness.people import PASSWORD, People, unique
from harness.server import ADMIN_PASSWORD

V0 = "/api/v0/repositories"


def set_read_only(admin, is_on):
    answer = admin.post("/api/v0/meta/settings", json={"readOnlyRegistry": is_on})
    assert answer.status_code == 202, answer.text
    assert admin.get("/api/v0/meta/settings").json()["readOnlyRegistry"] is is_on


@pytest.mark.both_engines
def test_read_only(new_server):
    admin = Registry(new_server().url(), "admin", ADMIN_PASSWORD)
    repo = "admin/app"
    image, gone = admin.push_image(repo, "v1"), admin.push_image(repo, "gone")
    admin.delete(f"/v2/{repo}/manifests/gone")
    upload = admin.start_upload(repo)
    set_read_only(admin, True)

    assert admin.pull_manifest(repo, "v1").content == image.data
    assert admin.pull_blob(repo, oci.digest(image.layers[0])).content == image.layers[0]
    assert admin.tags(repo) == ["v1"] and admin.get(f"{V0}/{repo}/tags/v1").json()[0]["digest"] == image.digest
    assert admin.get("/v1/search?q=app").json()["num_results"] == 1
    assert admin.get(f"/api/v1/repositories/{repo}/sizes").json()["tags"] == 1

    data = oci.random_blob(10)
    assert_error(admin.put_manifest(repo, "v2", image.data), 405, "UNSUPPORTED")
    assert_error(admin.post(f"/v2/{repo}/blobs/uploads/"), 405, "UNSUPPORTED")
    assert_error(admin.finish_upload(upload, oci.digest(data), data), 405, "UNSUPPORTED")
    for reference in "v1", image.digest:
        assert_error(admin.delete(f"/v2/{repo}/manifests/{reference}"), 405, "UNSUPPORTED")
    for method, path in (("DELETE", f"{V0}/{repo}"), ("DELETE", f"{V0}/{repo}/tags/v1"),
                         ("DELETE", f"{V0}/{repo}/manifests/{image.digest}"),
                         ("POST", f"/api/v1/repositories/{repo}/tags/gone/undelete"),
                         ("POST", f"/api/v1/repositories/{repo}/manifests/{gone.digest}/undelete"),
                         ("POST", f"/api/v1/repositories/{repo}/undelete")):
        assert_error(admin.request(method, path), 405)
    assert_error(admin.post(f"{V0}/admin", json={"name": "other"}), 405)

    people = People(admin)
    org, user = people.org(), people.user()
    people.team(org, people.member(org, user))
    assert user.get("/enzi/v0/accounts").status_code == 200
    assert user.fetch_token()["token"] and user.password == PASSWORD
    assert admin.post("/api/v0/api_tokens", json={"tokenLabel": unique("t")}).ok

    set_read_only(admin, False)
    admin.push_image(repo, "v2")
    assert admin.post(f"/api/v1/repositories/{repo}/tags/gone/undelete").status_code == 200


def test_read_only_on_all_nodes(new_server, cluster, request):
    """Two nodes on one PostgreSQL and one store: what one is told the other does within five seconds."""
    if not hasattr(cluster, "new_database"):
        pytest.skip("no PostgreSQL")
    url = cluster.url(cluster.new_database())
    first = new_server("--database", url, name="one")
    second = new_server("--database", url, "--storage", f"file:{first.data}/blobs", "--key-file", f"{first.data}/key", name="two")
    one, two = (Registry(server.url(), "admin", ADMIN_PASSWORD) for server in (first, second))
    two.push_image("admin/app", "v1")
    for is_on, status in (True, 405), (False, 202):
        set_read_only(one, is_on)
        deadline = time.monotonic() + 30
        while two.post("/v2/admin/app/blobs/uploads/").status_code != status:
            assert time.monotonic() < deadline, "the other node does not follow"
            time.sleep(0.1)
