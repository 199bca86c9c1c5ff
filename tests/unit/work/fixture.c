/* fixture.c: what the tests of the verbs begin with. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "auth/verb.h"
#include "blob/fail.h"
#include "db/migrate.h"
#include "meta/account.h"
#include "meta/repo.h"
#include "work/push.h"
#include "work/upload.h"

#define HOUR_US (3600 * INT64_C(1000000))

static struct work_policy policy(void)
{
    return (struct work_policy){ .pin_ttl         = HOUR_US,
                                 .gc_delay        = HOUR_US,
                                 .doom_delay      = HOUR_US,
                                 .undelete_window = HOUR_US,
                                 .upload_ttl      = HOUR_US,
                                 .may_delete      = true };
}

static void open_database(struct fixture *f, const char *url)
{
    struct meta_account account = {
        .name = STR("admin"), .kind = STR("user"), .is_admin = 1, .is_active = 1
    };
    struct db_tx *tx = NULL;

    struct db_settings settings = { .url = str_from(url), .n_readers = 2 };
    CHECK_OK(db_open(&settings, &f->db, &f->err), &f->err);
    CHECK_OK(db_migrate(f->db, NULL, NULL, &f->err), &f->err);
    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_account_add(tx, &account, &f->actor.account_id, &f->err), &f->err);
    CHECK_OK(meta_repo_add(tx, STR("admin/app"), f->actor.account_id, 0, f->actor.account_id,
                           &f->repo.id, &f->err),
             &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
}

int fixture_open(void **state)
{
    return fixture_open_over(state, NULL);
}

int fixture_open_over(void **state, const char *database)
{
    struct fixture *f = mem_new(struct fixture);
    struct str      id;

    scratch_make(f->folder);
    f->arena = arena_new();
    f->actor = (struct meta_actor){ .kind = "user", .name = STR("admin") };
    open_database(f, database != NULL ? database
                                      : mem_printf(f->arena, "sqlite:%s/assay.db", f->folder));

    struct blob_store *inner = NULL;
    const char        *url   = mem_printf(f->arena, "file:%s/store", f->folder);
    CHECK_OK(blob_store_open(str_from(url), STR(""), f->arena, &id, &inner, &f->err), &f->err);
    f->store = blob_fail_new(inner);

    struct work_settings settings = { .db = f->db, .store = f->store, .policy = policy() };
    f->work                       = work_new(&settings);

    f->repo.path         = STR("admin/app");
    f->repo.namespace_id = f->actor.account_id;
    f->repo.verbs        = AUTH_ALL;
    f->reader            = f->repo;
    f->reader.verbs      = AUTH_PULL;
    *state               = f;
    return 0;
}

int fixture_close(void **state)
{
    struct fixture *f = *state;

    work_free(&f->work);
    blob_store_close(&f->store);
    db_close(&f->db);
    arena_free(&f->arena);
    scratch_remove(f->folder);
    mem_free(f);
    return 0;
}

void fixture_set_verify(struct fixture *f, bool is_on)
{
    struct work_policy changed = policy();

    changed.verify_on_read = is_on;
    work_set_policy(f->work, &changed);
}

void fixture_set_scrub(struct fixture *f, int64_t rate, int64_t interval_us)
{
    struct work_policy changed = policy();

    changed.scrub_rate     = rate;
    changed.scrub_interval = interval_us;
    work_set_policy(f->work, &changed);
}

struct oci_digest fixture_push(struct fixture *f, const char *text)
{
    struct work_upload *upload = NULL;
    struct oci_digest   digest;

    oci_digest_of(str_from(text), HASH_SHA256, &digest);
    CHECK_OK(work_upload_begin_single(f->work, &f->actor, &f->repo, &digest, &upload, &f->err),
             &f->err);
    CHECK_OK(work_upload_announce(upload, &digest, (int64_t)strlen(text), &f->err), &f->err);
    CHECK_OK(work_upload_write(upload, str_from(text), &f->err), &f->err);
    CHECK_OK(work_upload_finish(upload, &f->actor, &f->repo, &digest, &f->err), &f->err);
    work_upload_close(&upload);
    return digest;
}

struct oci_digest fixture_push_image(struct fixture *f, const char *tag, const char *config,
                                     const char *layer)
{
    struct oci_digest  config_digest = fixture_push(f, config);
    struct oci_digest  layer_digest  = fixture_push(f, layer);
    struct work_push   push          = { .media_type = STR_NULL };
    struct work_pushed pushed;

    push.bytes = str_from(mem_printf(
        f->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\","
        "\"size\":%zu},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
        "\"digest\":\"%s\",\"size\":%zu}]}",
        config_digest.text, strlen(config), layer_digest.text, strlen(layer)));
    if (tag[0] != '\0') {
        CHECK_OK(oci_reference_parse(str_from(tag), &push.reference, &f->err), &f->err);
    } else {
        push.reference.is_digest = true;
        oci_digest_of(push.bytes, HASH_SHA256, &push.reference.digest);
    }
    CHECK_OK(work_push_manifest(f->work, f->arena, &f->actor, &f->repo, &push, &pushed, &f->err),
             &f->err);
    return pushed.digest;
}

struct meta_blob fixture_row(struct fixture *f, const struct oci_digest *digest)
{
    struct db_tx    *tx  = NULL;
    struct meta_blob row = { 0 };

    CHECK_OK(db_begin(f->db, DB_READ, "test", &tx, &f->err), &f->err);
    assert_int_equal(meta_blob_find(tx, f->arena, oci_digest_str(digest), &row, &f->err), 1);
    db_abort(&tx);
    return row;
}

const char *fixture_object(struct fixture *f, const struct oci_digest *digest)
{
    struct meta_blob row = fixture_row(f, digest);

    return mem_printf(f->arena, "%s/store/" STR_FMT, f->folder, STR_ARGS(row.object_key));
}

void fixture_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static sqlite3 *open_file(struct fixture *f)
{
    sqlite3 *sqlite = NULL;

    assert_int_equal(sqlite3_open(mem_printf(f->arena, "%s/assay.db", f->folder), &sqlite),
                     SQLITE_OK);
    sqlite3_busy_timeout(sqlite, 10000);
    return sqlite;
}

int64_t fixture_ask(struct fixture *f, const char *query)
{
    sqlite3      *sqlite = open_file(f);
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_prepare_v2(sqlite, query, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(sqlite);
    return number;
}

void fixture_break(struct fixture *f, const char *script)
{
    sqlite3 *sqlite  = open_file(f);
    char    *message = NULL;

    if (sqlite3_exec(sqlite, script, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", script, message);
    sqlite3_close(sqlite);
}
