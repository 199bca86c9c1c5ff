"""`assay admin` beside the server: users made and passwords set, with the server running and without it."""

import subprocess

import pytest

from harness.cli import Cli
from harness.client import Registry
from harness.people import PASSWORD, People, refused, unique
from harness.server import SANITIZER_REPORT, binary, environment

ACCOUNTS = "/enzi/v0/accounts"


def run_admin(server, *arguments, stdin):
    command = [str(binary()), "admin", *arguments, "--data", str(server.data), *server.database]
    done = subprocess.run(command, input=stdin, env=environment(), capture_output=True, text=True, timeout=30)
    assert not SANITIZER_REPORT.search(done.stderr), done.stderr
    return done


@pytest.mark.parametrize("is_running", [True, False], ids=["running", "stopped"])
def test_users_are_made_and_passwords_reset(new_server, is_running):
    server = new_server()
    if not is_running:
        server.stop()
    for arguments in (("create", "ada"), ("create", "root", "--admin"), ("create", "--admin", "root2")):
        done = run_admin(server, *arguments, stdin=PASSWORD + "\n")
        assert done.returncode == 0, done.stderr
        assert ("a system admin" in done.stdout) == ("--admin" in arguments)
    done = run_admin(server, "reset-password", "root2", stdin="quite another\n")
    assert done.returncode == 0, done.stderr
    if not is_running:
        server.start()
    ada, root = (Registry(server.url(), name, PASSWORD) for name in ("ada", "root"))
    assert root.get(f"{ACCOUNTS}/ada").json()["isAdmin"] is False
    assert root.get(f"{ACCOUNTS}/root").json()["isAdmin"] is True
    refused(ada.post(ACCOUNTS, json={"name": "x", "isOrg": True}), 403, "NOT_AUTHORIZED")
    assert Registry(server.url(), "root2", "quite another").get("/v2/").status_code == 200
    assert Registry(server.url(), "root2", PASSWORD).get("/v2/").status_code == 401


@pytest.mark.parametrize("arguments, stdin, word", [
    (("create", "Upper"), PASSWORD, "name"), (("create", "admin"), PASSWORD, "name"),
    (("create", "ada"), "short", "password"), (("create", "ada"), "", "password"),
    (("create",), PASSWORD, "verb"), (("create", "a", "b"), PASSWORD, "verb"), (("create", "ada", "--root"), PASSWORD, "verb"),
    (("reset-password", "nobody-of-that-name"), PASSWORD, "nobody-of-that-name"),
    (("reset-password", "admin", "--admin"), PASSWORD, "verb"),
    (("reset-password", "admin"), "short", "password: needs"),
])
def test_what_it_refuses(server, admin, arguments, stdin, word):
    done = run_admin(server, *arguments, stdin=stdin)
    assert done.returncode in (1, 2) and word in done.stderr, (done.returncode, done.stderr)
    assert admin.get(f"{ACCOUNTS}/ada").status_code == 404
    assert admin.get("/v2/").status_code == 200


def test_a_reset_ends_tokens_but_those_of_others_go_on(server, admin):
    people = People(admin)
    user, other = people.user(unique("user")), people.user(unique("user"))
    bearer, kept = user.with_token(), other.with_token()
    assert run_admin(server, "reset-password", user.user, stdin=PASSWORD).returncode == 0
    assert bearer.get(f"{ACCOUNTS}/{user.user}").status_code == 401
    assert kept.get(f"{ACCOUNTS}/{other.user}").status_code == 200


def test_on_a_terminal_a_password_is_asked_for_twice_and_not_shown(server, tmp, admin):
    user = People(admin).user()
    cli = Cli(tmp / "shell")
    command = ("admin", "reset-password", user.user, "--data", server.data, *server.database)
    code, seen = cli.on_terminal(*command, answers=[("New password: ", PASSWORD), ("again: ", PASSWORD)])
    assert code == 0 and PASSWORD not in seen, seen
    code, seen = cli.on_terminal(*command, answers=[("New password: ", PASSWORD), ("again: ", "something else")])
    assert code == 1 and "not the same" in seen
