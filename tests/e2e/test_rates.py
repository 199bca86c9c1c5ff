"""Limits on requests by account, access token and network: told before they bite, 429 when they do, and health is exempt."""

import pytest

from harness.client import Registry, assert_error
from harness.server import wait_for


@pytest.fixture
def limited(new_server):
    """Gives a server on which that setting has that value, and its admin, once the setting holds."""
    def start(setting, value):
        server = new_server()
        server.admin("set", setting, str(value))
        admin = Registry(server.url(), "admin", server.password)
        wait_for(lambda: "RateLimit-Limit" in admin.get("/api/v0/admin/version").headers)
        return server, admin
    return start


def spend(registry, path="/api/v0/admin/version"):
    """Asks until it is refused; the refusal. What is left must fall by one with each."""
    before = None
    for _ in range(100):
        answer = registry.get(path)
        if answer.status_code == 429:
            return answer
        left = int(answer.headers["RateLimit-Remaining"])
        assert before is None or before - 1 <= left <= before, (before, left)
        before = left
    pytest.fail("a hundred requests passed")


def test_an_account_is_told_and_stopped(limited):
    server, admin = limited("rate-account", 20)
    refusal = spend(admin)
    error = assert_error(refusal, 429, "TOO_MANY_REQUESTS")
    assert "account" in error["message"] and 1 <= int(refusal.headers["Retry-After"]) <= 60
    assert refusal.headers["RateLimit-Limit"] == "20" and refusal.headers["RateLimit-Remaining"] == "0"
    assert_error(admin.get("/v2/_catalog"), 429, "TOOMANYREQUESTS")
    # Not others: nobody in particular, and probes.
    assert Registry(server.url()).get("/v2/").status_code == 401
    for path in "/_ping", "/livez", "/readyz":
        assert admin.get(path).status_code == 200
    # Time heals: three seconds for one of twenty a minute.
    wait_for(lambda: admin.get("/api/v0/admin/version").status_code == 200)


def test_a_token_has_its_own(limited):
    server, admin = limited("rate-account", 1000)
    made = [admin.post("/api/v0/api_tokens", json={}).json()["token"] for _ in range(2)]
    server.admin("set", "rate-token", "20")
    first, second = (Registry(server.url(), "admin", token) for token in made)
    wait_for(lambda: first.get("/api/v0/admin/version").headers["RateLimit-Limit"] == "20")
    assert "token" in assert_error(spend(first), 429)["message"]
    assert second.get("/api/v0/admin/version").status_code == 200
    assert admin.get("/api/v0/admin/version").headers["RateLimit-Limit"] == "1000"


def test_a_pull_counts_once_wherever_it_is_answered(limited):
    """By tag, by digest, a blob, and what is not there: by event threads, workers, or one after the other."""
    server, admin = limited("rate-account", 1000)
    image = admin.push_image("admin/app", "v1")
    paths = ["/v2/", "/v2/admin/app/manifests/v1", f"/v2/admin/app/manifests/{image.digest}", "/v2/admin/app/manifests/none",
             f"/v2/admin/app/blobs/{image.document['config']['digest']}", "/v2/admin/none/manifests/v1"]
    for path in paths * 2:
        before = int(admin.get("/api/v0/admin/version").headers["RateLimit-Remaining"])
        left = int(admin.get(path).headers["RateLimit-Remaining"])
        assert before - 1 <= left <= before, path


def test_a_network_is_stopped_before_anybody_is_asked_for_a_password(limited):
    server, admin = limited("rate-network", 30)
    nobody = Registry(server.url())
    refusals = [answer for answer in (nobody.get("/v2/") for _ in range(60)) if answer.status_code == 429]
    assert refusals
    assert_error(refusals[0], 429, "TOOMANYREQUESTS")
    assert Registry(server.url(), "admin", "wrong").get("/v2/").status_code == 429
    assert nobody.get("/_ping").status_code == 200


def test_without_limits_nothing_is_said(admin):
    assert not [name for name in admin.get("/api/v0/admin/version").headers if name.lower().startswith("ratelimit")]
