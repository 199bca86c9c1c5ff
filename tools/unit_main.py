#!/usr/bin/python3
"""unit_main.py OUT FILE...: writes the main of one folder's unit tests from the names in its files.

  void test_…(void **state)        in x_test.c, x_fault.c …   a case of suite x_test
  int  x_test_setup(void **state)                             runs before each case of the suite x_test
  int  x_test_teardown(void **state)                          runs after each
  void contract_…(void **state)    in x_contract.c            a case that runs once for every driver:
  int  x_over_DRIVER(void **state) in any file                makes the driver, leaves it in *state
  int  x_end(void **state)         in any file                ends it
"""
import pathlib
import re
import sys

FUNCTION = re.compile(r'^(void|int)\s+(\w+)\(void \*\*\w+\)', re.M)

HEAD = """/* Written by tools/unit_main.py. */
#include "check.h"

"""

MAIN = """
int main(int argc, char **argv)
{{
    int failed = 0;

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
{runs}
    return failed != 0;
}}
"""


def case(name, function, setup, teardown):
    return f'    {{ "{name}", {function}, {setup or "NULL"}, {teardown or "NULL"}, NULL }},\n'


def suites_of(path, text, everywhere):
    """Yields (suite, rows) of one file."""
    stem = path.stem
    voids = [name for kind, name in FUNCTION.findall(text) if kind == 'void']
    known = lambda name: name if name in everywhere else None

    tests = [name for name in voids if name.startswith('test_')]
    if tests:
        yield stem, [case(name, name, known(f'{stem}_setup'), known(f'{stem}_teardown'))
                     for name in tests]
    if stem.endswith('_contract'):
        what = stem[:-len('_contract')]
        for over in sorted(name for name in everywhere if name.startswith(f'{what}_over_')):
            driver = over[len(f'{what}_over_'):]
            yield f'{stem}_{driver}', [case(f'{name} over {driver}', name, over, known(f'{what}_end'))
                                       for name in voids if name.startswith('contract_')]


def main():
    out, *names = sys.argv[1:]
    texts = {pathlib.Path(name): pathlib.Path(name).read_text() for name in names}
    everywhere = {name: kind for text in texts.values() for kind, name in FUNCTION.findall(text)}
    suites = [suite for path, text in texts.items() for suite in suites_of(path, text, everywhere)]

    body = ''.join(f'{kind} {name}(void **state);\n' for name, kind in sorted(everywhere.items()))
    for name, rows in suites:
        body += f'\nstatic const struct CMUnitTest {name}[] = {{\n{"".join(rows)}}};\n'
    runs = '\n'.join(f'    failed += cmocka_run_group_tests_name("{name}", {name}, NULL, NULL);'
                     for name, _ in suites)
    pathlib.Path(out).write_text(HEAD + body + MAIN.format(runs=runs))


if __name__ == '__main__':
    main()
