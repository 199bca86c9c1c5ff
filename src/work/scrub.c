/* work/scrub.c: the passes as a table, and the walk that they share. */
#include "work/scrub.h"

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/clock.h"
#include "meta/check.h"
#include "meta/damage.h"
#include "meta/manifest.h"
#include "work/damage.h"
#include "work/work_private.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (24 * 3600 * SECOND_US)
#define LEASE_US (60 * SECOND_US)
#define SAVE_US (5 * SECOND_US)
#define SIZE_INTERVAL_MAX_US (7 * DAY_US)
#define OBJECT_US 500            /* between two objects whose size is looked at */
#define DEBT_US (20 * 1000)      /* shorter waits are put together */
#define PAUSE_US (SECOND_US / 5) /* longer ones are cut, to stop soon */

enum { BLOBS_A_PAGE = 100, MANIFESTS_A_PAGE = 4, POSITION_MAX = OCI_DIGEST_MAX + 24 };

struct pass;

static const struct pass_kind {
    const char *name;
    bool        with_hash; /* reads bytes, so the rate holds */
    int (*page)(struct pass *pass, size_t *n, size_t *n_full, struct err *err);
} kinds[];

struct pass {
    struct work             *work;
    const struct work_scrub *want;
    const struct pass_kind  *kind;
    struct meta_scrub        row;
    char                     position[POSITION_MAX];
    int64_t                  saved_at; /* monotonic */
    int64_t                  debt_us;  /* to be waited */
    bool                     is_stopping;
    bool                     is_lost; /* another node has it */
};

static int stopped(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "the scrub was stopped");
}

/* -- where it stands ---------------------------------------------------------------------------------- */

/* keep_us: how long the pass stays ours without another save; 0 lets go of it. */
static int save(struct pass *pass, int64_t keep_us, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    pass->row.position = str_from(pass->position);
    if (db_begin(pass->work->db, DB_WRITE, "save scrub", &tx, err) < 0)
        return -1;
    int is_ours =
        meta_scrub_save(tx, str_from(pass->kind->name), &pass->row, db_now(tx) + keep_us, err);
    if (is_ours < 0 || db_commit(&tx, err) < 0)
        return -1;
    pass->is_lost  = is_ours == 0;
    pass->saved_at = clock_monotonic_us();
    return 0;
}

/* Waits for what was spent and keeps the lease; -1 also when it shall stop. */
static int settle(struct pass *pass, int64_t spent_us, struct err *err)
{
    pass->debt_us += spent_us;
    while (pass->debt_us >= DEBT_US && !pass->is_stopping) {
        int64_t us = pass->debt_us < PAUSE_US ? pass->debt_us : PAUSE_US;

        pass->is_stopping = pass->want->pause(pass->want->context, us);
        pass->debt_us -= us;
        if (clock_monotonic_us() - pass->saved_at > SAVE_US && save(pass, LEASE_US, err) < 0)
            return -1;
        pass->is_stopping |= pass->is_lost;
    }
    return pass->is_stopping ? stopped(err) : 0;
}

static int pace(void *context, size_t n_bytes, struct err *err)
{
    struct pass *pass = context;
    int64_t      rate = work_policy(pass->work)->scrub_rate;

    pass->row.n_bytes += (int64_t)n_bytes;
    if (rate == 0) {
        pass->is_stopping = true; /* switched off meanwhile */
        return stopped(err);
    }
    return settle(pass, (int64_t)n_bytes * SECOND_US / rate, err);
}

/* -- blobs -------------------------------------------------------------------------------------------- */

