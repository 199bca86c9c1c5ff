/* webhook_test.c: an event reaches the queues of those who asked for it and came before it; an endpoint is worked on by
 * one worker at a time, in order; what stops a subscription remembers from where it heard nothing. */
#include "meta/webhook.h"

#include "fixture.h"
#include "meta/event.h"
#include "meta/webhook_queue.h"

#define LEASE_US INT64_C(60000000)

int webhook_test_setup(void **state)
{
    return fixture_open(state);
}

int webhook_test_teardown(void **state)
{
    return fixture_close(state);
}

static int64_t endpoint(struct fixture *f, const char *url)
{
    struct meta_endpoint endpoint = { .namespace_id = f->account,
                                      .url          = str_from(url),
                                      .tls_cert     = STR("") };
    int64_t              id;

    CHECK_OK(meta_endpoint_ensure(f->tx, &endpoint, &id, &f->err), &f->err);
    return id;
}

static int64_t subscribe(struct fixture *f, const char *url, const char *type, const char *key)
{
    static int          n    = 0;
    struct meta_webhook hook = {
        .uuid         = str_from(mem_printf(f->arena, "hook-%d", ++n)),
        .endpoint_id  = endpoint(f, url),
        .type         = str_from(type),
        .key          = str_from(key),
        .namespace_id = key[0] == '\0' ? 0 : f->account,
        .repo_id      = strchr(key, '/') == NULL ? 0 : f->repo,
        .shape        = STR("dtr"),
        .author_id    = f->account,
    };
    int64_t id;

    CHECK_OK(meta_webhook_add(f->tx, &hook, &id, &f->err), &f->err);
    return id;
}

/* An event in the outbox, and its way into the queues: how many. */
static size_t happen(struct fixture *f, const char *tag)
{
    struct meta_actor actor = { .kind = "user", .account_id = f->account, .request_id = STR("r") };
    struct meta_event event = { .type        = "TAG_PUSH",
                                .repo_id     = f->repo,
                                .path        = STR("admin/app"),
                                .object_kind = "tag",
                                .object_name = str_from(tag) };
    struct meta_event_row *rows;
    int64_t               *endpoints;
    size_t                 n_rows, n;

    CHECK_OK(meta_event_add(f->tx, &actor, &event, &f->err), &f->err);
    CHECK_OK(meta_hook_past(f->tx, f->arena, 0, 1000, &rows, &n_rows, &f->err), &f->err);
    CHECK_OK(meta_hook_fan_out(f->tx, f->arena, STR("TAG_PUSH"), STR("admin"), &rows[n_rows - 1],
                               &endpoints, &n, &f->err),
             &f->err);
    for (size_t i = 0; i < n; i++)
        CHECK_OK(meta_hook_wake(f->tx, endpoints[i], &f->err), &f->err);
    return n;
}

static int take(struct fixture *f, struct meta_hook_taken *out)
{
    return meta_hook_take(f->tx, f->arena, STR("node"), LEASE_US, 1, out, &f->err);
}

static size_t waiting(struct fixture *f, int64_t endpoint_id, struct meta_hook_call **out)
{
    size_t n;

    CHECK_OK(meta_hook_page(f->tx, f->arena, endpoint_id, 100, out, &n, &f->err), &f->err);
    return n;
}

void test_webhook_scope_and_type_say_who_is_told(void **state)
{
    struct fixture *f = *state;

    subscribe(f, "https://a/", "TAG_PUSH", "admin/app");
    subscribe(f, "https://b/", "TAG_PUSH", "admin");
    subscribe(f, "https://c/", "ANY", "");
    subscribe(f, "https://d/", "TAG_DELETE", "admin/app");
    subscribe(f, "https://e/", "TAG_PUSH", "admin/app2");
    assert_int_equal(happen(f, "v1"), 3);
}

void test_webhook_is_not_told_of_what_was_before_it(void **state)
{
    struct fixture        *f = *state;
    struct meta_event_row *rows;
    int64_t               *endpoints;
    size_t                 n_rows, n;

    happen(f, "v1");
    subscribe(f, "https://a/", "TAG_PUSH", "admin/app");
    CHECK_OK(meta_hook_past(f->tx, f->arena, 0, 10, &rows, &n_rows, &f->err), &f->err);
    CHECK_OK(meta_hook_fan_out(f->tx, f->arena, STR("TAG_PUSH"), STR("admin"), &rows[0], &endpoints,
                               &n, &f->err),
             &f->err);
    assert_int_equal(n, 0);
}

