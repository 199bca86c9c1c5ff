/* work/undelete.c: the window's other side. Rows are locked as collection locks them, so that one of the two comes first,
 * and the other sees what it did. */
#include "work/undelete.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/text.h"
#include "meta/blob.h"
#include "meta/repo.h"
#include "meta/tag.h"
#include "oci/manifest.h"
#include "work/quota_private.h"
#include "work/work_private.h"

struct undeleting {
    struct work             *work;
    struct arena            *arena;
    const struct meta_actor *actor;
    const struct auth_repo  *repo;
    struct db_tx            *tx;
    struct quota_use        *use;
};

int64_t work_undelete_until(struct work *work, int64_t deleted_at)
{
    return deleted_at + work_policy(work)->undelete_window;
}

static int collected(struct str what, struct err *err)
{
    return err_set_code(err, ERR_CONFLICT, "ALREADY_COLLECTED", what,
                        STR_FMT " was deleted, and collection has taken it already",
                        STR_ARGS(what));
}

/* Within the window, which is counted from then on? */
static int check_window(struct undeleting *u, struct str what, int64_t deleted_at, struct err *err)
{
    char text[TEXT_TIME_MAX];

    if (work_undelete_until(u->work, deleted_at) > db_now(u->tx))
        return 0;
    text_time_print(deleted_at, text);
    return err_set_code(err, ERR_CONFLICT, "ALREADY_COLLECTED", what,
                        STR_FMT
                        " was deleted at %s, and the time in which it could come back is over",
                        STR_ARGS(what), text);
}

static int tell(struct undeleting *u, const char *type, const char *kind, struct str name,
                struct str digest, int64_t repo_id, struct err *err)
{
    struct meta_event event = {
        .type = type, .object_kind = kind, .object_name = name, .digest = digest
    };

    return work_event(u->tx, u->actor, u->repo, repo_id, event, err);
}

