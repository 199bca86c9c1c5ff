"""Fixtures for tests that use the registry by its command line alone; a test module imports those that it wants."""

import pytest

from .cli import Cli
from .people import unique
from .server import ADMIN_PASSWORD

FIRST = "the first password of somebody"


@pytest.fixture
def admin(server, tmp):
    cli = Cli(tmp / "admin")
    cli.login(server.url(), "admin", ADMIN_PASSWORD)
    return cli


@pytest.fixture
def person(admin, server, tmp):
    """Somebody new, logged in, with the name in `.name`."""
    def make(word="alice"):
        cli = Cli(tmp / word)
        cli.name = unique(word)
        admin("user", "create", cli.name, "--full-name", word.title(), "--password-stdin", stdin=FIRST)
        cli.login(server.url(), cli.name, FIRST)
        return cli

    return make


@pytest.fixture
def acme(admin):
    """An organisation with the team `builders`."""
    org = unique("acme")
    admin("org", "create", org, "--full-name", "Acme Assayers")
    admin("team", "create", f"{org}/builders", "--description", "who may push")
    return org
