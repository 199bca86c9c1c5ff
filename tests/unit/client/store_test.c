/* store: Docker's own file, changed in one place and left alone everywhere else; helpers that answer, refuse, lie
 * and hang. */
#include "client/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "scratch.h"

#define SECOND_US INT64_C(1000000)

static struct arena       *arena;
static struct err          err;
static char                scratch[SCRATCH_MAX];
static struct client_store store;
static char               *path_before;

static const struct client_credential alice = { .user   = { .p = "alice", .n = 5 },
                                                .secret = { .p = "s3:cret", .n = 7 } };

int store_test_setup(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    arena = arena_new();
    scratch_make(scratch);
    store       = (struct client_store){ .arena             = arena,
                                         .directory         = str_from(mem_strdup(arena, scratch)),
                                         .helper_timeout_us = 60 * SECOND_US };
    path_before = mem_strdup(arena, getenv("PATH"));
    setenv("PATH", mem_printf(arena, "%s:%s", scratch, path_before), 1);
    return 0;
}

int store_test_teardown(void **state)
{
    setenv("PATH", path_before, 1);
    scratch_remove(scratch);
    arena_free(&arena);
    return 0;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(scratch_path(scratch, name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(scratch_path(scratch, name), mode), 0);
}

static void has_file(const char *name, const char *wanted)
{
    char  text[4096];
    FILE *file = fopen(scratch_path(scratch, name), "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, wanted);
}

static void put(const char *host, const struct client_credential *credential)
{
    struct str place;
    bool       is_plain;

    CHECK_OK(client_store_put(&store, str_from(host), credential, &place, &is_plain, &err), &err);
}

static int find(const char *host, struct client_credential *out)
{
    *out = (struct client_credential){ 0 };
    return client_store_find(&store, str_from(host), out, &err);
}

void test_a_new_file_is_ours_alone(void **state)
{
    struct client_credential found;
    struct stat              info;

    store.directory = str_from(scratch_path(scratch, "deep/docker"));
    assert_int_equal(find("h:1", &found), 0);
    put("h:1", &alice);
    has_file("deep/docker/config.json",
             "{\n\t\"auths\": {\n\t\t\"h:1\": {\"auth\":\"YWxpY2U6czM6Y3JldA==\"}\n\t}\n}\n");
    assert_int_equal(stat(scratch_path(scratch, "deep/docker/config.json"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);

    assert_int_equal(find("h:1", &found), 1);
    CHECK_STR(found.user, "alice");
    CHECK_STR(found.secret, "s3:cret");
    assert_false(found.is_identity);
    assert_int_equal(find("h:2", &found), 0);
}

void test_what_others_keep_there_stays_to_the_byte(void **state)
{
    write_file("config.json",
               "{\n  \"HttpHeaders\": { \"X-Meta\" :\"a\\u00e9\" },\n  \"auths\": {\n    "
               "\"other\": {\"auth\": "
               "\"b3RoZXI6eA==\"}\n  },\n  \"detachKeys\": \"ctrl-e,e\", \"n\": 1.50\n}",
               0644);
    put("h", &alice);
    has_file("config.json",
             "{\n  \"HttpHeaders\": { \"X-Meta\" :\"a\\u00e9\" },\n  \"auths\": {\n    \"other\": "
             "{\"auth\": "
             "\"b3RoZXI6eA==\"},\n    \"h\": {\"auth\":\"YWxpY2U6czM6Y3JldA==\"}\n  },\n"
             "  \"detachKeys\": \"ctrl-e,e\", \"n\": 1.50\n}");
    assert_int_equal(client_store_remove(&store, STR("h"), &err), 1);
    assert_int_equal(client_store_remove(&store, STR("h"), &err), 0);
    has_file("config.json",
             "{\n  \"HttpHeaders\": { \"X-Meta\" :\"a\\u00e9\" },\n  \"auths\": {\n    \"other\": "
             "{\"auth\": "
             "\"b3RoZXI6eA==\"}\n  },\n  \"detachKeys\": \"ctrl-e,e\", \"n\": 1.50\n}");
}

void test_a_link_to_the_file_stays_one(void **state)
{
    struct stat info;

    assert_int_equal(mkdir(scratch_path(scratch, "dotfiles"), 0700), 0);
    write_file("dotfiles/real.json", "{}", 0600);
    assert_int_equal(symlink("dotfiles/real.json", scratch_path(scratch, "config.json")), 0);
    put("h", &alice);
    assert_int_equal(lstat(scratch_path(scratch, "config.json"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    has_file("dotfiles/real.json",
             "{\n\t\"auths\": {\n\t\t\"h\": {\"auth\":\"YWxpY2U6czM6Y3JldA==\"}\n\t}\n}");
}

void test_what_older_programs_wrote_is_understood(void **state)
{
    struct client_credential found;

    write_file("config.json",
               "{\"auths\":{\"https://one/v1/"
               "\":{\"auth\":\"YTpi\"},\"two\":{\"username\":\"u\",\"password\":\"p\"},"
               "\"three\":{\"auth\":\"YTo=\",\"identitytoken\":\"idt\"},\"four\":{}}}",
               0600);
    assert_int_equal(find("one", &found), 1);
    CHECK_STR(found.secret, "b");
    assert_int_equal(find("two", &found), 1);
    CHECK_STR(found.user, "u");
    CHECK_STR(found.secret, "p");
    assert_int_equal(find("three", &found), 1);
    CHECK_STR(found.user, "a");
    CHECK_STR(found.secret, "idt");
    assert_true(found.is_identity);
    assert_int_equal(find("four", &found), 0);
    assert_int_equal(client_store_remove(&store, STR("one"), &err), 1);
    assert_int_equal(find("one", &found), 0);
}

void test_an_identity_token_is_kept_as_docker_keeps_it(void **state)
{
    struct client_credential identity = { .user        = STR("alice"),
                                          .secret      = STR("tok"),
                                          .is_identity = true };
    struct client_credential found;

    put("h", &identity);
    has_file("config.json", "{\n\t\"auths\": {\n\t\t\"h\": "
                            "{\"auth\":\"YWxpY2U6\",\"identitytoken\":\"tok\"}\n\t}\n}\n");
    assert_int_equal(find("h", &found), 1);
    assert_true(found.is_identity);
    CHECK_STR(found.user, "alice");
}

void test_a_damaged_file_is_not_touched(void **state)
{
    static const char *const texts[] = { "{\"auths\":", "[]", "{\"auths\":{},\"auths\":{}}",
                                         "\xff" };
    struct client_credential found;
    struct str               place;
    bool                     is_plain;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_file("config.json", texts[i], 0600);
        CHECK_FAILS(find("h", &found), &err, ERR_CORRUPT);
        CHECK_FAILS(client_store_put(&store, STR("h"), &alice, &place, &is_plain, &err), &err,
                    ERR_CORRUPT);
        assert_non_null(strstr(err.text, "config.json"));
        has_file("config.json", texts[i]);
    }
    write_file("config.json", "{\"auths\":[]}", 0600);
    CHECK_FAILS(client_store_put(&store, STR("h"), &alice, &place, &is_plain, &err), &err,
                ERR_CORRUPT);
    write_file("config.json", "{\"auths\":{\"h\":{\"auth\":\"!!!\"}}}", 0600);
    CHECK_FAILS(find("h", &found), &err, ERR_CORRUPT);
    write_file("config.json", "{\"auths\":{\"h\":{\"auth\":\"YWxpY2U=\"}}}", 0600);
    CHECK_FAILS(find("h", &found), &err, ERR_CORRUPT);
}

void test_what_docker_does_not_know_is_kept_where_it_keeps_such(void **state)
{
    struct str value;

    CHECK_OK(client_store_get(&store, STR("server"), &value, &err), &err);
    assert_null(value.p);
    CHECK_OK(client_store_set(&store, STR("server"), STR("https://h"), &err), &err);
    CHECK_OK(client_store_get(&store, STR("server"), &value, &err), &err);
    CHECK_STR(value, "https://h");
    has_file(
        "config.json",
        "{\n\t\"plugins\": {\n\t\t\"assay\": {\n\t\t\t\"server\": \"https://h\"\n\t\t}\n\t}\n}\n");
    CHECK_OK(client_store_set(&store, STR("server"), STR_NULL, &err), &err);
    CHECK_OK(client_store_get(&store, STR("server"), &value, &err), &err);
    assert_null(value.p);
}

/* -- helpers ------------------------------------------------------------------------------------------ */

/* Writes down what it was asked, and plays the script. */
static void make_helper(const char *name, const char *script)
{
    write_file(mem_printf(arena, "docker-credential-%s", name),
               mem_printf(arena, "#!/bin/sh\n{ echo \"$1\"; cat; echo; } >> %s/asked\n%s\n",
                          scratch, script),
               0700);
}

void test_a_helper_keeps_the_secret_and_the_file_a_mark(void **state)
{
    struct client_credential found;

    write_file("config.json", "{\"credsStore\":\"test\"}", 0600);
    make_helper("test", "[ $1 = get ] && echo "
                        "'{\"ServerURL\":\"h\",\"Username\":\"alice\",\"Secret\":\"from it\"}' "
                        "|| true");
    put("h", &alice);
    has_file("asked",
             "store\n{\"ServerURL\":\"h\",\"Username\":\"alice\",\"Secret\":\"s3:cret\"}\n");
    has_file("config.json", "{\"credsStore\":\"test\",\"auths\": {\n\t\t\"h\": {}\n\t}}");

    assert_int_equal(find("h", &found), 1);
    CHECK_STR(found.user, "alice");
    CHECK_STR(found.secret, "from it");
    assert_int_equal(client_store_remove(&store, STR("h"), &err), 1);
    has_file("asked", "store\n{\"ServerURL\":\"h\",\"Username\":\"alice\",\"Secret\":\"s3:cret\"}"
                      "\nget\nh\nerase\nh\n");
}

void test_the_host_s_own_helper_goes_before_the_other(void **state)
{
    struct client_credential found;

    write_file("config.json", "{\"credsStore\":\"other\",\"credHelpers\":{\"h\":\"mine\"}}", 0600);
    make_helper("mine", "echo '{\"Username\":\"<token>\",\"Secret\":\"idt\"}'");
    assert_int_equal(find("h", &found), 1);
    assert_true(found.is_identity);
    CHECK_STR(found.secret, "idt");
    CHECK_STR(found.user, "");

    CHECK_FAILS(find("elsewhere", &found), &err, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "docker-credential-other"));
}

void test_a_helper_that_has_none_is_asked_no_further(void **state)
{
    struct client_credential found;

    write_file("config.json", "{\"credsStore\":\"test\",\"auths\":{\"h\":{\"auth\":\"YTpi\"}}}",
               0600);
    make_helper("test", "echo 'credentials not found in native keychain'; exit 1");
    assert_int_equal(find("h", &found), 1);
    CHECK_STR(found.secret, "b");
    assert_int_equal(find("none", &found), 0);
}

void test_a_helper_that_fails_or_lies_is_named(void **state)
{
    static const char *const scripts[] = {
        "echo 'the keychain is locked'; exit 1",
        "echo nonsense",
        "echo '{\"Secret\":'",
        "exit 7",
    };
    struct client_credential found;

    write_file("config.json", "{\"credsStore\":\"test\"}", 0600);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        make_helper("test", scripts[i]);
        CHECK_FAILS(find("h", &found), &err, ERR_UNAVAILABLE);
        assert_non_null(strstr(err.text, "docker-credential-test"));
    }
    make_helper("test", scripts[0]);
    CHECK_FAILS(find("h", &found), &err, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "the keychain is locked"));
}

void test_a_helper_that_hangs_is_ended(void **state)
{
    struct client_credential found;

    write_file("config.json", "{\"credsStore\":\"test\"}", 0600);
    make_helper("test", "sleep 600");
    store.helper_timeout_us = SECOND_US / 5;
    CHECK_FAILS(find("h", &found), &err, ERR_UNAVAILABLE);
}

void test_a_helper_s_name_leads_nowhere_else(void **state)
{
    static const char *const names[] = { "../evil", "a/b", "x y", "$(id)", "a\\u0000b" };
    struct client_credential found;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        write_file("config.json", mem_printf(arena, "{\"credsStore\":\"%s\"}", names[i]), 0600);
        CHECK_FAILS(find("h", &found), &err, ERR_CORRUPT);
    }
}
