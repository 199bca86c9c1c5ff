/* work/hold.c: holds made and lifted. */
#include "work/hold.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "meta/tag.h"
#include "meta/tag_rule.h"
#include "work/access_private.h"
#include "work/work_private.h"

enum { TOLD_MAX = 4096 };

static struct str print(struct arena *arena, const struct meta_hold *hold)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "kind", hold->kind);
    json_write_str_at(&w, "path", hold->path);
    json_write_str_at(&w, "tag", hold->tag);
    json_write_str_at(&w, "digest", hold->digest);
    json_write_int_at(&w, "keepDays", hold->days);
    json_write_int_at(&w, "untilMicroseconds", hold->until);
    json_write_str_at(&w, "owner", hold->owner);
    json_write_str_at(&w, "reason", hold->reason);
    json_write_end(&w);
    return buf_view(&text);
}

static struct meta_event event_of(const char *type, const struct meta_hold *hold)
{
    return (struct meta_event){ .type        = type,
                                .repo_id     = hold->repo_id,
                                .path        = hold->path,
                                .object_kind = "hold",
                                .object_name = hold->uuid,
                                .digest      = hold->digest.n > 0 ? hold->digest : STR_NULL,
                                .target      = hold->tag.n > 0 ? hold->tag : STR_NULL };
}

/* -- making ------------------------------------------------------------------------------------------- */

static int check(const struct meta_hold *hold, struct err *err)
{
    if (hold->reason.n == 0)
        return work_bad_field("reason", "must be given", err);
    if (work_text_check("reason", hold->reason, WORK_HOLD_REASON_MAX, err) < 0)
        return -1;
    if (hold->days < 0 || hold->days > WORK_KEEP_DAYS_MAX)
        return work_bad_field("keepDays", "is 1 to 36500", err);
    if (hold->days > 0 && !str_is(hold->kind, "prefix"))
        return work_bad_field("keepDays", "goes with a prefix", err);
    return 0;
}

static int check_there(struct db_tx *tx, struct arena *arena, const struct meta_hold *hold,
                       struct err *err)
{
    struct meta_tag ignored_row; /* that it is there is enough */
    int             is_there = 1;

    if (str_is(hold->kind, "tag"))
        is_there = meta_tag_find(tx, arena, hold->repo_id, hold->tag, &ignored_row, err);
    else if (str_is(hold->kind, "digest"))
        is_there = meta_hold_knows(tx, hold->repo_id, hold->digest, err);
    if (is_there != 0)
        return is_there < 0 ? -1 : 0;
    struct str about = hold->tag.n > 0 ? hold->tag : hold->digest;
    return err_set_code(err, ERR_NOT_FOUND, "MANIFEST_UNKNOWN", about,
                        STR_FMT " is not there to be held", STR_ARGS(about));
}

static struct meta_hold from_form(const struct meta_actor *actor, const struct auth_repo *place,
                                  const struct meta_hold *form)
{
    struct meta_hold hold = *form;

    hold.kind = form->tag.n > 0 ? STR("tag") : form->digest.n > 0 ? STR("digest") : STR("prefix");
    hold.path = place->path;
    hold.repo_id = str_is(hold.kind, "prefix") ? 0 : place->id;
    hold.tag     = form->tag.n > 0 ? form->tag : STR("");
    hold.digest  = form->digest.n > 0 ? form->digest : STR("");
    hold.owner   = actor->name.p == NULL ? STR("system") : actor->name;
    return hold;
}

int work_hold_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                  const struct auth_repo *place, const struct meta_hold *form,
                  struct meta_hold *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct meta_hold             hold = from_form(actor, place, form);

    if (check(&hold, err) < 0 || work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "add hold", &tx, err) < 0 || meta_rules_lock(tx, err) < 0)
        return -1;
    if (hold.until != 0 && hold.until <= db_now(tx))
        return work_bad_field("until", "is over already", err);
    if (check_there(tx, arena, &hold, err) < 0 ||
        meta_hold_add(tx, arena, &hold, actor->account_id, &hold.uuid, err) < 0)
        return -1;
    hold.created_at         = db_now(tx);
    struct meta_event event = event_of("HOLD_CREATED", &hold);
    event.after             = print(arena, &hold);
    if (meta_event_add(tx, actor, &event, err) < 0 || failpoint(FP_ACCESS_WRITTEN, err) < 0 ||
        db_commit(&tx, err) < 0 || failpoint(FP_ACCESS_CHANGED, err) < 0)
        return -1;
    *out = hold;
    return 0;
}

/* -- finding and lifting ------------------------------------------------------------------------------ */

int work_hold_absent(struct str uuid, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_HOLD", uuid, "no hold " STR_FMT,
                        STR_ARGS(uuid));
}

static int get(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_hold *out,
               struct err *err)
{
    int found = meta_hold_find(tx, arena, uuid, out, err);

    return found == 0 ? work_hold_absent(uuid, err) : found < 0 ? -1 : 0;
}

int work_hold_get(struct work *work, struct arena *arena, struct str uuid, struct meta_hold *out,
                  struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "find hold", &tx, err) < 0)
        return -1;
    return get(tx, arena, uuid, out, err);
}

int work_hold_lift(struct work *work, struct arena *arena, const struct meta_actor *actor,
                   bool is_above, struct str uuid, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_hold             hold;
    int64_t                      n = 0;

    if (work_may_write(work, err) < 0 || db_begin(work->db, DB_WRITE, "lift hold", &tx, err) < 0 ||
        meta_rules_lock(tx, err) < 0 || get(tx, arena, uuid, &hold, err) < 0)
        return -1;
    if (!is_above && !str_eq(hold.owner, actor->name))
        return err_set_code(err, ERR_DENIED, "DENIED", uuid,
                            "the hold is " STR_FMT "'s to lift, or a system admin's",
                            STR_ARGS(hold.owner));

    struct meta_event event = event_of("HOLD_LIFTED", &hold);
    event.before            = print(arena, &hold);
    if (meta_hold_remove(tx, hold.id, &n, err) < 0 || meta_event_add(tx, actor, &event, err) < 0 ||
        failpoint(FP_ACCESS_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

int work_hold_page(struct work *work, struct arena *arena, struct str prefix, int64_t after,
                   size_t n_max, struct meta_hold **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list holds", &tx, err) < 0)
        return -1;
    return meta_hold_page(tx, arena, prefix, after, n_max, out, n_out, err);
}
