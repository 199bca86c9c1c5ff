"""podman, buildah, skopeo and umoci: log in, push and pull real images, with certificates verified."""

import functools
import json

import pytest

from harness import oci
from harness.activity import told
from harness.client import as_descriptor
from harness.images import DEBIAN_SUITE, debian_layout, layout_manifest, run, write_layout
from harness.people import People
from harness.server import ADMIN_PASSWORD
from harness.tools import ContainersTool, need

need("podman", "buildah", "skopeo", "umoci", "mmdebstrap")
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def tls(server, scratch, ca_file):
    """Options that make a tool trust our CA and nothing else."""
    directory = scratch / f"certs-{server.data.name}"
    directory.mkdir(exist_ok=True)
    (directory / "ca.crt").write_bytes(ca_file.read_bytes())
    return ["--cert-dir", directory]


@pytest.fixture
def host(server):
    return server.netloc("https")


def logged_in(program, tmp, host, tls):
    tool = ContainersTool(program, tmp / program)
    tool.login(host, "admin", ADMIN_PASSWORD, *tls)
    return tool


@pytest.fixture
def podman(tmp, host, tls):
    return logged_in("podman", tmp, host, tls)


@pytest.fixture
def buildah(tmp, host, tls):
    return logged_in("buildah", tmp, host, tls)


@pytest.fixture
def skopeo(tmp, host, tls):
    tool = logged_in("skopeo", tmp, host, tls)
    # The bytes as they are: no conversion, and no layer swapped for another of which the machine's cache knows.
    tool.copy = functools.partial(tool, "copy", "--all", "--preserve-digests", "--src-cert-dir", tls[1],
                                  "--dest-cert-dir", tls[1])
    return tool


@pytest.fixture
def multi_layout(tmp):
    """A layout with an index of two platforms as `multi` and a plain image as `single`."""
    return write_layout(tmp / "multi", {"multi": [("amd64", "one"), ("arm64", "two")], "single": [("amd64", "three")]})


@pytest.fixture(scope="module")
def debian():
    """The real Debian image as a tool names it."""
    return f"oci:{debian_layout()}:{DEBIAN_SUITE}"


# Logging in.

@pytest.mark.parametrize("program", ["podman", "buildah", "skopeo"])
def test_login_with_a_wrong_password_fails(tmp, host, tls, program):
    tool = ContainersTool(program, tmp / program)
    said = tool.login_fails(host, "admin", "wrong", *tls)
    assert "invalid username/password" in said or "unauthorized" in said.lower()


@pytest.mark.parametrize("program", ["podman", "skopeo"])
@pytest.mark.parametrize("kind", ["password", "token", "service"])
def test_people_tokens_and_machines_log_in_alike(tmp, host, tls, admin, multi_layout, program, kind):
    """Each pushes and reads in the user's namespace; what it has not been given stays closed."""
    user, secret = People(admin).credentials()[kind]
    tool = ContainersTool(program, tmp / program)
    tool.login(host, user, secret, *tls)
    name, source = f"docker://{host}/{user.split('+')[0]}/app:v1", f"oci:{multi_layout}:single"
    if program == "podman":
        image_id = tool("pull", "--quiet", source).split()[-1]
        tool("push", *tls, image_id, name)
        tool("pull", "--quiet", *tls, name)
        assert tool.fails("push", *tls, image_id, f"docker://{host}/admin/{user.split('+')[0]}:v1")
    else:
        tool("copy", "--dest-cert-dir", tls[1], source, name)
        assert json.loads(tool("inspect", *tls, name))["Digest"]
        assert tool.fails("copy", "--dest-cert-dir", tls[1], source, f"docker://{host}/admin/{user.split('+')[0]}:v1")
    told(admin, f"{user.split('+')[0]}/app", user, "v1")


def test_an_unknown_ca_is_refused(tmp, host):
    tool = ContainersTool("podman", tmp / "podman")
    said = tool.login_fails(host, "admin", ADMIN_PASSWORD)
    assert "certificate" in said or "x509" in said


# podman.

def test_podman_pushes_and_pulls_debian(podman, host, tls, repo, admin, debian):
    """By tag and by digest; the image has the same id before and after."""
    name = f"{host}/{repo}:v1"
    image_id = podman("pull", "--quiet", debian).split()[-1]
    podman("push", *tls, image_id, f"docker://{name}")
    digest = admin.head(f"/v2/{repo}/manifests/v1").headers["Docker-Content-Digest"]
    podman("rmi", "--all", "--force")
    assert podman("pull", "--quiet", *tls, name).split()[-1] == image_id
    podman("rmi", "--all", "--force")
    assert podman("pull", "--quiet", *tls, f"{host}/{repo}@{digest}").split()[-1] == image_id


