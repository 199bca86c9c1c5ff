/* work/damage.c: looking at objects, and the book of those that are not what they should be. */
#include "work/damage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "meta/blob.h"
#include "meta/damage.h"
#include "meta/manifest.h"
#include "work/work_private.h"

static const struct meta_actor upkeep = { .kind = "system", .name = { .p = "upkeep", .n = 6 } };

/* -- looking ------------------------------------------------------------------------------------------ */

/* What a medium says of bytes that it cannot bring back; other errors may pass. */
static bool is_of_medium(const struct err *err)
{
    return err->os == EIO || err->os == EUCLEAN || err->os == EBADMSG;
}

static int unreadable(struct work_flaw *flaw, const struct err *err)
{
    flaw->kind = "unreadable";
    snprintf(flaw->text, sizeof(flaw->text), "cannot be read: %.200s", err->text);
    return 0;
}

/* With its volume away every object is missing, and none is. */
static int missing(struct work *work, struct work_flaw *flaw, struct err *err)
{
    if (blob_probe(work->store, err) < 0)
        return -1;
    flaw->kind = "missing";
    snprintf(flaw->text, sizeof(flaw->text), "is missing");
    return 0;
}

static int open_object(struct work *work, const struct work_object *object,
                       struct blob_reader **out, struct work_flaw *flaw, struct err *err)
{
    if (blob_open(work->store, object->object_key, out, err) == 0)
        return 0;
    if (err->kind == ERR_NOT_FOUND)
        return missing(work, flaw, err);
    if (err->kind == ERR_CORRUPT || is_of_medium(err))
        return unreadable(flaw, err);
    return -1;
}

static int check_size(struct blob_reader *reader, const struct work_object *object,
                      struct work_flaw *flaw)
{
    if (blob_size(reader) == object->size)
        return 0;
    flaw->kind = "size";
    snprintf(flaw->text, sizeof(flaw->text), "has %lld bytes instead of %lld",
             (long long)blob_size(reader), (long long)object->size);
    return 0;
}

static int check_hash(struct blob_reader *reader, const struct work_object *object,
                      const struct work_pace *pace, struct work_flaw *flaw, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct oci_digest              wanted, found;

    if (oci_digest_parse(object->digest, &wanted, err) < 0)
        return err_set_corrupt(err, "a blob's row has the digest \"" STR_FMT "\"",
                               STR_ARGS(object->digest));
    if (work_digest_of_object(arena, reader, object->size, wanted.kind, pace, &found, err) < 0) {
        if (err->kind == ERR_CORRUPT || is_of_medium(err))
            return unreadable(flaw, err);
        return -1;
    }
    if (oci_digest_eq(&found, &wanted))
        return 0;
    flaw->kind = "digest";
    snprintf(flaw->text, sizeof(flaw->text), "hashes to %s", found.text);
    return 0;
}

static int look_once(struct work *work, const struct work_object *object,
                     const struct work_look *look, struct blob_reader **out_reader,
                     struct work_flaw *flaw, struct err *err)
{
    *flaw = (struct work_flaw){ 0 };
    if (open_object(work, object, out_reader, flaw, err) < 0)
        return -1;
    if (flaw->kind == NULL)
        check_size(*out_reader, object, flaw);
    return flaw->kind == NULL && look->with_hash
               ? check_hash(*out_reader, object, look->pace, flaw, err)
               : 0;
}

static bool is_unreadable(const struct work_flaw *flaw)
{
    return flaw->kind != NULL && strcmp(flaw->kind, "unreadable") == 0;
}

/* An entry in the book makes pushers send their bytes again. So what a medium could not bring back is asked
 * for once more, and a medium that fails its probe as well has no damaged objects: it is away. */
int work_object_look(struct work *work, const struct work_object *object,
                     const struct work_look *look, struct blob_reader **out_reader,
                     struct work_flaw *out_flaw, struct err *err)
{
    AUTO(blob_reader_close) struct blob_reader *reader = NULL;
    struct work_flaw                            flaw;

    if (look_once(work, object, look, &reader, &flaw, err) < 0)
        return -1;
    if (is_unreadable(&flaw)) {
        blob_reader_close(&reader);
        if (blob_probe(work->store, err) < 0 ||
            look_once(work, object, look, &reader, &flaw, err) < 0)
            return -1;
    }

