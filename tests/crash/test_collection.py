"""Collection end to end: what it is told and tells, pushes that race with it (GC-01), storage and clocks that misbehave (GC-04,
GC-09), other nodes (GC-07, GC-08), crashes (GC-10), pushes that are too slow (GC-11), a standby that takes over (GC-12), backups
that are put back (GC-13), and what stays because a rule says so (GC-17). GC-05, GC-06 and GC-14 are unit tests of
work/collect.h, GC-14 for the time of the database alone is here; GC-03 is test_failpoints.py."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from harness import oci, volume
from harness.client import Registry, as_descriptor
from harness.postgres import Cluster
from harness.server import Server, binary, environment, run_assay, wait_for
from harness.state import objects, rows

FAILPOINTS = binary().with_name("assay-failpoints")
AT_ONCE = ("--gc-delay", "0", "--undelete-window", "0", "--gc-interval", "1h")


@pytest.fixture(scope="module")
def cluster():
    own = Cluster()
    yield own
    own.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, cluster):
    return ("--database", cluster.url(cluster.new_database())) if request.param == "postgres" else ()


@pytest.fixture
def start(tmp_path):
    """Starts servers of this test's own, and stops what still runs."""
    started = []

    def begin(*arguments, name="data", **options):
        started.append(Server(tmp_path / name, *arguments, **options))
        return started[-1].start()
    yield begin
    for server in started:
        if server.is_running():
            server.stop()


def admin(server):
    return Registry(server.url(), "admin", server.password)


def gc(server, *options, status=0):
    """What `assay gc` says, the last line as a document and those before it as a list."""
    done = run_assay("gc", "-o", "json", *options, "--data", server.data, *server.database)
    assert done.returncode == status, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[-1], lines[:-1]


def is_clean(server, *options):
    done = run_assay("fsck", "--rehash", *options, *server.arguments, timeout=120)
    return done.returncode == 0 or done.stdout


def has(registry, repo, digest):
    return registry.head(f"/v2/{repo}/blobs/{digest}").status_code == 200


def unpinned_blob(server, repo="admin/app"):
    """One that nothing relies on."""
    server.admin("set", "pin-ttl", "0")
    digest = admin(server).push_blob(repo, oci.random_blob(500))
    server.admin("set", "pin-ttl", "1h")
    return digest


# -- what it says

def test_status_trial_run_and_brake_by_command_and_by_api(start, database):
    server = start(*AT_ONCE, "--doom-delay", "1h", *database)
    registry = admin(server)
    image = registry.push_image("admin/app", "v1", layer_size=1000)
    server.admin("set", "pin-ttl", "0")
    kept = registry.push_image("admin/app", "v2")
    orphan = unpinned_blob(server)
    assert registry.delete("/v2/admin/app/manifests/v2").status_code == 202

    done, items = gc(server, "--dry-run", "--all")
    reasons = {item["id"].split(":", 1)[-1] if item["kind"] == "manifest" else item["id"]: item for item in items}
    assert reasons[orphan]["goes"] and reasons[orphan]["bytes"] == 500
    assert reasons[kept.digest]["goes"] and reasons[kept.digest]["reason"] == "nothing names it"
    assert not reasons[image.digest]["goes"] and reasons[image.digest]["reason"] == "a tag names it"
    assert done["manifests"] == 1 and has(registry, "admin/app", oci.digest(image.layers[0]))
    listed = registry.get("/api/v1/collection/items", params={"later": "true"}).json()["items"]
    assert {(item["id"], item["goes"]) for item in listed} == {(item["id"], item["goes"]) for item in items}

    answer = registry.post("/api/v1/collection", json={"dryRun": True})
    assert answer.status_code == 202
    job = f"/api/v0/jobs/{answer.json()['id']}"
    wait_for(lambda: registry.get(job).json()["status"] == "done")
    assert orphan in registry.get(job + "/logs").text
    assert registry.post("/api/v1/collection", json={"dry": True}).status_code == 400

    assert registry.put("/api/v1/collection/brake").json()["brakes"][0]["canReset"] is True
    assert gc(server, "--now", status=1)[0]["brake"] == "an operator holds collection"
    assert gc(server, "--reset-brake")[0]["brakes"] == []
    done, items = gc(server, "--now")
    assert done["manifests"] == 1 and done["blobs"] == 3 and done["freeAt"] and done["objects"] == 0
    status = registry.get("/api/v1/collection").json()
    assert status["doomed"] == 3 and status["doomedBytes"] == done["bytes"] and status["lastFreeAt"]
    assert status["blobs"] == 3 and status["fuseBlobs"] == 3 and status["brakes"] == []
    assert "assay_collect_blobs_total 3\n" in registry.get("/metrics").text
    actions = [record["action"] for record in registry.get("/api/v1/audit", params={"pageSize": 50}).json()["records"]]
    assert {"COLLECTION_HELD", "COLLECTION_RESET"} <= set(actions)
    server.stop()

    alone, _ = gc(server)
    assert alone["doomed"] == 3
    assert gc(server, "--now")[0]["reviewed"] == 0


