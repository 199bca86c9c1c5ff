/* work_fuzz.c: sequences of operations of a registry beside a model of it that fits a page. Uploads in one
 * request and in many, blobs mounted and deleted, manifests and indexes put by tag and by digest, with
 * subjects and children, tags deleted, repositories deleted, time passing and uploads swept: each answer is
 * that of the model, and what is visible afterwards too. At the end the database keeps its promises: a row has
 * its bytes, no object is unknown, what a living manifest names is there, a tag names a living manifest.
 *
 * Input: two bytes an operation: which, and on what. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sqlite3.h>

#include "base/assert.h"
#include "base/buf.h"
#include "blob/blob.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/manifest.h"
#include "meta/repo.h"
#include "oci/digest.h"
#include "oci/media.h"
#include "registry.h"
#include "work/delete.h"
#include "work/list.h"
#include "work/manage.h"
#include "work/mount.h"
#include "work/pull.h"
#include "work/push.h"
#include "work/repository.h"
#include "work/upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_REPOS = 2, N_BLOBS = 4, N_MANIFESTS = 6, N_TAGS = 3, N_UPLOADS = 2, STEPS_MAX = 60 };
enum { DATA_MAX = 32, NO_TAG = -1 };

#define MINUTE_US INT64_C(60000000)
#define STEP_US (40 * MINUTE_US) /* an upload may lie idle for 60 minutes: one step, not two */

static const char *const paths[N_REPOS]    = { "admin/a", "admin/b" };
static const char *const tags[N_TAGS]      = { "t0", "t1", "latest" };
static const char *const contents[N_BLOBS] = { "", "ab", "abc", "{}" };

/* What a manifest names: blobs, or manifests before it; and a subject, which may be missing. */
struct recipe {
    bool is_index;
    int  parts[3];
    int  n_parts;
    int  subject; /* NO_TAG: none */
};

static const struct recipe recipes[N_MANIFESTS] = {
    { false, { 3, 1 }, 2, NO_TAG }, { false, { 3, 2, 2 }, 3, 0 },  { true, { 0 }, 1, NO_TAG },
    { true, { 0, 1 }, 2, 5 },       { true, { 2, 3 }, 2, NO_TAG }, { false, { 0, 3 }, 2, 1 },
};

/* The bytes and digests, the same in every run. */
static struct oci_digest blob_digests[N_BLOBS];
static struct oci_digest manifest_digests[N_MANIFESTS];
static struct str        manifest_bytes[N_MANIFESTS];

/* The model. */

struct model_repo {
    bool exists;
    bool has_link[N_BLOBS];
    bool is_living[N_MANIFESTS];
    int  tag[N_TAGS];
};

struct model_upload {
    bool    is_open;
    int     repo;
    char    id[WORK_UPLOAD_ID_MAX];
    char    bytes[DATA_MAX];
    size_t  n;
    int64_t used_at; /* in steps of time */
};

struct model {
    struct model_repo   repos[N_REPOS];
    struct model_upload uploads[N_UPLOADS];
    bool                is_known[N_BLOBS]; /* has a row */
    int64_t             now;               /* in steps of time */
};

struct play {
    struct registry registry;
    struct arena   *arena;
    struct model    model;
};

static struct str write_descriptor(struct arena *arena, const char *type,
                                   const struct oci_digest *digest, size_t size)
{
    return str_from(mem_printf(arena, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", type,
                               digest->text, size));
}

static struct str descriptor_of_manifest(struct arena *arena, int m)
{
    return write_descriptor(arena, recipes[m].is_index ? OCI_TYPE_INDEX : OCI_TYPE_MANIFEST,
                            &manifest_digests[m], manifest_bytes[m].n);
}

static struct str descriptor_of_blob(struct arena *arena, int b)
{
    return write_descriptor(arena, "application/x", &blob_digests[b], strlen(contents[b]));
}

