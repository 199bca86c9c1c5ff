/* log_test.c: an event is one line, whatever its text holds, and carries the fields of its nodes. */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log_out.h"
#include "check.h"

enum { SEEN_MAX = 65536 };

static char seen[SEEN_MAX];
static int  stderr_kept;
static int  file;

static void listen(enum log_level level, bool json)
{
    char name[] = "/tmp/assay-log-XXXXXX";

    log_init(&(struct log_settings){ .level = level, .json = json });
    fflush(stderr);
    stderr_kept = dup(STDERR_FILENO);
    file        = mkstemp(name);
    assert_true(file >= 0);
    unlink(name);
    dup2(file, STDERR_FILENO);
}

static void hear(void)
{
    log_out_flush();
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    ssize_t size = pread(file, seen, sizeof(seen) - 1, 0);
    close(file);
    assert_true(size >= 0);
    seen[size] = '\0';
}

int log_test_teardown(void **state)
{
    log_init(&(struct log_settings){ .level = LOG_INFO });
    return 0;
}

void test_log_text_names_event_sentence_and_fields(void **state)
{
    const struct log_field request_fields[] = { LOG_T("request", "r1") };
    const struct log_node  request          = { .fields = request_fields, .n_fields = 1 };
    const struct log_field route_fields[]   = { LOG_T("route", "manifest.get") };
    const struct log_node  route = { .parent = &request, .fields = route_fields, .n_fields = 1 };

    listen(LOG_INFO, false);
    log_event(LOG_INFO, &route, "request.done",
              LOG_FIELDS(LOG_I("status", 200), LOG_T("agent", "a b")), "served %s", "a/app");
    hear();
    assert_non_null(strstr(seen, " info request.done: served a/app request=r1 route=manifest.get "
                                 "status=200 agent=\"a b\"\n"));
}

void test_log_json_is_one_object_a_line(void **state)
{
    listen(LOG_INFO, true);
    log_event(LOG_WARNING, NULL, "tls.reloaded", LOG_FIELDS(LOG_S("name", STR("q\"\\\n"))),
              "got \x1b[2J");
    hear();
    assert_non_null(strstr(seen,
                           "\"level\":\"warning\",\"event\":\"tls.reloaded\","
                           "\"message\":\"got \\u001b[2J\",\"name\":\"q\\\"\\\\\\u000a\"}\n"));
}

void test_log_a_line_stays_one_line(void **state)
{
    listen(LOG_INFO, false);
    log_event(LOG_ERROR, NULL, "x", LOG_FIELDS(LOG_T("name", "a\r\n2020 info forged")), "b\nc");
    hear();
    assert_ptr_equal(strchr(seen, '\n'), seen + strlen(seen) - 1);
    assert_null(strchr(seen, '\r'));
}

void test_log_long_values_are_cut(void **state)
{
    char *value = mem_new_bytes(100000);

    memset(value, 'v', 99999);
    listen(LOG_INFO, false);
    log_event(LOG_INFO, NULL, "x", LOG_FIELDS(LOG_T("a", value), LOG_T("b", "kept")), "%s", value);
    hear();
    assert_true(strlen(seen) < 8192);
    assert_non_null(strstr(seen, "b=kept\n"));
    mem_free(value);
}

void test_log_the_level_decides(void **state)
{
    listen(LOG_WARNING, false);
    log_event(LOG_INFO, NULL, "x", LOG_NO_FIELDS, "quiet");
    log_event(LOG_WARNING, NULL, "x", LOG_NO_FIELDS, "loud");
    hear();
    assert_null(strstr(seen, "quiet"));
    assert_non_null(strstr(seen, "loud"));
    assert_false(log_wants(LOG_DEBUG));
    assert_true(log_wants(LOG_ERROR));
}

void test_log_a_full_line_is_still_one_object(void **state)
{
    char value[1500];

    memset(value, 1, sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    listen(LOG_INFO, true);
    log_event(LOG_INFO, NULL, "x",
              LOG_FIELDS(LOG_T("first", value), LOG_T("second", value), LOG_I("third", 3)), "%s",
              "sentence");
    hear();
    assert_non_null(strstr(seen, ",\"first\":\"\\u0001"));
    assert_null(strstr(seen, "\"second\""));
    assert_non_null(strstr(seen, "\\u0001\",\"third\":3}\n"));
}