def test_podman_pushes_docker_format(podman, host, tls, repo, admin, multi_layout):
    image_id = podman("pull", "--quiet", f"oci:{multi_layout}:single").split()[-1]
    podman("push", *tls, "--format", "v2s2", image_id, f"docker://{host}/{repo}:v1")
    assert admin.pull_manifest(repo, "v1").headers["Content-Type"] == oci.DOCKER_MANIFEST


def test_podman_over_plain_http(tmp, server, repo, admin, multi_layout):
    podman, plain = ContainersTool("podman", tmp / "podman"), server.netloc()
    podman.login(plain, "admin", ADMIN_PASSWORD, "--tls-verify=false")
    image_id = podman("pull", "--quiet", f"oci:{multi_layout}:single").split()[-1]
    podman("push", "--tls-verify=false", image_id, f"docker://{plain}/{repo}:v1")
    podman("rmi", "--all", "--force")
    assert podman("pull", "--quiet", "--tls-verify=false", f"{plain}/{repo}:v1").split()[-1] == image_id


def test_podman_pulls_what_is_public_without_login(tmp, server, host, tls, repo, admin, podman, multi_layout):
    image_id = podman("pull", "--quiet", f"oci:{multi_layout}:single").split()[-1]
    podman("push", *tls, image_id, f"docker://{host}/{repo}:v1")
    stranger = ContainersTool("podman", tmp / "stranger")
    stranger.fails("pull", *tls, f"{host}/{repo}:v1")
    server.admin("repo-visibility", repo, "public")
    assert stranger("pull", "--quiet", *tls, f"{host}/{repo}:v1").split()[-1] == image_id


# buildah.

def test_buildah_builds_pushes_and_pulls(buildah, tmp, host, tls, repo, admin):
    """An image from nothing with one file, built without running anything."""
    (tmp / "hello").write_text("hello from buildah\n")
    container = buildah("from", "scratch").split()[-1]
    buildah("copy", container, tmp / "hello", "/hello")
    buildah("config", "--label", "maker=tests", container)
    image_id = buildah("commit", "--quiet", container, "local/hello:v1").split()[-1]
    buildah("push", *tls, image_id, f"docker://{host}/{repo}:v1")
    config = admin.pull_manifest(repo, "v1").json()["config"]["digest"]
    assert admin.pull_blob(repo, config).json()["config"]["Labels"]["maker"] == "tests"
    buildah("rm", "--all")
    buildah("rmi", "--all", "--force")
    assert buildah("pull", "--quiet", *tls, f"{host}/{repo}:v1").split()[-1] == image_id


def test_buildah_pushes_a_manifest_list(buildah, host, tls, repo, admin, multi_layout):
    for architecture in ("one", "two"):
        image_id = buildah("pull", "--quiet", f"oci:{multi_layout}:single").split()[-1]
        buildah("tag", image_id, f"local/{architecture}")
    buildah("manifest", "create", "local/list")
    buildah("manifest", "add", "local/list", "localhost/local/one")
    buildah("manifest", "push", *tls, "--all", "local/list", f"docker://{host}/{repo}:list")
    assert admin.pull_manifest(repo, "list").headers["Content-Type"] in (oci.OCI_INDEX, oci.DOCKER_LIST)


# skopeo.

def test_skopeo_copies_debian_there_and_back(skopeo, tmp, host, tls, repo, admin, debian):
    """A layout pushed and fetched again holds the very same manifest bytes."""
    skopeo.copy(debian, f"docker://{host}/{repo}:v1")
    digest, data = layout_manifest(debian_layout(), DEBIAN_SUITE)
    assert admin.pull_manifest(repo, "v1").content == data
    skopeo.copy(f"docker://{host}/{repo}@{digest}", f"oci:{tmp / 'back'}:v1")
    assert layout_manifest(tmp / "back", "v1") == (digest, data)


def test_skopeo_copies_all_platforms(skopeo, tmp, host, tls, repo, admin, multi_layout):
    """--all keeps the index and every child as they are, and a copy inside the registry does too."""
    digest, data = layout_manifest(multi_layout, "multi")
    skopeo.copy(f"oci:{multi_layout}:multi", f"docker://{host}/{repo}:multi")
    assert admin.pull_manifest(repo, "multi").content == data
    skopeo.copy(f"docker://{host}/{repo}:multi", f"docker://{host}/{repo}/copy:multi")
    assert admin.pull_manifest(repo + "/copy", digest).content == data
    skopeo.copy(f"docker://{host}/{repo}/copy:multi", f"oci:{tmp / 'back'}:multi")
    assert layout_manifest(tmp / "back", "multi") == (digest, data)


