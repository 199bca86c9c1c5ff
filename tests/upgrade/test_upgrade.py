"""R-15: from the release before to this one and back while clients push, pull and move tags; two nodes, one by one.

Servers of the two releases take turns on one data directory and one address, each ended by SIGTERM in the middle of the
traffic. A client that tries again gets every pull; a push gets its success, a clean 503 or no answer, and nothing that
was acknowledged is lost or changed in the end.
"""

import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from harness import oci, volume
from harness.client import Registry, admin_of
from harness.postgres import Cluster
from harness.server import ADMIN_PASSWORD, Server, binary, environment

from release import previous_program
from workload import REQUEST_ERRORS, Crowd, Pusher

PULLERS, PUSHERS, IMAGES = 3, 4, 10
RETRY_SECONDS = 60
TURN_STEPS, TURN_PULLS = 25, 60


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def turn_to_next(registry, urls):
    """The trivial balancer: who got no answer asks the next node."""
    registry.url = urls[(urls.index(registry.url) + 1) % len(urls)]


class Patient(Pusher):
    """A pusher that goes on when its server went away: the book holds both outcomes of what was under way."""

    urls = ()

    def act(self, action):
        try:
            super().act(action)
        except REQUEST_ERRORS:
            self.refused += 1
            turn_to_next(self.registry, self.urls)
            self.stopping.wait(0.05)


class PatientCrowd(Crowd):
    def start_at(self, urls, faults=(503,)):
        self.pushers = [Patient(urls[i % len(urls)], ledger, self.chance.randrange(2**32), faults)
                        for i, ledger in enumerate(self.ledgers)]
        for pusher in self.pushers:
            pusher.urls = urls
            pusher.start()

    def progress(self):
        return [pusher.steps for pusher in self.pushers]


class Puller(threading.Thread):
    """Pulls whole images, over and over; tries again while there is no server, and takes no other answer than the
    right one."""

    def __init__(self, url, urls, images, chance):
        super().__init__(daemon=True)
        self.registry, self.urls = Registry(url, "admin", ADMIN_PASSWORD), urls
        self.images, self.chance = images, chance
        self.stopping = threading.Event()
        self.pulls = self.retries = 0
        self.wrong = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.pull(*self.chance.choice(self.images))
                self.pulls += 1
        except Exception as wrong:  # told by the main thread
            self.wrong = wrong

    def pull(self, tag, image):
        assert self.patiently(f"manifests/{tag}", image.media_type) == image.data, f"{tag} has other bytes"
        for data in (image.config, *image.layers):
            assert self.patiently(f"blobs/{oci.digest(data)}") == data, f"a blob of {tag} has other bytes"

    def patiently(self, what, accept="*/*"):
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                answer = self.registry.get(f"/v2/admin/steady/{what}", headers={"Accept": accept})
                if answer.status_code != 503:
                    assert answer.status_code == 200, f"{what}: {answer.status_code} {answer.text[:300]}"
                    return answer.content
            except REQUEST_ERRORS:
                pass
            assert time.monotonic() < deadline, f"{what}: no answer within {RETRY_SECONDS} s"
            self.retries += 1
            turn_to_next(self.registry, self.urls)
            time.sleep(0.02)


class Traffic:
    """All clients; `flow` returns when each kind has done its share of a turn."""

    def __init__(self, chance, *servers):
        registry, urls = admin_of(servers[0]), [server.url() for server in servers]
        images = [(f"v{i}", registry.push_image("admin/steady", f"v{i}", layers=2, layer_size=20_000))
                  for i in range(IMAGES)]
        self.pullers = [Puller(urls[i % len(urls)], urls, images, volume.chance("puller", i))
                        for i in range(PULLERS)]
        self.crowd = PatientCrowd(chance, PUSHERS, "upgrade")
        self.crowd.start_at(urls)
        for puller in self.pullers:
            puller.start()

    def done(self):
        return sum(self.crowd.progress()), sum(puller.pulls for puller in self.pullers)

    def check(self):
        for client in (*self.pullers, *self.crowd.pushers):
            assert client.wrong is None, client.wrong

    def flow(self):
        steps, pulls = self.done()
        deadline = time.monotonic() + RETRY_SECONDS
        while self.done()[0] < steps + TURN_STEPS or self.done()[1] < pulls + TURN_PULLS:
            self.check()
            assert time.monotonic() < deadline, f"hardly any traffic: {self.done()} after {(steps, pulls)}"
            time.sleep(0.02)

    def stop(self):
        self.crowd.stop()
        for puller in self.pullers:
            puller.stopping.set()
        for puller in self.pullers:
            puller.join(RETRY_SECONDS)
            assert not puller.is_alive(), "a puller hangs"
        self.check()

    def end(self, server, **counts):
        """Everything that was acknowledged is there; tells what there was."""
        self.stop()
        self.crowd.check(server, everything=True)
        volume.report("R-15", **counts, pulls=self.done()[1], failed_pulls=0,
                      retried=sum(puller.retries for puller in self.pullers), **self.crowd.counts(),
                      pushes_refused=self.crowd.refused)


