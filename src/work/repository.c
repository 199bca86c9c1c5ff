/* work/repository.c: repositories made, described, listed and deleted by hand. */
#include "work/repository.h"

#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "meta/account.h"
#include "meta/repo.h"
#include "meta/webhook.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/change.h"
#include "work/work_private.h"

enum { TOLD_MAX = 16 * 1024 };

/* -- what is told ------------------------------------------------------------------------------------- */

static struct work_repo tell(const struct meta_repo *row, const struct meta_repo_extra *extra)
{
    struct str namespace = oci_name_namespace(row->path);

    return (struct work_repo){
        .path                  = row->path,
        .id                    = row->uuid,
        .namespace             = namespace,
        .namespace_type        = extra->namespace_kind,
        .name                  = str_from_index(row->path, namespace.n + 1),
        .visibility            = row->is_public != 0 ? STR("public") : STR("private"),
        .short_description     = row->short_description,
        .immutable_tags        = row->immutable_tags != 0,
        .scan_on_push          = row->scan_on_push != 0,
        .enable_manifest_lists = row->enable_manifest_lists != 0,
        .tag_limit             = row->tag_limit,
        .pulls                 = extra->pulls,
        .pushes                = extra->pushes,
    };
}

int work_repos_tell(struct db_tx *tx, struct arena *arena, const struct meta_repo *rows, size_t n,
                    struct work_repo **out, struct err *err)
{
    struct meta_repo_extra *extras;

    if (meta_repo_extras(tx, arena, rows, n, &extras, err) < 0)
        return -1;
    struct work_repo *list = mem_many(arena, n + 1, struct work_repo);
    for (size_t i = 0; i < n; i++)
        list[i] = tell(&rows[i], &extras[i]);
    *out = list;
    return 0;
}

int work_repo_recall(struct db_tx *tx, struct arena *arena, const struct meta_repo *row,
                     struct work_repo *out, struct err *err)
{
    struct meta_repo       living;
    struct work_repo      *one;
    struct meta_account    account;
    struct meta_repo_extra extra = { .namespace_kind = STR("user") };
    int                    found = meta_repo_find_id(tx, arena, row->id, &living, err);

    if (found < 0 || (found == 1 && work_repos_tell(tx, arena, &living, 1, &one, err) < 0))
        return -1;
    if (found == 1) {
        *out = *one;
        return 0;
    }
    found = meta_account_find(tx, arena, row->namespace_id, &account, err);
    if (found == 1)
        extra.namespace_kind = account.kind;
    *out = tell(row, &extra);
    return found < 0 ? -1 : 0;
}

/* One, with its long description. */
static int tell_whole(struct db_tx *tx, struct arena *arena, const struct meta_repo *row,
                      struct work_repo *out, struct err *err)
{
    struct work_repo *one;
    struct str        markdown = STR("");

    if (work_repos_tell(tx, arena, row, 1, &one, err) < 0 ||
        meta_repo_readme_find(tx, arena, row->id, &markdown, err) < 0)
        return -1;
    one->long_description     = markdown;
    one->has_long_description = true;
    *out                      = *one;
    return 0;
}

static int unknown(struct str path, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", path, "no repository " STR_FMT,
                        STR_ARGS(path));
}

/* -- what is asked ------------------------------------------------------------------------------------ */

static int check_visibility(struct str word, struct err *err)
{
    if (word.n == 0 || str_is(word, "public") || str_is(word, "private"))
        return 0;
    return err_set_code(err, ERR_INVALID, "INVALID_REPOSITORY_VISIBILITY", STR("visibility"),
                        "visibility: is public or private");
}

static int beyond(const char *field, const char *what, int most, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                        "%s: %s at most %d", field, what, most);
}

static int check(const struct work_repo_form *form, struct err *err)
{
    if (check_visibility(form->visibility, err) < 0 ||
        work_text_check("shortDescription", form->short_description, WORK_SHORT_DESCRIPTION_MAX,
                        err) < 0)
        return -1;
    if (form->long_description.n > WORK_LONG_DESCRIPTION_MAX)
        return beyond("longDescription", "the number of its bytes is", WORK_LONG_DESCRIPTION_MAX,
                      err);
    if (form->tag_limit < 0 || form->tag_limit > WORK_TAG_LIMIT_MAX)
        return beyond("tagLimit", "is 0 for none, and", WORK_TAG_LIMIT_MAX, err);
    return 0;
}

static void put_flag(bool is_asked, bool value, int64_t *out)
{
    if (is_asked)
        *out = value;
}