    *out_flaw = flaw;
    if (flaw.kind == NULL && out_reader != NULL)
        *out_reader = TAKE(reader);
    return 0;
}

/* -- the book ----------------------------------------------------------------------------------------- */

static int tell(struct db_tx *tx, const char *type, const struct meta_damage *damage,
                struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .repo_id     = damage->repo_id,
        .object_kind = damage->repo_id == 0 ? "blob" : "manifest",
        .object_name = damage->digest,
        .digest      = damage->digest,
        .target      = damage->kind,
    };

    return meta_event_add(tx, &upkeep, &event, err);
}

static void log_damage(const struct meta_damage *damage, const char *what)
{
    log_event(LOG_ERROR, NULL, "damage.found",
              LOG_FIELDS(LOG_S("digest", damage->digest), LOG_S("object", damage->object_key),
                         LOG_S("kind", damage->kind), LOG_S("found_by", damage->found_by)),
              "the object " STR_FMT
              " %s; pushing the image again repairs it, and `assay fsck` names "
              "the images that need it",
              STR_ARGS(damage->object_key), what);
}

/* In the transaction that saw that the key is in force; ends it. */
static int write_damage(struct db_tx **tx, const struct meta_damage *damage, const char *what,
                        struct err *err)
{
    int64_t is_new;

    if (meta_damage_put(*tx, damage, &is_new, err) < 0)
        return -1;
    if (is_new == 0)
        return 1;
    if (tell(*tx, damage->repo_id == 0 ? "BLOB_DAMAGED" : "MANIFEST_DAMAGED", damage, err) < 0 ||
        db_commit(tx, err) < 0)
        return -1;
    log_damage(damage, what);
    return 1;
}

int work_damage_record(struct work *work, const struct work_object *object,
                       const struct work_flaw *flaw, const char *found_by, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_blob               row;

    if (db_begin(work->db, DB_WRITE, "record damage", &tx, err) < 0)
        return -1;
    int found = meta_blob_lock(tx, arena, object->digest, &row, err);
    if (found < 1)
        return found;
    if (!str_eq(row.object_key, object->object_key) || row.size != object->size)
        return 0;

    struct meta_damage damage = { .object_key = object->object_key,
                                  .digest     = object->digest,
                                  .kind       = str_from(flaw->kind),
                                  .found_by   = str_from(found_by) };
    return write_damage(&tx, &damage, flaw->text, err);
}

int work_damage_record_manifest(struct work *work, int64_t repo_id, struct str digest,
                                const char *found_by, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_manifest           row;

    if (db_begin(work->db, DB_WRITE, "record damage", &tx, err) < 0)
        return -1;
    int found = meta_manifest_find(tx, arena, repo_id, digest, &row, err);
    if (found < 1)
        return found;
    if (work_manifest_is_whole(&row))
        return 0;

    struct meta_damage damage = { .object_key = meta_damage_manifest_key(arena, repo_id, digest),
                                  .repo_id    = repo_id,
                                  .digest     = digest,
                                  .kind       = STR("digest"),
                                  .found_by   = str_from(found_by) };
    return write_damage(&tx, &damage, "does not hash to its digest", err);
}

/* Hardly anything is damaged, so a look comes before the turn to write. */
static int is_known(struct work *work, struct str object_key, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_damage             ignored_damage; /* only whether there is any */

    if (db_begin(work->db, DB_READ, "find damage", &tx, err) < 0)
        return -1;
    return meta_damage_find(tx, arena, object_key, &ignored_damage, err);
}

int work_damage_clear(struct work *work, struct str object_key, struct str digest, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    struct meta_damage           damage = { .object_key = object_key,
                                            .digest     = digest,
                                            .kind       = STR("whole again") };

    int known = is_known(work, object_key, err);
    if (known < 1)
        return known;
    if (db_begin(work->db, DB_WRITE, "end damage", &tx, err) < 0)
        return -1;
    int was_open = meta_damage_heal(tx, object_key, err);
    if (was_open < 1)
        return was_open;
    if (tell(tx, "BLOB_HEALED", &damage, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    log_event(LOG_INFO, NULL, "damage.healed", LOG_FIELDS(LOG_S("digest", digest)),
              "the object " STR_FMT " is whole again", STR_ARGS(object_key));
    return 0;
}

int work_damage_count(struct work *work, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count damage", &tx, err) < 0)
        return -1;
    return meta_damage_count(tx, out, err);
}
