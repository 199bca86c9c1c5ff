"""docs/security.md, "Limits", says what the source says: every row's constant has that value, every server limit a row."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "s": 1_000_000}
ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<number>[\d,]+) ?(?P<unit>KiB|MiB|s|) \|[^|]*\| "
                 r"`(?P<file>[^`]+)` `(?P<constant>\w+)` \|$", re.M)


def limits_section():
    return (ROOT / "docs/security.md").read_text().split("## Limits\n", 1)[1].split("\n## ", 1)[0]


ROWS = [match.groupdict() for match in ROW.finditer(limits_section())]


def value_in_source(file, constant):
    """The value of `constant = expression` (an enumerator or a member of a table), products of numbers only."""
    text = (ROOT / file).read_text()
    found = re.search(rf"[.\s{{]{constant}\s*=\s*([\d\s*()]+?)\s*[,;}}/]", text)
    assert found, f"{file} has no {constant}"
    return eval(found[1])  # pylint: disable=eval-used  digits, blanks, stars and parentheses, as matched


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["constant"])
def test_the_row_says_what_the_source_says(row):
    told = int(row["number"].replace(",", "")) * UNITS[row["unit"]]
    assert value_in_source(row["file"], row["constant"]) == told, row["what"]


def test_every_line_of_the_table_was_understood():
    lines = [line for line in limits_section().splitlines() if line.startswith("| ") and "constant" not in line]
    assert len(lines) == len(ROWS)


def test_every_limit_of_the_server_is_listed():
    """A field more in struct http_limits is a row more here."""
    struct = (ROOT / "src/http/server.h").read_text().split("struct http_limits {", 1)[1].split("};", 1)[0]
    fields = set(re.findall(r"(?:size_t|int64_t)\s+(\w+);", struct))
    assert len(fields) > 10
    assert fields <= {row["constant"] for row in ROWS if row["file"] == "src/http/server.c"}


@pytest.mark.parametrize("header", ["src/oci/manifest.h", "src/oci/name.h", "src/work/work.h"])
def test_every_maximum_of_the_nouns_is_listed(header):
    text = (ROOT / header).read_text()
    names = set(re.findall(r"\b((?:OCI|WORK)_(?:\w+_MAX|TAGS_A_PUSH|UPLOADS_OPEN|REFERRERS_SIZE))\s*=\s*\d", text))
    assert names and names <= {row["constant"] for row in ROWS}