static void apply(const struct work_repo_form *form, struct meta_repo *row)
{
    if (form->visibility.n > 0)
        row->is_public = str_is(form->visibility, "public");
    if (form->short_description.p != NULL)
        row->short_description = form->short_description;
    put_flag(form->has_immutable_tags, form->immutable_tags, &row->immutable_tags);
    put_flag(form->has_scan_on_push, form->scan_on_push, &row->scan_on_push);
    put_flag(form->has_enable_manifest_lists, form->enable_manifest_lists,
             &row->enable_manifest_lists);
    if (form->has_tag_limit)
        row->tag_limit = form->tag_limit;
}

/* -- what changed, for the audit log -------------------------------------------------------------------- */

/* The whole numbers among the settings. */
/* clang-format off */
static const struct { const char *name; size_t offset; bool is_flag; } numbers[] = {
    { "public",              offsetof(struct meta_repo, is_public),             true },
    { "immutableTags",       offsetof(struct meta_repo, immutable_tags),        true },
    { "scanOnPush",          offsetof(struct meta_repo, scan_on_push),          true },
    { "enableManifestLists", offsetof(struct meta_repo, enable_manifest_lists), true },
    { "tagLimit",            offsetof(struct meta_repo, tag_limit),             false },
};
/* clang-format on */

static int64_t number_of(const struct meta_repo *row, size_t i)
{
    int64_t value;

    memcpy(&value, (const char *)row + numbers[i].offset, sizeof(value));
    return value;
}

/* Settings with what belongs to them elsewhere. */
struct described {
    const struct meta_repo *row;
    struct str              readme;
};

/* Those settings of `one` in which the other differs; the null view when none does. A long description is told by
 * its size. */
static struct str print_changed(struct arena *arena, const struct described *one,
                                const struct described *other)
{
    struct json_write w;
    struct buf        text;
    bool              is_any = false;

    buf_init(&text, arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t value = number_of(one->row, i);

        if (value == number_of(other->row, i))
            continue;
        json_write_key(&w, numbers[i].name);
        if (numbers[i].is_flag)
            json_write_bool(&w, value != 0);
        else
            json_write_int(&w, value);
        is_any = true;
    }
    if (!str_eq(one->row->short_description, other->row->short_description)) {
        json_write_str_at(&w, "shortDescription", one->row->short_description);
        is_any = true;
    }
    if (!str_eq(one->readme, other->readme)) {
        json_write_int_at(&w, "longDescriptionBytes", (int64_t)one->readme.n);
        is_any = true;
    }
    json_write_end(&w);
    return is_any ? buf_view(&text) : STR_NULL;
}

static struct meta_event event_of(const char *type, int64_t id, struct str path)
{
    return (struct meta_event){
        .type = type, .repo_id = id, .path = path, .object_kind = "repository", .object_name = path
    };
}

int work_repo_event(struct db_tx *tx, const struct meta_actor *actor, const char *type, int64_t id,
                    struct str path, struct err *err)
{
    struct meta_event event = event_of(type, id, path);

    return meta_event_add(tx, actor, &event, err);
}

static struct str visibility(int64_t is_public)
{
    return is_public != 0 ? STR("public") : STR("private");
}

/* -- making ------------------------------------------------------------------------------------------- */

static int add(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
               const struct auth_repo *repo, const struct work_repo_form *form,
               struct meta_repo *out, struct err *err)
{
    struct meta_repo row = { 0 };
    int64_t          id;

    apply(form, &row);
    if (work_namespace_hold(tx, repo, err) < 0)
        return -1;
    if (meta_repo_add(tx, repo->path, repo->namespace_id, row.is_public, actor->account_id, &id,
                      err) < 0) {
        if (err->kind == ERR_EXISTS)
            err_set_code(err, ERR_INVALID, "REPOSITORY_EXISTS", repo->path,
                         "the repository " STR_FMT " exists already", STR_ARGS(repo->path));
        return -1;
    }
    int found = meta_repo_find_id(tx, arena, id, &row, err);
    if (found < 1)
        return found < 0 ? -1 : unknown(repo->path, err);
    apply(form, &row);

    struct meta_event event = event_of("REPO_CREATED", id, repo->path);
    event.target            = visibility(row.is_public);
    if (meta_repo_update(tx, &row, err) < 0 ||
        (form->long_description.n > 0 &&
         meta_repo_readme_put(tx, id, form->long_description, err) < 0) ||
        meta_event_add(tx, actor, &event, err) < 0)
        return -1;
    *out = row;
    return 0;
}

