/* repository_test.c: repositories made, described, counted and deleted by hand: each change on record with what was
 * before, tags of immutable ones stay, and what is done to many is done to all of them. */
#include "work/repository.h"

#include "fixture.h"
#include "oci/name.h"
#include "work/account_import.h"
#include "work/delete.h"
#include "work/list.h"
#include "work/many.h"
#include "work/push.h"

int repository_test_setup(void **state)
{
    return fixture_open(state);
}

int repository_test_teardown(void **state)
{
    return fixture_close(state);
}

static int make(struct fixture *f, const char *path, const struct work_repo_form *form,
                struct work_repo *out)
{
    struct auth_repo repo = { .path         = str_from(path),
                              .namespace_id = f->actor.account_id,
                              .verbs        = AUTH_ALL };

    return work_repo_create(f->work, f->arena, &f->actor, &repo, form, out, &f->err);
}

static int change(struct fixture *f, const struct work_repo_form *form, struct work_repo *out)
{
    return work_repo_change(f->work, f->arena, &f->actor, &f->repo, form, out, &f->err);
}

static int64_t n_records(struct fixture *f, const char *condition)
{
    return fixture_ask(f, mem_printf(f->arena, "SELECT count(*) FROM audit WHERE %s", condition));
}

void test_repository_is_told_as_it_was_asked_for(void **state)
{
    struct fixture       *f    = *state;
    struct work_repo_form form = { .visibility         = STR("public"),
                                   .short_description  = STR("short"),
                                   .long_description   = STR("# long"),
                                   .has_immutable_tags = true,
                                   .immutable_tags     = true,
                                   .has_tag_limit      = true,
                                   .tag_limit          = 5 };
    struct work_repo      repo;

    CHECK_OK(make(f, "admin/deep/er", &form, &repo), &f->err);
    CHECK_STR(repo.namespace, "admin");
    CHECK_STR(repo.namespace_type, "user");
    CHECK_STR(repo.name, "deep/er");
    CHECK_STR(repo.visibility, "public");
    CHECK_STR(repo.long_description, "# long");
    assert_true(repo.immutable_tags && !repo.scan_on_push && repo.tag_limit == 5 &&
                repo.pulls == 0);
    CHECK_FAILS(make(f, "admin/deep/er", &form, &repo), &f->err, ERR_INVALID);
    assert_string_equal(f->err.code, "REPOSITORY_EXISTS");
    assert_int_equal(n_records(f, "action = 'REPO_CREATED'"), 1);
}

void test_repository_is_made_only_below_an_account_that_is_there(void **state)
{
    struct fixture       *f    = *state;
    struct work_repo_form form = { 0 };
    struct auth_repo      repo = { .path = STR("ghost/app"), .namespace_id = 4711 };
    struct work_repo      told;

    CHECK_FAILS(work_repo_create(f->work, f->arena, &f->actor, &repo, &form, &told, &f->err),
                &f->err, ERR_NOT_FOUND);
    assert_string_equal(f->err.code, "NO_SUCH_ACCOUNT");
}

void test_repository_changes_what_the_form_names(void **state)
{
    struct fixture       *f    = *state;
    struct work_repo_form form = { .short_description = STR("x"), .long_description = STR("# y") };
    struct work_repo      repo;

    CHECK_OK(change(f, &form, &repo), &f->err);
    CHECK_OK(change(f, &(struct work_repo_form){ .visibility = STR("public") }, &repo), &f->err);
    CHECK_STR(repo.short_description, "x");
    CHECK_STR(repo.long_description, "# y");
    assert_int_equal(
        n_records(f, "action = 'REPO_UPDATED' AND value_before = "
                     "'{\"shortDescription\":\"\",\"longDescriptionBytes\":0}' AND value_after = "
                     "'{\"shortDescription\":\"x\",\"longDescriptionBytes\":3}'"),
        1);
    assert_int_equal(n_records(f,
                               "action = 'REPO_VISIBILITY' AND value_before = '{\"public\":false}'"
                               " AND value_after = '{\"public\":true}' AND target = 'public'"),
                     1);

    CHECK_OK(change(f, &(struct work_repo_form){ .visibility = STR("public") }, &repo), &f->err);
    assert_int_equal(n_records(f, "action LIKE 'REPO_%'"), 2); /* no change, no record */
    CHECK_OK(change(f, &(struct work_repo_form){ .long_description = STR("") }, &repo), &f->err);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM repository_readmes"), 0);
    CHECK_FAILS(change(f, &(struct work_repo_form){ .visibility = STR("secret") }, &repo), &f->err,
                ERR_INVALID);
    CHECK_FAILS(change(f, &(struct work_repo_form){ .tag_limit = -1 }, &repo), &f->err,
                ERR_INVALID);
}

void test_repository_that_is_gone_is_unknown(void **state)
{
    struct fixture  *f = *state;
    struct work_repo repo;

    CHECK_OK(work_repo_delete(f->work, &f->actor, &f->repo, &f->err), &f->err);
    CHECK_FAILS(work_repo_delete(f->work, &f->actor, &f->repo, &f->err), &f->err, ERR_NOT_FOUND);
    CHECK_FAILS(change(f, &(struct work_repo_form){ 0 }, &repo), &f->err, ERR_NOT_FOUND);
    CHECK_FAILS(work_repo_get(f->work, f->arena, &f->repo, &repo, &f->err), &f->err, ERR_NOT_FOUND);
    assert_int_equal(n_records(f, "action = 'REPO_DELETED'"), 1);
}

