/* work/fsck.c: the steps of a check in their order. Each walks its rows in pages, a page a transaction. */
#include "work/fsck.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "io/clock.h"
#include "meta/blob.h"
#include "meta/check.h"
#include "meta/object.h"
#include "work/damage.h"
#include "work/fsck_private.h"

enum { PAGE = 500, OBJECTS_AT_ONCE = 256, IN_USE_MAX = 1000 };

/* -- the database with itself ------------------------------------------------------------------------- */

struct database_check {
    struct fsck_run *run;
    bool             has_failed; /* telling did */
    struct err      *err;
};

static void tell_database(void *context, struct str text)
{
    struct database_check *check = context;
    struct fsck_tale       tale  = { .kind = "database", .object = STR_NULL };

    if (!check->has_failed)
        check->has_failed = fsck_tell(check->run, &tale, check->err, STR_FMT, STR_ARGS(text)) < 0;
}

static bool is_stopping(void *context)
{
    struct database_check  *check = context;
    const struct work_fsck *want  = check->run->want;

    return check->has_failed || (want->is_stopping != NULL && want->is_stopping(want->context));
}

static int check_database(struct fsck_run *run, struct err *err)
{
    struct database_check check     = { .run = run, .err = err };
    struct db_integrity   integrity = { .found       = tell_database,
                                        .is_stopping = is_stopping,
                                        .context     = &check };

    if (fsck_progress(run, "database", 0, err) < 0 ||
        db_check_integrity(run->work->db, &integrity, err) < 0)
        return -1;
    return check.has_failed ? -1 : 0;
}

/* -- rows to objects ---------------------------------------------------------------------------------- */

static int pace(void *context, size_t n_bytes, struct err *err)
{
    struct fsck_run *run = context;

    run->counts.n_hashed += (int64_t)n_bytes;
    return fsck_progress(run, "blobs", run->counts.n_blobs, err);
}

static int check_object(struct fsck_run *run, const struct meta_check_blob *row, struct err *err)
{
    struct work_object object = { row->digest, row->object_key, row->size };
    struct work_pace   paced  = { pace, run };
    struct work_look   look   = { .with_hash = run->want->with_hash || row->is_damaged,
                                  .pace      = &paced };
    struct fsck_tale   tale   = { .object = row->digest, .images_of = row->digest };
    struct work_flaw   flaw;

    if (work_object_look(run->work, &object, &look, NULL, &flaw, err) < 0)
        return -1;
    if (flaw.kind == NULL)
        return row->is_damaged ? work_damage_clear(run->work, row->object_key, row->digest, err)
                               : 0;

    int is_in_force = work_damage_record(run->work, &object, &flaw, "fsck", err);
    if (is_in_force < 1)
        return is_in_force;
    tale.kind = flaw.kind;
    return fsck_tell(run, &tale, err, "the object " STR_FMT " %s", STR_ARGS(row->object_key),
                     flaw.text);
}

/* A blob that nobody needs waits for collection; one that collection does not know of waits for ever. */
static int check_use(struct fsck_run *run, const struct meta_check_blob *row, struct err *err)
{
    struct fsck_tale tale = { .kind = "unlinked", .object = row->digest };

    if (row->is_linked)
        return 0;
    if (row->is_queued) {
        run->counts.n_unused++;
        return 0;
    }
    return fsck_tell(
        run, &tale, err,
        "no repository and no manifest has this blob, and collection does not know it");
}

static int list_blobs(struct fsck_run *run, struct arena *arena, struct str after,
                      struct meta_check_blob **out, size_t *n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(run->work->db, DB_READ, "check blobs", &tx, err) < 0)
        return -1;
    return meta_check_blobs(tx, arena, after, PAGE, out, n, err);
}

