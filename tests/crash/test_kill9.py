"""R-01, kill -9 in a loop: what was acknowledged is there with the right bytes, what is visible is whole.

In each round eight mixed pushers work on one server until it is killed at a random moment. After the restart everything
new, and a sample of the old, is checked against what was acknowledged; at the end all of it.
"""

import time

from harness import volume
from harness.server import Server

from workload import Crowd


@volume.limit(300)
def test_nothing_acknowledged_is_lost(tmp_path):
    chance = volume.chance("kill9")
    server = Server(tmp_path / "data").start()
    crowd, restarts = Crowd(chance), []
    try:
        for _ in volume.rounds(20, 1000):
            crowd.start(server)
            time.sleep(chance.uniform(0.05, 1.5))
            server.kill()
            crowd.stop()
            begun = time.monotonic()
            server.start()
            restarts.append(time.monotonic() - begun)
            crowd.check(server)
        crowd.check(server, everything=True)
        volume.report("R-01", kills=len(restarts), **crowd.counts(), slowest_restart=max(restarts))
        assert crowd.steps > len(restarts), "hardly anything was pushed: this run proves nothing"
        server.stop()
    finally:
        server.kill()
