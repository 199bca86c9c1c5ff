"""Daemons and command lines of real clients, each in directories of its own and stopped by its process id."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from .images import run

DOCKER_CERTIFICATES = pathlib.Path("/etc/docker/certs.d")


def need(*programs):
    """The Debian programs that a test file needs; missing ones are a visible skip on a developer's machine only."""
    missing = [program for program in programs if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {' '.join(missing)} (see tests/packages.txt)", allow_module_level=True)
    assert not missing, f"not installed: {missing}"


@contextlib.contextmanager
def daemon(command, log_path, is_ready, seconds=60, env=None):
    """Runs a daemon until the block ends; it must be ready in time and end when told."""
    with open(log_path, "wb") as log:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=env)
    try:
        deadline = time.monotonic() + seconds
        while not is_ready():
            assert process.poll() is None, f"{command[0]} ended:\n{log_path.read_text()[-6000:]}"
            assert time.monotonic() < deadline, f"{command[0]} is not ready:\n{log_path.read_text()[-6000:]}"
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Docker:
    """Debian's Docker client against a Docker Engine of our own."""

    PROGRAM = "/usr/bin/docker"

    def __init__(self, socket, config):
        self.command = [self.PROGRAM, "--config", config, "-H", f"unix://{socket}"]

    def __call__(self, *arguments, **options):
        return run(*self.command, *arguments, **options)

    def fails(self, *arguments, stdin=""):
        done = subprocess.run([str(x) for x in (*self.command, *arguments)], input=stdin, capture_output=True,
                              text=True, timeout=60)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def login(self, host, user, password):
        done = subprocess.run([*map(str, self.command), "login", "-u", user, "--password-stdin", host],
                              input=password, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout


def is_answering(docker):
    done = subprocess.run([*map(str, docker.command), "version"], capture_output=True, timeout=30)
    return done.returncode == 0


@contextlib.contextmanager
def docker_engine(directory):
    """A Docker Engine with its own root, without networking: it only pushes and pulls here."""
    directory.mkdir()
    docker = Docker(directory / "sock", directory / "config")
    command = ["/usr/sbin/dockerd", "--iptables=false", "--bridge=none", "--ip-masq=false", "--ip-forward=false",
               "--data-root", directory / "root", "--exec-root", directory / "exec", "--storage-driver", "vfs",
               "--pidfile", directory / "pid", "-H", f"unix://{directory / 'sock'}"]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with daemon(command, directory / "log", lambda: is_answering(docker), env=environment):
        yield docker


@contextlib.contextmanager
def docker_trust(host, ca_file):
    """Makes Docker trust a CA for one host:port, in the only place where it looks."""
    made = [path for path in (DOCKER_CERTIFICATES.parent, DOCKER_CERTIFICATES) if not path.exists()]
    directory = DOCKER_CERTIFICATES / host
    directory.mkdir(parents=True)
    shutil.copy(ca_file, directory / "ca.crt")
    try:
        yield
    finally:
        shutil.rmtree(directory)
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir()


class ContainersTool:
    """podman, buildah or skopeo, with storage and credentials in a directory of its own."""

    def __init__(self, program, directory):
        directory.mkdir(exist_ok=True)
        self.run_directory = tempfile.TemporaryDirectory(prefix="assay-")  # podman takes 50 characters at most
        self.authfile = directory / "auth.json"
        self.authfile.write_text("{}")
        self.policy = directory / "policy.json"
        self.policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        self.registries = directory / "registries.conf"
        self.registries.write_text('unqualified-search-registries = []\n')
        storage = ["--root", directory / "storage", "--runroot", self.run_directory.name, "--storage-driver", "vfs"]
        self.command = [f"/usr/bin/{program}", *(storage if program != "skopeo" else ["--policy", self.policy])]
        if program == "podman":
            self.command += ["--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        if program == "buildah":
            self.command += ["--registries-conf", self.registries]
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(directory), "TMPDIR": str(directory),
                    "REGISTRY_AUTH_FILE": str(self.authfile), "CONTAINERS_REGISTRIES_CONF": str(self.registries)}

    def __call__(self, *arguments, **options):
        return run(*self.command, *arguments, env=self.env, **options)

    def json(self, *arguments):
        done = subprocess.run([str(x) for x in (*self.command, *arguments)], env=self.env, capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def bytes(self, *arguments):
        return subprocess.run([str(x) for x in (*self.command, *arguments)], env=self.env, capture_output=True,
                              timeout=120, check=True).stdout

    def fails(self, *arguments):
        done = subprocess.run([str(x) for x in (*self.command, *arguments)], env=self.env, capture_output=True,
                              text=True, timeout=120)
        assert done.returncode != 0, done.stdout
        return done.stderr + done.stdout

    def login(self, host, user, password, *options):
        return self("login", "--authfile", self.authfile, "-u", user, "-p", password, *options, host)

    def login_fails(self, host, user, password, *options):
        return self.fails("login", "--authfile", self.authfile, "-u", user, "-p", password, *options, host)
