"""Every route that changes something leaves its record: who, from where, with which credential, in which request, and
done. The scenario below calls each once; a route of the program that is neither in it nor excused by name fails."""

import re
import subprocess

from harness import oci
from harness.client import Registry
from harness.people import PASSWORD, unique
from harness.server import run_assay

# Routes that are no GET and change nothing that is kept, and why; what they refuse is on record all the same.
NO_CHANGE = {
    "accounts.config.put": "its settings are constants",
    "upload.post": "the upload is nobody's to see until it ends: upload.put is on record",
    "upload.patch": "the same",
    "upload.cancel": "the same",
    "webhook.test": "a sample is sent, nothing is kept",
    "subscription.test": "the same",
}


def public_key():
    private = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], capture_output=True, check=True)
    return subprocess.run(["openssl", "ec", "-pubout"], input=private.stdout, capture_output=True, check=True).stdout.decode()


class Scenario:
    """Calls, each with its records looked up by the id of its request."""

    def __init__(self, admin):
        self.admin, self.seen = admin, {}

    def call(self, route, method, path, by=None, expected=(200, 201, 202, 204, 303), **options):
        by = by or self.admin
        answer = by.request(method, path, **options)
        assert answer.status_code in expected, f"{route}: {answer.status_code} {answer.text}"
        found = self.admin.get("/api/v1/audit", params={"request": answer.headers["X-Request-Id"], "pageSize": 0}).json()
        done = [record for record in found["records"] if record["outcome"] == "done"]
        assert done, f"{route} leaves no record"
        for record in done:
            assert not by.user or record["account"] == by.user, f"{route}: {record}"
            assert record["address"] == "127.0.0.1" and record["action"] and record["objectKind"], f"{route}: {record}"
        self.seen[route] = done
        return answer


def run_rules(s, org, repo):
    """What bounds a prefix, and what takes a leak away."""
    v1 = "/api/v1"
    s.call("quota.put", "PUT", f"{v1}/quotas", json={"path": org, "bytes": 10**12})
    s.call("quota.delete", "DELETE", f"{v1}/quotas", params={"path": org})
    s.call("pull_rule.put", "PUT", f"{v1}/pull-rules", json={"prefix": org, "counted": False})
    s.call("pull_rule.delete", "DELETE", f"{v1}/pull-rules", params={"prefix": org})
    rule = s.call("tag_rule.create", "POST", f"{v1}/tag-rules", json={"path": org, "pattern": "v*"}).json()["id"]
    s.call("tag_rule.delete", "DELETE", f"{v1}/tag-rules/{rule}")
    s.call("tag_limit.put", "PUT", f"{v1}/tag-limits", json={"repository": repo, "limit": 100})
    s.call("tag_limit.put", "PUT", f"{v1}/tag-limits", json={"repository": repo, "limit": 0})
    hold = s.call("hold.create", "POST", f"{v1}/holds", json={"prefix": org, "reason": "asked"}).json()["id"]
    s.call("hold.delete", "DELETE", f"{v1}/holds/{hold}")
    leak = s.admin.push_blob(repo, oci.random_blob(64))
    s.call("purge.create", "POST", f"{v1}/purges", json={"digest": leak, "reason": "it leaked"})


def run_work(s):
    """Jobs and what makes them, and collection's brake."""
    v0, v1 = "/api/v0", "/api/v1"
    s.call("crons.put", "POST", f"{v0}/crons", json={"action": "false", "schedule": "57 54 3 * * *"})
    s.call("crons.delete", "DELETE", f"{v0}/crons/false")
    s.call("action_configs.put", "POST", f"{v0}/action_configs", json={"action": "sleep", "parameters": {"duration": "7ms"}})
    s.call("action_configs.delete", "DELETE", f"{v0}/action_configs/sleep")
    job = s.call("jobs.create", "POST", f"{v0}/jobs", json={"action": "sleep", "scheduledAt": "2999-01-01T00:00:00Z"}).json()["id"]
    s.call("jobs.cancel", "POST", f"{v0}/jobs/{job}/cancel")
    s.call("jobs.delete", "DELETE", f"{v0}/jobs/{job}")
    worker = s.admin.get(f"{v0}/workers").json()["workers"][0]["id"]
    s.call("workers.capacity", "POST", f"{v0}/workers/{worker}/capacity", json={"capacityMap": {"sleep": 2}})
    s.call("collection.hold", "PUT", f"{v1}/collection/brake")
    s.call("collection.reset", "DELETE", f"{v1}/collection/brake")
    s.call("collection.run", "POST", f"{v1}/collection", json={"dryRun": True})


