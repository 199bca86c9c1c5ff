"""Programs that were written for DTR, replayed request by request as they send them: the replication adapter "dtr" of
Harbor, and the Terraform provider for MSR. Headers and bodies are those of their Go clients; what they read of an answer
is what is looked at, and a status that they take for an error fails."""

import json

import pytest
import requests

from harness.client import Registry
from harness.people import PASSWORD, People, unique
from harness.server import ADMIN_PASSWORD


class Client:
    """Go's net/http with basic credentials: json.Marshal for bodies, and its own headers."""

    def __init__(self, url, user, password):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (user, password)
        self.session.headers.clear()
        self.session.headers.update({"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"})

    def send(self, method, path, body=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body, separators=(",", ":"))
        url = path if path.startswith("http") else self.url + path
        return self.session.request(method, url, data=data, headers=headers, timeout=60)


class Harbor(Client):
    """pkg/reg/adapter/dtr: what a replication does."""

    def pages(self, path, parameter, wrapper=None):
        """All pages of a list: the header X-Next-Page-Start goes into the query as it is."""
        found, query = [], dict(part.split("=") for part in path.partition("?")[2].split("&"))
        base = path.partition("?")[0]
        answer = self.send("GET", path)
        while True:
            assert 200 <= answer.status_code <= 299, answer.text
            found += answer.json()[wrapper] if wrapper else answer.json()
            following = answer.headers.get("X-Next-Page-Start", "")
            if not following:
                return found
            query[parameter] = following
            answer = self.send("GET", base + "?" + "&".join(f"{key}={query[key]}" for key in sorted(query)))

    def repositories(self):
        return [f"{one['namespace']}/{one['name']}"
                for one in self.pages("/api/v0/repositories?pageSize=100", "pageStart", "repositories")]

    def tags(self, repository):
        return [tag["name"] for tag in self.pages(f"/api/v0/repositories/{repository}/tags?pageSize=100", "pageStart")]

    def namespaces(self):
        return [one["name"] for one in self.pages("/enzi/v0/accounts?limit=100", "start", "accounts")]

    def create_namespace(self, name):
        answer = self.send("POST", "/enzi/v0/accounts", {"fullName": name, "isOrg": True, "name": name})
        assert answer.status_code == 201, answer.text

    def create_repository(self, path):
        namespace, name = path.split("/")[:2]
        answer = self.send("POST", f"/api/v0/repositories/{namespace}",
                           {"enableManifestLists": True, "name": name, "visibility": "private"})
        assert answer.status_code == 201, answer.text

    def prepare_for_push(self, paths):
        there = self.namespaces()
        for namespace in dict.fromkeys(path.split("/")[0] for path in paths):
            if namespace not in there:
                self.create_namespace(namespace)
        there = self.repositories()
        for path in paths:
            if path not in there:
                self.create_repository(path)


def test_harbor_replicates_to_and_from(server):
    """More than a page of repositories, so that the adapter pages."""
    harbor = Harbor(server.url(), "admin", ADMIN_PASSWORD)
    org = unique("harbor")
    paths = [f"{org}/r{i}" for i in range(3)]
    harbor.prepare_for_push(paths)
    harbor.prepare_for_push(paths + [f"{org}/late"])
    assert org in harbor.namespaces()

    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    image = admin.push_image(f"{org}/r0", "v000")
    for i in range(1, 120):
        admin.push_manifest(f"{org}/r0", f"v{i:03}", image.data, image.media_type)
    for i in range(110):
        admin.post(f"/api/v0/repositories/{org}", json={"name": f"more{i:03}"})

    fetched = harbor.repositories()
    assert len(fetched) == len(set(fetched)) and set(paths) | {f"{org}/late", f"{org}/more109"} <= set(fetched)
    assert harbor.tags(f"{org}/r0") == [f"v{i:03}" for i in range(120)]
    assert harbor.tags(f"{org}/late") == []


def test_harbor_is_told_why(server):
    """An error of the adapter holds the status and the body."""
    user = People(Registry(server.url(), "admin", ADMIN_PASSWORD)).user()
    harbor = Harbor(server.url(), user.user, PASSWORD)
    answer = harbor.send("POST", "/enzi/v0/accounts", {"fullName": "x", "isOrg": True, "name": unique("no")})
    assert answer.status_code == 403 and answer.json()["errors"][0]["message"]
    harbor.create_repository(f"{user.user}/mine")
    assert f"{user.user}/mine" in harbor.repositories()


