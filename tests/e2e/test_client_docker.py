"""A real Docker Engine logs in, pushes and pulls a real Debian image, over plain HTTP on loopback and over TLS."""

import json
import os

import pytest

from harness import oci
from harness.activity import told
from harness.client import Registry, as_descriptor
from harness.images import DEBIAN_SUITE, debian_layout, run, tar_of
from harness.people import People
from harness.server import ADMIN_PASSWORD
from harness.tools import docker_engine, docker_trust, need

need("dockerd", "docker", "mmdebstrap", "umoci", "skopeo")
pytestmark = pytest.mark.timeout(300)
DEBIAN, SMALL = f"debian:{DEBIAN_SUITE}", "small:v1"


@pytest.fixture(scope="module")
def docker(scratch):
    """A Docker Engine that holds the Debian image as debian:bookworm."""
    with docker_engine(scratch / "docker") as engine:
        archive = scratch / "debian.tar"
        run("skopeo", "--insecure-policy", "copy", f"oci:{debian_layout()}:{DEBIAN_SUITE}",
            f"docker-archive:{archive}:debian:{DEBIAN_SUITE}")
        engine("load", "-i", archive)
        archive.unlink()
        small = scratch / "small.tar"
        small.write_bytes(tar_of({"etc/motd": b"a small image"}))
        engine("import", small, SMALL)
        yield engine


@pytest.fixture(params=["http", "https"])
def host(request, server, ca_file):
    """host:port of a listener; for the TLS one our CA is trusted through certs.d."""
    netloc = server.netloc(request.param)
    if request.param == "http":
        yield netloc
    else:
        with docker_trust(netloc, ca_file):
            yield netloc


def test_login_and_logout(docker, host):
    assert "Login Succeeded" in docker.login(host, "admin", ADMIN_PASSWORD)
    docker("logout", host)


@pytest.mark.parametrize("user, password", [("admin", "wrong"), ("nobody", ADMIN_PASSWORD)])
def test_login_with_bad_credentials_fails(docker, host, user, password):
    said = docker.fails("login", "-u", user, "--password-stdin", host, stdin=password)
    assert "unauthorized" in said.lower()


@pytest.mark.parametrize("kind", ["password", "token", "service"])
def test_people_tokens_and_machines_log_in_alike(docker, host, admin, kind):
    """Each pushes and pulls in the user's namespace, and nowhere else."""
    user, secret = People(admin).credentials()[kind]
    own, foreign = f"{host}/{user.split('+')[0]}/small:v1", f"{host}/admin/{user.split('+')[0]}:v1"
    assert "Login Succeeded" in docker.login(host, user, secret)
    for name in own, foreign:
        docker("tag", SMALL, name)
    docker("push", own)
    docker("rmi", own)
    docker("pull", own)
    said = docker.fails("push", foreign).lower()
    assert "denied" in said or "unauthorized" in said or "authentication" in said
    docker("rmi", own, foreign)
    docker("logout", host)


def test_a_pull_is_told_as_one_of_the_tag(docker, host, repo, admin, tmp):
    """The engine asks where the tag leads and gets that digest, once for each digest: so the image is a new one."""
    name, archive = f"{host}/{repo}:v1", tmp / "new.tar"
    archive.write_bytes(tar_of({"etc/motd": os.urandom(32)}))
    docker.login(host, "admin", ADMIN_PASSWORD)
    docker("import", archive, name)
    docker("push", name)
    docker("rmi", name)
    docker("pull", name)
    told(admin, repo, "admin", "v1")
    docker("rmi", name)


def test_push_without_login_fails(docker, host, repo):
    docker("tag", SMALL, f"{host}/{repo}:v1")
    said = docker.fails("push", f"{host}/{repo}:v1")
    assert "denied" in said.lower() or "unauthorized" in said.lower() or "authentication" in said.lower()
    docker("rmi", f"{host}/{repo}:v1")


def test_a_push_beyond_a_quota_is_refused_in_words_that_docker_shows(docker, host, repo, admin):
    """The second image's layer does not fit; the first stays, and what was refused leaves nothing in use."""
    name = f"{host}/{repo}"
    docker.login(host, "admin", ADMIN_PASSWORD)
    docker("tag", SMALL, f"{name}:v1")
    docker("push", f"{name}:v1")
    used = admin.get("/api/v1/quotas/usage", params={"path": repo}).json()["bytes"]
    assert admin.put("/api/v1/quotas", json={"path": repo, "bytes": used + 100_000}).status_code == 200
    docker("tag", DEBIAN, f"{name}:v2")
    said = docker.fails("push", f"{name}:v2")
    assert f"the quota of {repo} allows {used + 100_000} bytes" in said, said
    docker("push", f"{name}:v1")
    assert admin.tags(repo) == ["v1"]
    assert admin.get("/api/v1/quotas/effective", params={"path": repo}).json()["bytes"]["used"] == used
    docker("rmi", f"{name}:v1", f"{name}:v2")


