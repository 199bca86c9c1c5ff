"""Accounts for tests: users, organisations and teams, made through the accounts API, with names that no other test
uses."""

import itertools
import os

from .client import Registry

PASSWORD = "a password for tests"
NUMBERS = itertools.count(1)
RUN = os.urandom(3).hex()


def unique(word):
    """A name for an account that is free on every shared server."""
    return f"{word}-{RUN}-{next(NUMBERS)}"


class People:
    """Makes accounts as the system admin `admin` (a Registry)."""

    def __init__(self, admin):
        self.admin = admin

    def user(self, name=None, **fields):
        """A new user: the registry as it sees it, with its name in `.user`."""
        name = name or unique("user")
        body = {"name": name, "password": PASSWORD} | fields
        answer = self.admin.post("/enzi/v0/accounts", json=body)
        assert answer.status_code == 201, answer.text
        return Registry(self.admin.url, name, body["password"], verify=self.admin.verify)

    def org(self, name=None, **fields):
        """The name of a new organisation."""
        name = name or unique("org")
        answer = self.admin.post("/enzi/v0/accounts", json={"name": name, "isOrg": True} | fields)
        assert answer.status_code == 201, answer.text
        return name