static int look_at_blob(struct pass *pass, const struct meta_check_blob *blob, struct err *err)
{
    struct work_object object = { blob->digest, blob->object_key, blob->size };
    struct work_pace   paced  = { pace, pass };
    struct work_look   look   = { .with_hash = pass->kind->with_hash, .pace = &paced };
    struct work_flaw   flaw;

    if (settle(pass, OBJECT_US, err) < 0 ||
        work_object_look(pass->work, &object, &look, NULL, &flaw, err) < 0)
        return -1;
    if (flaw.kind != NULL) {
        pass->row.n_damaged++;
        return work_damage_record(pass->work, &object, &flaw, "scrub", err) < 0 ? -1 : 0;
    }
    if (blob->is_damaged && look.with_hash)
        return work_damage_clear(pass->work, blob->object_key, blob->digest, err);
    return 0;
}

static int page_of_blobs(struct pass *pass, size_t *n, size_t *n_full, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_check_blob        *list;

    *n_full = BLOBS_A_PAGE;
    if (db_begin(pass->work->db, DB_READ, "scrub blobs", &tx, err) < 0 ||
        meta_check_blobs(tx, arena, str_from(pass->position), BLOBS_A_PAGE, &list, n, err) < 0)
        return -1;
    db_abort(&tx);
    for (size_t i = 0; i < *n; i++) {
        if (look_at_blob(pass, &list[i], err) < 0)
            return -1;
        pass->row.n_objects++;
        snprintf(pass->position, sizeof(pass->position), STR_FMT, STR_ARGS(list[i].digest));
    }
    return 0;
}

/* -- manifests ---------------------------------------------------------------------------------------- */

static int look_at_manifest(struct pass *pass, const struct meta_check_manifest *row,
                            struct err *err)
{
    AUTO(arena_free) struct arena *arena    = arena_new();
    struct meta_manifest           manifest = { row->digest, row->media_type, row->bytes };

    if (pace(pass, row->bytes.n, err) < 0)
        return -1;
    if (work_manifest_is_whole(&manifest))
        return work_damage_clear(pass->work,
                                 meta_damage_manifest_key(arena, row->repo_id, row->digest),
                                 row->digest, err);
    pass->row.n_damaged++;
    return work_damage_record_manifest(pass->work, row->repo_id, row->digest, "scrub", err) < 0 ? -1
                                                                                                : 0;
}

/* The position is the repository's id and the digest with a slash between. */
static int read_position(const struct pass *pass, int64_t *repo_id, struct str *digest,
                         struct err *err)
{
    struct str rest = str_from(pass->position);
    struct str id;

    *repo_id = 0;
    *digest  = STR("");
    if (rest.n == 0)
        return 0;
    if (!str_next(&rest, '/', &id) || !str_to_int(id, repo_id) || rest.p == NULL)
        return err_set_corrupt(err, "the scrub of manifests stands at \"%s\"", pass->position);
    *digest = rest;
    return 0;
}

static int page_of_manifests(struct pass *pass, size_t *n, size_t *n_full, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_check_manifest    *list;
    struct str                     after;
    int64_t                        repo_id;

    *n_full = MANIFESTS_A_PAGE;
    if (read_position(pass, &repo_id, &after, err) < 0 ||
        db_begin(pass->work->db, DB_READ, "scrub manifests", &tx, err) < 0 ||
        meta_check_manifests(tx, arena, repo_id, after, MANIFESTS_A_PAGE, &list, n, err) < 0)
        return -1;
    db_abort(&tx);
    for (size_t i = 0; i < *n; i++) {
        if (look_at_manifest(pass, &list[i], err) < 0)
            return -1;
        pass->row.n_objects++;
        snprintf(pass->position, sizeof(pass->position), "%lld/" STR_FMT,
                 (long long)list[i].repo_id, STR_ARGS(list[i].digest));
    }
    return 0;
}

static const struct pass_kind kinds[] = {
    { "size", false, page_of_blobs },
    { "hash", true, page_of_blobs },
    { "manifest", true, page_of_manifests },
};

/* -- a pass ------------------------------------------------------------------------------------------- */

static int64_t interval_of(const struct pass *pass)
{
    int64_t interval = work_policy(pass->work)->scrub_interval;

    if (pass->kind->with_hash)
        return interval;
    return interval / 4 < SIZE_INTERVAL_MAX_US ? interval / 4 : SIZE_INTERVAL_MAX_US;
}

