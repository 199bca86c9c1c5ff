"""Purges: a digest goes at once, every copy in every repository with tags and indexes, past undeleting, bytes and all; what
other images need stays; a hold on any of it refuses the whole; a dry run changes nothing and says what a purge does."""

import pytest

from harness import oci
from harness.client import assert_error
from harness.people import People, unique
from harness.server import wait_for

PURGES, HOLDS, BASE = "/api/v1/purges", "/api/v1/holds", "/api/v0/repositories"


def image_of(registry, repo, tag, *layers):
    """An image with those layers."""
    registry.push_blobs(repo, oci.EMPTY_JSON, *layers)
    document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG),
                            [oci.descriptor(layer, oci.OCI_LAYER) for layer in layers], annotations={"of": f"{repo}:{tag}"})
    return registry.push_document(repo, tag, document, oci.EMPTY_JSON, list(layers))


def purge(registry, digest, status=200, **body):
    answer = registry.post(PURGES, json={"digest": digest, "reason": "it leaked"} | body)
    assert answer.status_code == status, answer.text
    return answer.json()


def files_of(server, digest):
    return [path for path in (server.data / "blobs").rglob("*") if digest.split(":")[1] in path.name]


@pytest.fixture
def repos():
    return f"admin/{unique('leak')}", f"admin/{unique('leak')}"


@pytest.mark.both_engines
def test_a_secret_goes_with_every_copy(server, admin, repos):
    one, two = repos
    secret, shared = oci.random_blob(), oci.random_blob()
    leaked = image_of(admin, one, "v1", shared, secret)
    admin.put_manifest(one, "v2", leaked.data, leaked.media_type)
    index = admin.push_index(one, [leaked], "multi")
    copied = image_of(admin, two, "copy", secret)
    deleted = image_of(admin, two, "old", secret, shared)
    assert admin.delete(f"/v2/{two}/manifests/{deleted.digest}").status_code == 202
    image_of(admin, two, "safe", shared)

    planned = purge(admin, oci.digest(secret), dryRun=True)
    assert planned["dryRun"] and (planned["manifests"], planned["tags"], planned["bytes"]) == (4, 4, len(secret))
    admin.pull_manifest(one, "v1")
    assert len(files_of(server, oci.digest(secret))) >= 1  # each push sent it; what came second waits to be removed
    done = purge(admin, oci.digest(secret))
    assert done == planned | {"dryRun": False}
    assert {(copy["repository"], copy["digest"], tuple(copy["tags"]), copy["isIndex"], copy["isDeleted"])
            for copy in done["copies"]} == {
        (one, index.digest, ("multi",), True, False), (one, leaked.digest, ("v1", "v2"), False, False),
        (two, copied.digest, ("copy",), False, False), (two, deleted.digest, (), False, True)}
    fates = {blob["digest"]: blob for blob in done["blobs"]}
    assert fates[oci.digest(secret)]["goes"]
    assert fates[oci.digest(shared)]["keptBy"] == "another image names it"

    for repo, reference in ((one, "v1"), (one, "multi"), (one, leaked.digest), (two, "copy"), (two, deleted.digest)):
        assert admin.get(f"/v2/{repo}/manifests/{reference}").status_code == 404
    assert admin.get(f"/v2/{one}/blobs/{oci.digest(secret)}").status_code == 404
    assert files_of(server, oci.digest(secret)) == []
    admin.pull_manifest(two, "safe")
    admin.pull_blob(two, oci.digest(shared))
    assert admin.tags(one) == [] and admin.tags(two) == ["safe"]
    purge(admin, oci.digest(secret), 404)

    records = admin.get("/api/v1/audit", params={"path": one, "action": "MANIFEST_DELETE", "pageSize": 100}).json()["records"]
    assert len(records) == 2 and all("it leaked" in str(record) for record in records)


@pytest.mark.both_engines
def test_a_manifest_goes_with_what_is_its_own(server, admin, repos):
    one, two = repos
    secret, shared = oci.random_blob(), oci.random_blob()
    leaked = image_of(admin, one, "v1", shared, secret)
    image_of(admin, two, "v1", shared)
    assert admin.delete(f"{BASE}/{one}").status_code == 204  # a deleted repository could come back
    done = purge(admin, leaked.digest)
    assert done["copies"] == [{"repository": one, "digest": leaked.digest, "tags": ["v1"], "isIndex": False, "isDeleted": True}]
    assert files_of(server, oci.digest(secret)) == []
    admin.pull_blob(two, oci.digest(shared))


