/* conf_test.c: settings from flags, variables and a file: which source wins, what each may say, and that
 * an error names its source. */
#include "conf/conf.h"

#include "base/buf.h"
#include "check.h"
#include "codec/text.h"
#include "scratch.h"

enum { ARGS_MAX = 16 };

/* What a command sees: up to some arguments, variables and a file. */
struct world {
    char          path[SCRATCH_MAX];
    struct arena *arena;
    char         *args[ARGS_MAX];
    int           n_args;
    char         *variables[ARGS_MAX];
    int           n_variables;
    struct conf  *conf;
    char        **rest;
    int           n_rest;
    struct err    err;
};

int conf_test_setup(void **state)
{
    struct world *world = mem_new(struct world);

    scratch_make(world->path);
    world->arena = arena_new();
    *state       = world;
    return 0;
}

int conf_test_teardown(void **state)
{
    struct world *world = *state;

    conf_unref(&world->conf);
    scratch_remove(world->path);
    arena_free(&world->arena);
    mem_free(world);
    return 0;
}

static void flag(struct world *world, const char *text)
{
    world->args[world->n_args++] = mem_strdup(world->arena, text);
}

static void variable(struct world *world, const char *text)
{
    world->variables[world->n_variables++] = mem_strdup(world->arena, text);
}

/* Writes the file and names it by --config. */
static void file_bytes(struct world *world, struct str text)
{
    const char *path = scratch_path(world->path, "x.yaml");
    FILE       *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    fclose(file);
    flag(world, mem_printf(world->arena, "--config=%s", path));
}

static void file(struct world *world, const char *text)
{
    file_bytes(world, str_from(text));
}

static int try_load(struct world *world)
{
    return conf_load(world->n_args, world->args, world->variables, &world->conf, &world->rest,
                     &world->n_rest, &world->err);
}

static const struct conf *load(struct world *world)
{
    CHECK_OK(try_load(world), &world->err);
    return world->conf;
}

/* Loading fails, the text says all of these. Starts the world anew. */
static void check_refused(struct world *world, const char *first, const char *second)
{
    CHECK_FAILS(try_load(world), &world->err, ERR_INVALID);
    if (strstr(world->err.text, first) == NULL || strstr(world->err.text, second) == NULL)
        fail_msg("\"%s\" says neither or one of \"%s\", \"%s\"", world->err.text, first, second);
    assert_null(world->conf);
    world->n_args      = 0;
    world->n_variables = 0;
    memset(world->args, 0, sizeof(world->args));
    memset(world->variables, 0, sizeof(world->variables));
}

void test_conf_defaults(void **state)
{
    const struct conf *conf = load(*state);

    CHECK_STR(conf_text(conf, CONF_DATA), "./data");
    CHECK_STR(conf_text(conf, CONF_DATABASE), "sqlite:./data/assay.db");
    CHECK_STR(conf_text(conf, CONF_STORAGE), "file:./data/blobs");
    CHECK_STR(conf_text(conf, CONF_KEY_FILE), "./data/key");
    assert_null(conf_text(conf, CONF_TLS_CERT).p);
    assert_int_equal(conf_list_len(conf, CONF_HTTP), 1);
    CHECK_STR(conf_list(conf, CONF_HTTP, 0), "127.0.0.1:5000");
    assert_int_equal(conf_list_len(conf, CONF_HTTPS), 0);
    assert_int_equal(conf_number(conf, CONF_GC_DELAY), INT64_C(24) * 3600 * 1000000);
    assert_int_equal(conf_number(conf, CONF_MAX_BLOB_SIZE), INT64_C(100) << 30);
    assert_true(conf_switch(conf, CONF_CREATE_ON_PUSH));
    assert_false(conf_switch(conf, CONF_READ_ONLY));
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        assert_string_equal(conf_origin(conf, (enum conf_id)i), "default");
        assert_false(conf_is_set(conf, (enum conf_id)i));
    }
}

