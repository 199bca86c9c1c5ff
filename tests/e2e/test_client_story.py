"""An organisation is set up and used by `assay` alone, and what it logs in is what Docker and skopeo use."""

import json
import subprocess

import pytest

from harness.cli import Cli
from harness.cli_people import FIRST, acme, admin, person  # noqa: F401  (fixtures)
from harness.images import tar_of, write_layout
from harness.people import unique
from harness.tools import docker_engine, docker_trust, need

SECOND = "the second password of somebody"


def test_people_organisations_and_teams(admin, acme, person):
    alice, bob = person("alice"), person("bob")
    assert alice.json("whoami")["IsAdmin"] is False
    admin("org", "add", acme, alice.name, "--owner")
    assert alice.name in admin.table("org", "members", acme, "--owners")
    assert alice.table("user", "orgs", alice.name) == [acme]

    # An owner goes on without the administrator.
    alice("team", "add", f"{acme}/builders", bob.name)
    assert alice.table("team", "members", f"{acme}/builders") == [bob.name]
    alice("team", "set", f"{acme}/builders", "--name", "makers")
    assert alice.table("team", "list", acme) == ["makers"]
    assert alice.json("team", "show", f"{acme}/makers")["membersCount"] == 1
    alice("team", "remove", f"{acme}/makers", bob.name)
    assert alice.table("team", "members", f"{acme}/makers") == []
    alice("team", "delete", f"{acme}/makers")
    alice("org", "add", acme, bob.name)
    alice("org", "remove", acme, bob.name)
    assert bob.name not in alice.table("org", "members", acme)

    assert "no" in alice("org", "settings", acme)
    assert alice.json("org", "settings", acme, "--create-on-push")["createRepositoryOnPush"] is True
    assert alice.json("org", "settings", acme)["createRepositoryOnPush"] is True

    # And nobody else.
    said = bob.fails("org", "set", acme, "--full-name", "Bob's")
    assert "(" in said and "assay login" not in said
    admin("org", "set", acme, "--full-name", "Acme Ltd")
    assert admin.json("org", "show", acme)["fullName"] == "Acme Ltd"
    admin("user", "set", bob.name, "--inactive")
    assert "assay login" in bob.fails("whoami")
    assert bob.name in admin.table("user", "list", "--inactive")
    admin("user", "delete", bob.name)
    assert "(NO_SUCH_ACCOUNT)" in admin.fails("user", "show", bob.name)


def test_repositories_grants_and_why(admin, acme, person):
    alice = person("alice")
    repo = f"{acme}/shop/web"
    admin("team", "add", f"{acme}/builders", alice.name)
    admin("repo", "create", repo, "--description", "the web shop")
    readme = admin.directory / "README.md"
    readme.write_text("# The shop\n")
    admin("repo", "set", repo, "--readme", "README.md")
    shown = admin.json("repo", "show", repo)
    assert shown["longDescription"] == "# The shop\n" and shown["visibility"] == "private"
    assert "the web shop" in admin("repo", "list", acme)

    # A grant is given, explained, listed, and taken.
    alice.fails("repo", "show", repo)
    assert admin.json("grant", "explain", alice.name, repo, "push")["allowed"] is False
    grant = admin.json("grant", "add", f"{acme}/builders", "read-write", f"{acme}/shop")
    assert grant["id"] in admin("grant", "list", "--team", f"{acme}/builders")
    assert alice.table("repo", "list", acme) == [repo]
    why = admin("grant", "explain", alice.name, repo, "push")
    assert "read-write" in why and f"{acme}/builders" in why and f"{acme}/shop" in why
    assert alice.name in admin.table("grant", "who", repo, "push")
    admin("grant", "remove", grant["id"])
    assert admin.table("grant", "list", "--team", f"{acme}/builders") == []

    # On one repository alone; and to everybody.
    admin("grant", "add", alice.name, "admin", repo, "--repository-only")
    alice("repo", "set", repo, "--public")
    assert admin.json("grant", "explain", "-", repo, "pull")["allowed"] is True
    done = admin.run("grant", "who", repo, "pull")
    assert "it is public" in done.stderr
    alice("repo", "delete", repo)
    admin.fails("repo", "show", repo)

    role = unique("releaser")
    admin("role", "create", role, "--verbs", "pull,push,create-tag", "--description", "makes tags")
    assert set(admin.json("role", "show", role)["verbs"]) >= {"pull", "push", "create-tag"}
    assert role in admin.table("role", "list")
    admin("role", "set", role, "--verbs", "pull")
    admin("role", "delete", role)


def test_what_was_done_and_refused_is_on_record(admin, acme, person):
    alice = person("alice")
    admin("repo", "create", f"{acme}/app")
    alice.fails("repo", "delete", f"{acme}/app")
    alice.fails("org", "create", unique("alices"))
    listed = admin("audit", "list", "--account", alice.name, "--outcome", "refused")
    assert alice.name in listed and "refused" in listed
    records = admin.json("audit", "list", "--path", acme, "--outcome", "done")["records"]
    assert any(record["account"] == "admin" and record.get("path", "").startswith(acme) for record in records)
    assert len(admin("audit", "list", "--limit", "2").splitlines()) == 3


