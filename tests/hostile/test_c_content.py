"""Group C: content, digests and types that can be read in two ways. What is refused leaves nothing behind."""

import json
import socket
import threading

import pytest

from harness import oci
from harness.client import Registry, as_descriptor, assert_error
from harness.server import ADMIN_PASSWORD


@pytest.fixture(scope="module")
def held(server):
    """A repository with one image, for refusals."""
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    return registry, "admin/content", registry.push_image("admin/content", "v1")


def refused(held, no_effect, data, media_type=oci.OCI_MANIFEST, reference="bad", codes=("MANIFEST_INVALID",), status=400):
    registry, repo, _ = held
    data = data if isinstance(data, bytes) else oci.encode(data)
    with no_effect():
        answer = registry.put(f"/v2/{repo}/manifests/{reference}", data=data,
                              headers={"Content-Type": media_type} if media_type else {})
        assert_error(answer, status, *codes)


C_01 = {
    "layers-and-manifests": lambda d: (d | {"manifests": []}, oci.OCI_MANIFEST),
    "index-with-layers": lambda d: ({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [], "layers": []},
                                    oci.OCI_INDEX),
    "index-with-config": lambda d: ({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [],
                                     "config": d["config"]}, oci.OCI_INDEX),
    "types-differ": lambda d: (d | {"annotations": {"c": "01"}}, oci.DOCKER_MANIFEST),
    "types-differ-by-case": lambda d: (d | {"mediaType": oci.OCI_MANIFEST.upper()}, oci.OCI_MANIFEST),
    "no-layers": lambda d: ({k: v for k, v in d.items() if k != "layers"}, oci.OCI_MANIFEST),
    "no-config": lambda d: ({k: v for k, v in d.items() if k != "config"}, oci.OCI_MANIFEST),
    "no-type-at-all": lambda d: ({k: v for k, v in d.items() if k != "mediaType"}, None),
    "manifest-as-index": lambda d: (d | {"mediaType": oci.OCI_INDEX}, oci.OCI_INDEX),
}


@pytest.mark.parametrize("name", C_01)
def test_C_01_two_kinds_at_once(held, no_effect, name):
    refused(held, no_effect, *C_01[name](held[2].document))


C_02 = {
    "duplicate": ',"layers":[]}', "case": ',"Layers":[]}', "case-of-type": ',"MEDIATYPE":"x"}',
    "by-escape": r',"\u006cayers":[]}', "case-by-escape": r',"\u004cayers":[]}', "second-document": "}{}",
    "trailing": "} x", "comment": "/**/}", "nul": '}\0', "surrogate": r',"x":"\ud800"}', "duplicate-deep":
    ',"annotations":{"a":"1","A":"2","a":"3"}}', "unicode-fold": ',"\u017fubject":null,"subject":1}',
}


@pytest.mark.parametrize("name", C_02)
def test_C_02_two_meanings(held, no_effect, name):
    text = json.dumps(held[2].document)
    refused(held, no_effect, (text[:-1] + C_02[name]).encode())


@pytest.mark.parametrize("junk", [b"\xef\xbb\xbf", b"\xff\xfe", b"\x00"], ids=repr)
def test_C_02_bytes_before_the_document(held, no_effect, junk):
    refused(held, no_effect, junk + json.dumps(held[2].document).encode())


