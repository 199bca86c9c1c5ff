"""Quotas of bytes and tags on any prefix: exact at the limit, counted over what is there, given back by deletes and
collection; who may set and see them; what clients are told."""

import concurrent.futures
import itertools
import shutil
import time

import pytest

from harness import oci
from harness.cli import Cli
from harness.client import Registry, assert_error
from harness.people import People, refused
from harness.server import ADMIN_PASSWORD

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


def told(admin, path):
    records = admin.get("/api/v1/audit", params={"path": path, "pageSize": 0}).json()["records"]
    return [record["action"] for record in records]


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


@pytest.mark.both_engines
def test_deletes_and_collection_give_back(new_server):
    """On a server where nothing has to wait: bytes come back when they are collected, tags at once; what can be brought
    back counts, a deleted repository too."""
    server = new_server()
    for key in ("gc-delay", "pin-ttl", "undelete-window", "doom-delay"):
        server.admin("set", key, "0")
    own = Registry(server.url(), "admin", ADMIN_PASSWORD)
    own_quotas = Quotas(own)
    own_quotas.put("admin", bytes=10**9, tags=100)
    kept, gone = own.push_image("admin/kept", "v1", layer_size=300), own.push_image("admin/gone", "v1", layer_size=500)
    full, tags = own_quotas.check("admin")
    assert tags == 2
    blob = own.push_blob("admin/kept", oci.random_blob(1000))
    assert own_quotas.check("admin")[0] == full + 1000
    assert own.delete(f"/v2/admin/kept/blobs/{blob}").status_code == 202
    assert own_quotas.check("admin")[0] == full
    assert own.delete("/api/v0/repositories/admin/gone").status_code == 204
    of_gone = len(gone.data) + len(gone.config) + 500
    eventually(lambda: own_quotas.usage("admin"), {"path": "admin", "bytes": full - of_gone, "tags": 1})
    assert own_quotas.check("admin") == (full - of_gone, 1)
    assert own.delete(f"/v2/admin/kept/manifests/{kept.digest}").status_code == 202
    eventually(lambda: own_quotas.usage("admin"), {"path": "admin", "bytes": 0, "tags": 0})
    assert own_quotas.check("admin") == (0, 0)


def test_who_may_set_and_who_may_see(quotas, admin):
    people = People(admin)
    org = people.org()
    owner, member, stranger = people.member(org, owner=True), people.member(org), people.user()
    made = quotas.put(org, bytes=1000, warnPercent=50)
    assert made["warnPercent"] == 50 and "tags" not in made
    quotas.put(f"{org}/below", tags=3)
    for user in (owner, member, stranger):
        refused(user.put(QUOTAS, json={"path": org, "bytes": 10**9}), 403, "NOT_AUTHORIZED")
        refused(user.delete(QUOTAS, params={"path": org}), 403, "NOT_AUTHORIZED")
    seen = owner.get(QUOTAS, params={"prefix": org}).json()["quotas"]
    assert [row["path"] for row in seen] == [org, f"{org}/below"]
    first = owner.get(QUOTAS, params={"prefix": org, "pageSize": 1})
    rest = owner.get(QUOTAS, params={"prefix": org, "pageStart": first.headers["X-Next-Page-Start"]})
    assert [row["path"] for answer in (first, rest) for row in answer.json()["quotas"]] == [org, f"{org}/below"]
    assert owner.get(f"{QUOTAS}/effective", params={"path": f"{org}/below/app"}).json()["tags"]["quota"] == f"{org}/below"
    for path in ("", "effective", "usage"):
        field = "path" if path else "prefix"
        answer = stranger.get(f"{QUOTAS}/{path}".rstrip("/"), params={field: org})
        assert answer.status_code == 404, answer.text
        assert member.get(f"{QUOTAS}/{path}".rstrip("/"), params={field: org}).status_code in (403, 404)
    assert stranger.get(QUOTAS).json()["quotas"] == []
    refused(owner.get(QUOTAS, params={"prefix": ""}), 404, "NO_SUCH_REPOSITORY")

    quotas.put(org, bytes=2000)
    actions = told(admin, org)
    assert actions.count("QUOTA_CREATED") == 2 and actions.count("QUOTA_CHANGED") == 1


@pytest.mark.parametrize("body", [
    {}, {"path": "acme"}, {"path": "acme", "bytes": -1}, {"path": "acme", "tags": -5}, {"path": "acme", "bytes": "1"},
    {"path": "acme", "bytes": 2**63}, {"path": "Acme!", "bytes": 1}, {"path": "/acme", "bytes": 1},
    {"path": "acme", "bytes": 1, "warnPercent": 0}, {"path": "acme", "bytes": 1, "warnPercent": 101},
    {"path": "acme", "bytes": 1, "used": 3}])
