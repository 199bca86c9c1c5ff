"""What clients of DTR ask of the registry as a whole, and the habits that all routes of that API share."""

import pytest

from harness.client import Registry
from harness.server import ADMIN_PASSWORD


@pytest.mark.parametrize("path", ["/health", "/load_balancer_status", "/_ping"])
def test_health_by_its_older_names(anonymous, path):
    answer = anonymous.get(path)
    assert answer.status_code == 200
    assert answer.json() == {"Error": "", "Healthy": True}


def test_nginx_status_has_the_counters_of_stub_status(anonymous):
    lines = anonymous.get("/nginx_status").text.splitlines()
    assert lines[0].startswith("Active connections: ")
    assert lines[1] == "server accepts handled requests"
    accepts, handled, requests = map(int, lines[2].split())
    assert accepts == handled >= 1 and requests >= 1
    assert lines[3].split()[::2] == ["Reading:", "Writing:", "Waiting:"]


def test_basic_info_tells_who_asks(server, admin, anonymous):
    known = admin.get("/basic_info").json()
    assert known["User"] == "admin" and known["IsAdmin"] is True and known["AuthnMethod"] == "Password"
    assert known["CurrentVersion"]
    assert anonymous.get("/basic_info").json() == {
        "CurrentVersion": "", "User": "", "IsAdmin": False, "AuthnMethod": ""}
    assert Registry(server.url(), "admin", ADMIN_PASSWORD + "x").get("/basic_info").status_code == 401


def test_features_are_all_licensed(admin):
    features = admin.get("/api/v0/meta/features").json()
    assert set(features) == {"db_version", "metadataStoreOptedIn", "mirroringLicensed", "onlineGCEnabled",
                             "promotionLicensed", "scanningEnabled", "scanningLicensed", "ucpHost"}
    assert all(value is True for name, value in features.items() if name.endswith("Licensed"))


def test_version_and_metrics(admin, anonymous):
    assert admin.get("/api/v0/admin/version").json()["version"]
    assert "assay_requests_total" in admin.get("/api/v0/admin/metrics").text
    assert anonymous.get("/api/v0/admin/metrics").status_code == 401


def test_a_trailing_slash_is_accepted(admin):
    assert admin.get("/api/v0/meta/features/").status_code == 200


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/api/v0/no/such/route", 404, "NOT_FOUND"),
    ("GET", "/enzi/v0/nothing", 404, "NOT_FOUND"),
    ("GET", "/api/v1/nothing", 404, "NOT_FOUND"),
    ("PUT", "/api/v0/meta/features", 405, "NOT_ALLOWED"),
    ("GET", "/api/v0/%2e%2e/x", 400, "INVALID_PARAMETERS"),
])
def test_every_refusal_has_a_code_and_a_message(admin, method, path, status, code):
    answer = admin.request(method, path)
    assert answer.status_code == status
    error = answer.json()["errors"][0]
    assert error["code"] == code and error["message"]


def test_without_credentials_it_is_not_authenticated(anonymous):
    answer = anonymous.get("/api/v0/meta/features")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "NOT_AUTHENTICATED"
