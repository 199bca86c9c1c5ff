/* secret_test.c: secrets say what they are, are never the same twice, and are known by their hash. */
#include "auth/secret.h"

#include <string.h>

#include "auth/auth_private.h"
#include "base/mem.h"
#include "check.h"

void test_secret_of_each_kind_is_of_that_kind_alone(void **state)
{
    for (int kind = AUTH_SECRET_PERSONAL; kind <= AUTH_SECRET_SESSION; kind++) {
        char text[AUTH_SECRET_MAX], again[AUTH_SECRET_MAX], hash[AUTH_SECRET_HASH_MAX];

        auth_secret_make((enum auth_secret_kind)kind, text);
        auth_secret_make((enum auth_secret_kind)kind, again);
        assert_int_equal(strlen(text), AUTH_SECRET_MAX - 1);
        assert_string_not_equal(text, again);
        assert_true(str_starts(str_from(text), STR(AUTH_SECRET_HEAD)));
        for (int other = AUTH_SECRET_PERSONAL; other <= AUTH_SECRET_SESSION; other++)
            assert_int_equal(auth_secret_is(str_from(text), (enum auth_secret_kind)other),
                             other == kind);
        assert_int_equal(auth_secret_is_credential(str_from(text)), kind != AUTH_SECRET_SESSION);
        auth_secret_hash(str_from(text), hash);
        assert_int_equal(strlen(hash), 64);
        assert_null(strstr(text, hash));
    }
}

void test_secret_of_another_form_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "assay_ses_",
        "assay_ses_0000000000000000000000000000000000000000000000000000000000000000a",
        "assay_ses_000000000000000000000000000000000000000000000000000000000000000G",
        "assay_ses_000000000000000000000000000000000000000000000000000000000000000A",
        "ASSAY_SES_0000000000000000000000000000000000000000000000000000000000000000",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(auth_secret_is(str_from(texts[i]), AUTH_SECRET_SESSION));
}
