"""What a manifest must not be: every way to say two things at once, or to name what is not there, is refused."""

import base64
import json

import pytest

from harness import oci
from harness.client import as_descriptor, assert_error, nothing_changed


def put(admin, repo, data, media_type=oci.OCI_MANIFEST):
    return admin.put(f"/v2/{repo}/manifests/bad", data=data, headers={"Content-Type": media_type} if media_type else {})


def assert_refused(admin, repo, data, media_type=oci.OCI_MANIFEST, codes=("MANIFEST_INVALID",), detail=None):
    """400 with one of the codes, and neither tag nor manifest is there afterwards."""
    data = data if isinstance(data, bytes) else oci.encode(data)
    with nothing_changed(admin, repo):
        assert_error(put(admin, repo, data, media_type), 400, *codes, detail=detail)
    assert_error(admin.pull_manifest(repo, "bad"), 404)
    assert_error(admin.pull_manifest(repo, oci.digest(data)), 404)


# One document, one meaning.

def text_of(image):
    return json.dumps(image.document)


BROKEN_JSON = {
    "empty": lambda t: "",
    "null": lambda t: "null",
    "array": lambda t: "[]",
    "number": lambda t: "1",
    "string": lambda t: '"x"',
    "truncated": lambda t: t[:-1],
    "second-document": lambda t: t + "{}",
    "second-document-after-newline": lambda t: t + "\n" + t,
    "trailing-word": lambda t: t + " x",
    "comment": lambda t: t[:-1] + "/* c */}",
    "line-comment": lambda t: "// c\n" + t,
    "trailing-comma": lambda t: t[:-1] + ",}",
    "single-quotes": lambda t: t.replace('"', "'"),
    "nan": lambda t: t[:-1] + ',"x":NaN}',
    "byte-order-mark": lambda t: "\ufeff" + t,
    "nul-byte": lambda t: t + "\0",
    "nul-in-string": lambda t: t[:-1] + ',"x":"\0"}',
    "control-byte-in-string": lambda t: t[:-1] + ',"x":"\x01"}',
    "lone-high-surrogate": lambda t: t[:-1] + r',"x":"\ud800"}',
    "lone-low-surrogate": lambda t: t[:-1] + r',"x":"\udc00y"}',
    "duplicate-key": lambda t: t[:-1] + ',"layers":[]}',
    "duplicate-unknown-key": lambda t: t[:-1] + ',"x":1,"x":2}',
    "duplicate-nested-key": lambda t: t[:-1] + ',"annotations":{"a":"1","a":"2"}}',
    "duplicate-by-escape": lambda t: t[:-1] + r',"\u006cayers":[]}',
    "case-variant": lambda t: t[:-1] + ',"Layers":[]}',
    "case-variant-media-type": lambda t: t[:-1] + ',"MEDIATYPE":"x"}',
    "case-variant-alone": lambda t: t.replace('"layers"', '"Layers"'),
    "case-variant-in-descriptor": lambda t: t.replace('"digest"', '"Digest"', 1),
    "deep": lambda t: t[:-1] + ',"x":' + "[" * 70 + "]" * 70 + "}",
    "very-deep": lambda t: t[:-1] + ',"x":' + "[" * 1_000_000,
    "many-values": lambda t: t[:-1] + ',"x":[' + ",".join(["1"] * 20_001) + "]}",
    "long-number": lambda t: t[:-1] + ',"x":' + "1" * 1_000_000 + "}",
    "many-keys": lambda t: t[:-1] + "," + ",".join(f'"k{i}":1' for i in range(200_000)) + "}",
}


@pytest.mark.parametrize("name", BROKEN_JSON)
def test_json_with_a_second_meaning_is_refused(admin, repo, image, name):
    """What a client's parser could read otherwise than ours is no manifest."""
    text = BROKEN_JSON[name](text_of(image))
    assert_refused(admin, repo, text.encode())


