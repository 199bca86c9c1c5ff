/* work/brake.c: when collection must not take anything away. What is remembered between runs lies in the
 * registry's named values, so that all nodes share it. */
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/clock.h"
#include "meta/collect.h"
#include "meta/registry.h"
#include "work/collect_private.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define SKEW_US (60 * SECOND_US)
#define ALIVE_US (60 * SECOND_US)
#define GIB (INT64_C(1) << 30)

static const char FUSE_BLOWN[] =
    "the fuse: a tenth of the blobs or a fifth of the bytes went within a day";
static const char JUMPED[] = "the database's clock has jumped; reset the brake when it is right";

enum {
    FUSE_BLOBS_PERCENT = 10,
    FUSE_BYTES_PERCENT = 20,
    FUSE_BLOBS_LEAST   = 1000,
    FUSE_GIB_LEAST     = 10
};

/* Brakes that stay until they are reset: the word that is kept, and what it says. */
static const struct {
    const char *word;
    const char *reason;
} kept_rows[] = {
    { "clock", JUMPED },
    { "operator", "an operator holds collection" },
};

static void hold(struct collect_run *run, const char *why, int64_t until, bool can_reset)
{
    if (run->counts.brake == NULL)
        run->counts.brake = why;
    if (run->n_brakes < WORK_BRAKES)
        run->brakes[run->n_brakes++] =
            (struct work_brake){ .reason = why, .until = until, .can_reset = can_reset };
}

static int read_numbers(struct collect_run *run, const char *name, int64_t *out, size_t n,
                        struct err *err)
{
    return meta_registry_numbers(run->tx, run->arena, name, out, n, err);
}

/* -- what is kept ------------------------------------------------------------------------------------- */

static int look_at_kept(struct collect_run *run, struct err *err)
{
    struct str word;
    int        found = meta_registry_get(run->tx, run->arena, "collect.brake", &word, err);

    for (size_t i = 0; found == 1 && i < ARRAY_LEN(kept_rows); i++) {
        if (str_is(word, kept_rows[i].word))
            hold(run, kept_rows[i].reason, 0, true);
    }
    return found < 0 ? -1 : 0;
}

/* -- the clock ---------------------------------------------------------------------------------------- */

/* Two clocks that were set apart by a jump of either since this process looked last, or since an operator said that
 * they are right. */
static bool has_jumped(struct work *work, int64_t now, int64_t n_resets)
{
    int64_t boot      = clock_boot_us();
    int64_t then_db   = atomic_load(&work->collect_db_at),
            then_boot = atomic_load(&work->collect_boot_at);
    int64_t drift     = (now - then_db) - (boot - then_boot);

    if (atomic_exchange(&work->collect_n_resets, n_resets) == n_resets && then_boot != 0 &&
        (drift > SKEW_US || drift < -SKEW_US))
        return true;
    atomic_store(&work->collect_db_at, now);
    atomic_store(&work->collect_boot_at, boot);
    return false;
}

static int look_at_clock(struct collect_run *run, struct err *err)
{
    int64_t now = db_now(run->tx), highest, n_resets;

    if (read_numbers(run, "collect.clock", &highest, 1, err) < 0 ||
        read_numbers(run, "collect.resets", &n_resets, 1, err) < 0)
        return -1;
    if (has_jumped(run->work, now, n_resets)) {
        run->has_jumped = true;
        if (run->n_brakes == 0)
            hold(run, JUMPED, 0, true);
    }
    if (now < highest - SKEW_US)
        hold(run, "the database's clock is behind the time of an earlier run", highest - SKEW_US,
             true);
    return 0;
}

static int keep_clock(struct collect_run *run, struct err *err)
{
    int64_t now = db_now(run->tx), highest;

    if (run->has_jumped)
        return meta_registry_set(run->tx, "collect.brake", STR("clock"), err);
    if (run->n_brakes > 0)
        return 0;
    if (read_numbers(run, "collect.clock", &highest, 1, err) < 0)
        return -1;
    return now > highest + SKEW_US
               ? meta_registry_set_numbers(run->tx, "collect.clock", &now, 1, err)
               : 0;
}

/* -- the others --------------------------------------------------------------------------------------- */

/* since[0]: the timeline that was seen last, since[1]: since when it is in force; 0: it is the first that was seen.
 * Until then what a server that took over was not told may be missing from it: pins above all. */
static int read_timeline(struct collect_run *run, int64_t since[2], bool *out_is_new,
                         struct err *err)
{
    int64_t timeline;

    if (read_numbers(run, "collect.timeline", since, 2, err) < 0 ||
        meta_timeline(run->tx, &timeline, err) < 0)
        return -1;
    *out_is_new = since[0] != timeline;
    if (*out_is_new) {
        since[1] = since[0] == 0 ? 0 : db_now(run->tx);
        since[0] = timeline;
    }
    return 0;
}

static int look_at_timeline(struct collect_run *run, struct err *err)
{
    int64_t since[2];
    bool    is_new;

    if (read_timeline(run, since, &is_new, err) < 0)
        return -1;
    int64_t until = since[1] + work_policy(run->work)->pin_ttl;
    if (since[1] != 0 && db_now(run->tx) < until)
        hold(run, "another database server took over within pin-ttl", until, true);
    return 0;
}

static int keep_timeline(struct collect_run *run, struct err *err)
{
    int64_t since[2];
    bool    is_new;

    if (read_timeline(run, since, &is_new, err) < 0)
        return -1;
    return is_new ? meta_registry_set_numbers(run->tx, "collect.timeline", since, 2, err) : 0;
}

