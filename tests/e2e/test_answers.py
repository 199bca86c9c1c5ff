"""Who gets which answer: the challenge, Basic on every route, too few rights, unknown names, identical refusals."""

import pytest

from harness import oci
from harness.client import Registry, assert_error, challenge
from harness.server import ADMIN_PASSWORD

UNKNOWN = "sha256:" + "0" * 64

# method, path below /v2/NAME/, action that its challenge asks for, answer to the admin when nothing is there
ROUTES = [
    ("GET", "manifests/v1", "pull", 404),
    ("HEAD", "manifests/v1", "pull", 404),
    ("GET", f"manifests/{UNKNOWN}", "pull", 404),
    ("PUT", "manifests/v1", "push", 400),
    ("DELETE", "manifests/v1", "delete", 404),
    ("DELETE", f"manifests/{UNKNOWN}", "delete", 404),
    ("GET", f"blobs/{UNKNOWN}", "pull", 404),
    ("HEAD", f"blobs/{UNKNOWN}", "pull", 404),
    ("DELETE", f"blobs/{UNKNOWN}", "delete", 404),
    ("POST", "blobs/uploads/", "push", 202),
    ("GET", "blobs/uploads/0", "push", 404),
    ("PATCH", "blobs/uploads/0", "push", 404),
    ("PUT", "blobs/uploads/0", "push", (400, 404)),
    ("DELETE", "blobs/uploads/0", "push", 404),
    ("GET", "tags/list", "pull", 404),
    ("GET", f"referrers/{UNKNOWN}", "pull", 200),
]
IDS = [f"{method} {path.split('/')[0]}-{path.split('/')[1][:7]}" for method, path, _, _ in ROUTES]


# The version check.

def test_v2_challenges_without_credentials(anonymous, server):
    answer = anonymous.get("/v2/")
    assert_error(answer, 401, "UNAUTHORIZED")
    parameters = challenge(answer)
    assert parameters["realm"] == server.url() + "/auth/token"
    assert parameters["service"] in (server.netloc(), server.address()[0])
    assert "scope" not in parameters and "error" not in parameters
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_v2_says_yes_to_good_credentials(admin):
    answer = admin.get("/v2/")
    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert admin.head("/v2/").status_code == 200


def test_v2_without_slash_is_the_same_or_a_redirect_to_it(admin):
    answer = admin.get("/v2")
    assert answer.status_code in (200, 301, 307, 308, 404)
    assert answer.status_code not in (301, 307, 308) or answer.headers["Location"] == "/v2/"


def test_v2_over_tls_names_the_tls_realm(server, ca_file):
    answer = Registry(server.url("https"), verify=str(ca_file)).get("/v2/")
    assert challenge(answer)["realm"] == server.url("https") + "/auth/token"


# Every route.

@pytest.mark.parametrize("method, path, action, status", ROUTES, ids=IDS)
def test_no_credentials(anonymous, repo, method, path, action, status):
    """401 with a challenge that names the scope to ask for, and no `error`."""
    answer = anonymous.request(method, f"/v2/{repo}/{path}")
    assert_error(answer, 401, "UNAUTHORIZED")
    parameters = challenge(answer)
    kind, name, actions = parameters["scope"].split(":")
    assert (kind, name) == ("repository", repo)
    assert action in actions.split(",") or actions == "*"
    assert "error" not in parameters


@pytest.mark.parametrize("method, path, action, status", ROUTES, ids=IDS)
def test_basic_credentials_count_on_every_route(admin, repo, image, method, path, action, status):
    answer = admin.request(method, f"/v2/{repo}-absent/{path}")
    assert answer.status_code in ((status,) if isinstance(status, int) else status), answer.text


@pytest.mark.parametrize("method, path, action, status", ROUTES, ids=IDS)
def test_too_few_rights(admin, repo, image, method, path, action, status):
    """A good token for something else: 401 insufficient_scope with the scope it takes, never 403."""
    answer = admin.with_token("repository:admin/something-else:pull,push").request(method, f"/v2/{repo}/{path}")
    assert_error(answer, 401, "UNAUTHORIZED", "DENIED")
    parameters = challenge(answer)
    assert parameters["error"] == "insufficient_scope"
    assert parameters["scope"].startswith(f"repository:{repo}:")


@pytest.mark.parametrize("method, path, action, status", ROUTES, ids=IDS)
def test_the_challenged_scope_opens_the_route(admin, anonymous, repo, image, method, path, action, status):
    """What the challenge names is what a client asks for: with it the answer is another one."""
    scope = challenge(anonymous.request(method, f"/v2/{repo}/{path}"))["scope"]
    answer = admin.with_token(scope).request(method, f"/v2/{repo}/{path}")
    assert answer.status_code not in (401, 403)