int work_repo_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *repo, const struct work_repo_form *form,
                     struct work_repo *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_repo             row;
    struct work_repo             told;

    if (work_may_write(work, err) < 0 || check(form, err) < 0 ||
        db_begin(work->db, DB_WRITE, "create repository", &tx, err) < 0 ||
        add(tx, arena, actor, repo, form, &row, err) < 0 ||
        tell_whole(tx, arena, &row, &told, err) < 0 || failpoint(FP_CREATE_REPO_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0 || failpoint(FP_CREATED_REPO, err) < 0)
        return -1;
    *out = told;
    return 0;
}

int work_repo_get(struct work *work, struct arena *arena, const struct auth_repo *repo,
                  struct work_repo *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_repo             row;

    if (db_begin(work->db, DB_READ, "show repository", &tx, err) < 0)
        return -1;
    int found = meta_repo_find_id(tx, arena, repo->id, &row, err);
    if (found < 1)
        return found < 0 ? -1 : unknown(repo->path, err);
    return tell_whole(tx, arena, &row, out, err);
}

int work_repo_get_path(struct work *work, struct arena *arena, struct str path,
                       struct work_repo *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_repo             row;

    if (db_begin(work->db, DB_READ, "show repository", &tx, err) < 0)
        return -1;
    int found = meta_repo_find(tx, arena, path, &row, err);
    if (found < 1)
        return found < 0 ? -1 : unknown(path, err);
    return tell_whole(tx, arena, &row, out, err);
}

/* -- changing ----------------------------------------------------------------------------------------- */

/* Who is told of visibility alone need not read what else changed. */
static int tell_change(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                       const struct described *old, const struct described *new, struct err *err)
{
    struct str        before = print_changed(arena, old, new);
    struct meta_event event  = event_of("REPO_UPDATED", new->row->id, new->row->path);

    if (before.p == NULL)
        return 0;
    if (old->row->is_public != new->row->is_public) {
        event.type   = "REPO_VISIBILITY";
        event.target = visibility(new->row->is_public);
    }
    event.before = before;
    event.after  = print_changed(arena, new, old);
    return meta_event_add(tx, actor, &event, err);
}

/* 1, 0 it is gone, -1. */
static int change(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor, int64_t id,
                  const struct work_repo_form *form, struct meta_repo *out, struct err *err)
{
    struct meta_repo old, new;
    struct str       readme = STR("");
    int              found  = meta_repo_lock(tx, arena, id, &old, err);

    if (found < 1)
        return found;
    if (meta_repo_readme_find(tx, arena, id, &readme, err) < 0)
        return -1;
    new = old;
    apply(form, &new);

    struct str       text = form->long_description.p != NULL ? form->long_description : readme;
    struct described was = { .row = &old, .readme = readme }, is = { .row = &new, .readme = text };
    if (meta_repo_update(tx, &new, err) < 0 ||
        (!str_eq(text, readme) && meta_repo_readme_put(tx, id, text, err) < 0) ||
        tell_change(tx, arena, actor, &was, &is, err) < 0)
        return -1;
    *out = new;
    return 1;
}

int work_repo_apply(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                    int64_t id, const struct work_repo_form *form, struct err *err)
{
    struct meta_repo ignored_row; /* the event tells */

    return change(tx, arena, actor, id, form, &ignored_row, err) < 0 ? -1 : 0;
}

int work_repo_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *repo, const struct work_repo_form *form,
                     struct work_repo *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_repo             row;
    struct work_repo             told;

    if (work_may_write(work, err) < 0 || check(form, err) < 0 ||
        db_begin(work->db, DB_WRITE, "change repository", &tx, err) < 0)
        return -1;
    int found = change(tx, arena, actor, repo->id, form, &row, err);
    if (found < 1)
        return found < 0 ? -1 : unknown(repo->path, err);
    if (tell_whole(tx, arena, &row, &told, err) < 0 || failpoint(FP_VISIBILITY_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0 || failpoint(FP_VISIBILITY_SET, err) < 0)
        return -1;
    *out = told;
    return 0;
}

/* -- deleting ----------------------------------------------------------------------------------------- */

int work_repo_drop(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                   int64_t id, struct err *err)
{
    struct meta_repo row;
    int              found = meta_repo_lock(tx, arena, id, &row, err);

    if (found < 1)
        return found;
    if (work_check_repo(tx, arena, id, row.path, err) < 0 || meta_repo_delete(tx, id, err) < 0 ||
        meta_webhook_remove_of_repo(tx, id, err) < 0 ||
        work_repo_event(tx, actor, "REPO_DELETED", id, row.path, err) < 0)
        return -1;
    return 1;
}

