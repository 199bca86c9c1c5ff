/* client/rows_grant.c: who may do what where, and why. */
#include "client/rows.h"

#include <stddef.h>

#include "base/err.h"
#include "client/run.h"

/* A slash tells a team from an account; a place is a prefix unless it is said to be one repository. */
static int fill_grant(struct client_run *run, struct err *err)
{
    struct str to            = client_hole(&run->input, "WHO");
    struct str place         = client_hole(&run->input, "PLACE");
    bool       is_repository = client_has(&run->input, "--repository-only");

    (void)err;
    client_body_add_text(run, str_find(to, '/') >= 0 ? "team" : "user", to);
    client_body_add_text(run, is_repository ? "repository" : "prefix",
                         str_is(place, "*") ? STR("") : place);
    return 0;
}

/* "-" is anyone without credentials. */
static int fill_explain(struct client_run *run, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < run->input.n_holes; i++) {
        if (str_is(run->input.holes[i].name, "USER") && str_is(run->input.holes[i].value, "-"))
            run->input.holes[i].value = STR("");
    }
    return 0;
}

/* clang-format off */
static const struct client_option grant_list_options[] = {
    { "--team",       "ORG/TEAM", CLIENT_TEXT, CLIENT_IN_QUERY, "team",       NULL, "to that team" },
    { "--user",       "NAME",     CLIENT_TEXT, CLIENT_IN_QUERY, "user",       NULL, "to that account itself" },
    { "--repository", "REPO",     CLIENT_TEXT, CLIENT_IN_QUERY, "repository", NULL, "on that repository alone" },
    { "--prefix",     "PREFIX",   CLIENT_TEXT, CLIENT_IN_QUERY, "prefix",     NULL, "on that prefix and whatever is below it" },
    { 0 },
};

static const struct client_option grant_add_options[] = {
    { "--repository-only", NULL,  CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "on the repository PLACE and nothing below; it ends with that" },
    { 0 },
};

static const struct client_column grant_columns[] = {
    { "ID", "id", CLIENT_AS_IS }, { "TO", "{team}{user}", CLIENT_AS_IS }, { "ROLE", "role", CLIENT_AS_IS },
    { "PREFIX", "prefix", CLIENT_AS_IS }, { "REPOSITORY", "repository", CLIENT_AS_IS },
    { "CREATED", "createdAt", CLIENT_TIME }, { 0 },
};

#define BECAUSE "reasons:{source} {role} {team} {path}"

static const struct client_column explain_columns[] = {
    { "USER", "user", CLIENT_AS_IS }, { "REPOSITORY", "repository", CLIENT_AS_IS }, { "ACTION", "action", CLIENT_AS_IS },
    { "ALLOWED", "allowed", CLIENT_AS_IS }, { "BECAUSE", BECAUSE, CLIENT_AS_IS }, { "MISSING", "missing", CLIENT_AS_IS },
    { "VERBS", "verbs", CLIENT_AS_IS }, { 0 },
};

static const struct client_column who_columns[] = {
    { "USER", "user", CLIENT_AS_IS }, { "BECAUSE", BECAUSE, CLIENT_AS_IS }, { 0 },
};

const struct client_command client_grant_rows[] = {
    { .name = "grant list", .args = "", .summary = "List grants: those of one filter, else all for administrators and one's own for others",
      .method = "GET", .path = "/api/v1/grants", .options = grant_list_options,
      .list = "grants", .paging = CLIENT_BY_PAGE_START, .columns = grant_columns,
      .examples = "assay grant list\nassay grant list --team acme/builders\nassay grant list --prefix acme/shop" },
    { .name = "grant add", .args = "WHO ROLE PLACE", .summary = "Give a team or an account a role at a place and below",
      .method = "POST", .path = "/api/v1/grants", .body = "role=ROLE", .options = grant_add_options, .fill = fill_grant,
      .columns = grant_columns,
      .more =
        "WHO is ORG/TEAM or the name of an account. ROLE is a row of `assay role list`, such as read-only, read-write,\n"
        "pusher or admin. PLACE is a prefix such as acme, acme/shop or acme/shop/web; '*' is the whole registry. Grants\n"
        "add up, and hold within five seconds.",
      .examples =
        "assay grant add acme/builders read-write acme/shop\n"
        "assay grant add alice auditor acme\n"
        "assay grant add acme/deployers read-only acme/shop/web --repository-only" },
    { .name = "grant show", .args = "ID", .summary = "Show a grant",
      .method = "GET", .path = "/api/v1/grants/{ID}", .columns = grant_columns,
      .examples = "assay grant show 0197a1b2-0000-7000-8000-000000000000" },
    { .name = "grant remove", .args = "ID", .summary = "Take a grant away",
      .method = "DELETE", .path = "/api/v1/grants/{ID}", .done = "removed grant {ID}",
      .more = "`assay grant list` shows the ID.",
      .examples = "assay grant remove 0197a1b2-0000-7000-8000-000000000000" },
    { .name = "grant explain", .args = "USER REPO ACTION", .summary = "Say whether somebody may do something to a repository, and why",
      .method = "GET", .path = "/api/v1/access/explain?user={USER}&repository={REPO}&action={ACTION}", .fill = fill_explain, .columns = explain_columns,
      .more = "ACTION is pull, push, delete or a verb of `assay role list`. The repository need not be there yet. USER - is\nanyone without credentials.",
      .examples = "assay grant explain alice acme/shop/web push\nassay grant explain - acme/base pull" },
    { .name = "grant who", .args = "REPO ACTION", .summary = "List who can do something to a repository, and why",
      .method = "GET", .path = "/api/v1/access/who?repository={REPO}&action={ACTION}",
      .list = "accounts", .paging = CLIENT_BY_PAGE_START, .columns = who_columns,
      .note_if = "public", .note = "everybody can, without an account too: it is public",
      .examples = "assay grant who acme/shop/web push" },
    { 0 },
};
/* clang-format on */
