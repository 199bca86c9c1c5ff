"""Several nodes on one PostgreSQL and one storage: a job whose node dies is taken over and its effect is there once (MN-05); a
node that stood still commits nothing for a job that it has lost (MN-06); what one node has acknowledged every other shows
(MN-08); a commit whose answer is lost is no second effect on any route (MN-21); after chaos every acknowledged change has one
event and one audit record (MN-24)."""

import collections
import itertools
import os
import shutil
import signal
import threading
import time

import pytest
import requests

from harness import oci, volume
from harness.client import Registry
from harness.people import PASSWORD, unique
from harness.postgres import Cluster
from harness.server import ADMIN_PASSWORD, Server, binary

from cuts import Proxy

LEASE = 2
JOBS = "/api/v0/jobs"
FAULTY = binary().with_name("assay-failpoints")


@pytest.fixture(scope="module")
def cluster():
    running = Cluster().start()
    yield running
    running.stop()


class Nodes:
    """`assay serve` processes on one database and one directory of blobs; a key file, and else nothing, in common."""

    def __init__(self, folder, cluster):
        self.folder, self.cluster, self.list = folder, cluster, []
        self.database = cluster.new_database()

    def add(self, url=None, program=None, env=None):
        number = len(self.list)
        data = self.folder / f"n{number + 1}"
        arguments = ["--database", url or self.cluster.url(self.database), "--job-lease", f"{LEASE}s"]
        if number > 0:
            data.mkdir()
            shutil.copy(self.list[0].data / "key", data / "key")
            arguments += ["--storage", f"file:{self.list[0].data}/blobs"]
        self.list.append(Server(data, *arguments, program=program, env=env).start())
        return self.list[-1]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for server in self.list:
            if server.is_running():
                server.send_signal(signal.SIGCONT)
                server.stop() if kind is None else server.kill()

    def sql(self, text):
        return self.cluster.sql(text, self.database)


@pytest.fixture(scope="module")
def three(tmp_path_factory, cluster):
    with Nodes(tmp_path_factory.mktemp("three"), cluster) as nodes:
        for _ in range(3):
            nodes.add()
        yield nodes


def registry(server):
    return Registry(server.url(), "admin", ADMIN_PASSWORD)


