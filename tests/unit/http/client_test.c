/* client_test.c: what a request says of its client and its scheme counts from a trusted peer only. */
#include <stdio.h>

#include "rig.h"

static struct rig_answer answer;

static void ask_facts(const char *trusted, const char *headers)
{
    struct rig *rig = rig_start(NULL, trusted, 0);
    char        text[512];

    snprintf(text, sizeof(text), "GET /facts HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    rig_ask(rig, text, &answer);
    assert_int_equal(answer.status, 200);
    rig_stop(&rig);
}

void test_only_trusted_peers_are_believed(void **state)
{
    const char *headers = "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n";

    (void)state;
    ask_facts(NULL, headers);
    assert_non_null(strstr(answer.body, "\nclient 127.0.0.1\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
    ask_facts("10.0.0.0/8", headers);
    assert_non_null(strstr(answer.body, "\nclient 127.0.0.1\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
    ask_facts("127.0.0.0/8", headers);
    assert_non_null(strstr(answer.body, "\npeer 127.0.0.1\nclient 192.0.2.9\n"));
    assert_non_null(strstr(answer.body, "\ntls 1\n"));
    ask_facts("127.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n"
                             "X-Forwarded-Proto: https, http\r\n");
    assert_non_null(strstr(answer.body, "\nclient 192.0.2.2\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
    ask_facts("127.0.0.0/8", "X-Real-IP: 192.0.2.1\r\nForwarded: for=192.0.2.2;proto=https\r\n");
    assert_non_null(strstr(answer.body, "\nclient 127.0.0.1\n"));
    assert_non_null(strstr(answer.body, "\ntls 0\n"));
}
