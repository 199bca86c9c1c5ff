/* client/image.c: images by name. A command looks at the name that it was given and goes on as one of the rows below, with
 * the parts of the name as further holes (REPO, TAG, DIGEST). */
#include "client/image.h"

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "client/table.h"
#include "codec/json.h"
#include "codec/json_view.h"

#define REPOS_V0 "/api/v0/repositories/{+REPO}"
#define REPOS_V1 "/api/v1/repositories/{+REPO}"

enum kind { OF_NOTHING, OF_NAMESPACE, OF_REPO, OF_TAG, OF_DIGEST };

/* clang-format off */
static const struct client_column repo_columns[] = {
    { "NAME", "{namespace}/{name}", CLIENT_AS_IS }, { "VISIBILITY", "visibility", CLIENT_AS_IS },
    { "PULLS", "pulls", CLIENT_AS_IS }, { "PUSHES", "pushes", CLIENT_AS_IS },
    { "DESCRIPTION", "shortDescription", CLIENT_AS_IS }, { 0 },
};
static const struct client_column tag_columns[] = {
    { "TAG", "name", CLIENT_AS_IS }, { "DIGEST", "digest", CLIENT_AS_IS }, { "PLATFORM", "{manifest.os} {manifest.architecture}", CLIENT_AS_IS },
    { "SIZE", "manifest.size", CLIENT_AS_IS }, { "UPDATED", "updatedAt", CLIENT_TIME }, { "BY", "author", CLIENT_AS_IS }, { 0 },
};
static const struct client_column repo_details[] = {
    { "NAME", "{namespace}/{name}", CLIENT_AS_IS }, { "VISIBILITY", "visibility", CLIENT_AS_IS },
    { "DESCRIPTION", "shortDescription", CLIENT_AS_IS }, { "IMMUTABLE TAGS", "immutableTags", CLIENT_AS_IS },
    { "PULLS", "pulls", CLIENT_AS_IS }, { "PUSHES", "pushes", CLIENT_AS_IS }, { "ID", "id", CLIENT_AS_IS }, { 0 },
};
static const struct client_column image_columns[] = {
    { "TAG", "name", CLIENT_AS_IS }, { "OS", "manifest.os", CLIENT_AS_IS }, { "ARCH", "manifest.architecture", CLIENT_AS_IS },
    { "MANIFEST", "manifest.digest", CLIENT_AS_IS }, { "CONFIG", "manifest.configDigest", CLIENT_AS_IS },
    { "SIZE", "manifest.size", CLIENT_AS_IS }, { "CREATED", "createdAt", CLIENT_TIME }, { "UPDATED", "updatedAt", CLIENT_TIME },
    { "BY", "author", CLIENT_AS_IS }, { 0 },
};
static const struct client_column move_columns[] = {
    { "AT", "at", CLIENT_TIME }, { "WHAT", "type", CLIENT_AS_IS }, { "BY", "account", CLIENT_AS_IS },
    { "FROM", "oldDigest", CLIENT_AS_IS }, { "TO", "digest", CLIENT_AS_IS }, { 0 },
};
static const struct client_column deleted_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "DIGEST", "digest", CLIENT_AS_IS }, { "DELETED", "at", CLIENT_TIME },
    { "BACK UNTIL", "until", CLIENT_TIME }, { 0 },
};
static const struct client_column size_columns[] = {
    { "SIZE", "size", CLIENT_AS_IS }, { "OWN", "own", CLIENT_AS_IS }, { "SHARED", "shared", CLIENT_AS_IS },
    { "RECLAIMABLE NOW", "reclaimable", CLIENT_AS_IS }, { "RECLAIMABLE LATER", "reclaimableLater", CLIENT_AS_IS },
    { "REPOSITORIES", "repositories", CLIENT_AS_IS }, { "TAGS", "tags", CLIENT_AS_IS }, { "MANIFESTS", "manifests", CLIENT_AS_IS },
    { "BLOBS", "blobs", CLIENT_AS_IS }, { 0 },
};

#define LIST(its_path, its_list, its_columns) \
    { .method = "GET", .path = its_path, .list = its_list, .paging = CLIENT_BY_PAGE_START, .columns = its_columns }
#define SHOW(its_path, its_columns) { .method = "GET", .path = its_path, .columns = its_columns }

