"""R-02, kill -9 at each failpoint: after the restart nothing acknowledged is lost and nothing half done is visible.

SCENARIOS says, by the first words of a point's name, what brings a server there; a point that no scenario names, or that
its scenario does not reach, fails. The scenario is run again on the restarted server, where it must go through.
"""

import collections
import signal
import subprocess
import time

import pytest

from harness import oci, volume
from harness.postgres import Cluster
from harness.proxy import free_port
from harness.server import Server, ServerDied, binary, environment, run_assay

from workload import REQUEST_ERRORS, Ledger, Pusher, check_consistent, check_ledger

PROGRAM = binary().with_name("assay-failpoints")


def list_points():
    assert PROGRAM.exists(), f"no {PROGRAM}: build with the tests"
    return subprocess.run([PROGRAM], env={"ASSAY_FAILPOINTS": "list"}, capture_output=True, text=True,
                          check=True).stdout.split()


@pytest.fixture(autouse=True)
def program_with_failpoints(monkeypatch):
    monkeypatch.setenv("ASSAY_BIN", str(PROGRAM))


def cases():
    """(point, engine): in a soak on PostgreSQL as well, but for those that only SQLite has, as many as its time allows."""
    points = list_points()
    found = [(point, "sqlite") for point in points]
    if volume.is_soak():
        found += [(point, "postgres") for point in points if not point.startswith(("writer.", "db.file"))]
    return found


@pytest.fixture(scope="module")
def cluster():
    own = Cluster()
    yield own
    own.stop()


@pytest.fixture(scope="module")
def kills():
    """How many by engine; the seconds of a soak begin here."""
    counts, begun = collections.Counter(), time.monotonic()
    counts.is_late = lambda: volume.is_soak() and time.monotonic() - begun > volume.SOAK_SECONDS
    yield counts
    volume.report("R-02", points=len(list_points()), **{f"kills_on_{engine}": number for engine, number in counts.items()})


