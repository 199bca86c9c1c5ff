/* client/rows_token.c: what stands for a password: access tokens of people, secrets of machines; and the audit log. */
#include "client/rows.h"

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "codec/text.h"
#include "io/clock.h"

enum { SCOPES_MAX = 64 * 1024 };

/* -- what rows cannot say ----------------------------------------------------------------------------- */

/* "PATH:pull,push", as often as it is given. */
static int add_scopes(struct client_run *run, struct err *err)
{
    struct json_write w;
    struct buf        out;
    bool              is_narrowed = false;

    buf_init(&out, run->arena, SCOPES_MAX);
    json_write_init(&w, &out);
    json_write_list(&w);
    for (size_t i = 0; i < run->input.n_given; i++) {
        struct str actions = run->input.given[i].text, path, action;

        if (!str_is(str_from(run->input.given[i].option->name), "--only"))
            continue;
        str_next(&actions, ':', &path);
        if (path.n == 0 || actions.n == 0)
            return err_set(err, ERR_INVALID,
                           "--only takes PATH:ACTION,… such as acme/shop:pull,push");
        is_narrowed = true;
        json_write_object(&w);
        json_write_str_at(&w, "path", path);
        json_write_key(&w, "actions");
        json_write_list(&w);
        while (str_next(&actions, ',', &action))
            json_write_str(&w, action);
        json_write_end(&w);
        json_write_end(&w);
    }
    json_write_end(&w);
    if (is_narrowed)
        client_body_add(run, "scopes", buf_view(&out));
    return 0;
}

/* "30d", or a time. */
static int add_end(struct client_run *run, struct err *err)
{
    struct str given = client_given(&run->input, "--expires");
    char       text[TEXT_TIME_MAX];
    int64_t    us;

    if (given.p == NULL)
        return 0;
    if (text_duration_parse(given, &us, err) == 0)
        us += clock_utc_us();
    else if (text_time_parse(given, &us, err) < 0)
        return err_set(
            err, ERR_INVALID,
            "--expires takes a time from now such as 30d, or one such as 2030-01-31T00:00:00Z");
    text_time_print(us, text);
    client_body_add_text(run, "expiresAt", str_from(text));
    return 0;
}

static int fill_token(struct client_run *run, struct err *err)
{
    return add_scopes(run, err) < 0 || add_end(run, err) < 0 ? -1 : 0;
}

/* clang-format off */

/* -- tokens ------------------------------------------------------------------------------------------- */

static const struct client_option token_list_options[] = {
    { "--user",    "NAME",       CLIENT_TEXT, CLIENT_IN_QUERY, "username", NULL, "another's, for administrators" },
    { 0 },
};

static const struct client_option token_create_options[] = {
    { "--label",   "TEXT",          CLIENT_TEXT, CLIENT_IN_BODY,  "tokenLabel", NULL, "what it is for" },
    { "--expires", "30d|TIME",      CLIENT_TEXT, CLIENT_IN_CODE,  NULL,         NULL, "when it ends; without it when the registry says, or never" },
    { "--only",    "PATH:ACTION,…", CLIENT_TEXT, CLIENT_IN_CODE,  NULL,         NULL, "narrows it: pull, push, delete at PATH and below; may be repeated" },
    { "--user",    "NAME",          CLIENT_TEXT, CLIENT_IN_QUERY, "username",   NULL, "for another, by an administrator" },
    { 0 },
};

