/* work/refusal.c: refusals on record, folded. */
#include "work/refusal.h"

#include <string.h>

#include "auth/lockout.h"
#include "base/cache.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/text.h"
#include "io/clock.h"
#include "work/work_private.h"

enum { A_MINUTE = 10 };

#define MINUTE_US INT64_C(60000000)

/* How many there have been in this minute, this one included. */
static int64_t count(struct work *work, struct arena *arena, const struct meta_actor *actor)
{
    int64_t     now = clock_monotonic_us();
    struct str  net = auth_network_of(actor->address);
    const char *key = mem_printf(arena, "%lld/" STR_FMT "/" STR_FMT, (long long)(now / MINUTE_US),
                                 STR_ARGS(net), STR_ARGS(actor->name));
    int64_t     so_far = 0;

    (void)cache_get(work->refusals, str_from(key), now, &so_far);
    so_far++;
    cache_put(work->refusals, str_from(key), (now / MINUTE_US + 1) * MINUTE_US, &so_far);
    return so_far;
}

static int record(struct work *work, const struct meta_actor *actor, const struct meta_event *event,
                  struct str reason, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "record refusal", &tx, err) < 0 ||
        meta_audit_add(tx, actor, event, "refused", reason, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

void work_refusal(struct work *work, const struct meta_actor *actor, const char *action,
                  struct str path, const char *reason)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_actor              heard = *actor;
    struct err                     err;

    /* Names come from whoever failed to log in, and cut at any byte. */
    if (!text_is_utf8(heard.name) || str_find(heard.name, '\0') >= 0)
        heard.name = STR("(not a text)");

    /* Somebody wanted to be that account: its owner may see that. */
    bool              is_login = path.p == NULL && heard.account_id == 0;
    struct meta_event event    = { .type        = action,
                                   .object_kind = is_login ? "account" : "refusal",
                                   .object_name = is_login ? heard.name : path,
                                   .path        = path };
    int64_t           n        = count(work, arena, &heard);
    if (n > A_MINUTE)
        return;
    if (n == A_MINUTE)
        reason = mem_printf(arena, "%s (further ones in this minute are not listed)", reason);
    if (record(work, &heard, &event, str_from(reason), &err) < 0)
        log_event(LOG_ERROR, NULL, "audit.failed", LOG_FIELDS(LOG_S("request", actor->request_id)),
                  "%s", err.text);
}
