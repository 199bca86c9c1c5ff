"""Accounts brought from elsewhere by DTR's accounts API, and lists of more members than a page or a batch holds."""

import concurrent.futures
import ctypes
import ctypes.util
import os
import pathlib
import re
import sqlite3

import pytest

from harness.client import Registry, admin_of
from harness.people import PASSWORD, People, refused, unique

ACCOUNTS = "/enzi/v0/accounts"
IMPORT = "/enzi/v0/admin/importAccounts"


def argon2id(password, passes=1, memory=8 * 1024 * 1024):
    """The hash in libsodium's words, as another registry that keeps them so would hand it over."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    assert sodium.sodium_init() >= 0
    out = ctypes.create_string_buffer(128)
    assert sodium.crypto_pwhash_str_alg(out, password.encode(), ctypes.c_ulonglong(len(password)),
                                        ctypes.c_ulonglong(passes), ctypes.c_size_t(memory), 2) == 0
    return out.value.decode()


def bring(admin, *accounts):
    return admin.post(IMPORT, json={"accounts": list(accounts)})


def test_accounts_come_with_their_passwords(admin):
    user, bare, off, org = (unique(word) for word in ("user", "bare", "off", "org"))
    answer = bring(admin, {"name": user, "fullName": "Ada", "passwordHash": argon2id(PASSWORD), "isAdmin": True},
                   {"name": bare, "passwordHash": ""},
                   {"name": off, "passwordHash": argon2id(PASSWORD), "isActive": False},
                   {"name": org, "isOrg": True, "passwordHash": "", "id": "x"})
    assert answer.status_code == 201 and not answer.content, answer.text
    assert "id" in answer.headers["Warning"]
    ada = Registry(admin.url, user, PASSWORD).get(f"{ACCOUNTS}/{user}").json()
    assert (ada["isImported"], ada["isAdmin"], ada["isActive"], ada["fullName"]) == (True, True, True, "Ada")
    assert Registry(admin.url, user, PASSWORD + "x").get("/v2/").status_code == 401
    assert admin.get(f"{ACCOUNTS}/{org}").json()["isOrg"] is True
    assert Registry(admin.url, off, PASSWORD).get("/v2/").status_code == 401

    assert Registry(admin.url, bare, "").get("/v2/").status_code == 401
    assert admin.post(f"{ACCOUNTS}/{bare}/changePassword", json={"newPassword": PASSWORD}).status_code == 200
    assert Registry(admin.url, bare, PASSWORD).get("/v2/").status_code == 200
    assert admin.delete(f"{ACCOUNTS}/{user}").status_code == 204


@pytest.mark.parametrize("account, word", [
    ({"name": "Upper"}, "name"), ({}, "name"), ({"isOrg": True, "isAdmin": True}, "isAdmin"),
    ({"fullName": "x" * 300}, "fullName"), ({"passwordHash": "secret"}, "changePassword"),
    ({"passwordHash": "$2y$10$abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTUVWXYZ01234"}, "passwordHash"),
    ({"passwordHash": "$argon2id$v=19$m=19456,t=2,p=1$"}, "passwordHash"),
    ({"passwordHash": "$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAA"}, "passwordHash"),
    ({"passwordHash": argon2id(PASSWORD, passes=9)}, "passwordHash"),
    ({"passwordHash": argon2id(PASSWORD, memory=65 * 1024 * 1024)}, "passwordHash"),
])
def test_what_is_refused_is_named_and_nothing_comes(admin, account, word):
    good, other = unique("good"), unique("other")
    bad = account if account == {} or "name" in account else {"name": other} | account
    error = refused(bring(admin, {"name": good, "isOrg": True}, bad), 400, "INVALID_PARAMETERS", "accounts[1]")
    assert word in error["message"] and PASSWORD not in error["message"]
    assert admin.get(f"{ACCOUNTS}/{good}").status_code == 404


def test_names_are_taken_once(admin):
    name, good = unique("org"), unique("good")
    twice = [{"name": name, "isOrg": True}] * 2
    refused(bring(admin, {"name": good, "isOrg": True}, *twice), 409, "ACCOUNT_EXISTS", "accounts[2]")
    refused(bring(admin, {"name": "admin"}), 409, "ACCOUNT_EXISTS", "accounts[0]")
    refused(bring(admin, *({"name": f"u{n}"} for n in range(1001))), 400, "INVALID_PARAMETERS", "1,000")
    assert admin.get(f"{ACCOUNTS}/{good}").status_code == 404
    assert bring(admin).status_code == 201


def test_only_system_admins_import(admin, anonymous):
    refused(bring(People(admin).user(), {"name": unique("no")}), 403, "NOT_AUTHORIZED")
    refused(bring(anonymous, {"name": unique("no")}), 401, "NOT_AUTHENTICATED")


def test_the_configuration_of_accounts_is_what_is(admin):
    config = admin.get("/enzi/v0/config/accounts").json()
    assert config["systemAccounts"] == [] and config["usersCount"] >= 1 and config["orgsCount"] >= 0
    assert admin.put("/enzi/v0/config/accounts", json=config).json().keys() == config.keys()
    refused(admin.put("/enzi/v0/config/accounts", json={"systemAccounts": ["admin"]}), 400, "INVALID_PARAMETERS")
    refused(People(admin).user().get("/enzi/v0/config/accounts"), 403, "NOT_AUTHORIZED")


@pytest.mark.both_engines
def test_more_than_a_thousand_members(admin):
    people, n = People(admin), 1050
    org = people.org()
    everyone = sorted(unique("m") for _ in range(n))
    for part in (everyone[:600], everyone[600:]):
        assert bring(admin, *({"name": name} for name in part)).status_code == 201

    def join(name):
        own = Registry(admin.url, admin.user, admin.password)
        return own.put(f"{ACCOUNTS}/{org}/members/{name}", json={"isAdmin": name == everyone[7]}).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(join, everyone)) == {200}

    def page(**params):
        answer = admin.get(f"{ACCOUNTS}/{org}/members", params={"count": "true"} | params)
        assert answer.headers["X-Resource-Count"] == str(n)
        assert answer.json()["nextPageStart"] == answer.headers.get("X-Next-Page-Start", "")
        return [x["member"]["name"] for x in answer.json()["members"]], answer.headers.get("X-Next-Page-Start")

    assert page(limit=0) == (everyone, None), "no limit means all of them"
    assert page(limit=n) == (everyone, None), "the last page says so even when it is full"
    assert page(limit=100001) == (everyone, None) and page(limit="9" * 19) == (everyone, None)
    found, start = page()
    assert found == everyone[:10] and start
    found, start = page(limit=500)
    while start:
        more, start = page(limit=500, start=start)
        found += more
    assert found == everyone
    answer = admin.get(f"{ACCOUNTS}/{org}/members", params={"filter": "admins", "count": "1"})
    assert answer.json()["resourceCount"] == 1 and answer.headers["X-Resource-Count"] == "1"


def peak_memory(server):
    """Bytes that the process held at most so far."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def seed_members(database, org, n):
    """So many members, written past the server while it is stopped."""
    with sqlite3.connect(database) as db:
        org_id = db.execute("SELECT id FROM accounts WHERE name = ?", (org,)).fetchone()[0]
        first = db.execute("SELECT max(id) FROM accounts").fetchone()[0] + 1
        db.executemany("INSERT INTO accounts (id, uuid, name, kind, full_name, is_admin, is_active, generation, created_at)"
                       " VALUES (?, ?, ?, 'user', ?, 0, 1, 1, 1)",
                       ((first + i, f"uuid-{i}", f"member{i:06}", "x" * 200) for i in range(n)))
        db.executemany("INSERT INTO org_members (org_id, account_id, is_owner, added_at) VALUES (?, ?, 0, 1)",
                       ((org_id, first + i) for i in range(n)))


@pytest.mark.sqlite
def test_a_long_list_takes_no_more_memory_than_a_short_one(new_server):
    n = 40000
    # A sanitizer keeps what was freed for a while, which is not what is measured.
    server = new_server(env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"})
    org = People(admin_of(server)).org()
    server.stop()
    seed_members(server.data / "assay.db", org, n)
    server.start()
    admin = admin_of(server)
    path = f"{ACCOUNTS}/{org}/members"
    for _ in range(3):
        assert len(admin.get(path, params={"limit": 4000}).json()["members"]) == 4000
    before = peak_memory(server)
    answer = admin.get(path, params={"limit": 0})
    assert len(answer.json()["members"]) == n
    grown = peak_memory(server) - before
    assert grown < len(answer.content) // 2, f"{grown} bytes more for an answer of {len(answer.content)}"
