"""Sessions: log-in by form and JSON, the cookie, the CSRF token, the bearer of scripts, limits and the end of a session."""

import contextlib
import shutil
import sqlite3

import pytest

from harness.client import Registry, assert_error
from harness.people import People, unique
from harness.server import ADMIN_PASSWORD, wait_for

SESSION = "/api/v1/session"
CREDENTIALS = {"username": "admin", "password": ADMIN_PASSWORD}
OTHER_PASSWORD = "another good long password"


def browser(server, https=False, ca=None):
    """A client that keeps cookies and sends no other credentials."""
    return Registry(server.url("https") if https else server.url(), verify=str(ca) if ca else True)


def log_in(server, credentials=None, **options):
    client = browser(server, **options)
    answer = client.post("/login", data=credentials or CREDENTIALS)
    assert answer.status_code == 200, answer.text
    client.csrf = {"X-Csrf-Token": answer.json()["csrfToken"]}
    return client


def bearer(server, credentials=None):
    answer = Registry(server.url()).post("/auth/login", json=credentials or CREDENTIALS)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["auth_token"]
    return Registry(server.url(), token=answer.json()["auth_token"])


def is_in(client):
    answer = client.get(SESSION)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


# The log-in.

def test_a_form_gives_a_cookie_and_says_who_it_is(server):
    client = browser(server)
    answer = client.post("/login", data=CREDENTIALS)
    assert answer.status_code == 200
    body = answer.json()
    assert body["username"] == "admin" and body["isAdmin"] is True and body["authnMethod"] == "Session"
    for once in ("failedLogins", "lastFailedAt"):  # told at the log-in alone, on a server that other cases share
        body.pop(once, None)
    assert client.get(SESSION).json() == body
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("assay=assay_ses_") and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Path=/" in cookie and "Secure" not in cookie and "Max-Age=3600" in cookie
    assert client.get("/basic_info").json()["AuthnMethod"] == "Session"
    assert client.get("/basic_info").json()["User"] == "admin"


