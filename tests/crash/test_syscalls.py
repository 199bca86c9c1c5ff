"""R-04, system calls that fail: the n-th of a kind once, or from then on, while a client pushes, mounts, moves and deletes.

The server goes on, says no success for what did not happen, answers with 503 or 507 where the fault reached it, and when the
fault is over everything that it acknowledged is there and pushes go through. strace makes the faults in a running server.
"""

import http.client
import pathlib
import resource

from harness import volume
from harness.client import Registry
from harness.server import ADMIN_PASSWORD, Server

from traced import strace
from workload import REQUEST_ERRORS, Ledger, Pusher, check_ledger

ONCE, ONWARDS = "", "+"
# Calls, errors, and whether they may stay: EINTR and EAGAIN say "try again", and whoever is told so for ever tries for ever.
# No EAGAIN where bytes are received: epoll tells of them once, and from a kernel EAGAIN means that there are none. Made up,
# it leaves a request unread until the connection's idle time is over, in this server as in any other.
FAULTS = [
    ("openat2",          "EIO ENOSPC EMFILE ENOMEM",        (ONCE, ONWARDS)),
    ("openat2",          "EINTR EAGAIN",                    (ONCE,)),
    ("pwrite64",         "EIO ENOSPC EDQUOT",               (ONCE, ONWARDS)),
    ("pwrite64",         "EINTR",                           (ONCE,)),
    ("pread64",          "EIO ENOMEM",                      (ONCE, ONWARDS)),
    ("fdatasync",        "EIO ENOSPC EDQUOT",               (ONCE, ONWARDS)),
    ("fsync",            "EIO ENOSPC",                      (ONCE, ONWARDS)),
    ("renameat2",        "EIO ENOSPC EROFS",                (ONCE, ONWARDS)),
    ("mkdirat",          "EIO ENOSPC",                      (ONCE, ONWARDS)),
    ("unlinkat",         "EIO EROFS",                       (ONCE, ONWARDS)),
    ("ftruncate",        "EIO ENOSPC",                      (ONCE, ONWARDS)),
    ("accept4",          "EMFILE ENOMEM EAGAIN EINTR",      (ONCE,)),
    ("recvfrom",         "EINTR ENOMEM ECONNRESET",         (ONCE,)),
    ("fstat,newfstatat", "EIO ENOMEM",                      (ONCE, ONWARDS)),
    ("statfs,fstatfs",   "EIO",                             (ONCE, ONWARDS)),
]
CASES = [(call, error, more) for call, errors, how in FAULTS for error in errors.split() for more in how]


def work(pusher):
    for action in (pusher.push_image, pusher.push_shared, pusher.upload_in_chunks, pusher.retag, pusher.push_index,
                   pusher.push_referrer, pusher.delete_tag, pusher.delete_manifest):
        try:
            pusher.act(action)
        except REQUEST_ERRORS:
            pass  # the connection broke: it may have happened or not


def say_hello(server, seconds):
    """A new connection's one request; it stays open."""
    connection = http.client.HTTPConnection(*server.address(), timeout=seconds)
    connection.request("GET", "/livez")
    answer = connection.getresponse()
    answer.read()
    return connection, answer.status


def test_idle_connections_make_room_when_descriptors_end(tmp_path):
    """The event threads of the library accept nobody, once they found no descriptor, until one of their connections ends."""
    with Server(tmp_path / "data") as server:
        # Enough for every event thread to have some.
        idle = [say_hello(server, 30)[0] for _ in range(32)]
        files = pathlib.Path("/proc", str(server.process.pid), "fd")
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (len(list(files.iterdir())), before[1]))
        assert say_hello(server, 40)[1] == 200, "nobody made room"
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        assert all(say_hello(server, 40)[1] == 200 for _ in range(32))
        for connection in idle:
            connection.close()


@volume.limit(400)
def test_a_failing_call_loses_nothing(tmp_path):
    chance = volume.chance("syscalls")
    trials, refused, unhurt = 0, 0, 0
    ledger = Ledger("admin/calls0")
    with Server(tmp_path / "data") as server:
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        Pusher(server.url(), ledger, 0).push_image()
        deck = []
        for number in volume.rounds(30, 20_000):
            deck = deck or chance.sample(CASES, len(CASES))
            call, error, more = deck.pop()
            fault = f"inject={call}:error={error}:when={chance.randrange(1, 25)}{more}"
            # A page that cannot be read is damage in the eyes of SQLite, and damage is 500.
            allowed = (500, 503, 507) if call == "pread64" else (503, 507)
            pusher = Pusher(server.url(), ledger, chance.randrange(2**32), faults=allowed)
            with strace(server, "-e", f"trace={call}", "-e", fault, log=tmp_path / "calls"):
                try:
                    work(pusher)
                except Exception as wrong:
                    raise AssertionError(f"under {fault}: {wrong}\n{server.log()[-3000:]}") from wrong
            try:
                server.check_alive()
                healed = Pusher(server.url(), ledger, number)
                healed.push_image()
                check_ledger(registry, ledger, chance, everything=number % 50 == 49)
            except Exception as wrong:
                raise AssertionError(f"after {fault}: {wrong}\n{server.log()[-3000:]}") from wrong
            trials, refused = trials + 1, refused + pusher.refused
            unhurt += pusher.refused == 0
        check_ledger(registry, ledger, chance, everything=True)
        volume.report("R-04", trials=trials, refused=refused, trials_without_refusal=unhurt,
                      acked_manifests=ledger.acknowledged)
        assert refused, "no fault reached the client: this run proves nothing"
