/* api/v0_repositories.c: DTR's repositories: made, listed, shown, changed, deleted. */
#include "api/v0_repository.h"

#include "api/list.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "oci/name.h"
#include "work/repository.h"

enum { FORM_MAX = 2 * 1024 * 1024 }; /* a long description of escapes */

/* clang-format off */
static const struct json_field repo_fields[] = {
    { .name = "enableManifestLists", .kind = JSON_BOOL,    .offset = JSON_AT(struct work_repo, enable_manifest_lists, bool) },
    { .name = "id",                  .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo, id, struct str) },
    { .name = "immutableTags",       .kind = JSON_BOOL,    .offset = JSON_AT(struct work_repo, immutable_tags, bool) },
    { .name = "longDescription",     .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo, long_description, struct str),
      .has_offset = JSON_AT(struct work_repo, has_long_description, bool) },
    { .name = "name",                .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo, name, struct str) },
    { .name = "namespace",           .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo, namespace, struct str) },
    { .name = "namespaceType",       .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo, namespace_type, struct str) },
    { .name = "pulls",               .kind = JSON_INTEGER, .offset = JSON_AT(struct work_repo, pulls, int64_t) },
    { .name = "pushes",              .kind = JSON_INTEGER, .offset = JSON_AT(struct work_repo, pushes, int64_t) },
    { .name = "scanOnPush",          .kind = JSON_BOOL,    .offset = JSON_AT(struct work_repo, scan_on_push, bool) },
    { .name = "shortDescription",    .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo, short_description, struct str) },
    { .name = "tagLimit",            .kind = JSON_INTEGER, .offset = JSON_AT(struct work_repo, tag_limit, int64_t) },
    { .name = "visibility",          .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo, visibility, struct str) },
};

const struct json_table api_v0_repo_table = {
    .name = "Repository", .size = sizeof(struct work_repo), .fields = repo_fields, .n_fields = ARRAY_LEN(repo_fields),
};

#define FORM_FIELDS \
    { .name = "enableManifestLists", .kind = JSON_BOOL,    .offset = JSON_AT(struct work_repo_form, enable_manifest_lists, bool), \
      .has_offset = JSON_AT(struct work_repo_form, has_enable_manifest_lists, bool) }, \
    { .name = "immutableTags",       .kind = JSON_BOOL,    .offset = JSON_AT(struct work_repo_form, immutable_tags, bool), \
      .has_offset = JSON_AT(struct work_repo_form, has_immutable_tags, bool) }, \
    { .name = "longDescription",     .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo_form, long_description, struct str) }, \
    { .name = "scanOnPush",          .kind = JSON_BOOL,    .offset = JSON_AT(struct work_repo_form, scan_on_push, bool), \
      .has_offset = JSON_AT(struct work_repo_form, has_scan_on_push, bool) }, \
    { .name = "shortDescription",    .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo_form, short_description, struct str) }, \
    { .name = "tagLimit",            .kind = JSON_INTEGER, .offset = JSON_AT(struct work_repo_form, tag_limit, int64_t), \
      .has_offset = JSON_AT(struct work_repo_form, has_tag_limit, bool) }, \
    { .name = "visibility",          .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo_form, visibility, struct str) }

static const struct json_field create_fields[] = {
    FORM_FIELDS,
    { .name = "name",                .kind = JSON_STRING,  .offset = JSON_AT(struct work_repo_form, name, struct str),
      .flags = JSON_REQUIRED },
};
static const struct json_field update_fields[] = { FORM_FIELDS };

static const struct json_table create_table = {
    .name = "CreateRepo", .size = sizeof(struct work_repo_form), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};
static const struct json_table update_table = {
    .name = "UpdateRepo", .size = sizeof(struct work_repo_form), .fields = update_fields, .n_fields = ARRAY_LEN(update_fields),
};
/* clang-format on */

/* -- lists -------------------------------------------------------------------------------------------- */

