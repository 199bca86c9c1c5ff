"""R-07, PostgreSQL under faults: backends and the postmaster killed, connections cut around a COMMIT, a standby that takes
over, no connection left, no server at all. Nothing acknowledged is lost, nothing happens twice, and recovery needs no restart of ours."""

import concurrent.futures
import os
import signal
import threading
import time

import pytest

from harness import oci, volume
from harness.client import Registry
from harness.postgres import Cluster
from harness.server import ADMIN_PASSWORD, Server

from cuts import Proxy
from workload import Crowd

RECOVERY_SECONDS = 45


@pytest.fixture(scope="module")
def cluster():
    running = Cluster().start()
    yield running
    running.stop()


def registry(server):
    return Registry(server.url(), "admin", ADMIN_PASSWORD)


def until(what, *answers):
    """Asks until the answer is one of those; what came in between must be a clean refusal."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        answer = what()
        if answer.status_code in answers:
            return answer
        assert answer.status_code == 503 and answer.headers["Retry-After"], answer.text
        assert time.monotonic() < deadline, f"no recovery: {answer.text}"
        time.sleep(0.1)


def becomes(anybody, status):
    """Readiness takes a few looks to change its mind."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while anybody.get("/readyz").status_code != status:
        assert time.monotonic() < deadline, f"/readyz does not come to {status}"
        time.sleep(0.1)


@volume.limit(300)
def test_a_commit_whose_answer_is_lost_is_resolved(tmp_path, cluster):
    """Cut behind the COMMIT it is a success all the same; cut before, a clean refusal. Never is an effect there twice."""
    database, proxy = cluster.new_database(), Proxy(cluster.socket())
    chance, tags = volume.chance("commit cuts"), []
    with Server(tmp_path / "data", "--database", cluster.url(database, port=proxy.port)) as server:
        admin = registry(server)
        config = oci.random_blob(32)
        admin.push_blob("admin/cut", config)
        config = oci.descriptor(config, "application/vnd.oci.image.config.v1+json")
        for number in volume.rounds(30, 500):
            side, tag = chance.choice(["before", "after"]), f"t{number}"
            document = oci.manifest(config, [], annotations={"n": tag})
            put = lambda: admin.put_manifest("admin/cut", tag, document)  # noqa: B023, E731  used at once
            proxy.orders.append(side)
            answer = put()
            assert answer.status_code in (201, 503), answer.text
            if answer.status_code == 503:
                assert answer.headers["Retry-After"]
                until(put, 201)
            tags.append(tag)
        assert sorted(admin.tags("admin/cut")) == sorted(tags)
        assert not proxy.orders and proxy.done["before"] and proxy.done["after"]
        said = server.log()
        assert said.count("the commit did not happen") >= 1
        assert "is unknown" not in said, "a server that lives can always be asked"
        # One event and one audit record a push: neither none nor two.
        for table, column in (("events", "type"), ("audit", "action")):
            counts = cluster.sql(f"SELECT object_name, count(*) FROM {table} WHERE {column} = 'TAG_PUSH' GROUP BY 1", database)
            assert sorted(map(tuple, counts)) == sorted((tag, "1") for tag in tags), table
    volume.report("R-07", cut_before=proxy.done["before"], cut_after=proxy.done["after"])
    proxy.stop()


def kill_a_backend(cluster, database, chance):
    """The postmaster then ends all of them, recovers, and goes on by itself."""
    backends = cluster.backends(database)
    if backends:
        os.kill(chance.choice(backends), signal.SIGKILL)


def kill_the_postmaster(cluster, _database, _chance):
    cluster.kill()
    cluster.run()


@volume.limit(300)
def test_nothing_acknowledged_is_lost_when_postgresql_is_killed(tmp_path, cluster):
    chance, database, kills = volume.chance("postgres kills"), cluster.new_database(), 0
    server = Server(tmp_path / "data", "--database", cluster.url(database)).start()
    crowd = Crowd(chance)
    try:
        for number in volume.rounds(4, 200):
            crowd.start(server, faults=(503,))
            time.sleep(chance.uniform(0.3, 1.0))
            (kill_a_backend, kill_the_postmaster)[number % 2](cluster, database, chance)
            kills += 1
            time.sleep(chance.uniform(0.1, 0.5))
            crowd.stop()
            until(lambda: registry(server).get("/v2/_catalog"), 200)
            becomes(registry(server), 200)  # until then it takes no writes
            crowd.check(server)
        crowd.check(server, everything=True)
        assert crowd.steps > kills, "hardly anything was pushed: this run proves nothing"
        volume.report("R-07", kills=kills, **crowd.counts())
        server.stop()
    finally:
        server.kill()


def fail_over_after_a_crash(primary, standby):
    primary.kill()
    standby.promote()


def fail_over_while_it_lives(primary, standby):
    """As when the two have lost sight of each other: the old one goes on, and may acknowledge nothing any more."""
    standby.promote()
    time.sleep(1)
    primary.kill()


def acknowledges_nothing_alone(primary, server):
    """With its only standby gone; a push ends when the primary is told to do without."""
    admin = registry(server)
    image = admin.push_image("admin/alone", "v1")
    primary.set("synchronous_standby_names", "'*'")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        push = pool.submit(admin.put_manifest, "admin/alone", "v2", image.document)
        time.sleep(2)
        assert not push.done(), f"{push.result().status_code} without the standby"
        primary.set("synchronous_standby_names", "''")
        assert push.result().status_code == 201


