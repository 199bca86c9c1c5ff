/* api/ops.c: what operators and balancers ask: alive, ready, metrics, the CA to trust. */
#include "api/api_private.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "db/db.h"
#include "work/collect.h"
#include "work/damage.h"
#include "work/scrub.h"
#include "work/work.h"

enum { METRICS_MAX = 1024 * 1024 };

/* What probes are told. Their answers are constant texts, for they come by the thousand; the tables describe
 * them. */
struct probe {
    struct str error;
    bool       is_well;
};

struct info {
    struct str version;
    struct str user;
    bool       is_admin;
    struct str method;
};

/* clang-format off */
static const struct json_field ping_fields[] = {
    { .name = "Error",   .kind = JSON_STRING, .offset = JSON_AT(struct probe, error, struct str) },
    { .name = "Healthy", .kind = JSON_BOOL,   .offset = JSON_AT(struct probe, is_well, bool) },
};

static const struct json_table ping_table = {
    .name = "health", .size = sizeof(struct probe), .fields = ping_fields, .n_fields = ARRAY_LEN(ping_fields),
};

static const struct json_field live_fields[] = {
    { .name = "live", .kind = JSON_BOOL, .offset = JSON_AT(struct probe, is_well, bool) },
};

static const struct json_table live_table = {
    .name = "liveness", .size = sizeof(struct probe), .fields = live_fields, .n_fields = ARRAY_LEN(live_fields),
};

static const struct json_field ready_fields[] = {
    { .name = "ready", .kind = JSON_BOOL, .offset = JSON_AT(struct probe, is_well, bool) },
};

static const struct json_table ready_table = {
    .name = "readiness", .size = sizeof(struct probe), .fields = ready_fields, .n_fields = ARRAY_LEN(ready_fields),
};

static const struct json_field info_fields[] = {
    { .name = "CurrentVersion", .kind = JSON_STRING, .offset = JSON_AT(struct info, version, struct str) },
    { .name = "User",           .kind = JSON_STRING, .offset = JSON_AT(struct info, user, struct str) },
    { .name = "IsAdmin",        .kind = JSON_BOOL,   .offset = JSON_AT(struct info, is_admin, bool) },
    { .name = "AuthnMethod",    .kind = JSON_STRING, .offset = JSON_AT(struct info, method, struct str) },
};

static const struct json_table info_table = {
    .name = "basic info", .size = sizeof(struct info), .fields = info_fields, .n_fields = ARRAY_LEN(info_fields),
};
/* clang-format on */

static int ping_fast(struct api_call *call, struct err *err)
{
    bool is_ready = atomic_load(&call->api->is_ready);

    (void)err;
    api_reply_json(call, is_ready ? 200 : 503,
                   is_ready ? STR("{\"Error\":\"\",\"Healthy\":true}")
                            : STR("{\"Error\":\"not ready\",\"Healthy\":false}"));
    return 1;
}

static int ping(struct api_call *call, struct err *err)
{
    ping_fast(call, err);
    return 0;
}

/* The event loop moves: nothing else is asked, so that a database outage restarts nobody. */
static int live_fast(struct api_call *call, struct err *err)
{
    (void)err;
    api_reply_json(call, 200, STR("{\"live\":true}"));
    return 1;
}

static int live(struct api_call *call, struct err *err)
{
    live_fast(call, err);
    return 0;
}

static int ready_fast(struct api_call *call, struct err *err)
{
    bool is_ready = atomic_load(&call->api->is_ready);

    (void)err;
    api_reply_json(call, is_ready ? 200 : 503,
                   is_ready ? STR("{\"ready\":true}") : STR("{\"ready\":false}"));
    return 1;
}

static int ready(struct api_call *call, struct err *err)
{
    ready_fast(call, err);
    return 0;
}

/* Damage and the scrub are the registry's and not the process's, so they come from the database; when that is
 * away, these metrics are. */
static void print_damage(struct work *work, struct buf *out)
{
    static const char *const passes[] = { "size", "hash", "manifest" };
    int64_t                  n, at;
    struct err               ignored;

    if (work_damage_count(work, &n, &ignored) < 0)
        return;
    buf_printf(out,
               "# HELP assay_damaged_objects Blobs and manifests that are known to be damaged.\n"
               "# TYPE assay_damaged_objects gauge\nassay_damaged_objects %lld\n"
               "# HELP assay_scrub_finished_timestamp_seconds When a pass last ended; 0: never.\n"
               "# TYPE assay_scrub_finished_timestamp_seconds gauge\n",
               (long long)n);
    for (size_t i = 0; i < ARRAY_LEN(passes); i++) {
        if (work_scrub_finished(work, passes[i], &at, &ignored) == 0)
            buf_printf(out, "assay_scrub_finished_timestamp_seconds{scrub=\"%s\"} %lld\n",
                       passes[i], (long long)(at / 1000000));
    }
}

