/* pattern_test.c: what fits a glob and a regular expression, what is refused as neither, and that the worst of them
 * ends soon. */
#include "codec/pattern.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"

static void check_verdict(enum pattern_syntax syntax, const char *text, const char *subject,
                          enum pattern_verdict wanted)
{
    AUTO(pattern_free) struct pattern *pattern = NULL;
    struct err                         err;

    CHECK_OK(pattern_new(syntax, str_from(text), &pattern, &err), &err);
    if (pattern_match(pattern, str_from(subject)) != wanted)
        fail_msg("%s \"%s\" and \"%s\"", pattern_syntax_name(syntax), text, subject);
}

void test_pattern_globs_fit_the_whole_text(void **state)
{
    /* clang-format off */
    static const struct { const char *glob, *fits, *fits_not; } cases[] = {
        { "v1.0",            "v1.0",          "v1x0" },
        { "*",               "anything",      "a/b" },
        { "*",               "",              "/" },
        { "v*",              "v",             "xv" },
        { "*-rc*",           "1.0-rc1",       "1.0-r" },
        { "v?.?",            "v1.2",          "v10.2" },
        { "?",               "a",             "/" },
        { "[a-c]x",          "bx",            "dx" },
        { "[!a-c]x",         "dx",            "bx" },
        { "[^a-c]x",         "Ax",            "ax" },
        { "[]x]",            "]",             "[" },
        { "[a-]",            "-",             "b" },
        { "[\\]]",           "]",             "\\" },
        { "[!a]",            "b",             "/" },
        { "[+-9]",           ".",             "/" },
        { "{v*,rel-*}",      "rel-3",         "rc-3" },
        { "x{,-dev}",        "x",             "x-" },
        { "{a,b{c,d}}e",     "bde",           "be" },
        { "a,b}",            "a,b}",          "a" },
        { "\\*",             "*",             "a" },
        { "a\\{b",           "a{b",           "ab" },
        { "acme/*",          "acme/web",      "acme/shop/web" },
        { "acme/**",         "acme/shop/web", "acme" },
        { "**/web",          "web",           "cobweb" },
        { "**/web",          "a/b/web",       "a/b/cobweb" },
        { "acme/**/web",     "acme/web",      "acmeweb" },
        { "acme/**/web",     "acme/a/b/web",  "acme/a/b" },
        { "a**b",            "a/x/b",         "a/x/c" },
        { "v(1)$",           "v(1)$",         "v1" },
        { "Latest",          "Latest",        "latest" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_verdict(PATTERN_GLOB, cases[i].glob, cases[i].fits, PATTERN_YES);
        check_verdict(PATTERN_GLOB, cases[i].glob, cases[i].fits_not, PATTERN_NO);
    }
}

void test_pattern_regular_expressions_fit_the_whole_text(void **state)
{
    /* clang-format off */
    static const struct { const char *regex, *fits, *fits_not; } cases[] = {
        { "v\\d+\\.\\d+",          "v1.20",   "v1.20-rc" },
        { "(dev|test)-.*",         "dev-1",   "mydev-1" },
        { "a|bc",                  "bc",      "abc" },
        { "(?i)rc[0-9]*",          "RC1",     "RCx" },
        { "(?:ab){2,3}",           "ababab",  "ab" },
        { "^x$",                   "x",       "x\n" },
        { "[[:digit:]]+",          "12",      "1a" },
        { "[^]a]",                 "b",       "]" },
        { "\\w+\\b.*",             "ab-c",    "-" },
        { ".",                     "/",       "//" },
        { "\\++",                  "++",      "+x" },
        { "a+?b",                  "aab",     "b" },
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_verdict(PATTERN_REGEX, cases[i].regex, cases[i].fits, PATTERN_YES);
        check_verdict(PATTERN_REGEX, cases[i].regex, cases[i].fits_not, PATTERN_NO);
    }
}

void test_pattern_what_is_none_is_refused_with_the_reason(void **state)
{
    /* clang-format off */
    static const struct { enum pattern_syntax syntax; const char *text, *why; } cases[] = {
        { PATTERN_GLOB,  "",             "1 to 256 bytes" },
        { PATTERN_GLOB,  "a\tb",         "printable ASCII" },
        { PATTERN_GLOB,  "caf\xc3\xa9",  "printable ASCII" },
        { PATTERN_GLOB,  "[a",           "[ is not closed" },
        { PATTERN_GLOB,  "[]",           "[ is not closed" },
        { PATTERN_GLOB,  "[z-a]",        "upside down" },
        { PATTERN_GLOB,  "[/]",          "fits nothing" },
        { PATTERN_GLOB,  "{a,b",         "{ is not closed" },
        { PATTERN_GLOB,  "{{{{{a}}}}}",  "more than 4 deep" },
        { PATTERN_GLOB,  "a\\",          "ends in a backslash" },
        { PATTERN_REGEX, "(a",           "parenthesis" },
        { PATTERN_REGEX, "[a",           "character class" },
        { PATTERN_REGEX, "*",            "repeat" },
        { PATTERN_REGEX, "(a)\\1",       "escape is not known" },
        { PATTERN_REGEX, "[\\1]",        "escape is not known" },
        { PATTERN_REGEX, "a\\",          "escape is not known" },
        { PATTERN_REGEX, "\\Kx",         "escape is not known" },
        { PATTERN_REGEX, "(?=a)a",       "groups that begin" },
        { PATTERN_REGEX, "(?<!a)b",      "groups that begin" },
        { PATTERN_REGEX, "(?>a*)b",      "groups that begin" },
        { PATTERN_REGEX, "(?R)",         "groups that begin" },
        { PATTERN_REGEX, "(*COMMIT)a",   "groups that begin" },
        { PATTERN_REGEX, "a*+b",         "possessive" },
        { PATTERN_REGEX, "\\\\*+",       "possessive" },
        { PATTERN_REGEX, "((((a{1,999}){1,999}){1,999}){1,999})", "too large" },
    };
    /* clang-format on */
    struct pattern *pattern = NULL;
    struct err      err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK_FAILS(pattern_new(cases[i].syntax, str_from(cases[i].text), &pattern, &err), &err,
                    ERR_INVALID);
        if (strstr(err.text, cases[i].why) == NULL)
            fail_msg("\"%s\": %s", cases[i].text, err.text);
    }
}

