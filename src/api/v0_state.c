/* api/v0_state.c: the state of the registry in DTR's words: what is wrong, and which nodes there are. */
#include "api/api_private.h"
#include "api/host.h"
#include "api/list.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "work/cluster.h"
#include "work/job.h"
#include "work/work.h"

enum { MAP_MAX = 256 * 1024 };

struct alert {
    struct str message;
    struct str class;
    struct str id;
};

struct cluster {
    struct str gc_lock_holder;
    struct str health;
    struct str readonly;
    struct str seen_at;
    struct str system_tables;
};

/* clang-format off */
static const struct json_field alert_fields[] = {
    { .name = "message", .kind = JSON_STRING, .offset = JSON_AT(struct alert, message, struct str) },
    { .name = "class",   .kind = JSON_STRING, .offset = JSON_AT(struct alert, class, struct str) },
    { .name = "id",      .kind = JSON_STRING, .offset = JSON_AT(struct alert, id, struct str) },
};
static const struct json_table alert_table = {
    .name = "Alert", .size = sizeof(struct alert), .fields = alert_fields, .n_fields = ARRAY_LEN(alert_fields),
};

static const struct json_field cluster_fields[] = {
    { .name = "gc_lock_holder",        .kind = JSON_STRING, .offset = JSON_AT(struct cluster, gc_lock_holder, struct str) },
    { .name = "replica_health",        .kind = JSON_RAW,    .offset = JSON_AT(struct cluster, health, struct str) },
    { .name = "replica_readonly",      .kind = JSON_RAW,    .offset = JSON_AT(struct cluster, readonly, struct str) },
    { .name = "replica_timestamp",     .kind = JSON_RAW,    .offset = JSON_AT(struct cluster, seen_at, struct str) },
    { .name = "rethink_system_tables", .kind = JSON_RAW,    .offset = JSON_AT(struct cluster, system_tables, struct str) },
};
static const struct json_table cluster_table = {
    .name = "ClusterStatus", .size = sizeof(struct cluster), .fields = cluster_fields, .n_fields = ARRAY_LEN(cluster_fields),
};
/* clang-format on */

/* -- alerts ------------------------------------------------------------------------------------------- */

static int write_alert(void *context, const struct api_alert *found, struct err *err)
{
    struct json_write *w = api_list_item(context, err);
    struct alert alert   = { .message = found->message, .class = found->weight, .id = found->id };

    if (w == NULL)
        return -1;
    json_write_table(w, &alert_table, &alert);
    return 0;
}

static int get_alerts(struct api_call *call, struct err *err)
{
    const struct api_host *host = call->api->settings.host;
    struct api_list       *list = api_list_begin(call, NULL);

    if (host->alerts(host->node, write_alert, list, err) < 0)
        return -1;
    return api_list_reply(list, err);
}

/* -- nodes -------------------------------------------------------------------------------------------- */

struct nodes {
    struct api_call        *call;
    const struct meta_node *list;
    size_t                  n;
    int64_t                 now;
};

static void write_health(const struct nodes *nodes, const struct meta_node *node,
                         struct json_write *w)
{
    if (nodes->now - node->seen_at <= WORK_SILENT_US)
        json_write_text(w, "OK");
    else
        json_write_str(w,
                       str_from(mem_printf(nodes->call->arena, "silent since " STR_FMT,
                                           STR_ARGS(api_time(nodes->call->arena, node->seen_at)))));
}

static void write_readonly(const struct nodes *nodes, const struct meta_node *node,
                           struct json_write *w)
{
    (void)node;
    json_write_bool(w, work_policy(nodes->call->work)->is_read_only);
}

static void write_seen(const struct nodes *nodes, const struct meta_node *node,
                       struct json_write *w)
{
    json_write_str(w, api_time(nodes->call->arena, node->seen_at));
}

static struct str print_map(const struct nodes *nodes,
                            void (*write)(const struct nodes *nodes, const struct meta_node *node,
                                          struct json_write *w))
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, nodes->call->arena, MAP_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    for (size_t i = 0; i < nodes->n; i++) {
        json_write_key_str(&w, nodes->list[i].id);
        write(nodes, &nodes->list[i], &w);
    }
    json_write_end(&w);
    return buf_view(&text);
}

static int get_cluster(struct api_call *call, struct err *err)
{
    struct nodes      nodes = { .call = call };
    struct meta_node *list;
    struct str        collector;

    if (work_cluster_list(call->work, call->arena, &list, &nodes.n, &nodes.now, err) < 0 ||
        work_collector(call->work, call->arena, &collector, err) < 0)
        return -1;
    nodes.list             = list;
    struct cluster cluster = {
        .gc_lock_holder = collector, /* it stops nobody, but this is who does it */
        .health         = print_map(&nodes, write_health),
        .readonly       = print_map(&nodes, write_readonly),
        .seen_at        = print_map(&nodes, write_seen),
        .system_tables  = STR("{}"), /* of a database that is not here */
    };
    return api_reply_value(call, &cluster, err);
}

/* clang-format off */
const struct api_route api_v0_state_routes[] = {
    { .name = "meta.alerts",         .method = HTTP_GET, .path = "/api/v0/meta/alerts",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "What a person should look at",
      .gives = &alert_table, .list = "",
      .run = get_alerts },
    { .name = "meta.cluster_status", .method = HTTP_GET, .path = "/api/v0/meta/cluster_status",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "The nodes of this registry",
      .gives = &cluster_table,
      .run = get_cluster },
    { 0 },
};
/* clang-format on */
