"""How much of a repeated test is run: its commit volume in `make test`, a share of the time in `make soak`.

A test asks `rounds(commit, nightly)` for its rounds and calls `report` at its end; the line that this prints is what
`make soak` collects. `ASSAY_SEED` repeats a run; without it a seed is drawn, and printed either way.
"""

import os
import random
import time

import pytest

SOAK_SECONDS = float(os.environ.get("ASSAY_SOAK_SECONDS", "0"))
SEED = int(os.environ.get("ASSAY_SEED") or random.SystemRandom().randrange(2**32))


def is_soak():
    return SOAK_SECONDS > 0


def chance(*about):
    """A source of randomness of its own for each purpose, all from the one seed."""
    return random.Random(":".join(map(str, (SEED, *about))))


def rounds(commit, nightly, share=1.0):
    """Numbers of rounds: `commit` of them, or in a soak as many up to `nightly` as fit into this test's share of the
    time, at least one."""
    until = time.monotonic() + SOAK_SECONDS * share
    for number in range(nightly if is_soak() else commit):
        if is_soak() and number > 0 and time.monotonic() >= until:
            return
        yield number


def limit(seconds):
    """The mark for a test's own time limit, beyond its share of a soak."""
    return pytest.mark.timeout(seconds + 2 * SOAK_SECONDS)


def report(row, **counts):
    """One line of what was done, under the row of the test programme that it belongs to."""
    said = " ".join(f"{name}={value:.2f}" if isinstance(value, float) else f"{name}={value}"
                    for name, value in counts.items())
    print(f"\nvolume {row} {said} seed={SEED}", flush=True)
