"""Programs from PyPI that the tests use (tests/requirements.txt), in a Python environment of their own, kept between runs."""

import fcntl
import hashlib
import shutil
import subprocess

import pytest

from .server import REPOSITORY

LIST = REPOSITORY / "tests" / "requirements.txt"
SECONDS = 600


def install(directory):
    """An error's text, or nothing when the environment is whole."""
    shutil.rmtree(directory, ignore_errors=True)
    for command in (["/usr/bin/python3", "-m", "venv", directory],
                    [directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", LIST]):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=SECONDS)
        if done.returncode != 0:
            return done.stdout + done.stderr
    (directory / "whole").touch()
    return ""


def program(name):
    """The path of a program. Where PyPI cannot be reached it is a visible skip."""
    folder = REPOSITORY / "build"
    folder.mkdir(exist_ok=True)
    directory = folder / ("python-" + hashlib.sha256(LIST.read_bytes()).hexdigest()[:8])
    with open(folder / "python.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        error = "" if (directory / "whole").exists() else install(directory)
    if error:
        pytest.skip(f"not installed from PyPI: {error[-300:]}")
    return directory / "bin" / name
