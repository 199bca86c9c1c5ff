"""Group B: rights, confused scopes, ids of others and leaks. The matrix of all routes is test_b_23_matrix.py."""

import itertools
import json
import re

import pytest

from harness import oci
from harness.client import Registry, assert_error
from harness.people import People, refused, unique
from harness.server import ADMIN_PASSWORD, run_assay

DIGEST = "sha256:" + "0" * 64


class Neighbours:
    """Two organisations with an owner each, a private repository each, and somebody who belongs to neither."""

    def __init__(self, server):
        self.root = Registry(server.url(), "admin", ADMIN_PASSWORD)
        self.people = people = People(self.root)
        self.a, self.b = people.org(), people.org()
        self.owner, self.other, self.bob = people.member(self.a, owner=True), people.member(self.b, owner=True), people.user()
        for org in (self.a, self.b):
            self.repository(org, "app")
        self.image = self.root.push_image(f"{self.a}/app", "v1")
        self.secret = self.root.push_image(f"{self.b}/app", "v1")

    def repository(self, org, name, **fields):
        answer = self.root.post(f"/api/v0/repositories/{org}", json={"name": name, "visibility": "private"} | fields)
        assert answer.status_code == 201, answer.text
        return f"{org}/{name}"


@pytest.fixture(scope="session")
def two(server):
    return Neighbours(server)


def same_but_for(answer, *names):
    """What an answer says, without the names that were asked for and the request's id."""
    text = answer.text
    for name in names:
        text = text.replace(name, "*")
    headers = {name: re.sub("|".join(map(re.escape, names)), "*", value) for name, value in answer.headers.items()
               if name not in ("Date", "X-Request-Id", "Content-Length")}
    return answer.status_code, text, headers


def test_B_01_who_may_only_create_tags_moves_none(two):
    """A pusher: an existing tag stays by each road, a new one is made."""
    name = two.repository(two.a, unique("create"))
    first, second = two.root.push_image(name, "latest"), two.root.push_image(name)
    pusher = two.people.user()
    answer = two.root.post("/api/v1/grants", json={"user": pusher.user, "role": "pusher", "repository": name})
    assert answer.status_code == 201, answer.text
    for answer in (pusher.put_manifest(name, "latest", second.data),
                   pusher.put(f"/v2/{name}/manifests/{second.digest}", params={"tag": "latest"}, data=second.data,
                              headers={"Content-Type": second.media_type})):
        assert answer.status_code in (401, 403), answer.text
    assert pusher.delete(f"/v2/{name}/manifests/latest").status_code == 401
    assert two.root.pull_manifest(name, "latest").content == first.data
    assert pusher.put_manifest(name, "new", second.data).status_code == 201


def test_B_02_deletes_that_are_switched_off(new_server):
    server = new_server("--allow-delete=off")
    root = Registry(server.url(), "admin", ADMIN_PASSWORD)
    image = root.push_image("admin/kept", "v1")
    for path in ("/v2/admin/kept/manifests/v1", f"/v2/admin/kept/manifests/{image.digest}",
                 f"/v2/admin/kept/blobs/{oci.digest(image.layers[0])}", "/api/v0/repositories/admin/kept/tags/v1",
                 "/api/v0/repositories/admin/kept"):
        answer = root.delete(path)
        assert answer.status_code == 405, f"{path}: {answer.status_code} {answer.text}"
    assert root.pull_manifest("admin/kept", "v1").content == image.data


READS = [("GET", "/v2/{}/manifests/v1"), ("HEAD", "/v2/{}/manifests/v1"), ("GET", "/v2/{}/manifests/" + DIGEST),
         ("GET", "/v2/{}/blobs/" + DIGEST), ("HEAD", "/v2/{}/blobs/" + DIGEST), ("GET", "/v2/{}/tags/list"),
         ("GET", "/v2/{}/referrers/" + DIGEST), ("GET", "/v2/{}/blobs/uploads/" + "0" * 32),
         ("GET", "/api/v0/repositories/{}"), ("GET", "/api/v0/repositories/{}/tags"),
         ("GET", "/api/v0/repositories/{}/tags/v1"), ("GET", "/api/v0/repositories/{}/teamAccess"),
         ("DELETE", "/api/v0/repositories/{}"), ("PATCH", "/api/v0/repositories/{}")]


@pytest.mark.parametrize("method, path", READS, ids=lambda part: part)
@pytest.mark.parametrize("who", ["nobody", "bob"])
def test_B_04_what_is_hidden_looks_like_what_is_not_there(two, no_effect, who, method, path):
    caller = two.root.anonymous() if who == "nobody" else two.bob
    hidden, missing = f"{two.a}/app", f"{two.a}/xyz"
    body = {"json": {}} if method == "PATCH" else {}
    with no_effect():
        answers = [same_but_for(caller.request(method, path.format(name), **body), name) for name in (hidden, missing)]
    assert answers[0] == answers[1]
    assert answers[0][0] in (401, 404)