int api_v0_paging_read(struct api_call *call, struct api_paging *out, struct err *err)
{
    return api_paging_read(call, "pageStart", "pageSize", out, err);
}

int api_v0_list_begin(struct api_call *call, const struct api_paging *paging,
                      const struct api_pages *pages, const void *what, struct api_v0_list *out,
                      struct err *err)
{
    const char *wrapper = call->route->list;

    out->paging = *paging;
    out->list   = api_list_begin(call, wrapper[0] == '\0' ? NULL : wrapper);
    return api_pages_write(call, pages, what, paging, out->list, &out->next, err);
}

int api_v0_list_reply(struct api_call *call, const struct api_v0_list *list, int64_t n_in_all,
                      struct err *err)
{
    if (api_list_reply(list->list, err) < 0)
        return -1;
    if (list->next.p != NULL)
        api_reply_next_start(call, list->next);
    if (list->paging.wants_count)
        api_reply_count(call, n_in_all);
    return 0;
}

static int read_repos(struct api_call *call, const void *what, struct arena *arena,
                      struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct work_repo *rows;

    if (work_repo_page(call->work, arena, what, after, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str repo_key(struct arena *arena, const void *row)
{
    (void)arena;
    return ((const struct work_repo *)row)->path;
}

static void write_repo(struct api_call *call, struct json_write *w, const void *row)
{
    (void)call;
    json_write_table(w, &api_v0_repo_table, row);
}

static const struct api_pages repo_pages = {
    .read = read_repos, .size = sizeof(struct work_repo), .key = repo_key, .write = write_repo
};

static int list(struct api_call *call, const struct work_repo_list *what, struct err *err)
{
    struct api_v0_list page;
    struct api_paging  paging;
    int64_t            n = 0;

    if (api_v0_paging_read(call, &paging, err) < 0 ||
        api_v0_list_begin(call, &paging, &repo_pages, what, &page, err) < 0 ||
        (paging.wants_count && work_repo_count(call->work, call->arena, what, &n, err) < 0))
        return -1;
    return api_v0_list_reply(call, &page, n, err);
}

static int list_all(struct api_call *call, struct err *err)
{
    struct work_repo_list what = { .view = &call->view };

    return list(call, &what, err);
}

/* Of a namespace whose account the caller may not see, and that shows nothing else, nothing is told. */
static int list_namespace(struct api_call *call, struct err *err)
{
    struct work_repo_list what = { .view = &call->view, .within = api_hole(call, "namespace") };
    struct auth_account   ignored_account; /* whether it may be seen matters */
    enum auth_verdict     verdict;

    if (oci_prefix_check(what.within, err) < 0 ||
        auth_account_open(call->auth, call->arena, &call->caller, what.within, AUTH_ACCOUNT_SEE,
                          &ignored_account, &verdict, err) < 0 ||
        (verdict != AUTH_YES && work_repo_list_check(call->work, call->arena, &what, err) < 0))
        return -1;
    return list(call, &what, err);
}

/* -- one ---------------------------------------------------------------------------------------------- */

/* What is refused of a name that is nobody's: whoever may see the account learns what is missing. */
static int refuse_namespace(struct api_call *call, struct str namespace, enum auth_verdict verdict,
                            struct err *err)
{
    struct auth_account ignored_account; /* whether it may be seen matters */
    enum auth_verdict   seen;

    if (verdict == AUTH_HIDDEN) {
        if (auth_account_open(call->auth, call->arena, &call->caller, namespace, AUTH_ACCOUNT_SEE,
                              &ignored_account, &seen, err) < 0)
            return -1;
        verdict = seen == AUTH_YES ? AUTH_TOO_FEW : AUTH_NO_NAMESPACE;
    }
    call->path = verdict == AUTH_NO_NAMESPACE ? namespace : call->path;
    api_deny(call, verdict, "create repositories in this namespace");
    return 0;
}

static int check_name(struct api_call *call, struct str namespace, struct str name, struct err *err)
{
    call->path =
        str_from(mem_printf(call->arena, STR_FMT "/" STR_FMT, STR_ARGS(namespace), STR_ARGS(name)));
    if (oci_name_check(call->path, err) < 0) {
        err->code = "INVALID_PARAMETERS";
        return err_wrap(err, "name");
    }
    return 0;
}

static int create(struct api_call *call, struct err *err)
{
    struct str namespace       = api_hole(call, "namespace");
    struct work_repo_form form = { 0 };
    struct work_repo      repo;
    enum auth_verdict     verdict;

    if (api_body(call, &form, err) < 0 || check_name(call, namespace, form.name, err) < 0 ||
        auth_repo_manage(call->auth, call->arena, &call->caller, call->path, AUTH_CREATE,
                         &call->repo, &verdict, err) < 0)
        return -1;
    if (verdict != AUTH_YES)
        return refuse_namespace(call, namespace, verdict, err);
    if (work_repo_create(call->work, call->arena, &call->actor, &call->repo, &form, &repo, err) < 0)
        return -1;
    return api_reply_value(call, &repo, err);
}

static int show(struct api_call *call, struct err *err)
{
    struct work_repo repo;

    if (work_repo_get(call->work, call->arena, &call->repo, &repo, err) < 0)
        return -1;
    return api_reply_value(call, &repo, err);
}

static int change(struct api_call *call, struct err *err)
{
    struct work_repo_form form = { 0 };
    struct work_repo      repo;

    if (api_body(call, &form, err) < 0 ||
        work_repo_change(call->work, call->arena, &call->actor, &call->repo, &form, &repo, err) < 0)
        return -1;
    return api_reply_value(call, &repo, err);
}

static int delete (struct api_call *call, struct err *err)
{
    if (work_repo_delete(call->work, &call->actor, &call->repo, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
static const struct api_param delete_params[] = {
    { "domain", "string", "of a signing service beside the registry; not looked at" },
    { 0 },
};

const struct api_route api_v0_repositories_routes[] = {
    { .name = "repository.list",    .method = HTTP_GET,    .path = "/api/v0/repositories",
      .may = API_MAY_REPOS,  .family = API_DTR, .says = "The repositories that the caller may see, by name",
      .gives = &api_v0_repo_table, .list = "repositories", .query = api_paging_params,
      .run = list_all },
    { .name = "repository.list_of", .method = HTTP_GET,    .path = "/api/v0/repositories/{namespace}",
      .may = API_MAY_REPOS,  .family = API_DTR, .says = "The same of one namespace",
      .gives = &api_v0_repo_table, .list = "repositories", .query = api_paging_params,
      .run = list_namespace },
    { .name = "repository.create",  .method = HTTP_POST,   .path = "/api/v0/repositories/{namespace}",
      .may = API_MAY_USER,   .family = API_DTR, .says = "Makes a repository: name is its path below the namespace, and it is private unless visibility says otherwise",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &create_table, .gives = &api_v0_repo_table, .status = 201,
      .changes = true, .run = create },
    { .name = "repository.show",    .method = HTTP_GET,    .path = "/api/v0/repositories/{namespace}/{name...}",
      .may = API_MAY_VIEW,   .family = API_DTR, .says = "One repository, with its long description",
      .gives = &api_v0_repo_table,
      .run = show },
    { .name = "repository.change",  .method = HTTP_PATCH,  .path = "/api/v0/repositories/{namespace}/{name...}",
      .may = API_MAY_MANAGE, .family = API_DTR, .says = "Changes what the body names",
      .body = HTTP_BODY_WHOLE, .limit = FORM_MAX, .takes = &update_table, .gives = &api_v0_repo_table,
      .changes = true, .run = change },
    { .name = "repository.delete",  .method = HTTP_DELETE, .path = "/api/v0/repositories/{namespace}/{name...}",
      .may = API_MAY_REMOVE, .family = API_DTR, .says = "Deletes a repository with all that is in it", .query = delete_params,
      .changes = true, .run = delete },
    { 0 },
};
/* clang-format on */