@pytest.mark.parametrize("method, path, action, status", ROUTES, ids=IDS)
def test_private_and_missing_look_alike(anonymous, repo, image, method, path, action, status):
    """Anonymous learns nothing: the two refusals differ in the echoed name only."""
    missing = "admin/" + "x" * (len(repo) - len("admin/"))
    pair = [anonymous.request(method, f"/v2/{name}/{path}") for name in (repo, missing)]
    texts = [answer.text.replace(name, "NAME") for answer, name in zip(pair, (repo, missing))]
    challenges = [answer.headers["WWW-Authenticate"].replace(name, "NAME") for answer, name in
                  zip(pair, (repo, missing))]
    assert pair[0].status_code == pair[1].status_code == 401
    assert texts[0] == texts[1] and challenges[0] == challenges[1]
    assert set(pair[0].headers) == set(pair[1].headers)


@pytest.mark.parametrize("method, path, action, status", ROUTES, ids=IDS)
def test_a_pull_token_does_not_write(admin, repo, image, method, path, action, status):
    answer = admin.with_token(f"repository:{repo}:pull").request(method, f"/v2/{repo}/{path}")
    if action == "pull":
        assert answer.status_code != 401
    else:
        assert_error(answer, 401, "UNAUTHORIZED", "DENIED")
        assert challenge(answer)["error"] == "insufficient_scope"
    assert Registry(admin.url, "admin", ADMIN_PASSWORD).tags(repo) == ["v1"]


# Public repositories.

def test_anyone_may_pull_what_is_public(anonymous, public_repo, image):
    nobody = anonymous.with_token(f"repository:{public_repo}:pull")
    assert nobody.pull_manifest(public_repo, "v1").content == image.data
    assert nobody.pull_manifest(public_repo, image.digest).content == image.data
    assert nobody.pull_blob(public_repo, image.document["layers"][0]["digest"]).content == image.layers[0]
    assert nobody.tags(public_repo) == ["v1"]
    assert nobody.referrers(public_repo, image.digest) == []


def test_public_without_a_token_is_served_or_challenged(anonymous, public_repo, image):
    answer = anonymous.get(f"/v2/{public_repo}/manifests/v1")
    assert answer.status_code in (200, 401)
    if answer.status_code == 401:
        assert challenge(answer)["scope"] == f"repository:{public_repo}:pull"
    else:
        assert answer.content == image.data


def test_nobody_writes_to_what_is_public(anonymous, public_repo, image):
    for token in (None, anonymous.token(f"repository:{public_repo}:pull,push,delete")):
        nobody = anonymous.bearer(token) if token else anonymous
        for method, path in (("PUT", "manifests/v2"), ("DELETE", "manifests/v1"), ("POST", "blobs/uploads/"),
                             ("DELETE", f"blobs/{image.document['config']['digest']}")):
            answer = nobody.request(method, f"/v2/{public_repo}/{path}")
            assert_error(answer, 401, "UNAUTHORIZED", "DENIED")


# Names.

def test_an_unknown_namespace(admin):
    """A namespace is an account: below one that is not there nothing can be made, and it is said so."""
    for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/v1"), ("GET", "tags/list")):
        answer = admin.request(method, f"/v2/nosuch/app/{path}", data=b"{}" if method == "PUT" else None,
                               headers={"Content-Type": oci.OCI_MANIFEST})
        assert_error(answer, 404, "NAME_UNKNOWN", detail="nosuch")


@pytest.mark.parametrize("method, path, action, status", ROUTES, ids=IDS)
def test_a_one_component_name(admin, method, path, action, status):
    assert_error(admin.request(method, f"/v2/single/{path}"), 400, "NAME_INVALID")


def test_a_push_makes_a_private_repository(admin, anonymous, repo):
    admin.push_image(repo, "v1")
    assert_error(anonymous.get(f"/v2/{repo}/manifests/v1"), 401)
    assert Registry(anonymous.url, token=anonymous.token(f"repository:{repo}:pull")).get(
        f"/v2/{repo}/manifests/v1").status_code == 401


@pytest.mark.parametrize("name", ["admin/a", "admin/a/b/c/d/e/f", "admin/a.b_c__d-e---f", "admin/0/1/2",
                                  "admin/manifests/x", "admin/blobs/uploads/x", "admin/tags/list-of", "admin/v2"])