def test_push_and_pull_debian(docker, host, repo, admin):
    """Login, push, remove, pull by tag and by digest: the same image identity before and after."""
    name = f"{host}/{repo}"
    docker.login(host, "admin", ADMIN_PASSWORD)
    docker("tag", DEBIAN, f"{name}:v1")
    before = docker("image", "inspect", "-f", "{{.Id}}", f"{name}:v1")
    digest = next(word for word in docker("push", f"{name}:v1").split() if word.startswith("sha256:"))
    assert admin.head(f"/v2/{repo}/manifests/v1").headers["Docker-Content-Digest"] == digest
    docker("rmi", f"{name}:v1")
    assert digest in docker("pull", f"{name}:v1")
    assert docker("image", "inspect", "-f", "{{.Id}}", f"{name}:v1") == before
    docker("rmi", f"{name}:v1")
    docker("pull", f"{name}@{digest}")
    docker("rmi", f"{name}@{digest}")
    docker("logout", host)


def test_a_second_push_mounts_or_finds_the_layers(docker, host, repo):
    """Docker asks for a mount from the repository where it pushed the layer before."""
    docker.login(host, "admin", ADMIN_PASSWORD)
    docker("tag", SMALL, f"{host}/{repo}:v1")
    docker("tag", SMALL, f"{host}/{repo}-copy:v1")
    docker("push", f"{host}/{repo}:v1")
    said = docker("push", f"{host}/{repo}-copy:v1")
    assert "Mounted from" in said or "Layer already exists" in said
    assert "Layer already exists" in docker("push", f"{host}/{repo}:v1")
    docker("rmi", f"{host}/{repo}:v1", f"{host}/{repo}-copy:v1")
    docker("logout", host)


def test_pull_of_what_is_public_without_login(docker, server, host, repo, admin):
    """`docker pull` needs no login where anybody may pull."""
    name = f"{host}/{repo}:v1"
    docker.login(host, "admin", ADMIN_PASSWORD)
    docker("tag", SMALL, name)
    docker("push", name)
    docker("rmi", name)
    docker("logout", host)
    docker.fails("pull", name)
    server.admin("repo-visibility", repo, "public")
    docker("pull", name)
    docker("rmi", name)


def test_a_missing_tag_is_said_so(docker, host, repo, image):
    docker.login(host, "admin", ADMIN_PASSWORD)
    said = docker.fails("pull", f"{host}/{repo}:nope")
    assert "manifest unknown" in said.lower() or "not found" in said.lower()
    docker("logout", host)


def test_manifest_inspect_of_an_index(docker, server, ca_file, repo, admin):
    """`docker manifest inspect` reads a multi-platform index as it lies there."""
    children = [as_descriptor(admin.push_image(repo, docker=True), platform={"architecture": name, "os": "linux"})
                for name in ("amd64", "arm64")]
    index = admin.push_document(repo, "multi", oci.index(children, oci.DOCKER_LIST), None, [])
    host = server.netloc("https")
    with docker_trust(host, ca_file):
        docker.login(host, "admin", ADMIN_PASSWORD)
        said = docker("manifest", "inspect", f"{host}/{repo}:multi")
        docker("logout", host)
    assert {x["digest"] for x in json.loads(said)["manifests"]} == {x["digest"] for x in index.document["manifests"]}


def test_what_docker_pushed_is_whole(docker, server, host, repo, ca_file):
    """Every blob that the pushed manifest names is there with its size."""
    docker.login(host, "admin", ADMIN_PASSWORD)
    docker("tag", DEBIAN, f"{host}/{repo}:v1")
    docker("push", f"{host}/{repo}:v1")
    registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
    document = registry.pull_manifest(repo, "v1").json()
    for descriptor in [document["config"], *document["layers"]]:
        head = registry.head(f"/v2/{repo}/blobs/{descriptor['digest']}")
        assert head.status_code == 200 and int(head.headers["Content-Length"]) == descriptor["size"]
    docker("rmi", f"{host}/{repo}:v1")
    docker("logout", host)


def test_docker_search(docker, server, host, repo, admin):
    """`docker search HOST/TERM` finds what is public without a login, and over TLS, where Docker sends credentials along, what
    the account may see."""
    name = repo.split("/")[1]
    admin.post("/api/v0/repositories/admin", json={"name": f"{name}-found", "visibility": "public",
                                                   "shortDescription": "what was sought"})
    admin.post("/api/v0/repositories/admin", json={"name": f"{name}-hidden"})
    said = docker("search", f"{host}/{name}-")
    assert f"admin/{name}-found" in said and "what was sought" in said and "hidden" not in said
    docker.login(host, "admin", ADMIN_PASSWORD)
    said = docker("search", "--limit", "10", f"{host}/{name}-")
    assert f"admin/{name}-found" in said
    if host == server.netloc("https"):
        assert f"admin/{name}-hidden" in said
    docker("logout", host)
    assert "admin/" not in docker("search", f"{host}/{name}-none")
