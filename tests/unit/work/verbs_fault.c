/* verbs_fault.c: the database goes away at operation 1, 2, 3, … of each verb, until the verb succeeds. After each
 * failure the verb says so, what it was about to do did not happen by half (each event has its record and
 * each row what it refers to), and doing it again works. */
#include <stdio.h>

#include "auth/verb.h"
#include "faulty_db.h"
#include "fixture.h"
#include "oci/name.h"
#include "work/delete.h"
#include "work/list.h"
#include "work/manage.h"
#include "work/mount.h"
#include "work/pull.h"
#include "work/push.h"
#include "work/repository.h"
#include "work/settings.h"
#include "work/upload.h"

enum { OPERATIONS_MAX = 200 };

static const char index_form[] =
    "{\"schemaVersion\":2,\"mediaType\":\"application/"
    "vnd.oci.image.index.v1+json\",\"manifests\":[{"
    "\"mediaType\":\"application/"
    "vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%lld}],"
    "\"subject\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\","
    "\"size\":9}}";

int verbs_fault_setup(void **state)
{
    return fixture_open(state);
}

int verbs_fault_teardown(void **state)
{
    return fixture_close(state);
}

/* What each verb begins with; not counted. */
struct ground {
    struct oci_digest image;
    struct oci_digest blob;
    struct auth_repo  other;
    char              id[WORK_UPLOAD_ID_MAX];
};

typedef int verb(struct fixture *f, struct ground *g);

static int pull_tag(struct fixture *f, struct ground *g)
{
    struct oci_reference reference = { .tag = STR("v1") };
    struct meta_manifest row;

    return work_pull_manifest(f->work, f->arena, &f->repo, &reference, true, &row, &f->err);
}

static int find_blob(struct fixture *f, struct ground *g)
{
    struct work_blob blob;
    bool             must_write;

    /* Long after the push the promise has to be made anew. */
    fixture_break(f, "UPDATE repo_blobs SET pinned_until = 0");
    return work_find_blob(f->work, f->arena, &f->repo, &g->blob, true, &blob, &must_write, &f->err);
}

static int list_all(struct fixture *f, struct ground *g)
{
    struct work_names     names;
    struct work_referrers referrers;
    struct auth_view      view = { .is_all = true };

    if (work_list_tags(f->work, f->arena, &f->repo, STR_NULL, 10, &names, &f->err) < 0 ||
        work_list_repos(f->work, f->arena, &view, STR_NULL, 10, &names, &f->err) < 0)
        return -1;
    return work_list_referrers(f->work, f->arena, &f->repo, &g->image, STR_NULL, STR_NULL, 10,
                               &referrers, &f->err);
}

static int push_index(struct fixture *f, struct ground *g)
{
    struct str         more[] = { STR("second"), STR("v1") };
    int64_t            size = fixture_ask(f, "SELECT length(bytes) FROM manifests WHERE depth = 0");
    struct work_push   push = { .reference = { .tag = STR("first") }, .tags = more, .n_tags = 2 };
    struct work_pushed pushed;

    push.bytes =
        str_from(mem_printf(f->arena, index_form, g->image.text, (long long)size, g->image.text));
    return work_push_manifest(f->work, f->arena, &f->actor, &f->repo, &push, &pushed, &f->err);
}

static int delete_tag(struct fixture *f, struct ground *g)
{
    struct oci_reference reference = { .tag = STR("v1") };

    return work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &reference, &f->err);
}

static int delete_image(struct fixture *f, struct ground *g)
{
    struct oci_reference reference = { .is_digest = true, .digest = g->image };

    return work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &reference, &f->err);
}

static int delete_blob(struct fixture *f, struct ground *g)
{
    return work_delete_blob(f->work, f->arena, &f->actor, &f->repo, &g->blob, &f->err);
}

static int mount_blob(struct fixture *f, struct ground *g)
{
    struct auth_view view = { .is_all = true };

    return work_mount(f->work, f->arena, &f->actor, &g->other, NULL, &view, &g->blob, &f->err);
}

static int begin_upload(struct fixture *f, struct ground *g)
{
    return work_upload_begin(f->work, &f->actor, &f->repo, HASH_SHA512, g->id, &f->err);
}

/* A chunk, its offset, the rest, the end. What failed at its end begins anew, as clients do. */
static int upload_in_parts(struct fixture *f, struct ground *g)
{
    AUTO(work_upload_close) struct work_upload *upload = NULL;
    struct oci_digest                           digest;
    int64_t                                     offset;

    oci_digest_of(STR("in parts"), HASH_SHA256, &digest);
    if (begin_upload(f, g) < 0 ||
        work_upload_open(f->work, &f->actor, &f->repo, str_from(g->id), &upload, &f->err) < 0)
        return -1;
    if (work_upload_offset(upload) == 0 && (work_upload_write(upload, STR("in "), &f->err) < 0 ||
                                            work_upload_flush(upload, &f->err) < 0))
        return -1;
    if (work_upload_status(f->work, &f->actor, &f->repo, str_from(g->id), &offset, &f->err) < 0 ||
        work_upload_expect(upload, &digest, &f->err) < 0 ||
        work_upload_write(upload, STR("parts"), &f->err) < 0)
        return -1;
    return work_upload_finish(upload, &f->actor, &f->repo, &digest, &f->err);
}

static int cancel_upload(struct fixture *f, struct ground *g)
{
    if (begin_upload(f, g) < 0)
        return -1;
    return work_upload_cancel(f->work, &f->actor, &f->repo, str_from(g->id), &f->err);
}

