/* meta/event.c: the outbox and the audit log. */
#include "meta/event.h"

#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/activity.h"
#include "meta/statements.h"

enum { ADD, AUDIT };

/* clang-format off */
static const struct db_statement sql[] = {
    [ADD]   = { .name   = "event.add",  .in = "ittitittttttt" "ii", .out = "",
                .sql    = "INSERT INTO events (at, type, actor_kind, actor_id, credential_id, repo_id, path, object_kind,"
                          " object_name, digest, old_digest, target, request_id, class, n)"
                          " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)" },
    [AUDIT] = { .name   = "audit.add",  .in = "ittttitttitttttttttt", .out = "",
                .sql    = "INSERT INTO audit (at, action, outcome, reason, actor_kind, actor_id, actor_name, credential_id,"
                          " address, repo_id, path, object_kind, object_name, digest, old_digest, target, request_id,"
                          " value_before, value_after, namespace)"
                          " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)" },
};

const struct db_column meta_event_fields[] = {
    DB_COL_INT (struct meta_event_row, id),
    DB_COL_INT (struct meta_event_row, at),
    DB_COL_TEXT(struct meta_event_row, type),
    DB_COL_TEXT(struct meta_event_row, actor_kind),
    DB_COL_INT (struct meta_event_row, actor_id),
    DB_COL_TEXT(struct meta_event_row, credential_id),
    DB_COL_INT (struct meta_event_row, repo_id),
    DB_COL_TEXT(struct meta_event_row, path),
    DB_COL_TEXT(struct meta_event_row, object_kind),
    DB_COL_TEXT(struct meta_event_row, object_name),
    DB_COL_TEXT(struct meta_event_row, digest),
    DB_COL_TEXT(struct meta_event_row, old_digest),
    DB_COL_TEXT(struct meta_event_row, target),
    DB_COL_TEXT(struct meta_event_row, request_id),
    DB_COL_INT (struct meta_event_row, n),
};
/* clang-format on */

META_STATEMENTS(event);

/* Names of service accounts hang on their owner's with a plus. */
static struct str namespace_of(const struct meta_event *event)
{
    struct str name = event->path;
    size_t     n    = 0;

    if (name.p == NULL && str_is(str_from(event->object_kind), "account"))
        name = event->object_name;
    while (n < name.n && name.p[n] != '/' && name.p[n] != '+')
        n++;
    return n == 0 ? STR_NULL : str_sub(name, 0, n);
}

static int add_audit(struct db_tx *tx, int64_t now, const struct meta_actor *actor,
                     const struct meta_event *event, const char *outcome, struct str reason,
                     struct err *err)
{
    return db_send(
        tx, &sql[AUDIT],
        DB_ARGS(db_int(now), db_text(str_from(event->type)), db_text(str_from(outcome)),
                db_text(reason), db_text(str_from(actor->kind)), db_int(actor->account_id),
                db_text(actor->name), db_text(actor->credential_id), db_text(actor->address),
                db_int(event->repo_id), db_text(event->path), db_text(str_from(event->object_kind)),
                db_text(event->object_name), db_text(event->digest), db_text(event->old_digest),
                db_text(event->target), db_text(actor->request_id), db_text(event->before),
                db_text(event->after), db_text(namespace_of(event))),
        err);
}

int meta_audit_add(struct db_tx *tx, const struct meta_actor *actor, const struct meta_event *event,
                   const char *outcome, struct str reason, struct err *err)
{
    return add_audit(tx, db_now(tx), actor, event, outcome, reason, err);
}

static int add_event(struct db_tx *tx, int64_t now, const struct meta_actor *actor,
                     const struct meta_event *event, struct err *err)
{
    return db_send(tx, &sql[ADD],
                   DB_ARGS(db_int(now), db_text(str_from(event->type)),
                           db_text(str_from(actor->kind)), db_int(actor->account_id),
                           db_text(actor->credential_id), db_int(event->repo_id),
                           db_text(event->path), db_text(str_from(event->object_kind)),
                           db_text(event->object_name), db_text(event->digest),
                           db_text(event->old_digest), db_text(event->target),
                           db_text(actor->request_id), db_int(meta_activity_of(event)),
                           db_int(event->n > 0 ? event->n : 1)),
                   err);
}

int meta_event_tell(struct db_tx *tx, const struct meta_actor *actor,
                    const struct meta_event *event, struct err *err)
{
    return add_event(tx, db_now(tx), actor, event, err);
}

int meta_event_add(struct db_tx *tx, const struct meta_actor *actor, const struct meta_event *event,
                   struct err *err)
{
    int64_t now = db_now(tx);

    if (add_event(tx, now, actor, event, err) < 0)
        return -1;
    return add_audit(tx, now, actor, event, "done", STR_NULL, err);
}
