"""Fixtures of the end-to-end tests: one shared server an engine, fresh ones where a test asks.

A case runs on SQLite or on PostgreSQL, as its number falls, and always on the same one; ASSAY_TEST_ENGINE=sqlite,
postgres or both decides for all of them. What is about SQLite's files is marked `sqlite`."""

import itertools
import os
import shutil
import sys
import threading

import pytest

sys.dont_write_bytecode = True

from harness.client import Registry  # noqa: E402
from harness.postgres import Cluster, engines_of  # noqa: E402
from harness.server import ADMIN_PASSWORD, Server, binary  # noqa: E402

TEST_SECONDS = 120


def pytest_collection_modifyitems(items):
    """No test may hang the run: a time limit for each that has none of its own."""
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def pytest_configure(config):
    config.addinivalue_line("markers", "timeout(seconds): limit for one test (pytest-timeout)")
    config.addinivalue_line("markers", "both_engines: runs on SQLite and on PostgreSQL, whatever its number")
    config.addinivalue_line("markers", "sqlite: about SQLite itself, or a server without the others' database")


def pytest_generate_tests(metafunc):
    """Where both engines are asked for, by variable or by mark, a case that touches one runs twice."""
    names = engines_of(metafunc.definition.nodeid)
    if metafunc.definition.get_closest_marker("both_engines") and "ASSAY_TEST_ENGINE" not in os.environ:
        names = ["sqlite", "postgres"]
    if "engine" in metafunc.fixturenames and len(names) > 1 and not metafunc.definition.get_closest_marker("sqlite"):
        metafunc.parametrize("engine", names, indirect=True)


@pytest.fixture
def engine(request):
    """The name of the engine of this case."""
    if hasattr(request, "param"):
        return request.param
    if request.node.get_closest_marker("sqlite"):
        return "sqlite"
    return engines_of(request.node.nodeid)[0]


@pytest.fixture(scope="session")
def cluster():
    """PostgreSQL, started when it is first asked for something."""
    running = Cluster()
    yield running
    running.stop()


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
def servers(scratch, cluster):
    """The shared servers by engine, each started by the first case that needs it."""
    running = {}

    def get(engine):
        if engine not in running:
            arguments = ["--database", cluster.url(cluster.new_database())] if engine == "postgres" else []
            # Wrong passwords are what many cases send: on a server that they share they may lock nobody out.
            running[engine] = Server(scratch / f"data-{engine}", *arguments, https="127.0.0.1:0",
                                     env={"ASSAY_LOGIN_FAILURES": "0"}).start()
        return running[engine]

    yield get
    for one in running.values():
        one.stop()


@pytest.fixture
def server(servers, engine):
    """The shared server of this case: plain HTTP and TLS with its own CA."""
    return servers(engine)


@pytest.fixture(autouse=True)
def servers_survive():
    """After each test every server that it did not stop is alive, with no sanitizer report in its log."""
    yield
    for running in list(Server.running):
        running.check_alive()


@pytest.fixture
def new_server(tmp, engine, cluster):
    """Starts servers of this test's own; whatever still runs at the end is stopped and judged."""
    started = []
    databases = {}

    def start(*arguments, name="data", **options):
        if engine == "postgres" and "--database" not in arguments:
            if name not in databases:
                databases[name] = cluster.new_database()
            arguments += ("--database", cluster.url(databases[name]))
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


@pytest.fixture
def ca_file(server, scratch):
    """The server's own CA certificate, as served at /ca."""
    path = scratch / f"ca-{server.data.name}.pem"
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
