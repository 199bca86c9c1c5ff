/* db/sqlite_check.h: whether the file of an SQLite database is whole, by a connection of its own. */
#ifndef DB_SQLITE_CHECK_H
#define DB_SQLITE_CHECK_H

struct db_integrity;
struct err;

/* As db_check_integrity. */
int sqlite_check(const char *path, const struct db_integrity *check, struct err *err);

#endif