void test_conf_data_moves_the_defaults_and_nothing_else(void **state)
{
    struct world *world = *state;

    flag(world, "--data");
    flag(world, "/var/lib/assay");
    flag(world, "--storage=file:DATA/x");
    load(world);
    CHECK_STR(conf_text(world->conf, CONF_DATABASE), "sqlite:/var/lib/assay/assay.db");
    CHECK_STR(conf_text(world->conf, CONF_KEY_FILE), "/var/lib/assay/key");
    CHECK_STR(conf_text(world->conf, CONF_STORAGE), "file:DATA/x");
}

void test_conf_flags_win_over_variables_over_the_file(void **state)
{
    struct world *world = *state;

    file(world, "# all three\nworkers: 1\npin-ttl: 1h\ngc-delay: 1h\n");
    variable(world, "ASSAY_WORKERS=2");
    variable(world, "ASSAY_PIN_TTL=2h");
    flag(world, "--workers");
    flag(world, "3");
    load(world);
    assert_int_equal(conf_number(world->conf, CONF_WORKERS), 3);
    assert_int_equal(conf_number(world->conf, CONF_PIN_TTL), INT64_C(7200) * 1000000);
    assert_int_equal(conf_number(world->conf, CONF_GC_DELAY), INT64_C(3600) * 1000000);

    assert_string_equal(conf_origin(world->conf, CONF_WORKERS), "flag");
    assert_string_equal(conf_origin(world->conf, CONF_PIN_TTL), "ASSAY_PIN_TTL");
    assert_string_equal(conf_origin(world->conf, CONF_GC_DELAY),
                        mem_printf(world->arena, "file %s/x.yaml:4", world->path));
    assert_true(conf_is_set(world->conf, CONF_WORKERS));
}

void test_conf_a_higher_source_replaces_the_whole_list(void **state)
{
    struct world *world = *state;

    file(world, "http: [127.0.0.1:1, 127.0.0.1:2]\n");
    variable(world, "ASSAY_HTTP=127.0.0.1:3, 127.0.0.1:4");
    load(world);
    assert_int_equal(conf_list_len(world->conf, CONF_HTTP), 2);
    CHECK_STR(conf_list(world->conf, CONF_HTTP, 0), "127.0.0.1:3");
    CHECK_STR(conf_list(world->conf, CONF_HTTP, 1), "127.0.0.1:4");
}

void test_conf_list_flag_may_be_repeated(void **state)
{
    struct world *world = *state;

    flag(world, "--http");
    flag(world, "127.0.0.1:1");
    flag(world, "--http=[::1]:2,localhost:3");
    load(world);
    assert_int_equal(conf_list_len(world->conf, CONF_HTTP), 3);
    CHECK_STR(conf_print(world->conf, CONF_HTTP, world->arena), "127.0.0.1:1,[::1]:2,localhost:3");
}

void test_conf_off_is_the_empty_list(void **state)
{
    static const char *const files[] = { "http: off\n", "http: []\n", "http: 'off'\n" };
    struct world            *world   = *state;

    flag(world, "--http");
    flag(world, "off");
    load(world);
    assert_int_equal(conf_list_len(world->conf, CONF_HTTP), 0);
    assert_true(conf_is_set(world->conf, CONF_HTTP));
    CHECK_STR(conf_print(world->conf, CONF_HTTP, world->arena), "off");

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        conf_unref(&world->conf);
        world->n_args = 0;
        file(world, files[i]);
        load(world);
        assert_int_equal(conf_list_len(world->conf, CONF_HTTP), 0);
    }
}

void test_conf_off_stands_alone(void **state)
{
    struct world *world = *state;

    flag(world, "--http=off,127.0.0.1:1");
    check_refused(world, "flag --http: ", "\"off\" stands alone");
    flag(world, "--http=127.0.0.1:1");
    flag(world, "--http=off");
    check_refused(world, "flag --http: ", "\"off\" stands alone");
    file(world, "http: [off]\n");
    check_refused(world, "x.yaml:1: http: ", "\"off\" stands alone");
}

