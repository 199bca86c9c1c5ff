"""assay migrate: a stopped registry's metadata goes to another database, all of it or nothing, there and back.

Row R-17 of the test programme is here too: manifests of every size, with many layers and children, long names, and
many of everything, are the same bytes before, after, and back again. ASSAY_SOAK_SCALE is the number of manifests, tags
and repositories that lie beside them.
"""

import concurrent.futures
import fcntl
import os
import signal
import re
import sqlite3
import subprocess
import sys
import time

import pytest

from harness import oci, volume
from harness.client import admin_of
from harness.server import REPOSITORY, Server, binary, environment, run_assay

sys.path.insert(0, str(REPOSITORY / "bench"))
import seed  # noqa: E402

SCALE = int(os.environ.get("ASSAY_SOAK_SCALE", "100000" if volume.is_soak() else "1000"))
KIB = 1024
SIZES = [KIB, 4 * KIB, 64 * KIB, 512 * KIB, 4096 * KIB]
LAYERS, CHILDREN = 500, 1000


def sqlite_url(path):
    return f"sqlite:{path}"


def migrate(source, target, *arguments, timeout=300):
    return run_assay("migrate", "--from", source, "--to", target, *arguments, timeout=timeout)


def dump(url):
    """Every row of every table but the engine's own, as text: what must be the same on both sides, in any order. A sequence
    that never gave a number may be missing."""
    with sqlite3.connect(url.removeprefix("sqlite:")) as db:
        return sorted(line for line in db.iterdump() if not line.startswith('INSERT INTO "schema"')
                      and not re.fullmatch(r'INSERT INTO "sqlite_sequence" VALUES\(\S+,0\);', line))


def count_rows(url):
    """Of all tables but those that a fresh database has rows in."""
    with sqlite3.connect(url.removeprefix("sqlite:")) as db:
        tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"
                                               " AND name NOT LIKE 'sqlite_%' AND name NOT IN ('schema', 'scrubs', 'roles')")]
        return sum(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)


def in_parallel(run, items):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, items))


def push_edges(registry):
    """The images that are hard to keep. Returns {(repository, reference): bytes}."""
    kept = {}

    def keep(repo, reference, document):
        data = document if isinstance(document, bytes) else oci.encode(document)
        kept[repo, registry.push_manifest(repo, reference, data)] = data
        kept[repo, reference] = data

    registry.push_blob("admin/edge", oci.EMPTY_JSON)
    config = oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG)
    for size in SIZES:
        keep("admin/edge", f"size-{size}", oci.padded(oci.manifest(config, [], annotations={"n": str(size)}), size))

    layers = [f"layer {i}".encode() for i in range(LAYERS)]
    in_parallel(lambda data: registry.push_blob("admin/edge", data), layers)
    keep("admin/edge", "layers", oci.manifest(config, [oci.descriptor(data, oci.OCI_LAYER) for data in layers]))

    children = [oci.encode(oci.manifest(config, [], annotations={"child": str(i)})) for i in range(CHILDREN)]
    in_parallel(lambda data: registry.push_manifest("admin/edge", oci.digest(data), data), children)
    keep("admin/edge", "children", oci.index([oci.descriptor(data, oci.OCI_MANIFEST) for data in children]))

    longest = "admin/" + "/".join(["d" * 61] * 4)
    longest += "e" * (255 - len(longest))
    registry.push_blob(longest, oci.EMPTY_JSON)
    keep(longest, "t" * 128, oci.manifest(config, [], annotations={"name": "longest"}))
    return kept


def check_edges(registry, kept):
    def check(item):
        (repo, reference), data = item
        answer = registry.pull_manifest(repo, reference)
        assert answer.status_code == 200 and answer.content == data, f"{repo}:{reference} is not what was pushed"
    in_parallel(check, kept.items())


def stored_manifests(url):
    """{(repository, digest): digest of the bytes as they are}"""
    with sqlite3.connect(url.removeprefix("sqlite:")) as db:
        return {(repo, digest): oci.digest(data, digest.split(":")[0])
                for repo, digest, data in db.execute("SELECT repo_id, digest, bytes FROM manifests")}


def new_database(engine, cluster, path):
    """An url under which there is nothing yet."""
    return sqlite_url(path) if engine == "sqlite" else cluster.url(cluster.new_database())


def move(source, target, data):
    """Returns the seconds that it took."""
    begun = time.monotonic()
    done = migrate(source, target, "--data", data, timeout=1200)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