def test_bytes_come_free_soon_after_their_time_by_themselves(start, database):
    server = start("--gc-delay", "0", "--doom-delay", "1s", "--gc-interval", "1s", "--pin-ttl", "0", *database)
    admin(server).push_blob("admin/app", b"soon gone")
    wait_for(lambda: not any("blobs/" in name for name in objects(server)), 60)
    assert is_clean(server) is True


# -- GC-01

class Pushers:
    """Each has a repository of its own; the layers are everybody's."""

    N_LAYERS, N_PUSHERS = 20, 8

    def __init__(self, server, seconds_of_a_pin):
        self.server, self.seconds, self.failures, self.lock = server, seconds_of_a_pin, [], threading.Lock()
        self.layers = [oci.random_blob(2000 + number) for number in range(self.N_LAYERS)]
        self.counts = dict.fromkeys(("pushes", "deletes", "retags", "indexes", "referrers", "mounts"), 0)
        self.n_left = 0

    def take(self, number):
        with self.lock:
            self.n_left -= 1
            return self.n_left >= 0

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def run(self, number):
        try:
            pusher = Pusher(self, number)
            while self.take(number) and not self.failures:
                pusher.act()
            pusher.check_all()
        except Exception as failure:
            self.failures.append(failure)

    def play(self, n_cycles):
        self.n_left = n_cycles
        threads = [threading.Thread(target=self.run, args=(number,)) for number in range(self.N_PUSHERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.failures, self.failures[0]


class Pusher:
    def __init__(self, crowd, number):
        self.crowd, self.number, self.repo = crowd, number, f"admin/push{number}"
        self.registry, self.chance = admin(crowd.server), volume.chance("GC-01", number, crowd.counts["pushes"])
        self.tags, self.referrers, self.serial = {}, [], 0

    def act(self):
        act = self.chance.choices([self.push, self.delete, self.retag, self.index, self.refer], [10, 4, 2, 2, 2])[0]
        act()

    def bring(self, data):
        """As a client does: is it there, can it be mounted, else it is sent."""
        digest = oci.digest(data)
        if self.chance.random() < 0.7 and has(self.registry, self.repo, digest):
            return
        if self.chance.random() < 0.5:
            source = f"admin/push{self.chance.randrange(self.crowd.N_PUSHERS)}"
            answer = self.registry.post(f"/v2/{self.repo}/blobs/uploads/", params={"mount": digest, "from": source})
            if answer.status_code == 201:
                self.crowd.count("mounts")
                return
        self.registry.push_blob(self.repo, data)

    def put(self, document, tag, children=()):
        """Begun where its blobs were brought: a refusal is one of the pushes that must not fail, unless it took too long."""
        begun = time.monotonic()
        layers = document.pop("bring", [])
        for data in layers:
            self.bring(data)
        answer = self.registry.put_manifest(self.repo, tag, document)
        if answer.status_code == 400 and time.monotonic() - begun >= self.crowd.seconds:
            return None
        assert answer.status_code == 201, (answer.status_code, answer.text, time.monotonic() - begun)
        image = (oci.encode(document), layers, list(children))
        self.pull(image)
        return image

    def pull(self, image):
        data, layers, children = image
        digest = oci.digest(data)
        answer = self.registry.pull_manifest(self.repo, digest)
        assert answer.status_code == 200 and answer.content == data, (self.repo, digest, answer.status_code)
        for layer in layers:
            answer = self.registry.pull_blob(self.repo, oci.digest(layer))
            assert answer.status_code == 200 and answer.content == layer, (self.repo, oci.digest(layer), answer.status_code)
        for child in children:
            self.pull(child)

    def push(self):
        self.serial += 1
        config = json.dumps({"by": self.number, "n": self.serial}).encode()
        layers = self.chance.sample(self.crowd.layers, 3)
        document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [oci.descriptor(one, oci.OCI_LAYER) for one in layers])
        tag = f"t{self.chance.randrange(6)}"
        image = self.put({**document, "bring": [config, *layers]}, tag)
        if image:
            self.tags[tag] = image
            self.crowd.count("pushes")

    def pick(self):
        return self.chance.choice(sorted(self.tags)) if self.tags else None

    def delete(self):
        tag = self.pick()
        if tag is not None:
            assert self.registry.delete(f"/v2/{self.repo}/manifests/{tag}").status_code == 202
            del self.tags[tag]
            self.crowd.count("deletes")

    def retag(self):
        tag = self.pick()
        if tag is not None:
            data, to = self.tags[tag][0], f"t{self.chance.randrange(6)}"
            answer = self.registry.put_manifest(self.repo, to, data)
            assert answer.status_code == 201, answer.text
            self.tags[to] = self.tags[tag]
            self.crowd.count("retags")

    def index(self):
        tags = [tag for tag in sorted(self.tags) if not self.tags[tag][2]]
        children = [self.tags[tag] for tag in self.chance.sample(tags, min(2, len(tags)))]
        if children:
            document = oci.index([{"mediaType": oci.OCI_MANIFEST, "digest": oci.digest(one[0]), "size": len(one[0])}
                                  for one in {oci.digest(one[0]): one for one in children}.values()])
            image = self.put(document, "index", children)
            self.tags["index"] = image
            self.crowd.count("indexes")

    def refer(self):
        tag = self.pick()
        if tag is not None:
            subject = self.tags[tag][0]
            media_type = json.loads(subject)["mediaType"]
            payload = f"signature {self.number} {self.serial}".encode()
            document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_EMPTY), [oci.descriptor(payload, "text/plain")],
                                    artifactType="application/x.test",
                                    subject={"mediaType": media_type, "digest": oci.digest(subject), "size": len(subject)})
            image = self.put({**document, "bring": [oci.EMPTY_JSON, payload]}, f"sig{self.chance.randrange(3)}")
            if image:
                self.tags[f"sig{self.chance.randrange(3)}"] = image
                self.tags = {name: one for name, one in self.tags.items() if not name.startswith("sig")}
                self.crowd.count("referrers")

    def check_all(self):
        for image in self.tags.values():
            self.pull(image)


