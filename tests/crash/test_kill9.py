"""R-01, kill -9 in a loop: what was acknowledged is there with the right bytes, what is visible is whole.

In each round eight mixed pushers work on one server until it is killed at a random moment. After the restart everything
new, and a sample of the old, is checked against what was acknowledged; at the end all of it.
"""

import time

import pytest

from harness import volume
from harness.postgres import Cluster
from harness.server import Server

from workload import Crowd

# Of the kills in a soak each engine gets its share of the time.
ENGINES = {"sqlite": (16, 1000, 0.7), "postgres": (6, 200, 0.3)}


@pytest.fixture
def cluster():
    own = Cluster()
    yield own
    own.stop()


@volume.limit(300)
@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_acknowledged_is_lost(engine, cluster, tmp_path):
    chance = volume.chance("kill9", engine)
    arguments = ["--database", cluster.url(cluster.new_database())] if engine == "postgres" else []
    server = Server(tmp_path / "data", *arguments).start()
    crowd, restarts = Crowd(chance), []
    commit, nightly, share = ENGINES[engine]
    try:
        for _ in volume.rounds(commit, nightly, share):
            crowd.start(server)
            time.sleep(chance.uniform(0.05, 1.5))
            server.kill()
            crowd.stop()
            begun = time.monotonic()
            server.start()
            restarts.append(time.monotonic() - begun)
            crowd.check(server)
        crowd.check(server, everything=True)
        volume.report("R-01", engine=engine, kills=len(restarts), **crowd.counts(), slowest_restart=max(restarts))
        assert crowd.steps > len(restarts), "hardly anything was pushed: this run proves nothing"
        server.stop()
    finally:
        server.kill()
