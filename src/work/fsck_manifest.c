/* work/fsck_manifest.c: manifests against their bytes. The bytes are the truth when they hash to the digest;
 * everything else in the rows follows from them, and is made anew from them when that was asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "meta/blob.h"
#include "meta/check.h"
#include "meta/damage.h"
#include "meta/manifest.h"
#include "oci/manifest.h"
#include "work/damage.h"
#include "work/fsck_private.h"

/* Of up to 4 MiB each. */
enum { PAGE = 8, NAMED_MAX = OCI_LAYERS_MAX + OCI_CHILDREN_MAX + 2 };

/* Digests in their order, each once. */
struct names {
    struct str *list;
    size_t      n;
};

struct checking {
    struct fsck_run                  *run;
    struct arena                     *arena;
    const struct meta_check_manifest *row;
    struct oci_manifest               manifest;
    struct oci_digest                 digest;
    struct names                      blobs; /* as the bytes say */
    struct names                      children;
    bool                              lacks_children; /* their rows are wrong, and stay so */
};

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void settle_names(struct names *names)
{
    size_t n = 0;

    qsort(names->list, names->n, sizeof(*names->list), by_bytes);
    for (size_t i = 0; i < names->n; i++) {
        if (n == 0 || !str_eq(names->list[n - 1], names->list[i]))
            names->list[n++] = names->list[i];
    }
    names->n = n;
}

static void gather(struct checking *c)
{
    const struct oci_manifest *m = &c->manifest;

    c->blobs.list    = mem_many(c->arena, m->n_layers + 1, struct str);
    c->children.list = mem_many(c->arena, m->n_children + 1, struct str);
    if (!oci_manifest_is_index(m))
        c->blobs.list[c->blobs.n++] = oci_digest_str(&m->config.digest);
    for (size_t i = 0; i < m->n_layers; i++) {
        if (!m->layers[i].is_elsewhere)
            c->blobs.list[c->blobs.n++] = oci_digest_str(&m->layers[i].digest);
    }
    for (size_t i = 0; i < m->n_children; i++)
        c->children.list[c->children.n++] = oci_digest_str(&m->children[i].digest);
    settle_names(&c->blobs);
    settle_names(&c->children);
}

static bool has(const struct names *names, struct str name)
{
    return names->n > 0 &&
           bsearch(&name, names->list, names->n, sizeof(*names->list), by_bytes) != NULL;
}

static size_t count_missing(const struct names *wanted, const struct names *found)
{
    size_t n = 0;

    for (size_t i = 0; i < wanted->n; i++)
        n += !has(found, wanted->list[i]);
    return n;
}

static struct fsck_tale tale_of(const struct checking *c, const char *kind, bool is_repaired)
{
    return (struct fsck_tale){ .kind        = kind,
                               .object      = c->row->digest,
                               .is_repaired = is_repaired,
                               .repo_id     = c->row->repo_id,
                               .images_of   = c->row->digest };
}

/* -- references --------------------------------------------------------------------------------------- */

/* What is named and has no row cannot be referred to; that is told by itself. */
static int add_blobs(struct checking *c, struct db_tx *tx, const struct names *found,
                     struct err *err)
{
    for (size_t i = 0; i < c->blobs.n; i++) {
        struct meta_blob ignored_row; /* only whether it is there */
        int              is_there;

        if (has(found, c->blobs.list[i]))
            continue;
        is_there = meta_blob_lock(tx, c->arena, c->blobs.list[i], &ignored_row, err);
        if (is_there < 0 ||
            (is_there == 1 && meta_manifest_add_blob(tx, c->row->repo_id, c->row->digest,
                                                     c->blobs.list[i], err) < 0))
            return -1;
    }
    for (size_t i = 0; i < found->n; i++) {
        if (!has(&c->blobs, found->list[i]) &&
            meta_check_drop_blob(tx, c->row->repo_id, c->row->digest, found->list[i], err) < 0)
            return -1;
    }
    return 0;
}

static int add_children(struct checking *c, struct db_tx *tx, const struct names *found,
                        struct err *err)
{
    for (size_t i = 0; i < c->children.n; i++) {
        int64_t ignored_depth; /* only whether it is there */
        int     is_there;

        if (has(found, c->children.list[i]))
            continue;
        is_there =
            meta_manifest_lock(tx, c->row->repo_id, c->children.list[i], &ignored_depth, err);
        if (is_there < 0 ||
            (is_there == 1 && meta_manifest_add_child(tx, c->row->repo_id, c->row->digest,
                                                      c->children.list[i], err) < 0))
            return -1;
    }
    for (size_t i = 0; i < found->n; i++) {
        if (!has(&c->children, found->list[i]) &&
            meta_check_drop_child(tx, c->row->repo_id, c->row->digest, found->list[i], err) < 0)
            return -1;
    }
    return 0;
}

