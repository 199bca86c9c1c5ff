/* work/brake.c: when collection must not take anything away. What is remembered between runs lies in the
 * registry's named values, so that all nodes share it. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
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

enum {
    FUSE_BLOBS_PERCENT = 10,
    FUSE_BYTES_PERCENT = 20,
    FUSE_BLOBS_LEAST   = 1000,
    FUSE_GIB_LEAST     = 10
};

static int read_number(const char *name, struct str word, int64_t *out, struct err *err)
{
    *out = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9' || *out > INT64_MAX / 10 - 1)
            return err_set_corrupt(err, "the registry's value %s", name);
        *out = *out * 10 + (word.p[i] - '0');
    }
    return 0;
}

/* A row of numbers with blanks between, as a named value. */
static int read_numbers(struct collect_run *run, const char *name, int64_t *out, size_t n,
                        struct err *err)
{
    struct str text;
    int        found = meta_registry_get(run->tx, run->arena, name, &text, err);

    memset(out, 0, n * sizeof(*out));
    if (found < 1)
        return found;
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t  blank = str_find(text, ' ');
        struct str word  = blank < 0 ? text : str_sub(text, 0, (size_t)blank);

        if (read_number(name, word, &out[i], err) < 0)
            return -1;
        text = blank < 0 ? STR("") : str_from_index(text, (size_t)blank + 1);
    }
    return 1;
}

static int write_numbers(struct collect_run *run, const char *name, const int64_t *numbers,
                         size_t n, struct err *err)
{
    char   text[256] = "";
    size_t length    = 0;

    for (size_t i = 0; i < n; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%lld",
                                   i == 0 ? "" : " ", (long long)numbers[i]);
    return meta_registry_set(run->tx, name, str_from(text), err);
}

static void hold(struct collect_run *run, const char *why)
{
    if (run->counts.brake == NULL)
        run->counts.brake = why;
}

/* -- the clock ---------------------------------------------------------------------------------------- */

/* Two clocks that were set apart by a jump of either since this process looked last. */
static bool has_jumped(struct work *work, int64_t now)
{
    int64_t mono      = clock_monotonic_us();
    int64_t then_db   = atomic_load(&work->collect_db_at),
            then_mono = atomic_load(&work->collect_mono_at);
    int64_t drift     = (now - then_db) - (mono - then_mono);

    if (then_mono != 0 && (drift > SKEW_US || drift < -SKEW_US))
        return true;
    atomic_store(&work->collect_db_at, now);
    atomic_store(&work->collect_mono_at, mono);
    return false;
}

static int look_at_clock(struct collect_run *run, struct err *err)
{
    int64_t now = db_now(run->tx), highest;

    if (has_jumped(run->work, now))
        hold(run, "the database's clock has jumped; restart the node when it is right");
    if (read_numbers(run, "collect.clock", &highest, 1, err) < 0)
        return -1;
    if (now < highest - SKEW_US)
        hold(run, "the database's clock is behind the time of an earlier run");
    if (run->counts.brake == NULL && now > highest + SKEW_US && !run->collect->is_dry)
        return write_numbers(run, "collect.clock", &now, 1, err);
    return 0;
}

/* -- the others --------------------------------------------------------------------------------------- */

/* What a server that took over was not told may be missing from it: pins above all. */
static int look_at_timeline(struct collect_run *run, struct err *err)
{
    int64_t seen[2], timeline, now = db_now(run->tx);

    if (read_numbers(run, "collect.timeline", seen, 2, err) < 0 ||
        meta_timeline(run->tx, &timeline, err) < 0)
        return -1;
    if (seen[0] != timeline) {
        int64_t since[2] = { timeline, now };

        if (seen[0] == 0)
            since[1] = 0; /* the first look: there was no other before */
        if (!run->collect->is_dry && write_numbers(run, "collect.timeline", since, 2, err) < 0)
            return -1;
        seen[1] = since[1];
    }
    if (seen[1] != 0 && now < seen[1] + work_policy(run->work)->pin_ttl)
        hold(run, "another database server took over within pin-ttl");
    return 0;
}

static int look_at_nodes_and_damage(struct collect_run *run, struct err *err)
{
    int64_t n_old, n_missing;

    if (meta_old_nodes(run->tx, db_now(run->tx) - ALIVE_US, WORK_PROTOCOL, &n_old, err) < 0 ||
        meta_missing_count(run->tx, &n_missing, err) < 0)
        return -1;
    if (n_old > 0)
        hold(run, "a node of an older version is alive");
    if (n_missing > 0)
        hold(run, "objects are missing from the storage: see assay fsck");
    return 0;
}

/* -- the fuse ----------------------------------------------------------------------------------------- */

static int64_t share(int64_t whole, int64_t percent, int64_t least)
{
    int64_t part = whole / 100 * percent;

    return part > least ? part : least;
}

static int look_at_fuse(struct collect_run *run, struct err *err)
{
    int64_t kept[3], n, bytes, now = db_now(run->tx);

    if (read_numbers(run, "collect.fuse", kept, 3, err) < 0 ||
        meta_blob_totals(run->tx, &n, &bytes, err) < 0)
        return -1;
    run->fuse = (struct collect_fuse){ .began_at = kept[0], .n = kept[1], .bytes = kept[2] };
    if (now - run->fuse.began_at >= DAY_US)
        run->fuse = (struct collect_fuse){ .began_at = now };
    run->fuse.n_max     = share(n + run->fuse.n, FUSE_BLOBS_PERCENT, FUSE_BLOBS_LEAST);
    run->fuse.bytes_max = share(bytes + run->fuse.bytes, FUSE_BYTES_PERCENT, FUSE_GIB_LEAST * GIB);
    if (run->fuse.n >= run->fuse.n_max || run->fuse.bytes >= run->fuse.bytes_max)
        hold(run, FUSE_BLOWN);
    return 0;
}

int collect_fuse_burn(struct collect_run *run, const struct work_collected *before, struct err *err)
{
    int64_t n = run->counts.n_blobs - before->n_blobs, bytes = run->counts.bytes - before->bytes;
    int64_t kept[3];

    if (n == 0)
        return 0;
    /* Other nodes burn it too: their sum is in the row. */
    if (meta_registry_lock(run->tx, err) < 0 || read_numbers(run, "collect.fuse", kept, 3, err) < 0)
        return -1;
    if (kept[0] >= run->fuse.began_at)
        run->fuse = (struct collect_fuse){ kept[0], kept[1], kept[2], run->fuse.n_max,
                                           run->fuse.bytes_max };
    if (run->fuse.n + n > run->fuse.n_max || run->fuse.bytes + bytes > run->fuse.bytes_max) {
        run->is_blown = true;
        return err_set(err, ERR_UNAVAILABLE, "%s", FUSE_BLOWN);
    }
    kept[0] = run->fuse.began_at;
    kept[1] = run->fuse.n + n;
    kept[2] = run->fuse.bytes + bytes;
    return write_numbers(run, "collect.fuse", kept, 3, err);
}

int collect_brake(struct collect_run *run, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;

    if (collect_begin(run, arena, &tx, err) < 0 || look_at_clock(run, err) < 0 ||
        look_at_timeline(run, err) < 0 || look_at_nodes_and_damage(run, err) < 0 ||
        look_at_fuse(run, err) < 0)
        return -1;
    if (run->counts.brake != NULL)
        log_event(LOG_WARNING, NULL, "collect.brake", LOG_NO_FIELDS, "%s", run->counts.brake);
    return run->collect->is_dry ? 0 : db_commit(&tx, err);
}