def wait_for(what, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it does not come to pass"
        time.sleep(0.05)
    return found


def worker(server):
    return (server.data / "node").read_text().strip()


def capacity(by, server, action, number):
    wait_for(lambda: by.post(f"/api/v0/workers/{worker(server)}/capacity", json={"capacityMap": {action: number}}).status_code == 202)


def only_on(by, servers, one, action):
    """Jobs of that action run on one node until the others are given a capacity again."""
    for server in servers:
        if server is not one:
            capacity(by, server, action, 0)


def submit(by, action, **parameters):
    answer = by.post(JOBS, json={"action": action, "parameters": parameters})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def status(by, job):
    return by.get(f"{JOBS}/{job}").json()["status"]


# Killed before its effect is committed, behind that, and behind its end: the job is done once more, or not; its effect is not.
@pytest.mark.parametrize("point, alone", [("setting.written", False), ("setting.changed", False), ("job.ended", True)])
def test_MN_05_a_job_whose_node_dies_is_taken_over(tmp_path, cluster, point, alone):
    with Nodes(tmp_path, cluster) as nodes:
        dying = nodes.add(program=FAULTY, env={"ASSAY_FAILPOINTS": f"{point}@1:kill"})
        others = [nodes.add(), nodes.add()]
        by = registry(others[0])
        only_on(by, nodes.list, dying, "ro_registry")
        for action in ("onlinegc", "onlinegc_joblogs", "sleep"):
            capacity(by, dying, action, 0)
        job = submit(by, "ro_registry", readOnly="true")
        wait_for(lambda: not dying.is_running())
        died = time.monotonic()
        for server in others:
            capacity(by, server, "ro_registry", 1)
        wait_for(lambda: status(by, job) == "done")
        took = time.monotonic() - died
        assert took <= LEASE + 5, f"taken over after {took:.1f} s"
        row = by.get(f"{JOBS}/{job}").json()
        assert (row["workerID"] == worker(dying)) is alone
        for table, column in (("events", "type"), ("audit", "action")):
            assert nodes.sql(f"SELECT count(*) FROM {table} WHERE {column} = 'SETTING_CHANGED'") == [["1"]], table
        [[taken]] = nodes.sql(f"SELECT n_taken FROM jobs WHERE uuid = '{job}'")
        assert int(taken) == (1 if alone else 2)
        volume.report("MN-05", point=point, takeover_s=took, lease_s=LEASE)


def test_MN_06_a_node_that_stood_still_commits_nothing(tmp_path, cluster):
    """The job stands before its first transaction, and its node with it, for twice the lease. Another does the job; what it did
    is undone by a person; then the first goes on, and is refused."""
    gate = tmp_path / "gate"
    with Nodes(tmp_path, cluster) as nodes:
        still = nodes.add(program=FAULTY, env={"ASSAY_FAILPOINTS": f"job.taken@1:pause={gate}"})
        other = nodes.add()
        by = registry(other)
        for action in ("onlinegc", "onlinegc_joblogs"):
            capacity(by, still, action, 0)
        only_on(by, nodes.list, still, "ro_registry")
        job = submit(by, "ro_registry", readOnly="true")
        wait_for(lambda: "failpoint job.taken: pass 1" in still.log())
        still.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        capacity(by, other, "ro_registry", 1)
        wait_for(lambda: status(by, job) == "done")
        assert by.post("/api/v0/meta/settings", json={"readOnlyRegistry": False}).status_code == 202
        time.sleep(max(0, stopped + 2 * LEASE - time.monotonic()))  # the test is about that time
        before = by.get(f"{JOBS}/{job}").json(), by.get(f"{JOBS}/{job}/logs").json()
        gate.touch()
        still.send_signal(signal.SIGCONT)
        wait_for(lambda: "was given to another worker" in still.log())
        wait_for(lambda: registry(still).get("/readyz").status_code == 200)
        assert (by.get(f"{JOBS}/{job}").json(), by.get(f"{JOBS}/{job}/logs").json()) == before
        assert before[0]["workerID"] == worker(other) and before[0]["status"] == "done"
        assert by.get("/api/v0/meta/settings").json()["readOnlyRegistry"] is False
        assert nodes.sql("SELECT count(*) FROM events WHERE type = 'SETTING_CHANGED'") == [["2"]]
        # It goes on as a node.
        only_on(by, nodes.list, still, "sleep")
        last = submit(by, "sleep", duration="0")
        wait_for(lambda: status(by, last) == "done")


@volume.limit(120)
def test_MN_08_a_moved_tag_is_seen_on_all_nodes_at_once(three):
    repo = f"admin/{unique('moved')}"
    writers = [registry(server) for server in three.list]
    images = [writers[0].push_image(repo, f"v{number}") for number in range(4)]
    moves = 0
    for number in volume.rounds(200, 100_000, share=0.3):
        image, at = images[number % 4], number % 3
        assert writers[at].put_manifest(repo, "latest", image.data).status_code == 201
        for other in (at + 1, at + 2):
            seen = writers[other % 3].head(f"/v2/{repo}/manifests/latest")
            assert seen.headers["Docker-Content-Digest"] == image.digest, f"move {number}: n{other % 3 + 1} shows what was before"
        moves += 1
    volume.report("MN-08", moves=moves, reads=2 * moves)


# -- MN-21

def image_of(by, repo):
    config = oci.random_blob(32)
    by.push_blob(repo, config)
    return oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [])


