"""`assay ls`, `inspect`, `history`, `search`, `rmi`, `undelete`, `size` and `info`, as one uses them one after the other."""

import json

import pytest

from harness import oci
from harness.cli_people import admin, person  # noqa: F401  (fixtures)
from harness.client import admin_of
from harness.people import unique

LINES = [{"created_by": "/bin/sh -c #(nop) ADD file:1 in / "}, {"created_by": "RUN /bin/sh -c make all # buildkit"}]


@pytest.fixture
def pushed(server):
    """A repository with an image that has a history, and one that only a digest names."""
    registry, repo = admin_of(server), "admin/" + unique("img")
    config = json.dumps({"n": repo, "os": "linux", "architecture": "s390x", "history": LINES}).encode()
    layers = [oci.random_blob(50), oci.random_blob(70)]
    registry.push_blobs(repo, config, *layers)
    document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [oci.descriptor(x, oci.OCI_LAYER_GZIP) for x in layers])
    return repo, registry.push_document(repo, "v1", document, config, layers)


def test_images_by_name(admin, pushed):
    repo, image = pushed
    assert repo in admin.table("ls") and repo in admin.table("ls", "admin") and repo in admin.table("search", repo[8:])
    assert admin.table("ls", repo) == ["v1"] and "linux s390x" in admin("ls", repo)
    assert admin.json("ls", repo)[0]["digest"] == image.digest
    assert "private" in admin("inspect", repo)
    for name in f"{repo}:v1", f"{repo}@{image.digest}":
        assert image.digest in admin("inspect", name) and "s390x" in admin("inspect", name)
        said = admin("history", name)
        assert "ADD file:1 in /" in said and "RUN make all" in said and oci.digest(image.layers[1]) in said
    assert len(admin.json("history", f"{repo}:v1")[0]["manifest"]["dockerfile"]) == 2
    assert "TAG_PUSH" in admin("history", f"{repo}:v1", "--moves")
    assert "(NO_SUCH_REF)" in admin.fails("inspect", f"{repo}:none")
    for command in ("inspect", "admin"), ("ls", f"{repo}:v1"), ("rmi", repo), ("history", repo), ("undelete", "admin"), \
            ("history", "--moves", f"{repo}@{image.digest}"), ("size", f"{repo}:v1"):
        assert "it takes" in admin.fails(*command, code=2)


def test_deleting_says_what_comes_free_and_bringing_back(admin, pushed):
    repo, image = pushed
    size = admin.json("size", repo)
    assert size["own"] == size["size"] and size["reclaimableLater"] == 0
    said = admin("rmi", f"{repo}:v1")
    assert f"deleted {repo}:v1" in said and f"{size['size']} bytes come free at 20" in said
    assert admin.json("size", repo)["reclaimableLater"] == size["size"]
    assert admin.table("undelete", repo, "--list") == ["v1"]
    assert "is back" in admin("undelete", f"{repo}:v1")
    assert "(TAG_EXISTS)" in admin.fails("undelete", f"{repo}:v1")

    assert "come free at 20" in admin("rmi", f"{repo}@{image.digest}")
    assert admin.table("undelete", repo, "--manifests") == [image.digest]
    admin("undelete", f"{repo}@{image.digest}")
    admin("undelete", f"{repo}:v1")
    assert admin.table("ls", repo) == ["v1"]
    admin("repo", "delete", repo)
    assert admin("undelete", repo) == f"{repo} is back\n" and admin.table("ls", repo) == ["v1"]


def test_what_others_name_does_not_come_free(admin, pushed, server):
    repo, image = pushed
    admin_of(server).push_manifest(repo, "same", image.data, image.media_type)
    assert "no bytes come free" in admin("rmi", f"{repo}:same")


def test_sizes_and_info(admin, person):
    alice = person("alice")
    assert alice.json("size", alice.name) == dict.fromkeys(
        ("blobs", "manifests", "own", "reclaimable", "reclaimableLater", "repositories", "shared", "size", "tags"), 0)
    assert "(" in alice.fails("size")
    assert "RECLAIMABLE" in admin("size") and "RECLAIMABLE" in admin("size", "admin/none", "--below")
    said = admin("info")
    assert "SERVER" in said and "admin" in said and "HEALTHY" in said
    assert admin.json("info")["User"] == "admin"
