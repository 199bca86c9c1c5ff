"""No answer of success before what it promises is synced: files, the folders that name them, and the database's log.

The server's system calls are recorded by strace while a client works, one request at a time. That the record can tell is
shown by planting: the N-th sync is answered without being done, and the answer that relied on it must be found.
"""

import pytest

from harness import volume
from harness.server import Server

from traced import CALLS, Recorder, strace
from workload import Ledger, Pusher


def work(server):
    pusher = Pusher(server.url(), Ledger("admin/recorded0"), 1)
    pusher.push_image()
    pusher.push_shared()
    pusher.upload_in_chunks()
    pusher.retag()
    pusher.push_index()
    pusher.push_referrer()
    location, _ = pusher.begin_upload()
    pusher.expect(pusher.registry.delete(location), 204)
    pusher.delete_tag()
    pusher.delete_manifest()
    target = f"/v2/admin/recorded1/blobs/uploads/?mount={next(iter(pusher.ledger.blobs))}&from={pusher.repository}"
    pusher.expect(pusher.registry.post(target), 201)


def record(tmp_path, *plant):
    with Server(tmp_path / "data") as server:
        with strace(server, "-e", f"trace={CALLS}", *plant, log=tmp_path / "calls"):
            work(server)
    return Recorder(tmp_path / "data").read(tmp_path / "calls")


@volume.limit(120)
def test_every_success_is_durable(tmp_path):
    recorder = record(tmp_path)
    assert recorder.answers >= 25, f"only {recorder.answers} answers were recorded"
    assert not recorder.wrong, "\n".join(recorder.wrong)
    volume.report("R-03", recorded_answers=recorder.answers, unsynced=len(recorder.wrong))


@volume.limit(120)
@pytest.mark.parametrize("call, nth", [("fdatasync", 2), ("fdatasync", 5), ("fsync", 1), ("fsync", 3)])
def test_a_sync_that_is_missing_is_found(tmp_path, call, nth):
    recorder = record(tmp_path, "-e", f"inject={call}:retval=0:when={nth}")
    assert recorder.wrong, f"the {nth}th {call} was left out, and nothing was noticed in {recorder.answers} answers"
