/* db/pg_pool.h: the connections of one node to PostgreSQL: at most `size`, made when they are needed.
 *
 * Who finds none waits in line, which is bounded in length and time; beyond it the answer is ERR_UNAVAILABLE
 * at once, for a queue that grows helps nobody. While the server is away, one thread at a time tries to
 * connect, and after each failure nobody does for a random time below a bound that doubles (0.1 to 10 s, full
 * jitter): nodes that lost their server together do not come back together. Meanwhile everybody is told so at
 * once. Any thread. */
#ifndef DB_PG_POOL_H
#define DB_PG_POOL_H

#include <stddef.h>

#include "base/str.h"

struct db_counts;
struct db_settings;
struct err;
struct pg_link;
struct pg_pool;

/* Makes the first connection, so that what is wrong with url or server is known at the start. */
int  pg_pool_open(const struct db_settings *settings, struct pg_pool **out, struct err *err);
void pg_pool_close(struct pg_pool **pool);

/* Waits at most so long. The connection goes back in any case; a lost one is closed there. */
int  pg_pool_take(struct pg_pool *pool, int timeout_s, struct pg_link **out, struct err *err);
void pg_pool_give(struct pg_pool *pool, struct pg_link **conn);

/* Fills the members about the pool. */
void pg_pool_counts(struct pg_pool *pool, struct db_counts *out);

#endif
