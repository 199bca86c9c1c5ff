"""The server under test: started, waited for, stopped by its process id, and its log judged."""

import json
import os
import pathlib
import re
import select
import signal
import socket
import stat
import subprocess
import threading
import time

from . import canary

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
ADMIN_PASSWORD = "correct horse Battery 9 staple"
START_SECONDS = 30
STOP_SECONDS = 30

SANITIZER_REPORT = re.compile(
    r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|MemorySanitizer|UndefinedBehaviorSanitizer"
    r"|runtime error:|Assertion .* failed|stack smashing detected|double free|corrupted size)"
)
READY_PART = re.compile(r"(\w+)=(\S*)")


class ServerDied(AssertionError):
    """The process under test ended when it should not have."""


def binary():
    return pathlib.Path(os.environ.get("ASSAY_BIN", REPOSITORY / "build" / "assay")).absolute()


def parse_address(text):
    """'127.0.0.1:80' or '[::1]:80' to (host, port)."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def environment(extra=None):
    """What a process under test sees: nothing of ours but the sanitizers' options."""
    kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    kept.update({"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"})
    return kept | (extra or {})


def wait_for(condition, seconds=30):
    """Asks again and again until the condition holds; what it gives is given back."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def run_assay(*arguments, env=None, timeout=30, cwd=None, stdin=""):
    """Runs one short command of the program and returns the finished process."""
    done = subprocess.run(
        [str(binary()), *map(str, arguments)],
        env=environment(env), cwd=cwd, timeout=timeout, capture_output=True, text=True, input=stdin,
    )
    assert not SANITIZER_REPORT.search(done.stderr), done.stderr
    return done


class Server:
    """One `assay serve` on one data directory; may be started again after it stopped."""

    running = []

    def __init__(self, data, *arguments, http="127.0.0.1:0", https=None, password=ADMIN_PASSWORD, env=None,
                 program=None):
        self.data = pathlib.Path(data)
        self.log_path = self.data.with_name(self.data.name + ".log")
        self.arguments = ["--data", str(self.data)]
        for address in [http] if isinstance(http, str) else http or []:
            self.arguments += ["--http", address]
        if https:
            self.arguments += ["--https", https]
        self.arguments += list(map(str, arguments))
        # For commands beside or after it that must find the same database.
        self.database = self.arguments[-2:] if "--database" in self.arguments[-2:] else []
        self.password = password
        self.program = program  # another build than the one under test
        self.env = {"ASSAY_LOG_LEVEL": "debug"} | dict(env or {})  # the more is logged the more could be told (G-10)
        if password is not None:
            canary.used("admin", password)
            self.env.setdefault("ASSAY_ADMIN_PASSWORD", password)
        self.process = None
        self.output = ""
        self.ready = {}

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    def start(self):
        assert self.process is None, "this server runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(self.program or binary()), "serve", *self.arguments],
                env=environment(self.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )
        Server.running.append(self)
        self.output = ""
        self.wait_until_ready()
        threading.Thread(target=self.drain_output, args=(self.process.stdout,), daemon=True).start()
        return self

    def wait_until_ready(self):
        """Reads standard output up to the readiness line; remembers every field of it."""
        fd = self.process.stdout.fileno()
        deadline = time.monotonic() + START_SECONDS
        while True:
            line = next((x for x in self.output.splitlines(True) if x.startswith("ready ") and x.endswith("\n")), None)
            if line:
                break
            left = deadline - time.monotonic()
            chunk = os.read(fd, 65536) if left > 0 and select.select([fd], [], [], left)[0] else None
            if not chunk:
                self.kill()
                raise ServerDied(f"no readiness line; output {self.output!r}, log:\n{self.log()}")
            self.output += chunk.decode(errors="replace")
        self.ready = {}
        for name, value in READY_PART.findall(line):
            self.ready.setdefault(name, []).extend(value.split(","))

    def drain_output(self, pipe):
        for line in pipe:
            self.output += line.decode(errors="replace")

    def addresses(self, scheme="http"):
        found = [x for x in self.ready.get(scheme, []) if ":" in x]
        assert found, f"the readiness line names no {scheme} address: {self.ready}"
        return [parse_address(x) for x in found]

    def address(self, scheme="http"):
        return self.addresses(scheme)[0]

    def netloc(self, scheme="http"):
        host, port = self.address(scheme)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def url(self, scheme="http"):
        return f"{scheme}://{self.netloc(scheme)}"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_for_log(self, text):
        """Lines of requests are written together, a moment after the answers."""
        deadline = time.monotonic() + START_SECONDS
        while text not in self.log():
            assert time.monotonic() < deadline, f"{text!r} does not come into the log:\n{self.log()[-4000:]}"
            time.sleep(0.02)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self, number=signal.SIGTERM):
        """Asks the server to end, and insists on exit code 0 and a clean log."""
        if not self.is_running():
            raise ServerDied(f"the server ended by itself; log:\n{self.log()[-8000:]}")
        self.send_signal(number)
        code = self.wait(STOP_SECONDS)
        assert code == 0, f"exit code {code} after SIGTERM; log:\n{self.log()[-8000:]}"
        self.check_log()
        canary.check(self)

    def kill(self):
        """kill -9, for crash tests and for cleaning up after a failed test."""
        if self.is_running():
            self.send_signal(signal.SIGKILL)
        if self.process:
            self.wait(STOP_SECONDS)

    def wait(self, seconds):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"the server did not end in {seconds} s; log:\n{self.log()[-8000:]}") from None
        finally:
            if self in Server.running:
                Server.running.remove(self)
            if self.process.poll() is not None:
                self.process = None
        return code

    def restart(self):
        self.stop()
        return self.start()

    def check_alive(self):
        if not self.is_running():
            raise ServerDied(f"the server died; log:\n{self.log()[-8000:]}")
        self.check_log()

    def check_log(self):
        log = self.log()
        assert not SANITIZER_REPORT.search(log), f"a sanitizer spoke:\n{log[-12000:]}"
        assert not self.password or self.password not in log, "the admin's password is in the log"

    def admin(self, *arguments, stdin=""):
        """`assay admin …` beside the running server."""
        done = run_assay("admin", *arguments, "--data", self.data, *self.database, stdin=stdin)
        assert done.returncode == 0, f"assay admin {arguments}: {done.returncode}: {done.stderr}"
        return done

    def ask(self, verb, *arguments):
        """The same over the socket that the command uses, without a process: for tests that ask thousands of times."""
        folder = os.open(self.data, os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(30)
                asking.connect(f"/proc/self/fd/{folder}/admin.sock")
                asking.sendall(json.dumps({"verb": verb, "args": list(arguments)}).encode() + b"\n")
                with asking.makefile() as answer:
                    said = json.loads(answer.readline())
        finally:
            os.close(folder)
        assert said["exit"] == 0, (verb, arguments, said)

    def generated_password(self):
        path = self.data / "admin-password"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return path.read_text().strip()
