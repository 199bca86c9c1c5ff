/* work/image.c: images as they are shown. */
#include "work/image.h"

#include "base/err.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "meta/blob.h"
#include "meta/manifest.h"
#include "oci/config.h"
#include "work/image_private.h"
#include "work/work_private.h"

enum { REMEMBERED = 100 }; /* in one transaction */

/* -- looking into one --------------------------------------------------------------------------------- */

static int find_config(struct work *work, struct arena *arena, int64_t repo_id, struct str digest,
                       struct meta_blob *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "find configuration", &tx, err) < 0)
        return -1;
    return meta_blob_find_visible(tx, arena, repo_id, digest, out, err);
}

static int read_config(struct work *work, struct arena *arena, int64_t repo_id,
                       const struct oci_digest *digest, struct str *out, struct err *err)
{
    AUTO(blob_reader_close) struct blob_reader *reader = NULL;
    struct meta_blob                            blob;
    struct oci_digest                           found_digest;
    size_t                                      n = 0, more = 1;

    int found = find_config(work, arena, repo_id, oci_digest_str(digest), &blob, err);
    if (found < 1)
        return found;
    if (blob.size > OCI_CONFIG_MAX || blob_open(work->store, blob.object_key, &reader, err) < 0)
        return -1;

    char *bytes = mem_alloc(arena, (size_t)blob.size + 1);
    while (more > 0 && n < (size_t)blob.size) {
        if (blob_read(reader, (int64_t)n, bytes + n, (size_t)blob.size - n, &more, err) < 0)
            return -1;
        n += more;
    }
    *out = (struct str){ .p = bytes, .n = n };
    oci_digest_of(*out, digest->kind, &found_digest);
    return oci_digest_eq(&found_digest, digest) ? 1 : 0;
}

int work_image_look(struct work *work, struct arena *arena, int64_t repo_id,
                    const struct oci_manifest *manifest, struct meta_image_facts *out)
{
    AUTO(arena_free) struct arena *own = arena_new();
    struct oci_config config = { .os = STR(""), .architecture = STR(""), .os_version = STR("") };
    struct str        bytes  = STR("");
    bool              is_image =
        oci_config_is_image(manifest->config.media_type) && manifest->config.size <= OCI_CONFIG_MAX;
    struct err
        ignored; /* what cannot be read now is looked at when it is shown; what is no configuration says nothing */
    int is_read =
        is_image ? read_config(work, own, repo_id, &manifest->config.digest, &bytes, &ignored) : 1;
    bool has_said =
        is_image && is_read == 1 && oci_config_parse(own, bytes, &config, &ignored) == 0;

    *out = (struct meta_image_facts){
        .config_digest = oci_digest_str(&manifest->config.digest),
        .os            = str_copy(arena, config.os),
        .architecture  = str_copy(arena, config.architecture),
        .os_version    = str_copy(arena, config.os_version),
        .dockerfile = str_copy(arena, oci_config_lines(own, has_said ? &config : NULL, manifest)),
    };
    return is_read == 1;
}

/* -- those that nobody has looked into ---------------------------------------------------------------- */

/* 1: *out is what it says, 0: it cannot be told, -1. */
static int look_again(struct work *work, struct arena *arena, int64_t repo_id, struct str digest,
                      struct meta_image_facts *out, struct err *err)
{
    AUTO(arena_free) struct arena *own = arena_new();
    AUTO(db_abort) struct db_tx   *tx  = NULL;
    struct meta_manifest           row;
    struct oci_manifest            manifest;
    struct err                     ignored; /* damaged bytes say nothing */

    if (db_begin(work->db, DB_LOOK, "find manifest", &tx, err) < 0)
        return -1;
    int found = meta_manifest_find(tx, own, repo_id, digest, &row, err);
    db_abort(&tx);
    if (found < 1)
        return found;
    if (!work_manifest_is_whole(&row) ||
        oci_manifest_parse(own, row.bytes, row.media_type, &manifest, &ignored) < 0 ||
        oci_manifest_is_index(&manifest))
        return 0;

    int known          = work_image_look(work, arena, repo_id, &manifest, out);
    out->config_digest = str_copy(arena, out->config_digest);
    return known;
}

/* Whoever shows them need not know whether that worked: the next one looks again. */
static void remember(struct work *work, int64_t repo_id, struct meta_image *const *images, size_t n)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct err                   ignored;

    if (n == 0 || work_policy(work)->is_read_only ||
        db_begin(work->db, DB_WRITE, "remember images", &tx, &ignored) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        if (meta_image_put(tx, repo_id, images[i]->digest, &images[i]->facts, &ignored) < 0)
            return;
    }
    (void)db_commit(&tx, &ignored);
}

