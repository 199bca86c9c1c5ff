"""PostgreSQL for the tests: one cluster a session (tests/pg_cluster), a database of its own for each server."""

import itertools
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import zlib

import pytest

from harness import canary
from harness.server import REPOSITORY

SCRIPT = REPOSITORY / "tests" / "pg_cluster"
MISSING = 77
ENGINES = ("sqlite", "postgres")


def engines_of(name):
    """The engines that a case runs on: ASSAY_TEST_ENGINE says (sqlite, postgres, both), else its number does."""
    asked = os.environ.get("ASSAY_TEST_ENGINE", "")
    if asked == "both":
        return list(ENGINES)
    return [asked] if asked in ENGINES else [ENGINES[zlib.crc32(name.encode()) % len(ENGINES)]]


class Cluster:
    """Starts with the first database that is asked for, ends with `stop` or with this process."""

    def __init__(self):
        self.directory = None
        self.numbers = itertools.count(1)

    def script(self, *arguments):
        done = subprocess.run([SCRIPT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, check=False)
        if done.returncode == MISSING and "CI" not in os.environ:
            pytest.skip("PostgreSQL is missing")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self):
        if self.directory is None:
            # A path of a socket is short.
            self.directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-pg-", dir="/tmp"))
            self.script("start", self.directory, os.getpid())
            self.sql("CREATE ROLE registry LOGIN")
        return self

    def new_standby(self):
        """Another one that streams from this one, and without which this one acknowledges no commit from now on."""
        other = Cluster()
        other.directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-pg-", dir="/tmp"))
        other.script("standby", other.directory, os.getpid(), self.directory)
        self.set("synchronous_standby_names", "'*'")
        state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
        deadline = time.monotonic() + 30
        while self.sql(state) != [["1"]]:
            assert time.monotonic() < deadline, "the standby does not become synchronous"
            time.sleep(0.05)
        return other

    def promote(self):
        """The standby takes over, alone: it waits for nobody."""
        self.script("promote", self.directory)
        self.set("synchronous_standby_names", "''")

    def set(self, name, value):
        self.sql(f"ALTER SYSTEM SET {name} = {value}")
        self.sql("SELECT pg_reload_conf()")

    def stop(self):
        if self.directory is None:
            return
        try:
            canary.check_cluster(self.directory)
        finally:
            self.script("stop", self.directory)
            self.directory = None

    def sql(self, text, database="postgres"):
        """Runs SQL as the superuser; rows as lists of text."""
        self.start()
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.directory,
                               "-U", "assay", "-d", database, "-c", text],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def new_database(self):
        """The name of an empty database."""
        name = f"t{next(self.numbers)}"
        self.sql(f"CREATE DATABASE {name} OWNER registry TEMPLATE template0")
        return name

    def url(self, database, host=None, port=None):
        self.start()
        if port is not None:
            return f"postgresql://registry@{host or '127.0.0.1'}:{port}/{database}"
        return f"postgresql://registry@/{database}?host={self.directory}"

    def socket(self):
        """The server's socket, for a proxy of a test's own."""
        self.start()
        return str(self.directory / ".s.PGSQL.5432")

    def postmaster(self):
        return int((self.directory / "data" / "postmaster.pid").read_text().split()[0])

    def backends(self, database):
        """Process ids of the connections of a database."""
        return [int(row[0]) for row in self.sql(f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}'")]

    def kill(self, number=signal.SIGKILL):
        """The postmaster, and with it everything."""
        os.kill(self.postmaster(), number)

    def run(self):
        """The server again, after it was killed; what is left of it may take a moment to end."""
        for attempt in range(20):
            try:
                self.script("run", self.directory)
                return
            except AssertionError:
                if attempt == 19:
                    raise
                time.sleep(0.5)