def test_every_legal_name_works(admin, name):
    """Words of the protocol are legal inside a name: the right-most keyword decides."""
    image = admin.push_image(name, "v1")
    assert admin.pull_manifest(name, "v1").content == image.data
    assert admin.tags(name) == ["v1"]
    assert admin.delete(f"/v2/{name}/manifests/{image.digest}").status_code == 202


@pytest.mark.parametrize("name", ["admin/blobs", "admin/uploads", "admin/blobs/uploads", "admin/referrers",
                                  "admin/tags", "admin/manifests"])
def test_a_name_that_ends_in_a_word_of_the_protocol(admin, name):
    """Refused by its name, or a name like any other: never half of each."""
    answer = admin.post(f"/v2/{name}/blobs/uploads/")
    if answer.status_code == 202:
        image = admin.push_image(name, "v1")
        assert admin.pull_manifest(name, "v1").content == image.data
    else:
        assert_error(answer, 400, "NAME_INVALID")
        assert_error(admin.get(f"/v2/{name}/manifests/v1"), 400, "NAME_INVALID")


# What must not change an answer.

@pytest.mark.parametrize("headers", [
    {"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1;proto=https"},
    {"X-Remote-User": "admin"}, {"X-WEBAUTH-USER": "admin"}, {"X-Forwarded-User": "admin"}, {"Remote-User": "admin"},
    {"X-Original-URL": "/v2/"}, {"X-HTTP-Method-Override": "DELETE"}, {"Proxy": "http://127.0.0.1:1"},
])
def test_headers_of_strangers_change_nothing(anonymous, repo, image, headers):
    plain = anonymous.get(f"/v2/{repo}/manifests/v1")
    odd = anonymous.get(f"/v2/{repo}/manifests/v1", headers=headers)
    assert odd.status_code == plain.status_code == 401
    assert odd.headers["WWW-Authenticate"] == plain.headers["WWW-Authenticate"]


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Port": "1"}, {"Forwarded": "host=evil.example;proto=https"}, {"Host": "evil.example:443"},
    {"Host": "127.0.0.1.evil.example"}, {"Host": "admin@127.0.0.1"}, {"Host": ""}, {"Host": "127.0.0.1\" x=\""},
])
def test_the_realm_is_never_a_strangers(anonymous, server, headers):
    """A challenge that sent passwords to another host would be worse than none."""
    answer = anonymous.get("/v2/", headers=headers)
    if answer.status_code == 400 and "Host" in headers:
        return
    assert challenge(answer)["realm"].startswith(f"http://{server.address()[0]}:") or \
        challenge(answer)["realm"].startswith("http://localhost:")
    assert "evil" not in answer.text + str(answer.headers)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_realm_follows_a_host_that_names_the_listener(anonymous, server, host):
    port = server.address()[1]
    answer = anonymous.get("/v2/", headers={"Host": f"{host}:{port}"})
    assert challenge(answer)["realm"] == f"http://{host}:{port}/auth/token"


def test_no_cross_origin_reading(anonymous, admin):
    for origin in ("https://evil.example", "null"):
        for registry in (anonymous, admin):
            answer = registry.get("/v2/", headers={"Origin": origin})
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("path", ["/debug", "/debug/pprof", "/internal", "/admin", "/actuator", "/v1",
                                  "/v2/nosuchroute", "/v2/admin/app", "/v2/admin/app/", "/v2/admin/app/manifests",
                                  "/v2/admin/app/manifests/", "/v2/admin/app/blobs/", "/v2/admin/app/tags",
                                  "/v2/admin/app/tags/", "/v2/admin/app/tags/list/", "/v2/_catalog/", "/v2//",
                                  "/v2/admin/app/nosuch/x", "/favicon.ico/x"])
def test_unknown_paths(admin, path):
    answer = admin.get(path)
    assert answer.status_code in (400, 404, 405)
    if path.startswith("/v2/"):
        assert_error(answer, answer.status_code)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "PROPFIND"])
def test_unknown_methods(admin, repo, image, method):
    for path in ("/v2/", f"/v2/{repo}/manifests/v1", "/auth/token"):
        assert admin.request(method, path).status_code in (400, 404, 405, 501)


def test_options_tells_at_most_the_methods(anonymous, repo, image):
    for path in ("/v2/", f"/v2/{repo}/manifests/v1"):
        answer = anonymous.request("OPTIONS", path, headers={"Origin": "https://evil.example"})
        assert answer.status_code in (204, 401, 404, 405) and not answer.content.startswith(b"<")
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