static const struct client_command list_repos       = LIST("/api/v0/repositories", "repositories", repo_columns);
static const struct client_command list_namespace   = LIST("/api/v0/repositories/{PLACE}", "repositories", repo_columns);
static const struct client_command list_tags        = LIST(REPOS_V0 "/tags", "", tag_columns);
static const struct client_command list_moves       = LIST(REPOS_V1 "/tags/{TAG}/history", "history", move_columns);
static const struct client_command deleted_tags     = LIST(REPOS_V1 "/deleted/tags", "deleted", deleted_columns);
static const struct client_command deleted_manifests = LIST(REPOS_V1 "/deleted/manifests", "deleted", deleted_columns);
static const struct client_command show_repo        = SHOW(REPOS_V0, repo_details);
static const struct client_command show_tag         = { .method = "GET", .path = REPOS_V0 "/tags/{TAG}", .list = "", .columns = image_columns };
static const struct client_command show_digest      = { .method = "GET", .path = REPOS_V0 "/tags/{DIGEST}", .list = "", .columns = image_columns };
static const struct client_command size_all         = SHOW("/api/v1/sizes", size_columns);
static const struct client_command size_prefix      = SHOW("/api/v1/sizes?prefix={PLACE}", size_columns);
static const struct client_command size_repo        = SHOW(REPOS_V1 "/sizes", size_columns);
static const struct client_command delete_tag       = { .method = "DELETE", .path = REPOS_V0 "/tags/{TAG}", .done = "deleted {REPO}:{TAG}" };
static const struct client_command delete_digest    = { .method = "DELETE", .path = REPOS_V0 "/manifests/{DIGEST}", .done = "deleted {REPO}@{DIGEST}" };
static const struct client_command undelete_tag     = { .method = "POST", .path = REPOS_V1 "/tags/{TAG}/undelete", .done = "{REPO}:{TAG} is back" };
static const struct client_command undelete_digest  = { .method = "POST", .path = REPOS_V1 "/manifests/{DIGEST}/undelete", .done = "{REPO}@{DIGEST} is back" };
static const struct client_command undelete_repo    = { .method = "POST", .path = REPOS_V1 "/undelete", .done = "{REPO} is back" };
/* clang-format on */

/* -- names -------------------------------------------------------------------------------------------- */

static void add_hole(struct client_run *run, const char *name, struct str value)
{
    if (run->input.n_holes < CLIENT_HOLES_MAX)
        run->input.holes[run->input.n_holes++] =
            (struct client_hole){ .name = str_from(name), .value = value };
}

/* "acme/shop/web:v1", "acme/shop/web@sha256:…", "acme/shop/web", "acme", nothing. */
static enum kind read_name(struct client_run *run, struct str name)
{
    ptrdiff_t at    = str_find(name, '@');
    ptrdiff_t slash = str_find_last(name, '/');
    ptrdiff_t colon = str_find_last(name, ':');

    if (name.n == 0)
        return OF_NOTHING;
    if (at > 0) {
        add_hole(run, "REPO", str_sub(name, 0, (size_t)at));
        add_hole(run, "DIGEST", str_from_index(name, (size_t)at + 1));
        return OF_DIGEST;
    }
    if (colon > slash) {
        add_hole(run, "REPO", str_sub(name, 0, (size_t)colon));
        add_hole(run, "TAG", str_from_index(name, (size_t)colon + 1));
        return OF_TAG;
    }
    add_hole(run, "REPO", name);
    return slash < 0 ? OF_NAMESPACE : OF_REPO;
}

static int as_row(struct client_run *run, const struct client_command *row, struct err *err)
{
    const struct client_command *own = run->command;

    run->command = row;
    int done     = client_run_row(run, err);
    run->command = own;
    return done;
}

static int wants(struct client_run *run, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "it takes %s; see `assay %s --help`", what,
                   run->command->name);
}

/* -- looking ------------------------------------------------------------------------------------------ */

int client_ls(struct client_run *run, struct err *err)
{
    switch (read_name(run, client_hole(&run->input, "PLACE"))) {
    case OF_NOTHING:
        return as_row(run, &list_repos, err);
    case OF_NAMESPACE:
        return as_row(run, &list_namespace, err);
    case OF_REPO:
        return as_row(run, &list_tags, err);
    case OF_TAG:
    case OF_DIGEST:
        break;
    }
    return wants(run, "nothing, a namespace or a repository", err);
}

int client_inspect(struct client_run *run, struct err *err)
{
    switch (read_name(run, client_hole(&run->input, "IMAGE"))) {
    case OF_REPO:
        return as_row(run, &show_repo, err);
    case OF_TAG:
        return as_row(run, &show_tag, err);
    case OF_DIGEST:
        return as_row(run, &show_digest, err);
    case OF_NOTHING:
    case OF_NAMESPACE:
        break;
    }
    return wants(run, "REPO, REPO:TAG or REPO@DIGEST", err);
}