def test_a_bad_quota_is_refused(admin, body):
    answer = admin.put(QUOTAS, json=body)
    assert answer.status_code == 400, answer.text


def test_sizes_near_the_end_of_numbers(quotas, admin, org):
    """F-20: a limit of 2^63 - 1 is none that anything reaches, and nothing wraps round."""
    repo = make(admin, f"{org}/app")
    quotas.put(org, bytes=2**63 - 1, tags=2**63 - 1, warnPercent=100)
    admin.push_image(repo, "v1")
    quotas.check(org)
    left = admin.get(f"{QUOTAS}/effective", params={"path": repo}).json()["bytes"]["left"]
    assert 2**63 - 1 - 10**6 < left < 2**63


@pytest.mark.both_engines
def test_crossings_are_told_once(quotas, admin, org):
    repo = make(admin, f"{org}/app")
    quotas.put(org, bytes=1000)

    admin.push_blob(repo, oci.random_blob(900))
    eventually(lambda: told(admin, org).count("QUOTA_WARNING"), 1)
    assert quotas.get(org)["isNear"]
    for _ in range(3):
        blob = oci.random_blob(200)
        assert_error(admin.post(f"/v2/{repo}/blobs/uploads/", params={"digest": oci.digest(blob)}, data=blob), 403)
    assert told(admin, org).count("QUOTA_EXCEED") == 1
    assert any(alert["id"] == "quotas" for alert in admin.get("/api/v0/meta/alerts").json())


def test_by_command_line(server, tmp, org, admin):
    cli = Cli(tmp / "admin")
    cli.login(server.url(), "admin", ADMIN_PASSWORD)
    shown = cli("quota", "set", org, "--bytes", "2MiB", "--tags", "10", "--warn", "90")
    assert org in shown and "2097152" in shown
    make(admin, f"{org}/app")
    admin.push_image(f"{org}/app", "v1")
    assert cli.table("quota", "ls", "--prefix", org) == [org]
    found = cli.json("quota", "show", f"{org}/app")
    assert found["tags"] == {"quota": org, "limit": 10, "used": 1, "left": 9}
    assert cli.json("quota", "usage", org)["tags"] == 1
    assert "bytes" in cli.fails("quota", "set", org, "--bytes", "much", code=2)
    assert "the quota is gone" in cli("quota", "rm", org)
    assert "no quota stands there" in cli.fails("quota", "rm", org)
    code, seen = cli.on_terminal("quota", "ls", columns=100)
    assert code == 0 and all(len(line) <= 100 for line in seen.splitlines())


def test_two_nodes_are_one_sum(cluster, new_server):
    """A quota that is made on one node counts what the other one is pushing at the moment, and holds for both."""
    database = cluster.url(cluster.new_database())
    first = new_server("--database", database, name="node0")
    (folder := first.data.parent / "node1").mkdir()
    shutil.copy(first.data / "key", folder / "key")
    second = new_server("--database", database, "--storage", f"file:{first.data}/blobs", name="node1")
    nodes = [Registry(node.url(), "admin", ADMIN_PASSWORD) for node in (first, second)]
    own = Quotas(nodes[0])
    numbers = itertools.count()

    def push(size):
        blob = oci.random_blob(size)
        answer = nodes[next(numbers) % 2].post("/v2/admin/app/blobs/uploads/", params={"digest": oci.digest(blob)}, data=blob)
        assert answer.status_code in (201, 403), answer.text
        return answer.status_code

    push(1000)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(push, 1000) for _ in range(100)]
        own.put("admin", bytes=10**9)
        assert {done.result() for done in running} == {201}
    eventually(lambda: own.get("admin")["isCounted"], True)
    assert own.check("admin") == (101 * 1000, 0)

    own.put("admin", bytes=111 * 1000)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(push, [1000] * 40)).count(201) == 10
    assert own.check("admin") == (111 * 1000, 0)


@pytest.mark.both_engines
def test_what_comes_back_counts_with_all_that_it_names(quotas, admin, org):
    """A layer that was taken out of the repository while its manifest was deleted is in it again with that."""
    repo = make(admin, f"{org}/app")
    image = admin.push_image(repo, "v1", layer_size=700)
    quotas.put(org, bytes=10**6, tags=1)
    full = quotas.check(org)
    layer = oci.digest(image.layers[0])
    assert admin.delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202
    assert admin.delete(f"/v2/{repo}/blobs/{layer}").status_code == 202
    assert quotas.check(org) == (full[0] - 700, 0)
    back = admin.post(f"/api/v1/repositories/{repo}/tags/v1/undelete")
    assert back.status_code == 200, back.text
    assert quotas.check(org) == full
    assert admin.pull_blob(repo, layer).content == image.layers[0]
    admin.put_manifest(repo, "v2", image.data)
    assert quotas.check(org) == full, "no second tag"
