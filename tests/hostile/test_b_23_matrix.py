"""B-23: every route, called by everybody, about everything, with every kind of credential: who is let in, and what the
others are told, by the table in matrix.txt."""

import base64
import itertools
import re

import pytest

import matrix
from harness import volume
from harness.client import Registry
from harness.people import People, unique
from harness.server import ADMIN_PASSWORD, run_assay

ROUTES = matrix.read()
ABSENT = {"NO_SUCH_REPOSITORY", "NO_SUCH_ACCOUNT", "NAME_UNKNOWN"}
DIGEST = "sha256:" + "0" * 64
STATES = {"repository": ("own", "foreign", "public", "missing", "deleted"),
          "account": ("own", "foreign", "self", "other", "missing"), "plain": ("none",)}
CALLERS = ("nobody", "bad", "disabled", "admin", "owner", "writer", "reader", "member", "stranger", "machine")


def printed_routes():
    """name: (method, pattern), as the program under test says."""
    rows = [re.fullmatch(r"(\S+) +(\S+) +\S.*\S +(\S+)", line).groups()
            for line in run_assay("routes").stdout.splitlines()]
    return {name: (method, pattern) for method, pattern, name in rows}


class World:
    """Two organisations, repositories in each state, and callers of every kind."""

    def __init__(self, server):
        self.server, self.url = server, server.url()
        self.root = Registry(self.url, "admin", ADMIN_PASSWORD)
        self.people = people = People(self.root)
        self.org, self.foreign = people.org(), people.org()
        self.push(f"{self.org}/gone")
        self.good(self.root.delete(f"/api/v0/repositories/{self.org}/gone"))
        self.other, self.passer, self.spare = people.user().user, people.user().user, "spare"
        self.users = {"nobody": self.root.anonymous(), "admin": self.root,
                      "owner": people.member(self.org, owner=True), "writer": people.member(self.org),
                      "reader": people.member(self.org), "member": people.member(self.org), "stranger": people.user(),
                      "disabled": people.user()}
        for org in (self.org, self.foreign):
            people.team(org, name=self.spare)
            self.push(f"{org}/app")
        self.grant("writer", "read-write")
        self.grant("reader", "read-only")
        self.push(f"{self.foreign}/open", visibility="public")
        self.users["machine"] = self.machine()
        self.tokens = {who: self.good(user.post("/api/v0/api_tokens", json={"tokenLabel": "x"})).json()["token"]
                       for who, user in self.users.items() if who not in ("nobody", "machine")}
        self.sessions = {who: self.log_in(user) for who, user in self.users.items() if who not in ("nobody", "machine")}
        self.bearers = {}
        self.identities = {who: user.token() for who, user in self.users.items() if who != "nobody"}
        self.good(self.root.patch(f"/enzi/v0/accounts/{self.users['disabled'].user}", json={"isActive": False}))

    @staticmethod
    def good(answer):
        assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
        return answer

    def push(self, repository, **fields):
        org, name = repository.split("/")
        self.good(self.root.post(f"/api/v0/repositories/{org}", json={"name": name, "visibility": "private"} | fields))
        self.root.push_image(repository, "v1")

    def grant(self, who, level):
        team = self.people.team(self.org, self.users[who])
        self.good(self.root.put(f"/api/v0/repositories/{self.org}/app/teamAccess/{team}", json={"accessLevel": level}))

    def machine(self):
        """A service account that may read what the reader may."""
        made = self.good(self.root.post(f"/api/v1/accounts/{self.org}/services", json={"label": "ci"})).json()
        self.good(self.root.post("/api/v1/grants", json={"user": made["name"], "role": "read-only",
                                                         "repository": f"{self.org}/app"}))
        return Registry(self.url, made["name"], made["secret"])

    def log_in(self, user):
        """The headers of a browser's session."""
        answer = self.good(Registry(self.url).post("/login", data={"username": user.user, "password": user.password}))
        return {"Cookie": answer.headers["Set-Cookie"].split(";")[0], "X-Csrf-Token": answer.json()["csrfToken"]}

    def repository(self, state):
        return {"own": f"{self.org}/app", "foreign": f"{self.foreign}/app", "public": f"{self.foreign}/open",
                "missing": f"{self.org}/never", "deleted": f"{self.org}/gone"}[state]

    def account(self, state, who):
        return {"own": self.org, "foreign": self.foreign, "other": self.other, "missing": "nobody-of-this-name",
                "self": self.users["owner" if who == "bad" else who].user or self.other}[state]

    # Credentials.

    def basic(self, who, by_token):
        user = self.users["owner" if who == "bad" else who]
        password = self.tokens["owner" if who == "bad" else who] if by_token else user.password
        if who == "bad":
            password = password[:-4] + "none"
        return "Basic " + base64.b64encode(f"{user.user}:{password}".encode()).decode()

    def bearer(self, who, state, is_registry):
        """A token of the service: for the repository on /v2, an identity token elsewhere."""
        if who == "bad":
            return "Bearer " + self.identities["owner"][:-8] + "AAAAAAAA"
        if who == "disabled" or not is_registry:
            return "Bearer " + self.identities[who]
        key = (who, state)
        if key not in self.bearers:
            scopes = [] if state == "none" else [f"repository:{self.repository(state)}:pull,push,delete"]
            self.bearers[key] = self.users[who].token(*scopes, "registry:catalog:*")
        return "Bearer " + self.bearers[key]

    def headers(self, who, kind, state, is_registry):
        if who == "nobody" and kind == "basic":
            return {}
        if kind == "session" and who == "bad":
            return {"Cookie": self.sessions["owner"]["Cookie"][:-4] + "none"}
        if kind == "session":
            return self.sessions[who]
        if kind == "bearer":
            return {"Authorization": self.bearer(who, state, is_registry)}
        return {"Authorization": self.basic(who, kind == "token")}