def run_webhooks(s, org):
    v0, v1 = "/api/v0", "/api/v1"
    body = {"type": "TAG_PUSH", "key": f"{org}/app", "endpoint": "https://receiver.invalid/hook"}
    hook = s.call("webhook.create", "POST", f"{v0}/webhooks", json=body).json()["id"]
    s.call("webhook.update", "POST", f"{v0}/webhooks/update", json={"id": hook, "inactive": True})
    s.call("webhook.delete", "DELETE", f"{v0}/webhooks/{hook}")
    hook = s.call("subscription.create", "POST", f"{v1}/webhooks", json=body).json()["id"]
    path = f"{v1}/webhooks/{hook}"
    s.call("subscription.change", "PATCH", path, json={"shape": "cloudevents"})
    s.call("subscription.secret", "POST", f"{path}/secret", json={"overlap": "0"})
    s.call("subscription.replay", "POST", f"{path}/replay", json={"from": 1})
    s.call("subscription.enable", "POST", f"{path}/enable", json={})
    s.call("subscription.delete", "DELETE", path)


def run(admin):
    s = Scenario(admin)
    enzi, v0, v1 = "/enzi/v0/accounts", "/api/v0", "/api/v1"
    org, user, team, role = unique("org"), unique("user"), "devs", unique("role")

    # Accounts, members, teams, keys.
    s.call("accounts.create", "POST", enzi, json={"name": org, "isOrg": True})
    admin.post(enzi, json={"name": user, "password": PASSWORD})
    ann = Registry(admin.url, user, PASSWORD)
    s.call("accounts.change", "PATCH", f"{enzi}/{user}", json={"fullName": "Ann"})
    s.call("accounts.import", "POST", "/enzi/v0/admin/importAccounts", json={"accounts": [{"name": unique("org"), "isOrg": True}]})
    s.call("members.put", "PUT", f"{enzi}/{org}/members/{user}", json={"isAdmin": False})
    s.call("members.change", "PATCH", f"{enzi}/{org}/members/{user}", json={"isAdmin": True})
    s.call("teams.create", "POST", f"{enzi}/{org}/teams", json={"name": team})
    s.call("teams.change", "PATCH", f"{enzi}/{org}/teams/{team}", json={"description": "who builds"})
    s.call("team_members.put", "PUT", f"{enzi}/{org}/teams/{team}/members/{user}", json={"isAdmin": False})
    s.call("team_members.change", "PATCH", f"{enzi}/{org}/teams/{team}/members/{user}", json={"isAdmin": True})
    key = s.call("account_keys.create", "POST", f"{enzi}/{user}/publicKeys", json={"label": "k", "publicKey": public_key()}).json()
    s.call("account_keys.change", "PATCH", f"{enzi}/{user}/publicKeys/{key['id']}", json={"label": "l"})
    s.call("account_keys.delete", "DELETE", f"{enzi}/{user}/publicKeys/{key['id']}")
    s.call("account.settings_put", "PATCH", f"{v0}/accounts/{user}/settings", json={"contentCacheUUID": "01890000-0000-7000-8000-000000000001"})
    s.call("organization.settings_put", "PATCH", f"{v1}/accounts/{org}/settings", json={"createRepositoryOnPush": True})

    # Repositories and who may what in them.
    repo = f"{org}/app"
    s.call("repository.create", "POST", f"{v0}/repositories/{org}", json={"name": "app"})
    s.call("repository.change", "PATCH", f"{v0}/repositories/{repo}", json={"shortDescription": "x"})
    s.call("repository.scan_toggle", "POST", f"{v0}/repositories/scan/toggle", json={"scanOnPush": True}, by=ann)
    s.call("repository.team_put", "PUT", f"{v0}/repositories/{repo}/teamAccess/{team}", json={"accessLevel": "read-only"})
    s.call("repository.team_delete", "DELETE", f"{v0}/repositories/{repo}/teamAccess/{team}")
    s.call("namespace.team_put", "PUT", f"{v0}/repositoryNamespaces/{org}/teamAccess/{team}", json={"accessLevel": "read-only"})
    s.call("namespace.team_delete", "DELETE", f"{v0}/repositoryNamespaces/{org}/teamAccess/{team}")
    s.call("role.create", "POST", f"{v1}/roles", json={"name": role, "verbs": ["pull"]})
    s.call("role.update", "PATCH", f"{v1}/roles/{role}", json={"verbs": ["pull", "push"]})
    grant = s.call("grant.create", "POST", f"{v1}/grants", json={"role": role, "user": user, "prefix": org}).json()
    s.call("grant.delete", "DELETE", f"{v1}/grants/{grant['id']}")
    s.call("role.delete", "DELETE", f"{v1}/roles/{role}")

    # Images.
    config, spare = b"{}", oci.random_blob(64)
    location = admin.start_upload(repo)
    s.call("upload.put", "PUT", f"{location}{'&' if '?' in location else '?'}digest={oci.digest(config)}", data=config,
           headers={"Content-Type": "application/octet-stream"})
    admin.push_blob(repo, spare)
    s.call("blob.delete", "DELETE", f"/v2/{repo}/blobs/{oci.digest(spare)}")
    document = oci.encode(oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), []))
    for tag in "v1", "v2":
        s.call("manifest.put", "PUT", f"/v2/{repo}/manifests/{tag}", data=document, headers={"Content-Type": oci.OCI_MANIFEST})
    s.call("repository.tag_delete", "DELETE", f"{v0}/repositories/{repo}/tags/v2")
    s.call("tag.undelete", "POST", f"{v1}/repositories/{repo}/tags/v2/undelete")
    admin.delete(f"{v0}/repositories/{repo}/tags/v2")
    spare = s.admin.push_manifest(repo, "spare", document + b" ")
    s.call("repository.manifest_delete", "DELETE", f"{v0}/repositories/{repo}/manifests/{spare}")
    s.call("manifest.undelete", "POST", f"{v1}/repositories/{repo}/manifests/{spare}/undelete")
    s.call("manifest.delete", "DELETE", f"/v2/{repo}/manifests/v1")

    run_rules(s, org, repo)
    run_work(s)
    run_webhooks(s, org)

    # Credentials and sessions.
    token = s.call("api_tokens.create", "POST", f"{v0}/api_tokens", by=ann, json={"tokenLabel": "t"}).json()["hashedToken"]
    s.call("api_tokens.change", "PATCH", f"{v0}/api_tokens/{token}", by=ann, json={"isActive": False})
    s.call("api_tokens.delete", "DELETE", f"{v0}/api_tokens/{token}", by=ann)
    ann.post(f"{v0}/api_tokens", json={"tokenLabel": "old"})
    s.call("api_tokens.clean_up", "DELETE", f"{v0}/api_tokens", by=ann,
           params={"username": user, "usedbefore": "2999-01-01T00:00:00Z", "generatedby": "manual"})
    service = s.call("services.create", "POST", f"{v1}/accounts/{org}/services", json={"label": "ci", "role": "read-only"}).json()
    name = service["label"]
    s.call("services.change", "PATCH", f"{v1}/accounts/{org}/services/{name}", json={"description": "builds"})
    s.call("services.rotate", "POST", f"{v1}/accounts/{org}/services/{name}/secrets")
    s.call("services.secret_delete", "DELETE", f"{v1}/accounts/{org}/services/{name}/secrets/1")
    s.call("services.delete", "DELETE", f"{v1}/accounts/{org}/services/{name}")
    nobody = admin.anonymous()
    login = {"username": user, "password": PASSWORD}
    s.call("login.form", "POST", "/login", by=nobody, data=login)
    bearer = s.call("login.token", "POST", "/auth/login", by=nobody, json=login).json()["auth_token"]
    s.call("login.out", "POST", "/logout", by=admin.bearer(bearer))
    session = ann.get(f"{v1}/sessions").json()[0]["id"]
    s.call("session.end", "DELETE", f"{v1}/sessions/{session}", by=ann)
    form = {"grant_type": "password", "client_id": "test", "access_type": "offline", "service": "any"} | login
    refresh = s.call("token.post", "POST", "/auth/token", by=nobody, data=form).json()["refresh_token"]
    assert [record["account"] for record in s.seen["token.post"]] == [user]
    s.call("token.get", "GET", "/auth/token", by=ann, params={"offline_token": "true", "client_id": "test", "service": "any"})
    s.call("token.revoke", "POST", "/auth/revoke", by=nobody, data={"token": refresh})
    return s, ann, org, user, team, repo


