"""Group I: races. Requests strike at once over many connections, in lanes that do not touch each other; after each round
what must hold is looked at. The seed and the rounds are printed; ASSAY_SEED repeats a run. `make test` plays 500 rounds of
each race, ASSAY_RACE_ROUNDS changes that; `make soak` as many as its time allows, up to 20,000.
"""

import json
import os
import random
import shutil
import subprocess
import threading
import time

import pytest

from harness import oci, volume
from harness.client import Registry
from harness.crew import ADMIN, Call, Crew
from harness.history import ABSENT, Operation, is_linearisable
from harness.server import ADMIN_PASSWORD, binary, environment
from harness.state import rows

ROUNDS = int(os.environ.get("ASSAY_RACE_ROUNDS", "500"))
NIGHTLY = 20_000
RARE = 10_000  # of races with the whole server
SHARE = 1 / 14  # of a soak's time, for each race
SEED = volume.SEED
LANES = 8
CONNECTIONS = 64
MANIFEST_TYPE = ("Content-Type", oci.OCI_MANIFEST)

pytestmark = volume.limit(180)


@pytest.fixture
def crew(server, request):
    with Crew(server.address(), CONNECTIONS, SEED) as made:
        yield made
        name = request.node.name.removeprefix("test_")
        volume.report("races", **{name: made.n_rounds, "requests": made.n_requests})


@pytest.fixture
def chance():
    return random.Random(SEED)


