/* db/sqlite_check.c: integrity_check and foreign_key_check. The connection only reads, and is neither the
 * pool's nor the writer's: a check may take minutes. */
#include "db/sqlite_check.h"

#include <stdio.h>

#include <sqlite3.h>

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"

enum { STEPS_BETWEEN_LOOKS = 100000, LINE_MAX_SIZE = 512 };

static void close_file(sqlite3 **sqlite)
{
    sqlite3_close(*sqlite);
}

static void finalize(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

static int look_up(void *context)
{
    const struct db_integrity *check = context;

    return check->is_stopping(check->context);
}

/* "ok" is all that a whole database says. */
static void tell_page(sqlite3_stmt *stmt, const struct db_integrity *check)
{
    struct str text = str_from((const char *)sqlite3_column_text(stmt, 0));

    if (!str_is(text, "ok"))
        check->found(check->context, text);
}

static void tell_key(sqlite3_stmt *stmt, const struct db_integrity *check)
{
    char line[LINE_MAX_SIZE];

    snprintf(line, sizeof(line), "a row of %s names a row of %s that is not there",
             (const char *)sqlite3_column_text(stmt, 0),
             (const char *)sqlite3_column_text(stmt, 2));
    check->found(check->context, str_from(line));
}

/* What the library cannot read any further is found, not failed. */
static int run(sqlite3 *sqlite, const char *pragma,
               void (*tell)(sqlite3_stmt *stmt, const struct db_integrity *check),
               const struct db_integrity *check, struct err *err)
{
    AUTO(finalize) sqlite3_stmt *stmt = NULL;
    int                          code = sqlite3_prepare_v2(sqlite, pragma, -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
            tell(stmt, check);
    }
    if (code == SQLITE_INTERRUPT)
        return err_set(err, ERR_UNAVAILABLE, "the check of the database was stopped");
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        check->found(check->context, str_from(sqlite3_errmsg(sqlite)));
        return 0;
    }
    if (code != SQLITE_DONE)
        return err_set(err, ERR_UNAVAILABLE, "checking the database: %s", sqlite3_errmsg(sqlite));
    return 0;
}

int sqlite_check(const char *path, const struct db_integrity *check, struct err *err)
{
    AUTO(close_file) sqlite3 *sqlite = NULL;

    if (sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return err_set(err, ERR_UNAVAILABLE, "checking the database: %s", sqlite3_errmsg(sqlite));
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (check->is_stopping != NULL)
        sqlite3_progress_handler(sqlite, STEPS_BETWEEN_LOOKS, look_up, (void *)(uintptr_t)check);

    if (run(sqlite, check->is_quick ? "PRAGMA quick_check" : "PRAGMA integrity_check", tell_page,
            check, err) < 0)
        return -1;
    return run(sqlite, "PRAGMA foreign_key_check", tell_key, check, err);
}