/* Subjects may come later in the list than what names them; those are made first. */
static void make_manifest(struct arena *arena, int m)
{
    const struct recipe *recipe = &recipes[m];
    struct buf           buf;

    if (manifest_bytes[m].n > 0)
        return;
    buf_init(&buf, arena, 4096);
    buf_printf(&buf, "{\"schemaVersion\":2,\"mediaType\":\"%s\",",
               recipe->is_index ? OCI_TYPE_INDEX : OCI_TYPE_MANIFEST);
    if (recipe->subject != NO_TAG) {
        make_manifest(arena, recipe->subject);
        buf_text(&buf, "\"subject\":");
        buf_str(&buf, descriptor_of_manifest(arena, recipe->subject));
        buf_char(&buf, ',');
    }
    if (!recipe->is_index) {
        buf_text(&buf, "\"config\":");
        buf_str(&buf, descriptor_of_blob(arena, recipe->parts[0]));
        buf_char(&buf, ',');
    }
    buf_text(&buf, recipe->is_index ? "\"manifests\":[" : "\"layers\":[");
    for (int i = recipe->is_index ? 0 : 1; i < recipe->n_parts; i++) {
        if (recipe->is_index)
            make_manifest(arena, recipe->parts[i]);
        buf_text(&buf, i > (recipe->is_index ? 0 : 1) ? "," : "");
        buf_str(&buf, recipe->is_index ? descriptor_of_manifest(arena, recipe->parts[i])
                                       : descriptor_of_blob(arena, recipe->parts[i]));
    }
    buf_text(&buf, "]}");
    manifest_bytes[m] = buf_view(&buf);
    oci_digest_of(manifest_bytes[m], HASH_SHA256, &manifest_digests[m]);
}

static void make_once(void)
{
    static struct arena *arena;

    if (arena != NULL)
        return;
    arena = arena_new();
    for (int b = 0; b < N_BLOBS; b++)
        oci_digest_of(str_from(contents[b]), HASH_SHA256, &blob_digests[b]);
    for (int m = 0; m < N_MANIFESTS; m++)
        make_manifest(arena, m);
}

/* -- the model's rules -------------------------------------------------------------------------------- */

static bool is_used(const struct model_repo *repo, int b)
{
    for (int m = 0; m < N_MANIFESTS; m++) {
        for (int i = 0; repo->is_living[m] && !recipes[m].is_index && i < recipes[m].n_parts; i++) {
            if (recipes[m].parts[i] == b)
                return true;
        }
    }
    return false;
}

static bool is_visible(const struct model_repo *repo, int b)
{
    return repo->exists && (repo->has_link[b] || is_used(repo, b));
}

static bool has_living_parent(const struct model_repo *repo, int child)
{
    for (int m = 0; m < N_MANIFESTS; m++) {
        for (int i = 0; repo->is_living[m] && recipes[m].is_index && i < recipes[m].n_parts; i++) {
            if (recipes[m].parts[i] == child)
                return true;
        }
    }
    return false;
}

static bool can_put(const struct model_repo *repo, int m)
{
    for (int i = 0; i < recipes[m].n_parts; i++) {
        int part = recipes[m].parts[i];

        if (recipes[m].is_index ? !(repo->exists && repo->is_living[part])
                                : !is_visible(repo, part))
            return false;
    }
    return true;
}

/* A repository as it begins; the tags name nothing. */
static void reset_repo(struct model_repo *repo, bool exists)
{
    *repo = (struct model_repo){ .exists = exists };
    for (int t = 0; t < N_TAGS; t++)
        repo->tag[t] = NO_TAG;
}

static void ensure_repo(struct model_repo *repo)
{
    if (!repo->exists)
        reset_repo(repo, true);
}

/* -- handles ------------------------------------------------------------------------------------------ */

/* As the decision would give it to the administrator. */
static struct auth_repo handle_of(struct play *p, int r)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct auth_repo handle = { .path = str_from(paths[r]), .namespace_id = 1, .verbs = AUTH_ALL };
    struct meta_repo row;
    struct err       err;

    ASSERT(db_begin(p->registry.db, DB_READ, "handle", &tx, &err) == 0);
    int found = meta_repo_find(tx, p->arena, handle.path, &row, &err);
    ASSERT(found == p->model.repos[r].exists);
    if (found == 1)
        handle.id = row.id;
    return handle;
}