static const struct client_option token_set_options[] = {
    { "--label",   "TEXT", CLIENT_TEXT, CLIENT_IN_BODY, "tokenLabel", NULL,    "what it is for" },
    { "--off",     NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isActive",   "false", "it and all that was bought with it are void" },
    { "--on",      NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isActive",   "true",  "it works again" },
    { 0 },
};

static const struct client_column token_columns[] = {
    { "ID", "hashedToken", CLIENT_AS_IS }, { "LABEL", "tokenLabel", CLIENT_AS_IS }, { "ACTIVE", "isActive", CLIENT_AS_IS },
    { "CREATED", "createdAt", CLIENT_TIME }, { "LAST USED", "lastUsed", CLIENT_TIME }, { "EXPIRES", "expiresAt", CLIENT_TIME },
    { "ONLY", "scopes:{path}:{actions}", CLIENT_AS_IS }, { 0 },
};

static const struct client_column token_new_columns[] = {
    { "TOKEN", "token", CLIENT_AS_IS }, { "ID", "hashedToken", CLIENT_AS_IS }, { "LABEL", "tokenLabel", CLIENT_AS_IS },
    { "EXPIRES", "expiresAt", CLIENT_TIME }, { "ONLY", "scopes:{path}:{actions}", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_token_rows[] = {
    { .name = "token list", .args = "", .summary = "List access tokens",
      .method = "GET", .path = "/api/v0/api_tokens", .options = token_list_options,
      .list = "", .paging = CLIENT_BY_PAGE_START, .columns = token_columns,
      .examples = "assay token list\nassay token list --user alice" },
    { .name = "token create", .args = "", .summary = "Make an access token; it is shown once",
      .method = "POST", .path = "/api/v0/api_tokens", .has_body = true, .options = token_create_options, .fill = fill_token,
      .columns = token_new_columns,
      .more = "It stands for the password: with `docker login`, with Basic credentials, with `assay login`. It may what its\n"
              "owner may at the moment of its use, and no more than --only says.",
      .examples = "assay token create --label laptop --expires 90d\n"
                  "assay token create --label ci --only acme/shop:pull,push --only acme/base:pull\n"
                  "assay token create --label ci -o json | jq -r .token" },
    { .name = "token show", .args = "ID", .summary = "Show an access token, but not its value",
      .method = "GET", .path = "/api/v0/api_tokens/{ID}", .columns = token_columns,
      .examples = "assay token show 4f5e6d" },
    { .name = "token set", .args = "ID", .summary = "Switch an access token off or on, or name it",
      .method = "PATCH", .path = "/api/v0/api_tokens/{ID}", .has_body = true, .options = token_set_options,
      .done = "changed token {ID}",
      .examples = "assay token set 4f5e6d --off" },
    { .name = "token delete", .args = "ID", .summary = "Delete an access token",
      .method = "DELETE", .path = "/api/v0/api_tokens/{ID}", .done = "deleted token {ID}",
      .examples = "assay token delete 4f5e6d" },
    { 0 },
};

/* -- service accounts --------------------------------------------------------------------------------- */

static const struct client_option service_list_options[] = {
    { "--prefix",      "PREFIX",   CLIENT_TEXT, CLIENT_IN_QUERY, "prefix",      NULL,    "those that act at and below it" },
    { 0 },
};

static const struct client_option service_create_options[] = {
    { "--prefix",      "PREFIX",   CLIENT_TEXT, CLIENT_IN_BODY,  "prefix",      NULL,    "where it may act; without it all of the owner's namespace" },
    { "--role",        "ROLE",     CLIENT_TEXT, CLIENT_IN_BODY,  "role",        NULL,    "granted to it there; without it nothing yet" },
    { "--description", "TEXT",     CLIENT_TEXT, CLIENT_IN_BODY,  "description", NULL,    "for people" },
    { "--expires",     "30d|TIME", CLIENT_TEXT, CLIENT_IN_CODE,  NULL,          NULL,    "when its secret ends" },
    { 0 },
};

static const struct client_option service_set_options[] = {
    { "--description", "TEXT",     CLIENT_TEXT, CLIENT_IN_BODY,  "description", NULL,    "for people" },
    { "--off",         NULL,       CLIENT_FLAG, CLIENT_IN_BODY,  "isActive",    "false", "it may do nothing" },
    { "--on",          NULL,       CLIENT_FLAG, CLIENT_IN_BODY,  "isActive",    "true",  "it works again" },
    { "--adopt",       NULL,       CLIENT_FLAG, CLIENT_IN_BODY,  "adopt",       "true",  "its rights are bounded by one's own from now on" },
    { 0 },
};

static const struct client_option service_secret_options[] = {
    { "--slot",        "N",        CLIENT_NUMBER, CLIENT_IN_BODY, "slot",       NULL,    "1 or 2; without it the free one, else the older" },
    { "--expires",     "30d|TIME", CLIENT_TEXT,   CLIENT_IN_CODE, NULL,         NULL,    "when it ends" },
    { 0 },
};

#define SERVICE_SECRETS "secrets:{slot}: used {lastUsed}, ends {expiresAt}"

static const struct client_column service_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "PREFIX", "prefix", CLIENT_AS_IS }, { "ACTIVE", "isActive", CLIENT_AS_IS },
    { "MAKER", "maker", CLIENT_AS_IS }, { "DESCRIPTION", "description", CLIENT_AS_IS }, { 0 },
};

static const struct client_column service_details[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "PREFIX", "prefix", CLIENT_AS_IS }, { "ACTIVE", "isActive", CLIENT_AS_IS },
    { "MAKER", "maker", CLIENT_AS_IS }, { "DESCRIPTION", "description", CLIENT_AS_IS }, { "SECRETS", SERVICE_SECRETS, CLIENT_TIME },
    { 0 },
};

static const struct client_column service_new_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "SECRET", "secret", CLIENT_AS_IS }, { "PREFIX", "prefix", CLIENT_AS_IS }, { 0 },
};

static const struct client_column secret_columns[] = {
    { "SECRET", "secret", CLIENT_AS_IS }, { "SLOT", "slot", CLIENT_AS_IS }, { "EXPIRES", "expiresAt", CLIENT_TIME }, { 0 },
};

