/* work/upload.c: uploads. The database knows an offset only after those bytes are durable, and an object
 * only after all of them are; every object that a crash may leave behind stands in pending_objects before
 * it exists. */
#include "work/upload.h"

#include <string.h>

#include "base/assert.h"
#include "base/beside.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "io/clock.h"
#include "io/random.h"
#include "meta/blob.h"
#include "meta/damage.h"
#include "meta/object.h"
#include "meta/upload.h"
#include "work/quota_private.h"

#define SECOND_US INT64_C(1000000)
#define EVICTABLE_AFTER_US (600 * SECOND_US)
#define SILENT_AFTER_US (2 * SECOND_US)
#define PENDING_LIFE_US \
    (7 * 24 * 3600 * SECOND_US) /* of objects of sessions, beyond any upload_ttl in use */

enum {
    SWEEP_BATCH   = 100,
    LOOK_AGAIN_US = 50 * 1000,
    BESIDE_MIN    = 64 * 1024 /* bytes worth the hand-over to another thread */
};

struct work_upload {
    struct work_upload *next; /* in work->uploads, while a request has the session open */
    struct work        *work;
    pthread_mutex_t     lock;    /* between its request and one that takes over */
    int64_t             used_at; /* monotonic */
    bool                is_lost; /* taken over: nothing may be written any more */

    char                id[WORK_UPLOAD_ID_MAX]; /* empty: without session */
    char                upload_key[BLOB_KEY_MAX];
    char                object_key[BLOB_KEY_MAX]; /* empty until expected */
    int64_t             version;
    int64_t             offset;
    struct hash         hash;
    bool                has_second;
    struct hash         second;
    struct blob_writer *writer;

    const struct meta_actor *actor; /* of the request that has it open */
    const struct auth_repo  *repo;
    int64_t                  room; /* bytes that quotas leave it, as last seen */
};

static int unknown(struct str id, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", id,
                        "no such upload in progress");
}

static int silent_loser(struct err *err)
{
    return err_set_code(err, ERR_CONFLICT, "BLOB_UPLOAD_INVALID", STR_NULL,
                        "another request has this upload open");
}

/* -- sessions ----------------------------------------------------------------------------------------- */

static struct str print_hash(struct work *work, struct arena *arena, const struct hash *hash)
{
    return hash_state_print(arena, hash, work->state_key);
}

static int remove_session(struct db_tx *tx, struct str id, struct str upload_key, struct err *err)
{
    if (meta_upload_remove(tx, id, 0, err) < 0 || meta_pending_forget(tx, upload_key, err) < 0)
        return -1;
    return 0;
}

/* Room for one more session of that account: the one idle for longest goes when there are too many. */
static int make_room(struct work *work, struct db_tx *tx, struct arena *arena, int64_t account_id,
                     struct str *out_evicted_key, struct err *err)
{
    struct meta_upload idle;
    int64_t            n;

    *out_evicted_key = STR_NULL;
    (void)work;
    if (meta_upload_count(tx, account_id, &n, err) < 0)
        return -1;
    if (n < WORK_UPLOADS_OPEN)
        return 0;

