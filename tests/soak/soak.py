#!/usr/bin/python3
"""soak.py: the repeated tests at nightly volume, as much of it as fits into the time given.

Each row of the table below is a part of the test programme. It gets a share of the time by its weight, the minutes
that its nightly volume takes on two cores, and ends sooner when the volume is done. A row is run by pytest on test files
that take their rounds from tests/e2e/harness/volume.py, or is a program of its own; either prints `volume ROW name=count
… seed=N` lines, which are shown, and a failure shows the whole output. ONLY='R-01 steady' picks rows, ASSAY_SEED repeats
a run.

To add a row: a line in ROWS, and in the test `for n in volume.rounds(COMMIT, NIGHTLY)` with `volume.report(ROW, …)`.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRACE_SECONDS = 600  # what a row may take beyond its share: it ends the round that it is in, and checks

Row = collections.namedtuple('Row', 'id what weight run')

# run: arguments of pytest, or the path of a program that takes --assay and --seconds.
ROWS = [
    Row('R-01',   'kill -9 under mixed pushers',           40, 'tests/crash/test_kill9.py'),
    Row('R-02',   'kill -9 at every failpoint',            15, 'tests/crash/test_failpoints.py'),
    Row('R-03',   'power cuts; no answer before its syncs',  25, 'tests/crash/test_powercut.py tests/crash/test_recorder.py'),
    Row('R-04',   'system calls that fail',               90, 'tests/crash/test_syscalls.py'),
    Row('R-05',   'full, read-only and missing disks',     10, 'tests/crash/test_disk.py'),
    Row('R-06',   'memory: bounded, and what its end is',  20, 'tests/crash/test_memory.py'),
    Row('R-07',   'PostgreSQL killed, commits cut',        60, 'tests/crash/test_postgres.py'),
    Row('MN',     'three nodes: lost answers, moved tags, chaos', 60, 'tests/crash/test_nodes.py'),
    Row('R-11',   'mutated raw requests',                  60, 'tests/hostile/test_r11_mutated.py'),
    Row('A-11',   'timing of refusals',                    10, 'tests/hostile/test_a11_timing.py'),
    Row('R-15',   'upgrade and back under traffic',        10, 'tests/upgrade/test_upgrade.py -k traffic'),
    Row('R-17',   'edge metadata moved there and back',    10, 'tests/e2e/test_migrate.py -k edge_metadata'),
    Row('R-10',   'collection: races, points, crashes, clocks', 45, 'tests/crash/test_collection.py tests/crash/test_collection_points.py'),
    Row('races',  'races, 20,000 rounds of each',          60, 'tests/hostile/test_i_races.py'),
    Row('R-18',   'silent corruption',                     10, 'tests/crash/test_corruption.py'),
    Row('webhooks', 'kill -9 with receivers attached',     20, 'tests/crash/test_webhook_kills.py'),
    Row('steady', 'steady mixed load, watched for growth', 10, 'tests/soak/steady.py'),
]


def command(row, options, seconds):
    if '/test_' in row.run:
        return ['/usr/bin/python3', '-m', 'pytest', '-q', '-s', '-x', '-ra', '--no-header', '-p', 'no:cacheprovider',
                *row.run.split()]
    return ['/usr/bin/python3', row.run, '--assay', options.assay, '--seconds', str(seconds)]


def run(row, options, seconds, seed):
    """Runs one row; returns its exit status and what it said."""
    environment = {**os.environ, 'ASSAY_BIN': options.assay, 'ASSAY_SOAK_SECONDS': str(seconds), 'ASSAY_SEED': str(seed),
                   'PYTHONDONTWRITEBYTECODE': '1'}
    process = subprocess.Popen(command(row, options, seconds), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=2 * seconds + GRACE_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--assay', default='build/assay')
    parser.add_argument('--seconds', type=int, default=300)
    options = parser.parse_args()
    options.assay = str(pathlib.Path(options.assay).resolve())

    chosen = os.environ.get('ONLY', '').split()
    rows = [row for row in ROWS if not chosen or row.id in chosen]
    seed = int(os.environ.get('ASSAY_SEED') or random.SystemRandom().randrange(2**32))
    until, failed = time.monotonic() + options.seconds, []
    for at, row in enumerate(rows):
        # What the rows before did not use is for those after them.
        left = max(1.0, until - time.monotonic())
        seconds = max(1, int(left * row.weight / sum(later.weight for later in rows[at:])))
        print(f'== {row.id} {row.what}: up to {seconds} s', flush=True)
        begun = time.monotonic()
        status, said = run(row, options, seconds, seed)
        took = time.monotonic() - begun
        for line in re.findall(r'^(?:volume .*|SKIPPED .*)$', said, re.M):
            print(f'  {line}')
        print(f'  {"passed" if status == 0 else "FAILED"} in {took:.0f} s', flush=True)
        if status != 0:
            failed.append(row.id)
            print(said[-20000:], flush=True)
    sys.exit(f'failed: {" ".join(failed)}, ASSAY_SEED={seed}' if failed else 0)


if __name__ == '__main__':
    main()
