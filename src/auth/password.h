/* auth/password.h: passwords, kept as argon2id (19 MiB, t=2, p=1; libsodium's self-describing text).
 *
 * Checking one is dear on purpose (some 15 ms and 19 MiB), so a pool of few threads at idle priority does
 * it: at most one a pair of cores, and a bounded queue before which callers wait; a full queue is
 * ERR_UNAVAILABLE at once. Any thread may call, but not an event thread: these functions block, and tell
 * `waits` (may be null) when the caller begins to and when it has waited. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct auth_password_pool;
struct err;

enum { AUTH_PASSWORD_MAX = 1024 };

struct auth_password_pool *auth_password_pool_new(size_t n_threads, size_t n_queue,
                                                  void (*waits)(bool begins));
void                       auth_password_pool_free(struct auth_password_pool **pool);

/* Would a check be refused now? Then what comes before it may be spared. */
bool auth_password_is_full(struct auth_password_pool *pool);

int auth_password_hash(struct auth_password_pool *pool, struct arena *arena, struct str password,
                       struct str *out, struct err *err);

/* 1 right, 0 wrong, -1 could not be checked. A null hash is checked against a hash that nothing fits, so
 * that an unknown account takes as long as a wrong password. */
int auth_password_check(struct auth_password_pool *pool, struct str hash, struct str password,
                        struct err *err);

#endif
