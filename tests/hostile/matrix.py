"""The table of the matrix B-23 (matrix.txt), read."""

import collections
import pathlib

Class = collections.namedtuple("Class", "kind answers")
Route = collections.namedtuple("Route", "name kind answers ends")

TABLE = pathlib.Path(__file__).with_name("matrix.txt")


def read(text=None):
    """{name: Route}; answers is {column: letter}, ends says that calls that are let in are not made."""
    columns, classes, routes, kind = {}, {}, {}, None
    for number, line in enumerate((text or TABLE.read_text()).splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        what, name, *rest = words
        assert what in ("columns", "class", "route"), f"line {number}: {what}?"
        if what == "columns":
            kind, columns[name] = name, rest
        elif what == "class":
            assert name not in classes and len(rest) == len(columns[kind]), f"line {number}"
            classes[name] = Class(kind, dict(zip(columns[kind], rest)))
        else:
            assert name not in routes and rest[1:] in ([], ["!"]), f"line {number}"
            routes[name] = Route(name, *classes[rest[0]], rest[1:] == ["!"])
    return routes
