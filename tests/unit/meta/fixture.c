/* fixture.c: what the tests of the records begin with. */
#include "fixture.h"

#include <stdio.h>

#include "db/migrate.h"
#include "meta/account.h"
#include "meta/blob.h"
#include "meta/manifest.h"
#include "meta/repo.h"

static void begin(struct fixture *f)
{
    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &f->tx, &f->err), &f->err);
}

int fixture_open(void **state)
{
    struct fixture     *f       = mem_new(struct fixture);
    struct meta_account account = {
        .name = STR("admin"), .kind = STR("user"), .is_admin = 1, .is_active = 1
    };

    scratch_make(f->folder);
    snprintf(f->url, sizeof(f->url), "sqlite:%s/assay.db", f->folder);
    f->arena = arena_new();

    struct db_settings settings = { .url = str_from(f->url), .n_readers = 2 };
    CHECK_OK(db_open(&settings, &f->db, &f->err), &f->err);
    CHECK_OK(db_migrate(f->db, NULL, NULL, &f->err), &f->err);
    begin(f);
    CHECK_OK(meta_account_add(f->tx, &account, &f->account, &f->err), &f->err);
    CHECK_OK(meta_repo_add(f->tx, STR("admin/app"), f->account, 0, f->account, &f->repo, &f->err),
             &f->err);
    fixture_next_tx(f);
    *state = f;
    return 0;
}

int fixture_close(void **state)
{
    struct fixture *f = *state;

    db_abort(&f->tx);
    db_close(&f->db);
    arena_free(&f->arena);
    scratch_remove(f->folder);
    mem_free(f);
    return 0;
}

void fixture_next_tx(struct fixture *f)
{
    CHECK_OK(db_commit(&f->tx, &f->err), &f->err);
    begin(f);
}

void fixture_retry(struct fixture *f)
{
    db_abort(&f->tx);
    begin(f);
}

const char *fixture_digest(char letter)
{
    static char texts[128][7 + 64 + 1];
    char       *text = texts[(unsigned char)letter % 128];

    memcpy(text, "sha256:", 7);
    memset(text + 7, letter, 64);
    return text;
}

void fixture_add_blob(struct fixture *f, char letter)
{
    struct str digest = str_from(fixture_digest(letter));
    struct str key    = str_from(mem_printf(f->arena, "blobs/%s.0", digest.p));
    struct str in_force;

    CHECK_OK(meta_blob_put(f->tx, f->arena, digest, 100, key, &in_force, &f->err), &f->err);
}

void fixture_add_manifest(struct fixture *f, char letter)
{
    struct meta_manifest_new manifest = {
        .repo_id    = f->repo,
        .digest     = str_from(fixture_digest(letter)),
        .media_type = STR("application/vnd.oci.image.manifest.v1+json"),
        .bytes      = STR("{}"),
        .total_size = 2,
        .pushed_by  = f->account,
    };
    struct meta_manifest_put put;

    CHECK_OK(meta_manifest_put(f->tx, &manifest, &put, &f->err), &f->err);
    assert_true(put.is_new);
}
