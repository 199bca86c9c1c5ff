"""The upgrade tests share the harness of the end-to-end tests and the pushers of the crash tests."""

import pathlib
import sys

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS / "crash")]
