"""What a registry holds, in a form that can be compared: every row of its metadata and every stored object.

Read from outside, from the database file and the directory of blobs, so that no cache of the server stands between.
"""

import contextlib
import sqlite3

# Heartbeats, what is written about refusals, and what the registry does by itself some time later are no effects.
NO_EFFECT_TABLES = {"nodes", "scrubs", "audit", "sqlite_sequence", "outbox_readers", "job_logs", "pulls",
                    "manifest_pulls", "tag_pulls"}
# Of these it is single rows or columns: what the registry's own jobs are, how often pulls were counted.
OWN_PARTS = {"events": "* FROM events WHERE type NOT LIKE '%PULL%'", "registry": "* FROM registry WHERE name NOT LIKE 'collect.%'",
             "jobs": "* FROM jobs WHERE created_by <> 0",
             "repository_counts": "repo_id, pushes FROM repository_counts WHERE pushes <> 0"}


def rows(server, sql, *values):
    """Rows of the server's SQLite database, read beside the running server."""
    connection = sqlite3.connect(f"file:{server.data / 'assay.db'}?mode=ro", uri=True, timeout=30)
    with contextlib.closing(connection):
        return connection.execute(sql, values).fetchall()


def tables(server):
    return [name for name, in rows(server, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]


def metadata(server):
    """{table: sorted rows}. Pulls are counted some time after they happened, so they are left out."""
    found = {}
    for table in tables(server):
        if table not in NO_EFFECT_TABLES:
            part = OWN_PARTS.get(table, f"* FROM {table}")
            found[table] = sorted(map(repr, rows(server, f"SELECT {part}")))
    return found


def objects(server):
    """{path below the storage root: size}; without what the storage is tried with now and then."""
    root = server.data / "blobs"
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*")
            if path.is_file() and path.name != "assay-probe"}


def snapshot(server):
    """What is doomed goes by itself when its time has come, row and object."""
    doomed = {key for key, in rows(server, "SELECT object_key FROM doomed_objects")}
    return metadata(server) | {"objects": sorted(item for item in objects(server).items() if item[0] not in doomed)}


def difference(before, after):
    """What is new and what is gone, as lines; empty when nothing changed."""
    lines = []
    for table in sorted(before.keys() | after.keys()):
        old, new = set(map(str, before.get(table, []))), set(map(str, after.get(table, [])))
        if table != "doomed_objects":
            lines += [f"{table}: gone {row[:300]}" for row in sorted(old - new)]
        lines += [f"{table}: new {row[:300]}" for row in sorted(new - old)]
    return lines


@contextlib.contextmanager
def no_effect(server):
    """NOEFF: metadata and stored objects are the same before and after the block."""
    before = snapshot(server)
    yield
    changes = difference(before, snapshot(server))
    assert not changes, "the refused request had an effect:\n" + "\n".join(changes[:20])


def audit_of(server, request_id):
    """The audit records of one request, as (action, outcome, actor name, address)."""
    return rows(server, "SELECT action, outcome, actor_name, address FROM audit WHERE request_id = ?", request_id)


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