static int ask(struct client_run *run, const char *path, struct net_answer *out, struct err *err)
{
    struct client_request request = { .method = "GET",
                                      .path   = client_print_path(run->arena, &run->input, path) };

    if (client_ask(&run->session, &request, out, err) < 0)
        return -1;
    return json_check(out->body,
                      &(struct json_limits){ .size   = 64 * 1024 * 1024,
                                             .values = 1000 * 1000,
                                             .depth  = 64,
                                             .key    = 1024 },
                      err);
}

static void add_lines(struct client_run *run, struct str manifest)
{
    struct json_view_each lines = json_view_each(json_view_at(manifest, STR("dockerfile")));
    struct client_table   table;

    client_table_init(&table, run->arena, 3);
    client_table_add(&table, STR("CREATED BY"));
    client_table_add(&table, STR("SIZE"));
    client_table_add(&table, STR("LAYER"));
    while (json_view_next(&lines)) {
        static const char *const members[] = { "line", "size", "layerDigest" };

        for (size_t i = 0; i < ARRAY_LEN(members); i++)
            client_table_add(&table,
                             json_view_text(run->arena,
                                            json_view_at(lines.value, str_from(members[i]))));
    }
    client_table_print(&table, run->env->width, &run->out);
}

static struct str member_of(struct client_run *run, struct str object, const char *name)
{
    struct str text = json_view_text(run->arena, json_view_at(object, str_from(name)));

    return client_text_clean(run->arena, text.p == NULL ? STR("") : text);
}

/* The lines that made it; of an index those of each platform. */
static int show_lines(struct client_run *run, enum kind kind, struct err *err)
{
    const struct client_command *row = kind == OF_TAG ? &show_tag : &show_digest;
    struct net_answer            answer;

    if (ask(run, row->path, &answer, err) < 0)
        return -1;
    if (run->input.is_json) {
        buf_printf(&run->out, STR_FMT "\n", STR_ARGS(answer.body));
        return 0;
    }

    struct json_view_each tags = json_view_each(json_view_of(answer.body));
    struct str            last = STR("");
    for (bool is_first = true; json_view_next(&tags); is_first = false) {
        struct str manifest = json_view_at(tags.value, STR("manifest"));
        struct str digest   = member_of(run, manifest, "digest");

        if (!is_first && str_eq(digest, last)) /* the same under another tag */
            continue;
        last = digest;
        buf_printf(&run->out, "%s" STR_FMT " " STR_FMT " " STR_FMT "\n", is_first ? "" : "\n",
                   STR_ARGS(digest), STR_ARGS(member_of(run, manifest, "os")),
                   STR_ARGS(member_of(run, manifest, "architecture")));
        add_lines(run, manifest);
    }
    return 0;
}

int client_history(struct client_run *run, struct err *err)
{
    enum kind kind = read_name(run, client_hole(&run->input, "IMAGE"));

    if (client_has(&run->input, "--moves"))
        return kind == OF_TAG ? as_row(run, &list_moves, err)
                              : wants(run, "REPO:TAG with --moves", err);
    if (kind == OF_TAG || kind == OF_DIGEST)
        return show_lines(run, kind, err);
    return wants(run, "REPO:TAG or REPO@DIGEST", err);
}

int client_size(struct client_run *run, struct err *err)
{
    enum kind kind = read_name(run, client_hole(&run->input, "PLACE"));

    if (kind == OF_TAG || kind == OF_DIGEST)
        return wants(run, "nothing, a prefix or a repository", err);
    if (kind == OF_REPO && !client_has(&run->input, "--below"))
        return as_row(run, &size_repo, err);
    return as_row(run, kind == OF_NOTHING ? &size_all : &size_prefix, err);
}

/* -- deleting ----------------------------------------------------------------------------------------- */

/* What collection takes of the repository, now or later; false when the server does not say. */
static bool free_of(struct client_run *run, int64_t *out)
{
    struct net_answer answer;
    struct err        ignored; /* it is told for comfort */
    int64_t           now, later;

    if (ask(run, REPOS_V1 "/sizes", &answer, &ignored) < 0 ||
        !str_to_int(json_view_at(json_view_of(answer.body), STR("reclaimable")), &now) ||
        !str_to_int(json_view_at(json_view_of(answer.body), STR("reclaimableLater")), &later))
        return false;
    *out = now + later;
    return true;
}