@pytest.mark.parametrize("junk", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"])
def test_invalid_utf8_is_refused(admin, repo, image, junk):
    assert_refused(admin, repo, oci.encode(image.document)[:-1] + b',"x":"' + junk + b'"}')


def test_utf16_is_refused(admin, repo, image):
    assert_refused(admin, repo, text_of(image).encode("utf-16"))


# Types that agree.

def changed(**fields):
    def change(document):
        document = document | fields
        return {key: value for key, value in document.items() if value is not None}
    return change


WRONG_SHAPE = {
    "no-config": changed(config=None),
    "no-layers": changed(layers=None),
    "config-is-a-list": changed(config=[]),
    "layers-is-an-object": changed(layers={}),
    "layer-is-a-string": changed(layers=["x"]),
    "layer-is-null": changed(layers=[None]),
    "layers-and-manifests": changed(manifests=[]),
    "schema-version-1": changed(schemaVersion=1),
    "schema-version-3": changed(schemaVersion=3),
    "schema-version-text": changed(schemaVersion="2"),
    "schema-version-float": changed(schemaVersion=2.0),
    "no-schema-version": changed(schemaVersion=None),
    "media-type-of-an-index": changed(mediaType=oci.OCI_INDEX),
    "media-type-is-a-number": changed(mediaType=7),
    "media-type-empty": changed(mediaType=""),
    "subject-is-a-string": changed(subject="sha256:" + "0" * 64),
    "subject-without-digest": changed(subject={"mediaType": oci.OCI_MANIFEST, "size": 2}),
    "annotations-is-a-list": changed(annotations=["x"]),
    "annotation-is-a-number": changed(annotations={"x": 1}),
    "artifact-type-is-a-number": changed(artifactType=1),
}


@pytest.mark.parametrize("name", WRONG_SHAPE)
def test_a_manifest_of_the_wrong_shape_is_refused(admin, repo, image, name):
    assert_refused(admin, repo, WRONG_SHAPE[name](image.document), codes=("MANIFEST_INVALID", "DIGEST_INVALID"))


def test_an_index_with_layers_or_config_is_refused(admin, repo, image):
    for extra in ({"config": image.document["config"]}, {"layers": []}):
        assert_refused(admin, repo, oci.index([as_descriptor(image)], **extra), oci.OCI_INDEX)


def test_an_index_without_manifests_is_refused(admin, repo, image):
    assert_refused(admin, repo, {"schemaVersion": 2, "mediaType": oci.OCI_INDEX}, oci.OCI_INDEX)


@pytest.mark.parametrize("content_type", [oci.OCI_INDEX, oci.DOCKER_MANIFEST, oci.DOCKER_LIST, "application/json",
                                          "text/plain", "x", "application/octet-stream"])
def test_a_content_type_that_is_not_the_manifests_is_refused(admin, repo, image, content_type):
    assert_refused(admin, repo, image.document | {"annotations": {"not": "pushed before"}}, content_type)


def test_no_type_at_all_is_refused(admin, repo, image):
    document = {key: value for key, value in image.document.items() if key != "mediaType"}
    assert_refused(admin, repo, document, None)


@pytest.mark.parametrize("media_type", [oci.DOCKER_SCHEMA1, oci.DOCKER_SCHEMA1_SIGNED])
def test_schema_1_is_refused(admin, repo, image, media_type):
    """Never converted, never stored: its digest covers something else than its bytes."""
    document = {"schemaVersion": 1, "name": repo, "tag": "bad", "architecture": "amd64",
                "fsLayers": [{"blobSum": image.document["layers"][0]["digest"]}],
                "history": [{"v1Compatibility": "{}"}]}
    assert_refused(admin, repo, document, media_type, codes=("MANIFEST_INVALID", "UNSUPPORTED"))


# Descriptors.

BAD_SIZES = {
    "differs": lambda size: size + 1, "zero": lambda size: 0, "negative": lambda size: -1,
    "over-63-bits": lambda size: 2**63, "over-64-bits": lambda size: 2**64 + size, "text": str,
    "float": float, "exponent": lambda size: 1e3, "null": lambda size: None, "true": lambda size: True,
}


@pytest.mark.parametrize("where", ["config", "layers"])
@pytest.mark.parametrize("name", BAD_SIZES)
def test_a_size_that_is_not_the_blobs_is_refused(admin, repo, image, name, where):
    document = json.loads(text_of(image))
    descriptor = document["config"] if where == "config" else document["layers"][0]
    descriptor["size"] = BAD_SIZES[name](descriptor["size"])
    assert_refused(admin, repo, document, codes=("SIZE_INVALID", "MANIFEST_INVALID"))


@pytest.mark.parametrize("field", ["size", "digest", "mediaType"])
def test_a_descriptor_without_a_required_field_is_refused(admin, repo, image, field):
    for where in ("config", "layers"):
        document = json.loads(text_of(image))
        descriptor = document["config"] if where == "config" else document["layers"][0]
        del descriptor[field]
        assert_refused(admin, repo, document, codes=("MANIFEST_INVALID", "SIZE_INVALID", "DIGEST_INVALID"))


@pytest.mark.parametrize("digest", ["", "x", "sha256:", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "md5:" + "0" * 32,
                                    "sha256:" + "0" * 64 + "\n", 5, None, ["sha256:" + "0" * 64]])
def test_a_malformed_digest_in_a_descriptor_is_refused(admin, repo, image, digest):
    document = json.loads(text_of(image))
    document["layers"][0]["digest"] = digest
    assert_refused(admin, repo, document, codes=("MANIFEST_INVALID", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN"))


def test_sizes_that_overflow_a_sum_are_refused(admin, repo, image):
    """Foreign layers are not looked at, but their sizes are still added up."""
    layers = [oci.descriptor(b"x", oci.OCI_LAYER_FOREIGN) | {"size": 2**62, "digest": oci.missing_digest()}
              for _ in range(4)]
    assert_refused(admin, repo, image.document | {"layers": layers}, codes=("SIZE_INVALID", "MANIFEST_INVALID"))


@pytest.mark.parametrize("data", [base64.b64encode(b"other").decode(), "not base64!", "", 5,
                                  base64.b64encode(b"longer than the layer" * 10).decode()])
def test_a_data_field_that_is_not_the_content_is_refused(admin, repo, image, data):
    document = json.loads(text_of(image))
    document["config"]["data"] = data
    assert_refused(admin, repo, document, codes=("MANIFEST_INVALID", "DIGEST_INVALID", "SIZE_INVALID"))


# What must be there.

@pytest.mark.parametrize("where", ["config", "layers"])
def test_a_missing_blob_is_named(admin, repo, image, where):
    document = json.loads(text_of(image))
    missing = oci.descriptor(oci.random_blob(), oci.OCI_LAYER)
    if where == "config":
        document["config"] = missing
    else:
        document["layers"].append(missing)
    assert_refused(admin, repo, document, codes=("MANIFEST_BLOB_UNKNOWN",), detail=missing["digest"])


@pytest.mark.parametrize("media_type", [oci.OCI_INDEX, oci.DOCKER_LIST])
def test_a_missing_child_is_named(admin, repo, image, media_type):
    missing = oci.descriptor(oci.random_blob(), oci.OCI_MANIFEST, platform={"architecture": "arm64", "os": "linux"})
    assert_refused(admin, repo, oci.index([as_descriptor(image), missing], media_type), media_type,
                   codes=("MANIFEST_BLOB_UNKNOWN",), detail=missing["digest"])


def test_a_blob_of_another_repository_does_not_count(admin, repo, second_repo, image):
    """Knowing a digest is no right to its bytes: it must be pushed or mounted here first."""
    admin.push_blob(second_repo, b"makes it")
    missing = image.document["layers"][0]["digest"]
    for blob in (image.config, *image.layers[1:]):
        admin.push_blob(second_repo, blob)
    answer = admin.put_manifest(second_repo, "stolen", image.data)
    assert_error(answer, 400, "MANIFEST_BLOB_UNKNOWN", detail=missing)


def test_a_child_of_another_repository_does_not_count(admin, repo, second_repo, image):
    admin.push_blob(second_repo, b"makes it")
    answer = admin.put_manifest(second_repo, "stolen", oci.index([as_descriptor(image)]))
    assert_error(answer, 400, "MANIFEST_BLOB_UNKNOWN", detail=image.digest)


def test_a_child_whose_size_or_type_is_wrong_is_refused(admin, repo, image):
    for wrong in ({"size": len(image.data) + 1}, {"mediaType": oci.OCI_INDEX}):
        assert_refused(admin, repo, oci.index([as_descriptor(image) | wrong]), oci.OCI_INDEX,
                       codes=("MANIFEST_INVALID", "SIZE_INVALID"))


def test_a_deleted_blob_is_missing(admin, repo):
    image = admin.push_image(repo, "v1")
    layer = image.document["layers"][0]["digest"]
    assert admin.delete(f"/v2/{repo}/manifests/{image.digest}").status_code == 202
    assert admin.delete(f"/v2/{repo}/blobs/{layer}").status_code == 202
    assert_error(admin.put_manifest(repo, "v1", image.data), 400, "MANIFEST_BLOB_UNKNOWN", detail=layer)


# Sizes of structure: the limit passes, one more does not.

def many_layers(count):
    return [oci.descriptor(oci.EMPTY_JSON, oci.OCI_LAYER)] * count


def test_500_layers_pass_and_501_do_not(admin, repo, image):
    admin.push_blob(repo, oci.EMPTY_JSON)
    admin.push_manifest(repo, "wide", image.document | {"layers": many_layers(500)})
    assert_refused(admin, repo, image.document | {"layers": many_layers(501)})


def test_1000_children_pass_and_1001_do_not(admin, repo, image):
    admin.push_manifest(repo, "wide", oci.index([as_descriptor(image)] * 1000))
    assert_refused(admin, repo, oci.index([as_descriptor(image)] * 1001), oci.OCI_INDEX)


def test_8_levels_of_indexes_pass_and_9_do_not(admin, repo, image):
    """Counted in indexes above the image."""
    level = image
    for _ in range(8):
        level = admin.push_index(repo, [level])
    assert_refused(admin, repo, oci.index([as_descriptor(level)]), oci.OCI_INDEX)


def test_an_index_cannot_contain_itself(admin, repo, image):
    """A digest of itself cannot be guessed; naming any unknown digest is refused like a missing child."""
    own = {"mediaType": oci.OCI_INDEX, "digest": oci.missing_digest(), "size": 300}
    assert_refused(admin, repo, oci.index([own]), oci.OCI_INDEX, codes=("MANIFEST_BLOB_UNKNOWN",))