void test_conf_switches(void **state)
{
    struct world *world = *state;

    flag(world, "--insecure-http");
    flag(world, "--unsafe-database=on");
    flag(world, "--create-on-push=off");
    variable(world, "ASSAY_READ_ONLY=true");
    load(world);
    assert_true(conf_switch(world->conf, CONF_INSECURE_HTTP));
    assert_true(conf_switch(world->conf, CONF_UNSAFE_DATABASE));
    assert_false(conf_switch(world->conf, CONF_CREATE_ON_PUSH));
    assert_true(conf_switch(world->conf, CONF_READ_ONLY));
}

void test_conf_a_switch_does_not_take_the_next_argument(void **state)
{
    struct world *world = *state;

    flag(world, "--insecure-http");
    flag(world, "off");
    load(world);
    assert_true(conf_switch(world->conf, CONF_INSECURE_HTTP));
    assert_int_equal(world->n_rest, 1);
    assert_string_equal(world->rest[0], "off");
}

void test_conf_leaves_the_rest_to_the_command(void **state)
{
    static const char *const args[] = { "create", "--data", "d",      "--name", "x",
                                        "-v",     "--",     "--http", "-" };
    static const char *const left[] = { "create", "--name", "x", "-v", "--http", "-" };
    struct world            *world  = *state;

    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        flag(world, args[i]);
    load(world);
    assert_int_equal(world->n_rest, (int)ARRAY_LEN(left));
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        assert_string_equal(world->rest[i], left[i]);
    CHECK_STR(conf_text(world->conf, CONF_DATA), "d");
}

