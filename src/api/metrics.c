/* api/metrics.c: counters by route and class of status, and the numbers of the process. */
#include "api/metrics.h"

#include <stdatomic.h>
#include <unistd.h>

#include "api/call.h"
#include "base/mem.h"
#include "db/db.h"
#include "http/server.h"
#include "io/file.h"

enum { N_CLASSES = 5, STATUS_A_CLASS = 100 };

struct route_counts {
    const struct api_route *route;               /* null: paths that are nobody's */
    _Atomic(int64_t)        requests[N_CLASSES]; /* 1xx … 5xx */
    _Atomic(int64_t)        duration_us;
    _Atomic(int64_t)        bytes_in;
    _Atomic(int64_t)        bytes_out;
};

struct api_metrics {
    size_t               n_routes;
    struct route_counts *routes; /* the last is that of unknown paths */
    _Atomic(int64_t)     plain[API_N_METRICS];
};

/* clang-format off */
static const struct { const char *name, *help; } plain_rows[API_N_METRICS] = {
    [API_LOGIN_OK]      = { "assay_logins_total",          "Log-ins by password that succeeded." },
    [API_LOGIN_FAILED]  = { "assay_logins_failed_total",   "Log-ins by password that failed." },
    [API_TOKENS_ISSUED] = { "assay_tokens_issued_total",   "Tokens issued by the token service." },
    [API_RATE_LIMITED]  = { "assay_rate_limited_total",    "Requests refused by a limit of account, token or network." },
};

static const struct {
    const char *name, *type, *help;
    size_t      offset;
} server_rows[] = {
    { "assay_connections",            "gauge",   "Open connections.",                            offsetof(struct http_server_counts, connections) },
    { "assay_requests_refused_total", "counter", "Requests that the header gate refused.",       offsetof(struct http_server_counts, refused_by_gate) },
    { "assay_requests_busy_total",    "counter", "Requests refused because no worker was free.", offsetof(struct http_server_counts, refused_busy) },
    { "assay_requests_timeout_total", "counter", "Connections ended by a deadline.",             offsetof(struct http_server_counts, timed_out) },
    { "assay_workers_busy",           "gauge",   "Requests that a worker is at.",                offsetof(struct http_server_counts, in_workers) },
    { "assay_workers_queue",          "gauge",   "Requests waiting for a worker.",               offsetof(struct http_server_counts, queued) },
    { "assay_streams",                "gauge",   "Bodies being received in pieces.",             offsetof(struct http_server_counts, streams) },
};

static const struct {
    const char *name, *type, *help;
    size_t      offset;
    bool        is_of_pool;
} database_rows[] = {
    { "assay_database_transactions_total",     "counter", "Transactions with changes that were committed.",                offsetof(struct db_counts, n_transactions), false },
    { "assay_database_commits_total",          "counter", "Commits that made them durable, some of them together.",        offsetof(struct db_counts, n_commits), false },
    { "assay_database_pool_size",              "gauge",   "Connections to the database that this node may have.",          offsetof(struct db_counts, pool_size), true },
    { "assay_database_connections",            "gauge",   "Connections to the database.",                                  offsetof(struct db_counts, n_connections), true },
    { "assay_database_connections_busy",       "gauge",   "Connections to the database that are in use.",                  offsetof(struct db_counts, n_in_use), true },
    { "assay_database_waiting",                "gauge",   "Threads waiting for a connection.",                             offsetof(struct db_counts, n_waiting), true },
    { "assay_database_waits_timed_out_total",  "counter", "Waits that ended without a connection: too long or too many.",  offsetof(struct db_counts, n_timed_out), true },
    { "assay_database_reconnects_total",       "counter", "Connections made in place of lost ones.",                       offsetof(struct db_counts, n_reconnects), true },
    { "assay_database_connect_failures_total", "counter", "Attempts to connect that failed.",                              offsetof(struct db_counts, n_connect_failures), true },
};
/* clang-format on */

struct api_metrics *api_metrics_new(const struct api_route *const *tables)
{
    struct api_metrics *metrics = mem_new(struct api_metrics);
    size_t              n       = 0;

    for (size_t t = 0; tables[t] != NULL; t++) {
        for (const struct api_route *row = tables[t]; row->name != NULL; row++)
            n++;
    }
    metrics->n_routes = n;
    metrics->routes   = mem_new_bytes((n + 1) * sizeof(*metrics->routes));

    n = 0;
    for (size_t t = 0; tables[t] != NULL; t++) {
        for (const struct api_route *row = tables[t]; row->name != NULL; row++)
            metrics->routes[n++].route = row;
    }
    return metrics;
}

void api_metrics_free(struct api_metrics **metrics)
{
    if (*metrics == NULL)
        return;

    mem_free((*metrics)->routes);
    mem_free(*metrics);
    *metrics = NULL;
}

static struct route_counts *find(struct api_metrics *metrics, const struct api_route *route)
{
    size_t i = 0;

    while (i < metrics->n_routes && metrics->routes[i].route != route)
        i++;
    return &metrics->routes[i];
}

