"""The hostile tests share harness and fixtures of the end-to-end tests; what every negative test asserts is added here.

The words of the tables of attacks are fixtures and helpers: DENY (`deny`), NOEFF (`no_effect`), ALIVE (after each test,
by itself), no secret in any log or answer (`canaries`, after each test by itself).
"""

import base64
import importlib.util
import pathlib
import sys
import time

import pytest

sys.dont_write_bytecode = True
E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))

specification = importlib.util.spec_from_file_location("e2e_fixtures", E2E / "conftest.py")
sys.modules["e2e_fixtures"] = importlib.util.module_from_spec(specification)
specification.loader.exec_module(sys.modules["e2e_fixtures"])
from e2e_fixtures import *  # noqa: E402,F401,F403  fixtures are found by being here

from harness import state  # noqa: E402
from harness.client import Registry, challenge  # noqa: E402
from harness.forge import Forge  # noqa: E402
from harness.raw import exchange, request  # noqa: E402
from harness.server import ADMIN_PASSWORD, Server, binary  # noqa: E402

HEALTHY_SECONDS = 5
IS_SANITIZED = b"__asan_init" in binary().read_bytes() or b"__tsan_init" in binary().read_bytes()
# Sanitizers keep freed memory back; the plain program must give it back or use it again.
GROWTH_KIB = 320 * 1024 if IS_SANITIZED else 24 * 1024


@pytest.fixture
def engine():
    """What these tests attack stands above the database; its rows are read from SQLite's file."""
    return "sqlite"


@pytest.fixture(scope="session")
def server(scratch):
    """The server under attack: logs everything, plain and TLS."""
    with Server(scratch / "data", "--log-level", "debug", https="127.0.0.1:0") as running:
        yield running


@pytest.fixture(scope="session")
def canaries():
    """Secrets that were handed out or sent: none may turn up in a log."""
    return {ADMIN_PASSWORD, base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()}


@pytest.fixture(autouse=True)
def alive(server, canaries):
    """ALIVE: the same process, a healthy request answered, no growth beyond the bound, no secret in the log."""
    pid, before, start_of_log = server.process.pid, state.resident_kib(server.process.pid), server.log_path.stat().st_size
    yield
    server.check_alive()
    assert server.process.pid == pid
    begin = time.monotonic()
    assert exchange(server.address(), request("GET", "/livez")).status == 200
    assert time.monotonic() - begin < HEALTHY_SECONDS, "a healthy request waits"
    growth = state.resident_kib(pid) - before
    assert growth < GROWTH_KIB, f"{growth} KiB more than before"
    with open(server.log_path, encoding="utf-8", errors="replace") as log:
        log.seek(start_of_log)
        text = log.read()
    leaked = [secret[:8] for secret in canaries if secret in text]
    assert not leaked, f"secrets in the log, they begin {leaked}"


@pytest.fixture
def no_effect(server):
    """NOEFF, for the shared server: `with no_effect(): …`."""
    return lambda on=server: state.no_effect(on)


@pytest.fixture(scope="session")
def deny(server, canaries):
    """DENY on the distribution API: 401, the challenge with the error of the table, nothing told, no secret echoed."""
    def check(answer, error=None):
        assert answer.status_code == 401, f"{answer.status_code}: {answer.text[:300]}"
        found = challenge(answer)
        assert found["realm"] == server.url() + "/auth/token" and found["service"] == server.netloc()
        assert found.get("error") == error, found
        if answer.request.method != "HEAD":
            assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"
            assert "detail" not in answer.json()["errors"][0]
        told = answer.text + repr(answer.headers)
        assert not any(secret in told for secret in canaries), "a secret in the answer"
    return check


class Target:
    """A private repository with one image, and genuine tokens for it."""

    def __init__(self, server, canaries):
        self.server, self.name = server, "admin/target"
        self.admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
        self.image = self.admin.push_image(self.name, "v1")
        self.path = f"/v2/{self.name}/manifests/v1"
        self.genuine = self.admin.token(f"repository:{self.name}:pull,push")
        self.identity = self.admin.token()
        self.forge = Forge(server, self.genuine)
        canaries |= {token.rsplit(".", 1)[1] for token in (self.genuine, self.identity)}

    def with_token(self, token, method="GET", path=None):
        return Registry(self.server.url()).request(method, path or self.path,
                                                   headers={"Authorization": b"Bearer " + token.encode("latin-1")})


@pytest.fixture(scope="session")
def target(server, canaries):
    return Target(server, canaries)
