"""Images made by others, where they are at hand: real archives and layouts go in and come back; broken ones do not."""

import gzip
import json

import pytest

from harness import oci
from harness.client import assert_error
from harness.images import SHARED, run
from harness.server import ADMIN_PASSWORD
from harness.tools import ContainersTool, need

need("skopeo")

if not SHARED.is_dir():
    pytest.skip(f"skipped: no images of others at {SHARED}", allow_module_level=True)

DOCKER_ARCHIVES = ["alpine-3.9.4.docker.tar.gz", "alpine-3.10.2.docker.tar.gz", "dive-test-docker-image.tar",
                   "dive-test-kaniko-image.tar", "image3_gz_layers.tar"]
OCI_ARCHIVES = ["dive-test-oci-gzip-image.tar", "dive-test-oci-zstd-image.tar", "dive-test-oci-estargz-image.tar",
                "dive-test-oci-uncompressed-image.tar"]


def push_archive(server, tmp, source, target):
    tool = ContainersTool("skopeo", tmp / "skopeo")
    tool("copy", "--all", "--dest-tls-verify=false", "--dest-creds", f"admin:{ADMIN_PASSWORD}", source,
         f"docker://{server.netloc()}/{target}")


def assert_whole(admin, repo, reference):
    """Every blob and child that a manifest names is there and hashes to its digest."""
    answer = admin.pull_manifest(repo, reference)
    assert answer.status_code == 200
    document = answer.json()
    for child in document.get("manifests", []):
        assert_whole(admin, repo, child["digest"])
    for descriptor in [document["config"], *document["layers"]] if "config" in document else []:
        blob = admin.pull_blob(repo, descriptor["digest"])
        assert blob.status_code == 200
        assert oci.digest(blob.content) == descriptor["digest"] and len(blob.content) == descriptor["size"]


@pytest.mark.parametrize("name", DOCKER_ARCHIVES + OCI_ARCHIVES)
def test_an_archive_goes_in_whole(server, admin, repo, tmp, name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"skipped: no {path}")
    if path.suffix == ".gz":
        (tmp / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        path = tmp / path.stem
    kind = "oci-archive" if name in OCI_ARCHIVES else "docker-archive"
    push_archive(server, tmp, f"{kind}:{path}", f"{repo}:v1")
    assert_whole(admin, repo, "v1")


def push_layout(admin, repo, layout):
    """Pushes what a layout's index names, as it is: blobs first, then the manifest; returns the last answer."""
    blobs = layout / "blobs" / "sha256"
    for entry in json.loads((layout / "index.json").read_text()).get("manifests", []):
        path = blobs / entry["digest"].split(":")[1]
        data = path.read_bytes() if path.exists() else b""
        for blob in blobs.iterdir() if blobs.is_dir() else []:
            if blob != path:
                admin.push_blob(repo, blob.read_bytes())
        answer = admin.put_manifest(repo, entry["digest"], data, entry["mediaType"])
        if answer.status_code != 201:
            return answer
    return answer


@pytest.mark.parametrize("name", ["test.oci", "test_image_tag.oci"])
def test_a_layout_goes_in_whole(admin, repo, name):
    layout = SHARED / "oci-layouts" / name
    answer = push_layout(admin, repo, layout)
    assert answer.status_code == 201, answer.text
    assert_whole(admin, repo, answer.headers["Docker-Content-Digest"])


@pytest.mark.parametrize("name", ["test_invalid_oci_image.oci", "multi", "single"])
def test_a_broken_layout_is_refused(admin, repo, name):
    """A type that is no manifest's, a manifest that is not there, children that are missing: each is a 400."""
    answer = push_layout(admin, repo, SHARED / "oci-layouts" / name)
    assert_error(answer, 400)


def test_a_manifest_without_its_blobs_is_refused(admin, repo):
    data = (SHARED / "oci-layouts" / "manifest.json").read_bytes()
    answer = admin.put_manifest(repo, "v1", data, oci.DOCKER_MANIFEST)
    assert_error(answer, 400, "MANIFEST_BLOB_UNKNOWN", detail=json.loads(data)["config"]["digest"])


def test_an_index_without_manifests_is_refused(admin, repo):
    data = (SHARED / "oci-layouts" / "test_no_valid_manifests.oci" / "index.json").read_bytes()
    assert_error(admin.put_manifest(repo, "v1", data, oci.OCI_INDEX), 400, "MANIFEST_INVALID")


def test_a_layout_tool_agrees(tmp):
    """What we call broken, the reference tool calls broken too."""
    tool = ContainersTool("skopeo", tmp / "skopeo")
    tool.fails("copy", f"oci:{SHARED}/oci-layouts/test_invalid_oci_image.oci", f"dir:{tmp}/out")
    assert run("/usr/bin/skopeo", "--version")
