#!/usr/bin/python3
"""embed_sql.py OUT FILE...: writes db_migrations (src/db/migrate.h) from the files of sql/migrations.

  NNNN-name.sql          for both engines, with the words of WORDS in braces (sql/README.md)
  NNNN-name.sqlite.sql   instead of it for SQLite
  NNNN-name.pg.sql       instead of it for PostgreSQL
  NNNN-name.ENGINE.sql   both, and no NNNN-name.sql, where nothing is shared

The first line of each says the oldest program schema that can still use the result: `-- schema-min: N`.
"""
import pathlib
import re
import sys

WORDS = {
    'id':        ('INTEGER PRIMARY KEY AUTOINCREMENT', 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY'),
    'int':       ('INTEGER', 'BIGINT'),
    'text':      ('TEXT', 'TEXT COLLATE "C"'),
    'bytes':     ('BLOB', 'BYTEA'),
    'xid':       ('INTEGER NOT NULL DEFAULT 0', 'XID8 NOT NULL DEFAULT pg_current_xact_id()'),
    'rows':      (' STRICT', ''),
    'clustered': (' STRICT, WITHOUT ROWID', ''),
}
ENGINES = ('sqlite', 'pg')
NAME = re.compile(r'(\d{4})-([\w-]+?)(?:\.(sqlite|pg))?\.sql$')
SCHEMA_MIN = re.compile(r'-- schema-min: (\d+)\n')

HEAD = """/* Written by tools/embed_sql.py from sql/migrations. */
#include "db/migrate.h"

const struct db_migration db_migrations[] = {
"""


def wrong(path, what):
    sys.exit(f'{path}: {what}')


def translate(path, text, engine):
    def word(match):
        if match.group(1) not in WORDS:
            wrong(path, f'{match.group()} is no word of {", ".join(WORDS)}')
        return WORDS[match.group(1)][ENGINES.index(engine)]
    return re.sub(r'\{(\w+)\}', word, text)


def literal(text):
    """A C string, a line a line."""
    lines = [line.replace('\\', '\\\\').replace('"', '\\"') for line in text.splitlines()]
    return '\n'.join(f'        "{line}\\n"' for line in lines)


def read(names):
    """{number: {'name', engine: text}}"""
    found = {}
    for path in map(pathlib.Path, sorted(names)):
        match = NAME.match(path.name)
        if not match:
            wrong(path, 'is not named NNNN-name[.ENGINE].sql')
        number, name, engine = int(match.group(1)), match.group(2), match.group(3)
        row = found.setdefault(number, {'name': name, 'path': path})
        if row['name'] != name:
            wrong(path, f'{number} is {row["name"]} already')
        row[engine or 'both'] = path.read_text()
    return found


def main():
    out, *names = sys.argv[1:]
    migrations = read(names)
    if sorted(migrations) != list(range(1, len(migrations) + 1)):
        wrong('sql/migrations', f'the numbers have a gap: {sorted(migrations)}')

    body = ''
    for number, row in sorted(migrations.items()):
        texts = {engine: row.get(engine, row.get('both')) for engine in ENGINES}
        for engine, text in texts.items():
            if text is None:
                wrong(row['path'], f'has no text for {engine}')
            if not SCHEMA_MIN.match(text):
                wrong(row['path'], 'does not begin with "-- schema-min: N"')
        least = {SCHEMA_MIN.match(text).group(1) for text in texts.values()}
        if len(least) != 1:
            wrong(row['path'], 'the engines disagree on schema-min')
        body += f'    {{\n        .number = {number}, .name = "{row["name"]}", .schema_min = {least.pop()},\n'
        for engine, text in texts.items():
            body += f'        .{engine} =\n{literal(translate(row["path"], text, engine))},\n'
        body += '    },\n'
    pathlib.Path(out).write_text(f'{HEAD}{body}}};\n\nconst int db_n_migrations = {len(migrations)};\n')


if __name__ == '__main__':
    main()
