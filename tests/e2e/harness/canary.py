"""G-10: secrets that the tests used or were given. None may turn up in a log or in a database, in clear.

Passwords are remembered for good; of tokens, secrets and cookies the newest ones, for a log is searched for each."""

import base64
import collections

MEMBERS = ("token", "access_token", "refresh_token", "auth_token", "secret", "csrfToken")
SHORTEST, NEWEST, LARGEST = 12, 200, 64 * 1024

passwords = set()
newest = collections.deque(maxlen=NEWEST)


def used(user, password):
    """The credentials of an account that was made."""
    if len(password) >= SHORTEST:
        passwords.update((password.encode(), base64.b64encode(f"{user}:{password}".encode())))


def given(answer):
    """What an answer handed out: the end of each token, which is the secret part of it."""
    for cookie in answer.cookies:
        newest.append(cookie.value[-40:].encode())
    if answer.headers.get("Content-Type") != "application/json" or int(answer.headers.get("Content-Length", 0)) > LARGEST:
        return
    try:
        document = answer.json()
    except ValueError:
        return
    if isinstance(document, dict):
        newest.extend(document[name][-40:].encode() for name in MEMBERS
                      if isinstance(document.get(name), str) and len(document[name]) >= SHORTEST)


def found_in(data):
    """The beginnings of those that stand in these bytes."""
    return sorted({secret[:6].decode(errors="replace") for secret in passwords | set(newest) if secret in data})


def check(server):
    """The log of a server and, of SQLite, its database as it lies on the disk."""
    paths = [server.log_path, *(server.data.glob("assay.db*") if server.data.is_dir() else ())]
    for path in paths:
        hits = found_in(path.read_bytes()) if path.is_file() else []
        assert not hits, f"secrets in {path.name}, they begin {hits}"
