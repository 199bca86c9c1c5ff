/* work/fsck_tell.c: what a check says: findings with the images that they hurt, and how far it is. */
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "meta/check.h"
#include "meta/repo.h"
#include "work/fsck_private.h"

struct str fsck_image(struct arena *arena, const struct meta_check_image *image)
{
    bool has_tag = image->tag.p != NULL;

    return str_from(mem_printf(arena, STR_FMT "%s" STR_FMT, STR_ARGS(image->path),
                               has_tag ? ":" : "@",
                               STR_ARGS(has_tag ? image->tag : image->digest)));
}

/* Tags are what people know; digests are named when there is no tag at all. */
static int list_images(struct fsck_run *run, struct arena *arena, const struct fsck_tale *tale,
                       struct work_finding *finding, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_check_image     *list;
    size_t                       n;

    if (db_begin(run->work->db, DB_READ, "find images", &tx, err) < 0 ||
        meta_check_images(tx, arena, tale->repo_id, tale->images_of, 10 * WORK_FINDING_IMAGES,
                          &list, &n, err) < 0)
        return -1;
    finding->images = mem_many(arena, WORK_FINDING_IMAGES, struct str);
    for (int with_tag = 1; with_tag >= 0 && finding->n_images == 0; with_tag--) {
        for (size_t i = 0; i < n; i++) {
            if ((list[i].tag.p != NULL) != (with_tag == 1))
                continue;
            finding->has_more_images = finding->n_images == WORK_FINDING_IMAGES;
            if (!finding->has_more_images)
                finding->images[finding->n_images++] = fsck_image(arena, &list[i]);
        }
    }
    return 0;
}

int fsck_record(struct db_tx *tx, const struct fsck_tale *tale, struct err *err)
{
    static const struct meta_actor checker = { .kind = "system", .name = { .p = "fsck", .n = 4 } };
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct meta_repo               repo    = { 0 };
    int found = tale->repo_id == 0 ? 0 : meta_repo_find_id(tx, arena, tale->repo_id, &repo, err);

    if (found < 0)
        return -1;
    struct meta_event event = { .type        = "REPAIRED",
                                .repo_id     = tale->repo_id,
                                .path        = repo.path,
                                .object_kind = tale->repo_id == 0 ? "object" : "manifest",
                                .object_name = tale->object,
                                .digest      = tale->images_of,
                                .target      = str_from(tale->kind) };
    return meta_event_add(tx, &checker, &event, err);
}

int fsck_tell(struct fsck_run *run, const struct fsck_tale *tale, struct err *err,
              const char *format, ...)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct work_finding            finding = { .kind        = tale->kind,
                                               .object      = tale->object,
                                               .is_repaired = tale->is_repaired };
    va_list                        args;

    va_start(args, format);
    vsnprintf(finding.text, sizeof(finding.text), format, args);
    va_end(args);

    run->counts.n_findings++;
    run->counts.n_repaired += tale->is_repaired;
    if (tale->images_of.p != NULL && list_images(run, arena, tale, &finding, err) < 0)
        return -1;
    return run->want->found(run->want->context, &finding, err);
}

int fsck_progress(struct fsck_run *run, const char *what, int64_t n, struct err *err)
{
    return run->want->progress(run->want->context, what, n, err);
}
