"""A running server under strace: faults put into its system calls, and the record of what was synced before an answer."""

import contextlib
import re
import shutil
import signal
import subprocess
import time

import pytest

SYNCS = {"fsync", "fdatasync"}
CALLS = ("openat,openat2,write,pwrite64,ftruncate,rename,renameat,renameat2,mkdirat,mkdir,unlinkat,unlink,fsync,fdatasync,"
         "sendto,sendmsg,writev,sendfile")
# What may be lost: the probe; what SQLite rebuilds or what its log holds as well until it is synced.
NEVER_PROMISED = ("assay-probe", "assay.db-shm", "assay.db", "admin.sock")


@contextlib.contextmanager
def strace(server, *options, log):
    """Attaches strace to every thread of the server until the block ends."""
    if not shutil.which("strace"):
        pytest.skip("no strace (see tests/packages.txt)")
    command = ["strace", "-f", "-ttt", "-y", "-s", "32", "-o", str(log), *options, "-p", str(server.process.pid)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.readline().decode()
    if "attached" not in said:
        process.kill()
        process.wait()
        pytest.skip(f"strace cannot attach here: {said.strip()}")
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.stderr.close()
        process.wait(30)


LINE = re.compile(r"(\d+) +(\S+) (.*)")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
CALL = re.compile(r"(\w+)\((.*)")
PATH = re.compile(r"\d+<(/[^>]*)>")
NAMED = re.compile(r'(?:AT_FDCWD<[^>]*>|\d+<(/[^>]*)>), "([^"]*)"')


def events(log):
    """(thread, "begins" or "ends", call, text): a call that another thread interrupts begins and ends on two lines."""
    begun = {}
    for line in log.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if not match:
            continue
        thread, _, text = match.groups()
        if resumed := RESUMED.match(text):
            call, before = begun.pop(thread, (resumed[1], ""))
            yield thread, "ends", call, before + resumed[2]
        elif call := CALL.match(text):
            name, rest = call.groups()
            if rest.endswith("<unfinished ...>"):
                begun[thread] = (name, rest.removesuffix("<unfinished ...>"))
                yield thread, "begins", name, rest
            else:
                yield thread, "begins", name, rest
                yield thread, "ends", name, rest


class Recorder:
    """Which files have bytes, and which folders names, that are not synced; judged at each answer of success."""

    def __init__(self, data):
        self.data, self.dirty, self.answers, self.wrong, self.keepers = str(data), {}, 0, [], set()

    def soil(self, path, thread):
        if f"{path}/".startswith(f"{self.data}/") and path.rsplit("/", 1)[-1] not in NEVER_PROMISED:
            self.dirty[path] = thread

    def named(self, text):
        return [f"{folder or ''}/{name}" if not name.startswith("/") else name for folder, name in NAMED.findall(text)]

    def begins(self, thread, call, text):
        path = PATH.match(text)
        if call in ("write", "pwrite64", "ftruncate") and path:
            if path[1].endswith("/assay-probe"):
                self.keepers.add(thread)  # the thread of the periodic duties, for which nobody waits
            self.soil(path[1], thread)
        if call in ("sendto", "sendmsg", "writev", "write") and re.search(r'"HTTP/1\.1 20[0-9] ', text):
            self.answers += 1
            late = sorted(path for path, who in self.dirty.items() if who not in self.keepers)
            if late:
                self.wrong.append(f"answer {self.answers} before {late} was synced")
                self.dirty.clear()

    def ends(self, thread, call, text):
        failed = re.search(r"\) += -1 ", text)
        if failed:
            return
        if call in SYNCS and "(INJECTED)" not in text:
            self.dirty.pop(PATH.match(text)[1], None)
        if call.startswith("open") and "O_CREAT" in text and "O_EXCL" in text:
            self.soil(self.named(text)[0].rsplit("/", 1)[0], thread)
        if call.startswith("mkdir") or call.startswith("unlink"):
            if not self.named(text)[0].endswith(NEVER_PROMISED):
                self.soil(self.named(text)[0].rsplit("/", 1)[0], thread)
        if call.startswith("rename"):
            old, new = self.named(text)
            if old in self.dirty:
                self.dirty[new] = self.dirty.pop(old)
            for path in (old, new):
                self.soil(path.rsplit("/", 1)[0], thread)

    def read(self, log):
        for thread, when, call, text in events(log):
            getattr(self, when)(thread, call, text)
        return self
