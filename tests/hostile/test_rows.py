"""Every row of the attack tables is covered by a case or waits for something that is named."""

import pathlib
import re

import pytest

import rows

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared" / "hostile.md"


@pytest.mark.parametrize("row", rows.ROWS)
def test_row_is_covered_or_waits(row):
    assert rows.cases_of(row) or rows.ELSEWHERE.get(row) or len(rows.NOT_YET.get(row, "")) > 5


def test_no_row_is_unknown():
    named = {match.replace("_", "-") for name in rows.case_names("hostile")
             for match in re.findall(r"(?<=_)[ABCEFGHI]_\d\d(?=_)", name)}
    assert named | rows.ELSEWHERE.keys() | rows.NOT_YET.keys() <= set(rows.ROWS)


def test_cases_elsewhere_are_there():
    there = rows.case_names("e2e") | rows.case_names("crash")
    assert {name for names in rows.ELSEWHERE.values() for name in names} <= there


@pytest.mark.skipif(not SHARED.exists(), reason="the tables themselves are not on this machine")
def test_the_list_of_rows_is_that_of_the_tables():
    listed = re.findall(r"^\| ([ABCEFGHI]-\d\d) \|", SHARED.read_text(), re.M)
    assert sorted(set(listed)) == sorted(rows.ROWS)
