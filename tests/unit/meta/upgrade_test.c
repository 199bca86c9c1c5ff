/* upgrade_test.c: the kept database of every release (tests/upgrade) becomes what a fresh one is, with all its
 * rows, and the records' functions find what was there. */
#include "db/migrate.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "check.h"
#include "db/db.h"
#include "io/file.h"
#include "meta/account.h"
#include "meta/event.h"
#include "meta/manifest.h"
#include "meta/outbox.h"
#include "meta/repo.h"
#include "meta/upload.h"

#include "scratch.h"

struct upgrade {
    char          folder[SCRATCH_MAX];
    struct arena *arena;
    struct err    err;
};

int upgrade_test_setup(void **state)
{
    struct upgrade *u = mem_new(struct upgrade);

    scratch_make(u->folder);
    u->arena = arena_new();
    *state   = u;
    return 0;
}

int upgrade_test_teardown(void **state)
{
    struct upgrade *u = *state;

    arena_free(&u->arena);
    scratch_remove(u->folder);
    mem_free(u);
    return 0;
}

/* The rows of a query as lines, columns with a bar between. */
static const char *ask(struct upgrade *u, const char *path, const char *query)
{
    sqlite3      *sqlite;
    sqlite3_stmt *stmt;
    struct buf    out;
    struct str    lines;

    buf_init(&out, u->arena, 1024 * 1024);
    buf_text(&out, "");
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(sqlite, query, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++)
            buf_printf(&out, "%s%s", i == 0 ? "" : "|", (const char *)sqlite3_column_text(stmt, i));
        buf_char(&out, '\n');
    }
    sqlite3_finalize(stmt);
    sqlite3_close(sqlite);
    CHECK_OK(buf_finish(&out, &lines, &u->err), &u->err);
    return lines.p;
}

/* "table|rows" for every table. */
static const char *count_rows(struct upgrade *u, const char *path)
{
    const char *query = ask(
        u, path,
        "SELECT group_concat('SELECT ''' || name || ''', count(*) FROM ' || name, ' UNION ALL ')"
        " FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");

    return ask(u, path, query);
}

