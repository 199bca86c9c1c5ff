/* api/dispatch.c: the application that http/server runs: from a request to its row, its caller, its
 * permission and its handler.
 *
 *     fast    event thread: row found, cheap rows answered here (point reads only)
 *     start   worker: identify, decide, then run, or ask for the body
 *     piece   worker: the next bytes of a stream
 *     finish  worker: run, the body is complete
 *     end     the answer is out or the connection gone: give streams back, count, log */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "api/follow.h"
#include "base/assert.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/clock.h"
#include "oci/name.h"
#include "work/work.h"

static struct api_call *call_of(struct http_request *req)
{
    return http_state(req);
}

/* -- finding the row ---------------------------------------------------------------------------------- */

static void reply_not_found(struct api_call *call)
{
    if (call->match.allowed == 0) {
        api_reply_refusal(call, 404, "NOT_FOUND", "no such path");
        return;
    }

    struct buf allow;
    buf_init(&allow, call->arena, 256);
    for (unsigned method = HTTP_GET; method < HTTP_OTHER; method <<= 1) {
        if ((call->match.allowed & method) != 0)
            buf_printf(&allow, "%s%s", allow.n > 0 ? ", " : "",
                       http_method_name((enum http_method)method));
    }
    if (http_method(call->req) == HTTP_OPTIONS)
        api_reply_start(call, 204);
    else
        api_reply_refusal(call, 405, "UNSUPPORTED", "the path does not know this method");
    http_reply_header(call->req, "Allow", buf_view(&allow));
}

/* The repository of a match, in the arena: {name...} alone, or behind its {namespace}. */
static struct str path_of(struct api_call *call, const struct http_match *match)
{
    struct str space = http_match_hole(match, "namespace");
    struct str name  = http_match_hole(match, "name");

    if (name.p == NULL || space.p == NULL)
        return name;
    return str_from(mem_printf(call->arena, STR_FMT "/" STR_FMT, STR_ARGS(space), STR_ARGS(name)));
}

static bool reply_bad_path(struct api_call *call, struct err *err)
{
    if (err->code == NULL)
        err->code = str_starts(http_path(call->req), STR("/v2")) ? "NAME_INVALID" : "INVALID";
    api_reply_error(call, err);
    return true;
}

static bool take_match(struct api_call *call, const struct http_match *match)
{
    struct err err;

    call->match = *match;
    call->route = match->row;
    call->path  = path_of(call, match);
    if (call->path.p != NULL && oci_name_check(call->path, &err) < 0) {
        api_reply_error(call, &err);
        return true;
    }
    return false;
}

/* Parts of repositories in DTR's API that are written with capitals: no name has one of them in it, so that a path with
 * such a part is an unknown path and not a malformed name. */
static const char *const parts[] = { "mirroringPolicies",     "pollMirroringPolicies",
                                     "pushMirroringPolicies", "promotionPolicies",
                                     "pruningPolicies",       "teamAccess",
                                     "pushMirroring" };

static bool holds_part(struct str name)
{
    struct str component;

    while (str_next(&name, '/', &component)) {
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            if (str_is(component, parts[i]))
                return true;
        }
    }
    return false;
}

/* Leaves out readings whose name ends in a word that names a part of a repository: no repository can. */
static size_t drop_reserved(struct api_call *call, struct http_match *matches, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct str name = path_of(call, &matches[i]);

        if (oci_name_ends_reserved(name) || holds_part(name))
            continue;
        matches[kept++] = matches[i];
    }
    return kept;
}

/* A management path with a deep name in it has several readings. Which repositories exist is seen later, on a
 * worker. Returns as http_router_find. */
static int find_readings(struct api_call *call, struct err *err)
{
    struct http_match *matches = mem_many(call->arena, API_MATCHES, struct http_match);
    size_t             n;
    int found = http_router_find_all(call->api->router, call->arena, http_method(call->req),
                                     http_path(call->req), matches, API_MATCHES, &n, err);

    if (found < 1)
        return found;
    n = drop_reserved(call, matches, n);
    if (n == 0)
        return 0;
    call->match      = matches[n - 1];
    call->readings   = matches;
    call->n_readings = n;
    return 1;
}