void test_conf_flags_in_error_are_named(void **state)
{
    static const struct {
        const char *flag;
        const char *where;
        const char *why;
    } cases[] = {
        { "--workers=x", "flag --workers: ", "\"x\" is not a number between 1 and 256" },
        { "--workers=0", "flag --workers: ", "\"0\" is not a number between 1 and 256" },
        { "--workers=257", "flag --workers: ", "between 1 and 256" },
        { "--workers= 3", "flag --workers: ", "between 1 and 256" },
        { "--workers=3x", "flag --workers: ", "between 1 and 256" },
        { "--workers=99999999999999999999", "flag --workers: ", "between 1 and 256" },
        { "--workers=", "flag --workers: ", "has no value" },
        { "--workers", "flag --workers: ", "needs a value" },
        { "--gc-delay=5x", "flag --gc-delay: ", "\"5x\" is not a time between 0" },
        { "--gc-delay=366d", "flag --gc-delay: ", "and 365d" },
        { "--max-blob-size=1XB", "flag --max-blob-size: ", "is not a size between 0" },
        { "--insecure-http=maybe", "flag --insecure-http: ", "\"maybe\" is not on or off" },
        { "--log-level=loud", "flag --log-level: ", "none of: debug info warning error" },
        { "--log-level=debug info", "flag --log-level: ", "none of" },
        { "--http=nonsense", "flag --http: ", "\"nonsense\" is not ADDR:PORT" },
        { "--http=127.0.0.1:1,,127.0.0.1:2", "flag --http: ", "has no value" },
        { "--data=a\nb", "flag --data: ", "control character" },
        { "--database=oracle:secret", "flag --database: ", "is not a database" },
        { "--storage=gopher:x", "flag --storage: ", "is not a storage" },
        { "--config=/nonexistent/x.yaml", "flag --config: ", "/nonexistent/x.yaml" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        flag(world, cases[i].flag);
        check_refused(world, cases[i].where, cases[i].why);
    }

    flag(world, "--data");
    flag(world, "--http");
    check_refused(world, "flag --data: ", "needs a value");
    flag(world, "--workers=1");
    flag(world, "--workers=1");
    check_refused(world, "flag --workers: ", "is given twice");
    flag(world, mem_printf(world->arena, "--data=%05000d", 1));
    check_refused(world, "flag --data: ", "more than 4096 bytes");
}

void test_conf_variables(void **state)
{
    struct world *world = *state;

    variable(world, "PATH=/bin");
    variable(world, "ASSAY_TLS_CERT=c.pem");
    variable(world, "ASSAY_TLS_KEY=");
    variable(world, "ASSAY_ADMIN_PASSWORD=secret");
    variable(world, "ASSAY_TEST_ANYTHING=1");
    variable(world, "ASSAY_PORT=tcp://10.0.0.1:5000");
    variable(world, "ASSAY_PORT_5000_TCP_ADDR=10.0.0.1");
    variable(world, "ASSAY_SERVICE_HOST=10.0.0.1");
    load(world);
    CHECK_STR(conf_text(world->conf, CONF_TLS_CERT), "c.pem");
    assert_false(conf_is_set(world->conf, CONF_TLS_KEY));
}

void test_conf_variables_in_error_are_named(void **state)
{
    struct world *world = *state;

    variable(world, "ASSAY_WORKERS=x");
    check_refused(world, "variable ASSAY_WORKERS: ", "\"x\" is not a number");
    variable(world, "ASSAY_TLSCERT=x");
    check_refused(world, "ASSAY_TLSCERT", "no such setting");
    variable(world, "ASSAY_tls_cert=x");
    check_refused(world, "ASSAY_tls_cert", "no such setting");
    variable(world, "ASSAY_TLS-CERT=x");
    check_refused(world, "ASSAY_TLS-CERT", "no such setting");
    variable(world, "ASSAY_=x");
    check_refused(world, "ASSAY_", "no such setting");
}

void test_conf_config_by_variable(void **state)
{
    struct world *world = *state;

    file(world, "workers: 7\n");
    variable(world,
             mem_printf(world->arena, "ASSAY_CONFIG=%s", world->args[0] + strlen("--config=")));
    world->n_args = 0;
    load(world);
    assert_int_equal(conf_number(world->conf, CONF_WORKERS), 7);
}

void test_conf_file_forms(void **state)
{
    static const char *const nothing[] = { "", "# only a comment\n", "---\n", "{}\n",
                                           "---\n# x\n...\n" };
    struct world            *world     = *state;

    file(world,
         "%YAML 1.1\n---\n\"workers\": '9'\ntrusted-proxies:\n  - 10.0.0.0/8\n  - \"fd00::/8\"\n"
         "read-only: yes\nlog-level: \"debug\" # loud\n");
    load(world);
    assert_int_equal(conf_number(world->conf, CONF_WORKERS), 9);
    CHECK_STR(conf_print(world->conf, CONF_TRUSTED_PROXIES, world->arena), "10.0.0.0/8,fd00::/8");
    assert_true(conf_switch(world->conf, CONF_READ_ONLY));
    CHECK_STR(conf_text(world->conf, CONF_LOG_LEVEL), "debug");

    for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
        conf_unref(&world->conf);
        world->n_args = 0;
        file(world, nothing[i]);
        load(world);
        assert_int_equal(conf_number(world->conf, CONF_WORKERS), 16);
    }
}