def run_to_the_end(admin):
    """And what ends things, or takes a settled world."""
    s, ann, org, user, team, repo = run(admin)
    enzi, v0, v1 = "/enzi/v0/accounts", "/api/v0", "/api/v1"
    for route, path in ("settings.update", f"{v0}/meta/settings"),:
        s.call(route, "POST", path, json={"disablePersistentCookies": True})
        admin.post(path, json={"disablePersistentCookies": False})
    s.call("auth.config.put", "PUT", "/enzi/v0/config/auth", json={"sessions": {"perUserLimit": 9}})
    admin.put("/enzi/v0/config/auth", json={"sessions": {"perUserLimit": 10}})
    for route, path in ("storage.update", f"{v0}/admin/settings/registry"), ("storage.update_simple", f"{v0}/admin/settings/registry/simple"):
        s.call(route, "PUT", path, json={"storage": {"delete": {"enabled": False}}})
        admin.put(path, json={"storage": {"delete": {"enabled": True}}})
    s.call("session.end_all", "DELETE", f"{v1}/sessions", by=ann)
    s.call("session.revoke", "POST", f"{v1}/accounts/{user}/revoke", json={})
    s.call("accounts.password", "POST", f"{enzi}/{user}/changePassword", json={"newPassword": PASSWORD + "2"})
    s.call("team_members.delete", "DELETE", f"{enzi}/{org}/teams/{team}/members/{user}")
    s.call("teams.delete", "DELETE", f"{enzi}/{org}/teams/{team}")
    s.call("members.delete", "DELETE", f"{enzi}/{org}/members/{user}")
    s.call("repository.delete", "DELETE", f"{v0}/repositories/{repo}")
    s.call("repository.undelete", "POST", f"{v1}/repositories/{repo}/undelete")
    for route, path in ("account.repositories_delete", f"{v0}/accounts/{org}/repositories"), ("account.clear", f"{v0}/accounts/{org}"):
        admin.post(f"{v0}/repositories/{org}", json={"name": unique("again")})
        s.call(route, "DELETE", path)
    s.call("accounts.delete", "DELETE", f"{enzi}/{user}")
    return s


def test_every_change_is_on_record(admin):
    scenario = run_to_the_end(admin)
    rows = [re.fullmatch(r"(\S+) +(\S+) +\S.*\S +(\S+)", line).groups() for line in run_assay("routes").stdout.splitlines()]
    changing = {name for method, _, name in rows if method != "GET" and not name.startswith("gone.")}
    assert set(NO_CHANGE) <= changing, "an excuse for a route that is not there"
    assert changing - set(NO_CHANGE) - set(scenario.seen) == set()
    for route in "accounts.change", "organization.settings_put", "repository.change", "role.update", "settings.update":
        for record in scenario.seen[route]:
            assert "after" in record and record.get("before") != record["after"], record