def rounds(divisor=1):
    """Numbers of rounds; a race whose rounds cost more plays fewer."""
    return volume.rounds(max(4, ROUNDS // divisor), NIGHTLY // divisor, SHARE)


def steps(crew):
    """Each step plays one round in every lane."""
    for step in volume.rounds(max(4, -(-ROUNDS // LANES)), NIGHTLY // LANES, SHARE):
        yield step
        crew.n_rounds += LANES


def blob_call(repo, data):
    return Call("POST", f"/v2/{repo}/blobs/uploads/?digest={oci.digest(data)}", body=data)


def push_blobs(crew, repo, blobs):
    for call in crew.all([blob_call(repo, data) for data in blobs]):
        assert call.status == 201, call


def manifest_of(config, layers, **fields):
    return oci.encode(oci.manifest(oci.descriptor(config, oci.OCI_CONFIG),
                                   [oci.descriptor(layer, oci.OCI_LAYER) for layer in layers], **fields))


def put_manifest(repo, reference, data, media_type=MANIFEST_TYPE):
    return Call("PUT", f"/v2/{repo}/manifests/{reference}", [media_type], data)


def statuses(calls):
    return tuple(call.status for call in calls)


def pairs(calls):
    """[a, b, a, b, …] as [(a, b), …]."""
    return list(zip(calls[::2], calls[1::2]))


def tell(counts):
    print("outcomes:", ", ".join(f"{key} x {count}" for key, count in sorted(counts.items(), key=str)))


def test_I_01_mount_against_delete_of_the_source(crew, chance):
    """201 and pullable for ever, or 202; never a mount of nothing."""
    source, target, counts = "admin/race1-source", "admin/race1-target", {}
    for _ in steps(crew):
        blobs = [chance.randbytes(100) for _ in range(LANES)]
        digests = list(map(oci.digest, blobs))
        push_blobs(crew, source, blobs)
        calls = []
        for digest in digests:
            calls += [Call("POST", f"/v2/{target}/blobs/uploads/?mount={digest}&from={source}"),
                      Call("DELETE", f"/v2/{source}/blobs/{digest}")]
        after = []
        for (mount, delete), digest, data in zip(pairs(crew.strike(calls)), digests, blobs):
            assert mount.status in (201, 202) and delete.status == 202, (mount, delete)
            counts[mount.status] = counts.get(mount.status, 0) + 1
            after.append((Call("GET", f"/v2/{target}/blobs/{digest}"), mount, data))
            after.append((Call("GET", f"/v2/{source}/blobs/{digest}"), None, data))
        crew.strike([call for call, _, _ in after])
        clean = []
        for call, mount, data in after:
            wanted = 200 if mount is not None and mount.status == 201 else 404
            assert call.status == wanted and (wanted == 404 or call.answer.body == data), (call, mount)
            if mount is not None:
                clean.append(Call("DELETE", mount.answer.header("Location")))
        assert all(call.status in (202, 204) for call in crew.strike(clean)), clean
    tell(counts)


def strike_on_tag(path, images):
    """Two pushes that move the tag, a delete, two reads."""
    first, second = images
    return [put_manifest(path, "t", first), put_manifest(path, "t", second), Call("DELETE", f"/v2/{path}/manifests/t"),
            *[Call("GET", f"/v2/{path}/manifests/t", [("Accept", oci.OCI_MANIFEST)]) for _ in range(2)]]


def operation_of(call):
    times = (call.begin, call.end)
    if call.method == "PUT":
        assert call.status == 201, call
        return Operation("write", call.answer.header("Docker-Content-Digest"), *times)
    if call.method == "DELETE":
        assert call.status in (202, 404), call
        return Operation("delete", call.status == 202, *times)
    assert call.status in (200, 404), call
    return Operation("read", oci.digest(call.answer.body) if call.status == 200 else ABSENT, *times)


def test_I_02_put_tag_against_put_tag_against_delete_tag(crew, chance):
    """The history of each tag is that of one register: what is read was written last in some order that fits."""
    repos = [f"admin/race2-{lane}" for lane in range(LANES)]
    images = []
    for repo in repos:
        config = chance.randbytes(50)
        push_blobs(crew, repo, [config])
        images.append([manifest_of(config, [], annotations={"n": str(n)}) for n in range(2)])
    before = [ABSENT] * LANES
    for _ in steps(crew):
        lanes = [strike_on_tag(repo, pair) for repo, pair in zip(repos, images)]
        crew.strike([call for lane in lanes for call in lane])
        finals = crew.strike([Call("GET", f"/v2/{repo}/manifests/t") for repo in repos])
        for lane, (calls, final) in enumerate(zip(lanes, finals)):
            history = [operation_of(call) for call in [*calls, final]]
            assert is_linearisable(history, before[lane]), (before[lane], calls, final)
            before[lane] = history[-1].value


def test_I_02_many_clients_on_few_tags(server, chance):
    """Threads at their own pace: at most 60 operations a tag, every history linearisable."""
    played = [play_many_clients(server, chance, f"admin/race2-free{number}") for number in volume.rounds(1, NIGHTLY, SHARE)]
    volume.report("races", I_02_histories=len(played), operations=sum(played))


def play_many_clients(server, chance, repo):
    """How many operations were judged."""
    n_tags, n_threads, per_thread = 25, 8, 150
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    config = b"{}"
    admin.push_blob(repo, config)
    histories, lock, failures = {f"t{n}": [] for n in range(n_tags)}, threading.Lock(), []
    seeds = [chance.random() for _ in range(n_threads)]

    def work(number):
        mine = random.Random(seeds[number])
        try:
            with Crew(server.address(), 1) as one:
                for turn in range(per_thread):
                    tag = f"t{mine.randrange(n_tags)}"
                    data = manifest_of(config, [], annotations={"who": f"{number}.{turn}"})
                    call = mine.choice([lambda: put_manifest(repo, tag, data),
                                        lambda: Call("DELETE", f"/v2/{repo}/manifests/{tag}"),
                                        lambda: Call("GET", f"/v2/{repo}/manifests/{tag}")])()
                    one.strike([call])
                    with lock:
                        if len(histories[tag]) < 60:
                            histories[tag].append(operation_of(call))
        except Exception as failure:  # told by the main thread
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    for tag, history in histories.items():
        # A history that was cut off may lack what a later read saw: only writes that ended before are judged.
        if len(history) < 60 and not is_linearisable(history):
            raise AssertionError(tag + "\n" + "\n".join(map(repr, sorted(history, key=lambda one: one.begin))))
    return sum(map(len, histories.values()))


def test_manifest_put_against_delete_of_its_blob(crew, chance):
    """201 and every blob of it pullable, or 400 and the blob gone; the delete says 202, 404 or 409."""
    repo, counts = "admin/race3", {}
    for _ in steps(crew):
        blobs = [chance.randbytes(64) for _ in range(LANES)]
        push_blobs(crew, repo, blobs)
        calls, documents = [], []
        for lane, data in enumerate(blobs):
            documents.append(manifest_of(data, []))
            calls += [put_manifest(repo, f"t{lane}", documents[-1]),
                      Call("DELETE", f"/v2/{repo}/blobs/{oci.digest(data)}")]
        outcomes = pairs(crew.strike(calls))
        reads = crew.strike([Call("GET", f"/v2/{repo}/{kind}/{oci.digest(data)}")
                             for pair in zip(documents, blobs) for kind, data in zip(("manifests", "blobs"), pair)])
        for (put, delete), (manifest, blob) in zip(outcomes, pairs(reads)):
            outcome = statuses((put, delete, manifest, blob))
            assert outcome in ((201, 409, 200, 200), (400, 202, 404, 404)), (put, delete, manifest, blob)
            assert put.status == 201 or put.answer.error_codes() == ["MANIFEST_BLOB_UNKNOWN"]
            counts[outcome[:2]] = counts.get(outcome[:2], 0) + 1
    tell(counts)


def test_index_put_against_delete_of_its_child(crew, chance):
    """201 and the child stays, or 400 and the child is gone."""
    repo, config, counts = "admin/race4", b"{}", {}
    push_blobs(crew, repo, [config])
    for step in steps(crew):
        children = [manifest_of(config, [], annotations={"n": f"{step}.{lane}"}) for lane in range(LANES)]
        for call in crew.strike([put_manifest(repo, oci.digest(child), child) for child in children]):
            assert call.status == 201, call
        calls, indexes = [], []
        for child in children:
            indexes.append(oci.encode(oci.index([oci.descriptor(child, oci.OCI_MANIFEST)])))
            calls += [put_manifest(repo, oci.digest(indexes[-1]), indexes[-1], ("Content-Type", oci.OCI_INDEX)),
                      Call("DELETE", f"/v2/{repo}/manifests/{oci.digest(child)}")]
        outcomes = pairs(crew.strike(calls))
        reads = crew.strike([Call("GET", f"/v2/{repo}/manifests/{oci.digest(data)}")
                             for pair in zip(indexes, children) for data in pair])
        for (put, delete), (index, child) in zip(outcomes, pairs(reads)):
            outcome = statuses((put, delete, index, child))
            assert outcome in ((201, 409, 200, 200), (400, 202, 404, 404)), (put, delete, index, child)
            counts[outcome[:2]] = counts.get(outcome[:2], 0) + 1
    tell(counts)


def open_sessions(crew, repo, count):
    calls = crew.strike([Call("POST", f"/v2/{repo}/blobs/uploads/") for _ in range(count)])
    assert all(call.status == 202 for call in calls), calls
    return [call.answer.header("Location") for call in calls]


def test_upload_finish_against_cancel(crew, chance):
    """One of the two wins: 201 and the blob is there, or 204 and it is not; the session is gone either way."""
    repo, counts = "admin/race5", {}
    for _ in steps(crew):
        blobs = [chance.randbytes(3000) for _ in range(LANES)]
        locations = open_sessions(crew, repo, LANES)
        calls = []
        for location, data in zip(locations, blobs):
            calls += [Call("PUT", f"{location}?digest={oci.digest(data)}", body=data), Call("DELETE", location)]
        outcomes = pairs(crew.strike(calls))
        reads = crew.strike([Call("GET", path) for location, data in zip(locations, blobs)
                             for path in (f"/v2/{repo}/blobs/{oci.digest(data)}", location)])
        for (finish, cancel), (blob, session), data in zip(outcomes, pairs(reads), blobs):
            outcome = statuses((finish, cancel, blob, session))
            counts[outcome] = counts.get(outcome, 0) + 1
            assert outcome in ((201, 404, 200, 404), (404, 204, 404, 404)), (finish, cancel, blob, session)
            assert blob.status == 404 or blob.answer.body == data
    tell(counts)


def test_F_04_two_patches_at_once(crew, chance):
    """One winner; the loser is told (409 or 416), and the session goes on from the winner's bytes alone."""
    repo, counts = "admin/race6", {}
    for _ in steps(crew):
        locations = open_sessions(crew, repo, LANES)
        chunks = [[chance.randbytes(2000), chance.randbytes(2000)] for _ in locations]
        outcomes = pairs(crew.strike([
            Call("PATCH", location, [("Content-Range", "0-1999"), ("Content-Type", "application/octet-stream")], data)
            for location, pair in zip(locations, chunks) for data in pair]))
        finishes = []
        for location, pair, answers in zip(locations, chunks, outcomes):
            outcome = tuple(sorted(statuses(answers)))
            counts[outcome] = counts.get(outcome, 0) + 1
            assert outcome in ((202, 409), (202, 416)), answers
            winner = pair[[call.status for call in answers].index(202)]
            finishes.append((Call("PUT", f"{location}?digest={oci.digest(winner)}"), winner))
        crew.strike([call for call, _ in finishes])
        assert all(call.status == 201 for call, _ in finishes), finishes
    tell(counts)


def test_F_04_finish_while_a_patch_runs(crew, chance):
    """The blob is what its digest says or the finish is refused; the session is never half of each."""
    repo, counts = "admin/race7", {}
    for _ in steps(crew):
        locations = open_sessions(crew, repo, LANES)
        blobs = [chance.randbytes(2000) for _ in locations]
        calls = []
        for location, data in zip(locations, blobs):
            calls += [Call("PATCH", location, [("Content-Type", "application/octet-stream")], data),
                      Call("PUT", f"{location}?digest={oci.digest(data)}")]
        outcomes = pairs(crew.strike(calls))
        reads = crew.strike([Call("GET", f"/v2/{repo}/blobs/{oci.digest(data)}") for data in blobs])
        for (patch, put), read, data in zip(outcomes, reads, blobs):
            outcome = statuses((patch, put, read))
            counts[outcome] = counts.get(outcome, 0) + 1
            assert patch.status in (202, 404, 409) and put.status in (201, 400, 404, 409), (patch, put)
            assert (read.status == 200) == (put.status == 201), (patch, put, read)
            assert read.status == 404 or read.answer.body == data
    tell(counts)


def test_two_finishes_of_one_session(crew, chance):
    """One 201 at least when the bytes are right, and one blob."""
    repo, counts = "admin/race8", {}
    for _ in steps(crew):
        blobs = [chance.randbytes(500) for _ in range(LANES)]
        locations = open_sessions(crew, repo, LANES)
        outcomes = pairs(crew.strike([Call("PUT", f"{location}?digest={oci.digest(data)}", body=data)
                                      for location, data in zip(locations, blobs) for _ in range(2)]))
        for answers in outcomes:
            outcome = tuple(sorted(statuses(answers)))
            counts[outcome] = counts.get(outcome, 0) + 1
            assert outcome in ((201, 404), (201, 409)), answers
    tell(counts)


def test_first_pushes_make_one_repository(crew, server, chance):
    """Many first blobs of one name at once: one living row, all blobs in it."""
    for step in steps(crew):
        blobs = {f"admin/race9/{SEED}/{step}-{lane}": [chance.randbytes(40) for _ in range(LANES)] for lane in range(LANES)}
        named = [(repo, data) for repo, first in blobs.items() for data in first]
        chance.shuffle(named)
        pushes = crew.strike([blob_call(repo, data) for repo, data in named])
        assert all(call.status == 201 for call in pushes), pushes
        reads = crew.strike([Call("HEAD", f"/v2/{repo}/blobs/{oci.digest(data)}") for repo, data in named])
        assert all(call.status == 200 for call in reads), reads
        for repo in blobs:
            assert rows(server, "SELECT count(*) FROM repositories WHERE path = ?", repo) == [(1,)]


def test_I_04_fifty_pushes_at_the_edge_of_a_quota(crew, server, chance):
    """Of fifty at once exactly as many go through as there is room for, under two quotas, while room is given back too."""
    admin = Registry(server.url(), "admin", ADMIN_PASSWORD)
    counts = {}
    for number in rounds(25):
        path, size = f"admin/race4-{chance.getrandbits(40):010x}", 100
        room = chance.randrange(1, 50)
        push_blobs(crew, f"{path}/app", blobs := [chance.randbytes(size) for _ in range(5)])
        for place, limit in ((path, (room + 5) * size + chance.randrange(size)), (f"{path}/app", 10**9)):
            assert admin.put("/api/v1/quotas", json={"path": place, "bytes": limit}).json()["isCounted"]
        calls = crew.strike([blob_call(f"{path}/app", chance.randbytes(size)) for _ in range(50)])
        went = [call.status for call in calls].count(201)
        assert went == room and all(call.status in (201, 403) for call in calls), statuses(calls)
        more = crew.strike([Call("DELETE", f"/v2/{path}/app/blobs/{oci.digest(blob)}") for blob in blobs]
                           + [blob_call(f"{path}/app", chance.randbytes(size)) for _ in range(20)])
        gone, came = more[:5], [call.status for call in more[5:]]
        assert all(call.status == 202 for call in gone) and set(came) <= {201, 403} and came.count(201) <= 5
        for place in (path, f"{path}/app"):
            quota = admin.get("/api/v1/quotas", params={"prefix": place}).json()["quotas"][0]
            rows_say = admin.get("/api/v1/quotas/usage", params={"path": place}).json()
            assert quota["usedBytes"] == rows_say["bytes"] == (room + came.count(201)) * size
            assert admin.delete("/api/v1/quotas", params={"path": place}).status_code == 204
        counts[went] = counts.get(went, 0) + 1
        crew.n_rounds = number + 1
    tell(counts)


def test_I_05_two_first_starts_make_one_admin(tmp):
    """Two servers on one new data directory: one serves, the other refuses, one account is made."""
    number = 0
    for number in rounds(100):
        data = tmp / f"first{number}"
        started = [subprocess.Popen([str(binary()), "serve", "--data", str(data), "--http", "127.0.0.1:0"],
                                    env=environment({"ASSAY_ADMIN_PASSWORD": f"caller number {caller}"}),
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for caller in range(2)]
        ended = None
        deadline = time.monotonic() + 60
        while ended is None and time.monotonic() < deadline:
            ended = next((process for process in started if process.poll() is not None), None)
            time.sleep(0.01)
        assert ended is not None, "both run on one data directory"
        winner = started[1 - started.index(ended)]
        assert ended.returncode == 1, ended.stderr.read()
        while not (line := winner.stdout.readline()).startswith(b"ready "):
            assert line, winner.stderr.read()
        address = line.decode().split("http=")[1].split(" ")[0]
        answers = [Registry(f"http://{address}", "admin", f"caller number {caller}").get("/v2/").status_code
                   for caller in range(2)]
        assert sorted(answers) == [200, 401], answers
        winner.terminate()
        assert winner.wait(60) == 0
        for process in started:
            process.stdout.close()
            process.stderr.close()
        shutil.rmtree(data)
    volume.report("races", I_05=number + 1)


class Traffic:
    """Valid requests without a pause from several threads; remembers what was not a success."""

    def __init__(self, act, threads=8):
        self.stopping, self.failures, self.count, self.lock = threading.Event(), [], 0, threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(act, number)) for number in range(threads)]

    def run(self, act, number):
        turn = 0
        while not self.stopping.is_set():
            try:
                failure = act(number, turn)
            except Exception as exception:
                failure = exception
            turn += 1
            with self.lock:
                self.count += 1
                if failure:
                    self.failures.append(failure)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, more, seconds=60):
        """Until so many requests more were answered."""
        goal, deadline = self.count + more, time.monotonic() + seconds
        while self.count < goal:
            assert time.monotonic() < deadline, "the traffic stands still"
            time.sleep(0.005)


def test_I_10_storage_root_swapped_by_a_symlink_during_writes(new_server, tmp, chance):
    """Nothing is ever written through the link; afterwards what was acknowledged is there."""
    running = new_server()
    root, aside, trap = running.data / "blobs", running.data / "blobs.aside", tmp / "trap"
    trap.mkdir()
    crews = [Crew(running.address(), 1) for _ in range(8)]
    pushed = [[] for _ in crews]
    seeds = [random.Random(chance.random()) for _ in crews]

    def push(number, _):
        data = seeds[number].randbytes(200)
        call = crews[number].strike([blob_call(f"admin/swap{number}", data)])[0]
        if call.status == 201:
            pushed[number].append(data)
        return None if call.status in (201, 500, 503, 507) else call

    with Traffic(push) as traffic:
        for swap in volume.rounds(max(4, ROUNDS // 5), RARE, SHARE):
            root.rename(aside)
            root.symlink_to(trap)
            traffic.wait_for(4)
            root.unlink()
            aside.rename(root)
            traffic.wait_for(4)
    assert not traffic.failures, traffic.failures[:3]
    assert list(trap.rglob("*")) == [], "something was written through the link"
    acknowledged = sum(map(len, pushed))
    for number, blobs in enumerate(pushed):
        for data in blobs[-50:]:
            call = crews[number].one("GET", f"/v2/admin/swap{number}/blobs/{oci.digest(data)}")
            assert call.status == 200 and call.answer.body == data, call
    volume.report("races", I_10=swap + 1, pushes=traffic.count, acknowledged=acknowledged)
    assert acknowledged


SETTINGS = [("token-life", "5m", "10m"), ("verify-on-read", "on", "off"), ("gc-delay", "1h", "24h"),
            ("max-blob-size", "1GiB", "100GiB")]


def test_I_12_rotation_of_secrets_and_settings_during_traffic(new_server, tmp):
    """Certificates, token keys, seals and settings change; no valid request fails."""
    running = new_server(https="127.0.0.1:0")
    plain = Registry(running.url(), "admin", ADMIN_PASSWORD)
    image = plain.push_image("admin/rotated", "v1")
    plain.push_blob("admin/rotated", oci.EMPTY_JSON)
    ca = tmp / "ca.pem"
    ca.write_bytes(plain.get("/ca").content)
    secure = [Registry(running.url("https"), "admin", ADMIN_PASSWORD, verify=str(ca)) for _ in range(8)]

    def act(number, turn):
        registry = secure[number]
        if number % 4 == 0:
            document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG), [],
                                    annotations={"n": f"{number}.{turn}"})
            answer, wanted = registry.put_manifest("admin/rotated", f"t{number}", document), 201
        elif number % 4 == 1:
            answer, wanted = registry.get("/v2/admin/rotated/tags/list"), 200
        elif number % 4 == 2:
            with_token = registry.with_token("repository:admin/rotated:pull")
            answer, wanted = with_token.pull_manifest("admin/rotated", "v1"), 200
            with_token.session.close()
        else:
            registry.session.close()  # a new handshake each time
            answer, wanted = registry.pull_blob("admin/rotated", oci.digest(image.config)), 200
        return None if answer.status_code == wanted else (answer.request.method, answer.url, answer.status_code,
                                                          answer.text)

    with Traffic(act) as traffic:
        for turn in volume.rounds(max(4, ROUNDS // 25), RARE, SHARE):
            running.send_signal(1)
            traffic.wait_for(4)
            running.ask("rotate-token-key")
            traffic.wait_for(4)
            name, one, other = SETTINGS[turn % len(SETTINGS)]
            running.ask("set", name, one)
            traffic.wait_for(4)
            running.ask("reseal")
            traffic.wait_for(4)
            running.ask("set", name, other)
            traffic.wait_for(4)
    assert not traffic.failures, traffic.failures[:3]
    volume.report("races", I_12=turn + 1, requests=traffic.count, failed=0)


def test_I_08_revoke_against_use(new_server):
    """A changed password voids tokens and remembered log-ins: nothing that starts 5 s later succeeds."""
    running = new_server()
    admin = Registry(running.url(), "admin", ADMIN_PASSWORD)
    admin.push_image("admin/revoked", "v1")
    token = admin.token("repository:admin/revoked:pull")
    bearer = ("Authorization", f"Bearer {token}")
    refresh = admin.fetch_token(offline_token="true", client_id="x")["refresh_token"]
    crews = [Crew(running.address(), 1) for _ in range(8)]
    seen, lock = [], threading.Lock()

    def use(number, _):
        call = crews[number].one("GET", "/v2/admin/revoked/manifests/v1",
                                 credentials=bearer if number % 2 else ADMIN)
        with lock:
            seen.append((call.begin, call.status))
        return None if call.status in (200, 401) else call

    with Traffic(use) as traffic:
        traffic.wait_for(50)
        done = subprocess.run([str(binary()), "admin", "password", "admin", "--data", str(running.data)],
                              input="another pass phrase 7", text=True, env=environment(), capture_output=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
        returned = time.monotonic()
        while time.monotonic() < returned + 6:
            traffic.wait_for(1)
    assert not traffic.failures, traffic.failures[:3]
    late = [status for begin, status in seen if begin > returned + 5]
    assert late and set(late) == {401}, f"{late.count(200)} successes after 5 s"
    answer = admin.anonymous().post("/auth/token", data={"grant_type": "refresh_token", "refresh_token": refresh,
                                                         "client_id": "x", "service": "x"})
    assert answer.status_code == 401
    running.password = None  # the old one may stand in no log all the same; it is void
    assert json.loads(Registry(running.url(), "admin", "another pass phrase 7").get("/v2/").text) == {}
