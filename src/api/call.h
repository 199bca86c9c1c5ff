/* api/call.h: one call of a route: what its handler gets, and the row that says what it is.
 *
 * A row without `may` is refused at start: forgetting is not possible. By the time a handler runs, the
 * caller is known and, where the row acts on a repository or account, call->repo or call->account is the handle that the
 * decision gave.
 * Handlers are straight lines: take values, call one verb of work/, write the answer. */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "api/api.h"
#include "auth/auth.h"
#include "base/err.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/text.h"
#include "http/request.h"
#include "http/route.h"
#include "meta/event.h"

struct api_call;
struct api_route;

enum api_may {
    API_MAY_UNSAID = 0, /* refused at start */
    API_MAY_ANYONE,     /* public by nature: the token service, health */
    API_MAY_PING,       /* anyone with valid credentials */
    API_MAY_CATALOG,
    API_MAY_INSTANCE,       /* system admins */
    API_MAY_USER,           /* an account, by Basic, session or identity token */
    API_MAY_REPOS,          /* a listing of repositories, filtered: call->view */
    API_MAY_SEARCH,         /* the same, and without an account what is public */
    API_MAY_SEE_ACCOUNT,    /* the account in the hole {account}: call->account */
    API_MAY_MANAGE_ACCOUNT, /* and change it: itself, an organisation's owners, system admins */
    API_MAY_PULL,           /* from here on: the repository in the hole {name...}: call->repo */
    API_MAY_PUSH,
    API_MAY_DELETE,
    API_MAY_VIEW,
    API_MAY_MANAGE,
    API_MAY_ACCESS,
    API_MAY_REMOVE,
    API_MAY_AUDIT,
    API_MAY_POLICIES
};

/* Whose words and habits an answer has: those of the distribution API; of what belongs to no version (token
 * service, health); of DTR's routes, where unknown members of a body are ignored and named in a Warning; of
 * our own, where they are refused. Both of the latter take a trailing slash and escaped slashes. */
enum api_family { API_V2, API_MANAGEMENT, API_DTR, API_OURS };

enum {
    API_BODY_MAX = 64 * 1024, /* of a JSON body, unless its row says more */
    API_PAGE     = 10,        /* rows of a page that does not say how many */
    API_PAGE_MAX = 100000,
    API_MATCHES  = 8 /* readings of one path */
};

/* A field of the query, for the description of the API; handlers read it with api_query and its kin. */
struct api_param {
    const char *name;
    const char *type; /* of JSON schema: "string", "integer", "boolean" */
    const char *says;
    bool        is_required;
};

/* What DTR's lists have in common. */
extern const struct api_param api_paging_params[]; /* pageStart, pageSize, count */
extern const struct api_param api_limit_params[];  /* start, limit, count */

struct api_route {
    const char         *name;
    enum http_method    method;
    const char         *path;
    unsigned            flags; /* enum http_route_flags */
    enum api_may        may;
    enum api_family     family;
    enum http_body_mode body;
    int64_t             limit; /* of the body; 0: none for streams */

    /* For the description of the API (api/describe.h): every row must say what it is for. `takes` is read by
     * api_body; `gives` is the answer or an item of the list, null for nothing or no JSON; `list` is null for
     * no list, "" for a bare one, else the member that holds it. Where there is no table, `accepts` is the media
     * type of the body and `sends` that of the answer. Status 0 is 200, or 204 when nothing is given. */
    const char              *says;
    const struct json_table *takes;
    const struct json_table *gives;
    const char              *list;
    const char              *accepts;
    const char              *sends;
    const char *streams; /* the media type of an answer that goes on, where one may be asked for */
    int         status;
    const int  *also; /* further answers than those that follow from the row; ends with 0 */
    const struct api_param *query; /* ends with a row without name; null: none */

    const char
        *gone; /* of DTR's routes that are not here (run is api_gone): what stands in their place */

    bool knows_absence; /* a repository that may be pulled and is not there is an empty one */
    bool changes;       /* a change of state: a refusal of an identified caller is audited */
    bool recalls;       /* a pull that sees whether its handle still holds (auth_repo_recall) */
    bool takes_session; /* a cookie counts; on rows of API_DTR and API_OURS it always does */
    bool is_form;       /* uses no right of a session (log-in, log-out): needs no CSRF token */

    /* Event thread: 1 when it answered, 0 when a worker is to, -1. Null: always on a worker. */
    int (*fast)(struct api_call *call, struct err *err);

    /* Worker: the answer. For streams: after the last byte. */
    int (*run)(struct api_call *call, struct err *err);

    /* Streams only: before the first byte (may already answer), for each piece, and when the connection
     * was lost before `run`. */
    int (*open)(struct api_call *call, struct err *err);
    int (*piece)(struct api_call *call, struct str bytes, struct err *err);
    void (*drop)(struct api_call *call);
};

struct api_call {
    struct api             *api;
    struct http_request    *req;
    struct arena           *arena;
    const struct api_route *route; /* null: the path is nobody's */
    struct http_match       match;
    struct str              path; /* of the repository that the row is about; null view: none */
    struct auth            *auth;
    struct work            *work;

    /* More than one row or name fits: which one is meant depends on what exists. */
    struct http_match *readings;
    size_t             n_readings;

    const char *needs; /* what a refusal says is missing; null: the row's action */