int work_image_complete(struct work *work, struct arena *arena, int64_t repo_id,
                        struct meta_image *first, size_t n, size_t stride, struct err *err)
{
    struct meta_image *known[REMEMBERED];
    size_t             n_known = 0;

    for (size_t i = 0; i < n; i++) {
        struct meta_image *image = (void *)((char *)(void *)first + i * stride);

        if (image->has_facts != 0)
            continue;
        int done = look_again(work, arena, repo_id, image->digest, &image->facts, err);
        if (done < 0)
            return -1;
        if (done == 1)
            known[n_known++] = image;
        if (n_known == REMEMBERED) {
            remember(work, repo_id, known, n_known);
            n_known = 0;
        }
    }
    remember(work, repo_id, known, n_known);
    return 0;
}

/* -- lists -------------------------------------------------------------------------------------------- */

static int page_of(struct work *work, struct arena *arena, int64_t repo_id, struct str after,
                   size_t n_max, bool with_lines, struct meta_image **out, size_t *n_out,
                   struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list manifests", &tx, err) < 0)
        return -1;
    return meta_image_page(tx, arena, repo_id, after, n_max, with_lines, out, n_out, err);
}

int work_image_page(struct work *work, struct arena *arena, const struct auth_repo *repo,
                    struct str after, size_t n_max, bool with_lines, struct meta_image **out,
                    size_t *n_out, struct err *err)
{
    if (page_of(work, arena, repo->id, after, n_max, with_lines, out, n_out, err) < 0)
        return -1;
    return work_image_complete(work, arena, repo->id, *out, *n_out, sizeof(struct meta_image), err);
}

int work_image_count(struct work *work, const struct auth_repo *repo, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count manifests", &tx, err) < 0)
        return -1;
    return meta_image_count(tx, repo->id, out, err);
}

/* -- what an index stands for ------------------------------------------------------------------------- */

struct showing {
    struct work                *work;
    const struct auth_repo     *repo;
    const struct work_platform *wanted;
    int (*each)(void *context, const struct meta_image *image, struct err *err);
    void  *context;
    size_t n_there;
};

static bool is_wanted(struct str wanted, struct str is)
{
    return wanted.n == 0 || str_eq(wanted, is);
}

static struct str first_of(struct str a, struct str b)
{
    return a.n > 0 ? a : b.p == NULL ? STR("") : b;
}

static int find_image(struct showing *s, struct arena *arena, struct str digest,
                      struct meta_image *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(s->work->db, DB_READ, "show manifest", &tx, err) < 0)
        return -1;
    int found = meta_image_find(tx, arena, s->repo->id, digest, 1, out, err);
    db_abort(&tx);
    if (found < 1)
        return found;
    return work_image_complete(s->work, arena, s->repo->id, out, 1, sizeof(*out), err) < 0 ? -1 : 1;
}

static int show_one(struct showing *s, struct str digest, const struct oci_platform *platform,
                    struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_image              image;
    int                            found = find_image(s, arena, digest, &image, err);

    if (found < 1)
        return found;
    s->n_there++;
    if (platform != NULL) {
        image.facts.os           = first_of(image.facts.os, platform->os);
        image.facts.architecture = first_of(image.facts.architecture, platform->architecture);
        image.facts.os_version   = first_of(image.facts.os_version, platform->os_version);
    }
    if (!is_wanted(s->wanted->os, image.facts.os) ||
        !is_wanted(s->wanted->architecture, image.facts.architecture))
        return 0;
    return s->each(s->context, &image, err);
}

/* 1: it is an index, and *out what it says; 0, -1. */
static int read_index(struct showing *s, struct arena *arena, struct str digest,
                      struct oci_manifest *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_manifest         row;
    struct err                   ignored; /* damaged bytes are no index */

    if (db_begin(s->work->db, DB_LOOK, "find index", &tx, err) < 0)
        return -1;
    int found = meta_manifest_find(tx, arena, s->repo->id, digest, &row, err);
    if (found < 1)
        return found;
    return oci_manifest_parse(arena, row.bytes, row.media_type, out, &ignored) == 0 &&
           oci_manifest_is_index(out);
}

int work_image_each(struct work *work, const struct auth_repo *repo, struct str digest,
                    const struct work_platform *wanted,
                    int (*each)(void *context, const struct meta_image *image, struct err *err),
                    void *context, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct showing                 s     = {
                            .work = work, .repo = repo, .wanted = wanted, .each = each, .context = context
    };
    struct oci_manifest index;
    int                 is_index = read_index(&s, arena, digest, &index, err);

    if (is_index < 0)
        return -1;
    for (size_t i = 0; is_index == 1 && i < index.n_children; i++) {
        if (show_one(&s, oci_digest_str(&index.children[i].digest), &index.children[i].platform,
                     err) < 0)
            return -1;
    }
    return s.n_there > 0 ? 0 : show_one(&s, digest, NULL, err);
}