@volume.limit(240)
def test_pushes_race_with_collection(start, database):
    """GC-01: nothing acknowledged is missing, and no push of less than the life of a pin fails."""
    life = 5 if volume.is_soak() else 1
    server = start("--gc-delay", "0", "--undelete-window", "0", "--doom-delay", "0", "--gc-interval", "0", "--pin-ttl", f"{life}s", *database)
    crowd, cycles, stopping = Pushers(server, life), 0, threading.Event()

    def collect():
        while not stopping.is_set():
            run_assay("gc", "--now", "--data", server.data, *server.database)
            run_assay("gc", "--reset-brake", "--data", server.data, *server.database)  # the fuse is another test's
    collecting = threading.Thread(target=collect)
    collecting.start()
    try:
        for _ in volume.rounds(1, 40, share=0.3):
            crowd.play(500)
            cycles += 500
    finally:
        stopping.set()
        collecting.join()
    status, _ = gc(server)
    server.stop()
    assert is_clean(server) is True
    volume.report("GC-01", cycles=cycles, collected_manifests=status["manifests"], collected_blobs=status["blobs"], missing=0,
                  **crowd.counts)
    assert status["blobs"] > 0 and status["manifests"] > 0


# -- GC-04, GC-07, GC-08

def test_a_removal_that_comes_late_hits_no_newer_bytes(start, tmp_path, database, monkeypatch):
    """GC-04: the storage takes its time with a removal, and the same bytes are pushed meanwhile."""
    monkeypatch.setenv("ASSAY_BIN", str(FAILPOINTS))
    gate = tmp_path / "gate"
    server = start(*AT_ONCE, "--doom-delay", "0", *database, env={"ASSAY_FAILPOINTS": f"blob.remove:pause={gate}"})
    registry, data = admin(server), oci.random_blob(700)
    server.admin("set", "pin-ttl", "0")
    registry.push_blob("admin/app", data)
    server.admin("set", "pin-ttl", "1h")
    running = subprocess.Popen([binary(), "gc", "--now", "--data", server.data, *server.database], stdout=subprocess.PIPE,
                               env=environment())
    wait_for(lambda: "failpoint blob.remove: pass" in server.log())
    assert not has(registry, "admin/app", oci.digest(data))
    registry.push_blob("admin/app", data)
    gate.touch()
    assert running.wait(60) == 0
    running.stdout.close()
    assert registry.pull_blob("admin/app", oci.digest(data)).content == data
    gc(server, "--now")
    assert registry.pull_blob("admin/app", oci.digest(data)).content == data
    server.stop()
    assert is_clean(server) is True