@volume.limit(300)
@pytest.mark.parametrize("other", ["sqlite", "postgres"])
def test_edge_metadata_moves_there_and_back(tmp, cluster, other):
    """R-17: moved to another database and back every manifest is the same, and so is everything else."""
    second = new_database(other, cluster, tmp / "b.db")
    server = Server(tmp / "data").start()
    kept = push_edges(admin_of(server))
    server.stop()
    seed.fill(server.data, manifests=SCALE, tags=SCALE, repositories=SCALE, referrers=min(SCALE, 10_000))

    first, third, last = sqlite_url(server.data / "assay.db"), sqlite_url(tmp / "c.db"), sqlite_url(tmp / "d.db")
    before = stored_manifests(first)
    assert all(digest == rehashed for (_, digest), rehashed in before.items())
    rows = count_rows(first)
    there, back = move(first, second, server.data), move(second, third, server.data)
    assert dump(first) == dump(third) and stored_manifests(third) == before

    # What was moved is served and written to, and moves on.
    with Server(server.data, "--database", second) as moved:
        check_edges(admin_of(moved), kept)
        kept["admin/new", "after"] = admin_of(moved).push_image("admin/new", "after").data
    move(second, last, server.data)
    with Server(server.data, "--database", last) as moved:
        check_edges(admin_of(moved), kept)
    volume.report("R-17", engine=other, manifests=len(before) + 1, rows=rows, moves=3,
                  rows_per_second=int(rows / there), back=int(rows / back))


@pytest.fixture
def stopped(tmp):
    """The database of a stopped registry with an image in it."""
    server = Server(tmp / "data").start()
    admin_of(server).push_image("admin/app", "v1")
    server.stop()
    return server


def test_it_says_what_it_did_and_what_is_next(stopped, tmp):
    source, target = sqlite_url(stopped.data / "assay.db"), sqlite_url(tmp / "new" / "assay.db")
    done = migrate(source, target)
    assert done.returncode == 0, done.stderr
    tables = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("verified ")]
    assert {"accounts", "manifests", "tags", "events", "audit"} <= set(tables) and len(set(tables)) == len(tables)
    assert f"--database {target}" in done.stdout
    assert "moved and verified" in done.stdout


def test_ids_go_on_where_they_were(stopped, tmp):
    """The id of a row that is gone is not given again by the new database."""
    source, target = sqlite_url(stopped.data / "assay.db"), sqlite_url(tmp / "b.db")
    with sqlite3.connect(stopped.data / "assay.db") as db:
        db.execute("UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'repositories'")
    assert migrate(source, target, "--data", stopped.data).returncode == 0
    with Server(stopped.data, "--database", target) as moved:
        admin_of(moved).push_image("admin/next", "v1")
    with sqlite3.connect(tmp / "b.db") as db:
        assert db.execute("SELECT id FROM repositories WHERE path = 'admin/next'").fetchone() == (4712,)


@pytest.mark.sqlite
def test_a_running_server_is_left_alone(new_server, tmp):
    server = new_server()
    done = migrate(sqlite_url(server.data / "assay.db"), sqlite_url(tmp / "b.db"))
    assert done.returncode == 1 and str(server.data) in done.stderr and "stop it first" in done.stderr
    assert not (tmp / "b.db").exists()


def test_a_node_elsewhere_that_is_alive_stops_it(stopped, tmp):
    source, target = sqlite_url(stopped.data / "assay.db"), sqlite_url(tmp / "b.db")
    now = time.time_ns() // 1000
    with sqlite3.connect(stopped.data / "assay.db") as db:
        db.execute("INSERT INTO nodes VALUES ('aaaaaaaaaaaa', '1', 1, ?, ?, 0)", (now, now + 600_000_000))
    done = migrate(source, target)
    assert done.returncode == 1 and "aaaaaaaaaaaa" in done.stderr
    assert count_rows(target) == 0


def test_a_target_with_rows_is_refused(stopped, tmp):
    source, target = sqlite_url(stopped.data / "assay.db"), sqlite_url(tmp / "b.db")
    assert migrate(source, target).returncode == 0
    done = migrate(source, target)
    assert done.returncode == 1 and "not empty" in done.stderr
    done = migrate(source, source)
    assert done.returncode == 1 and "not empty" in done.stderr


def test_a_source_that_is_not_there_is_not_made(tmp):
    done = migrate(sqlite_url(tmp / "typo.db"), sqlite_url(tmp / "b.db"))
    assert done.returncode == 1 and "typo.db" in done.stderr
    assert not (tmp / "typo.db").exists()
    sqlite3.connect(tmp / "empty.db").close()
    (tmp / "empty.db").touch()
    done = migrate(sqlite_url(tmp / "empty.db"), sqlite_url(tmp / "b.db"))
    assert done.returncode == 1 and "no registry" in done.stderr


