"""R-03, power cuts in a loop: an ext4 that is shut down without its journal being flushed, and mounted again.

Whatever was not synced is gone then: what was acknowledged must be there all the same, in both modes of the journal.
"""

import time

import pytest

from harness import volume
from harness.server import Server

from disk import disk
from workload import Crowd


@volume.limit(300)
@pytest.mark.parametrize("journal", ["ordered", "writeback"])
def test_nothing_acknowledged_is_lost(journal, tmp_path):
    chance = volume.chance("power", journal)
    crowd, cuts = Crowd(chance, size=4, name="power"), 0
    with disk(tmp_path / "disk", megabytes=1024, journal=journal) as own:
        server = Server(own.path / "data")
        server.log_path = tmp_path / "log"
        server.start()
        try:
            for _ in volume.rounds(10, 500, share=0.5):
                crowd.start(server, faults=(500, 503, 507))  # the disk is gone under it
                time.sleep(chance.uniform(0.05, 0.6))
                own.cut()
                server.kill()
                crowd.stop()
                own.unmount()
                own.mount()
                server.start()
                crowd.check(server)
                cuts += 1
            crowd.check(server, everything=True)
            volume.report("R-03", journal=journal, cuts=cuts, **crowd.counts())
            assert crowd.steps > cuts, "hardly anything was pushed: this run proves nothing"
            server.stop()
        finally:
            server.kill()
