"""Tags and manifests as DTR's clients read them: what an image says of itself, the platforms of an index each by itself, the
lines that made it with the sizes of their layers, pages of any length; and what a hostile configuration gets."""

import json

import pytest

from harness import oci
from harness.client import assert_error
from harness.people import People

BASE = "/api/v0/repositories"
MANIFEST = {"architecture", "author", "configDigest", "configMediaType", "createdAt", "digest", "dockerfile", "mediaType",
            "os", "size"}
TAG = {"author", "createdAt", "digest", "hashMismatch", "inNotary", "manifest", "name", "updatedAt"}


def push(registry, repo, tag, config, layers=(b"first", b"second"), docker=False):
    """An image with this configuration, bytes or an object."""
    config = config if isinstance(config, bytes) else json.dumps(config).encode()
    registry.push_blobs(repo, config, *layers)
    config_type, layer_type, media_type = ((oci.DOCKER_CONFIG, oci.DOCKER_LAYER, oci.DOCKER_MANIFEST) if docker
                                           else (oci.OCI_CONFIG, oci.OCI_LAYER_GZIP, oci.OCI_MANIFEST))
    document = oci.manifest(oci.descriptor(config, config_type), [oci.descriptor(x, layer_type) for x in layers], media_type)
    return registry.push_document(repo, tag, document, config, list(layers))


def platform(os, arch, **more):
    return {"os": os, "architecture": arch, "history": [
        {"created_by": "/bin/sh -c #(nop) ADD file:1 in / "},
        {"created_by": '/bin/sh -c #(nop)  ENV A="b"', "empty_layer": True},
        {"created_by": "RUN /bin/sh -c make # buildkit"}], **more}


