/* meta/event.h: the outbox and the audit log. Each change of state writes one of each in its own
 * transaction, with the same request id, or it did not happen. */
#ifndef META_EVENT_H
#define META_EVENT_H

#include <stdint.h>

#include "base/str.h"
#include "db/db.h"

struct arena;
struct db_tx;
struct err;

/* Who did it, as far as records tell; one for the whole request. */
struct meta_actor {
    const char *kind; /* "user", "anonymous", "system" */
    int64_t     account_id;
    struct str  name;
    struct str  credential_id; /* jti of the token, or the null view */
    struct str  address;       /* network peer */
    struct str  request_id;
};

struct meta_event {
    const char *type; /* "TAG_PUSH", "MANIFEST_PUSH", "TAG_DELETE", "REPO_CREATED" … */
    int64_t     repo_id;
    struct str  path;
    const char *object_kind; /* "tag", "manifest", "blob", "repository", "account", "setting" … */
    struct str  object_name;
    struct str  digest;
    struct str  old_digest;
    struct str  target;
    struct str  before; /* audit only: what a setting or a grant was, and what it is now */
    struct str  after;
    int64_t     n; /* that were folded into this one; 0 is 1 */
};

/* Writes the event and its audit record. */
int meta_event_add(struct db_tx *tx, const struct meta_actor *actor, const struct meta_event *event,
                   struct err *err);

/* Only the event: what happened changed nothing, as a pull does. */
int meta_event_tell(struct db_tx *tx, const struct meta_actor *actor,
                    const struct meta_event *event, struct err *err);

/* Only an audit record: a refused change of state, a failed log-in. outcome: "done", "refused". */
int meta_audit_add(struct db_tx *tx, const struct meta_actor *actor, const struct meta_event *event,
                   const char *outcome, struct str reason, struct err *err);

/* An event as readers of the outbox get it (meta/outbox.h). */
struct meta_event_row {
    int64_t    id;
    int64_t    at;
    struct str type;
    struct str actor_kind;
    int64_t    actor_id;
    struct str credential_id;
    int64_t    repo_id;
    struct str path;
    struct str object_kind;
    struct str object_name;
    struct str digest;
    struct str old_digest;
    struct str target;
    struct str request_id;
    int64_t    n;
};

/* For statements that give such rows, of `events AS e`. */
#define META_EVENT_COLUMNS                                                               \
    "e.id, e.at, e.type, e.actor_kind, e.actor_id, e.credential_id, e.repo_id, e.path, " \
    "e.object_kind, e.object_name, e.digest, e.old_digest, e.target, e.request_id, e.n"
#define META_EVENT_KINDS \
    "iittititttttt"      \
    "ti"
extern const struct db_column meta_event_fields[];

#endif
