"""Access tokens and service accounts by `assay` alone."""

from harness.cli import Cli
from harness.cli_people import FIRST, acme, admin, person  # noqa: F401  (fixtures)


def test_access_tokens(server, person, tmp):
    alice = person("alice")
    made = alice.json("token", "create", "--label", "laptop", "--expires", "30d", "--only", f"{alice.name}/app:pull,push")
    assert made["tokenLabel"] == "laptop" and made["scopes"][0]["path"] == f"{alice.name}/app"
    shown = alice("token", "list")
    assert "laptop" in shown and f"{alice.name}/app:pull, push" in shown and made["token"] not in shown

    laptop = Cli(tmp / "laptop")
    laptop.login(server.url(), alice.name, made["token"])
    assert laptop.json("whoami")["User"] == alice.name
    alice("token", "set", made["hashedToken"], "--off")
    laptop.fails("whoami")
    alice("token", "delete", made["hashedToken"])
    assert "laptop" not in alice("token", "list")
    alice.fails("token", "create", "--only", "nonsense", code=2)
    alice.fails("token", "create", "--expires", "soon", code=2)


def test_a_machine_logs_in_by_one_of_two_secrets(admin, acme, server, tmp):
    made = admin.json("service", "create", f"{acme}/ci", "--prefix", f"{acme}/shop", "--role", "pusher")
    machine = Cli(tmp / "machine")
    machine.login(server.url(), made["name"], made["secret"])
    assert machine.json("whoami")["User"] == made["name"]
    assert made["name"] in admin("service", "list", acme)
    assert admin.json("grant", "explain", made["name"], f"{acme}/shop/web", "push")["allowed"] is True

    second = admin.json("service", "rotate", f"{acme}/ci", "--expires", "30d")
    other = Cli(tmp / "other")
    other.login(server.url(), made["name"], second["secret"])
    admin("service", "forget", f"{acme}/ci", "1")
    machine.fails("whoami")
    assert other.json("whoami")["User"] == made["name"]
    assert f"{second['slot']}: used" in admin("service", "show", f"{acme}/ci")
    admin("service", "set", f"{acme}/ci", "--off")
    other.fails("whoami")
    admin("service", "delete", f"{acme}/ci")
    assert "(" in admin.fails("service", "show", f"{acme}/ci")


def test_a_log_in_with_a_token_of_its_own_takes_it_back(server, person):
    alice = person("alice")
    alice.login(server.url(), alice.name, FIRST, "--token")
    assert "identitytoken" not in alice.docker_config()["auths"][server.netloc()]
    tokens = alice.json("token", "list")
    assert len(tokens) == 1 and tokens[0]["tokenLabel"].startswith("assay login at ")

    # Once more is no second one, and the end is none.
    alice.login(server.url(), alice.name, FIRST, "--token")
    assert [token["hashedToken"] for token in alice.json("token", "list")] != [tokens[0]["hashedToken"]]
    assert len(alice.json("token", "list")) == 1
    alice("logout")
    alice.login(server.url(), alice.name, FIRST)
    assert alice.json("token", "list") == []
