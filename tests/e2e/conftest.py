"""Fixtures of the end-to-end tests: one plain server and one TLS server a session, fresh ones where a test asks."""

import itertools
import shutil
import sys
import threading

import pytest

sys.dont_write_bytecode = True

from harness.client import Registry  # noqa: E402
from harness.server import ADMIN_PASSWORD, Server, binary  # noqa: E402

TEST_SECONDS = 120


def pytest_collection_modifyitems(items):
    """No test may hang the run: a time limit for each that has none of its own."""
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def pytest_configure(config):
    config.addinivalue_line("markers", "timeout(seconds): limit for one test (pytest-timeout)")


@pytest.fixture(scope="session", autouse=True)
def program():
    assert binary().exists(), f"no server binary at {binary()}: build it, or set ASSAY_BIN"


@pytest.fixture(scope="session")
def scratch(tmp_path_factory):
    """A directory for the whole session, removed at its end."""
    path = tmp_path_factory.mktemp("assay")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def tmp(tmp_path):
    """A directory for one test, removed after it (images are large)."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(scope="session")
def server(scratch):
    """The shared server: plain HTTP and TLS with its own CA."""
    with Server(scratch / "data", https="127.0.0.1:0") as running:
        yield running


@pytest.fixture(autouse=True)
def servers_survive():
    """After each test every server that it did not stop is alive, with no sanitizer report in its log."""
    yield
    for running in list(Server.running):
        running.check_alive()


@pytest.fixture
def new_server(tmp):
    """Starts servers of this test's own; whatever still runs at the end is stopped and judged."""
    started = []

    def start(*arguments, name="data", **options):
        running = Server(tmp / name, *arguments, **options).start()
        started.append(running)
        return running

    yield start
    failures = []
    for running in started:
        if running.is_running():
            try:
                running.stop()
            except AssertionError as failure:
                failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture
def admin(server):
    """The registry as the first admin sees it, by Basic credentials."""
    return Registry(server.url(), "admin", ADMIN_PASSWORD)


@pytest.fixture
def anonymous(server):
    return Registry(server.url())


@pytest.fixture(scope="session")
def ca_file(server, scratch):
    """The server's own CA certificate, as served at /ca."""
    path = scratch / "ca.pem"
    path.write_bytes(Registry(server.url()).get("/ca").content)
    return path


REPO_NUMBERS = itertools.count(1)
REPO_LOCK = threading.Lock()


@pytest.fixture
def repo(request):
    """The name of a repository that no other test uses; it does not exist yet."""
    with REPO_LOCK:
        return f"admin/t{next(REPO_NUMBERS)}"


@pytest.fixture
def second_repo(repo):
    return repo + "/second"


@pytest.fixture
def image(admin, repo):
    """A pushed image with the tag v1 and two layers."""
    return admin.push_image(repo, "v1", layers=2, layer_size=4096)


@pytest.fixture
def public_repo(server, admin, repo, image):
    """A repository with an image `v1` that anybody may pull."""
    server.admin("repo-visibility", repo, "public")
    return repo