    int found =
        meta_upload_find_idle(tx, arena, account_id, db_now(tx) - EVICTABLE_AFTER_US, &idle, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(err, ERR_TOO_MANY, "%d uploads are in progress for this account",
                       WORK_UPLOADS_OPEN);

    *out_evicted_key = idle.upload_key;
    return remove_session(tx, idle.id, idle.upload_key, err);
}

int work_upload_begin(struct work *work, const struct meta_actor *actor,
                      const struct auth_repo *repo, enum hash_kind second,
                      char out_id[WORK_UPLOAD_ID_MAX], struct err *err)
{
    AUTO(arena_free) struct arena              *arena  = arena_new();
    AUTO(db_abort) struct db_tx                *tx     = NULL;
    AUTO(blob_writer_close) struct blob_writer *writer = NULL;
    char                                        id[WORK_UPLOAD_ID_MAX], key[BLOB_KEY_MAX];
    struct hash                                 hash, hash_second;
    struct str                                  evicted;
    struct err ignored; /* what stays of an evicted one is swept later */

    if (work_may_push(work, 0, err) < 0)
        return -1;
    random_hex(id, 16);
    blob_upload_key(key);
    hash_init(&hash, HASH_SHA256);
    hash_init(&hash_second, second);

    if (failpoint(FP_UPLOAD_BEGIN, err) < 0 ||
        db_begin(work->db, DB_WRITE, "begin upload", &tx, err) < 0 ||
        make_room(work, tx, arena, actor->account_id, &evicted, err) < 0)
        return -1;
    struct meta_upload row = {
        .id           = str_from(id),
        .path         = repo->path,
        .account_id   = actor->account_id,
        .upload_key   = str_from(key),
        .hash_state   = print_hash(work, arena, &hash),
        .hash_state_2 = second == HASH_SHA256 ? STR_NULL : print_hash(work, arena, &hash_second),
    };
    if (meta_pending_add(tx, str_from(key), db_now(tx) + PENDING_LIFE_US, err) < 0 ||
        meta_upload_add(tx, &row, err) < 0 || db_commit(&tx, err) < 0)
        return err_wrap(err, "beginning an upload");

    if (failpoint(FP_UPLOAD_BEGIN_RECORDED, err) < 0 ||
        blob_begin(work->store, str_from(key), &writer, err) < 0 ||
        failpoint(FP_UPLOAD_BEGUN, err) < 0)
        return err_wrap(err, "beginning an upload");
    if (evicted.p != NULL)
        (void)blob_remove(work->store, evicted, &ignored);
    memcpy(out_id, id, sizeof(id));
    return 0;
}

static int find_session(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_repo *repo, struct str id, struct meta_upload *out,
                        struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (id.n != WORK_UPLOAD_ID_MAX - 1)
        return unknown(id, err);
    if (db_begin(work->db, DB_LOOK, "find upload", &tx, err) < 0)
        return -1;

    int found = meta_upload_find(tx, arena, id, out, err);
    if (found < 0)
        return -1;
    if (found == 0 || !str_eq(out->path, repo->path) || out->account_id != actor->account_id)
        return unknown(id, err);
    return 0;
}

int work_upload_status(struct work *work, const struct meta_actor *actor,
                       const struct auth_repo *repo, struct str id, int64_t *out_offset,
                       struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_upload             row;

    if (find_session(work, arena, actor, repo, id, &row, err) < 0)
        return -1;
    *out_offset = row.offset;
    return 0;
}

int work_upload_cancel(struct work *work, const struct meta_actor *actor,
                       const struct auth_repo *repo, struct str id, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_upload             row;

    if (find_session(work, arena, actor, repo, id, &row, err) < 0)
        return -1;
    if (db_begin(work->db, DB_WRITE, "cancel upload", &tx, err) < 0)
        return -1;

    int removed = meta_upload_remove(tx, row.id, 0, err);
    if (removed < 0)
        return -1;
    if (removed == 0)
        return unknown(id, err);
    if (db_commit(&tx, err) < 0 || failpoint(FP_UPLOAD_CANCEL_FORGOTTEN, err) < 0)
        return -1;

    /* The pending row goes after the bytes: a crash in between leaves them known. */
    if (blob_remove(work->store, row.upload_key, err) < 0 ||
        failpoint(FP_UPLOAD_CANCEL_REMOVED, err) < 0 ||
        db_begin(work->db, DB_WRITE, "forget upload", &tx, err) < 0 ||
        meta_pending_forget(tx, row.upload_key, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_UPLOAD_CANCELLED, err);
}

/* -- one request has it open -------------------------------------------------------------------------- */

static struct work_upload *new_upload(struct work *work, const struct meta_actor *actor,
                                      const struct auth_repo *repo)
{
    struct work_upload *upload = mem_new(struct work_upload);

    upload->work    = work;
    upload->actor   = actor;
    upload->repo    = repo;
    upload->used_at = clock_monotonic_us();
    pthread_mutex_init(&upload->lock, NULL);
    hash_init(&upload->hash, HASH_SHA256);
    return upload;
}

static struct work_upload **find_open(struct work *work, const char *id)
{
    struct work_upload **at = &work->uploads;

    while (*at != NULL && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

/* With upload->lock held. */
static int commit_offset(struct work_upload *upload, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct work                   *work  = upload->work;
    struct str second = upload->has_second ? print_hash(work, arena, &upload->second) : STR_NULL;

    if (upload->writer == NULL || upload->id[0] == '\0')
        return 0;
    if (failpoint(FP_UPLOAD_PROGRESS, err) < 0 || blob_flush(upload->writer, err) < 0 ||
        failpoint(FP_UPLOAD_PROGRESS_FLUSHED, err) < 0 ||
        db_begin(work->db, DB_WRITE, "advance upload", &tx, err) < 0)
        return -1;
    if (meta_upload_advance(tx, str_from(upload->id), upload->version, upload->offset,
                            print_hash(work, arena, &upload->hash), second, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    upload->version++;
    return failpoint(FP_UPLOAD_PROGRESSD, err);
}

/* Takes the session away from a request that has gone silent; its bytes so far count. With uploads_lock.
 * False: the other one is at work. */
static bool take_over(struct work_upload *other)
{
    struct err ignored; /* bytes that could not be flushed are simply not resumed */

    if (pthread_mutex_trylock(&other->lock) != 0)
        return false;
    if (!other->is_lost && clock_monotonic_us() - other->used_at < SILENT_AFTER_US) {
        pthread_mutex_unlock(&other->lock);
        return false;
    }
    if (!other->is_lost)
        (void)commit_offset(other, &ignored);
    other->is_lost = true;
    blob_writer_close(&other->writer);
    pthread_mutex_unlock(&other->lock);
    return true;
}

/* Puts the upload into the list of open ones, where no other with its id may be. A connection that broke is
 * often still being cleared away when its client is back, so the newcomer has a little patience. */
static int enter(struct work_upload *upload, struct err *err)
{
    struct work         *work     = upload->work;
    int64_t              deadline = clock_monotonic_us() + SILENT_AFTER_US + SECOND_US / 2;
    struct work_upload **at;

    pthread_mutex_lock(&work->uploads_lock);
    while (*(at = find_open(work, upload->id)) != NULL && !take_over(*at)) {
        if (clock_monotonic_us() > deadline) {
            pthread_mutex_unlock(&work->uploads_lock);
            return silent_loser(err);
        }
        clock_cond_wait(&work->uploads_changed, &work->uploads_lock, LOOK_AGAIN_US);
    }
    if (*at != NULL)
        *at = (*at)->next;
    upload->next  = work->uploads;
    work->uploads = upload;
    pthread_mutex_unlock(&work->uploads_lock);
    return 0;
}

static void leave(struct work_upload *upload)
{
    struct work         *work = upload->work;
    struct work_upload **at;

    pthread_mutex_lock(&work->uploads_lock);
    for (at = &work->uploads; *at != NULL; at = &(*at)->next) {
        if (*at == upload) {
            *at = upload->next;
            break;
        }
    }
    pthread_cond_broadcast(&work->uploads_changed);
    pthread_mutex_unlock(&work->uploads_lock);
}

void work_upload_close(struct work_upload **upload)
{
    if (*upload == NULL)
        return;

    leave(*upload);
    /* Whoever is taking over holds the lock for a moment. */
    pthread_mutex_lock(&(*upload)->lock);
    blob_writer_close(&(*upload)->writer);
    pthread_mutex_unlock(&(*upload)->lock);
    pthread_mutex_destroy(&(*upload)->lock);
    mem_free(*upload);
    *upload = NULL;
}

static int load(struct work_upload *upload, const struct meta_upload *row, struct err *err)
{
    struct work *work = upload->work;

    if (row->upload_key.n >= sizeof(upload->upload_key) || row->offset < 0)
        return err_set_corrupt(err, "upload %s: a key of %zu bytes, %lld bytes received",
                               upload->id, row->upload_key.n, (long long)row->offset);
    memcpy(upload->upload_key, row->upload_key.p, row->upload_key.n);
    upload->upload_key[row->upload_key.n] = '\0';
    upload->version                       = row->version;
    upload->offset                        = row->offset;
    upload->has_second                    = row->hash_state_2.p != NULL;
    if (hash_state_parse(row->hash_state, work->state_key, &upload->hash, err) < 0 ||
        (upload->has_second &&
         hash_state_parse(row->hash_state_2, work->state_key, &upload->second, err) < 0))
        return err_wrap(err, "upload %s", upload->id);
    if (blob_resume(work->store, row->upload_key, row->offset, &upload->writer, err) < 0)
        return err_wrap(err, "upload %s", upload->id);
    return 0;
}

int work_upload_open(struct work *work, const struct meta_actor *actor,
                     const struct auth_repo *repo, struct str id, struct work_upload **out,
                     struct err *err)
{
    AUTO(arena_free) struct arena              *arena  = arena_new();
    AUTO(work_upload_close) struct work_upload *upload = NULL;
    struct meta_upload                          row;

    if (work_may_push(work, 0, err) < 0 ||
        find_session(work, arena, actor, repo, id, &row, err) < 0)
        return -1;

    upload = new_upload(work, actor, repo);
    memcpy(upload->id, row.id.p, row.id.n);
    if (quota_room(work, repo->path, &upload->room, err) < 0 || enter(upload, err) < 0)
        return -1;

    /* Read again: a take-over may just have moved the offset on. */
    if (find_session(work, arena, actor, repo, id, &row, err) < 0)
        return -1;
    if (load(upload, &row, err) < 0)
        return err->kind == ERR_NOT_FOUND ? unknown(id, err) : -1;
    *out = TAKE(upload);
    return 0;
}

int work_upload_begin_single(struct work *work, const struct meta_actor *actor,
                             const struct auth_repo *repo, const struct oci_digest *digest,
                             struct work_upload **out, struct err *err)
{
    AUTO(work_upload_close) struct work_upload *upload = NULL;
    AUTO(db_abort) struct db_tx                *tx     = NULL;

    if (work_may_push(work, 0, err) < 0)
        return -1;
    upload = new_upload(work, actor, repo);
    if (quota_room(work, repo->path, &upload->room, err) < 0)
        return -1;
    blob_upload_key(upload->upload_key);
    blob_object_key(oci_digest_str(digest), upload->object_key);
    upload->has_second = digest->kind != HASH_SHA256;
    hash_init(&upload->second, digest->kind);

    if (db_begin(work->db, DB_WRITE, "begin single upload", &tx, err) < 0)
        return -1;
    int64_t expires_at = db_now(tx) + work_policy(work)->upload_ttl;
    if (meta_pending_add(tx, str_from(upload->upload_key), expires_at, err) < 0 ||
        meta_pending_add(tx, str_from(upload->object_key), expires_at, err) < 0 ||
        db_commit(&tx, err) < 0)
        return err_wrap(err, "beginning an upload");

    if (failpoint(FP_UPLOAD_SINGLE_RECORDED, err) < 0 ||
        blob_begin(work->store, str_from(upload->upload_key), &upload->writer, err) < 0)
        return err_wrap(err, "beginning an upload");
    *out = TAKE(upload);
    return 0;
}

int64_t work_upload_offset(const struct work_upload *upload)
{
    return upload->offset;
}

/* The digests of an upload with a piece more. */
struct hashing {
    struct hash hash;
    struct hash second;
    bool        has_second;
    struct str  bytes;
};

static void hash_piece(void *context)
{
    struct hashing *hashing = context;

    hash_add(&hashing->hash, hashing->bytes.p, hashing->bytes.n);
    if (hashing->has_second)
        hash_add(&hashing->second, hashing->bytes.p, hashing->bytes.n);
}

/* While the disk takes a large piece, another thread hashes it when one is free. What was not written was not hashed:
 * digests and bytes go on together. */
static int write_and_hash(struct work_upload *upload, struct str bytes, struct err *err)
{
    struct beside    *beside    = upload->work->beside;
    struct hashing    hashing   = { .hash       = upload->hash,
                                    .second     = upload->second,
                                    .has_second = upload->has_second,
                                    .bytes      = bytes };
    struct beside_job job       = { .run = hash_piece, .context = &hashing };
    bool              is_shared = bytes.n >= BESIDE_MIN && beside_try(beside, &job);
    int               done      = blob_write(upload->writer, bytes, err);

    if (is_shared)
        beside_await(beside, &job);
    else if (done == 0)
        hash_piece(&hashing);
    if (done < 0)
        return -1;
    upload->hash   = hashing.hash;
    upload->second = hashing.second;
    return 0;
}

/* A blob that the repository has needs no room. */
static int is_linked(struct work_upload *upload, const struct oci_digest *digest, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    int64_t                      ignored_until; /* a link is one, pinned or not */

    if (upload->repo->id == 0)
        return 0;
    if (db_begin(upload->work->db, DB_LOOK, "is it here", &tx, err) < 0)
        return -1;
    return meta_blob_find_pin(tx, upload->repo->id, oci_digest_str(digest), &ignored_until, err);
}

/* Nobody said how much comes: when it is more than there was room for, is there more now? */
static int check_room(struct work_upload *upload, int64_t size, struct err *err)
{
    if (size <= upload->room)
        return 0;
    if (quota_may_add(upload->work, upload->actor, upload->repo->path, size, err) < 0)
        return -1;
    return quota_room(upload->work, upload->repo->path, &upload->room, err);
}

static int announce(struct work_upload *upload, const struct oci_digest *digest, int64_t size,
                    struct err *err)
{
    int is_here = digest == NULL || upload->room == INT64_MAX ? 0 : is_linked(upload, digest, err);
    int64_t total;

    if (is_here < 0)
        return -1;
    if (is_here == 1)
        upload->room = INT64_MAX;
    if (__builtin_add_overflow(upload->offset, size, &total))
        return err_set_code(err, ERR_TOO_LARGE, "SIZE_INVALID", STR_NULL, "no blob is that large");
    return check_room(upload, total, err);
}

static int write_locked(struct work_upload *upload, struct str bytes, struct err *err)
{
    int64_t max = work_policy(upload->work)->max_blob_size;

    if (upload->is_lost || upload->writer == NULL)
        return silent_loser(err);
    if (max > 0 && (int64_t)bytes.n > max - upload->offset)
        return err_set_code(err, ERR_TOO_LARGE, "SIZE_INVALID", STR_NULL,
                            "a blob may have at most %lld bytes here", (long long)max);
    if (check_room(upload, upload->offset + (int64_t)bytes.n, err) < 0 ||
        work_may_push(upload->work, bytes.n, err) < 0 || write_and_hash(upload, bytes, err) < 0)
        return -1;
    upload->offset += (int64_t)bytes.n;
    return 0;
}

int work_upload_write(struct work_upload *upload, struct str bytes, struct err *err)
{
    pthread_mutex_lock(&upload->lock);
    upload->used_at = clock_monotonic_us();
    int done        = write_locked(upload, bytes, err);
    pthread_mutex_unlock(&upload->lock);
    return done;
}

int work_upload_flush(struct work_upload *upload, struct err *err)
{
    pthread_mutex_lock(&upload->lock);
    int done = upload->is_lost ? silent_loser(err) : commit_offset(upload, err);
    pthread_mutex_unlock(&upload->lock);
    return done;
}

int work_upload_expect(struct work_upload *upload, const struct oci_digest *digest, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (upload->object_key[0] != '\0')
        return 0;
    blob_object_key(oci_digest_str(digest), upload->object_key);
    if (failpoint(FP_UPLOAD_EXPECT, err) < 0 ||
        db_begin(upload->work->db, DB_WRITE, "expect object", &tx, err) < 0 ||
        meta_pending_add(tx, str_from(upload->object_key), db_now(tx) + PENDING_LIFE_US, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_UPLOAD_EXPECTED, err);
}

/* -- the end ------------------------------------------------------------------------------------------ */

/* The digest was of an algorithm that nobody announced: read the bytes once more. */
static int reread(struct work_upload *upload, enum hash_kind kind, struct oci_digest *out,
                  struct err *err)
{
    AUTO(arena_free) struct arena              *arena  = arena_new();
    AUTO(blob_reader_close) struct blob_reader *reader = NULL;

    if (blob_open(upload->work->store, str_from(upload->upload_key), &reader, err) < 0)
        return -1;
    return work_digest_of_object(arena, reader, upload->offset, kind, NULL, out, err);
}

static int check_digest(struct work_upload *upload, const struct oci_digest *digest,
                        struct err *err)
{
    struct oci_digest found;

    if (digest->kind == HASH_SHA256)
        oci_digest_from_hash(&upload->hash, &found);
    else if (upload->has_second && upload->second.kind == digest->kind)
        oci_digest_from_hash(&upload->second, &found);
    else if (blob_flush(upload->writer, err) < 0 || reread(upload, digest->kind, &found, err) < 0)
        return -1;

    if (oci_digest_eq(&found, digest))
        return 0;
    return err_set_code(err, ERR_INVALID, "DIGEST_INVALID", oci_digest_str(digest),
                        "the %lld bytes received have the digest %s", (long long)upload->offset,
                        found.text);
}

/* After a refusal nothing of the upload stays: its bytes under either key, its session, its pending rows. */
static void drop(struct work_upload *upload)
{
    struct work                 *work = upload->work;
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct err ignored; /* what cannot be removed now is known as pending and swept */

    blob_writer_close(&upload->writer);
    if (blob_remove(work->store, str_from(upload->upload_key), &ignored) < 0 ||
        failpoint(FP_UPLOAD_DROP_REMOVED, &ignored) < 0 ||
        (upload->object_key[0] != '\0' &&
         blob_remove(work->store, str_from(upload->object_key), &ignored) < 0) ||
        db_begin(work->db, DB_WRITE, "drop upload", &tx, &ignored) < 0 ||
        meta_pending_forget(tx, str_from(upload->upload_key), &ignored) < 0 ||
        meta_pending_forget(tx, str_from(upload->object_key), &ignored) < 0 ||
        (upload->id[0] != '\0' && meta_upload_remove(tx, str_from(upload->id), 0, &ignored) < 0))
        return;
    if (db_commit(&tx, &ignored) == 0)
        (void)failpoint(FP_UPLOAD_DROPPED, &ignored);
}

int work_upload_announce(struct work_upload *upload, const struct oci_digest *digest, int64_t size,
                         struct err *err)
{
    pthread_mutex_lock(&upload->lock);
    int done = announce(upload, digest, size, err);
    if (done < 0 && upload->id[0] == '\0')
        drop(upload);
    pthread_mutex_unlock(&upload->lock);
    return done;
}

/* Whoever removes the session has it: one that was cancelled or finished meanwhile ends nothing. */
static int end_session(struct db_tx *tx, const struct work_upload *upload, struct err *err)
{
    struct str id = str_from(upload->id);

    if (id.n == 0)
        return 0;

    int removed = meta_upload_remove(tx, id, 0, err);
    if (removed == 0)
        return unknown(id, err);
    return removed < 0 ? -1 : 0;
}

/* Another object has the blob already: that one stays and ours goes, unless it is known to be damaged: then
 * ours takes its place, for everyone who has the blob (work/damage.h). Under the lock of the blob's row. */
static int settle_keys(struct work_upload *upload, struct db_tx *tx, struct str digest,
                       struct str key_in_force, bool *out_is_healed, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     key   = str_from(upload->object_key);
    struct meta_damage             damage;

    int is_damaged = meta_damage_find(tx, arena, key_in_force, &damage, err);
    if (is_damaged < 0)
        return -1;
    *out_is_healed = is_damaged == 1;
    if (is_damaged == 0)
        return meta_doomed_add(tx, key, upload->offset, db_now(tx), err);

    if (meta_blob_replace(tx, digest, key_in_force, key, upload->offset, err) < 0 ||
        meta_damage_heal(tx, key_in_force, err) < 0)
        return -1;
    return meta_doomed_add(tx, key_in_force, 0, db_now(tx) + work_policy(upload->work)->doom_delay,
                           err);
}

/* The transaction in which the bytes become a blob of the repository. */
static int record(struct work_upload *upload, const struct meta_actor *actor,
                  const struct auth_repo *repo, const struct oci_digest *digest,
                  struct quota_use *use, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct work                   *work  = upload->work;
    struct str                     name  = oci_digest_str(digest);
    struct str                     key   = str_from(upload->object_key);
    struct str                     key_in_force;
    bool                           is_healed = false;
    int64_t                        repo_id;

    if (db_begin(work->db, DB_WRITE, "finish upload", &tx, err) < 0)
        return -1;

    int is_ours = meta_pending_remove(tx, key, err);
    if (is_ours < 0)
        return -1;
    if (is_ours == 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "the upload took too long and its object was collected");
    if (meta_pending_forget(tx, str_from(upload->upload_key), err) < 0 ||
        work_repo_ensure(tx, arena, repo, actor, &repo_id, err) < 0 ||
        meta_blob_put(tx, arena, name, upload->offset, key, &key_in_force, err) < 0)
        return -1;
    if (!str_eq(key_in_force, key) &&
        settle_keys(upload, tx, name, key_in_force, &is_healed, err) < 0)
        return -1;
    if (work_pin(work, tx, repo_id, name, upload->offset, use, err) < 0 ||
        meta_gc_queue_put(tx, "blob", name, db_now(tx) + work_policy(work)->gc_delay, "upload",
                          err) < 0 ||
        end_session(tx, upload, err) < 0)
        return -1;

    struct meta_event event = {
        .type = "BLOB_PUSH", .object_kind = "blob", .object_name = name, .digest = name
    };
    struct meta_event healed = {
        .type = "BLOB_HEALED", .object_kind = "blob", .object_name = name, .digest = name
    };
    if (work_event(tx, actor, repo, repo_id, event, err) < 0 ||
        (is_healed && work_event(tx, actor, repo, repo_id, healed, err) < 0) ||
        quota_settle(use, tx, err) < 0 || failpoint(FP_UPLOAD_FINISH_RECORDED, err) < 0 ||
        db_commit(&tx, err) < 0 || failpoint(FP_UPLOAD_FINISHED, err) < 0)
        return -1;
    if (is_healed)
        log_event(LOG_INFO, NULL, "damage.healed", LOG_FIELDS(LOG_S("digest", name)),
                  "a push brought the bytes of a damaged blob again");
    return 0;
}

static int record_counted(struct work_upload *upload, const struct meta_actor *actor,
                          const struct auth_repo *repo, const struct oci_digest *digest,
                          struct err *err)
{
    AUTO(quota_end) struct quota_use use = { 0 };

    if (quota_begin(upload->work, repo->path, &use, err) < 0)
        return -1;
    int done = record(upload, actor, repo, digest, &use, err);
    quota_tell_refused(&use, actor);
    return done;
}

static int finish_locked(struct work_upload *upload, const struct meta_actor *actor,
                         const struct auth_repo *repo, const struct oci_digest *digest,
                         struct err *err)
{
    int n_tries = 0;
    int done;

    if (upload->is_lost || upload->writer == NULL)
        return silent_loser(err);
    if (check_digest(upload, digest, err) < 0) {
        if (err->kind == ERR_INVALID)
            drop(upload);
        return -1;
    }
    if (work_upload_expect(upload, digest, err) < 0 ||
        blob_finish(&upload->writer, str_from(upload->object_key), err) < 0 ||
        failpoint(FP_UPLOAD_FINISH_OBJECT, err) < 0)
        return err_wrap(err, "finishing an upload");
    do
        done = record_counted(upload, actor, repo, digest, err);
    while (done < 0 && db_again(err, &n_tries));
    if (done == 0)
        return 0;
    if (err->kind == ERR_NOT_FOUND || err->kind == ERR_CONFLICT)
        drop(upload);
    return -1;
}

int work_upload_finish(struct work_upload *upload, const struct meta_actor *actor,
                       const struct auth_repo *repo, const struct oci_digest *digest,
                       struct err *err)
{
    pthread_mutex_lock(&upload->lock);
    int done = finish_locked(upload, actor, repo, digest, err);
    pthread_mutex_unlock(&upload->lock);
    return done;
}

/* -- what never ended --------------------------------------------------------------------------------- */

static int sweep_session(struct work *work, struct arena *arena, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_upload           idle;

    if (db_begin(work->db, DB_WRITE, "sweep uploads", &tx, err) < 0)
        return -1;
    int64_t before = db_now(tx) - work_policy(work)->upload_ttl;
    int     found  = meta_upload_find_idle(tx, arena, 0, before, &idle, err);
    if (found < 1)
        return found;

    /* Its pending row becomes due, and the bytes go with that. */
    if (meta_upload_remove(tx, idle.id, 0, err) < 0 ||
        meta_pending_move(tx, idle.upload_key, db_now(tx), err) < 0 ||
        failpoint(FP_SWEEP_SESSION, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_SWEEP_SESSION_DONE, err) < 0 ? -1 : 1;
}

/* The row goes first, skipping none: an upload that is finishing finds it gone and gives up. The bytes are doomed from
 * then on, and collection removes them. */
static int reap_pending(struct work *work, struct str key, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "reap pending object", &tx, err) < 0)
        return -1;
    int removed = meta_pending_remove(tx, key, err);
    if (removed < 1)
        return removed;
    if (meta_doomed_add(tx, key, 0, db_now(tx), err) < 0 || failpoint(FP_REAP_PENDING, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_REAP_PENDING_DONE, err);
}

static int list_pending(struct work *work, struct arena *arena, struct str **out, size_t *n,
                        struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list pending objects", &tx, err) < 0)
        return -1;
    return meta_pending_due(tx, arena, db_now(tx), SWEEP_BATCH, out, n, err);
}

/* *out_n: how many there were; fewer than SWEEP_BATCH are all. */
static int sweep_some(struct work *work, int64_t *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                    *keys;
    size_t                         n_keys;
    int                            swept = 1;

    *out_n = 0;
    while (swept == 1 && *out_n < SWEEP_BATCH) {
        swept = sweep_session(work, arena, err);
        *out_n += swept == 1;
    }
    if (swept < 0 || list_pending(work, arena, &keys, &n_keys, err) < 0)
        return -1;
    for (size_t i = 0; i < n_keys; i++) {
        if (reap_pending(work, keys[i], err) < 0)
            return err_wrap(err, STR_FMT, STR_ARGS(keys[i]));
    }
    *out_n = (int64_t)n_keys > *out_n ? (int64_t)n_keys : *out_n;
    return 0;
}

int work_upload_sweep(struct work *work, int64_t *out_n, struct err *err)
{
    int64_t n = SWEEP_BATCH;

    for (*out_n = 0; n >= SWEEP_BATCH; *out_n += n) {
        if (sweep_some(work, &n, err) < 0)
            return err_wrap(err, "sweeping uploads");
    }
    return 0;
}