class Places:
    """Two names for folders of sockets, so that one url stays true while servers come and go."""

    def __init__(self, folder):
        self.names = [folder / "one", folder / "two"]

    def give(self, cluster):
        name = next(name for name in self.names if not name.is_symlink() or not name.exists())
        name.unlink(missing_ok=True)
        name.symlink_to(cluster.directory)

    def url(self, database):
        return f"postgresql://registry@/{database}?host={self.names[0]},{self.names[1]}"


@volume.limit(400)
def test_a_standby_takes_over_and_nothing_acknowledged_is_lost(tmp_path):
    """Two servers, synchronous; both stand in the url. Writes are back within the time, without a restart of ours."""
    chance, slowest, overs = volume.chance("failovers"), 0.0, 0
    crowd, places = Crowd(chance, size=4, name="over"), Places(tmp_path)
    clusters = [Cluster().start()]
    places.give(clusters[0])
    server = Server(tmp_path / "data", "--database", places.url(clusters[0].new_database()))
    try:
        server.start()
        for _ in volume.rounds(1, 20, share=0.4):
            clusters.append(clusters[0].new_standby())
            places.give(clusters[1])
            crowd.start(server, faults=(503,))
            time.sleep(chance.uniform(0.5, 1.5))
            begun = time.monotonic()
            chance.choice([fail_over_after_a_crash, fail_over_while_it_lives])(*clusters)
            until(lambda: registry(server).post("/v2/admin/probe/blobs/uploads/"), 202)
            slowest, overs = max(slowest, time.monotonic() - begun), overs + 1
            crowd.stop()
            becomes(registry(server), 200)
            crowd.check(server)
            clusters.pop(0).stop()
        crowd.check(server, everything=True)
        acknowledges_nothing_alone(clusters[0], server)
        volume.report("R-07", failovers=overs, slowest_seconds=slowest, **crowd.counts())
        server.stop()
    finally:
        server.kill()
        for cluster in clusters:
            cluster.stop()


def test_without_postgresql_the_answers_are_clean_and_it_comes_back_by_itself(tmp_path, cluster):
    with Server(tmp_path / "data", "--database", cluster.url(cluster.new_database())) as server:
        pid, admin = server.process.pid, registry(server)
        admin.push_image("admin/away", "v1")
        token = admin.token("repository:admin/away:pull,push")
        bearer = Registry(server.url(), token=token)
        cluster.kill()
        while bearer.get("/v2/admin/away/tags/list").status_code == 200:
            time.sleep(0.02)  # a server process outlives its postmaster for a moment
        for ask in (lambda: bearer.get("/v2/admin/away/manifests/v1"), lambda: bearer.post("/v2/admin/away/blobs/uploads/"),
                    lambda: bearer.get("/v2/admin/away/tags/list")):
            answer = ask()
            assert answer.status_code == 503 and answer.headers["Retry-After"], answer.text
            assert answer.json()["errors"][0]["code"] == "UNAVAILABLE"
            assert "postgres" not in answer.text, "the cause is for the log"
        assert bearer.get("/livez").status_code == 200
        becomes(bearer, 503)
        cluster.run()
        until(lambda: bearer.get("/v2/admin/away/manifests/v1"), 200)
        becomes(bearer, 200)
        assert admin.push_image("admin/away", "v2")
        assert server.process.pid == pid


def test_no_connection_left_is_a_clean_refusal(tmp_path, cluster):
    """A table that somebody holds keeps the whole pool busy; who waits too long is refused, and then all is well."""
    database = cluster.new_database()
    with Server(tmp_path / "data", "--database", cluster.url(database), "--database-pool", "2", "--workers", "32") as server:
        admin = registry(server)
        admin.push_image("admin/busy", "v1")
        bearer = Registry(server.url(), token=admin.token("repository:admin/busy:pull"))
        holding = threading.Thread(target=cluster.sql, args=(
            "BEGIN; LOCK TABLE tags IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4)", database))
        holding.start()
        until_locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL"
        while cluster.sql(until_locked, database) == [["0"]]:
            time.sleep(0.02)
        with concurrent.futures.ThreadPoolExecutor(24) as crowd:
            answers = list(crowd.map(lambda _: Registry(server.url(), token=bearer_token(bearer)).get(
                "/v2/admin/busy/manifests/v1"), range(48)))
        statuses = {answer.status_code for answer in answers}
        assert statuses <= {200, 503} and 503 in statuses, statuses
        assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)
        holding.join()
        until(lambda: bearer.get("/v2/admin/busy/manifests/v1"), 200)


def bearer_token(bearer):
    return bearer.session.headers["Authorization"].removeprefix("Bearer ")


def test_a_server_without_room_is_a_clean_refusal(tmp_path, cluster):
    """max_connections: the server refuses new connections, and those that there are go on."""
    database = cluster.new_database()
    with Server(tmp_path / "data", "--database", cluster.url(database)) as server:
        admin = registry(server)
        admin.push_image("admin/full", "v1")
        try:
            cluster.sql("ALTER ROLE registry CONNECTION LIMIT 0")
            for pid in cluster.backends(database):
                cluster.sql(f"SELECT pg_terminate_backend({pid}, 5000)")
            answer = admin.get("/v2/admin/full/tags/list")
            assert answer.status_code == 503 and answer.headers["Retry-After"], answer.text
        finally:
            cluster.sql("ALTER ROLE registry CONNECTION LIMIT -1")
        until(lambda: admin.get("/v2/admin/full/tags/list"), 200)