void test_webhook_endpoint_is_taken_once_and_in_order(void **state)
{
    struct fixture         *f    = *state;
    int64_t                 hook = subscribe(f, "https://a/", "TAG_PUSH", "admin/app");
    struct meta_hook_taken  taken, again;
    struct meta_hook_call  *calls;
    struct meta_hook_result done = { .attempt = 1, .at = 5, .is_done = 1, .failure = STR("") };

    assert_int_equal(take(f, &taken), 0);
    happen(f, "v1");
    happen(f, "v2");
    assert_int_equal(take(f, &taken), 1);
    assert_int_equal(take(f, &again), 0);
    assert_int_equal(waiting(f, taken.endpoint_id, &calls), 2);
    CHECK_STR(calls[0].object_name, "v1");
    CHECK_STR(calls[1].object_name, "v2");
    assert_int_equal(calls[0].webhook_id, hook);

    CHECK_OK(meta_hook_guard(f->tx, taken.endpoint_id, taken.fence, &f->err), &f->err);
    CHECK_OK(meta_hook_record(f->tx, &calls[0], &done, &f->err), &f->err);
    CHECK_OK(meta_hook_release(f->tx, taken.endpoint_id, taken.fence, db_now(f->tx), 0, 0, &f->err),
             &f->err);
    assert_int_equal(waiting(f, taken.endpoint_id, &calls), 1);
    assert_int_equal(take(f, &again), 1);
    CHECK_FAILS(meta_hook_guard(f->tx, taken.endpoint_id, taken.fence, &f->err), &f->err,
                ERR_CONFLICT);

    CHECK_OK(meta_hook_record(f->tx, &calls[0], &done, &f->err), &f->err);
    CHECK_OK(meta_hook_release(f->tx, again.endpoint_id, again.fence, db_now(f->tx), 0, 0, &f->err),
             &f->err);
    assert_int_equal(take(f, &again), 0);
}

void test_webhook_slow_endpoints_can_be_left_out(void **state)
{
    struct fixture        *f = *state;
    struct meta_hook_taken taken;

    subscribe(f, "https://a/", "TAG_PUSH", "admin/app");
    happen(f, "v1");
    assert_int_equal(take(f, &taken), 1);
    CHECK_OK(meta_hook_release(f->tx, taken.endpoint_id, taken.fence, db_now(f->tx), 1, 1, &f->err),
             &f->err);
    assert_int_equal(meta_hook_take(f->tx, f->arena, STR("node"), LEASE_US, 0, &taken, &f->err), 0);
    assert_int_equal(take(f, &taken), 1);
    assert_int_equal(taken.failures, 1);
}

void test_webhook_stopped_remembers_what_it_missed(void **state)
{
    struct fixture        *f    = *state;
    int64_t                hook = subscribe(f, "https://a/", "TAG_PUSH", "admin/app");
    struct meta_hook_call *calls;
    struct meta_webhook    row;

    happen(f, "v1");
    happen(f, "v2");
    waiting(f, endpoint(f, "https://a/"), &calls);
    CHECK_OK(meta_webhook_stop(f->tx, hook, "failures", &f->err), &f->err);
    assert_int_equal(meta_webhook_find_id(f->tx, f->arena, hook, &row, &f->err), 1);
    CHECK_STR(row.stopped, "failures");
    assert_int_equal(row.missed_from, calls[0].event_id);
    assert_int_equal(waiting(f, row.endpoint_id, &calls), 0);
    assert_int_equal(happen(f, "v3"), 0);

    CHECK_OK(meta_webhook_start(f->tx, hook, &f->err), &f->err);
    assert_int_equal(happen(f, "v4"), 1);
}

void test_webhook_goes_with_its_repository(void **state)
{
    struct fixture     *f    = *state;
    int64_t             hook = subscribe(f, "https://a/", "TAG_PUSH", "admin/app");
    struct meta_webhook row;
    int64_t             other = subscribe(f, "https://a/", "TAG_PUSH", "admin");

    happen(f, "v1");
    CHECK_OK(meta_webhook_remove_of_repo(f->tx, f->repo, &f->err), &f->err);
    assert_int_equal(meta_webhook_find_id(f->tx, f->arena, hook, &row, &f->err), 0);
    assert_int_equal(meta_webhook_find_id(f->tx, f->arena, other, &row, &f->err), 1);
    CHECK_OK(meta_endpoint_drop(f->tx, row.endpoint_id, &f->err), &f->err);
    assert_int_equal(meta_webhook_find_id(f->tx, f->arena, other, &row, &f->err), 1);
}

void test_webhook_same_address_and_trust_share_a_queue(void **state)
{
    struct fixture      *f        = *state;
    struct meta_endpoint trusting = {
        .namespace_id = f->account, .url = STR("https://a/"), .tls_cert = STR(""), .skip_tls = 1
    };
    int64_t id;

    assert_int_equal(endpoint(f, "https://a/"), endpoint(f, "https://a/"));
    CHECK_OK(meta_endpoint_ensure(f->tx, &trusting, &id, &f->err), &f->err);
    assert_int_not_equal(id, endpoint(f, "https://a/"));
}
