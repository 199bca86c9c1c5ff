"""The release before this one, built from this repository's own history.

`tests/upgrade/previous` holds the subject of the commit that ended it: a subject stays what it is when history is
rewritten, and hashes do not. The tree is built once, without tests, into build-previous/<tree>.
"""

import pathlib
import subprocess

import pytest

from harness.server import REPOSITORY, environment

PREVIOUS = REPOSITORY / "tests/upgrade/previous"
BUILD_SECONDS = 900


def git(*arguments):
    done = subprocess.run(["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def find_commit(subject):
    """The newest commit of that name, or None."""
    for line in git("log", "--format=%H %s").splitlines():
        commit, _, found = line.partition(" ")
        if found == subject:
            return commit
    return None


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=BUILD_SECONDS, **options)
    assert done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr).decode(errors='replace')[-4000:]}"
    return done.stdout


def build(tree, folder):
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    run("tar", "-x", "-C", source, input=subprocess.run(
        ["git", "-C", str(REPOSITORY), "archive", tree], capture_output=True, check=True).stdout)
    run(source / "tools/build", folder / "build", "-Dwerror=false", "-Dtests=false", env=environment())


def previous_program():
    """The path of its `assay`; skips where the history does not reach back so far."""
    subject = PREVIOUS.read_text(encoding="utf-8").strip()
    commit = find_commit(subject)
    if commit is None:
        pytest.skip(f"the release before is not in this clone's history (\"{subject}\"): fetch all of it")
    tree = git("rev-parse", f"{commit}^{{tree}}").strip()
    folder = pathlib.Path(REPOSITORY) / "build-previous" / tree[:12]
    program = folder / "build/assay"
    if not program.exists():
        build(tree, folder)
    return program
