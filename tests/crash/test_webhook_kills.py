"""A kill loop with receivers attached: of every event that was committed each receiver is told at least once, in order, 0 lost,
however often the server dies between telling and writing down that it told."""

import collections
import sqlite3
import threading
import time

import pytest
import requests

from harness import volume
from harness.client import Registry, admin_of
from harness.postgres import Cluster
from harness.receiver import Authority, Receiver, eventually
from harness.server import ADMIN_PASSWORD, Server

ENGINES = {"sqlite": (4, 1000, 0.6), "postgres": (2, 300, 0.4)}
SOON = {"ASSAY_WEBHOOK_RETRY": "5ms", "ASSAY_WEBHOOK_MAX_WAIT": "50ms", "ASSAY_WEBHOOK_FAILURES": "1000"}
PUSHERS = 3


class Teller(threading.Thread):
    """Pushes tags and deletes some until the server is gone."""

    def __init__(self, url, repo, start):
        super().__init__(daemon=True)
        self.registry, self.repo, self.number = Registry(url, "admin", ADMIN_PASSWORD), repo, start
        self.stopping = threading.Event()

    def run(self):
        try:
            while not self.stopping.is_set():
                self.number += 1
                self.registry.push_image(self.repo, f"v{self.number}")
                if self.number % 3 == 0:
                    self.registry.delete(f"/api/v0/repositories/{self.repo}/tags/v{self.number}")
        except (requests.exceptions.RequestException, OSError, AssertionError):
            pass  # the server was killed under it


@pytest.fixture
def cluster():
    own = Cluster()
    yield own
    own.stop()


def committed(server, cluster, database):
    """{event id: type} of what the registry has on record for ever."""
    text = "SELECT id, type FROM events WHERE type IN ('TAG_PUSH', 'TAG_DELETE') ORDER BY id"
    if database:
        return dict(cluster.sql(text, database))
    with sqlite3.connect(f"file:{server.data}/assay.db?mode=ro", uri=True) as db:
        return {str(number): type for number, type in db.execute(text)}


def told(receiver):
    """{event id: times}, and by subscription the ids in the order in which each was first taken."""
    times, order = collections.Counter(), collections.defaultdict(list)
    for call in receiver.good():
        hook, event = call.id.removeprefix("msg_").rsplit("_", 1)
        if event not in order[hook]:
            order[hook].append(event)
        times[event] += 1
    return times, order


@volume.limit(300)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_committed_event_is_told_whatever_dies(engine, cluster, tmp_path):
    chance = volume.chance("webhooks", engine)
    database = cluster.new_database() if engine == "postgres" else None
    arguments = ["--egress-allow", "127.0.0.0/8", *(["--database", cluster.url(database)] if database else [])]
    server = Server(tmp_path / "data", *arguments, env=SOON).start()
    authority, kills, numbers = Authority(tmp_path), 0, [0] * PUSHERS
    commit, nightly, share = ENGINES[engine]
    with Receiver(authority) as steady, Receiver(authority) as moody:
        moody.answer = lambda call: chance.choice([200] * 6 + [500, 503])
        try:
            for receiver in (steady, moody):
                for type in ("TAG_PUSH", "TAG_DELETE"):
                    answer = admin_of(server).post("/api/v1/webhooks", json={"type": type, "endpoint": receiver.url,
                                                                             "tlsCert": authority.pem})
                    assert answer.status_code == 201, answer.text
            for _ in volume.rounds(commit, nightly, share):
                tellers = [Teller(server.url(), f"admin/told{at}", number) for at, number in enumerate(numbers)]
                for teller in tellers:
                    teller.start()
                time.sleep(chance.uniform(0.2, 1.2))
                server.kill()
                kills += 1
                for teller in tellers:
                    teller.join(60)
                numbers = [teller.number for teller in tellers]
                server.start()
            wanted = committed(server, cluster, database)
            assert len(wanted) > kills, "hardly anything was pushed: this run proves nothing"
            for receiver in (steady, moody):
                missing = lambda receiver=receiver: set(wanted) - set(told(receiver)[0])  # noqa: E731
                eventually(lambda: not missing(), f"what nobody was told of: {sorted(missing())[:10]}", 120)
                times, order = told(receiver)
                for events in order.values():
                    assert events == sorted(events, key=int) or engine == "postgres", "told out of order"
            volume.report("webhooks", engine=engine, kills=kills, events=len(wanted),
                          told=sum(told(steady)[0].values()), again=sum(told(steady)[0].values()) - len(wanted), lost=0)
            server.stop()
        finally:
            server.kill()