/* The answer is that of the model: done, or refused with this kind. */
static void expect(int result, const struct err *err, bool is_done, enum err_kind kind)
{
    ASSERT((result >= 0) == is_done);
    if (!is_done)
        ASSERT(err->kind == kind);
}

/* -- operations --------------------------------------------------------------------------------------- */

static void begin_upload(struct play *p, int r, int u)
{
    struct auth_repo     repo   = handle_of(p, r);
    struct model_upload *upload = &p->model.uploads[u];
    struct err           err;

    if (upload->is_open)
        return;
    *upload = (struct model_upload){ .is_open = true, .repo = r, .used_at = p->model.now };
    ASSERT(work_upload_begin(p->registry.work, &p->registry.actor, &repo, HASH_SHA256, upload->id,
                             &err) == 0);
}

static struct work_upload *open_upload(struct play *p, int u, const struct auth_repo *repo)
{
    struct model_upload *upload = &p->model.uploads[u];
    struct work_upload  *open   = NULL;
    struct err           err;

    if (upload->id[0] == '\0')
        return NULL;
    expect(work_upload_open(p->registry.work, &p->registry.actor, repo, str_from(upload->id), &open,
                            &err),
           &err, upload->is_open, ERR_NOT_FOUND);
    if (open != NULL)
        ASSERT(work_upload_offset(open) == (int64_t)upload->n);
    return open;
}

/* Some bytes of that blob; without a flush they are lost with the handle. */
static void write_chunk(struct play *p, int u, int b, bool is_flushed)
{
    struct model_upload *upload = &p->model.uploads[u];
    struct auth_repo     repo   = handle_of(p, upload->repo);
    struct str           all    = str_from(contents[b]);
    struct str           rest   = str_from_index(all, upload->n);
    struct err           err;

    AUTO(work_upload_close) struct work_upload *open = open_upload(p, u, &repo);
    if (open == NULL)
        return;
    rest = str_sub(rest, 0, 2);
    ASSERT(work_upload_write(open, rest, &err) == 0);
    if (!is_flushed)
        return;
    ASSERT(work_upload_flush(open, &err) == 0);
    memcpy(upload->bytes + upload->n, rest.p, rest.n);
    upload->n += rest.n;
    upload->used_at = p->model.now;
}

static void became_blob(struct play *p, int r, int b)
{
    ensure_repo(&p->model.repos[r]);
    p->model.repos[r].has_link[b] = true;
    p->model.is_known[b]          = true;
}

static void finish_upload(struct play *p, int u, int b)
{
    struct model_upload *upload = &p->model.uploads[u];
    struct auth_repo     repo   = handle_of(p, upload->repo);
    bool       is_right = str_eq((struct str){ upload->bytes, upload->n }, str_from(contents[b]));
    struct err err;

    AUTO(work_upload_close) struct work_upload *open = open_upload(p, u, &repo);
    if (open == NULL)
        return;
    expect(work_upload_finish(open, &p->registry.actor, &repo, &blob_digests[b], &err), &err,
           is_right, ERR_INVALID);
    upload->is_open = false;
    if (is_right)
        became_blob(p, upload->repo, b);
}

static void cancel_upload(struct play *p, int u)
{
    struct model_upload *upload = &p->model.uploads[u];
    struct auth_repo     repo   = handle_of(p, upload->repo);
    struct err           err;

    if (upload->id[0] == '\0')
        return;
    expect(work_upload_cancel(p->registry.work, &p->registry.actor, &repo, str_from(upload->id),
                              &err),
           &err, upload->is_open, ERR_NOT_FOUND);
    upload->is_open = false;
}

static void upload_at_once(struct play *p, int r, int b, int promised)
{
    struct auth_repo repo = handle_of(p, r);
    struct err       err;

    AUTO(work_upload_close) struct work_upload *open = NULL;
    ASSERT(work_upload_begin_single(p->registry.work, &p->registry.actor, &repo,
                                    &blob_digests[promised], &open, &err) == 0);
    ASSERT(work_upload_write(open, str_from(contents[b]), &err) == 0);
    expect(work_upload_finish(open, &p->registry.actor, &repo, &blob_digests[promised], &err), &err,
           b == promised, ERR_INVALID);
    if (b == promised)
        became_blob(p, r, b);
}