static void add(_Atomic(int64_t) *counter, int64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void api_metrics_count(struct api_metrics *metrics, const struct api_route *route, int status,
                       int64_t duration_us, int64_t bytes_in, int64_t bytes_out)
{
    struct route_counts *counts = find(metrics, route);
    int class                   = status / STATUS_A_CLASS;

    if (class >= 1 && class <= N_CLASSES)
        add(&counts->requests[class - 1], 1);
    add(&counts->duration_us, duration_us);
    add(&counts->bytes_in, bytes_in);
    add(&counts->bytes_out, bytes_out);
}

void api_metrics_add(struct api_metrics *metrics, enum api_metric metric)
{
    add(&metrics->plain[metric], 1);
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static const char *label(const struct route_counts *counts)
{
    return counts->route == NULL ? "none" : counts->route->name;
}

static void print_sum(struct api_metrics *metrics, const char *name, const char *help,
                      size_t offset, double unit, struct buf *out)
{
    head(out, name, "counter", help);
    for (size_t i = 0; i <= metrics->n_routes; i++) {
        const char *at    = (const char *)&metrics->routes[i] + offset;
        int64_t     value = atomic_load((const _Atomic(int64_t) *)(const void *)at);

        if (value != 0)
            buf_printf(out, "%s{route=\"%s\"} %.15g\n", name, label(&metrics->routes[i]),
                       (double)value * unit);
    }
}

static void print_requests(struct api_metrics *metrics, struct buf *out)
{
    head(out, "assay_requests_total", "counter",
         "Requests answered, by route and class of status.");
    for (size_t i = 0; i <= metrics->n_routes; i++) {
        for (int class = 0; class < N_CLASSES; class ++) {
            int64_t n = atomic_load(&metrics->routes[i].requests[class]);

            if (n != 0)
                buf_printf(out, "assay_requests_total{route=\"%s\",class=\"%dxx\"} %lld\n",
                           label(&metrics->routes[i]), class + 1, (long long)n);
        }
    }
}

/* Resident pages are the second number of statm (proc(5)). */
static void print_process(struct buf *out)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(file_close) int           dir   = -1;
    struct str                     text, part;
    int64_t                        pages;
    struct err                     ignored; /* no /proc, no such metric */

    if (file_open_dir("/proc/self", false, &dir, &ignored) < 0 ||
        file_read_all(dir, "statm", 256, arena, &text, &ignored) < 0 ||
        !str_next(&text, ' ', &part) || !str_next(&text, ' ', &part) || !str_to_int(part, &pages))
        return;
    head(out, "process_resident_memory_bytes", "gauge", "Resident memory.");
    buf_printf(out, "process_resident_memory_bytes %lld\n",
               (long long)(pages * sysconf(_SC_PAGESIZE)));
}

void api_metrics_print_database(const struct db_counts *counts, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(database_rows); i++) {
        const char *at = (const char *)counts + database_rows[i].offset;

        if (database_rows[i].is_of_pool && counts->pool_size == 0)
            continue;
        head(out, database_rows[i].name, database_rows[i].type, database_rows[i].help);
        buf_printf(out, "%s %llu\n", database_rows[i].name,
                   (unsigned long long)*(const uint64_t *)(const void *)at);
    }
}

void api_metrics_print(struct api_metrics *metrics, const struct http_server_counts *server,
                       int64_t space_free, int64_t space_total, struct buf *out)
{
    head(out, "assay_info", "gauge", "The version of this node.");
    buf_printf(out, "assay_info{version=\"%s\"} 1\n", ASSAY_VERSION);

    print_requests(metrics, out);
    print_sum(metrics, "assay_request_seconds_total", "Time spent on requests.",
              offsetof(struct route_counts, duration_us), 1e-6, out);
    print_sum(metrics, "assay_received_bytes_total", "Bytes of request bodies.",
              offsetof(struct route_counts, bytes_in), 1, out);
    print_sum(metrics, "assay_sent_bytes_total", "Bytes of answer bodies.",
              offsetof(struct route_counts, bytes_out), 1, out);

    for (size_t i = 0; i < API_N_METRICS; i++) {
        head(out, plain_rows[i].name, "counter", plain_rows[i].help);
        buf_printf(out, "%s %lld\n", plain_rows[i].name,
                   (long long)atomic_load(&metrics->plain[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(server_rows); i++) {
        const char *at = (const char *)server + server_rows[i].offset;

        head(out, server_rows[i].name, server_rows[i].type, server_rows[i].help);
        buf_printf(out, "%s %lld\n", server_rows[i].name,
                   (long long)*(const int64_t *)(const void *)at);
    }
    if (space_total > 0) {
        head(out, "assay_store_free_bytes", "gauge", "Free bytes of the blob store.");
        buf_printf(out, "assay_store_free_bytes %lld\n", (long long)space_free);
        head(out, "assay_store_size_bytes", "gauge", "Size of the blob store.");
        buf_printf(out, "assay_store_size_bytes %lld\n", (long long)space_total);
    }
    print_process(out);
}
