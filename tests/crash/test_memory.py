"""R-06, memory: bounded under load, and the end of it is a clean end: what was acknowledged survives.

64 uploads, 64 manifests of 4 MiB and 1,000 idle connections at once never take 256 MiB. A process that gets no
more memory aborts rather than going on without, or is ended by the kernel; the next one finds everything.
"""

import concurrent.futures
import re
import signal
import socket
import subprocess
import threading
import time

from harness import oci, volume
from harness.client import Registry
from harness.server import ADMIN_PASSWORD, Server

from cgroup import memory_group
from workload import REQUEST_ERRORS, Crowd

MIB = 1 << 20
LIMIT = 256 * MIB
RESIDENT_MAX = 192 * MIB
LOGIN = threading.Lock()


def limit_memory(server, size):
    """No more than so many bytes of data from now on, whatever is in use."""
    subprocess.run(["prlimit", f"--data={size}:{size}", "--pid", str(server.process.pid)], check=True)


def memory(server, name):
    """A line of the kernel's status of the process, in bytes."""
    status = open(f"/proc/{server.process.pid}/status", encoding="ascii").read()
    return int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024


def pusher_of(server, repo):
    """By token: a hundred passwords at once would be turned away, which is another test."""
    with LOGIN:
        return Registry(server.url(), "admin", ADMIN_PASSWORD).with_token(f"repository:{repo}:pull,push")


def upload(server, number):
    """8 MiB in a stream of small pieces."""
    piece = bytes([number]) * 65536
    registry = pusher_of(server, f"admin/memory{number}")
    location = registry.start_upload(f"admin/memory{number}")
    answer = registry.patch(location, data=(piece for _ in range(128)))
    assert answer.status_code == 202, answer.text
    answer = registry.finish_upload(location, oci.digest(piece * 128))
    assert answer.status_code == 201, answer.text


def large_manifest(server, number):
    """Of the largest size; a server that is busy says 429 or 503, and the client comes again."""
    repo = f"admin/large{number}"
    registry = pusher_of(server, repo)
    registry.push_blob(repo, oci.EMPTY_JSON)
    document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_CONFIG), [], annotations={"n": str(number)})
    data, deadline = oci.padded(document, 4 * MIB), time.monotonic() + 120
    while True:
        answer = registry.put_manifest(repo, "large", data, oci.OCI_MANIFEST)
        if answer.status_code == 201:
            return
        assert answer.status_code in (429, 503) and time.monotonic() < deadline, f"{answer.status_code} {answer.text}"
        time.sleep(int(answer.headers["Retry-After"]) / 4)


@volume.limit(240)
def test_64_uploads_64_manifests_and_1000_idle_stay_within_the_limit(tmp_path):
    with memory_group(is_needed=False) as group, Server(tmp_path / "data", program=group.program(tmp_path)) as server:
        assert group.limit(LIMIT)
        idle = [socket.create_connection(server.address()) for _ in range(1000)]
        try:
            with concurrent.futures.ThreadPoolExecutor(128) as pool:
                work = [pool.submit(task, server, number) for number in range(64) for task in (upload, large_manifest)]
                for done in work:
                    done.result()
            resident, peak = memory(server, "VmRSS"), memory(server, "VmHWM")
            server.check_alive()
            volume.report("R-06", resident_mib=resident / MIB, peak_mib=peak / MIB)
            assert resident <= RESIDENT_MAX, f"{resident / MIB:.0f} MiB resident after the load"
            assert peak <= LIMIT and group.kills() == 0
        finally:
            for connection in idle:
                connection.close()


@volume.limit(240)
def test_without_memory_it_ends_and_nothing_is_lost(tmp_path):
    chance = volume.chance("memory")
    server, crowd, ends = Server(tmp_path / "data"), Crowd(chance, size=4, name="memory"), 0
    try:
        for _ in volume.rounds(4, 100):
            server.start()
            crowd.start(server, faults=(503,))
            time.sleep(chance.uniform(0.1, 0.5))
            # Just above what is in use now: the next thing that it needs, it does not get.
            limit_memory(server, memory(server, "VmData") + chance.randrange(256 * 1024))
            deadline = time.monotonic() + 2
            while server.is_running() and time.monotonic() < deadline:
                provoke(server)
            if server.is_running():
                server.kill()
                crowd.stop()
            else:
                crowd.stop()
                code = server.process.returncode
                assert code == -signal.SIGABRT, f"it ended with {code}:\n{server.log()[-3000:]}"
                server.wait(1)
                ends += 1
            server.start()
            crowd.check(server)
            server.stop()
        volume.report("R-06", ends_without_memory=ends, **crowd.counts())
        assert ends, "no server ran out of memory: this run proves nothing"
    finally:
        server.kill()


@volume.limit(240)
def test_ended_by_the_kernel_for_want_of_memory_nothing_is_lost(tmp_path):
    """In a cgroup with hardly more than the process has."""
    chance = volume.chance("cgroup")
    with memory_group() as group:
        server = Server(tmp_path / "data", program=group.program(tmp_path))
        crowd, ends = Crowd(chance, size=4, name="group"), 0
        try:
            for _ in volume.rounds(2, 100):
                assert group.limit(LIMIT)
                server.start()
                crowd.start(server, faults=(503,))
                time.sleep(chance.uniform(0.1, 0.5))
                deadline = time.monotonic() + 20
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    while server.is_running() and time.monotonic() < deadline:
                        group.limit(group.anonymous() + chance.randrange(512 * 1024))
                        list(pool.map(provoke, [server] * 8))
                assert not server.is_running(), "it goes on with less memory than it needs"
                crowd.stop()
                assert server.process.returncode in (-signal.SIGKILL, -signal.SIGABRT), server.log()[-3000:]
                server.wait(1)
                assert group.kills() == ends + 1
                ends += 1
                assert group.limit(LIMIT)
                server.start()
                crowd.check(server)
                server.stop()
            volume.report("R-06", ended_by_the_kernel=ends, **crowd.counts())
        finally:
            server.kill()


def provoke(server):
    """A manifest of the largest size needs more than is left."""
    try:
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        registry.put_manifest("admin/provoked", "large", oci.padded(oci.manifest({}, []), 4 * MIB), timeout=10)
    except REQUEST_ERRORS:
        pass