static int move_tag(struct fixture *f, const char *tag, const char *layer)
{
    struct oci_digest    other     = fixture_push_image(f, "other", "{}", layer);
    struct oci_reference reference = { .is_digest = true, .digest = other };
    struct meta_tag_row *rows;
    struct work_push     push = { .reference = { .tag = str_from(tag) } };
    struct work_pushed   pushed;
    size_t               n;

    CHECK_OK(work_find_tag_rows(f->work, f->arena, &f->repo, &reference, &rows, &n, &f->err),
             &f->err);
    CHECK_STR(rows[0].name, "other");
    CHECK_STR(rows[0].moved_by, "admin");
    push.bytes = str_from(mem_printf(
        f->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"application/"
        "vnd.oci.image.index.v1+json\",\"manifests\":["
        "{\"mediaType\":\"application/"
        "vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%lld}]}",
        other.text,
        (long long)fixture_ask(
            f, mem_printf(f->arena, "SELECT length(bytes) FROM manifests WHERE digest = '%s'",
                          other.text))));
    return work_push_manifest(f->work, f->arena, &f->actor, &f->repo, &push, &pushed, &f->err);
}

void test_repository_with_immutable_tags(void **state)
{
    struct fixture       *f        = *state;
    struct oci_digest     v1       = fixture_push_image(f, "v1", "{}", "layer");
    struct work_repo_form form     = { .has_immutable_tags = true, .immutable_tags = true };
    struct oci_reference  by_tag   = { .tag = STR("v1") },
                         by_digest = { .is_digest = true, .digest = v1 };
    struct work_repo repo;

    CHECK_OK(change(f, &form, &repo), &f->err);
    assert_int_equal(repo.pushes, 1);
    CHECK_FAILS(move_tag(f, "v1", "moved"), &f->err, ERR_CONFLICT);
    assert_string_equal(f->err.code, "TAG_IMMUTABLE");
    CHECK_FAILS(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &by_tag, &f->err),
                &f->err, ERR_CONFLICT);
    CHECK_FAILS(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &by_digest, &f->err),
                &f->err, ERR_CONFLICT);
    assert_int_equal(fixture_ask(f, mem_printf(f->arena,
                                               "SELECT count(*) FROM tags WHERE name = 'v1' AND"
                                               " digest = '%s'",
                                               v1.text)),
                     1);
    CHECK_OK(work_repo_get(f->work, f->arena, &f->repo, &repo, &f->err), &f->err);
    assert_int_equal(repo.pushes, 2); /* v1 and other; the refused one is none */

    form.immutable_tags = false;
    CHECK_OK(change(f, &form, &repo), &f->err);
    CHECK_OK(move_tag(f, "v1", "again"), &f->err);
    CHECK_OK(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &by_tag, &f->err),
             &f->err);
}

void test_repository_many_are_deleted_in_batches(void **state)
{
    enum { MANY = 250 };
    struct fixture       *f     = *state;
    struct work_repo_form form  = { 0 };
    struct auth_account   admin = { .id   = f->actor.account_id,
                                    .name = STR("admin"),
                                    .kind = STR("user") };
    struct work_repo      repo;

    for (int i = 0; i < MANY; i++)
        CHECK_OK(make(f, mem_printf(f->arena, "admin/r%d", i), &form, &repo), &f->err);
    CHECK_OK(work_many_delete(f->work, &f->actor, &admin, &f->err), &f->err);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM repositories WHERE deleted_at IS NULL"),
                     0);
    assert_int_equal(n_records(f, "action = 'REPO_DELETED'"), MANY + 1);
}

void test_repository_pages(void **state)
{
    struct fixture       *f    = *state;
    struct auth_view      view = { .is_all = true, .repos = { .is_all = true } };
    struct work_repo_list all = { .view = &view }, none = { .view = &view, .within = STR("adm") };
    struct work_repo     *rows, repo;
    int64_t               count;
    size_t                n;

    CHECK_OK(make(f, "admin/zoo", &(struct work_repo_form){ 0 }, &repo), &f->err);
    CHECK_OK(work_repo_page(f->work, f->arena, &all, STR_NULL, 10, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    CHECK_STR(rows[1].path, "admin/zoo");
    CHECK_OK(work_repo_page(f->work, f->arena, &all, rows[0].path, 10, &rows, &n, &f->err),
             &f->err);
    assert_int_equal(n, 1);
    CHECK_OK(work_repo_count(f->work, f->arena, &all, &count, &f->err), &f->err);
    assert_int_equal(count, 2);
    CHECK_FAILS(work_repo_list_check(f->work, f->arena, &none, &f->err), &f->err, ERR_NOT_FOUND);
    none.within = STR("admin");
    CHECK_OK(work_repo_list_check(f->work, f->arena, &none, &f->err), &f->err);
}