/* Of this process since it started: the sum over the nodes is the registry's. */
static void print_collection(struct work *work, struct buf *out)
{
    struct work_collect_counts counts;

    work_collect_counts(work, &counts);
    const struct {
        const char *name, *type, *help;
        int64_t     value;
    } rows[] = {
        { "reviews_total", "counter", "Things that collection looked at.", counts.n_reviews },
        { "manifests_total", "counter", "Manifests that it took away.", counts.n_manifests },
        { "blobs_total", "counter", "Blobs that it took away.", counts.n_blobs },
        { "objects_total", "counter", "Objects that it removed from the storage.",
          counts.n_objects },
        { "freed_bytes_total", "counter", "Bytes of them.", counts.object_bytes },
        { "failures_total", "counter", "Reviews and removals that failed; they are repeated.",
          counts.n_failed + counts.n_stuck },
        { "held", "gauge", "1: a brake held the last run.", counts.is_held },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        buf_printf(
            out, "# HELP assay_collect_%s %s\n# TYPE assay_collect_%s %s\nassay_collect_%s %lld\n",
            rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
            (long long)rows[i].value);
}

int api_metrics(struct api_call *call, struct err *err)
{
    struct http_server_counts counts     = { 0 };
    struct db_counts          database   = { 0 };
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
    db_counts(work_db(call->work), &database);
    api_metrics_print_database(&database, &body);
    print_damage(call->work, &body);
    print_collection(call->work, &body);
    if (buf_finish(&body, &text, err) < 0)
        return -1;
    api_reply_start(call, 200);
    http_reply_header(call->req, "Content-Type", STR("text/plain; version=0.0.4; charset=utf-8"));
    http_reply_bytes(call->req, text);
    return 0;
}

/* The counters of nginx's stub_status, which monitoring of DTR reads. */
static int front_status(struct api_call *call, struct err *err)
{
    struct http_server_counts counts = { 0 };

    (void)err;
    if (call->api->server != NULL)
        http_server_counts(call->api->server, &counts);

    long long open = (long long)counts.connections, requests = (long long)counts.requests;
    long long busy = (long long)(counts.in_workers + counts.queued);
    api_reply_start(call, 200);
    http_reply_header(call->req, "Content-Type", STR("text/plain; charset=utf-8"));
    http_reply_bytes(
        call->req,
        str_from(mem_printf(call->arena,
                            "Active connections: %lld \n"
                            "server accepts handled requests\n %lld %lld %lld \n"
                            "Reading: %lld Writing: %lld Waiting: %lld \n",
                            open, (long long)counts.accepted, (long long)counts.accepted, requests,
                            (long long)counts.streams, busy, open > busy ? open - busy : 0)));
    return 0;
}

/* Who am I, as whom? The version is for those who have an account. */
static int basic_info(struct api_call *call, struct err *err)
{
    bool              is_known = call->caller.kind == AUTH_ACCOUNT;
    struct info       info     = { .version = STR(""), .user = STR(""), .method = STR("") };
    enum auth_verdict verdict  = AUTH_YES;

    if (is_known && auth_ping_open(call->auth, call->arena, &call->caller, &verdict, err) < 0)
        return -1;
    if (call->has_bad_credentials || verdict != AUTH_YES) {
        api_reply_verdict(call, AUTH_NO_CREDENTIALS);
        return 0;
    }
    /* A token does not say it, and it may have changed since. */
    if (is_known && auth_instance_open(call->auth, &call->caller, &verdict, err) < 0)
        return -1;
    if (is_known)
        info = (struct info){
            .version  = STR(ASSAY_VERSION),
            .user     = str_from(call->caller.name),
            .is_admin = verdict == AUTH_YES,
            .method   = str_from(api_authn_method(call)),
        };
    return api_reply_value(call, &info, err);
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

static const int not_ready[] = { 503, 0 };
static const int refused[]   = { 401, 0 };
static const int absent[]    = { 404, 0 };

/* clang-format off */
const struct api_route api_ops_routes[] = {
    { .name = "ops.ping",    .method = HTTP_GET, .path = "/_ping",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "Is this node healthy?", .gives = &ping_table, .also = not_ready,
      .fast = ping_fast, .run = ping },
    { .name = "ops.health",  .method = HTTP_GET, .path = "/health",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "Is this node healthy?", .gives = &ping_table, .also = not_ready,
      .fast = ping_fast, .run = ping },
    { .name = "ops.balance", .method = HTTP_GET, .path = "/load_balancer_status",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "Is this node healthy?", .gives = &ping_table, .also = not_ready,
      .fast = ping_fast, .run = ping },
    { .name = "ops.front",   .method = HTTP_GET, .path = "/nginx_status",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "Counters of connections, as nginx tells them", .sends = "text/plain",
      .run = front_status },
    { .name = "ops.info",    .method = HTTP_GET, .path = "/basic_info",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "Who is calling", .gives = &info_table, .also = refused,
      .takes_session = true,
      .run = basic_info },
    { .name = "ops.live",    .method = HTTP_GET, .path = "/livez",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "Does this process move?", .gives = &live_table,
      .fast = live_fast, .run = live },
    { .name = "ops.ready",   .method = HTTP_GET, .path = "/readyz",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "Does this node want requests?", .gives = &ready_table, .also = not_ready,
      .fast = ready_fast, .run = ready },
    { .name = "ops.metrics", .method = HTTP_GET, .path = "/metrics",
      .may = API_MAY_INSTANCE, .family = API_MANAGEMENT, .says = "The metrics of this node, in the text form of Prometheus",
      .sends = "text/plain",
      .run = api_metrics },
    { .name = "ops.ca",      .method = HTTP_GET, .path = "/ca",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "The certificate of this registry's own CA", .sends = "application/x-pem-file", .also = absent,
      .run = get_ca },
    { 0 },
};
/* clang-format on */
