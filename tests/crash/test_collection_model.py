"""GC-15: the model of collection.pml, looked at by spin in every interleaving: as it is built nothing is lost; judging in one
statement, or using a key twice, loses something, and spin must find that."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import volume

MODEL = pathlib.Path(__file__).with_name("collection.pml")


def look(folder, *variant):
    """(what broke or None, number of states)"""
    def run(*command):
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=True).stdout
    run("spin", *variant, "-a", MODEL)
    run("cc", "-O2", "-w", "-DSAFETY", "-DMEMLIM=1024", "-o", "pan", "pan.c")
    said = run("./pan", "-m100000")
    assert "Search not completed" not in said or "errors: 0" not in said, said
    broken = re.search(r"assertion violated (.*) \(at depth", said)
    assert (broken is None) == ("errors: 0" in said), said
    return broken and broken[1], int(re.search(r"(\d+) states, stored", said)[1])


def test_nothing_is_lost_in_any_interleaving(tmp_path):
    if not shutil.which("spin"):
        assert "CI" not in os.environ, "spin is missing"
        pytest.skip("spin is missing")
    broken, states = look(tmp_path)
    assert broken is None
    for variant in ("-DONE_STATEMENT", "-DREUSE"):
        assert look(tmp_path, variant)[0] is not None, f"{variant}: the model does not see what it is for"
    volume.report("GC-15", states=states, violations=0, unsafe_variants_seen=2)
