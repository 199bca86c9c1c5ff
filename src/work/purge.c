/* work/purge.c: a digest goes, everywhere and at once. */
#include "work/purge.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "codec/json_write.h"
#include "meta/collect.h"
#include "meta/manifest.h"
#include "meta/object.h"
#include "meta/purge.h"
#include "meta/tag.h"
#include "meta/tag_rule.h"
#include "work/access_private.h"
#include "work/change.h"
#include "work/quota_private.h"

enum { TOLD_MAX = 4096, KEYS_AT_FIRST = 16 };

/* Lists grow in the arena by doubling. */
struct purging {
    struct work             *work;
    struct arena            *arena;
    const struct meta_actor *actor;
    const struct work_purge *purge;
    struct str               prefix;
    bool                     is_trial; /* all in one transaction, which is taken back */
    struct db_tx            *tx;
    struct quota_use         use; /* of the repository at hand; not of a trial */
    struct work_purged       told;
    struct str              *keys; /* objects whose row went in this transaction */
    size_t                   n_keys;
};

static void *grown(struct arena *arena, void *list, size_t n, size_t size)
{
    if (n > 0 && (n < KEYS_AT_FIRST || (n & (n - 1)) != 0))
        return list;
    size_t room = n == 0 ? KEYS_AT_FIRST : 2 * n;

    return list == NULL ? mem_array(arena, room, size) : mem_resize(arena, list, room * size);
}

/* -- what is told ------------------------------------------------------------------------------------- */

static struct str print_why(struct purging *p)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, p->arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "purge", p->purge->digest);
    json_write_str_at(&w, "reason", p->purge->reason);
    json_write_end(&w);
    return buf_view(&text);
}

static int record(struct purging *p, const struct meta_purge_place *place, const char *type,
                  const char *kind, struct str name, struct str digest, struct err *err)
{
    struct meta_event event = { .type        = type,
                                .repo_id     = place->repo_id,
                                .path        = place->path,
                                .object_kind = kind,
                                .object_name = name,
                                .digest      = digest,
                                .old_digest  = digest,
                                .target      = STR("purge"),
                                .after       = print_why(p) };

    return meta_event_add(p->tx, p->actor, &event, err);
}

static struct work_purge_copy *add_copy(struct purging *p, const struct meta_purge_place *place,
                                        const struct meta_purge_copy *copy)
{
    struct work_purged *told = &p->told;

    told->copies = grown(p->arena, told->copies, told->n_copies, sizeof(*told->copies));
    told->copies[told->n_copies] =
        (struct work_purge_copy){ .repository = place->path,
                                  .digest     = copy->digest,
                                  .is_index   = copy->is_index != 0,
                                  .is_deleted = copy->is_deleted != 0 || place->is_deleted != 0 };
    return &told->copies[told->n_copies++];
}

static void add_link(struct purging *p, struct str path)
{
    struct work_purged *told = &p->told;

    told->links                  = grown(p->arena, told->links, told->n_links, sizeof(struct str));
    told->links[told->n_links++] = path;
}

/* A blob that several repositories had is told once, as it was at last. */
static void add_blob(struct purging *p, struct str digest, int64_t size, const char *kept_by)
{
    struct work_purged    *told  = &p->told;
    struct work_purge_blob fate  = { .digest = digest, .size = size, .kept_by = kept_by };
    size_t                 place = 0;

    while (place < told->n_blobs && !str_eq(told->blobs[place].digest, digest))
        place++;
    if (place == told->n_blobs) {
        told->blobs = grown(p->arena, told->blobs, told->n_blobs, sizeof(*told->blobs));
        told->n_blobs++;
    }
    told->blobs[place] = fate;
    told->bytes += kept_by == NULL ? size : 0;
}

/* -- refusing ----------------------------------------------------------------------------------------- */

static int check_held(struct purging *p, const struct meta_purge_place *place, struct str tag,
                      struct str digest, struct err *err)
{
    struct work_change change = { .kind    = WORK_PURGE,
                                  .repo_id = place == NULL ? 0 : place->repo_id,
                                  .path    = place == NULL ? STR_NULL : place->path,
                                  .tag     = tag,
                                  .digest  = digest };
    struct work_rule   rule;
    int                may = work_may_change(p->work, p->tx, p->arena, &change, &rule, err);

    return may == 0 ? work_refuse_change(&change, &rule, err) : may < 0 ? -1 : 0;
}

static int too_many(struct purging *p, const char *what, int most, struct err *err)
{
    return err_set_code(err, ERR_CONFLICT, "TOO_MANY_COPIES", p->purge->digest,
                        "more than %d %s have it: purge it below longer prefixes", most, what);
}