static int finish(struct db_tx **tx, struct err *err)
{
    if (failpoint(FP_ACCESS_WRITTEN, err) < 0 || db_commit(tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

/* -- manifests ---------------------------------------------------------------------------------------- */

/* A blob that was taken out of the repository while the manifest was deleted is in it again with that, and counts. */
static int relink(struct undeleting *u, struct str digest, struct err *err)
{
    int64_t until = db_now(u->tx) + work_policy(u->work)->pin_ttl;
    int64_t bytes;

    if (meta_blob_relink(u->tx, u->arena, u->repo->id, digest, until, &bytes, err) < 0)
        return -1;
    u->use->change.bytes += bytes;
    return 0;
}

/* 1: it was deleted and lives again; 0: it lives; -1. One that is deleted stands at most as deep as indexes nest. */
static int revive(struct undeleting *u, struct str digest, int depth, struct err *err)
{
    struct str *children;
    size_t      n;
    int64_t     deleted_at;
    int         found = meta_undelete_lock_manifest(u->tx, u->repo->id, digest, &deleted_at, err);

    if (found < 0)
        return -1;
    if (found == 0)
        return collected(digest, err);
    if (deleted_at == 0)
        return 0;
    if (depth > OCI_DEPTH_MAX)
        return err_set_corrupt(err, "indexes are nested more than %d deep", OCI_DEPTH_MAX);
    if ((depth == 0 && check_window(u, digest, deleted_at, err) < 0) ||
        meta_undelete_manifest(u->tx, u->repo->id, digest, err) < 0 || relink(u, digest, err) < 0 ||
        tell(u, "MANIFEST_UNDELETE", "manifest", digest, digest, u->repo->id, err) < 0 ||
        meta_undelete_children(u->tx, u->arena, u->repo->id, digest, &children, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (revive(u, children[i], depth + 1, err) < 0)
            return -1;
    }
    return 1;
}

static int hold_repo(struct undeleting *u, struct err *err)
{
    struct meta_repo row;
    int              found = meta_repo_hold(u->tx, u->arena, u->repo->id, &row, err);

    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_REPOSITORY", u->repo->path,
                            "the repository was deleted meanwhile");
    return found < 0 ? -1 : 0;
}

int work_undelete_manifest(struct work *work, struct arena *arena, const struct meta_actor *actor,
                           const struct auth_repo *repo, const struct oci_digest *digest,
                           struct err *err)
{
    AUTO(quota_end) struct quota_use use  = { 0 };
    AUTO(db_abort) struct db_tx     *tx   = NULL;
    struct str                       name = oci_digest_str(digest);
    int64_t                          deleted_at;

    if (work_may_push(work, 0, err) < 0 || quota_begin(work, repo->path, &use, err) < 0 ||
        db_begin(work->db, DB_WRITE, "undelete manifest", &tx, err) < 0)
        return -1;

    struct undeleting u = {
        .work = work, .arena = arena, .actor = actor, .repo = repo, .tx = tx, .use = &use
    };
    int found = hold_repo(&u, err) < 0
                    ? -1
                    : meta_undelete_lock_manifest(tx, repo->id, name, &deleted_at, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_REF", name,
                            "no such manifest, or collection has taken it already");
    if (deleted_at == 0)
        return err_set_code(err, ERR_CONFLICT, "NOT_DELETED", name, "the manifest is there");
    if (revive(&u, name, 0, err) < 0)
        return -1;
    if (quota_settle(&use, tx, err) < 0) {
        db_abort(&tx);
        quota_tell_refused(&use, actor);
        return -1;
    }
    return finish(&tx, err);
}

/* -- tags --------------------------------------------------------------------------------------------- */

static int find_deletion(struct undeleting *u, struct str tag, struct meta_move *out,
                         struct err *err)
{
    struct meta_tag there;
    int             found = meta_tag_lock(u->tx, u->arena, u->repo->id, tag, &there, err);

    if (found == 1)
        return err_set_code(err, ERR_CONFLICT, "TAG_EXISTS", tag,
                            "the tag is there again and names " STR_FMT, STR_ARGS(there.digest));
    if (found == 0)
        found = meta_history_last(u->tx, u->arena, u->repo->id, tag, out, err);
    if (found < 0)
        return -1;
    if (found == 0 || !str_is(out->type, "TAG_DELETE") || out->digest.p == NULL)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_TAG", tag,
                            "no tag of that name was deleted");
    return check_window(u, tag, out->at, err);
}

static int undelete_tag(struct undeleting *u, struct str tag, struct str *out_digest,
                        struct err *err)
{
    struct meta_move move;

    if ((u->repo->verbs & AUTH_TAG_CREATE) == 0)
        return err_set_code(err, ERR_DENIED, "DENIED", tag, "no right to create this tag");
    if (hold_repo(u, err) < 0 || find_deletion(u, tag, &move, err) < 0 ||
        revive(u, move.digest, 0, err) < 0)
        return -1;

    struct meta_tag row = { .name = tag, .digest = move.digest, .moved_by = u->actor->account_id };
    int             added = meta_tag_add(u->tx, u->repo->id, &row, err);
    if (added < 0)
        return -1;
    if (added == 0)
        return err_set_code(err, ERR_CONFLICT, "TAG_EXISTS", tag, "the tag was made meanwhile");
    *out_digest = move.digest;
    return tell(u, "TAG_UNDELETE", "tag", tag, move.digest, u->repo->id, err);
}

int work_undelete_tag(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      const struct auth_repo *repo, struct str tag, struct str *out_digest,
                      struct err *err)
{
    AUTO(quota_end) struct quota_use use = { 0 };
    AUTO(db_abort) struct db_tx     *tx  = NULL;

    if (work_may_push(work, 0, err) < 0 || quota_begin(work, repo->path, &use, err) < 0 ||
        db_begin(work->db, DB_WRITE, "undelete tag", &tx, err) < 0)
        return -1;

    struct undeleting u = {
        .work = work, .arena = arena, .actor = actor, .repo = repo, .tx = tx, .use = &use
    };
    use.change.tags = 1; /* the manifest was counted all the while */
    if (undelete_tag(&u, tag, out_digest, err) < 0)
        return -1;
    if (quota_settle(&use, tx, err) < 0) {
        db_abort(&tx);
        quota_tell_refused(&use, actor);
        return -1;
    }
    return finish(&tx, err);
}

/* -- repositories ------------------------------------------------------------------------------------- */

static int repo_exists(struct str path, struct err *err)
{
    return err_set_code(err, ERR_CONFLICT, "REPOSITORY_EXISTS", path,
                        "there is a repository of that name");
}

static int find_gone(struct undeleting *u, struct meta_deleted_repo *out, struct err *err)
{
    struct meta_repo ignored_row; /* that it is there matters */
    struct str       path  = u->repo->path;
    int              found = meta_repo_find(u->tx, u->arena, path, &ignored_row, err);

    if (found == 1)
        return repo_exists(path, err);
    if (found == 0)
        found = meta_undelete_lock_repo(u->tx, u->arena, path, out, err);
    if (found < 0)
        return -1;
    if (found == 0 || out->namespace_id != u->repo->namespace_id)
        return err_set_code(err, ERR_CONFLICT, "NOT_DELETED", path,
                            "no repository of that name was deleted");
    return out->reaping_at != 0 ? collected(path, err)
                                : check_window(u, path, out->deleted_at, err);
}

static int undelete_repo(struct undeleting *u, struct err *err)
{
    struct meta_deleted_repo gone;
    struct str               path = u->repo->path;

    if (find_gone(u, &gone, err) < 0 || work_namespace_hold(u->tx, u->repo, err) < 0)
        return -1;
    if (meta_undelete_repo(u->tx, gone.id, err) < 0)
        return err->kind == ERR_EXISTS ? repo_exists(path, err) : -1;
    return tell(u, "REPO_UNDELETE", "repository", path, STR_NULL, gone.id, err);
}

int work_undelete_repo(struct work *work, struct arena *arena, const struct meta_actor *actor,
                       const struct auth_repo *repo, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (work_may_push(work, 0, err) < 0 ||
        db_begin(work->db, DB_WRITE, "undelete repository", &tx, err) < 0)
        return -1;

    struct undeleting u = { .work = work, .arena = arena, .actor = actor, .repo = repo, .tx = tx };
    if (undelete_repo(&u, err) < 0)
        return -1;
    return finish(&tx, err);
}

/* -- what there was ----------------------------------------------------------------------------------- */

int work_tag_history(struct work *work, struct arena *arena, const struct auth_repo *repo,
                     struct str tag, int64_t under, size_t n_max, struct meta_move **out,
                     size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "history of tag", &tx, err) < 0 ||
        meta_history_page(tx, arena, repo->id, tag, under, n_max, out, n_out, err) < 0)
        return -1;
    if (*n_out == 0 && under == INT64_MAX)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_TAG", tag,
                            "there never was a tag " STR_FMT, STR_ARGS(tag));
    return 0;
}

int work_deleted_tags(struct work *work, struct arena *arena, const struct auth_repo *repo,
                      int64_t under, size_t n_max, struct meta_move **out, size_t *n_out,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "deleted tags", &tx, err) < 0)
        return -1;
    int64_t after = db_now(tx) - work_policy(work)->undelete_window;
    return meta_history_deleted(tx, arena, repo->id, after, under, n_max, out, n_out, err);
}

int work_deleted_manifests(struct work *work, struct arena *arena, const struct auth_repo *repo,
                           struct str from, size_t n_max, struct meta_move **out, size_t *n_out,
                           struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "deleted manifests", &tx, err) < 0)
        return -1;
    int64_t after = db_now(tx) - work_policy(work)->undelete_window;
    return meta_history_deleted_manifests(tx, arena, repo->id, after, from, n_max, out, n_out, err);
}
