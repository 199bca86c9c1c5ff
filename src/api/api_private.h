/* api/api_private.h: the body of struct api, for the files of this folder only. */
#ifndef API_API_PRIVATE_H
#define API_API_PRIVATE_H

#include <stdatomic.h>

#include "api/api.h"
#include "api/call.h"
#include "api/metrics.h"
#include "api/realm.h"

struct api {
    struct api_settings settings;
    struct http_app     app;
    struct http_router *router;
    struct api_realms  *realms;
    struct api_metrics *metrics;
    struct http_server *server;
    atomic_bool         is_ready;
    bool                has_fast_reads;
};

/* The metrics of this node, in the text form of Prometheus. */
int api_metrics(struct api_call *call, struct err *err);

/* All tables of routes; ends with null. */
extern const struct api_route *const api_tables[];

#endif
