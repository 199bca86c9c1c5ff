/* client/rows_event.c: what happened, as a list or as it goes on. */
#include "client/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "client/table.h"
#include "codec/json_view.h"
#include "codec/text.h"

/* Writers that overlap finish in any order: what is that much older than the youngest that was shown may be new. */
#define OVERLAP_US (10 * INT64_C(1000000))

enum { SHOWN = 1000, LOOKED_AT = 500, FIRST = 10, ID_MAX = 24 };

struct follow {
    struct client_run *run;
    struct str         path;
    int64_t            last_at;
    char               shown[SHOWN][ID_MAX]; /* ids, in a ring */
    size_t             n_shown;
};

/* -- one line an event -------------------------------------------------------------------------------- */

static struct str text_at(struct client_run *run, struct str event, const char *member)
{
    return client_text_clean(run->arena,
                             json_view_text(run->arena, json_view_at(event, str_from(member))));
}

static void print_event(struct client_run *run, struct str event)
{
    struct str object = json_view_at(event, STR("object"));
    struct str at     = text_at(run, event, "publishedAt");

    if (run->input.is_json) {
        buf_str(&run->out, event);
        buf_char(&run->out, '\n');
        return;
    }
    buf_printf(&run->out,
               STR_FMT "  " STR_FMT "  " STR_FMT " " STR_FMT "  " STR_FMT "  " STR_FMT "\n",
               STR_ARGS(str_sub(at, 0, 19)), STR_ARGS(text_at(run, event, "actor")),
               STR_ARGS(text_at(run, event, "type")), STR_ARGS(text_at(run, object, "type")),
               STR_ARGS(text_at(run, event, "repository")), STR_ARGS(text_at(run, object, "name")));
}

/* -- following ---------------------------------------------------------------------------------------- */

static bool was_shown(struct follow *f, const char *id)
{
    for (size_t i = 0; i < SHOWN && i < f->n_shown; i++) {
        if (strcmp(f->shown[i], id) == 0)
            return true;
    }
    snprintf(f->shown[f->n_shown++ % SHOWN], ID_MAX, "%s", id);
    return false;
}

static const char *print_page(struct follow *f, size_t n_max)
{
    char        after[TEXT_TIME_MAX];
    const char *path = mem_printf(f->run->arena, STR_FMT "%cpageSize=%zu", STR_ARGS(f->path),
                                  str_find(f->path, '?') < 0 ? '?' : '&', n_max);

    if (f->last_at == 0)
        return path;
    text_time_print(f->last_at - OVERLAP_US, after);
    return mem_printf(f->run->arena, "%s&publishedAfter=%s", path, after);
}

static void show(struct follow *f, struct str event)
{
    struct err ignored; /* a time that we cannot read narrows nothing */
    int64_t    at = 0;
    char       id[ID_MAX];

    snprintf(id, sizeof(id), STR_FMT, STR_ARGS(text_at(f->run, event, "id")));
    if (was_shown(f, id))
        return;
    if (text_time_parse(text_at(f->run, event, "publishedAt"), &at, &ignored) == 0 &&
        at > f->last_at)
        f->last_at = at;
    print_event(f->run, event);
}

/* The newest come first, and are shown last. */
static int show_new(struct follow *f, size_t n_max, struct err *err)
{
    struct str events[LOOKED_AT], page;
    size_t     n = 0;

    if (client_get(f->run, print_page(f, n_max), &page, err) < 0)
        return -1;
    struct json_view_each each = json_view_each(json_view_at(page, STR("events")));
    while (n < LOOKED_AT && json_view_next(&each))
        events[n++] = each.value;
    while (n-- > 0)
        show(f, events[n]);
    return client_flush(f->run, err);
}

