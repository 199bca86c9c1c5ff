/* api/api_private.h: the body of struct api, for the files of this folder only. */
#ifndef API_API_PRIVATE_H
#define API_API_PRIVATE_H

#include <stdatomic.h>

#include "api/api.h"
#include "api/call.h"
#include "api/metrics.h"
#include "api/realm.h"
#include "codec/hash.h"
#include "http/asset.h"

struct api {
    struct api_settings settings;
    struct http_app     app;
    struct http_router *router;
    struct api_realms  *realms;
    struct api_metrics *metrics;
    struct http_server *server;
    atomic_bool         is_ready;
    atomic_int          n_followers; /* threads of api/follow.c */
    bool                has_fast_reads;

    struct arena *arena;       /* for what lives as long */
    struct str    description; /* of the API, in JSON */
    char          description_hash[HASH_HEX_MAX];
};

/* The metrics of this node, in the text form of Prometheus. */
int api_metrics(struct api_call *call, struct err *err);

/* Is the row of the management APIs: DTR's or our own? */
bool api_is_managed(const struct api_route *row);

/* "pull", "system admin" … */
const char *api_may_name(enum api_may may);

/* AUTH_NONE for an action that is not about a repository. */
enum auth_verb api_may_verb(enum api_may may);

/* ERR_INTERNAL about a row that leaves out what it must say: no server starts with it. */
int api_row_check(const struct api_route *row, struct err *err);

/* Who is calling: 1 done, 0 it takes a worker to know, -1. Bad credentials leave the caller nobody. */
int api_identify(struct api_call *call, bool may_block, struct err *err);

/* By what the caller is known: "Session", "AccessToken", "Token", "Password". */
const char *api_authn_method(const struct api_call *call);

/* call->actor from call->caller, for records. */
void api_name_actor(struct api_call *call);

/* A name and what proves it, wherever they stood: as auth_login, counted, and a failure put on record. */
int api_log_in(struct api_call *call, struct str name, struct str password, bool may_block,
               struct auth_caller *out, struct err *err);

/* Takes the request off what its network, or its caller, have left. True: there was nothing, and it is answered. */
bool api_limit_network(struct api_call *call);
bool api_limit_caller(struct api_call *call);

/* Whether: 1 it may, and the handle of its row is set; 0 it is answered; -1 with err. */
int api_admit(struct api_call *call, struct err *err);

/* The same after a pull through a recalled handle failed: nothing is recalled this time. */
int api_admit_anew(struct api_call *call, struct err *err);

/* The status of the answer that a row promises. */
int api_success_of(const struct api_route *row);

/* Once, when the tables are known to be sound. */
void api_description_make(struct api *api);

/* A verb has found that the caller may not: on record, when it would have been a change. */
void api_audit_denied(struct api_call *call, const struct err *err);

/* The handler of routes that are not here: 404, code GONE, with what stands in their place. */
int api_gone(struct api_call *call, struct err *err);

/* All tables of routes; ends with null. */
extern const struct api_route *const api_tables[];

#endif