def test_a_browser_is_sent_on_and_json_is_as_good_as_a_form(server):
    client = browser(server)
    answer = client.post("/login", data=CREDENTIALS, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 303 and answer.headers["Location"] == "/" and is_in(client)
    client = browser(server)
    assert client.post("/login", json=CREDENTIALS).status_code == 200 and is_in(client)


def test_over_https_the_cookie_is_the_host_s_alone(server, ca_file):
    client = log_in(server, https=True, ca=ca_file)
    assert is_in(client)
    cookie = next(iter(client.session.cookies))
    assert cookie.name == "__Host-assay" and cookie.secure and cookie.path == "/"
    # Neither kind of cookie counts on the other kind of connection.
    assert Registry(server.url()).get(SESSION, headers={"Cookie": f"__Host-assay={cookie.value}"}).status_code == 401
    plain = Registry(server.url("https"), verify=str(ca_file))
    assert plain.get(SESSION, headers={"Cookie": f"assay={cookie.value}"}).status_code == 401


def test_behind_a_proxy_that_does_the_tls_the_cookie_is_secure(new_server):
    server = new_server("--trusted-proxies", "127.0.0.1/32", "--external-url", "https://registry.example.com")
    outside = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "Host": "registry.example.com"}
    answer = browser(server).post("/login", data=CREDENTIALS, headers=outside | {"Origin": "https://registry.example.com"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-assay=") and "; Secure" in cookie
    session = outside | {"Cookie": cookie.split(";")[0]}
    assert Registry(server.url()).get("/api/v1/sessions", headers=session).json()[0]["address"] == "192.0.2.7"
    ours = session | {"X-Csrf-Token": answer.json()["csrfToken"], "Origin": "https://registry.example.com"}
    for origin, status in (("http://registry.example.com", 403), ("https://registry.example.com.evil.org", 403),
                           ("https://registry.example.com", 204)):
        assert change(Registry(server.url()), headers=ours | {"Origin": origin}).status_code == status, origin


@pytest.mark.parametrize("credentials", [
    {"username": "admin", "password": "wrong"}, {"username": "nobody", "password": ADMIN_PASSWORD},
    {"username": "admin", "password": ""}, {"username": "", "password": ""},
    {"username": "a\u0000dmin", "password": "x"}, {"username": "admin", "password": "x" * 5000},
])
def test_wrong_is_401_and_tells_nothing(server, credentials):
    bodies = set()
    for path, sent in (("/login", {"data": credentials}), ("/auth/login", {"json": credentials})):
        if "\u0000" in credentials["username"] or not credentials["username"]:
            sent = {"json": {"username": "nobody", "password": "x"}}
        answer = browser(server).post(path, **sent)
        assert answer.status_code == 401 and "Set-Cookie" not in answer.headers
        assert answer.headers["WWW-Authenticate"].startswith("Session ")
        bodies.add(str([error["message"] for error in answer.json()["errors"]]))
    assert bodies == {"['the credentials are not valid']"}


@pytest.mark.parametrize("body, about", [
    ("username=admin", "password"), ("password=x", "username"), ("", "username"),
    ('{"username": "admin"}', "password"), ('{"username": 5, "password": "x"}', "username"), ("{", ""),
    ("username=a&username=b&password=c", "username"), ("username=%zz&password=c", ""),
])
def test_a_malformed_log_in_is_400_and_names_the_field(server, body, about):
    answer = browser(server).post("/login", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400
    assert about in answer.json()["errors"][0]["message"]


def test_a_log_in_is_never_a_get_and_bodies_are_bounded(server):
    assert browser(server).get("/login", params=CREDENTIALS).status_code == 405
    assert browser(server).get("/logout").status_code == 405
    assert browser(server).post("/login", data={"username": "a", "password": "x" * 20000}).status_code == 413


def test_the_session_is_new_at_each_log_in(server):
    client = log_in(server)
    before = dict(client.session.cookies)
    second = client.post("/login", data=CREDENTIALS)
    assert second.json()["csrfToken"] != client.csrf["X-Csrf-Token"]
    stale = browser(server)
    stale.session.cookies.update(before)
    assert not is_in(stale) and is_in(client)


# CSRF.

def change(client, **kw):
    """A change that a session may make: it ends the account's other sessions."""
    return client.delete("/api/v1/sessions", **kw)


def test_a_change_by_session_needs_its_token(server):
    client, other = log_in(server), log_in(server)
    for headers in ({}, {"X-Csrf-Token": ""}, {"X-Csrf-Token": "0" * 64}, other.csrf):
        assert_error(change(client, headers=headers), 403, "CSRF_TOKEN_INVALID")
    assert is_in(other)
    assert change(client, headers=client.csrf).status_code == 204
    assert not is_in(other) and is_in(client)


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
])
def test_a_page_of_another_origin_changes_nothing(server, headers):
    client = log_in(server)
    assert change(client, headers=client.csrf | headers).status_code == 403
    assert client.post("/logout", headers=headers).status_code == 403
    assert is_in(client)
    assert browser(server).post("/login", data=CREDENTIALS, headers=headers).status_code == 403
    assert browser(server).post("/auth/login", json=CREDENTIALS, headers=headers).status_code == 403


def test_a_page_of_ours_may(server):
    client = log_in(server)
    same = client.csrf | {"Origin": server.url(), "Sec-Fetch-Site": "same-origin"}
    assert change(client, headers=same).status_code == 204


def test_a_cookie_is_nothing_to_the_registry_protocol(server, image, repo):
    client = log_in(server)
    assert client.get("/v2/").status_code == 401
    assert client.pull_manifest(repo, "v1").status_code == 401
    assert Registry(server.url()).get("/auth/token").json().keys() == client.get("/auth/token").json().keys()
    assert client.get("/auth/token", params={"scope": f"repository:{repo}:pull", "offline_token": "true"}).json().get(
        "refresh_token") is None


def test_two_cookies_of_the_name_are_none(server):
    client = log_in(server)
    value = next(iter(client.session.cookies)).value
    alone = Registry(server.url())
    assert alone.get(SESSION, headers={"Cookie": f"x=1; assay={value}; y"}).status_code == 200
    assert alone.get(SESSION, headers={"Cookie": f"assay=planted; assay={value}"}).status_code == 401
    assert alone.get(SESSION, headers={"Cookie": f"Assay={value}"}).status_code == 401


def test_a_body_by_session_must_be_one_that_no_form_can_send(server):
    client = log_in(server)
    name = unique("org")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
        headers = client.csrf | ({"Content-Type": kind} if kind else {})
        answer = client.post("/enzi/v0/accounts", data=b'{"name": "%s", "isOrg": true}' % name.encode(), headers=headers)
        assert_error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert client.get(f"/enzi/v0/accounts/{name}").status_code == 404
    assert client.post("/enzi/v0/accounts", json={"name": name, "isOrg": True}, headers=client.csrf).status_code == 201


# Scripts.

def test_the_token_of_a_script_opens_the_management_side(server):
    client = bearer(server)
    assert client.get(SESSION).json()["username"] == "admin"
    assert client.get("/api/v0/admin/version").status_code == 200
    assert client.get("/v2/").status_code == 401
    assert client.get("/auth/token").status_code == 401
    other = bearer(server)
    assert change(client).status_code == 204  # no cookie, no CSRF token
    assert is_in(client) and not is_in(other)
    assert client.post("/logout").status_code == 204 and not is_in(client)


def test_what_curl_calls_a_form_is_read_as_json(server):
    answer = Registry(server.url()).post("/auth/login", data='{"username":"admin","password":"%s"}' % ADMIN_PASSWORD,
                                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 200 and answer.json()["auth_token"].startswith("assay_ses_")
    assert "Set-Cookie" not in answer.headers


# The end.

def test_after_the_log_out_the_cookie_is_worth_nothing(server):
    client = log_in(server)
    copy = browser(server)
    copy.session.cookies.update(client.session.cookies)
    assert is_in(copy)
    answer = client.post("/logout")
    assert answer.status_code == 204 and "Max-Age=0" in answer.headers["Set-Cookie"]
    assert not is_in(copy)
    assert client.post("/logout").status_code == 204  # again is no error


def test_sessions_are_listed_and_ended_by_name(server):
    client, other = log_in(server), bearer(server)
    mine = client.get("/api/v1/sessions").json()
    assert [item["isCurrent"] for item in mine].count(True) == 1
    name = next(item["id"] for item in other.get("/api/v1/sessions").json() if item["isCurrent"])
    ended = f"/api/v1/sessions/{name}"
    assert client.delete(ended).status_code == 403
    assert client.delete(ended, headers=client.csrf).status_code == 204
    assert not is_in(other)
    assert_error(client.delete(ended, headers=client.csrf), 404, "NO_SUCH_SESSION")


def test_the_least_recently_used_session_gives_way(new_server):
    server = new_server()
    server.admin("set", "session-limit", "3")
    first, second, third = (log_in(server) for _ in range(3))
    assert is_in(second) and is_in(third) and is_in(first)
    fourth = log_in(server)
    assert is_in(first) and not is_in(second) and is_in(third) and is_in(fourth)


def test_a_new_password_ends_every_session(new_server):
    server = new_server()
    client, script = log_in(server), bearer(server)
    assert is_in(client) and is_in(script)
    server.admin("password", "admin", stdin=OTHER_PASSWORD + "\n")
    wait_for(lambda: not is_in(client) and not is_in(script))
    assert is_in(log_in(server, {"username": "admin", "password": OTHER_PASSWORD}))


def test_sessions_outlive_a_restart_and_cookies_need_not_outlive_the_browser(new_server):
    server = new_server()
    client = log_in(server)
    server.stop()
    server.start()
    client.url = server.url()
    server.admin("set", "persist-cookies", "off")
    wait_for(lambda: "Max-Age" not in browser(server).post("/login", data=CREDENTIALS).headers["Set-Cookie"])
    again = Registry(server.url())
    value = next(iter(client.session.cookies)).value
    assert again.get(SESSION, headers={"Cookie": f"assay={value}"}).status_code == 200


def age_sessions(server, minutes):
    """As if so many minutes had gone by since the sessions were last renewed."""
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / "assay.db")) as database, database:
        database.execute("UPDATE sessions SET expires_at = expires_at - ?, used_at = used_at - ?, created_at = created_at - ?",
                         [minutes * 60_000_000] * 3)
    server.start()


