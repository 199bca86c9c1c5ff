/* api/v0_events.c: what happened, in DTR's words: in one repository, or in all that the caller sees. */
#include "api/call.h"
#include "api/list.h"
#include "base/mem.h"
#include "meta/activity.h"
#include "meta/activity_list.h"
#include "work/activity.h"

struct object {
    struct str id;
    struct str type;
    struct str name;
    struct str content;
};

struct event {
    struct str    actor;
    struct str    actor_type;
    struct str    id;
    struct object object;
    struct str    published_at;
    struct str    repository;
    bool          has_target;
    struct object target;
    struct str    type;
};

/* clang-format off */
static const struct json_field object_fields[] = {
    { .name = "content", .kind = JSON_STRING, .offset = JSON_AT(struct object, content, struct str), .flags = JSON_OMIT },
    { .name = "id",      .kind = JSON_STRING, .offset = JSON_AT(struct object, id, struct str) },
    { .name = "name",    .kind = JSON_STRING, .offset = JSON_AT(struct object, name, struct str),    .flags = JSON_OMIT },
    { .name = "type",    .kind = JSON_STRING, .offset = JSON_AT(struct object, type, struct str) },
};
static const struct json_table object_table = {
    .name = "Object", .size = sizeof(struct object), .fields = object_fields, .n_fields = ARRAY_LEN(object_fields),
};

static const struct json_field event_fields[] = {
    { .name = "actor",       .kind = JSON_STRING, .offset = JSON_AT(struct event, actor, struct str) },
    { .name = "actorType",   .kind = JSON_STRING, .offset = JSON_AT(struct event, actor_type, struct str) },
    { .name = "id",          .kind = JSON_STRING, .offset = JSON_AT(struct event, id, struct str) },
    { .name = "object",      .kind = JSON_OBJECT, .offset = JSON_AT(struct event, object, struct object), .table = &object_table },
    { .name = "publishedAt", .kind = JSON_STRING, .offset = JSON_AT(struct event, published_at, struct str) },
    { .name = "repository",  .kind = JSON_STRING, .offset = JSON_AT(struct event, repository, struct str) },
    { .name = "target",      .kind = JSON_OBJECT, .offset = JSON_AT(struct event, target, struct object), .table = &object_table,
      .has_offset = JSON_AT(struct event, has_target, bool) },
    { .name = "type",        .kind = JSON_STRING, .offset = JSON_AT(struct event, type, struct str) },
};
static const struct json_table event_table = {
    .name = "Event", .size = sizeof(struct event), .fields = event_fields, .n_fields = ARRAY_LEN(event_fields),
};
/* clang-format on */

/* -- the question ------------------------------------------------------------------------------------- */

static int bad(const char *field, struct str value, const char *rule, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", value, "%s %s", field, rule);
}

static int read_time(struct api_call *call, const char *name, int64_t *out, struct err *err)
{
    struct str value;
    int64_t    at = 0;

    if (api_query_word(call, name, &value, err) < 0 || api_time_read(name, value, &at, err) < 0)
        return -1;
    if (at != 0)
        *out = at;
    return 0;
}

static int read_kind(struct api_call *call, const char *name, int (*parse)(struct str word),
                     int *out, struct err *err)
{
    struct str value;

    *out = 0;
    if (api_query_word(call, name, &value, err) < 0)
        return -1;
    if (value.p == NULL)
        return 0;
    *out = parse(value);
    return *out != 0 ? 0 : bad(name, value, "is none that there is", err);
}

/* "at.id" of the last event of the page before. */
static int read_place(struct str start, struct work_activity_query *query, struct err *err)
{
    ptrdiff_t dot = str_find(start, '.');
    int64_t   at, id;

    if (start.p == NULL)
        return 0;
    if (dot < 1 || !str_to_int(str_sub(start, 0, (size_t)dot), &at) ||
        !str_to_int(str_from_index(start, (size_t)dot + 1), &id))
        return bad("pageStart", start, "is not the start of a page of this list", err);
    if (at < query->before_at) {
        query->before_at = at;
        query->before_id = id;
    }
    return 0;
}

static int read_query(struct api_call *call, struct api_paging *paging,
                      struct work_activity_query *out, struct err *err)
{
    struct work_activity_query query = { .before_at = INT64_MAX };

    if (api_paging_read(call, "pageStart", "pageSize", paging, err) < 0 ||
        read_time(call, "publishedAfter", &query.after_at, err) < 0 ||
        read_time(call, "publishedBefore", &query.before_at, err) < 0 ||
        read_place(paging->start, &query, err) < 0 ||
        api_query_word(call, "actorId", &query.actor, err) < 0 ||
        read_kind(call, "eventType", meta_activity_verb_parse, &query.verb, err) < 0 ||
        read_kind(call, "objectType", meta_activity_noun_parse, &query.noun, err) < 0 ||
        api_query_flag(call, "excludePull", false, &query.no_pulls, err) < 0)
        return -1;
    *out = query;
    return 0;
}

/* -- the answer --------------------------------------------------------------------------------------- */

static struct object object_of(struct arena *arena, const struct meta_activity_row *row)
{
    struct object object = { .id      = row->object_name,
                             .type    = str_from(meta_activity_noun(row->class)),
                             .name    = row->object_name,
                             .content = STR("") };

