/* work/pulls.h: pulls are counted. Whoever answers one notes it in memory, which costs a short copy and waits for
 * nobody; once a second a thread of its own (cmd/counter.c) folds what was noted and writes it down: an event for each
 * repository, tag or digest, and actor, with a count; the counts of repositories; when tags and manifests were last
 * pulled; who pulled what from which network, day by day (meta/pull.h).
 *
 *     answers ──note──▶ stripes, bounded ──take──▶ pending ──write──▶ database
 *
 * So a kill loses the pulls of at most a second, a clean stop none, for the last act before the end is a writing. While
 * the database is away the notes wait, as many as there is room for; what comes then is dropped, and that is logged.
 *
 * A pull is an answered GET of a manifest, whether or not the client had the bytes already. Clients since Docker 20.10
 * ask with HEAD where a tag leads and get that digest then: a GET by digest within a minute after the same caller's
 * HEAD of a tag that led there, at this node, is a pull of the tag. */
#ifndef WORK_PULLS_H
#define WORK_PULLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct auth_repo;
struct db_tx;
struct err;
struct meta_actor;
struct meta_pull_day;
struct meta_pull_rule;
struct oci_reference;
struct work;

/* The manifest `digest` was got by the reference or, is_look, only asked for. Any thread, event threads too. */
void work_pull_note(struct work *work, const struct meta_actor *actor, const struct auth_repo *repo,
                    const struct oci_reference *reference, struct str digest, bool is_look);

/* Until `us` are over, or much was noted, or work_pulls_wake. */
void work_pulls_wait(struct work *work, int64_t us);
void work_pulls_wake(struct work *work);

/* Writes down all that was noted. What could not be written stays for the next time. One thread at a time. */
int work_pulls_write(struct work *work, struct err *err);

/* -- where they count --------------------------------------------------------------------------------- */

/* At the prefix and below it, unless a longer one says otherwise; where none does, the setting count-pulls. ERR_TOO_MANY
 * beyond META_PULL_RULES_MAX. */
int work_pull_rule_put(struct work *work, const struct meta_actor *actor, struct str prefix,
                       bool is_counted, struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_RULE. */
int work_pull_rule_remove(struct work *work, const struct meta_actor *actor, struct str prefix,
                          struct err *err);

/* Every rule at or below the prefix and those above it, by path. */
int work_pull_rule_list(struct work *work, struct arena *arena, struct str prefix,
                        struct meta_pull_rule **out, size_t *n_out, struct err *err);

/* -- what was counted --------------------------------------------------------------------------------- */

/* Who pulled the digest in the repository, the newest day first; see meta_pull_day_page. */
int work_pull_days(struct work *work, struct arena *arena, int64_t repo_id, struct str digest,
                   const struct meta_pull_day *after, size_t n_max, struct meta_pull_day **out,
                   size_t *n_out, struct err *err);

/* Days are kept for that long. Takes a batch of older ones away; *out_n: how many went. `guard` comes first in the
 * transaction (job_guard). */
enum { WORK_PULL_DAYS = 400 };
int work_pull_days_expire(struct work *work,
                          int (*guard)(void *context, struct db_tx *tx, struct err *err),
                          void *context, int64_t *out_n, struct err *err);

#endif