@pytest.mark.sqlite
def test_use_renews_a_session_and_its_cookie(new_server):
    server = new_server()
    client = log_in(server)
    for minutes, is_renewed in ((30, False), (15, True), (30, False), (61, None)):
        age_sessions(server, minutes)
        client.url = server.url()
        answer = client.get(SESSION)
        assert (answer.status_code == 200) == (is_renewed is not None)
        assert ("Max-Age=3600" in answer.headers.get("Set-Cookie", "")) == bool(is_renewed), minutes


@pytest.mark.sqlite
def test_no_secret_is_kept(new_server):
    """Neither the database nor the log knows an id of a session, its CSRF token, an access token or a service's secret."""
    server = new_server()
    admin = Registry(server.url(), "admin", server.password)
    client, script = log_in(server), bearer(server)
    client.get(SESSION)
    secrets = {next(iter(client.session.cookies)).value, client.csrf["X-Csrf-Token"],
               script.session.headers["Authorization"].split()[1], server.password,
               admin.post("/api/v0/api_tokens", json={}).json()["token"],
               admin.post("/api/v1/accounts/admin/services", json={"label": "ci"}).json()["secret"],
               admin.fetch_token(offline_token="true")["refresh_token"]}
    assert len(secrets) == 7
    for secret in secrets:
        Registry(server.url(), "admin", secret).get("/v2/")
        Registry(server.url(), token=secret).get("/v2/")
    server.stop()
    kept = b"".join(path.read_bytes() for path in [server.log_path, *server.data.rglob("assay.db*")])
    for secret in secrets:
        assert secret.encode() not in kept and secret[10:].encode() not in kept