    struct json_ignored ignored; /* members of the body that nobody looked at */

    struct auth_rate    rate;       /* the nearest limit on requests; limit 0: none */
    bool                is_rated;   /* counted against its network's limit */
    bool                is_charged; /* and its caller's */
    bool                is_identified;
    bool                has_bad_credentials; /* some were given, and they are wrong */
    bool                had_token;
    bool                is_anew;    /* what was recalled did not hold: the decision is made now */
    struct str          session_id; /* as in the cookie or bearer; null view: no session */
    struct auth_session session;    /* when the caller is one by it */
    struct auth_caller  caller;
    struct auth_repo    repo;
    struct auth_view    view;
    struct auth_account account;
    struct meta_actor   actor;

    bool               has_query;
    struct text_fields query;

    void *state; /* of a stream */
};

/* The decoded value of a hole of the path. */
struct str api_hole(const struct api_call *call, const char *name);

/* The one value of a query field: null view when absent; ERR_INVALID with that code when it is given twice
 * with different values or the query is malformed. */
int api_query(struct api_call *call, const char *name, const char *code, struct str *out,
              struct err *err);

/* The same for a field that must be there and not be empty; code INVALID_PARAMETERS, about the field. */
int api_query_needed(struct api_call *call, const char *name, struct str *out, struct err *err);

/* A word to look for: text of at most 255 bytes, the null view when it is absent or empty; code INVALID_PARAMETERS. */
int api_query_word(struct api_call *call, const char *name, struct str *out, struct err *err);

/* All values of a query field, at most n_max; more are ERR_INVALID. */
int api_query_all(struct api_call *call, const char *name, size_t n_max, struct str *out,
                  size_t *n_out, struct err *err);

/* The JSON body, read by the row's table into a zeroed struct of its size. No body is an empty object.
 * ERR_INVALID, code INVALID_JSON, names the member; ERR_MEDIA when a browser's session sends anything but
 * application/json, for any page could make it do so. */
int api_body(struct api_call *call, void *out, struct err *err);

/* The page that a management client asks for. */
struct api_paging {
    struct str start; /* sort key to begin at; null view: the first */
    size_t     size;  /* rows, 1 to API_PAGE_MAX */
    bool       wants_count;
};

/* pageStart and pageSize on DTR's repository routes, start and limit on its account routes: the field names
 * say which. 0 rows means as many as there may be, and more than that is as many. ERR_INVALID, code
 * INVALID_PARAMETERS. */
int api_paging_read(struct api_call *call, const char *start_field, const char *size_field,
                    struct api_paging *out, struct err *err);

/* X-Next-Page-Start: where the next page begins. Absent on the last page: not called then. */
void api_reply_next_start(struct api_call *call, struct str sort_key);

/* The form in which it leaves the house, for answers that hold it in their body as well. */
struct str api_page_start(struct arena *arena, struct str sort_key);

void api_reply_count(struct api_call *call, int64_t n); /* X-Resource-Count */

/* A flag of the query: "true", "1" and "" are yes, "false" and "0" are no; absent is `otherwise`. */
int api_query_flag(struct api_call *call, const char *name, bool otherwise, bool *out,
                   struct err *err);

/* n and last of a page: n is WORK_PAGE_MAX when absent, clamped to it when larger. ERR_INVALID, code
 * PAGINATION_NUMBER_INVALID. */
int api_page(struct api_call *call, size_t *out_n, struct str *out_last, struct err *err);

/* Link to the next page: the same path with n, last and, when not null, one more field. */
void api_reply_next(struct api_call *call, size_t n, struct str last, const char *field,
                    struct str value);

/* Does the client already have it (If-None-Match)? A digest is its own entity tag. */
bool api_client_has(const struct api_call *call, struct str digest);

/* A time as the APIs print it; 0 is never: "0001-01-01T00:00:00Z". */
struct str api_time(struct arena *arena, int64_t time_us);

/* A time that a client gives (RFC 3339, or a day, which begins in UTC); nothing and the never of above are 0.
 * ERR_INVALID, code INVALID_PARAMETERS, about the field. */
int api_time_read(const char *field, struct str text, int64_t *out_us, struct err *err);

/* A JSON answer; body lives in the call's arena. */
void api_reply_json(struct api_call *call, int status, struct str json);

/* A JSON answer of the row's status: the value by the table that the row gives. */
int api_reply_value(struct api_call *call, const void *value, struct err *err);

/* The status of the row and no body. */
void api_reply_done(struct api_call *call);

/* The headers that every answer of a family has. */
void api_reply_start(struct api_call *call, int status);

/* The same for what caches may keep: the value of Cache-Control. */
void api_reply_start_kept(struct api_call *call, int status, const char *cache);

/* The refusal for a verdict other than AUTH_YES. */
void api_reply_verdict(struct api_call *call, enum auth_verdict verdict);

/* For a right that hangs on the query or the body, asked for by the handler: refuses as the row itself would, on record
 * where the row changes something. call->path is what it is about; needs: the right that is missing, static. */
void api_deny(struct api_call *call, enum auth_verdict verdict, const char *needs);

/* The one function that turns an error into an answer, and logs it when it is our fault. */
void api_reply_error(struct api_call *call, const struct err *err);

/* Words chosen by the server below (limits, gate). */
void api_reply_refusal(struct api_call *call, int status, const char *code, const char *sentence);

#endif