static void load_dump(struct upgrade *u, const char *release, const char *path)
{
    const char *source = getenv("ASSAY_SOURCE_ROOT");
    int         dir    = -1;
    struct str  dump;
    sqlite3    *sqlite;

    CHECK_OK(file_open_dir(source, false, &dir, &u->err), &u->err);
    CHECK_OK(file_read_all(dir, mem_printf(u->arena, "tests/upgrade/%s/assay.sql", release),
                           1 << 20, u->arena, &dump, &u->err),
             &u->err);
    file_close(&dir);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    if (sqlite3_exec(sqlite, str_dup(u->arena, dump), NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", release, sqlite3_errmsg(sqlite));
    sqlite3_close(sqlite);
}

static struct db *open_migrated(struct upgrade *u, const char *path)
{
    struct db_settings settings = { .url = str_from(mem_printf(u->arena, "sqlite:%s", path)) };
    struct db         *db       = NULL;
    int                to       = 0;

    CHECK_OK(db_open(&settings, &db, &u->err), &u->err);
    CHECK_OK(db_migrate(db, NULL, &to, &u->err), &u->err);
    assert_int_equal(to, db_n_migrations);
    return db;
}

static void check_records(struct upgrade *u, struct db *db)
{
    struct db_tx             *tx = NULL;
    struct meta_account       account;
    struct meta_repo          repo;
    struct meta_manifest      manifest;
    struct meta_referrer     *referrers;
    struct meta_upload        upload;
    struct meta_event_row    *events;
    struct meta_outbox_cursor cursor = { .seen = STR(""), .span = STR(""), .now = STR("") };
    struct str                parent;
    size_t                    n;

    CHECK_OK(db_begin(db, DB_READ, "upgrade test", &tx, &u->err), &u->err);
    assert_int_equal(meta_account_find_name(tx, u->arena, STR("admin"), &account, &u->err), 1);
    assert_int_equal(account.is_admin, 1);
    assert_int_equal(meta_repo_find(tx, u->arena, STR("org/gone"), &repo, &u->err), 0);
    assert_int_equal(meta_repo_find(tx, u->arena, STR("admin/app"), &repo, &u->err), 1);
    struct meta_repo_seen seen = { .id = repo.id, .is_public = repo.is_public };
    assert_int_equal(meta_manifest_pull_tag(tx, u->arena, &seen, STR("latest"), &manifest, &u->err),
                     1);
    CHECK_STR(manifest.bytes, "{}");
    struct str image =
        str_from("sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
    assert_int_equal(meta_manifest_find_parent(tx, u->arena, repo.id, image, &parent, &u->err), 1);
    assert_true(str_eq(parent, manifest.digest));
    CHECK_OK(meta_referrer_page(tx, u->arena, repo.id, image, STR("application/spdx+json"),
                                STR_NULL, 5, &referrers, &n, &u->err),
             &u->err);
    assert_int_equal(n, 1);
    assert_int_equal(meta_upload_find(tx, u->arena, STR("55555555555555555555555555555555"),
                                      &upload, &u->err),
                     1);
    assert_int_equal(upload.offset, 10);
    CHECK_OK(meta_outbox_page(tx, u->arena, &cursor, 5, &events, &n, &u->err), &u->err);
    assert_int_equal(n, 1);
    CHECK_OK(db_commit(&tx, &u->err), &u->err);
}

/* Every row of before is there afterwards; what migrations add may come to it. */
static void check_no_row_lost(struct upgrade *u, const char *before, const char *after)
{
    struct str rest = str_from(before);
    struct str line;

    while (str_next(&rest, '\n', &line)) {
        const char *wanted = mem_printf(u->arena, "\n" STR_FMT "\n", STR_ARGS(line));

        if (line.n > 0 && strstr(mem_printf(u->arena, "\n%s", after), wanted) == NULL)
            fail_msg("before \"" STR_FMT "\", afterwards:\n%s", STR_ARGS(line), after);
    }
}

static const char schema_query[] =
    "SELECT type, name, tbl_name FROM sqlite_master ORDER BY type, name";
static const char column_query[] = "SELECT m.name, c.name, c.type, c.\"notnull\", c.pk FROM "
                                   "sqlite_master AS m, pragma_table_xinfo(m.name) AS c"
                                   " WHERE m.type = 'table' ORDER BY m.name, c.name";

static void check_release(struct upgrade *u, const char *release)
{
    const char *path  = scratch_path(u->folder, mem_printf(u->arena, "%s.db", release));
    const char *fresh = scratch_path(u->folder, "fresh.db");

    load_dump(u, release, path);
    const char *before = count_rows(u, path);
    struct db  *db     = open_migrated(u, path);
    check_records(u, db);
    db_close(&db);
    db = open_migrated(u, fresh);
    db_close(&db);

    assert_string_equal(ask(u, path, schema_query), ask(u, fresh, schema_query));
    assert_string_equal(ask(u, path, column_query), ask(u, fresh, column_query));
    assert_string_equal(ask(u, path, "PRAGMA foreign_key_check"), "");
    assert_string_equal(ask(u, path, "PRAGMA integrity_check"), "ok\n");
    check_no_row_lost(u, before, count_rows(u, path));
}

void test_upgrade_of_every_release(void **state)
{
    struct upgrade *u      = *state;
    const char     *source = getenv("ASSAY_SOURCE_ROOT");
    int             n      = 0;

    assert_non_null(source);
    DIR *kept = opendir(mem_printf(u->arena, "%s/tests/upgrade", source));
    assert_non_null(kept);
    for (struct dirent *entry = readdir(kept); entry != NULL; entry = readdir(kept)) {
        if (strspn(entry->d_name, "0123456789") != 4)
            continue;
        check_release(u, entry->d_name);
        n++;
    }
    closedir(kept);
    assert_true(n >= 1);
}
