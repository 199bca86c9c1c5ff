"""The events of a tag are its history: each names what the tag named before it, whoever else wrote it at the same time."""

import collections
import sqlite3
import threading

from harness import oci
from harness.client import admin_of

WRITERS, PUSHES = 6, 12


def events_of(server, cluster, repository, tag):
    """(type, digest, old digest) in the order in which they were written."""
    query = (f"SELECT type, coalesce(digest, ''), coalesce(old_digest, '') FROM events WHERE path = '{repository}'"
             f" AND object_kind = 'tag' AND object_name = '{tag}' ORDER BY id")
    if server.database:
        database = server.database[1].split("?")[0].rsplit("/", 1)[1]
        return [tuple(row) for row in cluster.sql(query, database)]
    with sqlite3.connect(server.data / "assay.db") as database:
        return database.execute(query).fetchall()


def manifest_of(number):
    return oci.encode(oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG), [], annotations={"n": str(number)}))


def check_chain(events, final):
    """Each digest that the tag ever named was replaced exactly once, but for the one that it names now."""
    replaced = collections.Counter(old for kind, _, old in events if kind == "TAG_PUSH")
    named = collections.Counter(digest for kind, digest, _ in events if kind == "TAG_PUSH")
    deleted = collections.Counter(digest for kind, digest, _ in events if kind == "TAG_DELETE")
    made = 1 + sum(deleted.values()) - (final == "")
    assert replaced.pop("", 0) == made, f"made {made} times: {events}"
    assert replaced + deleted + collections.Counter([final] if final else []) == named


def race(server, write):
    """Some writers at once, each with a connection of its own."""
    failures = []
    barrier = threading.Barrier(WRITERS)

    def run(number):
        try:
            registry = admin_of(server)
            barrier.wait(30)
            for turn in range(PUSHES):
                write(registry, number, turn)
        except Exception as failure:  # told by the main thread
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]


def names_now(registry, tag):
    answer = registry.head(f"/v2/admin/app/manifests/{tag}")
    return answer.headers["Docker-Content-Digest"] if answer.status_code == 200 else ""


def test_pushes_of_one_tag_at_once_are_one_chain(new_server, cluster):
    server = new_server("--database", cluster.url(cluster.new_database()))
    registry = admin_of(server)
    registry.push_blob("admin/app", oci.EMPTY_JSON)
    # A tag of each turn is made by one of them and moved by the others; one tag is moved by all of them all the time.
    race(server, lambda mine, number, turn: [mine.push_manifest("admin/app", tag, manifest_of(f"{tag} {number} {turn}"))
                                             for tag in (f"new{turn}", "v1")])
    for tag in ("v1", *(f"new{turn}" for turn in range(PUSHES))):
        events = events_of(server, cluster, "admin/app", tag)
        assert len(events) == (WRITERS * PUSHES if tag == "v1" else WRITERS)
        check_chain(events, names_now(registry, tag))


def test_pushes_and_deletes_of_one_tag_at_once_are_one_chain(new_server, cluster):
    server = new_server()
    registry = admin_of(server)
    registry.push_blob("admin/app", oci.EMPTY_JSON)

    def write(mine, number, turn):
        if number < WRITERS // 2:
            mine.push_manifest("admin/app", "v1", manifest_of(f"{number} {turn}"))
        else:
            assert mine.delete("/v2/admin/app/manifests/v1").status_code in (202, 404)

    race(server, write)
    check_chain(events_of(server, cluster, "admin/app", "v1"), names_now(registry, "v1"))
