/* work/list.c: every page asks for one row more than it shows, and so knows whether another follows. */
#include "work/list.h"

#include "base/err.h"
#include "base/mem.h"
#include "meta/manifest.h"
#include "meta/repo.h"
#include "meta/tag.h"
#include "work/image_private.h"
#include "work/work_private.h"

static void cut(struct work_names *names, size_t n_max)
{
    names->has_more = names->n > n_max;
    if (names->has_more)
        names->n = n_max;
}

int work_list_tags(struct work *work, struct arena *arena, const struct auth_repo *repo,
                   struct str after, size_t n_max, struct work_names *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct work_names            page = { 0 };

    if (db_begin(work->db, DB_LOOK, "list tags", &tx, err) < 0 ||
        meta_tag_page(tx, arena, repo->id, after, n_max + 1, &page.names, &page.n, err) < 0)
        return -1;
    cut(&page, n_max);
    *out = page;
    return 0;
}

int work_list_repos(struct work *work, struct arena *arena, const struct auth_view *view,
                    struct str after, size_t n_max, struct work_names *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct work_names            page = { 0 };
    struct meta_repo            *repos;

    if (db_begin(work->db, DB_READ, "list repositories", &tx, err) < 0 ||
        meta_repo_page(tx, arena, &view->repos, after, n_max + 1, &repos, &page.n, err) < 0)
        return -1;
    page.names = mem_many(arena, page.n, struct str);
    for (size_t i = 0; i < page.n; i++)
        page.names[i] = repos[i].path;
    cut(&page, n_max);
    *out = page;
    return 0;
}

int work_list_referrers(struct work *work, struct arena *arena, const struct auth_repo *repo,
                        const struct oci_digest *subject, struct str artifact_type,
                        struct str after, size_t n_max, struct work_referrers *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct work_referrers        page = { 0 };
    size_t                       size = 0, n = 0;

    if (db_begin(work->db, DB_LOOK, "list referrers", &tx, err) < 0 ||
        meta_referrer_page(tx, arena, repo->id, oci_digest_str(subject), artifact_type, after,
                           n_max + 1, &page.list, &page.n, err) < 0)
        return -1;

    /* A first descriptor is always shown, however large: a page that shows nothing would never end. */
    while (n < page.n && n < n_max) {
        size += page.list[n].descriptor.n;
        if (n > 0 && size > WORK_REFERRERS_SIZE)
            break;
        n++;
    }
    page.has_more = n < page.n;
    page.n        = n;
    *out          = page;
    return 0;
}

int work_list_tag_rows(struct work *work, struct arena *arena, const struct auth_repo *repo,
                       struct str after, size_t n_max, bool with_lines, struct meta_tag_row **out,
                       size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list tags with manifests", &tx, err) < 0 ||
        meta_tag_page_rows(tx, arena, repo->id, after, n_max, with_lines, out, n_out, err) < 0)
        return -1;
    db_abort(&tx);
    return *n_out == 0 ? 0
                       : work_image_complete(work, arena, repo->id, &(*out)->image, *n_out,
                                             sizeof(struct meta_tag_row), err);
}

int work_count_tags(struct work *work, const struct auth_repo *repo, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count tags", &tx, err) < 0)
        return -1;
    return meta_tag_count(tx, repo->id, out, err);
}

int work_find_tag_rows(struct work *work, struct arena *arena, const struct auth_repo *repo,
                       const struct oci_reference *reference, struct meta_tag_row **out,
                       size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct str digest = reference->is_digest ? oci_digest_str(&reference->digest) : STR_NULL;
    struct str about  = reference->is_digest ? digest : reference->tag;

    if (db_begin(work->db, DB_READ, "find tag", &tx, err) < 0 ||
        meta_tag_rows_of(tx, arena, repo->id, reference->tag, digest, WORK_PAGE_MAX, out, n_out,
                         err) < 0)
        return -1;
    if (*n_out == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_REF", about, "no tag " STR_FMT,
                            STR_ARGS(about));
    return 0;
}