def test_what_is_condemned_is_gone_on_every_node(start, cluster, tmp_path):
    """GC-07, GC-08: no node answers from memory; and beside a node of an older protocol nothing is taken away."""
    url, store = cluster.url(cluster.new_database()), tmp_path / "store"
    shared = ("--storage", f"file:{store}", "--database", url)
    first = start(*AT_ONCE, "--doom-delay", "0", *shared, name="n1")
    key = first.data / "key"
    others = []
    for name in ("n2", "n3"):
        others.append(start("--key-file", key, *shared, name=name))
    nodes = [first, *others]
    digest = unpinned_blob(first)
    for node in nodes:
        assert admin(node).get(f"/v2/admin/app/blobs/{digest}").status_code == 200
    # Their answers were promises; long ago, as the next one sees it.
    name = url.split("/")[3].split("?")[0]
    cluster.sql("UPDATE repo_blobs SET pinned_until = 1", name)
    cluster.sql("UPDATE gc_queue SET review_after = 1", name)
    cluster.sql("INSERT INTO nodes (id, version, protocol, started_at, heartbeat_at) VALUES ('0123456789ab', 'old', 0, 1, 9e15)", name)
    assert gc(others[0], "--now", status=1)[0]["brake"] == "a node of an older version is alive"
    cluster.sql("DELETE FROM nodes WHERE protocol = 0", name)
    assert gc(others[0], "--now")[0]["blobs"] == 1
    for node in nodes:
        assert admin(node).head(f"/v2/admin/app/blobs/{digest}").status_code == 404


# -- GC-09

@pytest.fixture
def clock(tmp_path, monkeypatch):
    """A file: the seconds by which the clock of the program with failpoints is off."""
    monkeypatch.setenv("ASSAY_BIN", str(FAILPOINTS))
    path = tmp_path / "clock"
    path.write_text("0")
    return path


@pytest.mark.parametrize("hours", [48, -48])
def test_a_clock_that_jumps_stops_collection_until_it_is_reset(start, clock, hours):
    """GC-09 on SQLite, whose clock is the node's; the restart of the node does not make it forget."""
    server = start(*AT_ONCE, "--doom-delay", "0", env={"ASSAY_FAILPOINTS": f"clock:{clock}"})
    gc(server, "--now")
    digest = unpinned_blob(server)
    pinned = admin(server).push_blob("admin/app", b"relied on")
    clock.write_text(str(hours * 3600))
    for _ in range(2):
        assert "clock" in gc(server, "--now", status=1)[0]["brake"]
    server.restart()
    assert "clock" in gc(server, "--now", status=1)[0]["brake"]
    found = {digest for digest, in rows(server, "SELECT digest FROM blobs")}
    assert found == {digest, pinned}
    assert len([name for name in objects(server) if name.startswith("blobs/")]) == 2
    clock.write_text("0")
    gc(server, "--reset-brake")
    assert gc(server, "--now")[0]["blobs"] == 1
    assert rows(server, "SELECT digest FROM blobs") == [(pinned,)]