def test_a_password_is_changed_and_the_log_in_goes_on(server, person, tmp):
    alice = person("alice")
    elsewhere = Cli(tmp / "elsewhere")
    elsewhere.login(server.url(), alice.name, FIRST)
    said = alice("user", "password", "--password-stdin", stdin=f"{FIRST}\n{SECOND}\n")
    assert "is changed" in said and "logged in" in said
    assert alice.json("whoami")["User"] == alice.name
    assert "assay login" in elsewhere.fails("whoami")
    assert "does not know" in elsewhere.fails("login", server.url(), "-u", alice.name, "--password-stdin", stdin=FIRST)
    said = alice.fails("user", "password", "--password-stdin", stdin=f"wrong\n{FIRST}\n")
    assert "wrong" not in said


def test_an_administrator_sets_another_s_password(admin, server, person):
    alice = person("alice")
    admin("user", "password", alice.name, "--password-stdin", stdin=SECOND)
    assert "assay login" in alice.fails("whoami")
    alice.login(server.url(), alice.name, SECOND)


def test_skopeo_uses_the_same_log_in(server, person, tmp):
    need("skopeo")
    alice = person("alice")
    layout = write_layout(tmp / "layout", {"v1": [("amd64", "one")]})
    environment = alice.env | {"REGISTRY_AUTH_FILE": str(alice.config / "config.json"), "TMPDIR": str(tmp)}
    target = f"docker://{server.netloc()}/{alice.name}/app:v1"

    def skopeo(*arguments):
        return subprocess.run(["skopeo", "--insecure-policy", *map(str, arguments)], env=environment,
                              capture_output=True, text=True, timeout=120)

    done = skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:v1", target)
    assert done.returncode == 0, done.stderr
    assert alice.json("repo", "show", f"{alice.name}/app")["namespace"] == alice.name
    repo = f"{alice.name}/app"
    assert alice.table("repo", "tags", repo) == ["v1"] and alice.name in alice("repo", "tags", repo)
    alice("repo", "untag", repo, "v1")
    assert alice.table("repo", "tags", repo) == []
    alice("logout")
    assert skopeo("inspect", "--tls-verify=false", target).returncode != 0


@pytest.mark.timeout(300)
def test_docker_uses_the_same_log_in(server, engine, ca_file, person, scratch):
    """And the other way round."""
    directory = scratch / f"dk{engine[0]}"  # a socket's path is short
    need("dockerd", "docker")
    alice = person("alice")
    host = server.netloc("https")
    with docker_trust(host, ca_file), docker_engine(directory) as docker:
        alice.config = directory / "config"
        alice.env["DOCKER_CONFIG"] = str(alice.config)
        alice.login(server.url("https"), alice.name, FIRST)
        small = directory / "small.tar"
        small.write_bytes(tar_of({"etc/motd": b"a small image"}))
        docker("import", small, f"{host}/{alice.name}/small:v1")
        docker("push", f"{host}/{alice.name}/small:v1")
        assert alice.json("repo", "show", f"{alice.name}/small")["visibility"] == "private"
        alice("logout")
        assert host not in json.loads((alice.config / "config.json").read_text()).get("auths", {})
        docker.fails("pull", f"{host}/{alice.name}/small:v1")

        docker.login(host, alice.name, FIRST)
        assert alice.json("whoami", "--server", server.url("https"))["User"] == alice.name
        docker("logout", host)
        assert "not logged in" in alice.fails("whoami", "--server", server.url("https"))


def test_jobs_and_their_schedules(admin):
    started = admin.json("jobs", "start", "sleep", "--parameter", "duration=10ms", "--deadline", "1h30m")
    assert (started["parameters"], started["deadline"]) == ({"duration": "10ms"}, "1h30m")
    assert admin("joblogs", started["id"], "--follow") == "sleeping\n"
    assert started["id"] in admin.table("jobs") and started["id"] in admin.table("jobs", "--action", "sleep")
    assert admin.table("jobs", "list", "--action", "none") == []
    assert "done" in admin("jobs", "show", started["id"])
    admin("jobs", "rm", started["id"])
    assert "(NO_SUCH_JOB)" in admin.fails("joblogs", started["id"])
    later = admin.json("jobs", "start", "sleep", "--at", "2999-01-01T00:00:00Z")
    admin("jobs", "cancel", later["id"])
    assert later["id"] in admin.table("jobs", "--status", "canceled")
    assert "action" in admin.fails("jobs", "start", "none")
    admin("crons", "set", "sleep", "0 0 0 1 1 *", "--retries", "2")
    assert "sleep" in admin.table("crons")
    assert "schedule" in admin.fails("crons", "set", "sleep", "often")
    admin("crons", "rm", "sleep")
    assert "sleep" not in admin.table("crons", "list")
