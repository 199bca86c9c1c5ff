/* work/size.c: sizes. */
#include "work/size.h"

#include "base/err.h"
#include "base/mem.h"
#include "meta/size.h"
#include "work/repository.h"
#include "work/work_private.h"

static int sum(struct work *work, struct meta_size_of *of, struct str about, struct work_size *out,
               struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    const struct work_policy    *policy = work_policy(work);
    struct meta_size             size;
    int64_t                      n_rows;

    of->undelete_window = policy->undelete_window;
    of->gc_delay        = policy->gc_delay;
    of->keep_untagged   = policy->keep_untagged;
    if (db_begin(work->db, DB_READ, "sum sizes", &tx, err) < 0 ||
        meta_size_rows(tx, of, WORK_SIZE_ROWS, &n_rows, err) < 0)
        return -1;
    if (n_rows >= WORK_SIZE_ROWS)
        return err_set_code(err, ERR_TOO_LARGE, "TOO_MUCH_TO_COUNT", about,
                            "there are more than %d manifests and blobs: ask for a part of it",
                            WORK_SIZE_ROWS);
    if (meta_size_sum(tx, of, &size, err) < 0)
        return -1;
    *out = (struct work_size){
        .size           = size.blobs + size.manifests,
        .own            = size.own_blobs + size.manifests,
        .shared         = size.blobs - size.own_blobs,
        .now            = size.own_blobs_now + size.manifests - size.manifests_waiting,
        .later          = size.own_blobs_later + size.manifests_waiting - size.manifests_staying,
        .n_repositories = size.n_repos,
        .n_tags         = size.n_tags,
        .n_manifests    = size.n_manifests,
        .n_blobs        = size.n_blobs,
    };
    return 0;
}

int work_size_of_repo(struct work *work, const struct auth_repo *repo, struct work_size *out,
                      struct err *err)
{
    struct meta_size_of of = { .path = repo->path };

    return sum(work, &of, repo->path, out, err);
}

int work_size_below(struct work *work, struct str prefix, struct work_size *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_size_of            of    = { .path = prefix, .gone_too = 1 };

    of.below = prefix.n == 0 ? (struct meta_range){ .low = STR(""), .high = STR("~") }
                             : work_repo_range(arena, prefix);
    return sum(work, &of, prefix, out, err);
}
