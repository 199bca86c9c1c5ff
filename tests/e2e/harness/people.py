"""Accounts for tests: users, organisations and teams, made through the accounts API, with names that no other test
uses."""

import itertools
import os

from . import canary
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
        canary.used(name, body["password"])
        return Registry(self.admin.url, name, body["password"], verify=self.admin.verify)

    def org(self, name=None, **fields):
        """The name of a new organisation."""
        name = name or unique("org")
        answer = self.admin.post("/enzi/v0/accounts", json={"name": name, "isOrg": True} | fields)
        assert answer.status_code == 201, answer.text
        return name

    def member(self, org, user=None, owner=False):
        """A (new) user as a member of the organisation."""
        user = user or self.user()
        answer = self.admin.put(f"/enzi/v0/accounts/{org}/members/{user.user}", json={"isAdmin": owner})
        assert answer.status_code == 200, answer.text
        return user

    def team(self, org, *members, name=None):
        """The name of a new team of the organisation, with these users in it."""
        name = name or unique("team")
        answer = self.admin.post(f"/enzi/v0/accounts/{org}/teams", json={"name": name})
        assert answer.status_code == 201, answer.text
        for user in members:
            answer = self.admin.put(f"/enzi/v0/accounts/{org}/teams/{name}/members/{user.user}", json={})
            assert answer.status_code == 200, answer.text
        return name

    def credentials(self):
        """A new user's ways to be somebody, by kind: (name, secret), each good for everything in the user's namespace."""
        user = self.user()
        token = user.post("/api/v0/api_tokens", json={"tokenLabel": "for a client"})
        assert token.status_code == 200, token.text
        service = user.post(f"/api/v1/accounts/{user.user}/services", json={"label": "ci", "role": "admin"})
        assert service.status_code == 201, service.text
        return {"password": (user.user, PASSWORD), "token": (user.user, token.json()["token"]),
                "service": (service.json()["name"], service.json()["secret"])}


def refused(answer, status, code, word=None):
    """The refusal has this status and code, and its message holds the word."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    error = answer.json()["errors"][0]
    assert error["code"] == code and error["message"], error
    assert word is None or word in error["message"], error
    return error