    if (str_is(object.type, "TAG")) {
        object.id      = str_from(mem_printf(arena, STR_FMT ":" STR_FMT, STR_ARGS(row->path),
                                             STR_ARGS(row->object_name)));
        object.content = row->digest;
    } else if (str_is(object.type, "REPOSITORY") && row->repo_uuid.p != NULL) {
        object.id = row->repo_uuid;
    }
    return object;
}

/* Of a mount the repository that it came from, of a promotion or mirroring where it went; what else an event has there
 * is no object. */
static bool has_target(const struct meta_activity_row *row)
{
    return row->target.p != NULL && !str_is(str_from(meta_activity_noun(row->class)), "REPOSITORY");
}

struct writing {
    struct api_call *call;
    struct api_list *list;
};

static struct str or_empty(struct str text)
{
    return text.p == NULL ? STR("") : text;
}

static int write_event(void *context, const struct meta_activity_row *row, struct err *err)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct writing                *writing = context;
    struct json_write             *w       = api_list_item(writing->list, err);

    if (w == NULL)
        return -1;
    struct event event = {
        .actor        = row->actor.p != NULL ? row->actor : row->actor_kind,
        .actor_type   = row->actor_kind,
        .id           = str_from(mem_printf(arena, "%lld", (long long)row->id)),
        .object       = object_of(arena, row),
        .published_at = api_time(arena, row->at),
        .repository   = or_empty(row->path),
        .has_target   = has_target(row),
        .target       = { .id = row->target, .type = STR("REPOSITORY"), .name = row->target },
        .type         = str_from(meta_activity_verb(row->class)),
    };
    json_write_table(w, &event_table, &event);
    return 0;
}

static int reply(struct api_call *call, const struct work_activity_query *query,
                 const struct api_paging *paging, struct err *err)
{
    struct writing             writing = { .call = call, .list = api_list_begin(call, "events") };
    struct work_activity_place next;
    int64_t                    n = 0;

    if (work_activity_list(call->work, query, paging->size, write_event, &writing, &next, err) <
            0 ||
        (paging->wants_count && query->sees_all &&
         work_activity_count(call->work, query, &n, err) < 0) ||
        api_list_reply(writing.list, err) < 0)
        return -1;
    if (paging->wants_count && query->sees_all)
        api_reply_count(call, n);
    if (next.at != 0)
        api_reply_next_start(call, str_from(mem_printf(call->arena, "%lld.%lld", (long long)next.at,
                                                       (long long)next.id)));
    return 0;
}

static int64_t self_of(const struct api_call *call)
{
    return call->caller.is_narrowed ? 0 : call->caller.account_id;
}

static int list_events(struct api_call *call, struct err *err)
{
    struct work_activity_query query;
    struct api_paging          paging;
    struct meta_repo_filter    audited;

    if (read_query(call, &paging, &query, err) < 0 ||
        auth_view_audited(call->auth, call->arena, &call->caller, &call->view, &audited, err) < 0)
        return -1;
    query.sees_all = call->view.repos.is_all;
    query.seen     = &call->view.repos;
    query.audited  = &audited;
    query.self     = self_of(call);
    return reply(call, &query, &paging, err);
}

static int list_repo_events(struct api_call *call, struct err *err)
{
    struct work_activity_query query;
    struct api_paging          paging;

    if (read_query(call, &paging, &query, err) < 0)
        return -1;
    query.repo_id  = call->repo.id;
    query.sees_all = (call->repo.verbs & AUTH_AUDIT) != 0;
    query.self     = self_of(call);
    return reply(call, &query, &paging, err);
}

/* clang-format off */
static const struct api_param events_params[] = {
    { "publishedBefore", "string",  "a time, RFC 3339: only older events" },
    { "publishedAfter",  "string",  "a time, RFC 3339: only younger events" },
    { "actorId",         "string",  "name or id of an account: only what it did" },
    { "eventType",       "string",  "CREATE, GET, UPDATE, DELETE, SEND, FAIL or SCAN" },
    { "objectType",      "string",  "REPOSITORY, TAG, BLOB, MANIFEST, WEBHOOK, URI, PROMOTION, PUSH_MIRRORING or POLL_MIRRORING" },
    { "excludePull",     "boolean", "no pulls" },
    { "pageStart",       "string",  "where the page begins: X-Next-Page-Start of the page before" },
    { "pageSize",        "integer", "rows, 10 when absent, 0 or more than 100,000 for as many as there may be" },
    { "count",           "boolean", "X-Resource-Count tells how many there are in all, to those who see everything of the list" },
    { 0 },
};

const struct api_route api_v0_events_routes[] = {
    { .name = "events.list",       .method = HTTP_GET, .path = "/api/v0/events",
      .may = API_MAY_REPOS, .family = API_DTR, .says = "What happened in the repositories that the caller sees, the newest first",
      .gives = &event_table, .list = "events", .query = events_params,
      .run = list_events },
    { .name = "repository.events", .method = HTTP_GET, .path = "/api/v0/repositories/{namespace}/{name...}/events",
      .may = API_MAY_VIEW, .family = API_DTR, .says = "What happened in a repository, the newest first",
      .gives = &event_table, .list = "events", .query = events_params,
      .run = list_repo_events },
    { 0 },
};
/* clang-format on */