def test_B_06_the_catalog_shows_what_may_be_pulled_and_nothing_else(two):
    public = two.repository(two.b, unique("open"), visibility="public")
    two.root.push_image(public, "v1")
    for caller in (two.root.anonymous().with_token("registry:catalog:*"), two.bob, two.bob.with_token("registry:catalog:*")):
        seen, path = [], "/v2/_catalog?n=1"
        while path:
            answer = caller.get(path)
            assert answer.status_code == 200, answer.text
            seen += answer.json()["repositories"]
            path = answer.headers["Link"].split(">")[0][1:] if "Link" in answer.headers else None
        assert public in seen and f"{two.a}/app" not in seen and f"{two.b}/app" not in seen
        answers = [caller.get("/v2/_catalog", params={"last": name}) for name in (f"{two.a}/app", f"{two.a}/aqq")]
        assert answers[0].json() == answers[1].json()


def test_B_07_a_digest_is_no_capability(two):
    """Who knows the digest of a private layer has nothing: no read, no mount, no manifest with it, no upload without bytes."""
    mine = f"{two.bob.user}/x"
    two.bob.push_image(mine, "v1")
    layer, child = oci.digest(two.secret.layers[0]), two.secret.digest
    for method in ("GET", "HEAD"):
        assert two.bob.request(method, f"/v2/{mine}/blobs/{layer}").status_code == 404
    for query in ({"mount": layer, "from": f"{two.b}/app"}, {"mount": layer}):
        answer = two.bob.post(f"/v2/{mine}/blobs/uploads/", params=query)
        assert answer.status_code == 202 and layer not in repr(answer.headers)
    manifest = oci.manifest(oci.descriptor(two.secret.config, oci.OCI_CONFIG),
                            [oci.descriptor(two.secret.layers[0], oci.OCI_LAYER_GZIP)])
    assert_error(two.bob.put_manifest(mine, "stolen", manifest), 400, "MANIFEST_BLOB_UNKNOWN")
    for body in (b"", b"other bytes"):
        assert_error(two.bob.finish_upload(two.bob.start_upload(mine), layer, body), 400, "DIGEST_INVALID")
    index = oci.index([{"mediaType": oci.OCI_MANIFEST, "digest": child, "size": len(two.secret.data)}])
    assert_error(two.bob.put_manifest(mine, "stolen", index), 400, "MANIFEST_BLOB_UNKNOWN")
    assert two.bob.push_blob(mine, two.secret.layers[0]) == layer, "true bytes are welcome"


def test_B_08_what_was_taken_out_of_one_repository_stays_out(two):
    one, other = (two.repository(two.a, unique("blob")) for _ in range(2))
    blob = oci.random_blob(100)
    digest = two.root.push_blob(one, blob)
    assert two.root.push_blob(other, blob) == digest
    assert two.root.delete(f"/v2/{one}/blobs/{digest}").status_code == 202
    for _ in range(100):
        assert two.root.get(f"/v2/{other}/blobs/{digest}").status_code == 200
        assert two.root.get(f"/v2/{one}/blobs/{digest}").status_code == 404


def test_B_10_a_token_has_the_same_rights_by_every_road(two):
    """A token narrowed to pulls of one repository: as a password, and exchanged at the token service; never in a query."""
    made = two.owner.post("/api/v0/api_tokens", json={"tokenLabel": unique("narrow"),
                                                        "scopes": [{"path": f"{two.a}/app", "actions": ["pull"]}]})
    assert made.status_code == 200, made.text
    token = made.json()["token"]
    by_password = Registry(two.root.url, two.owner.user, token)
    exchanged = by_password.with_token(f"repository:{two.a}/app:pull,push,delete")
    for caller in (by_password, exchanged):
        assert caller.pull_manifest(f"{two.a}/app", "v1").status_code == 200
        assert caller.post(f"/v2/{two.a}/app/blobs/uploads/").status_code == 401
        assert caller.delete(f"/v2/{two.a}/app/manifests/v1").status_code == 401
    for name in ("token", "access_token", "auth_token", "password", "api_key"):
        assert two.root.anonymous().get(f"/v2/{two.a}/app/tags/list", params={name: token}).status_code == 401
        assert two.root.anonymous().get(f"/api/v0/repositories/{two.a}/app", params={name: token}).status_code == 401


def test_B_13_fields_of_others_are_not_bound(two):
    """On DTR's routes they are ignored and named, on ours refused; either way nothing changes."""
    user = two.people.user()
    before = two.root.get(f"/enzi/v0/accounts/{user.user}").json()
    extra = {"isAdmin": True, "admin": True, "role": "admin", "id": "1", "user_id": 1, "verified": True, "quota": -1}
    answer = user.patch(f"/enzi/v0/accounts/{user.user}", json={"fullName": before["fullName"]} | extra)
    assert answer.status_code in (200, 400, 403), answer.text
    assert two.root.get(f"/enzi/v0/accounts/{user.user}").json() == before
    assert user.get("/basic_info").json()["IsAdmin"] is False
    answer = two.root.post("/api/v1/roles", json={"name": unique("role"), "verbs": ["pull"], "isBuiltIn": True, "id": 1})
    refused(answer, 400, "INVALID_JSON")