const struct client_command client_service_rows[] = {
    { .name = "service list", .args = "OWNER", .summary = "List service accounts of an organisation or a person",
      .method = "GET", .path = "/api/v1/accounts/{OWNER}/services", .options = service_list_options,
      .list = "", .paging = CLIENT_BY_PAGE_START, .columns = service_columns,
      .examples = "assay service list acme\nassay service list acme --prefix acme/shop" },
    { .name = "service show", .args = "OWNER/SERVICE", .summary = "Show a service account and when its secrets were used",
      .method = "GET", .path = "/api/v1/accounts/{OWNER}/services/{SERVICE}", .columns = service_details,
      .examples = "assay service show acme/ci" },
    { .name = "service create", .args = "OWNER/SERVICE", .summary = "Make a service account; its first secret is shown once",
      .method = "POST", .path = "/api/v1/accounts/{OWNER}/services", .body = "label=SERVICE", .options = service_create_options,
      .fill = add_end, .columns = service_new_columns,
      .more = "A service account is for a machine: it logs in with its name and a secret, acts at its prefix and below, and\n"
              "may what it was granted there and no more than its maker.",
      .examples = "assay service create acme/ci --prefix acme/shop --role pusher --expires 90d" },
    { .name = "service set", .args = "OWNER/SERVICE", .summary = "Change a service account",
      .method = "PATCH", .path = "/api/v1/accounts/{OWNER}/services/{SERVICE}", .has_body = true, .options = service_set_options,
      .done = "changed service account {OWNER}/{SERVICE}",
      .examples = "assay service set acme/ci --off" },
    { .name = "service rotate", .args = "OWNER/SERVICE", .summary = "Make a new secret beside the one in use; it is shown once",
      .method = "POST", .path = "/api/v1/accounts/{OWNER}/services/{SERVICE}/secrets", .has_body = true,
      .options = service_secret_options, .fill = add_end, .columns = secret_columns,
      .more = "Two secrets live side by side: make the new one, give it to the machine, then remove the old one with\n`assay service forget`.",
      .examples = "assay service rotate acme/ci --expires 90d" },
    { .name = "service forget", .args = "OWNER/SERVICE SLOT", .summary = "Delete a secret; what was bought with it is void",
      .method = "DELETE", .path = "/api/v1/accounts/{OWNER}/services/{SERVICE}/secrets/{SLOT}",
      .done = "deleted secret {SLOT} of {OWNER}/{SERVICE}",
      .examples = "assay service forget acme/ci 1" },
    { .name = "service delete", .args = "OWNER/SERVICE", .summary = "Delete a service account with its secrets and grants",
      .method = "DELETE", .path = "/api/v1/accounts/{OWNER}/services/{SERVICE}", .done = "deleted service account {OWNER}/{SERVICE}",
      .examples = "assay service delete acme/ci" },
    { 0 },
};

/* -- audit -------------------------------------------------------------------------------------------- */

static const struct client_option audit_options[] = {
    { "--account", "NAME",         CLIENT_TEXT, CLIENT_IN_QUERY, "account", NULL, "who did it" },
    { "--action",  "ACTION",       CLIENT_TEXT, CLIENT_IN_QUERY, "action",  NULL, "what was done" },
    { "--outcome", "done|refused", CLIENT_TEXT, CLIENT_IN_QUERY, "outcome", NULL, "whether it was" },
    { "--path",    "PATH",         CLIENT_TEXT, CLIENT_IN_QUERY, "path",    NULL, "on a repository or below a prefix" },
    { "--request", "ID",           CLIENT_TEXT, CLIENT_IN_QUERY, "request", NULL, "of one request" },
    { "--address", "ADDRESS",      CLIENT_TEXT, CLIENT_IN_QUERY, "address", NULL, "from there" },
    { "--from",    "TIME",         CLIENT_TEXT, CLIENT_IN_QUERY, "from",    NULL, "not before, such as 2026-08-21T10:00:00Z" },
    { "--to",      "TIME",         CLIENT_TEXT, CLIENT_IN_QUERY, "to",      NULL, "before" },
    { 0 },
};

static const struct client_column audit_columns[] = {
    { "AT", "at", CLIENT_TIME }, { "ACCOUNT", "account", CLIENT_AS_IS }, { "ACTION", "action", CLIENT_AS_IS },
    { "OUTCOME", "outcome", CLIENT_AS_IS }, { "PATH", "path", CLIENT_AS_IS }, { "OBJECT", "object", CLIENT_AS_IS },
    { "ADDRESS", "address", CLIENT_AS_IS }, { "REASON", "reason", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_audit_rows[] = {
    { .name = "audit list", .args = "", .summary = "List what was done and what was refused, the newest first",
      .method = "GET", .path = "/api/v1/audit", .options = audit_options,
      .list = "records", .paging = CLIENT_BY_PAGE_START, .limit = 100, .columns = audit_columns,
      .more = "Administrators see all of it; who holds the verb `audit` at a path, as owners do, what happened there with\n"
              "--path; anyone what they did themselves. `-o json` also has what was before and after.",
      .examples = "assay audit list\nassay audit list --outcome refused --account mallory\nassay audit list --path acme --from 2026-08-21T00:00:00Z -o json" },
    { 0 },
};
/* clang-format on */