/* True when the request is answered because it has no row, or a name that nobody could have. */
static bool find_row(struct api_call *call)
{
    struct err err;
    int        found = http_router_find(call->api->router, call->arena, http_method(call->req),
                                        http_path(call->req), &call->match, &err);

    if (found == 1 && api_is_managed(call->match.row)) {
        unsigned allowed = call->match.allowed;

        found               = find_readings(call, &err);
        call->match.allowed = allowed;
    }
    if (found < 0)
        return reply_bad_path(call, &err);
    if (found == 0) {
        reply_not_found(call);
        return true;
    }
    return take_match(call, &call->match);
}

/* The longest name that exists wins; when none does, the shortest. True when it is answered. */
static bool settle_reading(struct api_call *call)
{
    struct err err;

    for (size_t i = 0; i + 1 < call->n_readings; i++) {
        int exists = work_repo_exists(call->work, path_of(call, &call->readings[i]), &err);

        if (exists < 0) {
            api_reply_error(call, &err);
            return true;
        }
        if (exists == 1)
            return take_match(call, &call->readings[i]);
    }
    return false;
}

static struct api_call *make_call(struct api *api, struct http_request *req)
{
    struct api_call *call = mem_one(http_arena(req), struct api_call);

    call->api   = api;
    call->req   = req;
    call->arena = http_arena(req);
    call->auth  = api->settings.auth;
    call->work  = api->settings.work;
    http_set_state(req, call);
    return call;
}

/* -- the application ---------------------------------------------------------------------------------- */

static bool read_on_this_thread(struct api *api)
{
    static _Thread_local bool has_reader = false;
    struct err ignored; /* without a reader of its own the thread leaves it to workers */

    if (!api->has_fast_reads)
        return false;
    if (!has_reader)
        has_reader = db_thread_reader(work_db(api->settings.work), &ignored) == 0;
    return has_reader;
}

/* 1 it is answered; 0 a worker has to; -1. Damage is left to a worker, who may write it down. */
static int run_fast(struct api_call *call, struct err *err)
{
    int done = call->route->fast(call, err);

    if (done < 0 && call->repo.is_recalled) {
        done = api_admit_anew(call, err);
        if (done == 0)
            return 1;
        if (done == 1)
            done = call->route->fast(call, err);
    }
    return done < 0 && err->kind == ERR_CORRUPT ? 0 : done;
}

static bool fast(void *context, struct http_request *req)
{
    struct api      *api  = context;
    struct api_call *call = make_call(api, req);
    struct err       err;

    if (find_row(call))
        return true;
    if (call->route->fast == NULL || !read_on_this_thread(api))
        return false;

    if (api_limit_network(call))
        return true;
    int found = api_identify(call, false, &err);
    if (found == 0)
        return false;
    if (found == 1 && api_limit_caller(call))
        return true;
    if (found == 1)
        found = api_admit(call, &err);
    if (found == 0)
        return true;
    if (found == 1)
        found = run_fast(call, &err);
    if (found < 0)
        api_reply_error(call, &err);
    return found != 0;
}

static int run_once(struct api_call *call, struct err *err)
{
    int done = call->route->run(call, err);

    if (done == 0 || !call->repo.is_recalled)
        return done;

    int may = api_admit_anew(call, err);
    return may < 1 ? may : call->route->run(call, err);
}

/* A handler answers only when its verb is done, so one that lost a race is run again (db.h, Races). What a
 * stream has brought is used up: there the verb itself tries again. */
static void run(struct api_call *call)
{
    struct err err;
    int        n_tries = 0;
    int        done;

    do
        done = run_once(call, &err);
    while (done < 0 && call->route->body != HTTP_BODY_STREAM && db_again(&err, &n_tries));
    if (done == 0)
        return;
    api_audit_denied(call, &err);
    api_reply_error(call, &err);
}

/* Before the first byte nothing is used up: a mount, say, that lost the race to make its repository. */
static int open_or_again(struct api_call *call, struct err *err)
{
    int n_tries = 0;
    int done;

    do
        done = call->route->open(call, err);
    while (done < 0 && db_again(err, &n_tries));
    return done;
}

static void start(void *context, struct http_request *req)
{
    struct api_call *call = call_of(req);
    struct err       err;

    (void)context;
    if (api_limit_network(call) || settle_reading(call))
        return;
    if (api_identify(call, true, &err) < 0) {
        api_reply_error(call, &err);
        return;
    }
    if (api_limit_caller(call))
        return;
    int may = api_admit(call, &err);
    if (may < 0)
        api_reply_error(call, &err);
    if (may < 1)
        return;

    if (call->route->open != NULL && open_or_again(call, &err) < 0) {
        api_reply_error(call, &err);
        return;
    }
    if (http_is_answered(req))
        return;
    if (call->route->body == HTTP_BODY_NONE)
        run(call);
    else
        http_want_body(req, call->route->body,
                       call->route->limit > 0 ? call->route->limit : INT64_MAX);
}