/* -- one manifest ------------------------------------------------------------------------------------- */

static int drop_tag(struct purging *p, const struct meta_purge_place *place, struct str name,
                    struct str digest, struct err *err)
{
    struct meta_tag tag;
    int             found = meta_tag_lock(p->tx, p->arena, place->repo_id, name, &tag, err);

    if (found < 1 || !str_eq(tag.digest, digest))
        return found < 0 ? -1 : 0;
    if (check_held(p, place, name, digest, err) < 0 ||
        meta_tag_remove(p->tx, place->repo_id, name, err) < 0)
        return -1;
    return record(p, place, "TAG_DELETE", "tag", name, digest, err);
}

static int drop_tags(struct purging *p, const struct meta_purge_place *place,
                     struct work_purge_copy *copy, struct err *err)
{
    if (meta_tag_list_of(p->tx, p->arena, place->repo_id, copy->digest, &copy->tags, &copy->n_tags,
                         err) < 0)
        return -1;
    for (size_t i = 0; i < copy->n_tags; i++) {
        if (drop_tag(p, place, copy->tags[i], copy->digest, err) < 0)
            return -1;
    }
    p->told.n_tags += (int64_t)copy->n_tags;
    p->use.change.tags -= (int64_t)copy->n_tags;
    return 0;
}

/* What hung on it, children and what refers to it, is collection's to look at. */
static int queue_hanging(struct purging *p, const struct meta_purge_place *place, struct str digest,
                         struct err *err)
{
    static const enum meta_named kinds[] = { META_NAMED_CHILDREN, META_NAMED_REFERRERS };

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct str *names;
        size_t      n;

        if (meta_fate_named(p->tx, p->arena, place->repo_id, digest, kinds[k], &names, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (work_queue_manifest(p->tx, p->arena, place->repo_id, names[i], db_now(p->tx),
                                    "purge", err) < 0)
                return -1;
        }
    }
    return 0;
}

/* *blobs grows by what it named. */
static int drop_manifest(struct purging *p, const struct meta_purge_place *place,
                         const struct meta_purge_copy *copy, struct str **blobs, size_t *n_blobs,
                         struct err *err)
{
    struct str *named;
    size_t      n;
    int64_t     size;
    int         found = meta_manifest_size(p->tx, place->repo_id, copy->digest, &size, err);