static void mount_blob(struct play *p, int r, int b)
{
    int              source = 1 - r;
    struct auth_view view   = { 0 };
    struct err       err;

    if (!p->model.repos[source].exists)
        return;
    struct auth_repo to   = handle_of(p, r);
    struct auth_repo from = handle_of(p, source);
    int done = work_mount(p->registry.work, p->arena, &p->registry.actor, &to, &from, &view,
                          &blob_digests[b], &err);
    ASSERT(done == is_visible(&p->model.repos[source], b));
    if (done == 1)
        became_blob(p, r, b);
}

static void put_manifest(struct play *p, int r, int m, int t)
{
    struct model_repo *model = &p->model.repos[r];
    struct auth_repo   repo  = handle_of(p, r);
    struct work_push   push  = { .bytes = manifest_bytes[m] };
    struct work_pushed pushed;
    struct err         err;
    bool               is_done = can_put(model, m);

    push.reference.is_digest = t == NO_TAG;
    if (t == NO_TAG)
        push.reference.digest = manifest_digests[m];
    else
        push.reference.tag = str_from(tags[t]);
    expect(work_push_manifest(p->registry.work, p->arena, &p->registry.actor, &repo, &push, &pushed,
                              &err),
           &err, is_done, ERR_INVALID);
    if (!is_done)
        return;
    ASSERT(oci_digest_eq(&pushed.digest, &manifest_digests[m]));
    ASSERT((pushed.subject.p != NULL) == (recipes[m].subject != NO_TAG));
    ensure_repo(model);
    model->is_living[m] = true;
    if (t != NO_TAG)
        model->tag[t] = m;
}

static void delete_tag(struct play *p, int r, int t)
{
    struct model_repo   *model     = &p->model.repos[r];
    struct oci_reference reference = { .tag = str_from(tags[t]) };
    struct err           err;

    if (!model->exists)
        return;
    struct auth_repo repo = handle_of(p, r);
    expect(work_delete_manifest(p->registry.work, p->arena, &p->registry.actor, &repo, &reference,
                                &err),
           &err, model->tag[t] != NO_TAG, ERR_NOT_FOUND);
    model->tag[t] = NO_TAG;
}

static void delete_manifest(struct play *p, int r, int m)
{
    struct model_repo   *model     = &p->model.repos[r];
    struct oci_reference reference = { .is_digest = true, .digest = manifest_digests[m] };
    struct err           err;

    if (!model->exists)
        return;
    struct auth_repo repo    = handle_of(p, r);
    bool             is_done = model->is_living[m] && !has_living_parent(model, m);
    expect(work_delete_manifest(p->registry.work, p->arena, &p->registry.actor, &repo, &reference,
                                &err),
           &err, is_done, model->is_living[m] ? ERR_CONFLICT : ERR_NOT_FOUND);
    for (int t = 0; is_done && t < N_TAGS; t++) {
        if (model->tag[t] == m)
            model->tag[t] = NO_TAG;
    }
    model->is_living[m] &= !is_done;
}

static void delete_blob(struct play *p, int r, int b)
{
    struct model_repo *model = &p->model.repos[r];
    struct err         err;

    if (!model->exists)
        return;
    struct auth_repo repo = handle_of(p, r);
    expect(work_delete_blob(p->registry.work, p->arena, &p->registry.actor, &repo, &blob_digests[b],
                            &err),
           &err, is_visible(model, b) && !is_used(model, b),
           is_visible(model, b) ? ERR_CONFLICT : ERR_NOT_FOUND);
    if (!is_used(model, b))
        model->has_link[b] = false;
}

static void delete_repo(struct play *p, int r)
{
    struct err err;

    expect(work_delete_repo(p->registry.work, &p->registry.actor, str_from(paths[r]), &err), &err,
           p->model.repos[r].exists, ERR_NOT_FOUND);
    reset_repo(&p->model.repos[r], false);
}