static void piece(void *context, struct http_request *req, struct str bytes)
{
    struct api_call *call = call_of(req);
    struct err       err;

    (void)context;
    if (call->route->piece(call, bytes, &err) < 0)
        api_reply_error(call, &err);
}

static void finish(void *context, struct http_request *req)
{
    (void)context;
    run(call_of(req));
}

static void refuse(void *context, struct http_request *req, int status, const char *code,
                   const char *sentence)
{
    struct api      *api  = context;
    struct api_call *call = call_of(req);

    if (call == NULL)
        call = make_call(api, req);
    api_reply_refusal(call, status, code, sentence);
}

static void tell(const struct api_call *call, struct http_request *req, int64_t duration_us,
                 bool was_complete)
{
    if (!log_wants(LOG_INFO))
        return;
    log_event(
        LOG_INFO, NULL, was_complete ? "request.done" : "request.lost",
        LOG_FIELDS(LOG_S("request", http_id(req)),
                   LOG_T("route", call->route == NULL ? "none" : call->route->name),
                   LOG_I("status", http_reply_status(req)), LOG_I("bytes_in", http_bytes_in(req)),
                   LOG_I("bytes_out", http_bytes_out(req)), LOG_I("us", duration_us),
                   LOG_S("client", http_client(req)),
                   LOG_T("user", call->caller.kind == AUTH_ACCOUNT ? call->caller.name : "-")),
        "%s " STR_FMT, http_method_name(http_method(req)), STR_ARGS(http_path(req)));
}

static void end(void *context, struct http_request *req, bool was_complete)
{
    struct api      *api  = context;
    struct api_call *call = call_of(req);

    if (call == NULL)
        return;
    if (call->route != NULL && call->route->drop != NULL)
        call->route->drop(call);

    int64_t duration_us = clock_monotonic_us() - http_started_us(req);
    api_metrics_count(api->metrics, call->route, http_reply_status(req), duration_us,
                      http_bytes_in(req), http_bytes_out(req));
    tell(call, req, duration_us, was_complete);
}

/* -- start and end of the process --------------------------------------------------------------------- */

static int build_router(struct api *api, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct http_route             *routes;
    size_t                         n = 0, room = 0;

    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++)
            room++;
    }
    routes = mem_many(arena, room, struct http_route);
    for (size_t t = 0; api_tables[t] != NULL; t++) {
        for (const struct api_route *row = api_tables[t]; row->name != NULL; row++) {
            if (api_row_check(row, err) < 0)
                return -1;
            unsigned flags =
                row->flags | (api_is_managed(row) ? HTTP_ROUTE_SLASH | HTTP_ROUTE_TRAILING : 0);

            routes[n++] = (struct http_route){
                .method = row->method, .pattern = row->path, .flags = flags, .row = row
            };
        }
    }
    return http_router_new(routes, n, &api->router, err);
}

int api_new(const struct api_settings *settings, struct api **out, struct err *err)
{
    AUTO(api_free) struct api *api = mem_new(struct api);

    api->arena          = arena_new();
    api->settings       = *settings;
    api->has_fast_reads = db_has_fast_reads(work_db(settings->work));
    api->metrics        = api_metrics_new(api_tables);
    api->realms         = api_realms_new(settings);
    api->app            = (struct http_app){
                   .context = api,
                   .fast    = fast,
                   .start   = start,
                   .piece   = piece,
                   .finish  = finish,
                   .refuse  = refuse,
                   .end     = end,
    };
    if (build_router(api, err) < 0)
        return -1;
    api_description_make(api);
    *out = TAKE(api);
    return 0;
}

void api_free(struct api **api)
{
    if (*api == NULL)
        return;

    api_follow_wait(*api);
    http_router_free(&(*api)->router);
    api_realms_free(&(*api)->realms);
    api_metrics_free(&(*api)->metrics);
    arena_free(&(*api)->arena);
    mem_free(*api);
    *api = NULL;
}

const struct http_app *api_app(struct api *api)
{
    return &api->app;
}

void api_set_server(struct api *api, struct http_server *server)
{
    api->server = server;
}

void api_set_ready(struct api *api, bool is_ready)
{
    atomic_store(&api->is_ready, is_ready);
}
