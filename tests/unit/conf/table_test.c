/* table_test.c: the table of settings is whole: every row can be said, read and printed. */
#include "base/buf.h"
#include "check.h"
#include "conf/conf.h"
#include "conf/conf_private.h"

static int parse(struct arena *arena, const struct conf_row *row, struct str text,
                 struct conf_value *out, struct err *err)
{
    *out = (struct conf_value){ .is_set = true };
    return conf_value_parse(arena, row, text, false, out, err);
}

void test_table_has_every_id_under_its_own_key(void **state)
{
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        enum conf_id found;

        assert_non_null(conf_table[i].key);
        assert_int_equal(conf_find(str_from(conf_table[i].key), &found), 1);
        assert_int_equal(found, i);
    }
}

void test_table_find_knows_no_other_key(void **state)
{
    static const char *const keys[] = { "", "DATA", "dat", "dataa", "tls_cert", "--data" };
    enum conf_id             found  = CONF_N_IDS;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(conf_find(str_from(keys[i]), &found), 0);
    assert_int_equal(found, CONF_N_IDS);
}

void test_table_keys_are_flags_and_variables(void **state)
{
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        struct str key = str_from(conf_table[i].key);

        assert_true(key.n > 0 && key.n <= 16);
        for (size_t k = 0; k < key.n; k++)
            assert_true((key.p[k] >= 'a' && key.p[k] <= 'z') ||
                        (key.p[k] == '-' && k > 0 && k + 1 < key.n));
    }
}

void test_table_help_is_a_sentence(void **state)
{
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        struct str help = str_from(conf_table[i].help);

        assert_true(help.n > 10 && help.p[0] >= 'A' && help.p[0] <= 'Z');
        assert_true(str_ends(help, STR(".")));
        assert_int_equal(conf_table[i].value_name == NULL, conf_table[i].type == CONF_SWITCH);
        assert_int_equal(conf_table[i].has_form == NULL, conf_table[i].form == NULL);
    }
}

void test_table_defaults_parse_and_print_back(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct err                     err;

    for (size_t i = 0; i < CONF_N_IDS; i++) {
        const struct conf_row *row = &conf_table[i];
        struct conf_value      value, again;

        if (row->standard == NULL)
            continue;
        CHECK_OK(parse(arena, row, str_from(row->standard), &value, &err), &err);
        struct str printed = conf_value_print(arena, row, &value);
        CHECK_OK(parse(arena, row, printed, &again, &err), &err);
        assert_true(str_eq(printed, conf_value_print(arena, row, &again)));
        assert_int_equal(value.number, again.number);
    }
}

void test_table_ranges_hold_at_both_ends(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct err                     err;

    for (size_t i = 0; i < CONF_N_IDS; i++) {
        const struct conf_row *row = &conf_table[i];
        struct conf_value      low = { .number = row->min }, high = { .number = row->max }, out;

        if (row->type != CONF_INT && row->type != CONF_SIZE && row->type != CONF_DURATION)
            continue;
        assert_true(row->min < row->max);
        CHECK_OK(parse(arena, row, conf_value_print(arena, row, &low), &out, &err), &err);
        assert_int_equal(out.number, row->min);
        CHECK_OK(parse(arena, row, conf_value_print(arena, row, &high), &out, &err), &err);
        assert_int_equal(out.number, row->max);
        high.number++;
        CHECK_FAILS(parse(arena, row, conf_value_print(arena, row, &high), &out, &err), &err,
                    ERR_INVALID);
        if (row->min == 0)
            continue;
        low.number--;
        CHECK_FAILS(parse(arena, row, conf_value_print(arena, row, &low), &out, &err), &err,
                    ERR_INVALID);
    }
}

void test_table_choices_hold_the_default(void **state)
{
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        if (conf_table[i].choices != NULL)
            assert_non_null(strstr(conf_table[i].choices, conf_table[i].standard));
    }
}
