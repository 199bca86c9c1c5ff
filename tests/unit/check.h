/* tests/unit/check.h: cmocka with the headers it wants before it, and the checks of our own types.
 *
 * Every file of tests/unit/<folder> goes into one binary, unit-<folder>. tools/unit_main.py finds the
 * cases by their names and writes main; see docs/HACKING.md, "Add a test". */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
/* clang-format on */

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* The view holds exactly this text. */
#define CHECK_STR(view, wanted)                                             \
    do {                                                                    \
        struct str check_view_   = (view);                                  \
        struct str check_wanted_ = str_from(wanted);                        \
        assert_int_equal(check_view_.n, check_wanted_.n);                   \
        assert_memory_equal(check_view_.p, check_wanted_.p, check_view_.n); \
    } while (0)

/* A call that must succeed; on failure the error's own text is shown. */
#define CHECK_OK(call, err)                         \
    do {                                            \
        if ((call) < 0)                             \
            fail_msg("%s: %s", #call, (err)->text); \
    } while (0)

/* A call that must fail with this kind, and must say why. */
#define CHECK_FAILS(call, err, wanted_kind)                                                      \
    do {                                                                                         \
        assert_int_equal((call), -1);                                                            \
        assert_string_equal(err_kind_info((err)->kind)->name, err_kind_info(wanted_kind)->name); \
        assert_true((err)->text[0] != '\0');                                                     \
    } while (0)

#endif