static void sweep(struct play *p)
{
    int64_t    n;
    struct err err;

    ASSERT(work_upload_sweep(p->registry.work, &n, &err) == 0);
    for (int u = 0; u < N_UPLOADS; u++) {
        if (p->model.now - p->model.uploads[u].used_at >= 2)
            p->model.uploads[u].is_open = false;
    }
}

static void run(struct play *p, unsigned verb, unsigned what)
{
    int r = (int)(what & 1);
    int b = (int)(what >> 1) % N_BLOBS;
    int m = (int)(what >> 1) % N_MANIFESTS;
    int t = (int)(what >> 4) % (N_TAGS + 1) - 1;
    int u = (int)(what >> 3) % N_UPLOADS;

    switch (verb % 14) {
    case 0:
        begin_upload(p, r, u);
        break;
    case 1:
        write_chunk(p, u, b, (what & 0x80) == 0);
        break;
    case 2:
        finish_upload(p, u, b);
        break;
    case 3:
        cancel_upload(p, u);
        break;
    case 4:
    case 5:
        upload_at_once(p, r, b, (what & 0xc0) == 0xc0 ? (b + 1) % N_BLOBS : b);
        break;
    case 6:
        mount_blob(p, r, b);
        break;
    case 7:
    case 8:
        put_manifest(p, r, m, t);
        break;
    case 9:
        delete_tag(p, r, (int)(what >> 1) % N_TAGS);
        break;
    case 10:
        delete_manifest(p, r, m);
        break;
    case 11:
        delete_blob(p, r, b);
        break;
    case 12:
        if (what % 8 == 0)
            delete_repo(p, r);
        break;
    default:
        p->model.now++;
        clock_set_offset(p->model.now * STEP_US);
        sweep(p);
        break;
    }
}

/* -- what is visible ---------------------------------------------------------------------------------- */

static void check_blob(struct play *p, const struct auth_repo *repo, int r, int b)
{
    struct work_blob blob;
    bool             must_write;
    struct err       err;
    int found = work_find_blob(p->registry.work, p->arena, repo, &blob_digests[b], true, &blob,
                               &must_write, &err);

    expect(found, &err, is_visible(&p->model.repos[r], b), ERR_NOT_FOUND);
    if (found < 0)
        return;
    struct blob_reader *reader;
    char                bytes[DATA_MAX];
    size_t              n;
    ASSERT(blob_open(p->registry.store, blob.object_key, &reader, &err) == 0);
    ASSERT(blob_read(reader, 0, bytes, sizeof(bytes), &n, &err) == 0);
    ASSERT(str_is((struct str){ bytes, n }, contents[b]) && (int64_t)n == blob.size);
    blob_reader_close(&reader);
}

static void check_manifest(struct play *p, const struct auth_repo *repo,
                           const struct oci_reference *reference, int m)
{
    struct meta_manifest row;
    struct err           err;

    expect(work_pull_manifest(p->registry.work, p->arena, repo, reference, true, &row, &err), &err,
           m != NO_TAG, ERR_NOT_FOUND);
    if (m != NO_TAG)
        ASSERT(str_eq(row.bytes, manifest_bytes[m]));
}

static void check_referrers(struct play *p, const struct auth_repo *repo, int r, int subject)
{
    struct work_referrers list = { 0 };
    size_t                n    = 0;
    struct err            err;

    ASSERT(work_list_referrers(p->registry.work, p->arena, repo, &manifest_digests[subject],
                               STR_NULL, STR_NULL, 100, &list, &err) == 0);
    for (int m = 0; m < N_MANIFESTS; m++)
        n += p->model.repos[r].is_living[m] && recipes[m].subject == subject;
    ASSERT(list.n == n && !list.has_more);
}

