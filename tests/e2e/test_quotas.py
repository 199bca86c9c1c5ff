"""Quotas of bytes and tags on any prefix: exact at the limit, counted over what is there, given back by deletes and
collection; who may set and see them; what clients are told."""

import concurrent.futures
import time

import pytest

from harness import oci
from harness.client import assert_error
from harness.people import People, refused, unique
from harness.server import ADMIN_PASSWORD, Server

QUOTAS = "/api/v1/quotas"
SECONDS = 60


class Quotas:
    """What an admin does with quotas."""

    def __init__(self, admin):
        self.admin = admin

    def put(self, path, status=200, **limits):
        answer = self.admin.put(QUOTAS, json={"path": path} | limits)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path):
        rows = self.admin.get(QUOTAS, params={"prefix": path, "pageSize": 0}).json()["quotas"]
        return next(row for row in rows if row["path"] == path)

    def usage(self, path):
        answer = self.admin.get(f"{QUOTAS}/usage", params={"path": path})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def check(self, path):
        """What the quota says is what the rows say."""
        row, rows = self.get(path), self.usage(path)
        assert (row["usedBytes"], row["usedTags"]) == (rows["bytes"], rows["tags"]), f"{row} {rows}"
        return rows["bytes"], rows["tags"]


@pytest.fixture
def quotas(admin):
    return Quotas(admin)


@pytest.fixture
def org(admin):
    return People(admin).org()


def make(admin, repo):
    namespace, name = repo.split("/", 1)
    answer = admin.post(f"/api/v0/repositories/{namespace}", json={"name": name})
    assert answer.status_code == 201, answer.text
    return repo


def eventually(look, wanted):
    deadline = time.monotonic() + SECONDS
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, f"{seen}, not {wanted}"
        time.sleep(0.1)


@pytest.mark.both_engines
def test_what_is_there_counts_and_each_push_adds_what_it_brings(quotas, admin, org):
    repo = make(admin, f"{org}/a/app")
    admin.push_image(repo, "v1", layers=2, layer_size=1000)
    made = quotas.put(org, bytes=10**9, tags=100)
    assert made["isCounted"] and made["usedTags"] == 1
    before, _ = quotas.check(org)
    assert before > 2000

    quotas.put(f"{org}/a", bytes=10**9)
    quotas.put(repo, tags=5)
    admin.push_image(repo, "v2", layers=1, layer_size=500)
    after, tags = quotas.check(org)
    assert after > before + 500 and tags == 2
    assert quotas.check(f"{org}/a") == quotas.check(repo) == (after, 2)

    blob = oci.random_blob(700)
    admin.push_blob(repo, blob)
    admin.push_blob(repo, blob)
    assert quotas.check(repo)[0] == after + 700, "a blob counts once"
    other = make(admin, f"{org}/other")
    digest = oci.digest(blob)
    mounted = admin.post(f"/v2/{other}/blobs/uploads/", params={"mount": digest, "from": repo})
    assert mounted.status_code == 201
    assert quotas.check(org)[0] == after + 1400, "and in each repository"
    assert quotas.check(repo)[0] == after + 700


@pytest.mark.both_engines
def test_what_does_not_fit_is_refused_with_limit_use_and_place(quotas, admin, org):
    repo = make(admin, f"{org}/app")
    admin.push_blob(repo, oci.random_blob(600))
    quotas.put("", bytes=10**15)
    quotas.put(org, bytes=1000)

    large = oci.random_blob(401)
    refused_at_once = admin.put(f"{admin.start_upload(repo)}?digest={oci.digest(large)}", data=large)
    error = assert_error(refused_at_once, 403, "DENIED")
    assert error["detail"] == {"quota": org, "of": "bytes", "limit": 1000, "used": 600}
    assert org in error["message"] and "1000" in error["message"] and "600" in error["message"]
    single = admin.post(f"/v2/{repo}/blobs/uploads/", params={"digest": oci.digest(large)}, data=large)
    assert_error(single, 403, "DENIED")
    chunked = admin.patch(admin.start_upload(repo), data=iter([large[:200], large[200:]]))
    assert_error(chunked, 403, "DENIED")
    assert quotas.check(org) == (600, 0)

    admin.push_blob(repo, large[:400])
    assert quotas.check(org) == (1000, 0), "to the last byte"
    admin.push_blob(repo, large[:400])
    assert quotas.get(org)["isRefusing"]
    again = admin.put_manifest(repo, "v1", oci.manifest(oci.descriptor(large[:400], oci.OCI_CONFIG), []))
    assert_error(again, 403, "DENIED")
    assert admin.tags(repo) == []

    effective = admin.get(f"{QUOTAS}/effective", params={"path": repo}).json()
    assert effective["bytes"] == {"quota": org, "limit": 1000, "used": 1000, "left": 0} and "tags" not in effective
    assert [row["path"] for row in effective["quotas"]] == ["", org]
    assert admin.delete(QUOTAS, params={"path": ""}).status_code == 204
    assert admin.delete(QUOTAS, params={"path": org}).status_code == 204
    refused(admin.delete(QUOTAS, params={"path": org}), 404, "NO_SUCH_QUOTA")
    admin.push_blob(repo, large)


@pytest.mark.both_engines
def test_a_limit_on_tags_is_one_on_names_and_deleting_gives_back(quotas, admin, org):
    repo = make(admin, f"{org}/app")
    quotas.put(repo, tags=2)
    first = admin.push_image(repo, "v1")
    admin.push_image(repo, "v2")
    admin.push_image(repo, "v2")
    assert admin.put_manifest(repo, "v1", first.data).status_code == 201
    error = assert_error(admin.put_manifest(repo, "v3", first.data), 403, "DENIED")
    assert error["detail"] == {"quota": repo, "of": "tags", "limit": 2, "used": 2}
    assert quotas.check(repo)[1] == 2
    assert admin.delete(f"/v2/{repo}/manifests/v2").status_code == 202
    assert admin.put_manifest(repo, "v3", first.data).status_code == 201
    assert quotas.check(repo)[1] == 2
    assert admin.delete(f"/v2/{repo}/manifests/{first.digest}").status_code == 202
    assert quotas.check(repo)[1] == 0


@pytest.mark.both_engines
def test_fifty_pushers_at_the_edge_fill_it_to_the_last_that_fits(quotas, admin, org, server):
    """I-04: one repository, nested quotas, and exactly as many blobs as there is room for."""
    repo = make(admin, f"{org}/deep/app")
    quotas.put(org, bytes=10**12)
    quotas.put(f"{org}/deep", bytes=20 * 1000 + 999)

    def push(_):
        blob = oci.random_blob(1000)
        answer = admin.post(f"/v2/{repo}/blobs/uploads/", params={"digest": oci.digest(blob)}, data=blob)
        assert answer.status_code in (201, 403), answer.text
        return answer.status_code

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(push, range(100)))
    assert statuses.count(201) == 20
    assert quotas.check(f"{org}/deep") == quotas.check(org) == (20 * 1000, 0)