def test_the_banner_is_for_everybody(new_server):
    server = new_server()
    anyone = Registry(server.url())
    assert anyone.get("/api/v1/banner").json() == {"text": ""}
    for text, shown in (("Authorised <users> only. Ä", "Authorised <users> only. Ä"), ("off", "")):
        server.admin("set", "login-banner", text)
        wait_for(lambda: anyone.get("/api/v1/banner").json() == {"text": shown})


def test_log_in_and_out_are_on_record(admin, server):
    user = People(admin).user()
    client = browser(server)
    credentials = {"username": user.user, "password": user.password}
    assert client.post("/login", data=credentials | {"password": "wrong"}).status_code == 401
    answers = [client.post("/login", data=credentials), client.post("/logout")]
    records = [admin.get("/api/v1/audit", params={"request": answer.headers["X-Request-Id"]}).json()["records"]
               for answer in answers]
    assert [[(record["action"], record["account"], record["objectKind"], record["address"]) for record in found]
            for found in records] == [[(action, user.user, "session", "127.0.0.1")] for action in ("LOGIN", "LOGOUT")]
    assert records[0][0]["object"] == records[1][0]["object"]
    failed = admin.get("/api/v1/audit", params={"account": user.user, "action": "LOGIN_FAILED"}).json()["records"]
    assert [record["outcome"] for record in failed] == ["refused"]


def test_a_page_s_own_requests_open_no_window_for_passwords(anonymous):
    for mode, scheme in ((None, "Basic"), ("navigate", "Basic"), ("cors", "Session"), ("same-origin", "Session")):
        answer = anonymous.get(SESSION, headers={"Sec-Fetch-Mode": mode} if mode else {})
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].split()[0] == scheme


# Revocation: what each kind of credential is worth afterwards, within 5 s.

