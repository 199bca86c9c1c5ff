/* api/api.h: the registry's HTTP APIs as one application for http/server. It finds the row of a request,
 * sees who is calling, obtains what the row needs through the decision, runs the row's handler and turns
 * errors into answers; it decides nothing itself. Made once a process; any thread. */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/server.h"

struct api;
struct api_host;
struct auth;
struct err;
struct http_asset;
struct http_certificate;
struct job_kind;
struct work;

struct api_settings {
    struct auth             *auth;
    struct work             *work;
    const struct job_kind   *kinds;         /* of jobs; ends with a row without name */
    const struct str        *external_urls; /* without a slash at the end */
    size_t                   n_external_urls;
    struct http_certificate *certificate; /* whose names may stand in a realm; null: none */
    struct str               ca_pem;      /* the own CA; null view: none */
    const struct http_asset *assets;      /* of the page about the API; null: none */
    size_t                   workers;     /* of the server, for metrics */
    const struct api_host   *host;        /* outlives the API */
    int                      spool_fd;    /* directory for long answers in the making; not ours */
};

/* Refuses tables in which a row does not say what must be allowed (ERR_INTERNAL naming the row). */
int  api_new(const struct api_settings *settings, struct api **out, struct err *err);
void api_free(struct api **api);

const struct http_app *api_app(struct api *api);

/* For the counts in /metrics; after the server has started. */
void api_set_server(struct api *api, struct http_server *server);

/* Readiness as the probes see it; reason is for the log and for /readyz. */
void api_set_ready(struct api *api, bool is_ready);

/* The table of routes as text: method, pattern, action, name. */
struct str api_print_routes(struct arena *arena);

/* And its description (OpenAPI 3.1), as it is served. */
struct str api_print_description(struct arena *arena);

#endif
