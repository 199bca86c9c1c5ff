"""containerd's ctr pulls and pushes, over plain HTTP and over TLS with our CA, as Kubernetes nodes do."""

import pytest

from harness.images import DEBIAN_SUITE, debian_layout, run, write_layout
from harness.server import ADMIN_PASSWORD
from harness.tools import daemon, need

need("containerd", "ctr", "skopeo", "mmdebstrap")
pytestmark = pytest.mark.timeout(300)
USER = ["--user", f"admin:{ADMIN_PASSWORD}"]


@pytest.fixture(scope="module")
def ctr(scratch):
    """`ctr` against a containerd of our own, with nothing but content and the native snapshotter."""
    directory = scratch / "containerd"
    directory.mkdir()
    socket = directory / "sock"
    config = directory / "config.toml"
    config.write_text(f"""version = 2
root = "{directory / 'root'}"
state = "{directory / 'state'}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
""")

    def command(*arguments, **options):
        return run("/usr/bin/ctr", "-a", socket, *arguments, **options)

    def is_ready():
        try:
            command("version", timeout=10)
            return True
        except AssertionError:
            return False

    with daemon(["/usr/bin/containerd", "-c", config], directory / "log", is_ready):
        yield command


@pytest.fixture(params=["http", "https"])
def place(request, server, ca_file, tmp):
    """(host:port, options) of a listener; for TLS a hosts.toml that names our CA, as on a Kubernetes node."""
    host = server.netloc(request.param)
    if request.param == "http":
        return host, ["--plain-http"]
    directory = tmp / "hosts" / host
    directory.mkdir(parents=True)
    (directory / "hosts.toml").write_text(f'server = "https://{host}"\n\n[host."https://{host}"]\n  ca = "{ca_file}"\n')
    return host, ["--hosts-dir", tmp / "hosts"]


def push_layout(server, layout, tag, repo):
    run("skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false", "--dest-creds",
        f"admin:{ADMIN_PASSWORD}", f"oci:{layout}:{tag}", f"docker://{server.netloc()}/{repo}:{tag}")


def test_ctr_pulls_debian_and_pushes_it_elsewhere(ctr, server, place, repo, admin):
    host, options = place
    push_layout(server, debian_layout(), DEBIAN_SUITE, repo)
    source, target = f"{host}/{repo}:{DEBIAN_SUITE}", f"{host}/{repo}-copy:v1"
    ctr("images", "pull", *options, *USER, "--snapshotter", "native", source)
    assert source in ctr("images", "list", "-q")
    ctr("images", "tag", source, target)
    ctr("images", "push", *options, *USER, target)
    assert admin.pull_manifest(repo + "-copy", "v1").content == admin.pull_manifest(repo, DEBIAN_SUITE).content
    ctr("images", "rm", source, target)


def test_ctr_pulls_by_digest_and_all_platforms(ctr, server, place, repo, admin, tmp):
    host, options = place
    layout = write_layout(tmp / "multi", {"multi": [("amd64", "one"), ("arm64", "two")]})
    push_layout(server, layout, "multi", repo)
    digest = admin.head(f"/v2/{repo}/manifests/multi").headers["Docker-Content-Digest"]
    name = f"{host}/{repo}@{digest}"
    ctr("content", "fetch", *options, *USER, "--all-platforms", name)
    assert name in ctr("images", "list", "-q")
    ctr("images", "rm", name)


def test_ctr_without_credentials_is_refused(ctr, place, repo, image):
    host, options = place
    with pytest.raises(AssertionError, match="(?i)unauthorized|authorization|insufficient_scope|401"):
        ctr("content", "fetch", *options, f"{host}/{repo}:v1")


def test_ctr_pulls_what_is_public(ctr, place, server, repo, admin, tmp):
    host, options = place
    push_layout(server, write_layout(tmp / "one", {"v1": [("amd64", "public")]}), "v1", repo)
    server.admin("repo-visibility", repo, "public")
    ctr("images", "pull", *options, "--snapshotter", "native", f"{host}/{repo}:v1")
    ctr("images", "rm", f"{host}/{repo}:v1")


def test_the_mirror_parameter_is_accepted(admin, repo, image):
    """containerd adds ?ns=REGISTRY when it asks a mirror; it must not disturb."""
    for path in ("manifests/v1", f"blobs/{image.document['config']['digest']}"):
        assert admin.get(f"/v2/{repo}/{path}", params={"ns": "docker.io"}).status_code == 200