def relation(kind, who, state, is_known_as_nobody):
    """The column of the table. On /v2 nobody is known as such by a token, and a challenge asks for it."""
    if who in ("bad", "disabled"):
        return "b"
    if kind == "plain":
        return {"nobody": "0", "admin": "a"}.get(who, "u")
    if kind == "account":
        if who == "nobody":
            return "0"
        if state == "missing":
            return "x"
        if who == "admin":
            return "a" if state in ("own", "foreign") else "t"
        if state == "self":
            return "s"
        if state == "other":
            return "u"
        if state == "foreign" or who in ("stranger", "machine"):
            return "n"
        return "o" if who == "owner" else "m"
    if who == "nobody":
        return "p" if state == "public" and is_known_as_nobody else "0"
    if state in ("missing", "deleted"):
        return {"admin": "A", "owner": "O"}.get(who, "N")
    if who == "admin":
        return "a"
    if state == "public":
        return "v"
    return {"owner": "o", "writer": "w", "reader": "r", "machine": "r"}.get(who, "n") if state == "own" else "n"


def path_of(world, pattern, kind, state, who):
    holes = {"reference": "none", "digest": DIGEST, "id": "0" * 32, "team": world.spare, "member": world.passer,
             "file": "none", "role": "none"}
    if kind == "repository":
        holes["name"] = world.repository(state)
        if "{namespace}" in pattern:
            holes["namespace"], holes["name"] = holes["name"].split("/")
    else:
        holes["namespace"], holes["name"] = world.foreign, "open"
    if kind == "account":
        holes["account"] = world.account(state, who)
    return re.sub(r"{(\w+)(?:\.\.\.)?}", lambda hole: holes.get(hole.group(1), "none"), pattern)


def answered(answer):
    if answer.status_code in (401, 403):
        return str(answer.status_code)[2]
    if answer.status_code == 404 and answer.request.method != "HEAD":
        return "4" if answer.json()["errors"][0]["code"] in ABSENT else "."
    return "."


@pytest.fixture(scope="session")
def world(server, canaries):
    made = World(server)
    canaries |= {token.rsplit(".", 1)[1] for token in made.identities.values()}
    return made


@pytest.fixture(scope="session")
def printed():
    return printed_routes()


def test_B_23_every_route_has_a_row_and_every_row_a_route(printed):
    assert set(printed) - set(ROUTES) == set(), "routes without a row in tests/hostile/matrix.txt"
    assert set(ROUTES) - set(printed) == set(), "rows of routes that are not there"


def cases(route, is_registry, is_managed):
    """(caller, state, kind of credential): all in a soak, else one kind in turn. Sessions are of the management APIs."""
    kinds = ("basic", "bearer", "token") + (("session",) if is_managed else ())
    for number, (who, state) in enumerate(itertools.product(CALLERS, STATES[route.kind])):
        if who == "nobody":
            for kind in kinds[:2 if is_registry and route.kind == "repository" else 1]:
                yield who, state, kind
            continue
        known = kinds if who != "machine" else kinds[:2]
        chosen = known if volume.is_soak() else (known[(number + len(route.name)) % len(known)],)
        for kind in chosen:
            yield who, state, kind


@pytest.mark.parametrize("name", ROUTES)
def test_B_23_who_is_let_in(world, printed, name):
    route, wrong = ROUTES[name], []
    if name not in printed:
        pytest.skip("no such route")
    method, pattern = printed[name]
    is_registry = pattern.startswith("/v2")
    for who, state, kind in cases(route, is_registry, pattern.startswith(("/api/", "/enzi/"))):
        expected = route.answers[relation(route.kind, who, state, kind == "bearer" or not is_registry)]
        if route.ends and expected == ".":
            continue
        path = path_of(world, pattern, route.kind, state, who)
        body = {"data": b"{}"} if method in ("POST", "PUT", "PATCH") else {}
        headers = world.headers(who, kind, state, is_registry)
        answer = Registry(world.url).request(method, path, headers=headers | {"Content-Type": "application/json"}, **body)
        assert answer.status_code < 500, answer.text
        if answered(answer) != expected and not (expected == "~" and answered(answer) in ".1"):
            wrong.append(f"{method} {path}: {who} ({kind}), {state}: {answer.status_code}, not {expected}; "
                         f"{answer.text[:120]}")
    assert not wrong, "\n".join(wrong)
