"""A file system of a test's own on a loop device: to be cut off, filled, remounted, unmounted."""

import contextlib
import ctypes
import fcntl
import os
import subprocess

import pytest

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)


class Disk:
    """An ext4 in a file, mounted at a directory; `journal` is ordered or writeback."""

    def __init__(self, directory, megabytes=256, journal="ordered", make_options=()):
        self.image, self.path = directory / "disk.img", directory / "mnt"
        self.options = f"loop,data={journal}"
        self.path.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(megabytes << 20)
        made = run("/sbin/mkfs.ext4", "-q", "-F", "-m", "0", *make_options, self.image)
        assert made.returncode == 0, made.stderr
        self.mount()

    def mount(self, *options):
        done = run("mount", "-o", ",".join([self.options, *options]), self.image, self.path)
        if done.returncode != 0:
            pytest.skip(f"no loop device can be mounted here: {done.stderr.strip()}")
        self.path.chmod(0o700)

    def freeze(self):
        """Read-only, as ext4 makes itself after an error, whatever is open."""
        done = run("mount", "-o", "remount,abort", self.path)
        assert done.returncode == 0, done.stderr

    def is_nearly_full(self):
        space = os.statvfs(self.path)
        return space.f_bavail * space.f_frsize < 12 << 20

    def unmount(self, lazily=False):
        done = run("umount", *(["-l"] if lazily else []), self.path)
        assert done.returncode == 0, done.stderr

    def cut(self):
        """As a power cut: what was not synced is gone, the journal's unwritten part too. Then it is mounted again."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, ctypes.c_uint32(NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def fill(self, leave=0):
        """Takes all room but `leave` bytes, in a file that `empty` removes."""
        space = os.statvfs(self.path)
        size = space.f_bavail * space.f_frsize - leave
        with open(self.path / "ballast", "ab") as ballast, contextlib.suppress(OSError):
            os.posix_fallocate(ballast.fileno(), 0, max(size, 0))
        if leave == 0:
            with open(self.path / "ballast2", "ab", buffering=0) as rest, contextlib.suppress(OSError):
                while True:
                    rest.write(b"\0" * 4096)

    def empty(self):
        for name in ("ballast", "ballast2"):
            (self.path / name).unlink(missing_ok=True)


@contextlib.contextmanager
def disk(directory, **options):
    if os.geteuid() != 0:
        pytest.skip("a file system of our own needs root")
    directory.mkdir(exist_ok=True)
    made = Disk(directory, **options)
    try:
        yield made
    finally:
        run("umount", "-l", made.path)
        made.image.unlink()
