/* api/metrics.h: what the process counts, in the text form of Prometheus (version 0.0.4). Labels come from
 * fixed sets only: route names from the tables, classes of status. Any thread; counting takes no lock. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include <stdint.h>

#include "base/buf.h"

struct api_metrics;
struct api_route;
struct db_counts;
struct http_server_counts;

struct api_metrics *api_metrics_new(const struct api_route *const *tables);
void                api_metrics_free(struct api_metrics **metrics);

/* One request is over. route may be null (no such path). */
void api_metrics_count(struct api_metrics *metrics, const struct api_route *route, int status,
                       int64_t duration_us, int64_t bytes_in, int64_t bytes_out);

/* Log-ins and tokens: "login_failed", "login_ok", "token_issued", and requests refused for being too many. */
enum api_metric {
    API_LOGIN_OK,
    API_LOGIN_FAILED,
    API_TOKENS_ISSUED,
    API_RATE_LIMITED,
    API_N_METRICS
};
void api_metrics_add(struct api_metrics *metrics, enum api_metric metric);

void api_metrics_print(struct api_metrics *metrics, const struct http_server_counts *server,
                       int64_t space_free, int64_t space_total, struct buf *out);

/* The writers of the database and, where there is one, its pool of connections. */
void api_metrics_print_database(const struct db_counts *counts, struct buf *out);

#endif