static int look_at_nodes_and_damage(struct collect_run *run, struct err *err)
{
    int64_t n_old, n_missing;

    if (meta_old_nodes(run->tx, db_now(run->tx) - ALIVE_US, WORK_PROTOCOL, &n_old, err) < 0 ||
        meta_missing_count(run->tx, &n_missing, err) < 0)
        return -1;
    if (n_old > 0)
        hold(run, "a node of an older version is alive", 0, false);
    if (n_missing > 0)
        hold(run, "objects are missing from the storage: see assay fsck", 0, false);
    return 0;
}

/* -- the fuse ----------------------------------------------------------------------------------------- */

static int64_t share(int64_t whole, int64_t percent, int64_t least)
{
    int64_t part = whole / 100 * percent;

    return part > least ? part : least;
}

/* kept: when its day began, blobs, bytes, and 1 when it has blown. */
enum { FUSE_NUMBERS = 4 };

static int look_at_fuse(struct collect_run *run, struct err *err)
{
    int64_t kept[FUSE_NUMBERS], n, bytes, now = db_now(run->tx);

    if (read_numbers(run, "collect.fuse", kept, FUSE_NUMBERS, err) < 0 ||
        meta_blob_totals(run->tx, &n, &bytes, err) < 0)
        return -1;
    if (now - kept[0] >= DAY_US)
        memcpy(kept, (int64_t[FUSE_NUMBERS]){ now }, sizeof(kept));
    run->fuse       = (struct collect_fuse){ .began_at = kept[0], .n = kept[1], .bytes = kept[2] };
    run->fuse.n_max = share(n + run->fuse.n, FUSE_BLOBS_PERCENT, FUSE_BLOBS_LEAST);
    run->fuse.bytes_max = share(bytes + run->fuse.bytes, FUSE_BYTES_PERCENT, FUSE_GIB_LEAST * GIB);
    if (kept[3] != 0 || run->fuse.n >= run->fuse.n_max || run->fuse.bytes >= run->fuse.bytes_max)
        hold(run, FUSE_BLOWN, run->fuse.began_at + DAY_US, true);
    return 0;
}

static int keep_fuse(struct collect_run *run, struct err *err)
{
    int64_t kept[FUSE_NUMBERS] = { run->fuse.began_at, run->fuse.n, run->fuse.bytes, 1 };

    return run->is_blown
               ? meta_registry_set_numbers(run->tx, "collect.fuse", kept, FUSE_NUMBERS, err)
               : 0;
}

int collect_fuse_burn(struct collect_run *run, const struct work_collected *before, struct err *err)
{
    int64_t n = run->counts.n_blobs - before->n_blobs, bytes = run->counts.bytes - before->bytes;
    int64_t kept[FUSE_NUMBERS];

    if (n == 0 || failpoint_skips(SKIP_BRAKES))
        return 0;
    /* Other nodes burn it too: their sum is in the row. */
    if (meta_registry_lock(run->tx, err) < 0 ||
        read_numbers(run, "collect.fuse", kept, FUSE_NUMBERS, err) < 0)
        return -1;
    if (kept[0] >= run->fuse.began_at)
        run->fuse = (struct collect_fuse){ kept[0], kept[1], kept[2], run->fuse.n_max,
                                           run->fuse.bytes_max };
    if (run->fuse.n + n > run->fuse.n_max || run->fuse.bytes + bytes > run->fuse.bytes_max) {
        run->is_blown = true;
        return err_set(err, ERR_UNAVAILABLE, "%s", FUSE_BLOWN);
    }
    run->fuse.n += n;
    run->fuse.bytes += bytes;
    memcpy(kept, (int64_t[FUSE_NUMBERS]){ run->fuse.began_at, run->fuse.n, run->fuse.bytes },
           sizeof(kept));
    return meta_registry_set_numbers(run->tx, "collect.fuse", kept, FUSE_NUMBERS, err);
}

/* -- all of them -------------------------------------------------------------------------------------- */

int collect_look(struct collect_run *run, struct err *err)
{
    if (failpoint_skips(SKIP_BRAKES))
        return 0;
    run->n_brakes = 0;
    if (look_at_kept(run, err) < 0 || look_at_clock(run, err) < 0 || look_at_timeline(run, err) < 0)
        return -1;
    return look_at_nodes_and_damage(run, err);
}

int collect_brake(struct collect_run *run, struct err *err)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    AUTO(db_abort) struct db_tx   *tx     = NULL;
    bool                           is_dry = run->collect->is_dry;

    if (failpoint_skips(SKIP_BRAKES))
        return 0;
    if (db_begin(run->work->db, is_dry ? DB_READ : DB_WRITE, "look at the brakes of collection",
                 &tx, err) < 0)
        return -1;
    run->arena = arena;
    run->tx    = tx;
    if (!is_dry && run->collect->guard != NULL &&
        run->collect->guard(run->collect->context, tx, err) < 0)
        return -1;
    if (collect_look(run, err) < 0 || (!is_dry && keep_clock(run, err) < 0) ||
        (!is_dry && (keep_timeline(run, err) < 0 || keep_fuse(run, err) < 0)) ||
        look_at_fuse(run, err) < 0)
        return -1;
    if (run->counts.brake != NULL && !is_dry)
        log_event(LOG_WARNING, NULL, "collect.brake", LOG_NO_FIELDS, "%s", run->counts.brake);
    return is_dry ? 0 : db_commit(&tx, err);
}