def shown(registry, repo, reference, **query):
    answer = registry.get(f"{BASE}/{repo}/tags/{reference}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("docker", [False, True])
def test_an_image_says_what_it_is(admin, repo, docker):
    image = push(admin, repo, "v1", platform("windows", "amd64", **{"os.version": "10.0.1"}), docker=docker)
    [tag] = shown(admin, repo, "v1")
    assert set(tag) == TAG and tag["name"] == "v1" and tag["author"] == "admin" and tag["digest"] == image.digest
    assert tag["hashMismatch"] is False and tag["inNotary"] is False
    manifest = tag["manifest"]
    assert set(manifest) == MANIFEST | {"osVersion"}
    assert (manifest["os"], manifest["architecture"], manifest["osVersion"]) == ("windows", "amd64", "10.0.1")
    assert manifest["configDigest"] == oci.digest(image.config) and manifest["digest"] == image.digest
    assert manifest["size"] == len(image.data) + len(image.config) + sum(map(len, image.layers))
    first, env, run = manifest["dockerfile"]
    layer_type = oci.DOCKER_LAYER if docker else oci.OCI_LAYER_GZIP
    assert first == {"isEmpty": False, "layerDigest": oci.digest(b"first"), "line": "ADD file:1 in /", "size": 5,
                     "mediaType": layer_type}
    assert env == {"isEmpty": True, "layerDigest": "", "line": 'ENV A="b"', "size": 0}
    assert run["line"] == "RUN make" and run["layerDigest"] == oci.digest(b"second") and run["size"] == 6


def test_platforms_of_an_index(admin, repo):
    images = [push(admin, repo, None, platform(os, arch)) for os, arch in (("linux", "amd64"), ("linux", "arm64"),
                                                                          ("windows", "amd64"))]
    bare = push(admin, repo, None, {})
    children = [oci.descriptor(image.data, image.media_type) for image in images]
    told = oci.descriptor(bare.data, bare.media_type) | {"platform": {"os": "freebsd", "architecture": "riscv64"}}
    index = admin.push_document(repo, "multi", oci.index(children + [told]), None, [])
    tags = shown(admin, repo, "multi")
    assert [tag["manifest"]["digest"] for tag in tags] == [image.digest for image in images + [bare]]
    assert {(tag["name"], tag["digest"]) for tag in tags} == {("multi", index.digest)}
    assert (tags[3]["manifest"]["os"], tags[3]["manifest"]["architecture"]) == ("freebsd", "riscv64")

    assert len(shown(admin, repo, "multi", os="linux")) == 2
    assert len(shown(admin, repo, "multi", arch="amd64")) == 2
    [one] = shown(admin, repo, "multi", os="windows", arch="amd64")
    assert one["manifest"]["digest"] == images[2].digest
    assert shown(admin, repo, "multi", os="plan9") == []
    assert len(shown(admin, repo, index.digest)) == 4
    assert_error(admin.get(f"{BASE}/{repo}/tags/{images[0].digest}"), 404, "NO_SUCH_REF")
    assert_error(admin.get(f"{BASE}/{repo}/tags/none"), 404, "NO_SUCH_REF")

    [listed] = admin.get(f"{BASE}/{repo}/tags").json()
    assert listed["manifest"]["digest"] == index.digest and listed["manifest"]["mediaType"] == oci.OCI_INDEX
    assert listed["manifest"]["size"] > sum(len(image.data) for image in images)


def test_lists_and_their_pages(admin, repo):
    images = {f"v{i}": push(admin, repo, f"v{i}", platform("linux", "amd64") | {"n": i}) for i in range(5)}
    plain = admin.get(f"{BASE}/{repo}/tags").json()
    assert [tag["name"] for tag in plain] == list(images)
    assert all(set(tag) == TAG and set(tag["manifest"]) == MANIFEST - {"dockerfile"} for tag in plain)
    full = admin.get(f"{BASE}/{repo}/tags?includeManifests=true").json()
    assert all(len(tag["manifest"]["dockerfile"]) == 3 for tag in full)

    for path, name in (("tags", lambda tag: tag["name"]), ("manifests", lambda manifest: manifest["digest"])):
        found, start = [], None
        while start != "":
            answer = admin.get(f"{BASE}/{repo}/{path}", params={"pageSize": 2, "count": "1"} | ({"pageStart": start} if start
                                                                                              else {}))
            assert answer.status_code == 200 and answer.headers["X-Resource-Count"] == "5"
            found += [name(row) for row in answer.json()]
            start = answer.headers.get("X-Next-Page-Start", "")
        assert found == (list(images) if path == "tags" else sorted(image.digest for image in images.values()))
    assert set(admin.get(f"{BASE}/{repo}/manifests").json()[0]) == MANIFEST


def test_times_of_a_tag(admin, repo):
    """It was made once and moved since; the manifest has its own time."""
    push(admin, repo, "v1", {"n": 1})
    [before] = shown(admin, repo, "v1")
    push(admin, repo, "v1", {"n": 2})
    [after] = shown(admin, repo, "v1")
    assert after["createdAt"] == before["createdAt"] and after["updatedAt"] > before["updatedAt"]
    assert after["manifest"]["createdAt"] > before["manifest"]["createdAt"]
    assert before["createdAt"] == before["updatedAt"] >= before["manifest"]["createdAt"]


@pytest.mark.parametrize("config", [
    b"", b"no JSON", b"[]", b'{"os":7}', b'{"os":"linux","OS":"windows"}', b'{"os":"linux","os":"windows"}',
    b'{"os":"' + b"x" * 200 + b'"}', b'{"history":[' + b",".join([b"{}"] * 1001) + b"]}", b"{" + b" " * (1 << 20) + b"}",
    b'{"history":' + b"[" * 100 + b"]" * 100 + b"}"], ids=range(10))
def test_a_hostile_configuration_says_nothing(admin, repo, config):
    """It is stored and served as any other blob, and its layers stand for themselves."""
    image = push(admin, repo, "v1", config, layers=[b"only"])
    assert admin.pull_blob(repo, oci.digest(config)).content == config
    [tag] = shown(admin, repo, "v1")
    assert set(tag["manifest"]) == MANIFEST - {"os", "architecture"}
    assert tag["manifest"]["configDigest"] == oci.digest(image.config)
    [line] = tag["manifest"]["dockerfile"]
    assert line["line"] == "" and line["layerDigest"] == oci.digest(b"only")


def test_labels_in_two_cases_are_no_attack(admin, repo):
    push(admin, repo, "v1", {"os": "linux", "config": {"Labels": {"Vendor": "a", "vendor": "b"}}})
    assert shown(admin, repo, "v1")[0]["manifest"]["os"] == "linux"


def test_artifacts_have_no_platform(admin, repo):
    admin.push_artifact(repo, "application/spdx+json", tag="sbom")
    [tag] = shown(admin, repo, "sbom")
    assert set(tag["manifest"]) == MANIFEST - {"os", "architecture"}
    assert tag["manifest"]["configMediaType"] == oci.OCI_EMPTY


def test_manifests_are_deleted(admin, repo):
    image = push(admin, repo, "v1", {"n": 1})
    other = push(admin, repo, "v2", {"n": 2})
    reader = People(admin).user()
    assert_error(reader.delete(f"{BASE}/{repo}/manifests/{image.digest}"), 404)
    assert_error(admin.delete(f"{BASE}/{repo}/manifests/v1"), 400, "INVALID_DIGEST")
    assert admin.delete(f"{BASE}/{repo}/manifests/{image.digest}").status_code == 204
    assert_error(admin.delete(f"{BASE}/{repo}/manifests/{image.digest}"), 404, "NO_SUCH_REF")
    assert [row["digest"] for row in admin.get(f"{BASE}/{repo}/manifests").json()] == [other.digest]
    assert admin.tags(repo) == ["v2"]


def test_what_came_before_is_looked_into_when_it_is_shown(admin, repo, server, cluster, engine):
    """A database of the release before has no row that tells of an image."""
    push(admin, repo, "v1", platform("linux", "s390x"))
    forget = "DELETE FROM image_facts"
    if engine == "sqlite":
        import sqlite3
        with sqlite3.connect(server.data / "assay.db", timeout=30) as database:
            database.execute(forget)
    else:
        cluster.sql(forget, server.database[1].split("?")[0].rsplit("/", 1)[1])
    [listed] = admin.get(f"{BASE}/{repo}/tags").json()
    assert listed["manifest"]["architecture"] == "s390x"
    assert shown(admin, repo, "v1")[0]["manifest"]["dockerfile"][2]["line"] == "RUN make"
