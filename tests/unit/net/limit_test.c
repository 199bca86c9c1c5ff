/* limit: places in all and to each origin, and rest for those that do not answer. */
#include "net/limit.h"

#include <pthread.h>

#include "check.h"

#define SECOND_US INT64_C(1000000)

static struct net_limit *limit;
static struct err        err;

int limit_test_setup(void **state)
{
    limit = net_limit_new(4, 2);
    return 0;
}

int limit_test_teardown(void **state)
{
    net_limit_free(&limit);
    return 0;
}

static void enter(const char *origin)
{
    CHECK_OK(net_limit_enter(limit, str_from(origin), 0, &err), &err);
}

static void leave(const char *origin, enum net_limit_end how)
{
    net_limit_leave(limit, str_from(origin), how);
}

void test_limit_of_an_origin_and_of_all(void **state)
{
    enter("a");
    enter("a");
    CHECK_FAILS(net_limit_enter(limit, STR("a"), 0, &err), &err, ERR_TOO_MANY);
    enter("b");
    enter("c");
    CHECK_FAILS(net_limit_enter(limit, STR("d"), 0, &err), &err, ERR_TOO_MANY);
    leave("a", NET_LIMIT_ANSWERED);
    enter("d");
    leave("a", NET_LIMIT_ANSWERED);
    leave("b", NET_LIMIT_ANSWERED);
    leave("c", NET_LIMIT_ANSWERED);
    leave("d", NET_LIMIT_ANSWERED);
}

static void *wait_for_place(void *context)
{
    struct err *said = context;

    if (net_limit_enter(limit, STR("a"), 60 * SECOND_US, said) == 0)
        said->kind = ERR_NONE;
    return NULL;
}

void test_limit_place_comes_free(void **state)
{
    struct err said = { .kind = ERR_INTERNAL };
    pthread_t  thread;

    enter("a");
    enter("a");
    assert_int_equal(pthread_create(&thread, NULL, wait_for_place, &said), 0);
    leave("a", NET_LIMIT_ANSWERED);
    pthread_join(thread, NULL);
    assert_int_equal(said.kind, ERR_NONE);
    leave("a", NET_LIMIT_ANSWERED);
    leave("a", NET_LIMIT_ANSWERED);
}

void test_limit_origin_that_does_not_answer_rests(void **state)
{
    for (int i = 0; i < 3; i++) {
        enter("dead");
        leave("dead", NET_LIMIT_FAILED);
    }
    CHECK_FAILS(net_limit_enter(limit, STR("dead"), 0, &err), &err, ERR_UNAVAILABLE);
    enter("alive");
    leave("alive", NET_LIMIT_ANSWERED);
}

void test_limit_answer_ends_the_row(void **state)
{
    for (int i = 0; i < 9; i++) {
        enter("so-so");
        leave("so-so", i % 3 == 2 ? NET_LIMIT_ANSWERED : NET_LIMIT_FAILED);
    }
    enter("so-so");
    leave("so-so", NET_LIMIT_UNKNOWN);
}