void test_conf_file_errors_name_line_and_key(void **state)
{
    static const struct {
        const char *text;
        const char *where;
        const char *why;
    } cases[] = {
        { "\n\nworkers: x\n", "x.yaml:3: workers: ", "\"x\" is not a number between 1 and 256" },
        { "wrokers: 1\n", "x.yaml:1: wrokers: ", "no such setting" },
        { "WORKERS: 1\n", "x.yaml:1: WORKERS: ", "no such setting" },
        { "workers: 1\ndata: x\nworkers: 2\n", "x.yaml:3: workers: ", "line 1 already" },
        { "config: y.yaml\n", "x.yaml:1: config: ", "does not name another" },
        { "http: &a 127.0.0.1:1\n", "x.yaml:1: ", "anchors and aliases" },
        { "http: 127.0.0.1:1\nhttps: *a\n", "x.yaml:2: ", "anchors and aliases" },
        { "&a workers: 1\n", "x.yaml:1: ", "anchors and aliases" },
        { "&a {workers: 1}\n", "x.yaml:1: ", "anchors and aliases" },
        { "http: &a [127.0.0.1:1]\n", "x.yaml:1: ", "anchors and aliases" },
        { "workers: !!int 1\n", "x.yaml:1: ", "tags" },
        { "workers: ! 1\n", "x.yaml:1: ", "tags" },
        { "http: !!seq []\n", "x.yaml:1: ", "tags" },
        { "!!map {workers: 1}\n", "x.yaml:1: ", "tags" },
        { "<<: {workers: 1}\n", "x.yaml:1: <<: ", "no such setting" },
        { "tls-cert: {a: b}\n", "x.yaml:1: tls-cert: ", "not nested" },
        { "http: [{a: b}]\n", "x.yaml:1: http: ", "not nested" },
        { "http: [[127.0.0.1:1]]\n", "x.yaml:1: http: ", "not nested" },
        { "workers: [1]\n", "x.yaml:1: workers: ", "one value, not a list" },
        { "http:\n  - 127.0.0.1:1\n  - nonsense\n",
          "x.yaml:3: http: ", "\"nonsense\" is not ADDR:PORT" },
        { "http: ['127.0.0.1:1,127.0.0.1:2']\n", "x.yaml:1: http: ", "holds a comma" },
        { "workers:\n", "x.yaml:1: workers: ", "has no value" },
        { "workers: ~\n", "x.yaml:1: workers: ", "has no value" },
        { "data: ''\n", "x.yaml:1: data: ", "has no value" },
        { "http: [null]\n", "x.yaml:1: http: ", "has no value" },
        { "data: \"a\\0b\"\n", "x.yaml:1: data: ", "control character" },
        { "data: |\n  two\n  lines\n", "x.yaml:1: data: ", "control character" },
        { "workers: 1\n---\ndata: x\n", "x.yaml:2: ", "one document" },
        { "---\n---\n", "x.yaml:2: ", "one document" },
        { "- workers\n", "x.yaml:1: ", "\"key: value\" lines" },
        { "just text\n", "x.yaml:1: ", "\"key: value\" lines" },
        { "? [a]\n: b\n", "x.yaml:1: ", "a key is a word" },
        { "workers: 1\n  data: x\n", "x.yaml:2: ", "" },
        { "http: [unclosed\n", "x.yaml:2: ", "" },
        { "data: \"\xff\xfe\"\n", "x.yaml:1: ", "" },
    };
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        file(world, cases[i].text);
        check_refused(world, cases[i].where, cases[i].why);
    }

    file_bytes(world, STR("workers: 1\0\n"));
    check_refused(world, "x.yaml:1: ", "");
    file(world, mem_printf(world->arena, "# %070000d\n", 1));
    check_refused(world, "flag --config: ", "larger than 65536 bytes");
}

void test_conf_deep_nesting_is_refused_at_once(void **state)
{
    struct world *world = *state;
    char         *deep  = mem_alloc(world->arena, 60001);

    memset(deep, '[', 60000);
    file(world, mem_printf(world->arena, "http: %s", deep));
    check_refused(world, "x.yaml:1: http: ", "not nested");
}