def refuses(program, *arguments):
    """It does not start on a database that needs a newer program, and says what to do."""
    done = subprocess.run(list(map(str, (program, "serve", *arguments, "--http", "127.0.0.1:0"))), env=environment(),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "9998" in done.stderr and "install a newer assay" in done.stderr, done.stderr


@pytest.fixture(scope="module")
def previous():
    return previous_program()


@volume.limit(1200)
def test_upgrade_and_back_under_traffic(tmp_path, previous):
    address = free_address()
    old = Server(tmp_path / "data", http=address, program=previous)
    new = Server(tmp_path / "data", http=address)
    turns, traffic = 0, None
    try:
        old.start()
        traffic = Traffic(volume.chance("upgrade"), old)
        traffic.flow()
        for _ in volume.rounds(1, 10):
            for leaving, coming in ((old, new), (new, old)):
                leaving.stop()
                coming.start()
                traffic.flow()
                turns += 1
        old.stop()
        new.start()
        traffic.flow()
        traffic.end(new, engine="sqlite", turns=turns + 1)
        new.stop()
    finally:
        old.kill()
        new.kill()


@pytest.fixture(scope="module")
def cluster():
    running = Cluster()
    yield running
    running.stop()


@volume.limit(1200)
def test_rolling_upgrade_and_back_of_two_nodes(tmp_path, cluster, previous):
    """Two nodes on one PostgreSQL and one storage. The first start is the release before's; then the nodes take turns to
    leave and come as this release, as the one before, and as this again, so that each works beside the other: clients go
    on with whichever is there."""
    database = cluster.new_database()
    shared = ("--database", cluster.url(database), "--storage", f"file:{tmp_path / 'blobs'}",
              "--key-file", tmp_path / "key")
    addresses = [free_address() for _ in range(2)]
    old, new = ([Server(tmp_path / f"node{i}", *shared, http=address, program=program)
                 for i, address in enumerate(addresses)] for program in (previous, binary()))
    turns = 0
    try:
        for node in old:
            node.start()
        traffic = Traffic(volume.chance("rolling"), *old)
        traffic.flow()
        for turn in volume.rounds(1, 10):
            first = [(old, new)] if turn == 0 else []
            for leaving, coming in (*first, (new, old), (old, new)):
                for i in range(2):
                    leaving[i].stop()
                    traffic.flow()
                    coming[i].start()
                    traffic.flow()
                    turns += 1
        traffic.end(new[1], engine="postgres", turns=turns)
        for node in new:
            node.stop()
    finally:
        for node in (*old, *new):
            node.kill()

    cluster.sql("UPDATE schema SET schema_min = 9998, schema_max = 9999", database)
    refuses(binary(), "--data", tmp_path / "node0", *shared)


@pytest.mark.parametrize("which", ["previous", "present"])
def test_a_database_that_needs_a_newer_program_is_refused(tmp_path, previous, which):
    """With a sentence that says what to do, and without a change."""
    program = previous if which == "previous" else binary()
    Server(tmp_path / "data", program=program).start().stop()
    path = tmp_path / "data/assay.db"
    with sqlite3.connect(path) as db:
        db.execute("UPDATE schema SET schema_min = 9998, schema_max = 9999")
    refuses(program, "--data", tmp_path / "data")
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT schema_min, schema_max FROM schema").fetchall() == [(9998, 9999)]