class Life:
    """One server and the book of what it acknowledged in one repository."""

    def __init__(self, data, *arguments, **options):
        self.server = Server(data, *arguments, **options)
        self.ledger = Ledger("admin/fp0")
        self.number = 0

    def start(self, rule=None):
        self.server.env.pop("ASSAY_FAILPOINTS", None)
        if rule:
            self.server.env["ASSAY_FAILPOINTS"] = rule
        self.server.start()
        self.number += 1
        self.pusher = Pusher(self.server.url(), self.ledger, self.number)
        self.pusher.registry.password = self.password()
        self.pusher.registry.session.auth = ("admin", self.password().encode())

    def password(self):
        return self.server.password or self.server.generated_password()

    def admin(self, *arguments, stdin=None):
        """A command beside the server, which may die of it."""
        command = [str(PROGRAM), "admin", *arguments, "--data", str(self.server.data)]
        done = subprocess.run(command, env=environment(), input=stdin or "", capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            self.server.process.wait(10)  # it failed because the server died, and for no other reason
            raise OSError("the server died")
        return done


# -- what brings a server to a point

def push(life):
    """Chunks that are resumed, a blob in one request, one that is there already, and an image of them."""
    pusher = life.pusher
    pusher.upload_in_chunks()
    data = pusher.random.randbytes(3000)
    answer = pusher.registry.post(f"/v2/{pusher.repository}/blobs/uploads/", params={"digest": oci.digest(data)},
                                  data=data, headers={"Content-Type": "application/octet-stream"})
    pusher.expect(answer, 201)
    life.ledger.blobs[oci.digest(data)] = data
    pusher.push_image()


def promise(life):
    """A blob whose pin is old is asked for: with pins of no length every answer writes one."""
    life.admin("set", "pin-ttl", "0s")
    digest = life.pusher.push_blob(b"promised")
    assert life.pusher.registry.head(f"/v2/{life.pusher.repository}/blobs/{digest}").status_code == 200


def mount(life):
    pusher = life.pusher
    digest = pusher.push_blob(b"mounted")
    target = f"/v2/admin/fp1/blobs/uploads/?mount={digest}&from={pusher.repository}"
    pusher.expect(pusher.registry.post(target), 201)
    assert pusher.registry.head(f"/v2/admin/fp1/blobs/{digest}").status_code == 200


def delete(life):
    pusher = life.pusher
    pusher.push_image()
    pusher.delete_manifest()
    data = pusher.random.randbytes(100)
    digest = pusher.push_blob(data)
    del life.ledger.blobs[digest]
    pusher.expect(pusher.registry.delete(f"/v2/{pusher.repository}/blobs/{digest}"), 202)


def cancel(life):
    location, _ = life.pusher.begin_upload()
    life.pusher.expect(life.pusher.registry.delete(location), 204)


def wrong_digest(life):
    location, _ = life.pusher.begin_upload()
    life.pusher.expect(life.pusher.registry.finish_upload(location, oci.missing_digest(), b"other"), 400)


def settings(life):
    path = f"admin/made{life.number}"
    life.admin("repo-create", path, "private")
    life.admin("repo-visibility", path, "public")
    life.admin("repo-delete", path)
    life.admin("set", "upload-ttl", "2h")


def password(life):
    life.admin("password", "admin", stdin="another good long password\n")
    life.server.password = "another good long password"


def access(life):
    """Every change of who may what ends the same way; this one is an organisation."""
    name = f"org{life.number}"
    life.pusher.expect(life.pusher.registry.post("/enzi/v0/accounts", json={"name": name, "isOrg": True}), 201)
    life.pusher.expect(life.pusher.registry.delete(f"/enzi/v0/accounts/{name}"), 204)


def check_quotas(registry):
    """What each quota says is in use is what the rows add up to."""
    for row in registry.get("/api/v1/quotas", params={"pageSize": 0}).json()["quotas"]:
        rows = registry.get("/api/v1/quotas/usage", params={"path": row["path"]}).json()
        assert not row["isCounted"] or (row["usedBytes"], row["usedTags"]) == (rows["bytes"], rows["tags"])


def quota(life):
    """One over what is there, and a push under it, which is folded soon after."""
    registry, path = life.pusher.registry, life.pusher.repository.split("/")[0]
    check_quotas(registry)
    registry.delete("/api/v1/quotas", params={"path": path})
    life.pusher.expect(registry.put("/api/v1/quotas", json={"path": path, "bytes": 10**12, "tags": 10**6}), 200)
    life.pusher.push_image()
    life.pusher.delete_manifest()
    check_quotas(registry)


def pulls(life):
    """A pull, written down within a second; what is killed before that is lost."""
    life.pusher.push_image()
    life.pusher.expect(life.pusher.registry.get(f"/v2/{life.pusher.repository}/tags/list"), 200)
    tag = life.pusher.registry.get(f"/v2/{life.pusher.repository}/tags/list").json()["tags"][0]
    life.pusher.expect(life.pusher.registry.get(f"/v2/{life.pusher.repository}/manifests/{tag}"), 200)


def reseal(life):
    life.admin("reseal")
    life.admin("rotate-token-key")


def checkpoint(life):
    """A manifest of the largest size makes the log long enough."""
    config = oci.EMPTY_JSON
    life.pusher.push_blob(config)
    document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [], annotations={"n": str(life.number)})
    life.pusher.put_manifest("large", oci.padded(document, 4 * oci.MIB))


def abandoned(life):
    """Before the start: an upload that lies idle for longer than one may."""
    life.admin("set", "upload-ttl", "1s")
    life.admin("set", "gc-interval", "0")
    location, _ = life.pusher.begin_upload()
    life.pusher.expect(life.pusher.registry.patch(location, data=b"never ended"), 202)
    time.sleep(1.2)


def purge(life):
    """A secret in a repository that no book is kept of; what a kill left of the one before goes with the second try."""
    registry, secret = life.pusher.registry, b"a secret of every life"
    body = {"digest": oci.digest(secret), "reason": "it leaked"}
    life.pusher.expect(registry.post("/api/v1/purges", json=body), 200, 404)
    registry.push_blobs("admin/leaky", oci.EMPTY_JSON, secret)
    registry.push_document("admin/leaky", "v1", oci.manifest(
        oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG), [oci.descriptor(secret, oci.OCI_LAYER)]), oci.EMPTY_JSON, [secret])
    done = life.pusher.expect(registry.post("/api/v1/purges", json=body), 200).json()
    assert done["manifests"] == done["tags"] == 1 and [blob["goes"] for blob in done["blobs"] if blob["size"] == len(secret)] == [True]
    assert registry.get("/v2/admin/leaky/manifests/v1").status_code == 404
    left = [path for path in (life.server.data / "blobs").rglob("*") if oci.digest(secret).split(":")[1] in path.name]
    assert not life.server.is_running() or len(left) == life.number - 1 or not left, left


