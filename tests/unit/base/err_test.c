/* err_test.c: errors name the thing and the reason, keep their cause, and every kind has a meaning. */
#include "base/err.h"

#include <errno.h>

#include "check.h"

void test_err_every_kind_has_a_row(void **state)
{
    for (int kind = 0; kind < ERR_N_KINDS; kind++) {
        const struct err_kind_info *info = err_kind_info((enum err_kind)kind);

        assert_non_null(info->name);
        assert_non_null(info->code);
        assert_in_range(info->status, 400, 599);
        if (info->is_fault)
            assert_false(info->is_public);
        else
            assert_in_range(info->status, 400, 499);
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(info->name, err_kind_info((enum err_kind)other)->name);
    }
}

void test_err_is_made_and_wrapped(void **state)
{
    struct err err;

    assert_int_equal(err_set(&err, ERR_INVALID, "tag %s is empty", "''"), -1);
    assert_int_equal(err_wrap(&err, "pushing %s", "a/app"), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.text, "pushing a/app: tag '' is empty");
    assert_string_equal(err.about, "");
    assert_string_equal(err_code(&err), "INVALID");
}

void test_err_exact_code_wins_and_about_is_cut(void **state)
{
    struct err err;
    char       name[ERR_ABOUT_MAX * 2];

    memset(name, 'n', sizeof(name));
    err_set_code(&err, ERR_INVALID, "NAME_INVALID", (struct str){ .p = name, .n = sizeof(name) },
                 "a name of %zu bytes", sizeof(name));
    assert_string_equal(err_code(&err), "NAME_INVALID");
    assert_int_equal(strlen(err.about), ERR_ABOUT_MAX - 1);

    err_set_code(&err, ERR_INVALID, "NAME_INVALID", STR_NULL, "no name");
    assert_string_equal(err.about, "");
}

void test_err_of_the_system_tells_its_reason(void **state)
{
    struct err err;

    errno = ENOENT;
    err_set_os(&err, ERR_UNAVAILABLE, "opening %s", "/blobs");
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(err.os, ENOENT);
    assert_string_equal(err.text, "opening /blobs: No such file or directory");
}

void test_err_a_full_disk_is_its_own_kind(void **state)
{
    struct err err;

    errno = ENOSPC;
    err_set_os(&err, ERR_INTERNAL, "writing");
    assert_int_equal(err.kind, ERR_FULL);
    errno = EDQUOT;
    err_set_os(&err, ERR_UNAVAILABLE, "writing");
    assert_int_equal(err.kind, ERR_FULL);
}

void test_err_wrapping_never_loses_the_cause(void **state)
{
    struct err err;
    char       what[ERR_TEXT_MAX * 2];

    memset(what, 'w', sizeof(what) - 1);
    what[sizeof(what) - 1] = '\0';
    err_set(&err, ERR_NOT_FOUND, "the cause");
    err_wrap(&err, "%s", what);
    assert_non_null(strstr(err.text, "the cause"));
    assert_true(strlen(err.text) < ERR_TEXT_MAX);
}

void test_err_corruption_says_where_it_was_noticed(void **state)
{
    struct err err;

    assert_int_equal(err_set_corrupt(&err, "digest %s differs", "d"), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "digest d differs ("));
    assert_non_null(strstr(err.text, "err_test.c:"));
}
