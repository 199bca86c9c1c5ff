/* work/tag_limit.c: the limit on tags. */
#include "work/tag_limit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/pattern.h"
#include "meta/repo.h"
#include "meta/tag.h"
#include "meta/tag_rule.h"
#include "work/access_private.h"
#include "work/change.h"
#include "work/repository.h"
#include "work/work_private.h"

enum { LOOKED_AT = 2 * TAG_LIMIT_BATCH, PAGE = 1000, TOLD_MAX = 1024 };

/* A pattern that asks for too much keeps: nothing is lost by that. */
static int is_kept(struct work *work, struct str keep, struct str tag, bool *out, struct err *err)
{
    enum pattern_verdict verdict = PATTERN_NO;

    if (keep.n > 0 &&
        pattern_cache_match(work->patterns, PATTERN_GLOB, keep, tag, &verdict, err) < 0)
        return err_set_corrupt(err, "keep pattern of a tag limit: %s", err->text);
    *out = verdict != PATTERN_NO;
    return 0;
}

/* -- setting it --------------------------------------------------------------------------------------- */

static int mark_all(struct work *work, struct db_tx *tx, int64_t repo_id, struct str keep,
                    struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     after = STR_NULL;
    struct str                    *names;
    size_t                         n;

    do {
        if (meta_tag_page(tx, arena, repo_id, after, PAGE, &names, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            bool kept = false;

            if (is_kept(work, keep, names[i], &kept, err) < 0 ||
                meta_tag_set_kept(tx, repo_id, names[i], kept, err) < 0)
                return -1;
            after = names[i];
        }
    } while (n == PAGE);
    return 0;
}

static struct str print(struct arena *arena, int64_t limit, struct str keep)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_int_at(&w, "tagLimit", limit);
    json_write_str_at(&w, "keep", keep);
    json_write_end(&w);
    return buf_view(&text);
}

static int check(int64_t limit, struct str keep, struct err *err)
{
    AUTO(pattern_free) struct pattern *pattern = NULL;
    struct err                         why;

    if (limit < 0 || limit > WORK_TAG_LIMIT_MAX)
        return work_bad_field("limit", "is 0 for none, and at most 1000000", err);
    if (keep.n > 0 && pattern_new(PATTERN_GLOB, keep, &pattern, &why) < 0)
        return work_bad_field("keep", why.text, err);
    return 0;
}

int work_tag_limit_set(struct work *work, struct arena *arena, const struct meta_actor *actor,
                       const struct auth_repo *repo, int64_t limit, struct str keep,
                       struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_repo             row;

    if (check(limit, keep, err) < 0 || work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "limit tags", &tx, err) < 0)
        return -1;
    int found = meta_repo_lock(tx, arena, repo->id, &row, err);
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", repo->path,
                            "no repository " STR_FMT, STR_ARGS(repo->path));
    if (found < 0 || meta_repo_set_limit(tx, row.id, limit, keep, err) < 0 ||
        (!str_eq(keep, row.tag_limit_keep) && mark_all(work, tx, row.id, keep, err) < 0))
        return -1;

    struct meta_event event = { .type        = "REPO_UPDATED",
                                .repo_id     = row.id,
                                .path        = row.path,
                                .object_kind = "repository",
                                .object_name = row.path,
                                .before      = print(arena, row.tag_limit, row.tag_limit_keep),
                                .after       = print(arena, limit, keep) };
    if (meta_event_add(tx, actor, &event, err) < 0 || failpoint(FP_ACCESS_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

/* -- holding it --------------------------------------------------------------------------------------- */

/* 1 it went, 0 it stays, -1. */
static int drop(const struct tag_limiting *l, const struct meta_repo *repo, struct str name,
                struct err *err)
{
    struct meta_tag  tag;
    struct work_rule ignored_rule; /* it stays, whichever it is */
    int              found = meta_tag_lock(l->tx, l->arena, l->repo_id, name, &tag, err);

    if (found < 1)
        return found;
    struct work_change change = { .kind           = WORK_DELETE,
                                  .repo_id        = l->repo_id,
                                  .path           = repo->path,
                                  .immutable_tags = repo->immutable_tags,
                                  .tag            = name,
                                  .digest         = tag.digest };
    int                may = work_may_change(l->work, l->tx, l->arena, &change, &ignored_rule, err);
    if (may < 1)
        return may;

    int64_t           review_after = db_now(l->tx) + work_policy(l->work)->undelete_window;
    struct meta_event event        = { .type        = "TAG_DELETE",
                                       .object_kind = "tag",
                                       .object_name = name,
                                       .digest      = tag.digest,
                                       .old_digest  = tag.digest,
                                       .target      = STR("tag-limit") };
    if (meta_tag_remove(l->tx, l->repo_id, name, err) < 0 ||
        work_queue_manifest(l->tx, l->arena, l->repo_id, tag.digest, review_after, "tag limit",
                            err) < 0 ||
        work_event(l->tx, l->actor, l->repo, l->repo_id, event, err) < 0)
        return -1;
    return 1;
}

static bool is_pushed(const struct tag_limiting *l, struct str name)
{
    for (size_t i = 0; i < l->n_names; i++) {
        if (str_eq(l->names[i], name))
            return true;
    }
    return false;
}

static int mark_pushed(const struct tag_limiting *l, struct str keep, struct err *err)
{
    for (size_t i = 0; i < l->n_names && keep.n > 0; i++) {
        bool kept = false;

        if (is_kept(l->work, keep, l->names[i], &kept, err) < 0 ||
            (kept && meta_tag_set_kept(l->tx, l->repo_id, l->names[i], 1, err) < 0))
            return -1;
    }
    return 0;
}

int work_tag_limit_hold(const struct tag_limiting *l, int64_t *out_n, struct err *err)
{
    struct meta_repo repo;
    struct str      *oldest;
    size_t           n;
    int64_t          n_beyond;
    int              found = meta_repo_hold(l->tx, l->arena, l->repo_id, &repo, err);

    *out_n = 0;
    if (found < 1 || repo.tag_limit == 0)
        return found < 0 ? -1 : 0;
    if (mark_pushed(l, repo.tag_limit_keep, err) < 0 ||
        meta_tag_count_beyond(l->tx, l->repo_id, repo.tag_limit, TAG_LIMIT_BATCH, &n_beyond, err) <
            0)
        return -1;
    if (n_beyond == 0 || repo.immutable_tags != 0)
        return 0;
    if (meta_tag_oldest(l->tx, l->arena, l->repo_id, LOOKED_AT, &oldest, &n, err) < 0 ||
        meta_rules_share(l->tx, err) < 0)
        return -1;
    for (size_t i = 0; i < n && *out_n < n_beyond; i++) {
        int went = is_pushed(l, oldest[i]) ? 0 : drop(l, &repo, oldest[i], err);

        if (went < 0)
            return -1;
        *out_n += went;
    }
    return 0;
}
