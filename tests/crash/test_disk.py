"""R-05, a disk that is full, out of inodes, read-only or gone: clear refusals, nothing acknowledged lost, no restart.

Pushes get 507 or 503 with Retry-After and the log has the cause; pulls, logins and, out of the reserve, deletes go on; when
the disk is well again, so is the registry.
"""

import time

import pytest

from harness import volume
from harness.server import Server, ServerDied

from disk import disk
from workload import Crowd, Ledger, Pusher, check_ledger

FAULTS = (503, 507)


def wait_for_a_push(pusher, server):
    """Within the moments that a look at the disk takes, and without a restart."""
    deadline, done = time.monotonic() + 60, pusher.steps
    while pusher.steps == done:
        assert time.monotonic() < deadline, f"no push goes through:\n{server.log()[-3000:]}"
        pusher.act(pusher.push_image)
        time.sleep(0.1)


class Trial:
    """A server on a small disk with an image on it, and one client."""

    def __init__(self, own, log_path):
        self.server = Server(own.path / "data", "--disk-reserve", "4MiB")
        self.server.log_path = log_path
        self.server.start()
        self.pusher = Pusher(self.server.url(), Ledger("admin/disk0"), 1, faults=FAULTS)
        self.pusher.push_image()
        self.pusher.push_image()

    def refuses(self):
        refused = self.pusher.refused
        for action in (self.pusher.push_image, self.pusher.upload_in_chunks):
            self.pusher.act(action)
        assert self.pusher.refused == refused + 2, "a push went through"

    def still_serves(self):
        registry = self.pusher.registry
        check_ledger(registry, self.pusher.ledger, self.pusher.random, everything=True)
        registry.fetch_token("repository:admin/disk0:pull", service="any")
        assert registry.get("/readyz").status_code == 200

    def recovers(self):
        wait_for_a_push(self.pusher, self.server)
        self.pusher.ledger.uploads.clear()
        check_ledger(self.pusher.registry, self.pusher.ledger, self.pusher.random, everything=True)


@pytest.fixture
def trial(tmp_path):
    made = []

    def make(**options):
        own = disk(tmp_path / "disk", megabytes=64, **options)
        made.append((own, None))
        own_disk = own.__enter__()
        made[-1] = (own, Trial(own_disk, tmp_path / "log"))
        return own_disk, made[-1][1]

    yield make
    for own, running in made:
        if running:
            running.server.kill()
        own.__exit__(None, None, None)


@volume.limit(120)
def test_the_reserve_is_for_deletes(trial):
    own, running = trial()
    own.fill(leave=3 << 20)
    running.refuses()
    running.pusher.ledger.uploads.clear()
    running.still_serves()
    running.pusher.delete_manifest()
    running.pusher.delete_tag()
    assert "are kept for deletes" in running.server.log()
    own.empty()
    running.recovers()
    running.server.stop()


@volume.limit(120)
def test_not_a_byte_is_left(trial):
    own, running = trial()
    own.fill()
    running.refuses()
    running.pusher.ledger.uploads.clear()
    running.still_serves()
    own.empty()
    running.recovers()
    running.server.stop()


@volume.limit(120)
def test_no_inode_is_left(trial):
    own, running = trial(make_options=["-N", "256"])
    taken = []
    try:
        while True:
            taken.append(own.path / f"taken{len(taken)}")
            taken[-1].touch()
    except OSError:
        taken.pop()
    running.refuses()
    running.pusher.ledger.uploads.clear()
    running.still_serves()
    assert "No space left on device" in running.server.log()
    for path in taken:
        path.unlink()
    running.recovers()
    running.server.stop()