void test_conf_with_replaces_one_value(void **state)
{
    struct world *world   = *state;
    struct conf  *changed = NULL;

    flag(world, "--http=127.0.0.1:1,127.0.0.1:2");
    flag(world, "--database=postgresql://u:p@h/d");
    load(world);
    CHECK_OK(conf_with(world->conf, CONF_GC_DELAY, STR("0"), &changed, &world->err), &world->err);
    assert_int_equal(conf_number(changed, CONF_GC_DELAY), 0);
    assert_string_equal(conf_origin(changed, CONF_GC_DELAY), "database");
    assert_int_equal(conf_number(world->conf, CONF_GC_DELAY), INT64_C(24) * 3600 * 1000000);

    /* The new one stands by itself. */
    conf_unref(&world->conf);
    CHECK_STR(conf_list(changed, CONF_HTTP, 1), "127.0.0.1:2");
    CHECK_STR(conf_text(changed, CONF_DATABASE), "postgresql://u:p@h/d");
    assert_string_equal(conf_origin(changed, CONF_HTTP), "flag");

    struct conf *again = NULL;
    CHECK_FAILS(conf_with(changed, CONF_PIN_TTL, STR("x"), &again, &world->err), &world->err,
                ERR_INVALID);
    assert_true(str_starts(str_from(world->err.text), STR("setting pin-ttl: \"x\" is not a time")));
    assert_null(again);
    conf_unref(&changed);
}

void test_conf_ref_counts(void **state)
{
    struct world *world = *state;
    struct conf  *mine  = conf_ref((load(world), world->conf));

    conf_unref(&world->conf);
    conf_unref(&world->conf);
    CHECK_STR(conf_text(mine, CONF_DATA), "./data");
    conf_unref(&mine);
}

void test_conf_no_password_is_printed(void **state)
{
    static const char *const urls[] = { "postgres://u:hunter2@h/d",
                                        "postgresql://h/d?password=hunter2", "postgres://hunter2" };
    struct world            *world  = *state;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct buf table;

        world->n_args = 0;
        flag(world, mem_printf(world->arena, "--database=%s", urls[i]));
        load(world);
        buf_init(&table, world->arena, 100000);
        conf_print_table(world->conf, world->arena, &table);
        assert_null(strstr(table.p, "hunter2"));
        assert_non_null(strstr(table.p, "://(set)"));
        conf_unref(&world->conf);
    }

    world->n_args = 0;
    flag(world, "--database=mysql:hunter2");
    CHECK_FAILS(try_load(world), &world->err, ERR_INVALID);
    assert_null(strstr(world->err.text, "hunter2"));
}

/* Every line fits, and how many lines there are. */
static int n_lines_within(struct str text, size_t width)
{
    struct str line;
    int        n = 0;

    while (str_next(&text, '\n', &line)) {
        size_t n_columns = 0;

        for (size_t i = 0; i < line.n; i++)
            n_columns += ((unsigned char)line.p[i] & 0xc0) != 0x80;
        if (n_columns > width)
            fail_msg("%zu columns: " STR_FMT, n_columns, STR_ARGS(line));
        assert_false(str_ends(line, STR(" ")));
        n++;
    }
    return n;
}

void test_conf_table_fits_100_columns_and_leaves_nothing_out(void **state)
{
    struct world *world = *state;
    struct buf    table;

    flag(world, "--tls-cert=/a/very/long/path/that/goes/on/and/on/until/it/is/longer/than/its/"
                "column/c\xc3\xa9.pem");
    file(world,
         "trusted-proxies: [10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12, fd00::/8, fe80::/10]\n");
    load(world);
    buf_init(&table, world->arena, 100000);
    conf_print_table(world->conf, world->arena, &table);
    assert_true(n_lines_within(buf_view(&table), 100) > CONF_N_IDS);
    assert_non_null(strstr(table.p, "10.0.0.0/8,192.168.0.0/16,172.16.0.0/12,fd"));
    assert_non_null(strstr(table.p, "\n                  00::/8,fe80::/10"));
    for (size_t i = 0; i < CONF_N_IDS; i++)
        assert_non_null(strstr(table.p, mem_printf(world->arena, "\n%s ", conf_table[i].key)));
}

void test_conf_help_fits_100_columns_and_names_every_flag(void **state)
{
    struct world *world = *state;
    struct buf    help;

    buf_init(&help, world->arena, 100000);
    conf_print_help(&help);
    n_lines_within(buf_view(&help), 100);
    for (size_t i = 0; i < CONF_N_IDS; i++)
        assert_non_null(strstr(help.p, mem_printf(world->arena, "  --%s", conf_table[i].key)));
}