class Writes:
    """Write routes by name: a function that is given a fresh name and gives the request to be sent, as often as need be; the
    answers of success; those of a second try after a success that nobody heard of; what it may leave at most once (SQL, with the
    name in it)."""

    def __init__(self, by, nodes):
        self.by, self.nodes = by, nodes
        self.org = unique("org")
        assert by.post("/enzi/v0/accounts", json={"name": self.org, "isOrg": True}).status_code == 201

    def account(self, name):
        return lambda: self.by.post("/enzi/v0/accounts", json={"name": name, "password": PASSWORD})

    def organisation(self, name):
        return lambda: self.by.post("/enzi/v0/accounts", json={"name": name, "isOrg": True})

    def account_gone(self, name):
        assert self.organisation(name)().status_code == 201
        return lambda: self.by.delete(f"/enzi/v0/accounts/{name}")

    def team(self, name):
        return lambda: self.by.post(f"/enzi/v0/accounts/{self.org}/teams", json={"name": name})

    def member(self, name):
        assert self.account(name)().status_code == 201
        return lambda: self.by.put(f"/enzi/v0/accounts/{self.org}/members/{name}", json={"isAdmin": False})

    def repository(self, name):
        return lambda: self.by.post(f"/api/v0/repositories/{self.org}", json={"name": name})

    def repository_gone(self, name):
        assert self.repository(name)().status_code == 201
        return lambda: self.by.delete(f"/api/v0/repositories/{self.org}/{name}")

    def role(self, name):
        return lambda: self.by.post("/api/v1/roles", json={"name": name, "verbs": ["pull"]})

    def grant(self, name):
        assert self.account(name)().status_code == 201
        return lambda: self.by.post("/api/v1/grants", json={"user": name, "role": "read-only", "prefix": self.org})

    def token(self, name):
        return lambda: self.by.post("/api/v0/api_tokens", json={"tokenLabel": name})

    def setting(self, name):
        self.ttl = getattr(self, "ttl", 1) + 1
        return lambda: self.by.post("/api/v0/meta/settings", json={"jobHistoryToKeep": 100_000 + self.ttl})

    def upload(self, name):
        data = name.encode()
        return lambda: self.by.post(f"/v2/admin/layers/blobs/uploads/", params={"digest": oci.digest(data)}, data=data)

    def manifest(self, name):
        document = image_of(self.by, "admin/images")
        return lambda: self.by.put_manifest("admin/images", name, document)

    def tag_gone(self, name):
        assert self.manifest(name)().status_code == 201
        return lambda: self.by.delete(f"/v2/admin/images/manifests/{name}")

    def job(self, name):
        return lambda: self.by.post(JOBS, json={"action": "sleep", "scheduledAt": "2999-01-01T00:00:00Z",
                                                "parameters": {"duration": "1s"}})

    def cron(self, name):
        return lambda: self.by.post("/api/v0/crons", json={"action": "sleep", "schedule": "@yearly"})

    def default(self, name):
        return lambda: self.by.post("/api/v0/action_configs", json={"action": "sleep"})


# name: (answers of success, of a second try when the first was done, table and condition that holds for one row at most)
WRITES = {
    "account": ({201}, {409}, "accounts WHERE name = '{name}'"),
    "organisation": ({201}, {409}, "accounts WHERE name = '{name}'"),
    "account_gone": ({204}, {404}, "audit WHERE action = 'ACCOUNT_DELETED' AND object_name = '{name}'"),
    "team": ({201}, {409}, "teams WHERE name = '{name}'"),
    "member": ({200}, {200}, "audit WHERE action = 'MEMBER_ADDED' AND object_name LIKE '%{name}%'"),
    "repository": ({201}, {409}, "repositories WHERE path LIKE '%/{name}'"),
    "repository_gone": ({204, 202}, {404}, "audit WHERE action = 'REPO_DELETED' AND path LIKE '%/{name}'"),
    "role": ({201}, {409}, "roles WHERE name = '{name}'"),
    "grant": ({200, 201}, {200, 201, 409}, "grants g JOIN accounts a ON a.id = g.account_id WHERE a.name = '{name}'"),
    "token": ({200, 201}, None, None),
    "setting": ({202}, {202}, None),
    "upload": ({201}, {201}, None),
    "manifest": ({201}, {201}, "audit WHERE action = 'TAG_PUSH' AND object_name = '{name}'"),
    "tag_gone": ({202}, {404}, "audit WHERE action = 'TAG_DELETE' AND object_name = '{name}'"),
    "job": ({202}, None, None),
    "cron": ({202}, {202}, None),
    "default": ({202}, {202}, None),
}


def send(request, good, again):
    """Until there is an answer. (the last one, how many were 503)"""
    for refused in itertools.count():
        answer = request()
        if answer.status_code != 503:
            assert answer.status_code in (good | (again or set()) if refused else good), f"{answer.status_code} {answer.text}"
            return answer, refused
        assert answer.headers["Retry-After"] and refused < 100, answer.text
        time.sleep(0.1)