@pytest.mark.parametrize("without", [False, True])
def test_the_clock_of_a_node_makes_nothing_old(start, clock, cluster, without):
    """GC-09 on PostgreSQL: a node that is 48 h ahead takes nothing that the database's clock calls pinned. GC-14: with the
    node's clock in place of it the blob is judged to go, and only the link's own time and its foreign key keep it."""
    server = start(*AT_ONCE, "--pin-ttl", "24h", "--database", cluster.url(cluster.new_database()),
                   env={"ASSAY_FAILPOINTS": f"clock:{clock}" + (";skip:database-time" if without else "")})
    gc(server, "--now")
    admin(server).push_blob("admin/app", b"relied on")
    clock.write_text(str(48 * 3600))
    done, _ = gc(server, "--now", status=1 if without else 0)
    assert (done["failed"], done["blobs"]) == (1 if without else 0, 0)


# -- GC-10, GC-11

@volume.limit(240)
def test_crashes_between_object_and_row_leave_no_orphan(tmp_path, monkeypatch):
    """GC-10: the object is there, its row is not; it is known as pending, and its time comes."""
    monkeypatch.setenv("ASSAY_BIN", str(FAILPOINTS))
    server, crashes = Server(tmp_path / "data", *AT_ONCE, "--doom-delay", "0"), 0
    for number in volume.rounds(20, 1000, share=0.2):
        server.env["ASSAY_FAILPOINTS"] = "upload.finish-object:kill"
        server.start()
        with pytest.raises(OSError):
            admin(server).push_blob("admin/app", b"%d" % number)
        server.wait(30)
        crashes += 1
    assert len([name for name in objects(server) if name.startswith("blobs/")]) == crashes
    with contextlib.closing(sqlite3.connect(server.data / "assay.db")) as connection:
        with connection:
            assert connection.execute("UPDATE pending_objects SET expires_at = 1").rowcount >= crashes
    del server.env["ASSAY_FAILPOINTS"]
    with server:
        assert gc(server, "--now")[0]["objects"] >= crashes
        left = [name for name in objects(server) if name.startswith(("blobs/", "uploads/"))]
    assert left == []
    assert is_clean(server) is True
    volume.report("GC-10", crashes=crashes, orphans=0)


def test_a_push_that_is_slower_than_its_pins_is_refused_cleanly(start, database):
    server = start(*AT_ONCE, "--doom-delay", "0", "--pin-ttl", "1s", *database)
    registry, config = admin(server), oci.random_blob(60)
    document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [])
    registry.push_blob("admin/app", config)
    wait_for(lambda: gc(server, "--now")[0]["blobs"] == 1)
    answer = registry.put_manifest("admin/app", "v1", document)
    assert answer.status_code == 400 and answer.json()["errors"][0]["code"] == "MANIFEST_BLOB_UNKNOWN"
    registry.push_blob("admin/app", config)
    assert registry.put_manifest("admin/app", "v1", document).status_code == 201
    assert registry.pull_blob("admin/app", oci.digest(config)).content == config


# -- GC-12, GC-13

def test_after_an_asynchronous_failover_collection_waits(tmp_path):
    """GC-12: promises that the standby was never told of are kept all the same, for collection trusts it only after pin-ttl."""
    primary, folder = Cluster().start(), tmp_path / "place"
    folder.symlink_to(primary.directory)
    name = primary.new_database()
    server, clusters = Server(tmp_path / "data", *AT_ONCE, "--doom-delay", "0",
                              "--database", f"postgresql://registry@/{name}?host={folder}"), [primary]
    try:
        server.start()
        gc(server, "--now")
        digests = [unpinned_blob(server) for _ in range(5)]
        standby = primary.new_standby()
        clusters.append(standby)
        primary.set("synchronous_standby_names", "''")
        standby.set("primary_conninfo", "''")
        wait_for(lambda: standby.sql("SELECT count(*) FROM pg_stat_wal_receiver") == [["0"]])
        for digest in digests:
            assert has(admin(server), "admin/app", digest)  # a promise, on the primary alone
        primary.kill()
        standby.promote()
        folder.unlink()
        folder.symlink_to(standby.directory)

        def answers():
            return admin(server).get("/v2/").status_code == 200
        wait_for(answers, 60)
        assert standby.sql("SELECT count(*) FROM repo_blobs WHERE pinned_until > extract(epoch FROM now()) * 1e6", name) == [["0"]]
        done = wait_for(lambda: gc_that_runs(server), 60)
        assert "took over" in done["brake"] and done["blobs"] == 0
        brake = admin(server).get("/api/v1/collection").json()["brakes"][0]
        assert brake["until"] and brake["canReset"]
        for digest in digests:
            assert admin(server).get(f"/v2/admin/app/blobs/{digest}").status_code == 200
        server.stop()
    finally:
        server.kill()
        for cluster in clusters:
            cluster.stop()