def test_B_14_ids_of_others_are_not_there(two, no_effect):
    """Teams, grants, service accounts and tokens of one organisation, asked for by the owner of another."""
    team = two.people.team(two.b, name=unique("team"))
    grant = two.root.post("/api/v1/grants", json={"team": f"{two.b}/{team}", "role": "read-only", "repository": f"{two.b}/app"})
    assert grant.status_code == 201, grant.text
    service = two.root.post(f"/api/v1/accounts/{two.b}/services", json={"label": unique("ci")}).json()
    token = two.other.post("/api/v0/api_tokens", json={"tokenLabel": unique("x")}).json()["hashedToken"]
    label = service["name"].split("/")[-1]
    calls = [(method, path) for method, path in itertools.product(("GET", "DELETE", "PATCH"), (
        f"/enzi/v0/accounts/{two.a}/teams/{team}", f"/enzi/v0/accounts/{two.b}/teams/{team}",
        f"/api/v1/accounts/{two.a}/services/{label}", f"/api/v1/accounts/{two.b}/services/{label}",
        f"/api/v0/api_tokens/{token}"))] + [
            (method, f"/api/v1/grants/{grant.json()['id']}") for method in ("GET", "DELETE")]
    with no_effect():
        for method, path in calls:
            answer = two.owner.request(method, path, **({"json": {}} if method == "PATCH" else {}))
            assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
            assert path.startswith(f"/enzi/v0/accounts/{two.b}") or path.startswith(f"/api/v1/accounts/{two.b}") or (
                two.b not in answer.text), "whose it is"


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND")
UNKNOWN = ("/debug", "/debug/pprof/", "/internal", "/admin", "/actuator", "/v1", "/.git/config", "/api/v0",
           "/api/v2/x", "/enzi", "/server-status", "/console")


def test_B_16_no_method_but_those_that_are_described(two):
    """Each method on each path of the description: those that are not listed are 405, 404 or no method at all."""
    paths = two.root.anonymous().get("/api/openapi.json").json()["paths"]
    fill = {"name": "x/y", "namespace": two.a, "digest": DIGEST, "reference": "none", "account": two.a, "id": "0" * 32}
    for pattern, known in paths.items():
        path = re.sub(r"{(\w+)}", lambda hole: fill.get(hole.group(1), "none"), pattern)
        for method in METHODS:
            if method.lower() in known:
                continue
            answer = two.root.anonymous().request(method, path)
            assert answer.status_code in (400, 401, 404, 405, 501), f"{method} {path}: {answer.status_code}"
            if answer.status_code == 405:
                assert set(answer.headers["Allow"].split(", ")) >= {one.upper() for one in known}


@pytest.mark.parametrize("path", UNKNOWN)
def test_B_16_nothing_stands_beside_the_description(two, path):
    for method in METHODS[:5]:
        assert two.root.request(method, path).status_code in (400, 404, 405)


def test_B_19_counters_are_for_admins(two):
    for path in ("/metrics", "/api/v0/admin/metrics"):
        assert two.root.anonymous().get(path).status_code == 401
        assert two.bob.get(path).status_code == 403
        assert two.root.get(path).status_code == 200
    version = run_assay("version").stdout.split()[-1]
    for path in ("/livez", "/readyz", "/_ping", "/health", "/basic_info", "/v2/"):
        answer = two.root.anonymous().get(path)
        assert version not in answer.text and "Server" not in answer.headers


@pytest.mark.parametrize("query", [{"sort": "password_hash"}, {"q": "password=~a"}, {"fields": "*"}, {"filter": "password"},
                                   {"order": "last_login"}, {"include": "credentials.secret"}])
def test_B_20_no_query_reaches_a_column(two, query):
    """What is not a filter or an order of the list is refused by name; no hash comes out."""
    for path in ("/enzi/v0/accounts", "/api/v0/repositories", "/api/v1/audit", "/api/v0/api_tokens", "/api/v1/grants"):
        asked = two.root.get(path, params=query)
        assert asked.status_code == 400, f"{path}: {asked.status_code} {asked.text[:300]}"
        assert next(iter(query)) in asked.text
        assert not re.search(r"argon2|passwordHash|password_hash=|\$v=19", asked.text)


def test_B_22_an_immutable_tag_stays_by_every_road(two):
    name = two.repository(two.a, unique("fixed"), immutableTags=True)
    first, second = two.root.push_image(name, "v1"), two.root.push_image(name)
    for answer in (two.root.put_manifest(name, "v1", second.data), two.root.delete(f"/v2/{name}/manifests/v1"),
                   two.root.delete(f"/v2/{name}/manifests/{first.digest}"),
                   two.root.delete(f"/api/v0/repositories/{name}/tags/v1"),
                   two.root.put(f"/v2/{name}/manifests/{second.digest}", params={"tag": "v1"}, data=second.data,
                                headers={"Content-Type": second.media_type})):
        assert answer.status_code in (403, 409), f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
    answer = two.root.pull_manifest(name, "v1")
    assert answer.status_code == 200 and answer.content == first.data
    assert json.loads(two.root.get(f"/api/v0/repositories/{name}/tags").text)
