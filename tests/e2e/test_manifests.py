"""Manifests: put, got, tagged and deleted by tag and by digest, and kept as the bytes that came."""

import hashlib

import pytest

from harness import oci
from harness.client import as_descriptor, assert_error, header_values


@pytest.mark.parametrize("by", ["v1", "digest"])
def test_put_answers_with_location_and_digest(admin, repo, image, by):
    reference = image.digest if by == "digest" else by
    answer = admin.put_manifest(repo, reference, image.data)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repo}/manifests/{image.digest}"
    assert answer.headers["Docker-Content-Digest"] == image.digest
    assert "OCI-Subject" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("by", ["v1", "digest"])
def test_get_and_head(admin, repo, image, by, method):
    """Tag or digest, GET or HEAD: the same headers; GET also has the bytes as they were received."""
    answer = admin.request(method, f"/v2/{repo}/manifests/{image.digest if by == 'digest' else by}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == image.media_type
    assert answer.headers["Content-Length"] == str(len(image.data))
    assert answer.headers["Docker-Content-Digest"] == image.digest
    assert answer.content == (image.data if method == "GET" else b"")


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", oci.DOCKER_MANIFEST, oci.OCI_INDEX, "text/html",
                                    oci.DOCKER_SCHEMA1, ", ".join(["a/b"] * 50)])