static void check_repo(struct play *p, int r)
{
    const struct model_repo *model  = &p->model.repos[r];
    struct auth_repo         repo   = handle_of(p, r);
    struct work_names        names  = { 0 };
    size_t                   n_tags = 0;
    struct err               err;

    if (!model->exists)
        return;
    repo.verbs = AUTH_PULL; /* who may not push is promised nothing, and nothing is written */
    for (int b = 0; b < N_BLOBS; b++)
        check_blob(p, &repo, r, b);
    for (int m = 0; m < N_MANIFESTS; m++) {
        struct oci_reference reference = { .is_digest = true, .digest = manifest_digests[m] };

        check_manifest(p, &repo, &reference, model->is_living[m] ? m : NO_TAG);
        check_referrers(p, &repo, r, m);
    }
    for (int t = 0; t < N_TAGS; t++) {
        struct oci_reference reference = { .tag = str_from(tags[t]) };

        check_manifest(p, &repo, &reference, model->tag[t]);
        n_tags += model->tag[t] != NO_TAG;
    }
    ASSERT(work_list_tags(p->registry.work, p->arena, &repo, STR_NULL, 100, &names, &err) == 0);
    ASSERT(names.n == n_tags);
}

/* -- what the database promises ----------------------------------------------------------------------- */

/* Each finds what must not be. */
static const char *const wrongs[] = {
    "SELECT * FROM pragma_foreign_key_check",
    "SELECT * FROM tags t JOIN manifests m ON m.repo_id = t.repo_id AND m.digest = t.digest"
    " WHERE m.deleted_at IS NOT NULL",
    "SELECT * FROM manifest_children c JOIN manifests p ON p.repo_id = c.repo_id AND p.digest = "
    "c.parent"
    " JOIN manifests m ON m.repo_id = c.repo_id AND m.digest = c.child"
    " WHERE p.deleted_at IS NULL AND m.deleted_at IS NOT NULL",
    "SELECT 1 FROM events e WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.action = e.type AND "
    "a.at = e.at)",
    "SELECT 1 WHERE (SELECT count(*) FROM events) <> (SELECT count(*) FROM audit WHERE outcome = "
    "'done')",
    "SELECT * FROM blobs b JOIN doomed_objects d ON d.object_key = b.object_key",
    "SELECT * FROM blobs b JOIN pending_objects d ON d.object_key = b.object_key",
    "SELECT * FROM uploads u WHERE u.upload_key NOT IN (SELECT object_key FROM pending_objects)",
};

static int64_t count_rows(sqlite3 *sqlite, const char *sql, struct str key)
{
    sqlite3_stmt *stmt = NULL;
    int64_t       n    = 0;

    ASSERT(sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) == SQLITE_OK);
    if (key.p != NULL)
        sqlite3_bind_text(stmt, 1, key.p, (int)key.n, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        n++;
    sqlite3_finalize(stmt);
    return n;
}

/* An object has a row, or is known to be on its way in or out. */
static int check_object(void *context, struct str key, int64_t size, int64_t modified_us,
                        struct err *err)
{
    ASSERT(count_rows(context,
                      "SELECT 1 FROM blobs WHERE object_key = ?1 UNION ALL"
                      " SELECT 1 FROM pending_objects WHERE object_key = ?1 UNION ALL"
                      " SELECT 1 FROM doomed_objects WHERE object_key = ?1",
                      key) == 1);
    return 0;
}

static void check_database(struct play *p)
{
    sqlite3   *sqlite  = NULL;
    int64_t    n_known = 0;
    struct err err;

    ASSERT(sqlite3_open_v2(registry_file(), &sqlite, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++)
        ASSERT(count_rows(sqlite, wrongs[i], STR_NULL) == 0);
    for (int b = 0; b < N_BLOBS; b++)
        n_known += p->model.is_known[b];
    ASSERT(count_rows(sqlite, "SELECT 1 FROM blobs", STR_NULL) == n_known);
    ASSERT(blob_each(p->registry.store, check_object, sqlite, &err) == 0);
    sqlite3_close(sqlite);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct play                    p     = { .arena = arena };

    make_once();
    clock_set_offset(0);
    registry_open(&p.registry);
    for (int r = 0; r < N_REPOS; r++)
        reset_repo(&p.model.repos[r], false);
    for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2)
        run(&p, data[i], data[i + 1]);
    for (int r = 0; r < N_REPOS; r++)
        check_repo(&p, r);
    check_database(&p);
    registry_close(&p.registry);
    return 0;
}