def test_a_database_newer_than_the_program_is_refused(stopped, tmp):
    """It may have tables that this program does not know and would leave behind."""
    with sqlite3.connect(stopped.data / "assay.db") as db:
        db.execute("UPDATE schema SET schema_max = schema_max + 1")
    done = migrate(sqlite_url(stopped.data / "assay.db"), sqlite_url(tmp / "b.db"))
    assert done.returncode == 1 and "schema" in done.stderr


@pytest.mark.parametrize("trigger, said", [
    ("AFTER INSERT ON tags BEGIN UPDATE tags SET moved_by = 99; END", "name=v1 is another one"),
    ("BEFORE INSERT ON tags BEGIN SELECT RAISE(IGNORE); END", "name=v1 did not arrive"),
])
def test_a_target_that_changes_rows_is_found_and_left_empty(stopped, tmp, trigger, said):
    """The check reads the target and not what was sent to it: the table and the key are named."""
    target = sqlite_url(tmp / "b.db")
    sqlite3.connect(tmp / "b.db").close()
    with Server(tmp / "other", "--database", target):
        pass
    with sqlite3.connect(tmp / "b.db") as db:
        tables = [name for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"
                                               " AND name NOT LIKE 'sqlite_%' AND name <> 'schema'")]
        for name in tables:
            db.execute(f"DELETE FROM {name}")
        db.execute(f"CREATE TRIGGER spoil {trigger}")
    done = migrate(sqlite_url(stopped.data / "assay.db"), target)
    assert done.returncode == 1, done.stdout
    assert "table tags" in done.stderr and said in done.stderr and "nothing was moved" in done.stderr
    assert count_rows(target) == 0


def test_a_changing_postgresql_is_found_and_left_empty(stopped, tmp, cluster):
    """As above; and the target is good again when the cause is gone, with ids that go on."""
    source, name = sqlite_url(stopped.data / "assay.db"), cluster.new_database()
    with Server(tmp / "other", "--database", cluster.url(name)):
        pass
    tables = ", ".join(row[0] for row in cluster.sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('schema', 'scrubs', 'roles')", name))
    cluster.sql(f"TRUNCATE {tables}", name)
    cluster.sql("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN NEW.moved_by = 99; RETURN NEW; END'", name)
    cluster.sql("CREATE TRIGGER spoil BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION spoil()", name)
    done = migrate(source, cluster.url(name))
    assert done.returncode == 1 and "table tags" in done.stderr and "name=v1 is another one" in done.stderr, done.stderr
    assert cluster.sql("SELECT (SELECT count(*) FROM tags) + (SELECT count(*) FROM accounts)", name) == [["0"]]

    cluster.sql("DROP TRIGGER spoil ON tags", name)
    with sqlite3.connect(stopped.data / "assay.db") as db:
        db.execute("UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'repositories'")
    done = migrate(source, cluster.url(name))
    assert done.returncode == 0, done.stderr
    with Server(stopped.data, "--database", cluster.url(name)) as moved:
        admin_of(moved).push_image("admin/next", "v1")
    assert cluster.sql("SELECT id FROM repositories WHERE path = 'admin/next'", name) == [["4712"]]


def test_interrupted_it_leaves_the_target_empty(stopped, tmp):
    """Its output is a full pipe, so that it stands still in the middle until the signal is there."""
    source, target = sqlite_url(stopped.data / "assay.db"), sqlite_url(tmp / "b.db")
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"." * 4000)
    process = subprocess.Popen([str(binary()), "migrate", "--from", source, "--to", target], env=environment(),
                               stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    deadline = time.monotonic() + 60
    while not (tmp / "b.db").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    with open(reading, encoding="ascii") as pipe:
        said = pipe.read()
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1 and "interrupted" in complaint, (said[-300:], complaint)
    assert count_rows(target) == 0
    done = migrate(source, target)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [
    [], ["--from", "sqlite:a.db"], ["--to", "sqlite:b.db"], ["--from"], ["--from", "sqlite:a.db", "--to"],
    ["--from", "sqlite:a.db", "--to", "sqlite:b.db", "extra"],
    ["--from", "sqlite:a.db", "--from", "sqlite:b.db", "--to", "sqlite:c.db"],
])
def test_wrong_usage_is_2_and_leads_to_the_help(tmp, arguments):
    done = run_assay("migrate", *arguments, cwd=tmp)
    assert done.returncode == 2 and "assay migrate --help" in done.stderr
    assert not list(tmp.iterdir())


def test_help_teaches(tmp):
    done = run_assay("migrate", "--help", cwd=tmp)
    assert done.returncode == 0 and done.stderr == ""
    for word in ("--from", "--to", "--data", "postgres://", "stop", "PGPASSWORD", "Exit status"):
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
