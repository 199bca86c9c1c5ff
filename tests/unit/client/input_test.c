/* input: words and options become values by the row of the command, and wrong usage says what is right. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "client/client.h"
#include "client/run.h"

static struct arena *arena;
static struct err    err;

static const struct client_option options[] = {
    { "--public", NULL, CLIENT_FLAG, CLIENT_IN_BODY, "visibility", "\"public\"", "help" },
    { "--number", "N", CLIENT_NUMBER, CLIENT_IN_BODY, "number", NULL, "help" },
    { "--text", "TEXT", CLIENT_TEXT, CLIENT_IN_BODY, "text", NULL, "help" },
    { "--file", "FILE", CLIENT_FILE, CLIENT_IN_BODY, "file", NULL, "help" },
    { 0 },
};

static const struct client_command row = { .name    = "test it",
                                           .args    = "ORG/TEAM USER [REPO]",
                                           .options = options };

int input_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int input_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static int read_words(const char *const *words, size_t n, struct client_input *out)
{
    char *argv[16];

    for (size_t i = 0; i < n; i++)
        argv[i] = mem_strdup(arena, words[i]);
    return client_input_read(arena, &row, (int)n, argv, out, &err);
}

#define READ(out, ...)                               \
    read_words((const char *const[]){ __VA_ARGS__ }, \
               ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })), (out))

void test_words_fill_holes(void **state)
{
    struct client_input input;

    CHECK_OK(READ(&input, "acme/dev/ops", "alice", "a/b"), &err);
    CHECK_STR(client_hole(&input, "ORG"), "acme");
    CHECK_STR(client_hole(&input, "TEAM"), "dev/ops");
    CHECK_STR(client_hole(&input, "USER"), "alice");
    CHECK_STR(client_hole(&input, "REPO"), "a/b");
    CHECK_OK(READ(&input, "acme/dev", "--", "-alice"), &err);
    CHECK_STR(client_hole(&input, "USER"), "-alice");
    assert_null(client_hole(&input, "REPO").p);
}

void test_options_stand_anywhere_and_in_both_forms(void **state)
{
    struct client_input input;

    CHECK_OK(READ(&input, "--public", "acme/dev", "--text=a=b", "alice", "--number", "7", "-o",
                  "json", "--server=h:1", "--insecure-http", "--text", "last"),
             &err);
    assert_true(client_has(&input, "--public"));
    CHECK_STR(client_given(&input, "--text"), "last");
    CHECK_STR(client_given(&input, "--number"), "7");
    CHECK_STR(input.way.server, "h:1");
    assert_true(input.way.may_plain);
    assert_true(input.is_json);
    assert_false(client_has(&input, "--file"));

    CHECK_OK(READ(&input, "--help"), &err);
    assert_true(input.wants_help);
}

void test_wrong_usage_says_what_is_right(void **state)
{
    struct client_input input;

    CHECK_FAILS(READ(&input, "acme", "alice"), &err, ERR_INVALID);
    assert_non_null(strstr(err.text, "ORG/TEAM"));
    CHECK_FAILS(READ(&input, "/dev", "alice"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/", "alice"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", ""), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "b", "c"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", "a\xff"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "--nonsense"), &err, ERR_INVALID);
    assert_non_null(strstr(err.text, "assay test it --help"));
    CHECK_FAILS(READ(&input, "acme/dev", "a", "--public=yes"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "--text"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "--number", "-1"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "-o", "yaml"), &err, ERR_INVALID);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "--file", "/nowhere/at/all"), &err, ERR_NOT_FOUND);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "--password-stdin"), &err, ERR_INVALID);
}

void test_paths_are_encoded_and_optional_parts_fall_away(void **state)
{
    struct client_input input;

    CHECK_OK(READ(&input, "acme/d v", "a?b", "x/y z"), &err);
    CHECK_STR(client_print_path(arena, &input, "/o/{ORG}/t/{TEAM}/u/{USER}[/r/{REPO}]"),
              "/o/acme/t/d%20v/u/a%3Fb/r/x%2Fy%20z");
    CHECK_STR(client_print_path(arena, &input, "/r/{+REPO}/x"), "/r/x/y%20z/x");
    CHECK_STR(client_print_sentence(arena, &input, "{USER} is in {ORG}/{TEAM}"),
              "a?b is in acme/d v");
    CHECK_OK(READ(&input, "acme/dev", "a"), &err);
    CHECK_STR(client_print_path(arena, &input, "/r[/{REPO}]?x=1"), "/r?x=1");
    CHECK_STR(client_print_path(arena, &input, "/r[/{REPO}]"), "/r");
}

void test_a_file_is_its_content(void **state)
{
    struct client_input input;
    char                path[] = "/tmp/assay-unit-input-XXXXXX";
    int                 fd     = mkstemp(path);

    assert_int_equal(write(fd, "# Title\n", 8), 8);
    CHECK_OK(READ(&input, "acme/dev", "a", "--file", path), &err);
    CHECK_STR(client_given(&input, "--file"), "# Title\n");
    assert_int_equal(pwrite(fd, "\xff", 1, 0), 1);
    CHECK_FAILS(READ(&input, "acme/dev", "a", "--file", path), &err, ERR_INVALID);
    close(fd);
    unlink(path);
}

void test_options_may_stand_before_the_name(void **state)
{
#define WORD(text) mem_strdup(arena, text)
    char *words[] = { WORD("--server"),        WORD("h:1"),  WORD("-o=json"),
                      WORD("--insecure-http"), WORD("user"), WORD("list") };
    char *none[]  = { WORD("--server"), WORD("user") };
    char *ended[] = { WORD("--"), WORD("user") };
#undef WORD

    client_word_first(NULL, 6, words);
    assert_string_equal(words[0], "user");
    assert_string_equal(words[1], "--server");
    assert_string_equal(words[2], "h:1");
    assert_string_equal(words[4], "--insecure-http");
    assert_string_equal(words[5], "list");
    client_word_first(NULL, 5, words + 1);
    assert_string_equal(words[1], "list");
    assert_string_equal(words[2], "--server");

    client_word_first(NULL, 2, none);
    assert_string_equal(none[0], "--server");
    client_word_first(NULL, 2, ended);
    assert_string_equal(ended[0], "--");
    client_word_first(NULL, 0, none);
}