@volume.limit(120)
def test_filled_while_many_push(trial, tmp_path):
    """At random moments of mixed pushes; each answer of success before, during and after holds."""
    own, running = trial()
    chance = volume.chance("disk")
    crowd, moments = Crowd(chance, size=4, name="filled"), 0
    for _ in volume.rounds(3, 100):
        crowd.start(running.server, faults=FAULTS)
        time.sleep(chance.uniform(0.05, 0.4))
        own.fill(leave=chance.choice([0, 0, 1 << 20]))
        time.sleep(0.2)
        own.empty()
        time.sleep(0.1)
        crowd.stop()
        crowd.check(running.server)
        moments += 1
        if own.is_nearly_full():
            break
    running.recovers()
    volume.report("R-05", moments=moments, refused=crowd.refused, **crowd.counts())
    running.server.stop()


@volume.limit(120)
def test_read_only(trial):
    own, running = trial()
    running.server.stop()
    running.server.start()
    running.pusher = Pusher(running.server.url(), running.pusher.ledger, 2, faults=FAULTS)
    own.freeze()
    try:
        running.refuses()
        digest = next(iter(running.pusher.ledger.blobs))
        assert running.pusher.registry.pull_blob("admin/disk0", digest).content == running.pusher.ledger.blobs[digest]
    finally:
        running.server.kill()


@volume.limit(120)
def test_an_empty_directory_where_the_volume_should_be_does_not_start(tmp_path):
    with disk(tmp_path / "disk", megabytes=64) as own:
        server = Server(tmp_path / "data", "--storage", f"file:{own.path}/blobs")
        with server:
            Pusher(server.url(), Ledger("admin/disk0"), 1).push_image()
        own.unmount()
        with pytest.raises(ServerDied):
            server.start()
        assert "is its volume mounted?" in server.log()
        own.mount()
        with server:
            assert Pusher(server.url(), Ledger("admin/disk0"), 1).registry.tags("admin/disk0")


@volume.limit(120)
def test_a_volume_that_goes_away_while_it_runs(tmp_path):
    with disk(tmp_path / "disk", megabytes=64) as own:
        with Server(tmp_path / "data", "--storage", f"file:{own.path}/blobs") as server:
            pusher = Pusher(server.url(), Ledger("admin/disk0"), 1, faults=FAULTS)
            pusher.push_image()
            own.unmount(lazily=True)
            # From the first one on, not from when it is noticed.
            deadline = time.monotonic() + 30
            while pusher.registry.get("/readyz").status_code != 503:
                assert time.monotonic() < deadline, "it stays ready without its volume"
                steps = pusher.steps
                for action in (pusher.push_image, pusher.upload_in_chunks, pusher.retag, pusher.push_referrer):
                    pusher.act(action)
                assert pusher.steps == steps, "a push went through without the volume"
                time.sleep(0.1)
            assert "is its volume mounted?" in server.log()
            own.mount()
            wait_for_a_push(pusher, server)
            pusher.ledger.uploads.clear()
            pusher.upload_in_chunks()
            check_ledger(pusher.registry, pusher.ledger, pusher.random, everything=True)


@volume.limit(200)
def test_a_volume_that_comes_and_goes_while_many_push(tmp_path):
    """What was acknowledged is on the volume, whenever it went away; nobody restarts anything."""
    chance = volume.chance("volume")
    with disk(tmp_path / "disk", megabytes=256) as own:
        with Server(tmp_path / "data", "--storage", f"file:{own.path}/blobs") as server:
            crowd, moments = Crowd(chance, size=4, name="away"), 0
            for _ in volume.rounds(1, 40, share=0.5):
                crowd.start(server, faults=FAULTS)
                time.sleep(chance.uniform(0.05, 0.5))
                own.unmount(lazily=True)
                time.sleep(chance.choice([0, 0.05, 1]))
                own.mount()
                time.sleep(chance.uniform(0, 3))
                crowd.stop()
                wait_for_a_push(Pusher(server.url(), Ledger("admin/other0"), moments, faults=FAULTS), server)
                crowd.check(server)
                moments += 1
            volume.report("R-05", volume_went_away=moments, refused=crowd.refused, **crowd.counts())