@pytest.mark.parametrize("junk", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"], ids=repr)
def test_C_02_invalid_utf8(held, no_effect, junk):
    refused(held, no_effect, json.dumps(held[2].document).encode()[:-1] + b',"x":"' + junk + b'"}')


@pytest.mark.parametrize("media_type", [oci.DOCKER_SCHEMA1, oci.DOCKER_SCHEMA1_SIGNED, "application/json"])
def test_C_03_schema_1(held, no_effect, media_type):
    refused(held, no_effect, {"schemaVersion": 1, "name": "x", "tag": "y", "fsLayers": [], "history": []}, media_type)


def test_C_04_manifest_under_another_digest(held, no_effect):
    _, _, image = held
    refused(held, no_effect, image.data + b" ", reference=image.digest, codes=("DIGEST_INVALID",))
    refused(held, no_effect, image.data, reference=oci.missing_digest(), codes=("DIGEST_INVALID",))
    refused(held, no_effect, image.data, reference=oci.missing_digest("sha512"), codes=("DIGEST_INVALID",))


@pytest.mark.parametrize("case", ["wrong", "truncated", "two-digests", "other-algorithm"])
def test_C_04_upload_under_another_digest(held, case):
    registry, repo, _ = held
    data = oci.random_blob(5000)
    good = oci.digest(data)
    query, body = {
        "wrong": (f"digest={oci.missing_digest()}", data), "truncated": (f"digest={good}", data[:-1]),
        "two-digests": (f"digest={good}&digest={oci.missing_digest()}", data),
        "other-algorithm": (f"digest=sha512:{good[7:]}", data),
    }[case]
    answer = registry.put(registry.start_upload(repo) + "?" + query, data=body)
    assert_error(answer, 400, "DIGEST_INVALID")
    assert_error(registry.pull_blob(repo, good), 404, "BLOB_UNKNOWN")


SIZES = {"other": 1, "negative": -1, "2^63": 2**63, "exponent": 1e3, "text": "12", "missing": None, "2^64": 2**64,
         "true": True, "2^63-1": 2**63 - 1}


@pytest.mark.parametrize("where", ["config", "layers", "manifests", "subject"])
@pytest.mark.parametrize("name", SIZES)
def test_C_06_sizes(held, no_effect, name, where):
    image = held[2]
    part = {"mediaType": oci.OCI_MANIFEST, "digest": image.digest, "size": SIZES[name]}
    if SIZES[name] is None:
        del part["size"]
    if where == "manifests":
        document, media_type = oci.index([part]), oci.OCI_INDEX
    elif where == "subject":
        document, media_type = image.document | {"subject": part}, oci.OCI_MANIFEST
        if name in ("other", "2^63-1"):
            pytest.skip("a subject need not be there, so its size is the pusher's word")
    else:
        part |= {"digest": image.document["config"]["digest"], "mediaType": oci.OCI_CONFIG}
        document = json.loads(json.dumps(image.document))
        document[where] = part if where == "config" else [part]
        media_type = oci.OCI_MANIFEST
    refused(held, no_effect, document, media_type, codes=("SIZE_INVALID", "MANIFEST_INVALID"))


def test_C_06_a_sum_that_overflows(held, no_effect):
    layer = held[2].document["layers"][0] | {"size": 2**62}
    refused(held, no_effect, held[2].document | {"layers": [layer] * 4}, codes=("SIZE_INVALID", "MANIFEST_INVALID"))


def test_C_08_urls_are_never_fetched(held):
    """A layer that lies elsewhere: accepted, and nobody connects to where it says."""
    registry, repo, image = held
    with socket.create_server(("127.0.0.1", 0)) as listener:
        calls = []
        listener.settimeout(0.2)
        stopping = threading.Event()

        def listen():
            while not stopping.is_set():
                try:
                    calls.append(listener.accept())
                except TimeoutError:
                    pass

        thread = threading.Thread(target=listen)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/layer"
        foreign = {"mediaType": oci.OCI_LAYER_FOREIGN, "digest": oci.missing_digest(), "size": 10, "urls": [url]}
        pushed = registry.put_manifest(repo, "foreign", image.document | {"layers": [foreign]})
        pulled = registry.pull_manifest(repo, "foreign")
        blob = registry.pull_blob(repo, foreign["digest"])
        stopping.set()
        thread.join()
    assert (pushed.status_code, pulled.status_code, blob.status_code) == (201, 200, 404) and calls == []


@pytest.mark.parametrize("data", ["e30=", "bm90", "****", "e30", ""])
def test_C_08_data_that_is_not_what_its_digest_says(held, no_effect, data):
    _, _, image = held
    config = image.document["config"] | {"data": data}
    refused(held, no_effect, image.document | {"config": config})


def nest(registry, repo, image, depth):
    """Indexes in indexes; the answer to the last PUT."""
    inner = image
    for level in range(depth):
        document = oci.index([as_descriptor(inner)], annotations={"level": str(level)})
        data = oci.encode(document)
        answer = registry.put_manifest(repo, oci.digest(data), data, oci.OCI_INDEX)
        inner = image._replace(digest=oci.digest(data), data=data, media_type=oci.OCI_INDEX)
    return answer


def test_C_09_depth(held):
    registry, repo, image = held
    assert nest(registry, repo, image, 8).status_code == 201
    assert_error(nest(registry, repo, image._replace(), 9), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize("count, status", [(1000, 201), (1001, 400), (10_001, 400)])
def test_C_09_children(held, count, status):
    registry, repo, image = held
    answer = registry.put_manifest(repo, f"children{count}", oci.index([as_descriptor(image)] * count))
    assert answer.status_code == status, answer.text[:200]


@pytest.mark.parametrize("count, status", [(500, 201), (501, 400)])
def test_C_09_layers(held, count, status):
    registry, repo, image = held
    layers = [image.document["layers"][0]] * count
    answer = registry.put_manifest(repo, f"layers{count}", image.document | {"layers": layers})
    assert answer.status_code == status, answer.text[:200]


def test_C_09_subjects_in_a_circle(held):
    """Two manifests in two repositories that refer to each other's guessed digest: lists stay one deep."""
    registry, repo, image = held
    first = registry.push_artifact(repo, "a/b", subject=image)
    second = registry.push_artifact(repo, "a/b", subject=first)
    other = "admin/content-other"
    registry.push_artifact(other, "a/b", subject=second)
    assert [one["digest"] for one in registry.referrers(repo, first.digest)] == [second.digest]
    assert len(registry.referrers(other, second.digest)) == 1


@pytest.mark.parametrize("part", ["config", "layers", "manifests"])
def test_C_10_missing_parts(held, no_effect, part):
    image = held[2]
    missing = {"mediaType": oci.OCI_LAYER, "digest": oci.missing_digest(), "size": 5}
    if part == "manifests":
        document = oci.index([missing | {"mediaType": oci.OCI_MANIFEST}])
    else:
        document = image.document | {part: missing if part == "config" else [missing]}
    refused(held, no_effect, document, document["mediaType"], codes=("MANIFEST_BLOB_UNKNOWN",))


def test_C_10_a_missing_subject_is_allowed(held):
    registry, repo, image = held
    subject = {"mediaType": oci.OCI_MANIFEST, "digest": oci.missing_digest(), "size": 5}
    answer = registry.put_manifest(repo, "lonely", image.document | {"subject": subject})
    assert answer.status_code == 201 and answer.headers["OCI-Subject"] == subject["digest"]


@pytest.mark.parametrize("tag, status", [
    ("sha256-" + "a" * 64 + ".sig", 201), ("sha256-zz.sig", 201), ("sha256-.att", 201), ("x" * 128, 201), ("x" * 129, 400),
    ("%C3%A9", 400), ("sha256-" + "a" * 64, 201), (".sig", 400), ("-x", 400), ("a%3Ab", 400)])
def test_C_12_tags_that_mean_something_to_others(held, tag, status):
    registry, repo, image = held
    answer = registry.put_manifest(repo, tag, image.data)
    assert answer.status_code == status, answer.text
    if status == 201:
        assert registry.pull_manifest(repo, tag).content == image.data