def test_accept_never_changes_what_is_served(admin, repo, image, accept):
    """No conversion: a digest names bytes. Old and careless clients send no Accept, or the wrong one."""
    answer = admin.pull_manifest(repo, "v1", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.content == image.data
    assert answer.headers["Content-Type"] == image.media_type


def test_if_none_match(admin, repo, image):
    tag = admin.pull_manifest(repo, "v1").headers["ETag"]
    for reference in ("v1", image.digest):
        answer = admin.get(f"/v2/{repo}/manifests/{reference}", headers={"If-None-Match": tag})
        assert answer.status_code == 304 and not answer.content
    admin.push_image(repo, "v1")
    assert admin.get(f"/v2/{repo}/manifests/v1", headers={"If-None-Match": tag}).status_code == 200


def test_odd_formatting_is_kept(admin, repo, image):
    """White space, key order and escapes survive: the digest is over the bytes, not the meaning."""
    data = b"\n\t " + image.data.replace(b'"schemaVersion": 2', b'"schemaVersion"\t:\r\n2') + b"\n\n"
    assert admin.push_manifest(repo, "odd", data, image.media_type) == oci.digest(data)
    assert admin.pull_manifest(repo, "odd").content == data


def test_unknown_fields_are_kept(admin, repo, image):
    document = image.document | {"org.example.custom": {"deep": [1, 2.5, None, True, "ü\u2028"]}}
    document["config"] = document["config"] | {"x-unknown": "kept"}
    data = oci.encode(document)
    admin.push_manifest(repo, "custom", data)
    assert admin.pull_manifest(repo, "custom").content == data


def test_the_same_manifest_again_is_no_error(admin, repo, image):
    assert admin.push_manifest(repo, "v1", image.data) == image.digest
    assert admin.push_manifest(repo, "v2", image.data) == image.digest
    assert admin.tags(repo) == ["v1", "v2"]


def test_a_tag_moves_and_the_old_manifest_stays(admin, repo, image):
    newer = admin.push_image(repo, "v1")
    assert admin.pull_manifest(repo, "v1").content == newer.data
    assert admin.pull_manifest(repo, image.digest).content == image.data


def test_a_manifest_without_a_tag(admin, repo):
    image = admin.push_image(repo)
    assert admin.pull_manifest(repo, image.digest).content == image.data
    assert admin.tags(repo) == []


def test_put_by_a_digest_that_is_not_the_bodys(admin, repo, image):
    wrong = oci.missing_digest()
    assert_error(admin.put_manifest(repo, wrong, image.data), 400, "DIGEST_INVALID", detail=wrong)
    assert_error(admin.pull_manifest(repo, wrong), 404, "MANIFEST_UNKNOWN")


def test_sha512_manifests(admin, repo, image):
    """A manifest pushed by its sha512 digest answers to it, by tag too, and with it as its digest."""
    digest = oci.digest(image.data, "sha512")
    answer = admin.put_manifest(repo, digest, image.data, params={"tag": "strong"})
    assert answer.status_code == 201
    assert answer.headers["Docker-Content-Digest"] == digest
    for reference in (digest, "strong"):
        answer = admin.pull_manifest(repo, reference)
        assert answer.content == image.data
        assert answer.headers["Docker-Content-Digest"] == digest
        assert hashlib.sha512(answer.content).hexdigest() == digest.split(":")[1]


def test_sha512_descriptors(admin, repo):
    """Config and layers may be named by sha512 digests, and an index may name such a manifest."""
    config, layer = oci.EMPTY_JSON, oci.random_blob()
    for data in (config, layer):
        admin.push_blob(repo, data, "sha512")
    data = oci.encode(oci.manifest(oci.descriptor(config, oci.OCI_CONFIG, "sha512"),
                                   [oci.descriptor(layer, oci.OCI_LAYER, "sha512")]))
    digest = oci.digest(data, "sha512")
    assert admin.push_manifest(repo, digest, data) == digest
    child = oci.descriptor(data, oci.OCI_MANIFEST, "sha512")
    admin.push_manifest(repo, "multi", oci.index([child]))
    assert admin.pull_manifest(repo, digest).content == data


# The tag parameter.

@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_put_by_digest_with_tags(admin, repo, image, algorithm):
    """`?tag=` may come several times; each tag is set and named by an OCI-Tag header."""
    digest = oci.digest(image.data, algorithm)
    answer = admin.put_manifest(repo, digest, image.data, params=[("tag", "one"), ("tag", "two"), ("tag", "three")])
    assert answer.status_code == 201
    assert sorted(header_values(answer, "OCI-Tag")) == ["one", "three", "two"]
    for tag in ("one", "two", "three"):
        assert admin.head(f"/v2/{repo}/manifests/{tag}").headers["Docker-Content-Digest"] == digest


def test_tags_of_the_parameter_move(admin, repo, image):
    newer = admin.push_image(repo, "other")
    assert admin.put_manifest(repo, newer.digest, newer.data, params={"tag": "v1"}).status_code == 201
    assert admin.pull_manifest(repo, "v1").content == newer.data


@pytest.mark.parametrize("bad", ["../x", ".dot", "-dash", "a/b", "x" * 129, "", "ü", "a b", "a:b"])
def test_one_bad_tag_refuses_the_whole_request(admin, repo, image, bad):
    newer = oci.encode(image.document | {"annotations": {"new": "yes"}})
    answer = admin.put_manifest(repo, oci.digest(newer), newer, params=[("tag", "good"), ("tag", bad)])
    assert_error(answer, 400, "TAG_INVALID", "MANIFEST_INVALID", "NAME_INVALID")
    assert admin.tags(repo) == ["v1"]
    assert_error(admin.pull_manifest(repo, oci.digest(newer)), 404, "MANIFEST_UNKNOWN")


def test_a_tag_given_twice_is_one_tag(admin, repo, image):
    answer = admin.put_manifest(repo, image.digest, image.data, params=[("tag", "one"), ("tag", "one")])
    assert answer.status_code in (201, 400)
    assert admin.tags(repo) in (["one", "v1"], ["v1"])


# Deleting.

def test_delete_by_tag_leaves_the_manifest(admin, repo, image):
    admin.push_manifest(repo, "v2", image.data)
    assert admin.delete(f"/v2/{repo}/manifests/v1").status_code == 202
    assert_error(admin.pull_manifest(repo, "v1"), 404, "MANIFEST_UNKNOWN", detail="v1")
    for reference in ("v2", image.digest):
        assert admin.pull_manifest(repo, reference).content == image.data
    assert_error(admin.delete(f"/v2/{repo}/manifests/v1"), 404, "MANIFEST_UNKNOWN")


def test_delete_by_digest_takes_all_its_tags(admin, repo, image):
    admin.push_manifest(repo, "v2", image.data)
    other = admin.push_image(repo, "other")
    assert admin.delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202
    for reference in ("v1", "v2", image.digest):
        assert_error(admin.pull_manifest(repo, reference), 404, "MANIFEST_UNKNOWN", detail=reference)
        assert_error(admin.head(f"/v2/{repo}/manifests/{reference}"), 404)
    assert admin.tags(repo) == ["other"]
    assert admin.pull_manifest(repo, "other").content == other.data
    assert_error(admin.delete(f"/v2/{repo}/manifests/{image.digest}"), 404, "MANIFEST_UNKNOWN")


def test_a_deleted_manifest_can_be_pushed_again(admin, repo, image):
    """At once, without pushing its blobs again: the pin of the first push still holds them."""
    assert admin.delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202
    assert admin.push_manifest(repo, "v1", image.data) == image.digest
    assert admin.pull_manifest(repo, "v1").content == image.data
    for descriptor, data in zip(image.document["layers"], image.layers):
        assert admin.pull_blob(repo, descriptor["digest"]).content == data


def test_deleting_an_index_leaves_its_children(admin, repo):
    children = [admin.push_image(repo), admin.push_image(repo)]
    index = admin.push_index(repo, children, "multi")
    assert admin.delete(f"/v2/{repo}/manifests/{index.digest}").status_code == 202
    for child in children:
        assert admin.pull_manifest(repo, child.digest).content == child.data


def test_deleting_a_child_of_an_index_never_leaves_a_hole(admin, repo):
    """Refused while the index lives; if a server allowed it, the index would have to go too."""
    child = admin.push_image(repo)
    index = admin.push_index(repo, [child], "multi")
    answer = admin.delete(f"/v2/{repo}/manifests/{child.digest}")
    assert answer.status_code == 409
    assert admin.pull_manifest(repo, child.digest).status_code == 200
    assert admin.pull_manifest(repo, index.digest).status_code == 200


def test_the_last_tag_may_go_and_the_repository_stays(admin, repo, image):
    assert admin.delete(f"/v2/{repo}/manifests/v1").status_code == 202
    assert admin.tags(repo) == []


# What is not there.

@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("reference", ["nope", "sha256:" + "0" * 64, "sha512:" + "0" * 128])
def test_an_unknown_manifest(admin, repo, image, method, reference):
    assert_error(admin.request(method, f"/v2/{repo}/manifests/{reference}"), 404, "MANIFEST_UNKNOWN",
                 detail=reference)


@pytest.mark.parametrize("reference", [
    ".x", "-x", "x" * 129, "sha256:abc", "sha256:" + "G" * 64, "sha256:" + "A" * 64, "md5:" + "0" * 32, "a:b",
    "a%00b", "%C3%BC", "a%20b", "a%2Fb", "a@b", "a+b", "a;b",
])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_malformed_reference(admin, repo, image, method, reference):
    answer = admin.request(method, f"/v2/{repo}/manifests/{reference}", data=image.data if method == "PUT" else None,
                           headers={"Content-Type": image.media_type})
    assert_error(answer, (400, 404), "TAG_INVALID", "MANIFEST_INVALID", "DIGEST_INVALID", "MANIFEST_UNKNOWN",
                 "NAME_INVALID", "UNSUPPORTED")
    assert admin.tags(repo) == ["v1"]


@pytest.mark.parametrize("tag", ["a", "_", "A", "0", "_x", "x" * 128, "a.b-c_d", "v1.2.3-rc.1", "latest", "list",
                                 "sha256-" + "0" * 64 + ".sig", "sha256-zz.sig", "sha256-.att", "sha256", "uploads"])
def test_every_legal_tag_works(admin, repo, image, tag):
    admin.push_manifest(repo, tag, image.data)
    assert admin.pull_manifest(repo, tag).content == image.data
    assert tag in admin.tags(repo)
    assert admin.delete(f"/v2/{repo}/manifests/{tag}").status_code == 202


def test_post_and_patch_are_405(admin, repo, image):
    for method in ("POST", "PATCH"):
        assert_error(admin.request(method, f"/v2/{repo}/manifests/v1"), (404, 405), "UNSUPPORTED")


def test_private_manifests_are_not_for_shared_caches(admin, repo, image):
    answer = admin.pull_manifest(repo, "v1")
    cache = answer.headers.get("Cache-Control", "")
    assert ("private" in cache or "no-store" in cache) and "public" not in cache
    assert "authorization" in answer.headers.get("Vary", "").lower()


# Kinds of content.

def nested_index(admin, repo):
    children = [admin.push_index(repo, [admin.push_image(repo)]), admin.push_index(repo, [admin.push_image(repo)])]
    return admin.push_index(repo, children)


def docker_list(admin, repo):
    child = admin.push_image(repo, docker=True)
    return admin.push_document(repo, None, oci.index(
        [as_descriptor(child, platform={"architecture": "amd64", "os": "linux"})], oci.DOCKER_LIST), None, [])


def empty_layers(admin, repo):
    return admin.push_image(repo, layers=0)


def foreign_layer(layer_type, config_type, media_type):
    """A layer that lies elsewhere: its blob was never pushed and must not be asked for."""
    def push(admin, repo):
        config, layer = b'{"os":"linux"}', oci.random_blob()
        admin.push_blob(repo, config)
        return admin.push_document(repo, None, oci.manifest(
            oci.descriptor(config, config_type),
            [oci.descriptor(layer, layer_type, urls=["https://layers.example/" + oci.digest(layer)])],
            media_type), config, [])
    return push


def data_field(admin, repo):
    config, layer = b'{"os":"linux"}', b"small"
    admin.push_blobs(repo, config, layer)
    return admin.push_document(repo, None, oci.manifest(
        oci.descriptor(config, oci.OCI_CONFIG, data="eyJvcyI6ImxpbnV4In0="),
        [oci.descriptor(layer, oci.OCI_LAYER, data="c21hbGw=")]), config, [layer])


def empty_blob(admin, repo):
    admin.push_blob(repo, b"")
    return admin.push_document(repo, None, oci.manifest(
        oci.descriptor(b"", oci.OCI_CONFIG), [oci.descriptor(b"", oci.OCI_LAYER)]), b"", [b""])


def same_layer_twice(admin, repo):
    config, layer = b"{}", oci.random_blob()
    admin.push_blobs(repo, config, layer)
    return admin.push_document(repo, None, oci.manifest(
        oci.descriptor(config, oci.OCI_CONFIG), [oci.descriptor(layer, oci.OCI_LAYER)] * 3), config, [layer])


KINDS = {
    "oci-image": lambda admin, repo: admin.push_image(repo, layers=3),
    "docker-image": lambda admin, repo: admin.push_image(repo, layers=3, docker=True),
    "oci-index": lambda admin, repo: admin.push_index(repo, [admin.push_image(repo), admin.push_image(repo)]),
    "docker-list": docker_list,
    "index-of-indexes": nested_index,
    "empty-index": lambda admin, repo: admin.push_index(repo, []),
    "index-with-artifact-type": lambda admin, repo: admin.push_index(
        repo, [admin.push_image(repo)], artifactType="application/vnd.example.set"),
    "index-over-docker-image": lambda admin, repo: admin.push_index(repo, [admin.push_image(repo, docker=True)]),
    "artifact": lambda admin, repo: admin.push_artifact(repo, "application/vnd.example.thing.v1+json"),
    "artifact-of-empty-layer": lambda admin, repo: admin.push_artifact(repo, "application/x", payload=oci.EMPTY_JSON),
    "artifact-by-config-type": lambda admin, repo: admin.push_image(repo),
    "no-layers": empty_layers,
    "empty-blob": empty_blob,
    "data-field": data_field,
    "same-layer-twice": same_layer_twice,
    "oci-foreign-layer": foreign_layer(oci.OCI_LAYER_FOREIGN, oci.OCI_CONFIG, oci.OCI_MANIFEST),
    "docker-foreign-layer": foreign_layer(oci.DOCKER_LAYER_FOREIGN, oci.DOCKER_CONFIG, oci.DOCKER_MANIFEST),
    "annotations": lambda admin, repo: admin.push_image(repo, annotations={"org.example.a": "b", "ü": ""}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_content_is_stored_and_served(admin, repo, kind):
    image = KINDS[kind](admin, repo)
    admin.push_manifest(repo, "tagged", image.data, image.media_type)
    for reference in (image.digest, "tagged"):
        answer = admin.pull_manifest(repo, reference)
        assert answer.status_code == 200
        assert answer.content == image.data
        assert answer.headers["Content-Type"] == image.media_type
    assert admin.delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202


def test_a_manifest_without_media_type_inside(admin, repo):
    """OCI 1.0 manifests carry their media type in the Content-Type only."""
    admin.push_blob(repo, oci.EMPTY_JSON)
    document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG), [])
    del document["mediaType"]
    admin.push_manifest(repo, "v1", oci.encode(document), oci.OCI_MANIFEST)
    assert admin.pull_manifest(repo, "v1").headers["Content-Type"] == oci.OCI_MANIFEST


def test_a_big_manifest_of_many_annotations(admin, repo, image):
    """Just under the limit, as the standard's own tests push it."""
    document = image.document | {"annotations": {f"large-{i}": "A" * 10_000 for i in range(390)}}
    data = oci.encode(document)
    admin.push_manifest(repo, "large", data)
    assert admin.pull_manifest(repo, "large").content == data