def wait_for_sweep(life):
    """The sweep runs soon after the start, and takes the bytes of what was abandoned."""
    uploads, deadline = life.server.data / "blobs" / "uploads", time.monotonic() + 30
    while life.server.is_running() and any(uploads.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)


def deleted(life):
    """Before the start: an image that is deleted, and that collection may take whenever it comes."""
    for key, value in (("gc-delay", "0"), ("undelete-window", "0"), ("gc-interval", "1h")):
        life.admin("set", key, value)
    life.pusher.push_image()
    life.pusher.delete_manifest()


def wait_for_collection(life):
    """It takes what was deleted before. After a kill the job of the life before holds its lease for a while yet."""
    begun = life.server.log().count("action=onlinegc")
    life.admin("set", "gc-interval", "0")
    deadline = time.monotonic() + 5
    while life.server.is_running() and life.server.log().count("action=onlinegc") == begun and time.monotonic() < deadline:
        time.sleep(0.02)


def job(life):
    registry = life.pusher.registry
    answer = registry.post("/api/v0/jobs", json={"action": "sleep", "parameters": {"duration": "0"}})
    life.pusher.expect(answer, 202)
    deadline = time.monotonic() + 30
    while registry.get(f"/api/v0/jobs/{answer.json()['id']}").json()["status"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def hook(life):
    """A webhook whose receiver is not there: its call fails, and that is written down."""
    registry = life.pusher.registry
    answer = registry.post("/api/v1/webhooks", json={"type": "TAG_PUSH", "endpoint": f"https://127.0.0.1:{free_port()}/"})
    life.pusher.expect(answer, 201)
    life.pusher.push_image()
    deadline = time.monotonic() + 30
    while not registry.get(f"/api/v1/webhooks/{answer.json()['id']}").json().get("lastFailedAt"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def may_go_inside(life):
    """For the lives that follow: webhooks may go to this machine."""
    life.server.env["ASSAY_EGRESS_ALLOW"] = "127.0.0.0/8"


def stop(life):
    life.server.send_signal(signal.SIGTERM)
    life.server.process.wait(30)


def nothing(life):
    """It is reached while a server starts."""


# Beginning of the name -> (scenario, what is done by a server before, is the directory new?). The longest one counts.
SCENARIOS = {
    "store": (nothing, None, True),
    "blob": (push, None, False),
    "blob.remove": (cancel, None, False),
    "file": (nothing, None, True),
    "file.remove": (cancel, None, False),
    "db": (push, None, False),
    "db.file": (nothing, None, True),
    "writer.commit": (push, None, False),
    "writer.checkpoint": (checkpoint, None, False),
    "migrate": (nothing, None, True),
    "upload": (push, None, False),
    "upload.cancel": (cancel, None, False),
    "upload.drop": (wrong_digest, None, False),
    "sweep": (wait_for_sweep, abandoned, False),
    "reap": (wait_for_sweep, abandoned, False),
    "push": (push, None, False),
    "mount": (mount, None, False),
    "promise": (promise, None, False),
    "delete": (delete, None, False),
    "delete.repo": (settings, None, False),
    "deleted.repo": (settings, None, False),
    "create": (settings, None, False),
    "visibility": (settings, None, False),
    "setting.": (settings, None, False),
    "access": (access, None, False),
    "pulls": (pulls, None, False),
    "purge": (purge, None, False),
    "collect": (wait_for_collection, deleted, False),
    "hook": (hook, may_go_inside, False),
    "quota": (quota, None, False),
    "password": (password, None, False),
    "token": (nothing, None, True),
    "admin": (nothing, None, True),
    "node": (nothing, None, True),
    "job": (job, None, False),
    "key": (nothing, None, True),
    "settings.seed": (nothing, None, True),
    "reseal": (reseal, None, False),
    "start": (nothing, None, True),
    "stop": (stop, None, False),
}


def scenario_of(point):
    found = max((name for name in SCENARIOS if point.startswith(name)), key=len, default=None)
    assert found, f"no scenario brings a server to {point}: add it to SCENARIOS"
    return SCENARIOS[found]


@volume.limit(120)
@pytest.mark.parametrize("point, engine", cases())
def test_killed_at(point, engine, cluster, kills, tmp_path):
    if engine == "postgres" and kills.is_late():
        pytest.skip("the time of the soak is over")
    scenario, before, at_first_start = scenario_of(point)
    arguments = ["--database", cluster.url(cluster.new_database())] if engine == "postgres" else []
    life = Life(tmp_path / "data", *arguments, password=None)
    server = life.server
    try:
        if not at_first_start:
            life.start()
            life.pusher.push_image()
            (before or nothing)(life)
            server.stop()
        try:
            life.start(f"{point}:kill")
            scenario(life)
            server.process.wait(5)
        except (ServerDied, *REQUEST_ERRORS):
            pass
        except subprocess.TimeoutExpired:
            pytest.fail(f"{point} is not reached by {scenario.__name__}")
        assert f"failpoint {point}: pass 1" in server.log(), f"{point} was not reached:\n{server.log()[-2000:]}"
        server.kill()

        life.start()
        if scenario is password and life.pusher.registry.get("/v2/").status_code == 401:
            life.server.password = "another good long password"
            life.pusher.registry.session.auth = ("admin", life.server.password.encode())
        check_ledger(life.pusher.registry, life.ledger, life.pusher.random, everything=True)
        check_consistent(server)
        life.pusher.push_image()
        scenario(life)
        server.kill()
        life.start()
        check_ledger(life.pusher.registry, life.ledger, life.pusher.random, everything=True)
        server.stop()
        kills[engine] += 1
    finally:
        server.kill()


def test_an_unknown_point_is_refused():
    for rule in ("blob.finnish:kill", "blob.finish:explode", "blob.finish@0:kill", "blob.finish", "blob.finish:delay"):
        done = run_assay("help", env={"ASSAY_FAILPOINTS": rule})
        assert done.returncode == 2 and "failpoint" in done.stderr, rule


def test_the_shipped_program_has_none():
    """Neither names nor machinery: three functions that let everything pass, and the variable is no setting."""
    shipped = str(PROGRAM.with_name("assay"))
    loaded = subprocess.run(["strings", "--data", shipped], capture_output=True, text=True, check=True).stdout.split("\n")
    assert not set(list_points()) & {line for line in loaded if "." in line}
    assert "ASSAY_FAILPOINTS" not in loaded
    symbols = subprocess.run(["nm", shipped], capture_output=True, text=True, check=True).stdout
    assert [line.split()[-1] for line in symbols.splitlines() if "failpoint" in line] == [
        "failpoint", "failpoint_clock_us", "failpoint_skips"]
    done = subprocess.run([shipped, "serve"], env=environment({"ASSAY_FAILPOINTS": "push:kill"}), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 2 and "there is no such setting" in done.stderr


@pytest.mark.parametrize("point", ["blob.finish-synced", "writer.commit", "upload.begin-recorded", "push.written"])
def test_an_error_there_is_a_fault_of_ours_and_passes(point, tmp_path):
    """The client hears 503 or 507 with Retry-After, and the next try of the same goes through."""
    for error, status in (("EIO", 503), ("ENOSPC", 507)):
        life = Life(tmp_path / error)
        try:
            life.start()
            life.server.stop()
            life.start(f"{point}@{9 if point == 'writer.commit' else 2}:error={error}")
            life.pusher.faults = (status,)
            for _ in range(3):
                life.pusher.act(life.pusher.push_image)
            assert life.pusher.refused == 1 and life.pusher.steps == 2
            check_ledger(life.pusher.registry, life.ledger, life.pusher.random)
            life.server.stop()
            assert f"failpoint {point}" in life.server.log()
        finally:
            life.server.kill()