static int list_named(struct checking *c, bool is_blobs, struct names *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(c->run->work->db, DB_READ, "check references", &tx, err) < 0)
        return -1;
    return (is_blobs ? meta_check_named_blobs
                     : meta_check_named_children)(tx, c->arena, c->row->repo_id, c->row->digest,
                                                  NAMED_MAX, &out->list, &out->n, err);
}

static int repair_named(struct checking *c, bool is_blobs, const struct names *found,
                        const struct fsck_tale *tale, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(c->run->work->db, DB_WRITE, "repair references", &tx, err) < 0 ||
        (is_blobs ? add_blobs : add_children)(c, tx, found, err) < 0 ||
        fsck_record(tx, tale, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

/* Compared again after a repair: what the bytes name and nobody has stays wrong. */
static int check_named(struct checking *c, bool is_blobs, struct err *err)
{
    const struct names *wanted = is_blobs ? &c->blobs : &c->children;
    struct fsck_tale    tale = tale_of(c, is_blobs ? "manifest-blobs" : "manifest-children", false);
    struct names        found, now;

    if (list_named(c, is_blobs, &found, err) < 0)
        return -1;
    size_t n_missing = count_missing(wanted, &found);
    size_t n_extra   = count_missing(&found, wanted);
    if (n_missing + n_extra == 0)
        return 0;

    if (c->run->want->repairs) {
        if (repair_named(c, is_blobs, &found, &tale, err) < 0 ||
            list_named(c, is_blobs, &now, err) < 0)
            return -1;
        tale.is_repaired = count_missing(wanted, &now) + count_missing(&now, wanted) == 0;
    }
    c->lacks_children |= !is_blobs && !tale.is_repaired;
    return fsck_tell(
        c->run, &tale, err,
        "its rows lack %zu of the %s that its bytes name, and have %zu that they do not", n_missing,
        is_blobs ? "blobs" : "manifests", n_extra);
}

/* -- what the bytes name ------------------------------------------------------------------------------ */

static int check_one_there(struct checking *c, struct str digest, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct fsck_tale             tale = tale_of(c, "manifest-blob-unknown", false);
    struct meta_blob             ignored_row; /* only whether it is there */

    if (db_begin(c->run->work->db, DB_READ, "check named blob", &tx, err) < 0)
        return -1;
    int found = meta_blob_find(tx, c->arena, digest, &ignored_row, err);
    if (found != 0)
        return found < 0 ? -1 : 0;
    db_abort(&tx);
    return fsck_tell(c->run, &tale, err,
                     "it names the blob " STR_FMT ", which has no row; push the image again",
                     STR_ARGS(digest));
}

static int check_blobs_there(struct checking *c, struct err *err)
{
    for (size_t i = 0; i < c->blobs.n; i++) {
        if (check_one_there(c, c->blobs.list[i], err) < 0)
            return -1;
    }
    return 0;
}

/* -- columns ------------------------------------------------------------------------------------------ */

static bool same(struct str a, struct str b)
{
    return (a.p == NULL) == (b.p == NULL) && str_eq(a, b);
}

static int derive(struct checking *c, struct meta_check_manifest *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    const struct oci_manifest   *m  = &c->manifest;

    *out = (struct meta_check_manifest){
        .repo_id       = c->row->repo_id,
        .digest        = c->row->digest,
        .artifact_type = m->artifact_type.p == NULL ? STR("") : m->artifact_type,
        .config_type   = oci_manifest_is_index(m) ? STR("") : m->config.media_type,
        .total_size    = m->total_size + (int64_t)c->row->bytes.n,
    };
    if (m->has_subject) {
        out->subject  = oci_digest_str(&m->subject.digest);
        out->referrer = oci_manifest_referrer(c->arena, m, &c->digest, c->row->bytes.n);
    }
    if (c->lacks_children) {
        out->depth = c->row->depth;
        return 0;
    }
    if (db_begin(c->run->work->db, DB_READ, "check depth", &tx, err) < 0)
        return -1;
    return meta_check_depth(tx, c->row->repo_id, c->row->digest, &out->depth, err);
}

static int write_derived(struct checking *c, const struct meta_check_manifest *derived,
                         const struct fsck_tale *tale, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(c->run->work->db, DB_WRITE, "repair manifest", &tx, err) < 0 ||
        meta_check_set_derived(tx, derived, err) < 0 || fsck_record(tx, tale, err) < 0)
        return -1;
    return db_commit(&tx, err);
}

static int check_columns(struct checking *c, struct err *err)
{
    const struct meta_check_manifest *row  = c->row;
    struct fsck_tale                  tale = tale_of(c, "manifest-columns", c->run->want->repairs);
    struct meta_check_manifest        derived;

    if (derive(c, &derived, err) < 0)
        return -1;

    const struct {
        const char *name;
        bool        is_same;
    } columns[] = {
        { "depth", row->depth == derived.depth },
        { "artifact_type", same(row->artifact_type, derived.artifact_type) },
        { "config_type", same(row->config_type, derived.config_type) },
        { "total_size", row->total_size == derived.total_size },
        { "subject", same(row->subject, derived.subject) },
        { "referrer", same(row->referrer, derived.referrer) },
    };
    struct buf wrong;

    buf_init(&wrong, c->arena, 256);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        if (!columns[i].is_same)
            buf_printf(&wrong, "%s%s", wrong.n == 0 ? "" : ", ", columns[i].name);
    }
    if (wrong.n == 0)
        return 0;
    if (c->run->want->repairs && write_derived(c, &derived, &tale, err) < 0)
        return -1;
    return fsck_tell(c->run, &tale, err, "its row says something else than its bytes of: " STR_FMT,
                     STR_ARGS(buf_view(&wrong)));
}