class Terraform(Client):
    """internal/client of terraform-provider-msr."""

    def do(self, method, path, body=None):
        answer = self.send(method, path, body)
        if answer.status_code >= 400:
            assert answer.status_code != 401
            raise Failure(answer.status_code, answer.json()["errors"][0]["message"])
        return answer.json() if answer.content else None

    def enzi(self, method, path, body=None):
        return self.do(method, "/enzi/v0/" + path, body)

    def api(self, method, path, body=None):
        return self.do(method, "/api/v0/" + path, body)


class Failure(Exception):
    pass


@pytest.fixture
def terraform(server):
    return Terraform(server.url(), "admin", ADMIN_PASSWORD)


def test_terraform_checks_health_and_version(terraform):
    assert terraform.do("GET", "/health")["Healthy"] is True  # Go matches names without regard to case
    assert terraform.api("GET", "admin/version")["version"]


def test_terraform_keeps_users_organisations_teams_and_repositories(terraform):
    org_name, user_name = unique("tf-org"), unique("tf-user")
    org = terraform.enzi("POST", "accounts", {"name": org_name, "id": "", "password": "", "isOrg": True})
    user = terraform.enzi("POST", "accounts", {"name": user_name, "id": "", "password": "kMz1!bKq2@xyz0",
                                               "fullName": "Terraform", "isActive": True})
    assert org["isOrg"] and user["isActive"] and user["id"] and not user["isAdmin"]
    for field in ("isImported", "onDemand", "otpEnabled"):
        assert user[field] is False

    # By id from here on, as its state keeps ids.
    assert terraform.enzi("GET", f"accounts/{user['id']}")["name"] == user_name
    changed = terraform.enzi("PATCH", f"accounts/{user['id']}", {"fullName": "Terra Form", "isActive": True})
    assert changed["fullName"] == "Terra Form"
    assert terraform.enzi("PATCH", f"accounts/{org['id']}", {})["name"] == org_name

    form = {"description": "made by a plan", "id": "", "membersCount": 0, "name": "devs", "orgID": ""}
    team = terraform.enzi("POST", f"accounts/{org['id']}/teams", form)
    assert team["name"] == "devs" and team["orgID"] == org["id"] and team["id"]
    base = f"accounts/{org['id']}/teams/{team['id']}"
    assert terraform.enzi("GET", base)["description"] == "made by a plan"
    assert terraform.enzi("PATCH", base, team | {"description": "changed"})["description"] == "changed"
    terraform.enzi("PUT", f"{base}/members/{user['id']}", {"isAdmin": False})
    members = terraform.enzi("GET", f"{base}/members")["members"]
    assert [(one["isAdmin"], one["member"]["id"]) for one in members] == [(False, user["id"])]
    terraform.enzi("DELETE", f"{base}/members/{user['id']}")
    assert terraform.enzi("GET", f"{base}/members")["members"] == []

    repo = terraform.api("POST", f"repositories/{org_name}", {
        "immutableTags": False, "longDescription": "", "name": "app", "scanOnPush": True, "shortDescription": "",
        "tagLimit": 0, "visibility": ""})
    assert repo["name"] == "app" and repo["namespace"] == org_name and repo["scanOnPush"] is True and repo["id"]
    assert terraform.api("GET", f"repositories/{org_name}/app") == repo
    changed = terraform.api("PATCH", f"repositories/{org_name}/app", {
        "immutableTags": False, "longDescription": "", "scanOnPush": False, "shortDescription": "", "tagLimit": 0,
        "visibility": "private"})
    assert changed == repo | {"scanOnPush": False}
    terraform.api("DELETE", f"repositories/{org_name}/app")
    with pytest.raises(Failure) as refused:
        terraform.api("GET", f"repositories/{org_name}/app")
    assert refused.value.args[0] == 404 and refused.value.args[1]

    terraform.enzi("DELETE", base)
    terraform.enzi("DELETE", f"accounts/{user['id']}")
    terraform.enzi("DELETE", f"accounts/{org['id']}")


@pytest.mark.parametrize("word", ["users", "orgs", "admins", "non-admins", "active-users", "all"])
def test_terraform_reads_accounts_by_filter(terraform, word):
    found = terraform.enzi("GET", f"accounts?filter={word}")
    assert {"usersCount", "orgsCount", "resourceCount", "nextPageStart", "accounts"} <= set(found)
    for one in found["accounts"]:
        assert one["name"] and one["isOrg"] == (word == "orgs") or word == "all"