def worth(registry, repo, refresh, bought, session):
    """Which of password, refresh token, token and session still open something."""
    renewed = Registry(registry.url).post("/auth/token", data={
        "grant_type": "refresh_token", "refresh_token": refresh, "client_id": "test", "service": "x"})
    return {"password": registry.get("/v2/").status_code == 200, "refresh": renewed.status_code == 200,
            "token": bought.pull_manifest(repo, "v1").status_code == 200, "session": is_in(session)}


def buy(user, repo):
    granted = user.fetch_token(f"repository:{repo}:pull", offline_token="true")
    session = bearer_of(user)
    return granted["refresh_token"], user.bearer(granted["token"]), session


def bearer_of(user):
    answer = Registry(user.url).post("/auth/login", json={"username": user.user, "password": user.password})
    return Registry(user.url, token=answer.json()["auth_token"])


@pytest.fixture
def owned(admin):
    """A user with a repository of its own that holds `v1`."""
    user = People(admin).user()
    user.push_image(f"{user.user}/app", "v1")
    return user, f"{user.user}/app"


ALL = {"password": True, "refresh": True, "token": True, "session": True}


def test_an_account_s_revocation_voids_all_but_the_password(owned, admin):
    user, repo = owned
    things = buy(user, repo)
    assert worth(user, repo, *things) == ALL
    assert admin.post(f"/api/v1/accounts/{user.user}/revoke").status_code == 204
    assert worth(user, repo, *things) == dict.fromkeys(ALL, False) | {"password": True}
    assert worth(user, repo, *buy(user, repo)) == ALL
    assert user.post(f"/api/v1/accounts/{user.user}/revoke").status_code == 204
    stranger = People(admin).user()
    assert stranger.post(f"/api/v1/accounts/{user.user}/revoke").status_code == 404


def test_a_refresh_token_is_revoked_by_itself(owned):
    user, repo = owned
    things = buy(user, repo)
    for token in (things[0], things[0], "nothing"):
        assert Registry(user.url).post("/auth/revoke", data={"token": token}).status_code == 200
    assert worth(user, repo, *things) == ALL | {"refresh": False}
    assert Registry(user.url).post("/auth/revoke", data={}).status_code == 400


def test_a_session_s_end_is_its_own(owned):
    user, repo = owned
    things = buy(user, repo)
    assert things[2].post("/logout").status_code == 204
    assert worth(user, repo, *things) == ALL | {"session": False}


def test_an_account_switched_off_is_worth_nothing_and_nor_is_what_it_had(owned, admin):
    user, repo = owned
    things = buy(user, repo)
    personal = Registry(user.url, user.user, user.post("/api/v0/api_tokens", json={}).json()["token"])
    assert personal.pull_manifest(repo, "v1").status_code == 200
    assert admin.patch(f"/enzi/v0/accounts/{user.user}", json={"isActive": False}).status_code == 200
    assert worth(user, repo, *things) == dict.fromkeys(ALL, False)
    assert personal.pull_manifest(repo, "v1").status_code == 401
    assert admin.patch(f"/enzi/v0/accounts/{user.user}", json={"isActive": True}).status_code == 200
    assert worth(user, repo, *things) == dict.fromkeys(ALL, False) | {"password": True}


def test_what_one_node_revokes_is_void_on_the_others(cluster, new_server):
    """Two nodes on one PostgreSQL: within 5 s, and a log-out at once."""
    database = cluster.url(cluster.new_database())
    first = new_server("--database", database, name="first")
    (first.data.parent / "second").mkdir()
    shutil.copy(first.data / "key", first.data.parent / "second" / "key")
    second = new_server("--database", database, "--storage", f"file:{first.data}/blobs", name="second")
    admin = Registry(first.url(), "admin", first.password)
    session = bearer_of(admin)
    there = Registry(second.url(), token=session.session.headers["Authorization"].split()[1])
    user = People(admin).user()
    theirs = Registry(second.url(), token=bearer_of(user).session.headers["Authorization"].split()[1])
    assert is_in(there) and is_in(theirs)
    assert session.post("/logout").status_code == 204
    assert not is_in(there)
    assert admin.post(f"/api/v1/accounts/{user.user}/revoke").status_code == 204
    wait_for(lambda: not is_in(theirs), seconds=10)