void test_pattern_length_is_bounded(void **state)
{
    char                               text[PATTERN_MAX + 1];
    AUTO(pattern_free) struct pattern *pattern = NULL;
    struct pattern                    *other;
    struct err                         err;

    (void)state;
    memset(text, 'a', sizeof(text));
    CHECK_OK(pattern_new(PATTERN_GLOB, (struct str){ .p = text, .n = PATTERN_MAX }, &pattern, &err),
             &err);
    CHECK_FAILS(pattern_new(PATTERN_GLOB, (struct str){ .p = text, .n = PATTERN_MAX + 1 }, &other,
                            &err),
                &err, ERR_INVALID);
}

/* What keeps a backtracking matcher busy for ages is answered at once, be it by saying that it is too much. */
void test_pattern_the_worst_end_soon(void **state)
{
    /* clang-format off */
    static const struct { const char *regex; enum pattern_verdict wanted; } cases[] = {
        { "(a+)+[bc]",                        PATTERN_LIMIT },
        { "(a|a)*[bc]",                       PATTERN_NO },
        { "(a*)*(a*)*(a*)*[bc]",              PATTERN_NO },
        { "(.*)(.*)(.*)(.*)(.*)(.*)(.*)[bc]", PATTERN_NO },
        { "((a{0,40}){0,40})[bc]",            PATTERN_LIMIT },
    };
    /* clang-format on */
    char text[PATTERN_TEXT_MAX + 1];

    (void)state;
    memset(text, 'a', PATTERN_TEXT_MAX);
    text[PATTERN_TEXT_MAX] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_verdict(PATTERN_REGEX, cases[i].regex, text, cases[i].wanted);
}

void test_pattern_a_text_that_is_too_long_is_neither_yes_nor_no(void **state)
{
    char text[PATTERN_TEXT_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[PATTERN_TEXT_MAX] = '\0';
    check_verdict(PATTERN_GLOB, "*", text, PATTERN_YES);
    text[PATTERN_TEXT_MAX]     = 'a';
    text[PATTERN_TEXT_MAX + 1] = '\0';
    check_verdict(PATTERN_GLOB, "*", text, PATTERN_LIMIT);
}

void test_pattern_a_word_names_its_syntax(void **state)
{
    enum pattern_syntax syntax;

    (void)state;
    assert_int_equal(pattern_syntax_parse(STR("regex"), &syntax), 1);
    assert_int_equal(syntax, PATTERN_REGEX);
    assert_int_equal(pattern_syntax_parse(STR("glob"), &syntax), 1);
    assert_int_equal(syntax, PATTERN_GLOB);
    assert_int_equal(pattern_syntax_parse(STR("wildcard"), &syntax), 0);
}

/* More patterns than have room, from several threads: each fits its own number and no other. */
enum { THREADS = 4, ROUNDS = 2000 };

static void *use_cache(void *context)
{
    struct pattern_cache *cache = context;

    for (int i = 0; i < ROUNDS; i++) {
        char                 glob[32], text[32];
        enum pattern_verdict same, other;
        struct err           err;

        snprintf(glob, sizeof(glob), "v%d-*", i % 700);
        snprintf(text, sizeof(text), "v%d-x", i % 700);
        if (pattern_cache_match(cache, PATTERN_GLOB, str_from(glob), str_from(text), &same, &err) <
                0 ||
            pattern_cache_match(cache, PATTERN_GLOB, str_from(glob), STR("w"), &other, &err) < 0 ||
            same != PATTERN_YES || other != PATTERN_NO)
            return context;
    }
    return NULL;
}

void test_pattern_a_cache_is_used_by_many(void **state)
{
    AUTO(pattern_cache_free) struct pattern_cache *cache = pattern_cache_new();
    pthread_t                                      threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_cache, cache), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

void test_pattern_a_cache_refuses_what_is_none(void **state)
{
    AUTO(pattern_cache_free) struct pattern_cache *cache = pattern_cache_new();
    enum pattern_verdict                           verdict;
    struct err                                     err;

    (void)state;
    CHECK_FAILS(pattern_cache_match(cache, PATTERN_REGEX, STR("(a"), STR("a"), &verdict, &err),
                &err, ERR_INVALID);
    CHECK_OK(pattern_cache_match(cache, PATTERN_GLOB, STR("(a"), STR("(a"), &verdict, &err), &err);
    assert_int_equal(verdict, PATTERN_YES);
}