@volume.limit(180)
def test_MN_21_a_commit_whose_answer_is_lost_on_each_write_route(tmp_path, cluster):
    proxy, counts = Proxy(cluster.socket()), collections.Counter()
    with Nodes(tmp_path, cluster) as nodes:
        node = nodes.add(url=cluster.url(nodes.database, port=proxy.port))
        nodes.add()
        writes = Writes(registry(node), nodes)
        for number in volume.rounds(1, 200, share=0.3):
            for what, (good, again, once) in WRITES.items():
                for side in ("after", "before"):
                    name = unique("cut")
                    request = getattr(writes, what)(name)
                    before = proxy.done[side]
                    proxy.orders.append(side)
                    answer, refused = send(request, good, again)
                    if once:
                        [[found]] = nodes.sql(f"SELECT count(*) FROM {once.format(name=name)}")
                        assert found == "1", f"{what}, cut {side}: {found}, {answer.status_code} after {refused} refusals"
                    [[done]] = nodes.sql(f"SELECT count(*) FROM audit WHERE request_id = '{answer.headers['X-Request-Id']}'"
                                         " AND outcome = 'done'")
                    assert answer.status_code not in good or refused or int(done) >= 1, what
                    counts[side] += proxy.done[side] - before
                    counts["writes"] += 1
        assert "is unknown" not in node.log(), "a server that lives can always be asked"
        # Nothing is half: as many audit records as events for every request that is on record.
        assert nodes.sql("SELECT request_id FROM events GROUP BY 1 EXCEPT SELECT request_id FROM audit GROUP BY 1") == []
    proxy.stop()
    assert counts["after"] and counts["before"]
    volume.report("MN-21", routes=len(WRITES), writes=counts["writes"], cut_after=counts["after"], cut_before=counts["before"])


# -- MN-24

class Writer(threading.Thread):
    """Tags images with fresh names through any node that answers; keeps book of the answers."""

    def __init__(self, nodes, repo, documents, chance):
        super().__init__(daemon=True)
        self.nodes, self.repo, self.documents, self.chance = nodes, repo, documents, chance
        self.stopping = threading.Event()
        self.acked, self.unknown, self.wrong = {}, set(), None

    def run(self):
        while not self.stopping.is_set() and self.wrong is None:
            tag, url = unique("t").replace("-", "."), self.chance.choice(self.nodes.urls)
            try:
                answer = Registry(url, "admin", ADMIN_PASSWORD).put_manifest(self.repo, tag, self.chance.choice(self.documents), timeout=20)
            except (requests.exceptions.RequestException, OSError):
                self.unknown.add(tag)
                continue
            if answer.status_code == 201:
                self.acked[tag] = answer.headers["X-Request-Id"]
            elif answer.status_code == 503:
                self.unknown.add(tag)
            else:
                self.wrong = f"{answer.status_code} {answer.text}"


def disturb(nodes, chance, seconds):
    """Kills, pauses and restarts one node after the other."""
    counts, until = collections.Counter(), time.monotonic() + seconds
    while time.monotonic() < until:
        number = chance.randrange(len(nodes.list))
        server, what = nodes.list[number], chance.choice(["kill", "pause", "restart"])
        counts[what] += 1
        if what == "pause":
            server.send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0.2, 1.5))  # a pause is time
            server.send_signal(signal.SIGCONT)
            continue
        if what == "kill":
            server.kill()
        else:
            server.stop()
        server.start()
        nodes.urls[number] = server.url()
    return counts


@volume.limit(180)
def test_MN_24_every_acknowledged_change_has_one_event_and_one_record(three):
    chance, repo = volume.chance("MN-24"), f"admin/{unique('chaos')}"
    by = registry(three.list[0])
    documents = [image_of(by, repo) for _ in range(8)]
    three.urls = [server.url() for server in three.list]
    writers = [Writer(three, repo, documents, volume.chance("MN-24", number)) for number in range(4)]
    for writer in writers:
        writer.start()
    counts = disturb(three, chance, max(8, min(7200, 0.3 * volume.SOAK_SECONDS)))
    for writer in writers:
        writer.stopping.set()
    for writer in writers:
        writer.join(90)
        assert not writer.is_alive() and writer.wrong is None, writer.wrong
    acked = {tag: request for writer in writers for tag, request in writer.acked.items()}
    unknown = set().union(*(writer.unknown for writer in writers))
    assert acked
    tags = set(by_any(three).tags(repo))
    for table, column in (("events", "type"), ("audit", "action")):
        rows = three.sql(f"SELECT object_name, request_id, count(*) FROM {table} WHERE {column} = 'TAG_PUSH' AND path = '{repo}' GROUP BY 1, 2")
        found = {tag: request for tag, request, number in rows if number == "1"}
        assert len(found) == len(rows), f"{table}: some are there twice"
        assert {tag: found.get(tag) for tag in acked} == acked, f"{table}: acknowledged and not on record"
        assert set(found) == tags and tags - set(acked) <= unknown, table
    volume.report("MN-24", acked=len(acked), unknown=len(unknown), **counts)


def by_any(nodes):
    return registry(nodes.list[0])
