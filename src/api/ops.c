/* api/ops.c: what operators and balancers ask: alive, ready, metrics, the CA to trust. */
#include "api/api_private.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "codec/json_write.h"
#include "work/work.h"

enum { METRICS_MAX = 1024 * 1024 };

static bool ping_fast(struct api_call *call)
{
    bool is_ready = atomic_load(&call->api->is_ready);

    api_reply_json(call, is_ready ? 200 : 503,
                   is_ready ? STR("{\"Error\":\"\",\"Healthy\":true}")
                            : STR("{\"Error\":\"not ready\",\"Healthy\":false}"));
    return true;
}

static int ping(struct api_call *call, struct err *err)
{
    (void)err;
    ping_fast(call);
    return 0;
}

/* The event loop moves: nothing else is asked, so that a database outage restarts nobody. */
static bool live_fast(struct api_call *call)
{
    api_reply_json(call, 200, STR("{\"live\":true}"));
    return true;
}

static int live(struct api_call *call, struct err *err)
{
    (void)err;
    live_fast(call);
    return 0;
}

static bool ready_fast(struct api_call *call)
{
    bool is_ready = atomic_load(&call->api->is_ready);

    api_reply_json(call, is_ready ? 200 : 503,
                   is_ready ? STR("{\"ready\":true}") : STR("{\"ready\":false}"));
    return true;
}

static int ready(struct api_call *call, struct err *err)
{
    (void)err;
    ready_fast(call);
    return 0;
}

static int metrics(struct api_call *call, struct err *err)
{
    struct http_server_counts counts     = { 0 };
    int64_t                   space_free = 0, space_total = 0;
    struct buf                body;
    struct str                text;
    struct err                ignored; /* a store without a size has no such metric */

    if (call->api->server != NULL)
        http_server_counts(call->api->server, &counts);
    if (blob_space(work_store(call->work), &space_free, &space_total, &ignored) < 0)
        space_total = 0;

    buf_init(&body, call->arena, METRICS_MAX);
    api_metrics_print(call->api->metrics, &counts, space_free, space_total, &body);
    if (buf_finish(&body, &text, err) < 0)
        return -1;
    api_reply_start(call, 200);
    http_reply_header(call->req, "Content-Type", STR("text/plain; version=0.0.4; charset=utf-8"));
    http_reply_bytes(call->req, text);
    return 0;
}

static int get_ca(struct api_call *call, struct err *err)
{
    struct str pem = call->api->settings.ca_pem;

    if (pem.p == NULL)
        return err_set(err, ERR_NOT_FOUND, "this registry has no CA of its own");
    api_reply_start(call, 200);
    http_reply_header(call->req, "Content-Type", STR("application/x-pem-file"));
    http_reply_bytes(call->req, pem);
    return 0;
}

/* clang-format off */
const struct api_route api_ops_routes[] = {
    { .name = "ops.ping",    .method = HTTP_GET, .path = "/_ping",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT,
      .fast = ping_fast, .run = ping },
    { .name = "ops.live",    .method = HTTP_GET, .path = "/livez",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT,
      .fast = live_fast, .run = live },
    { .name = "ops.ready",   .method = HTTP_GET, .path = "/readyz",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT,
      .fast = ready_fast, .run = ready },
    { .name = "ops.metrics", .method = HTTP_GET, .path = "/metrics",
      .may = API_MAY_INSTANCE, .family = API_MANAGEMENT,
      .run = metrics },
    { .name = "ops.ca",      .method = HTTP_GET, .path = "/ca",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT,
      .run = get_ca },
    { 0 },
};
/* clang-format on */