static int follow(struct client_run *run, struct err *err)
{
    struct follow *f     = mem_one(run->arena, struct follow);
    int64_t        first = FIRST;

    if (client_has(&run->input, "--limit"))
        str_to_int(client_given(&run->input, "--limit"), &first);
    if (first < 1 || first > LOOKED_AT)
        first = LOOKED_AT;
    f->run  = run;
    f->path = client_request_path(run);
    if (show_new(f, (size_t)first, err) < 0)
        return -1;
    for (;;) {
        client_pause();
        if (show_new(f, LOOKED_AT, err) < 0)
            return -1;
    }
}

/* A repository may be said either way. */
static int list_events(struct client_run *run, struct err *err)
{
    struct client_input *input = &run->input;
    struct str           named = client_given(input, "--repository");

    if (named.p != NULL && client_hole(input, "REPO").p != NULL)
        return err_set(err, ERR_INVALID, "the repository is said twice");
    if (client_has(input, "--follow") &&
        (client_has(input, "--since") || client_has(input, "--until")))
        return err_set(err, ERR_INVALID, "--follow begins with now");
    for (size_t i = 0; i < input->n_holes && named.p != NULL; i++) {
        if (str_is(input->holes[i].name, "REPO"))
            input->holes[i].value = named;
    }
    return client_has(input, "--follow") ? follow(run, err) : client_run_row(run, err);
}

/* clang-format off */
static const struct client_option event_options[] = {
    { "--follow",      NULL,   CLIENT_FLAG, CLIENT_IN_CODE,  NULL,              NULL,   "go on with what happens, until it is interrupted" },
    { "--repository",  "REPO", CLIENT_TEXT, CLIENT_IN_CODE,  NULL,              NULL,   "in that repository only" },
    { "--type",        "CREATE|GET|UPDATE|DELETE|SEND|FAIL|SCAN", CLIENT_TEXT, CLIENT_IN_QUERY, "eventType", NULL, "of that type only" },
    { "--object-type", "REPOSITORY|TAG|BLOB|MANIFEST|WEBHOOK|URI|PROMOTION|PUSH_MIRRORING|POLL_MIRRORING", CLIENT_TEXT, CLIENT_IN_QUERY, "objectType", NULL, "about such objects only" },
    { "--actor",       "USER", CLIENT_TEXT, CLIENT_IN_QUERY, "actorId",         NULL,   "what that account did only" },
    { "--since",       "TIME", CLIENT_TEXT, CLIENT_IN_QUERY, "publishedAfter",  NULL,   "younger than that time, as in 2030-01-31T10:00:00Z" },
    { "--until",       "TIME", CLIENT_TEXT, CLIENT_IN_QUERY, "publishedBefore", NULL,   "older than that time" },
    { "--no-pulls",    NULL,   CLIENT_FLAG, CLIENT_IN_QUERY, "excludePull",     "true", "no pulls" },
    { 0 },
};

static const struct client_column event_columns[] = {
    { "TIME", "publishedAt", CLIENT_TIME }, { "ACTOR", "actor", CLIENT_AS_IS }, { "TYPE", "type", CLIENT_AS_IS },
    { "OBJECT", "object.type", CLIENT_AS_IS }, { "REPOSITORY", "repository", CLIENT_AS_IS },
    { "NAME", "object.name", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_events_rows[] = {
    { .name = "events", .args = "[REPO]", .summary = "List what happened in repositories, the newest first",
      .method = "GET", .path = "/api/v0[/repositories/{+REPO}]/events", .options = event_options,
      .list = "events", .paging = CLIENT_BY_PAGE_START, .limit = 50, .columns = event_columns, .run = list_events,
      .more = "With --follow it begins with the last ten, or --limit, and shows each event on a line as it happens: with\n"
              "-o json as a JSON object. Pulls are seen by those who may audit a repository.",
      .examples = "assay events\nassay events acme/web --type CREATE --object-type TAG\nassay events --follow --no-pulls\n"
                  "assay events --repository acme/web --since 2030-01-31T10:00:00Z -o json" },
    { 0 },
};
/* clang-format on */