/* Takes the pass when it is due: 1, 0, -1. */
static int take_pass(struct pass *pass, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct str                     kind  = str_from(pass->kind->name);

    if (db_begin(pass->work->db, DB_READ, "find scrub", &tx, err) < 0 ||
        meta_scrub_find(tx, arena, kind, &pass->row, err) < 0)
        return -1;
    if (pass->row.position.n == 0 && db_now(tx) - pass->row.started_at < interval_of(pass))
        return 0;
    db_abort(&tx);

    if (db_begin(pass->work->db, DB_WRITE, "take scrub", &tx, err) < 0)
        return -1;
    int taken =
        meta_scrub_take(tx, arena, kind, pass->want->owner, db_now(tx) + LEASE_US, &pass->row, err);
    if (taken < 1)
        return taken;
    snprintf(pass->position, sizeof(pass->position), STR_FMT, STR_ARGS(pass->row.position));
    if (pass->row.position.n == 0) {
        pass->row.started_at = db_now(tx);
        pass->row.n_objects = pass->row.n_bytes = pass->row.n_damaged = 0;
    }
    pass->saved_at = clock_monotonic_us();
    return db_commit(&tx, err) < 0 ? -1 : 1;
}

static void tell_end(const struct pass *pass)
{
    int64_t took    = pass->row.finished_at - pass->row.started_at;
    bool    is_late = took > interval_of(pass) && took > DAY_US;

    log_event(is_late || pass->row.n_damaged > 0 ? LOG_WARNING : LOG_INFO, NULL, "scrub.done",
              LOG_FIELDS(LOG_T("scrub", pass->kind->name), LOG_I("objects", pass->row.n_objects),
                         LOG_I("bytes", pass->row.n_bytes), LOG_I("damaged", pass->row.n_damaged),
                         LOG_I("seconds", took / SECOND_US)),
              "%s",
              is_late ? "a pass took longer than scrub-interval: raise scrub-rate"
                      : "looked at everything once");
}

static int walk(struct pass *pass, struct err *err)
{
    size_t n, n_full;

    do {
        if (pass->kind->page(pass, &n, &n_full, err) < 0)
            return -1;
        if (clock_monotonic_us() - pass->saved_at > SAVE_US && save(pass, LEASE_US, err) < 0)
            return -1;
    } while (n == n_full && !pass->is_lost);
    return 0;
}

static int run_pass(struct pass *pass, struct err *err)
{
    struct err ignored; /* the lease ends by itself */

    if (walk(pass, err) < 0) {
        if (!pass->is_lost)
            (void)save(pass, 0, &ignored);
        return pass->is_stopping ? 0 : -1;
    }
    if (pass->is_lost)
        return 0;
    pass->position[0]     = '\0';
    pass->row.finished_at = clock_utc_us();
    if (save(pass, 0, err) < 0)
        return -1;
    if (!pass->is_lost)
        tell_end(pass);
    return 0;
}

int work_scrub(struct work *work, const struct work_scrub *scrub, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pass pass = { .work = work, .want = scrub, .kind = &kinds[i] };

        if (kinds[i].with_hash && work_policy(work)->scrub_rate == 0)
            continue;
        int is_ours = take_pass(&pass, err);
        if (is_ours < 0 || (is_ours == 1 && run_pass(&pass, err) < 0))
            return err_wrap(err, "scrub of %s", kinds[i].name);
        if (pass.is_stopping)
            return 0;
    }
    return 0;
}

int work_scrub_finished(struct work *work, const char *kind, int64_t *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_scrub              row;

    if (db_begin(work->db, DB_READ, "find scrub", &tx, err) < 0 ||
        meta_scrub_find(tx, arena, str_from(kind), &row, err) < 0)
        return -1;
    *out = row.finished_at;
    return 0;
}
