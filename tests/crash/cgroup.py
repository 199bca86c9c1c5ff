"""A memory cgroup of a test's own (version 1 or 2): processes started in it share so many bytes, page cache included."""

import contextlib
import itertools
import os
import pathlib
import shlex
import time

import pytest

from harness.server import binary

ROOTS = (pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup"))
NUMBERS = itertools.count(1)


class MemoryGroup:
    def __init__(self, path):
        self.path = path
        self.is_v1 = (path / "memory.limit_in_bytes").exists()

    def limit(self, size):
        """What cannot be given back at once may make this fail; then the limit stays as it was. True: it is set."""
        try:
            (self.path / ("memory.limit_in_bytes" if self.is_v1 else "memory.max")).write_text(str(size))
        except OSError:
            return False
        return True

    def kills(self):
        """Processes of the group that the kernel has ended for want of memory."""
        lines = (self.path / ("memory.oom_control" if self.is_v1 else "memory.events")).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def anonymous(self):
        """Bytes that are in use and no page cache."""
        name = "rss" if self.is_v1 else "anon"
        lines = (self.path / "memory.stat").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.split()[0] == name)

    def program(self, folder):
        """The server's program, in the group from its first byte on."""
        script = folder / f"in-{self.path.name}"
        script.write_text(f"#!/bin/sh\necho $$ >{shlex.quote(str(self.path / 'cgroup.procs'))} &&"
                          f" exec {shlex.quote(str(binary()))} \"$@\"\n")
        script.chmod(0o755)
        return script


def can_limit(path):
    return (path / "memory.limit_in_bytes").exists() or (path / "memory.max").exists()


class NoGroup:
    """In its place where none can be made, for tests that promise something without it as well."""

    def limit(self, _):
        return True

    def kills(self):
        return 0

    def program(self, _):
        return binary()


@contextlib.contextmanager
def memory_group(is_needed=True):
    for root in ROOTS:
        path = root / f"assay-test-{os.getpid()}-{next(NUMBERS)}"
        with contextlib.suppress(OSError):
            path.mkdir()
        if path.is_dir() and can_limit(path):
            break
        with contextlib.suppress(OSError):
            path.rmdir()
    else:
        if is_needed:
            pytest.skip("no memory cgroup can be made here")
        yield NoGroup()
        return
    try:
        yield MemoryGroup(path)
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                path.rmdir()
                break
            time.sleep(0.05)
