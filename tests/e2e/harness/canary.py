"""G-10: secrets that the tests used or were given. None may turn up in clear in a log, in a database, in any other file
that a server leaves or in an answer.

Passwords are remembered for good; of tokens, secrets and cookies the newest ones, for a log is searched for each, and many
more for the one search of a PostgreSQL cluster at its end."""

import base64
import collections
import subprocess

MEMBERS = ("token", "access_token", "refresh_token", "auth_token", "secret", "csrfToken")
SHORTEST, NEWEST, MANY, LARGEST = 12, 200, 20_000, 64 * 1024

# What holds a secret because that is what it is for, and what clients sent as content.
ALLOWED = {"admin-password", "key", "blobs", "uploads"}

passwords = set()
newest = collections.deque(maxlen=NEWEST)
many = collections.deque(maxlen=MANY)


def remember(text):
    newest.append(text[-40:].encode())
    many.append(text[-40:].encode())


def used(user, password):
    """The credentials of an account that was made."""
    if len(password) >= SHORTEST:
        passwords.update((password.encode(), base64.b64encode(f"{user}:{password}".encode())))


def given(answer):
    """What an answer handed out: the end of each token, which is the secret part of it. A password is in none."""
    for cookie in answer.cookies:
        remember(cookie.value)
    if len(answer.content) <= LARGEST:
        told = sorted(secret[:6].decode(errors="replace") for secret in passwords if secret in answer.content)
        assert not told, f"an answer to {answer.request.method} {answer.request.url} tells passwords, they begin {told}"
    if answer.headers.get("Content-Type") != "application/json" or int(answer.headers.get("Content-Length", 0)) > LARGEST:
        return
    try:
        document = answer.json()
    except ValueError:
        return
    if isinstance(document, dict):
        for name in MEMBERS:
            if isinstance(document.get(name), str) and len(document[name]) >= SHORTEST:
                remember(document[name])


def found_in(data):
    """The beginnings of those that stand in these bytes."""
    return sorted({secret[:6].decode(errors="replace") for secret in passwords | set(newest) if secret in data})


def files_of(data):
    """Everything under a server's directory that is not meant to hold secrets or content, core dumps among it."""
    for path in sorted(data.iterdir()) if data.is_dir() else ():
        if path.name not in ALLOWED:
            yield from (inner for inner in ([path] if not path.is_dir() else path.rglob("*")) if inner.is_file())


def check(server):
    """The log of a server and what it left on the disk: of SQLite that is the database too."""
    for path in [server.log_path, *files_of(server.data)]:
        hits = found_in(path.read_bytes()) if path.is_file() else []
        assert not hits, f"secrets in {path.name}, they begin {hits}"


def check_cluster(directory):
    """Tables, indexes, write-ahead log and server log of PostgreSQL, as they lie on the disk."""
    secrets = passwords | set(many)
    if not secrets:
        return
    paths = [path for path in (directory / "data" / "base", directory / "data" / "pg_wal", directory / "log") if path.exists()]
    found = subprocess.run(["grep", "-raoF", "-m1", "-f", "-", *paths], input=b"\n".join(sorted(secrets)),
                           capture_output=True, check=False, env={"LC_ALL": "C"})
    # Of a server that runs a file may be gone before it is read: that is no find.
    assert not found.stdout, f"secrets in PostgreSQL: {found.stdout[:400]!r}"
    assert found.returncode == 1 or b"No such file" in found.stderr, found.stderr[:400]