def test_a_blob_without_an_image_goes_too_and_a_push_that_relied_on_it_sends_again(server, admin, repos):
    one, _ = repos
    secret = oci.random_blob()
    admin.push_blob(one, secret)
    done = purge(admin, oci.digest(secret))
    assert done["repositories"] == [one] and done["manifests"] == 0 and files_of(server, oci.digest(secret)) == []
    document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG), [oci.descriptor(secret, oci.OCI_LAYER)])
    admin.push_blob(one, oci.EMPTY_JSON)
    assert_error(admin.put_manifest(one, "v1", document), 400, "MANIFEST_BLOB_UNKNOWN")
    image_of(admin, one, "v1", secret)
    admin.pull_blob(one, oci.digest(secret))


@pytest.mark.both_engines
def test_what_a_purge_took_no_quota_counts(admin, repos):
    one, _ = repos
    assert admin.put("/api/v1/quotas", json={"path": one, "bytes": 10**9, "tags": 100}).status_code in (200, 201)
    secret = oci.random_blob()
    leaked = image_of(admin, one, "v1", secret)
    admin.put_manifest(one, "v2", leaked.data, leaked.media_type)
    purge(admin, oci.digest(secret))

    def quota_is_counted():
        return admin.get("/api/v1/quotas/effective", params={"path": one}).json()["quotas"][-1]["isCounted"]

    wait_for(quota_is_counted, 60)
    counted = admin.get("/api/v1/quotas/effective", params={"path": one}).json()["quotas"][-1]
    assert (counted["usedBytes"], counted["usedTags"]) == (0, 0)


@pytest.mark.both_engines
@pytest.mark.parametrize("kind", ["digest", "tag", "prefix", "manifest", "days"])
def test_a_hold_on_any_of_it_refuses_the_whole(server, admin, repos, kind):
    one, two = repos
    secret = oci.random_blob()
    image_of(admin, one, "v1", secret)
    held = image_of(admin, two, "v1", secret)
    body = {"digest": {"digest": oci.digest(secret)}, "tag": {"repository": two, "tag": "v1"}, "prefix": {"prefix": two},
            "manifest": {"repository": two, "digest": held.digest}, "days": {"prefix": two, "keepDays": 1}}[kind]
    hold = admin.post(HOLDS, json=body | {"reason": "evidence"})
    assert hold.status_code == 201, hold.text
    for is_dry in (True, False):
        refused = purge(admin, oci.digest(secret), 409, dryRun=is_dry)["errors"][0]
        assert refused["code"] == "HELD" and hold.json()["id"] in refused["message"] and "evidence" in refused["message"]
    for repo in repos:
        admin.pull_manifest(repo, "v1")
        admin.pull_blob(repo, oci.digest(secret))
    assert admin.delete(f"{HOLDS}/{hold.json()['id']}").status_code == 204
    assert purge(admin, oci.digest(secret))["manifests"] == 2


def test_below_a_prefix_it_takes_the_right_there_and_leaves_the_rest(server, admin, repos):
    people = People(admin)
    org = people.org()
    owner, stranger = people.member(org, owner=True), people.user()
    secret = oci.random_blob()
    repo = f"{org}/app"
    assert admin.post(f"{BASE}/{org}", json={"name": "app"}).status_code == 201
    leaked = image_of(owner, repo, "v1", secret)
    image_of(admin, repos[0], "v1", secret)
    assert_error(owner.post(PURGES, json={"digest": oci.digest(secret), "reason": "x"}), 404)
    assert_error(stranger.post(PURGES, json={"digest": oci.digest(secret), "reason": "x", "prefix": org}), 404)
    done = purge(owner, oci.digest(secret), prefix=org)
    assert [copy["digest"] for copy in done["copies"]] == [leaked.digest]
    fates = {blob["digest"]: blob for blob in done["blobs"]}
    assert not fates[oci.digest(secret)]["goes"]
    assert owner.get(f"/v2/{repo}/manifests/v1").status_code == 404
    admin.pull_blob(repos[0], oci.digest(secret))
    assert len(files_of(server, oci.digest(secret))) >= 1
    purge(admin, oci.digest(secret))
    assert files_of(server, oci.digest(secret)) == []


@pytest.mark.parametrize("body, about", [
    ({"digest": "sha256:12", "reason": "x"}, "digest"), ({"digest": oci.missing_digest()}, "reason"),
    ({"digest": oci.missing_digest(), "reason": ""}, "reason"), ({"reason": "x"}, "digest"),
    ({"digest": oci.missing_digest(), "reason": "a\nb"}, "reason"),
    ({"digest": oci.missing_digest(), "reason": "x" * 257}, "reason"),
    ({"digest": oci.missing_digest(), "reason": "x", "prefix": "A B"}, "path"),
    ({"digest": oci.missing_digest(), "reason": "x", "dryRun": "yes"}, "dryRun"),
    ({"digest": oci.missing_digest(), "reason": "x", "force": True}, "force"),
])
def test_what_is_no_purge_is_refused_with_the_field(admin, body, about):
    answer = admin.post(PURGES, json=body)
    assert answer.status_code == 400 and about in answer.text, answer.text