    if (found < 1)
        return found;
    if (check_held(p, place, STR_NULL, copy->digest, err) < 0 ||
        drop_tags(p, place, add_copy(p, place, copy), err) < 0 ||
        queue_hanging(p, place, copy->digest, err) < 0 ||
        meta_fate_named(p->tx, p->arena, place->repo_id, copy->digest, META_NAMED_BLOBS, &named, &n,
                        err) < 0 ||
        meta_fate_drop(p->tx, place->repo_id, copy->digest, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        *blobs                 = grown(p->arena, *blobs, *n_blobs, sizeof(**blobs));
        (*blobs)[(*n_blobs)++] = named[i];
    }
    p->use.change.bytes -= size;
    return record(p, place, "MANIFEST_DELETE", "manifest", copy->digest, copy->digest, err);
}

/* -- blobs -------------------------------------------------------------------------------------------- */

/* Why the blob stays, its row locked and the repository's right to it gone: *out null, it goes. */
static int judge_blob(struct purging *p, struct str digest, const char **out, struct err *err)
{
    struct err why;
    int64_t    n_links, now = db_now(p->tx);
    bool       is_counted = !p->is_trial && quota_are_any(&p->use);
    int        is_used    = meta_doom_is_used(p->tx, digest, err);

    if (is_used < 0 || (is_counted && meta_quota_append_links(p->tx, digest, now, err) < 0) ||
        meta_doom_links(p->tx, digest, now, &n_links, err) < 0)
        return -1;
    int is_linked = meta_purge_is_linked(p->tx, digest, err);
    if (is_linked < 0)
        return -1;
    *out = is_used == 1     ? "another image names it"
           : is_linked == 1 ? "another repository relies on it"
                            : NULL;
    if (*out != NULL || check_held(p, NULL, STR_NULL, digest, &why) == 0)
        return 0;
    if (why.kind == ERR_CONFLICT && !str_eq(digest, p->purge->digest)) {
        *out = "a hold keeps it";
        return 0;
    }
    *err = why;
    return -1;
}

static void add_key(struct purging *p, struct str key)
{
    p->keys              = grown(p->arena, p->keys, p->n_keys, sizeof(*p->keys));
    p->keys[p->n_keys++] = key;
}

/* The same bytes lie under other keys as well: of pushes that came second, of a blob that was collected. They wait for
 * doom-delay and go now. A key is the digest with a dot and more behind it; a slash follows the dot. */
static int add_doomed(struct purging *p, struct str digest, struct err *err)
{
    ptrdiff_t   colon = str_find(digest, ':');
    struct str  hex   = str_from_index(digest, (size_t)colon + 1);
    char       *stem  = mem_printf(p->arena, "blobs/" STR_FMT "/%.2s/" STR_FMT,
                                   STR_ARGS(str_sub(digest, 0, (size_t)colon)), hex.p, STR_ARGS(hex));
    struct str *keys;
    size_t      n;

    if (meta_purge_doomed(p->tx, p->arena, str_from(mem_printf(p->arena, "%s.", stem)),
                          str_from(mem_printf(p->arena, "%s/", stem)), WORK_PURGE_COPIES, &keys, &n,
                          err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        add_key(p, keys[i]);
    return 0;
}

static int drop_blob(struct purging *p, const struct meta_purge_place *place, struct str digest,
                     struct err *err)
{
    struct meta_purge_blob blob;
    const char            *kept_by;
    int                    found = meta_purge_lock_blob(p->tx, p->arena, digest, &blob, err);

    if (found < 1)
        return found;
    int was_linked = meta_purge_unlink(p->tx, place->repo_id, digest, err);
    if (was_linked < 0)
        return -1;
    p->use.change.bytes -= was_linked == 1 ? blob.size : 0;
    if (judge_blob(p, digest, &kept_by, err) < 0)
        return -1;
    if (kept_by == NULL) {
        if (meta_doom_blob(p->tx, digest, err) < 0 ||
            meta_doomed_add(p->tx, blob.object_key, blob.size, db_now(p->tx), err) < 0 ||
            add_doomed(p, digest, err) < 0)
            return -1;
    } else if (meta_gc_queue_put(p->tx, "blob", digest, db_now(p->tx), "purge", err) < 0) {
        return -1;
    }
    add_blob(p, digest, blob.size, kept_by);
    return 0;
}

/* 1, 0 something names it all the same, -1. */
static int may_remove(struct purging *p, struct str key, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(p->work->db, DB_READ, "is an object in use", &tx, err) < 0)
        return -1;
    int is_used = meta_doomed_is_used(tx, key, err);
    return is_used < 0 ? -1 : !is_used;
}

/* The bytes of what a committed transaction took away. One that stays meanwhile is listed, and collection tries again. */
static int remove_objects(struct purging *p, struct err *err)
{
    for (size_t i = 0; i < p->n_keys; i++) {
        AUTO(db_abort) struct db_tx *tx = NULL;
        struct err                   why;
        int                          may = may_remove(p, p->keys[i], err);

        if (may < 1) {
            if (may < 0)
                return -1;
            continue;
        }
        if (blob_remove(p->work->store, p->keys[i], &why) < 0) {
            log_event(LOG_WARNING, NULL, "purge.object-stays", LOG_FIELDS(LOG_S("key", p->keys[i])),
                      "%s", why.text);
            continue;
        }
        if (failpoint(FP_PURGE_REMOVED, err) < 0 ||
            db_begin(p->work->db, DB_WRITE, "purged object", &tx, err) < 0 ||
            meta_doomed_remove(tx, p->keys[i], err) < 0 || db_commit(&tx, err) < 0)
            return -1;
    }
    p->n_keys = 0;
    return failpoint(FP_PURGE_DONE, err);
}

/* -- repositories ------------------------------------------------------------------------------------- */

static int by_digest(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* In digest order, as everybody locks blobs. */
static int drop_blobs(struct purging *p, const struct meta_purge_place *place, struct str *blobs,
                      size_t n, struct err *err)
{
    if (n > 0)
        qsort(blobs, n, sizeof(*blobs), by_digest);
    for (size_t i = 0; i < n; i++) {
        if ((i == 0 || !str_eq(blobs[i], blobs[i - 1])) && drop_blob(p, place, blobs[i], err) < 0)
            return -1;
    }
    return 0;
}

static int drop_in_place(struct purging *p, const struct meta_purge_place *place, struct err *err)
{
    struct meta_purge_copy *copies;
    struct str             *blobs = NULL;
    size_t                  n, n_blobs = 0;

    if (meta_purge_copies(p->tx, p->arena, p->purge->digest, place->repo_id, WORK_PURGE_COPIES + 1,
                          &copies, &n, err) < 0)
        return -1;
    if (n > WORK_PURGE_COPIES)
        return too_many(p, "manifests of a repository", WORK_PURGE_COPIES, err);
    if (meta_rules_share(p->tx, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (drop_manifest(p, place, &copies[i], &blobs, &n_blobs, err) < 0)
            return -1;
    }
    if (place->is_linked != 0) {
        blobs            = grown(p->arena, blobs, n_blobs, sizeof(*blobs));
        blobs[n_blobs++] = p->purge->digest;
        if (check_held(p, place, STR_NULL, p->purge->digest, err) < 0)
            return -1;
        if (n == 0)
            add_link(p, place->path);
        if (record(p, place, "BLOB_DELETE", "blob", p->purge->digest, p->purge->digest, err) < 0)
            return -1;
    }
    return drop_blobs(p, place, blobs, n_blobs, err);
}

static int drop_and_commit(struct purging *p, const struct meta_purge_place *place, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (quota_begin(p->work, place->path, &p->use, err) < 0 ||
        db_begin(p->work->db, DB_WRITE, "purge", &tx, err) < 0)
        return -1;
    p->tx = tx;
    if (drop_in_place(p, place, err) < 0 || quota_settle(&p->use, tx, err) < 0 ||
        failpoint(FP_PURGE_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_PURGED, err);
}

/* A push locks blobs before manifests, this the other way round: of the two one begins again, and what is told of the
 * other repositories stays told. */
static int purge_place(struct purging *p, const struct meta_purge_place *place, struct err *err)
{
    struct purging before  = *p;
    int            n_tries = 0, done;

    if (p->is_trial)
        return drop_in_place(p, place, err);
    do {
        *p   = before;
        done = drop_and_commit(p, place, err);
        quota_end(&p->use);
    } while (done < 0 && db_again(err, &n_tries));
    return done < 0 ? -1 : remove_objects(p, err);
}

static int list_places(struct purging *p, struct meta_purge_place **out, size_t *n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(p->work->db, DB_READ, "find what to purge", &tx, err) < 0 ||
        meta_purge_places(tx, p->arena, p->purge->digest, p->prefix, 0, WORK_PURGE_REPOS + 1, out,
                          n, err) < 0)
        return -1;
    if (*n > WORK_PURGE_REPOS)
        return too_many(p, "repositories", WORK_PURGE_REPOS, err);
    return 0;
}

/* What waits for its removal is nobody's any more: it goes with a purge of the whole registry. */
static int purge_doomed(struct purging *p, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    size_t                       before = p->n_keys;

    if (p->prefix.n > 0)
        return 0;
    if (p->is_trial)
        return add_doomed(p, p->purge->digest, err);
    if (db_begin(p->work->db, DB_READ, "find what waits", &tx, err) < 0)
        return -1;
    p->tx = tx;
    if (add_doomed(p, p->purge->digest, err) < 0)
        return -1;
    db_abort(&tx);
    return p->n_keys > before ? remove_objects(p, err) : 0;
}

static int purge_places(struct purging *p, const struct meta_purge_place *places, size_t n,
                        struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (purge_place(p, &places[i], err) < 0)
            return -1;
    }
    return purge_doomed(p, err);
}

/* All of it in one transaction that is taken back: what is told is what a purge does, and a hold on any part of it refuses
 * the whole before anything is gone. */
static int try_places(struct purging *p, const struct meta_purge_place *places, size_t n,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx    = NULL;
    struct purging               trial = *p;

    if (db_begin(p->work->db, DB_WRITE, "try a purge", &tx, err) < 0)
        return -1;
    trial.tx       = tx;
    trial.is_trial = true;
    if (purge_places(&trial, places, n, err) < 0)
        return -1;
    if (n == 0 && trial.n_keys == 0)
        return err_set_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", p->purge->digest,
                            "there is nothing of this digest");
    if (p->purge->is_dry)
        p->told = trial.told;
    return 0;
}

int work_purge(struct work *work, struct arena *arena, const struct meta_actor *actor,
               const struct auth_repo *place, const struct work_purge *purge,
               struct work_purged *out, struct err *err)
{
    struct purging p = {
        .work = work, .arena = arena, .actor = actor, .purge = purge, .prefix = place->path
    };
    struct meta_purge_place *places;
    size_t                   n;

    if (purge->reason.n == 0)
        return work_bad_field("reason", "must be given", err);
    if (work_text_check("reason", purge->reason, WORK_PURGE_REASON_MAX, err) < 0 ||
        work_may_write(work, err) < 0 || list_places(&p, &places, &n, err) < 0 ||
        try_places(&p, places, n, err) < 0)
        return -1;
    if (!purge->is_dry && purge_places(&p, places, n, err) < 0)
        return err_wrap(err, "purging, which is done in part");
    *out = p.told;
    return 0;
}