static int check_blobs(struct fsck_run *run, struct err *err)
{
    char   after[OCI_DIGEST_MAX] = "";
    size_t n;

    do {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_check_blob        *list;

        if (list_blobs(run, arena, str_from(after), &list, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            run->counts.n_blobs++;
            run->counts.n_bytes += list[i].size;
            if (fsck_progress(run, "blobs", run->counts.n_blobs, err) < 0 ||
                check_object(run, &list[i], err) < 0 || check_use(run, &list[i], err) < 0)
                return -1;
        }
        if (n > 0)
            snprintf(after, sizeof(after), STR_FMT, STR_ARGS(list[n - 1].digest));
    } while (n == PAGE);
    return 0;
}

/* -- objects to rows ---------------------------------------------------------------------------------- */

struct object_walk {
    struct fsck_run *run;
    int64_t          made_before; /* wall clock */
    struct arena    *arena;
    struct str       keys[OBJECTS_AT_ONCE];
    size_t           n;
};

/* Listed and looked for in that order: an object that is collected in between is gone by now. */
static int tell_orphan(struct fsck_run *run, struct str key, struct err *err)
{
    AUTO(blob_reader_close) struct blob_reader *reader = NULL;
    struct fsck_tale                            tale   = { .kind = "orphan", .object = key };

    if (blob_open(run->work->store, key, &reader, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    return fsck_tell(
        run, &tale, err,
        "no row knows this object of %lld bytes; it is kept, and may be removed by hand",
        (long long)blob_size(reader));
}

static int settle_keys(struct object_walk *walk, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int                          is_known[OBJECTS_AT_ONCE];

    if (db_begin(walk->run->work->db, DB_READ, "check objects", &tx, err) < 0)
        return -1;
    for (size_t i = 0; i < walk->n; i++) {
        is_known[i] = meta_check_knows_object(tx, walk->keys[i], err);
        if (is_known[i] < 0)
            return -1;
    }
    db_abort(&tx);
    for (size_t i = 0; i < walk->n; i++) {
        if (is_known[i] == 0 && tell_orphan(walk->run, walk->keys[i], err) < 0)
            return -1;
    }
    arena_free(&walk->arena);
    walk->arena = arena_new();
    walk->n     = 0;
    return 0;
}

static int take_object(void *context, struct str key, int64_t size, int64_t modified_us,
                       struct err *err)
{
    struct object_walk *walk = context;

    (void)size;
    walk->run->counts.n_objects++;
    if (fsck_progress(walk->run, "objects", walk->run->counts.n_objects, err) < 0)
        return -1;
    if (modified_us > walk->made_before)
        return 0;
    walk->keys[walk->n++] = str_copy(walk->arena, key);
    return walk->n == OBJECTS_AT_ONCE ? settle_keys(walk, err) : 0;
}

static int check_objects(struct fsck_run *run, struct err *err)
{
    struct object_walk walk = { .run         = run,
                                .made_before = clock_utc_us() - run->want->orphan_age_us,
                                .arena       = arena_new() };

    int done = blob_each(run->work->store, take_object, &walk, err);
    if (done == 0)
        done = settle_keys(&walk, err);
    arena_free(&walk.arena);
    return done;
}

/* A key that is on its way out and in use: bytes would go that somebody needs. */
static int check_in_use(struct fsck_run *run, bool is_doomed, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    enum db_mode                   mode  = run->want->repairs ? DB_WRITE : DB_READ;
    struct str                    *keys;
    size_t                         n;

    if (db_begin(run->work->db, mode, "check keys in use", &tx, err) < 0 ||
        (is_doomed ? meta_check_doomed_in_use : meta_check_pending_in_use)(tx, arena, IN_USE_MAX,
                                                                           &keys, &n, err) < 0)
        return -1;
    struct fsck_tale tale = { .kind        = is_doomed ? "doomed-in-use" : "pending-in-use",
                              .is_repaired = run->want->repairs };
    for (size_t i = 0; run->want->repairs && i < n; i++) {
        tale.object = keys[i];
        if ((is_doomed ? meta_doomed_remove : meta_pending_remove)(tx, keys[i], err) < 0 ||
            fsck_record(tx, &tale, err) < 0)
            return -1;
    }
    if (run->want->repairs && db_commit(&tx, err) < 0)
        return -1;
    db_abort(&tx);

    for (size_t i = 0; i < n; i++) {
        tale.object = keys[i];
        if (fsck_tell(run, &tale, err, "a blob's object is listed for removal") < 0)
            return -1;
    }
    return 0;
}

/* -- tags --------------------------------------------------------------------------------------------- */

static int check_tag(struct fsck_run *run, struct arena *arena, const struct meta_check_tag *row,
                     struct err *err)
{
    struct meta_check_image image = { row->path.p == NULL ? STR("?") : row->path, row->digest,
                                      row->name };
    struct fsck_tale        tale  = { .kind = "tag-target", .object = fsck_image(arena, &image) };

    run->counts.n_tags++;
    if (fsck_progress(run, "tags", run->counts.n_tags, err) < 0)
        return -1;
    if (row->is_there && !row->is_deleted && row->path.p != NULL)
        return 0;
    return fsck_tell(run, &tale, err, "the tag names " STR_FMT ", which is %s",
                     STR_ARGS(row->digest),
                     row->path.p == NULL ? "in no repository"
                     : row->is_there     ? "deleted"
                                         : "not there");
}

static int check_tags(struct fsck_run *run, struct err *err)
{
    AUTO(arena_free) struct arena *arena = NULL;
    AUTO(arena_free) struct arena *older = NULL;
    int64_t                        repo  = 0;
    struct str                     after = STR("");
    size_t                         n     = PAGE;

    while (n == PAGE) {
        AUTO(db_abort) struct db_tx *tx = NULL;
        struct meta_check_tag       *list;

        arena_free(&older);
        older = TAKE(arena); /* `after` lies in it */
        arena = arena_new();
        if (db_begin(run->work->db, DB_READ, "check tags", &tx, err) < 0 ||
            meta_check_tags(tx, arena, repo, after, PAGE, &list, &n, err) < 0)
            return -1;
        db_abort(&tx);
        for (size_t i = 0; i < n; i++) {
            if (check_tag(run, arena, &list[i], err) < 0)
                return -1;
        }
        if (n > 0) {
            repo  = list[n - 1].repo_id;
            after = list[n - 1].name;
        }
    }
    return 0;
}

int work_fsck(struct work *work, const struct work_fsck *fsck, struct work_fsck_counts *out,
              struct err *err)
{
    struct fsck_run run = { .work = work, .want = fsck };

    if (check_database(&run, err) < 0 || check_blobs(&run, err) < 0 ||
        check_objects(&run, err) < 0 || check_in_use(&run, true, err) < 0 ||
        check_in_use(&run, false, err) < 0 || fsck_manifests(&run, err) < 0 ||
        check_tags(&run, err) < 0 || fsck_quotas(&run, err) < 0)
        return -1;
    *out = run.counts;
    return 0;
}