def test_skopeo_inspects_lists_and_deletes(skopeo, host, tls, repo, admin, multi_layout):
    reference = f"docker://{host}/{repo}:single"
    skopeo.copy(f"oci:{multi_layout}:single", reference)
    digest, data = layout_manifest(multi_layout, "single")
    assert skopeo.bytes("inspect", "--raw", *tls, reference) == data
    assert skopeo.json("inspect", *tls, reference)["Digest"] == digest
    assert skopeo.json("list-tags", *tls, f"docker://{host}/{repo}")["Tags"] == ["single"]
    skopeo("delete", *tls, reference)
    assert admin.tags(repo) == []
    skopeo.fails("inspect", *tls, reference)


@pytest.mark.parametrize("form", ["v2s2", "oci"])
def test_skopeo_converts_before_it_pushes(skopeo, host, tls, repo, admin, multi_layout, form):
    skopeo("copy", "--format", form, "--dest-cert-dir", tls[1], f"oci:{multi_layout}:single",
           f"docker://{host}/{repo}:v1")
    expected = oci.DOCKER_MANIFEST if form == "v2s2" else oci.OCI_MANIFEST
    assert admin.pull_manifest(repo, "v1").headers["Content-Type"] == expected


def test_skopeo_zstd_layers(skopeo, host, tls, repo, admin, multi_layout):
    skopeo("copy", "--dest-compress-format", "zstd", "--dest-compress", "--dest-cert-dir", tls[1],
           f"oci:{multi_layout}:single", f"docker://{host}/{repo}:v1")
    assert admin.pull_manifest(repo, "v1").status_code == 200


def test_an_artifact_beside_its_subject(skopeo, tmp, host, tls, repo, admin, multi_layout):
    """A signature pushed for an image that a real client pushed is found by the image's digest."""
    skopeo.copy(f"oci:{multi_layout}:single", f"docker://{host}/{repo}:v1")
    _, data = layout_manifest(multi_layout, "single")
    subject = oci.descriptor(data, oci.OCI_MANIFEST)
    artifact = admin.push_artifact(repo, "application/vnd.example.signature", subject, tag="signature")
    assert [x["digest"] for x in admin.referrers(repo, subject["digest"])] == [artifact.digest]
    assert skopeo.bytes("inspect", "--raw", *tls, f"docker://{host}/{repo}:signature") == artifact.data
    assert as_descriptor(artifact)["mediaType"] == oci.OCI_MANIFEST


# umoci.

def test_umoci_unpacks_what_was_pulled(skopeo, tmp, host, tls, repo, admin, debian):
    """The pulled Debian image is a root file system again."""
    skopeo.copy(debian, f"docker://{host}/{repo}:v1")
    skopeo.copy(f"docker://{host}/{repo}:v1", f"oci:{tmp / 'pulled'}:v1")
    run("umoci", "unpack", "--image", f"{tmp / 'pulled'}:v1", tmp / "bundle")
    assert (tmp / "bundle" / "rootfs" / "etc" / "debian_version").read_text().startswith("12")
    history = json.loads(run("umoci", "stat", "--json", "--image", f"{tmp / 'pulled'}:v1"))["history"]
    assert [entry for entry in history if entry.get("layer")]


def test_umoci_layers_added_to_a_pulled_image_push_only_the_new_one(skopeo, tmp, host, tls, repo, multi_layout, admin):
    """A changed image goes up over the layers that are there already."""
    skopeo.copy(f"oci:{multi_layout}:single", f"docker://{host}/{repo}:v1")
    skopeo.copy(f"docker://{host}/{repo}:v1", f"oci:{tmp / 'pulled'}:v1")
    (tmp / "new-file").write_text("new")
    run("umoci", "insert", "--image", f"{tmp / 'pulled'}:v1", tmp / "new-file", "/new-file")
    skopeo.copy(f"oci:{tmp / 'pulled'}:v1", f"docker://{host}/{repo}:v2")
    old, new = (admin.pull_manifest(repo, tag).json()["layers"] for tag in ("v1", "v2"))
    assert new[:len(old)] == old and len(new) == len(old) + 1
