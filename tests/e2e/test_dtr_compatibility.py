"""docs/dtr-compatibility.md is the truth: it is what tools/compat makes of DTR's API and of the program's tables, and each
of its routes answers as it says: what works is found, what is gone says what stands in its place, the rest is unknown."""

import importlib.machinery
import importlib.util
import re
import subprocess

import pytest

from harness.people import People, unique
from harness.server import REPOSITORY, binary

TOOL = REPOSITORY / "tools" / "compat"
def public_key():
    """In PEM, and another one each time."""
    private = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], capture_output=True, check=True)
    return subprocess.run(["openssl", "ec", "-pubout"], input=private.stdout, capture_output=True, check=True).stdout.decode()


def load():
    loader = importlib.machinery.SourceFileLoader("compat", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("compat", loader))
    loader.exec_module(module)
    return module


compat = load()
FACTS = compat.Facts(compat.FACTS.read_text())


@pytest.fixture(scope="module")
def comparison():
    return compat.Comparison(FACTS, compat.Program(str(binary())))


def test_the_document_is_what_the_tables_make():
    done = subprocess.run([str(TOOL), "--check", str(binary())], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class World:
    """Something for every hole of the routes."""

    def __init__(self, admin):
        self.admin, people = admin, People(admin)
        self.org, self.member = people.org(), people.user()
        people.member(self.org, self.member)
        self.team = people.team(self.org, self.member)
        self.make_repository()

    def make_repository(self):
        self.name = unique("repo")
        self.repository = f"{self.org}/{self.name}"
        made = self.admin.post(f"/api/v0/repositories/{self.org}", json={"name": self.name})
        assert made.status_code == 201, made.text
        self.digest = self.admin.push_image(self.repository, "v1").digest

    def key(self):
        made = self.admin.post(f"/enzi/v0/accounts/{self.member.user}/publicKeys", json={"label": "k", "publicKey": public_key()})
        assert made.status_code == 201, made.text
        return made.json()["id"]

    def job(self):
        made = self.admin.post("/api/v0/jobs", json={"action": "sleep", "scheduledAt": "2999-01-01T00:00:00Z"})
        assert made.status_code == 202, made.text
        return made.json()["id"]

    def worker(self):
        return self.admin.get("/api/v0/workers").json()["workers"][0]["id"]

    def token(self):
        made = self.admin.post("/api/v0/api_tokens", json={"tokenLabel": unique("label")})
        assert made.status_code in (200, 201), made.text
        return made.json()["hashedToken"]

    def webhook(self):
        made = self.admin.post("/api/v0/webhooks", json={"type": "TAG_PUSH", "endpoint": "https://192.0.43.8/"})
        assert made.status_code == 201, made.text
        return made.json()["id"]

    def fill(self, path):
        holes = {
            "namespace": lambda: self.org, "orgname": lambda: self.org, "orgNameOrID": lambda: self.org,
            "username": lambda: self.member.user, "accountNameOrID": lambda: self.member.user,
            "userNameOrID": lambda: self.member.user, "memberNameOrID": lambda: self.member.user,
            "teamname": lambda: self.team, "teamNameOrID": lambda: self.team, "reponame": lambda: self.name,
            "tag": lambda: "v1", "reference": lambda: "v1", "hashedtoken": self.token, "keyID": self.key,
            "name": lambda: self.repository, "jobID": self.job, "action": lambda: "sleep", "id": self.worker,
            "webhook": self.webhook,
        }
        return re.sub(r"\{(\w+)\}", lambda hole: holes.get(hole.group(1), lambda: "x")(), path)


@pytest.fixture(scope="module")
def world(servers, request):
    from harness.client import Registry
    from harness.server import ADMIN_PASSWORD
    server = servers("sqlite")
    return World(Registry(server.url(), "admin", ADMIN_PASSWORD))


# What ends the things that other routes need is asked for a thing of its own.
ENDS = ("DELETE",)


def routes(status):
    """From the document, so that collecting cases needs no program; that it is right is the first test's matter."""
    said = {"works": r"\*works\*", "gone": r"\*gone\*", "awaits": "404 until"}[status]
    return re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \| " + said, compat.DOCUMENT.read_text(), re.M)


BODIES = {  # what it takes to be let in: answers to nothing at all are 400, which is an answer too
    ("PUT", "/api/v0/repositories/{namespace}/{reponame}/teamAccess/{teamname}"): {"accessLevel": "read-only"},
    ("PUT", "/api/v0/repositoryNamespaces/{namespace}/teamAccess/{teamname}"): {"accessLevel": "read-only"},
    ("POST", "/api/v0/crons"): {"action": "sleep", "schedule": "0 0 0 1 1 *"},
    ("POST", "/api/v0/action_configs"): {"action": "sleep"},
}


@pytest.mark.sqlite
@pytest.mark.parametrize("method, path", sorted(routes("works"), key=lambda route: (route[0] in ENDS, -len(route[1]))))
def test_what_works_is_found(world, method, path):
    for other, about in BODIES:  # what is to be shown or taken away is there
        if method in ("GET", "DELETE"):
            world.admin.request(other, world.fill(about), json=BODIES[other, about])
    answer = world.admin.request(method, world.fill(path), json=BODIES.get((method, path), {}) if method != "GET" else None)
    assert answer.status_code not in (404, 405) and answer.status_code < 500, f"{answer.status_code} {answer.text}"
    if method in ENDS and answer.ok:
        world.__init__(world.admin)


@pytest.mark.sqlite
@pytest.mark.parametrize("method, path", routes("gone"))
def test_what_is_gone_says_what_stands_in_its_place(world, method, path):
    answer = world.admin.request(method, world.fill(path), json={})
    assert answer.status_code == 404
    error = answer.json()["errors"][0]
    assert error["code"] == "GONE" and error["message"] in compat.DOCUMENT.read_text()


@pytest.mark.sqlite
@pytest.mark.parametrize("method, path", routes("awaits"))
def test_what_is_to_come_is_unknown(world, method, path):
    answer = world.admin.request(method, world.fill(path), json={})
    assert answer.status_code in (404, 405), answer.text
    if not path.startswith("/charts"):
        assert answer.json()["errors"][0]["code"] in ("NOT_FOUND", "NOT_ALLOWED", "NO_SUCH_REPOSITORY", "NAME_UNKNOWN")


# Where an object of each type that has constants is to be seen.
SEEN = {
    "Features": "/api/v0/meta/features", "Language": "/api/v0/accounts/language", "Settings": "/api/v0/meta/settings",
    "ClusterStatus": "/api/v0/meta/cluster_status", "ListTag": "/api/v0/repositories/{namespace}/{reponame}/tags",
    "Tag": "/api/v0/repositories/{namespace}/{reponame}/tags/{reference}", "enzi.Account": "/enzi/v0/accounts/{accountNameOrID}",
    "enzi.AccountsConfig": "/enzi/v0/config/accounts", "enzi.AuthConfig": "/enzi/v0/config/auth",
}


@pytest.mark.sqlite
@pytest.mark.parametrize("name", sorted({field.rpartition(".")[0] for field, (value, _) in FACTS.constants.items()
                                         if value is not compat.OWN}))
def test_constants_have_their_value(world, name):
    document = world.admin.get(world.fill(SEEN[name])).json()
    document = document[0] if isinstance(document, list) else document
    for field, (value, _) in FACTS.constants.items():
        if field.rpartition(".")[0] == name and value is not compat.OWN:
            assert document[field.rpartition(".")[2]] == value, field


@pytest.mark.sqlite
@pytest.mark.parametrize("field", sorted(FACTS.beside))
def test_what_stands_beside_a_list_is_given(world, field):
    name, _, member = field.rpartition(".")
    if name == "ReplicaSettings":
        assert member in next(iter(world.admin.get("/api/v0/meta/settings").json()["replicaSettings"].values()))
        return
    route = next(route for route in FACTS.routes if route.get("gives") == name)
    answer = world.admin.request(route["method"], world.fill(route["path"]), params={"limit": 1})
    if member == "nextPageStart":
        assert answer.json().get(member, "") == answer.headers.get("X-Next-Page-Start", "")
    else:
        assert member in answer.json(), answer.text