def gc_that_runs(server):
    """After a failover the first answers may be refusals."""
    done = run_assay("gc", "--now", "-o", "json", "--data", server.data, *server.database)
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None


def test_backups_of_several_ages_find_their_bytes(tmp_path):
    """GC-13: within doom-delay every object of every backup is there; without it the same backups would lack some, and fsck
    would say so."""
    for doom_delay, is_whole in (("72h", True), ("0", False)):
        server = Server(tmp_path / f"data{doom_delay}", *AT_ONCE, "--doom-delay", doom_delay, "--pin-ttl", "0")
        database, backups = server.data / "assay.db", []
        with server:
            registry = admin(server)
            for number in range(4):
                registry.push_image("admin/app", f"v{number}")
                backups.append(tmp_path / f"backup{doom_delay}.{number}")
                with contextlib.closing(sqlite3.connect(database)) as old, contextlib.closing(sqlite3.connect(backups[-1])) as new:
                    old.backup(new)
                assert registry.delete(f"/v2/admin/app/manifests/v{number}").status_code == 202
                assert gc(server, "--now")[0]["blobs"] == 2
        for backup in backups:
            for suffix in ("-wal", "-shm"):
                database.with_name(database.name + suffix).unlink(missing_ok=True)
            shutil.copy(backup, database)
            done = run_assay("fsck", "--rehash", "-o", "json", *server.arguments, timeout=120)
            kinds = {finding["kind"] for finding in json.loads(done.stdout)["findings"]} - {"orphan"}
            assert kinds == (set() if is_whole else {"missing"}), done.stdout
    volume.report("GC-13", backups=len(backups), missing=0)


# -- GC-17

def test_what_a_rule_keeps_stays(start, database):
    """Untagged ones as the setting says, referrers with their subject and also before it, children of indexes of indexes,
    children that two indexes share, and immutable tags."""
    server = start(*AT_ONCE, "--doom-delay", "0", "--pin-ttl", "0", *database)
    registry, repo = admin(server), "admin/app"

    def is_there(image):
        return registry.pull_manifest(repo, image.digest).status_code == 200

    def collect():
        while gc(server, "--now")[0]["reviewed"]:
            pass

    untagged = registry.push_image(repo)
    subject = registry.push_image(repo, "subject")
    referrer = registry.push_artifact(repo, "application/x.sig", subject=subject)
    one, two, three = [registry.push_image(repo, f"c{number}") for number in range(3)]
    inner = registry.push_index(repo, [one, two], "inner")
    outer = registry.push_index(repo, [inner, three], "outer")
    other = registry.push_index(repo, [two], "other")
    for tag in ("c0", "c1", "c2", "inner"):
        assert registry.delete(f"/v2/{repo}/manifests/{tag}").status_code == 202
    collect()
    assert all(map(is_there, (untagged, subject, referrer, one, two, three, inner, outer, other)))

    assert registry.delete(f"/v2/{repo}/manifests/outer").status_code == 202
    collect()
    assert [is_there(image) for image in (outer, inner, one, three, two, other)] == [False, False, False, False, True, True]

    assert registry.delete(f"/v2/{repo}/manifests/subject").status_code == 202
    collect()
    assert not is_there(subject) and not is_there(referrer) and is_there(untagged)

    # Before its subject: it stays as long as it could be about to come.
    server.admin("set", "gc-delay", "1h")
    config = b'{"later":1}'
    document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [])
    early = registry.push_artifact(repo, "application/x.sig", subject={
        "mediaType": oci.OCI_MANIFEST, "digest": oci.digest(oci.encode(document)), "size": len(oci.encode(document))})
    collect()
    assert is_there(early)
    registry.push_blob(repo, config)
    registry.push_manifest(repo, "late", document)
    server.admin("set", "gc-delay", "0")
    collect()
    assert is_there(early)

    server.admin("set", "keep-untagged", "off")
    registry.push_manifest(repo, untagged.digest, untagged.document)
    collect()
    assert not is_there(untagged) and is_there(two) and is_there(early)
    server.stop()
    assert is_clean(server) is True