int work_repo_delete(struct work *work, const struct meta_actor *actor,
                     const struct auth_repo *repo, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    if (work_may_delete(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "delete repository", &tx, err) < 0)
        return -1;
    int found = work_repo_drop(tx, arena, actor, repo->id, err);
    if (found < 1)
        return found < 0 ? -1 : unknown(repo->path, err);
    if (failpoint(FP_DELETE_REPO_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_DELETED_REPO, err);
}

/* -- listing ------------------------------------------------------------------------------------------ */

/* '0' follows '/'. */
struct meta_range work_repo_range(struct arena *arena, struct str namespace)
{
    return (struct meta_range){
        .low  = str_from(mem_printf(arena, STR_FMT "/", STR_ARGS(namespace))),
        .high = str_from(mem_printf(arena, STR_FMT "0", STR_ARGS(namespace))),
    };
}

static struct meta_repo_filter filter_of(struct arena *arena, const struct work_repo_list *list)
{
    struct meta_repo_filter filter = list->view->repos;

    if (list->within.p != NULL)
        filter.within = work_repo_range(arena, list->within);
    return filter;
}

int work_repo_page(struct work *work, struct arena *arena, const struct work_repo_list *list,
                   struct str after, size_t n_max, struct work_repo **out, size_t *n_out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    struct meta_repo_filter      filter = filter_of(arena, list);
    struct meta_repo            *rows;

    if (db_begin(work->db, DB_READ, "list repositories", &tx, err) < 0 ||
        meta_repo_page(tx, arena, &filter, after, n_max, &rows, n_out, err) < 0)
        return -1;
    return work_repos_tell(tx, arena, rows, *n_out, out, err);
}

int work_repo_count(struct work *work, struct arena *arena, const struct work_repo_list *list,
                    int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    struct meta_repo_filter      filter = filter_of(arena, list);

    if (db_begin(work->db, DB_READ, "count repositories", &tx, err) < 0)
        return -1;
    return meta_repo_count(tx, arena, &filter, out, err);
}

int work_repo_list_check(struct work *work, struct arena *arena, const struct work_repo_list *list,
                         struct err *err)
{
    struct work_repo *ignored_repos; /* one is enough */
    size_t            n;

    if (work_repo_page(work, arena, list, STR_NULL, 1, &ignored_repos, &n, err) < 0)
        return -1;
    return n > 0 ? 0
                 : err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", list->within,
                                "no account " STR_FMT, STR_ARGS(list->within));
}

/* -- beside the server ---------------------------------------------------------------------------------- */

static int find_path(struct work *work, struct arena *arena, struct str path, struct auth_repo *out,
                     struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_repo             row;

    if (db_begin(work->db, DB_READ, "find repository", &tx, err) < 0)
        return -1;
    int found = meta_repo_find(tx, arena, path, &row, err);
    if (found < 1)
        return found < 0 ? -1 : unknown(path, err);
    *out = (struct auth_repo){ .id = row.id, .path = path };
    return 0;
}

static int find_namespace(struct work *work, struct arena *arena, struct str path,
                          struct auth_repo *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct str                   name = oci_name_namespace(path);
    struct meta_account          account;

    if (db_begin(work->db, DB_READ, "find namespace", &tx, err) < 0)
        return -1;
    int found = meta_account_find_name(tx, arena, name, &account, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", name, "no account " STR_FMT,
                            STR_ARGS(name));
    *out = (struct auth_repo){ .path = path, .namespace_id = account.id };
    return 0;
}

int work_create_repo(struct work *work, const struct meta_actor *actor, struct str path,
                     int is_public, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct work_repo_form          form  = { .visibility = visibility(is_public) };
    struct auth_repo               repo;
    struct work_repo               ignored_told; /* the operator asked for it */

    if (oci_name_check(path, err) < 0 || find_namespace(work, arena, path, &repo, err) < 0)
        return -1;
    if (work_repo_create(work, arena, actor, &repo, &form, &ignored_told, err) < 0)
        return err_wrap(err, "making " STR_FMT, STR_ARGS(path));
    return 0;
}

int work_set_visibility(struct work *work, const struct meta_actor *actor, struct str path,
                        int is_public, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct work_repo_form          form  = { .visibility = visibility(is_public) };
    struct work_repo               ignored_told; /* the operator asked for it */
    struct auth_repo               repo;

    if (find_path(work, arena, path, &repo, err) < 0)
        return -1;
    return work_repo_change(work, arena, actor, &repo, &form, &ignored_told, err);
}

int work_delete_repo(struct work *work, const struct meta_actor *actor, struct str path,
                     struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct auth_repo               repo;

    if (find_path(work, arena, path, &repo, err) < 0)
        return -1;
    return work_repo_delete(work, actor, &repo, err);
}