static int upload_at_once(struct fixture *f, struct ground *g)
{
    AUTO(work_upload_close) struct work_upload *upload = NULL;
    struct oci_digest                           digest;

    oci_digest_of(STR("at once"), HASH_SHA512, &digest);
    if (work_upload_begin_single(f->work, &f->actor, &f->repo, &digest, &upload, &f->err) < 0 ||
        work_upload_write(upload, STR("at once"), &f->err) < 0)
        return -1;
    return work_upload_finish(upload, &f->actor, &f->repo, &digest, &f->err);
}

static int sweep(struct fixture *f, struct ground *g)
{
    int64_t n;

    fixture_break(f, "UPDATE uploads SET used_at = 0; UPDATE pending_objects SET expires_at = 0");
    return work_upload_sweep(f->work, &n, &f->err);
}

static int create_repo(struct fixture *f, struct ground *g)
{
    return work_create_repo(f->work, &f->actor, STR("admin/made"), 1, &f->err);
}

static int set_visibility(struct fixture *f, struct ground *g)
{
    return work_set_visibility(f->work, &f->actor, STR("admin/app"), 1, &f->err);
}

static int describe_repo(struct fixture *f, struct ground *g)
{
    struct work_repo_form form = { .visibility       = STR("public"),
                                   .long_description = STR("# title"),
                                   .has_tag_limit    = true,
                                   .tag_limit        = 3 };
    struct work_repo      repo;

    return work_repo_change(f->work, f->arena, &f->actor, &f->repo, &form, &repo, &f->err);
}

static int set_setting(struct fixture *f, struct ground *g)
{
    const struct work_setting setting = { .key      = STR("read-only"),
                                          .value    = STR("off"),
                                          .standard = STR("on") };

    return work_settings_put(f->work, &f->actor, &setting, 1, &f->err);
}

static int delete_repo(struct fixture *f, struct ground *g)
{
    return work_delete_repo(f->work, &f->actor, STR("admin/app"), &f->err);
}

static void lay_ground(struct fixture *f, struct ground *g)
{
    *g            = (struct ground){ .other = f->repo };
    g->blob       = fixture_push(f, "a blob that nothing names");
    g->image      = fixture_push_image(f, "v1", "{}", "layer");
    g->other.id   = 0;
    g->other.path = STR("admin/other");
    CHECK_OK(work_upload_begin(f->work, &f->actor, &f->repo, HASH_SHA256, g->id, &f->err), &f->err);
}

static void check_no_half(struct fixture *f, const char *name, int n)
{
    static const char *const wrongs[] = {
        "SELECT count(*) FROM pragma_foreign_key_check",
        "SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM audit WHERE outcome = "
        "'done')",
        "SELECT count(*) FROM tags t JOIN manifests m ON m.repo_id = t.repo_id AND m.digest = "
        "t.digest"
        " WHERE m.deleted_at IS NOT NULL",
        "SELECT count(*) FROM uploads WHERE upload_key NOT IN (SELECT object_key FROM "
        "pending_objects)",
    };

    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        int64_t n_wrong = fixture_ask(f, wrongs[i]);

        if (n_wrong != 0)
            fail_msg("%s, operation %d: %lld for %s", name, n, (long long)n_wrong, wrongs[i]);
    }
}

static void fail_at_each(void **state, const char *name, verb *run)
{
    struct fixture *f = *state;
    struct ground   ground;
    int             n = 0;
    int             done;

    lay_ground(f, &ground);
    do {
        faulty_db_fail_at(f->db, ++n);
        done             = run(f, &ground);
        bool was_in_time = faulty_db_left > 0;
        faulty_db_heal(f->db);
        if (done < 0 && f->err.kind != ERR_UNAVAILABLE)
            fail_msg("%s, operation %d: %s", name, n, f->err.text);
        check_no_half(f, name, n);
        if (was_in_time)
            break;
    } while (n < OPERATIONS_MAX);
    assert_true(n > 1 && n < OPERATIONS_MAX);
    if (done < 0)
        fail_msg("%s: %s", name, f->err.text);
}

/* clang-format off */
void test_fault_pull_tag(void **state)        { fail_at_each(state, "pull", pull_tag); }
void test_fault_find_blob(void **state)       { fail_at_each(state, "find blob", find_blob); }
void test_fault_list(void **state)            { fail_at_each(state, "list", list_all); }
void test_fault_push_index(void **state)      { fail_at_each(state, "push", push_index); }
void test_fault_delete_tag(void **state)      { fail_at_each(state, "delete tag", delete_tag); }
void test_fault_delete_manifest(void **state) { fail_at_each(state, "delete manifest", delete_image); }
void test_fault_delete_blob(void **state)     { fail_at_each(state, "delete blob", delete_blob); }
void test_fault_mount(void **state)           { fail_at_each(state, "mount", mount_blob); }
void test_fault_begin_upload(void **state)    { fail_at_each(state, "begin upload", begin_upload); }
void test_fault_upload_in_parts(void **state) { fail_at_each(state, "upload in parts", upload_in_parts); }
void test_fault_cancel_upload(void **state)   { fail_at_each(state, "cancel upload", cancel_upload); }
void test_fault_upload_at_once(void **state)  { fail_at_each(state, "upload at once", upload_at_once); }
void test_fault_sweep(void **state)           { fail_at_each(state, "sweep", sweep); }
void test_fault_create_repo(void **state)     { fail_at_each(state, "create repository", create_repo); }
void test_fault_set_visibility(void **state)  { fail_at_each(state, "set visibility", set_visibility); }
void test_fault_describe_repo(void **state)   { fail_at_each(state, "describe repository", describe_repo); }
void test_fault_set_setting(void **state)     { fail_at_each(state, "set setting", set_setting); }
void test_fault_delete_repo(void **state)     { fail_at_each(state, "delete repository", delete_repo); }
/* clang-format on */