/* -- the bytes ---------------------------------------------------------------------------------------- */

static int tell_damaged(struct checking *c, struct err *err)
{
    struct fsck_tale tale = tale_of(c, "manifest-digest", false);

    if (work_damage_record_manifest(c->run->work, c->row->repo_id, c->row->digest, "fsck", err) < 0)
        return -1;
    return fsck_tell(c->run, &tale, err,
                     "its bytes do not hash to its digest; push the image again");
}

static int check_manifest(struct fsck_run *run, const struct meta_check_manifest *row,
                          struct err *err)
{
    AUTO(arena_free) struct arena *arena    = arena_new();
    struct checking                c        = { .run = run, .arena = arena, .row = row };
    struct meta_manifest           manifest = { row->digest, row->media_type, row->bytes };
    struct fsck_tale               tale     = tale_of(&c, "manifest-form", false);
    struct err                     reason;

    if (!work_manifest_is_whole(&manifest))
        return tell_damaged(&c, err);
    if (work_damage_clear(run->work, meta_damage_manifest_key(arena, row->repo_id, row->digest),
                          row->digest, err) < 0 ||
        oci_digest_parse(row->digest, &c.digest, err) < 0)
        return -1;
    if (oci_manifest_parse(arena, row->bytes, row->media_type, &c.manifest, &reason) < 0)
        return fsck_tell(run, &tale, err, "its row and its bytes make no manifest: %s",
                         reason.text);
    gather(&c);
    if (check_blobs_there(&c, err) < 0 || check_named(&c, true, err) < 0 ||
        check_named(&c, false, err) < 0)
        return -1;
    return check_columns(&c, err);
}

static int list_manifests(struct fsck_run *run, struct arena *arena, int64_t repo, struct str after,
                          struct meta_check_manifest **out, size_t *n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(run->work->db, DB_READ, "check manifests", &tx, err) < 0)
        return -1;
    return meta_check_manifests(tx, arena, repo, after, PAGE, out, n, err);
}

int fsck_manifests(struct fsck_run *run, struct err *err)
{
    char    after[OCI_DIGEST_MAX] = "";
    int64_t repo                  = 0;
    size_t  n;

    do {
        AUTO(arena_free) struct arena *arena = arena_new();
        struct meta_check_manifest    *list;

        if (list_manifests(run, arena, repo, str_from(after), &list, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            run->counts.n_manifests++;
            if (fsck_progress(run, "manifests", run->counts.n_manifests, err) < 0 ||
                check_manifest(run, &list[i], err) < 0)
                return -1;
        }
        if (n > 0) {
            repo = list[n - 1].repo_id;
            snprintf(after, sizeof(after), STR_FMT, STR_ARGS(list[n - 1].digest));
        }
    } while (n == PAGE);
    return 0;
}
