/* cookie_test.c: one cookie is found among others, and none is believed that may have been planted. */
#include "codec/cookie.h"

#include "base/mem.h"
#include "check.h"

void test_cookie_is_found_among_others(void **state)
{
    static const struct {
        const char *header, *value;
    } cases[] = {
        { "assay=x", "x" },
        { "a=1; assay=x; b=2", "x" },
        { "a=1;assay=x;b=2", "x" },
        { " assay = x ", "x" },
        { "assay=", "" },
        { "assay=x=y", "x=y" },
        { "===;;;\"a; assay=x", "x" },
        { "assay=x; assay=x", "x" },
        { "assay; assay=x", "x" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str value = STR_NULL;

        assert_int_equal(cookie_find(str_from(cases[i].header), "assay", &value), 1);
        CHECK_STR(value, cases[i].value);
    }
}

void test_cookie_is_not_found(void **state)
{
    static const char *const headers[] = {
        "",          "assay",    "Assay=x", "assay2=x",         "xassay=x",
        "a=assay=x", "a=b; c=d", ";;;",     "assay=x; assay=y", "__Host-assay=x"
    };

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct str value = STR("untouched");

        assert_int_equal(cookie_find(str_from(headers[i]), "assay", &value), 0);
        CHECK_STR(value, "untouched");
    }
    struct str value;
    assert_int_equal(cookie_find(STR_NULL, "assay", &value), 0);
}