/* Until when the last that was deleted can come back. */
static struct str back_until(struct client_run *run, enum kind kind)
{
    const char           *path = kind == OF_TAG ? REPOS_V1 "/deleted/tags?pageSize=100"
                                                : REPOS_V1 "/deleted/manifests?pageSize=0";
    struct str            name = client_hole(&run->input, kind == OF_TAG ? "TAG" : "DIGEST");
    struct net_answer     answer;
    struct err            ignored; /* it is told for comfort */
    struct json_view_each each;

    if (ask(run, path, &answer, &ignored) < 0)
        return STR_NULL;
    each = json_view_each(json_view_at(json_view_of(answer.body), STR("deleted")));
    while (json_view_next(&each)) {
        if (str_eq(member_of(run, each.value, "name"), name))
            return member_of(run, each.value, "until");
    }
    return STR_NULL;
}

static void tell_what_comes_free(struct client_run *run, enum kind kind, int64_t before)
{
    struct str until = back_until(run, kind);
    int64_t    after;

    if (!free_of(run, &after))
        return;
    if (after <= before)
        buf_text(&run->out, "no bytes come free: something else still names them\n");
    else if (until.n > 0)
        buf_printf(&run->out,
                   "%lld bytes come free at " STR_FMT
                   "; until then `assay undelete` brings it back\n",
                   (long long)(after - before), STR_ARGS(until));
    else
        buf_printf(&run->out, "%lld bytes come free when collection comes\n",
                   (long long)(after - before));
}

int client_rmi(struct client_run *run, struct err *err)
{
    enum kind kind = read_name(run, client_hole(&run->input, "IMAGE"));
    int64_t   before;

    if (kind != OF_TAG && kind != OF_DIGEST)
        return wants(run, "REPO:TAG or REPO@DIGEST; `assay repo delete` deletes a repository", err);
    bool is_told = !run->input.is_json && free_of(run, &before);
    if (as_row(run, kind == OF_TAG ? &delete_tag : &delete_digest, err) < 0)
        return -1;
    if (is_told)
        tell_what_comes_free(run, kind, before);
    return 0;
}

int client_undelete(struct client_run *run, struct err *err)
{
    enum kind kind = read_name(run, client_hole(&run->input, "IMAGE"));

    if (client_has(&run->input, "--list") || client_has(&run->input, "--manifests"))
        return kind == OF_REPO
                   ? as_row(run,
                            client_has(&run->input, "--list") ? &deleted_tags : &deleted_manifests,
                            err)
                   : wants(run, "REPO with --list or --manifests", err);
    switch (kind) {
    case OF_REPO:
        return as_row(run, &undelete_repo, err);
    case OF_TAG:
        return as_row(run, &undelete_tag, err);
    case OF_DIGEST:
        return as_row(run, &undelete_digest, err);
    case OF_NOTHING:
    case OF_NAMESPACE:
        break;
    }
    return wants(run, "REPO, REPO:TAG or REPO@DIGEST", err);
}

/* -- the registry ------------------------------------------------------------------------------------- */

static void add_line(struct client_run *run, struct client_table *table, const char *title,
                     struct str object, const char *member)
{
    client_table_add(table, str_from(title));
    client_table_add(table, member_of(run, object, member));
}

int client_info(struct client_run *run, struct err *err)
{
    struct net_answer   who, health, repos;
    struct client_table table;

    if (ask(run, "/basic_info", &who, err) < 0 || ask(run, "/_ping", &health, err) < 0)
        return -1;
    if (run->input.is_json) {
        buf_printf(&run->out, STR_FMT "\n", STR_ARGS(who.body));
        return 0;
    }

    struct err ignored; /* one who is not logged in sees no list */
    bool has_repos = ask(run, "/api/v0/repositories?pageSize=1&count=true", &repos, &ignored) == 0;
    client_table_init(&table, run->arena, 2);
    client_table_add(&table, STR("SERVER"));
    client_table_add(&table, run->session.server.url);
    add_line(run, &table, "VERSION", json_view_of(who.body), "CurrentVersion");
    add_line(run, &table, "HEALTHY", json_view_of(health.body), "Healthy");
    add_line(run, &table, "USER", json_view_of(who.body), "User");
    add_line(run, &table, "ADMIN", json_view_of(who.body), "IsAdmin");
    if (has_repos) {
        client_table_add(&table, STR("REPOSITORIES SEEN"));
        client_table_add(&table,
                         client_text_clean(run->arena, net_header(&repos, "X-Resource-Count")));
    }
    client_table_print(&table, run->env->width, &run->out);
    return 0;
}
