/* work/hook_facts.c: what there is to tell of an event: who did it, to which repository, and what its manifest says. It
 * is read when the call is made, from rows that outlive what they describe. */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "meta/account.h"
#include "meta/repo.h"
#include "oci/manifest.h"
#include "oci/name.h"
#include "work/hook_private.h"
#include "work/repository.h"

enum { REPO_JSON_MAX = 64 * 1024 };

static struct str print_repo(struct work *work, struct arena *arena, const struct work_repo *repo)
{
    const struct json_table *table = work->hooks->settings.repo_table;
    struct buf               text;
    struct json_write        w;

    if (table == NULL)
        return STR_NULL;
    buf_init(&text, arena, REPO_JSON_MAX);
    json_write_init(&w, &text);
    json_write_table(&w, table, repo);
    return buf_view(&text);
}

static int read_repo(struct work *work, struct db_tx *tx, struct arena *arena, int64_t repo_id,
                     struct hook_facts *facts, struct err *err)
{
    struct meta_repo row;
    struct work_repo repo;
    int              found = meta_repo_find_ever(tx, arena, repo_id, &row, err);

    if (found < 1)
        return found;
    facts->repo_created_at = row.created_at;
    facts->is_public       = row.is_public != 0;
    if (facts->type->about != HOOK_ABOUT_REPO)
        return 0;
    if (work_repo_recall(tx, arena, &row, &repo, err) < 0)
        return -1;
    facts->repo_json = print_repo(work, arena, &repo);
    return 0;
}

/* The references of a manifest are told in one shape, and cost its bytes. */
static int read_references(struct db_tx *tx, struct arena *arena, const struct meta_hook_call *call,
                           struct hook_facts *facts, struct err *err)
{
    struct oci_manifest *manifest = mem_one(arena, struct oci_manifest);
    struct str           bytes;
    struct err           ignored; /* one that does not read has no references to tell of */
    int found = meta_hook_manifest_bytes(tx, arena, call->repo_id, call->digest, &bytes, err);

    if (found < 1)
        return found;
    if (oci_manifest_parse(arena, bytes, facts->media_type, manifest, &ignored) == 0)
        facts->manifest = manifest;
    return 0;
}

static int read_manifest(struct db_tx *tx, struct arena *arena, enum hook_shape shape,
                         const struct meta_hook_call *call, struct hook_facts *facts,
                         struct err *err)
{
    struct meta_hook_manifest row;
    int found = meta_hook_manifest(tx, arena, call->repo_id, call->digest, &row, err);

    if (found < 1)
        return found;
    facts->media_type   = row.media_type;
    facts->size         = row.size;
    facts->os           = row.os;
    facts->architecture = row.architecture;
    return shape == HOOK_DISTRIBUTION ? read_references(tx, arena, call, facts, err) : 0;
}

static int read_actor(struct db_tx *tx, struct arena *arena, const struct meta_hook_call *call,
                      struct str *out, struct err *err)
{
    *out = STR_NULL;
    if (call->actor_id != 0 && meta_account_name(tx, arena, call->actor_id, out, err) < 0)
        return -1;
    if (out->p == NULL)
        *out = call->actor_kind;
    return 0;
}

static struct str message_id(struct arena *arena, const struct meta_webhook *hook, int64_t event_id)
{
    return str_from(
        mem_printf(arena, "msg_" STR_FMT "_%lld", STR_ARGS(hook->uuid), (long long)event_id));
}

int hook_facts_read(struct work *work, struct db_tx *tx, struct arena *arena, enum hook_shape shape,
                    const struct meta_webhook *hook, const struct meta_hook_call *call,
                    struct hook_facts *out, struct err *err)
{
    const struct work_hook_settings *settings = &work->hooks->settings;
    struct hook_facts                facts    = {
                          .type       = hook_type_of_event(call->type),
                          .event      = call->type,
                          .id         = message_id(arena, hook, call->event_id),
                          .hook       = hook->uuid,
                          .at         = call->at,
                          .origin     = settings->origin,
                          .node       = settings->node,
                          .namespace  = oci_name_namespace(call->path),
                          .digest     = call->digest,
                          .request_id = call->request_id,
                          .size       = -1,
    };
    enum hook_about about = facts.type->about;
    int             done  = 0;

    if (call->path.n > facts.namespace.n)
        facts.repository = str_from_index(call->path, facts.namespace.n + 1);
    if (about == HOOK_ABOUT_TAG || about == HOOK_ABOUT_SCAN || about == HOOK_ABOUT_FAILED_SCAN)
        facts.tag = call->object_name;
    if (about == HOOK_ABOUT_BLOB)
        facts.from = call->target;
    if (read_actor(tx, arena, call, &facts.actor, err) < 0 ||
        read_repo(work, tx, arena, call->repo_id, &facts, err) < 0)
        return -1;
    if (about == HOOK_ABOUT_BLOB)
        done = meta_hook_blob_size(tx, call->digest, &facts.size, err);
    else if (call->digest.p != NULL)
        done = read_manifest(tx, arena, shape, call, &facts, err);
    if (done < 0)
        return -1;
    *out = facts;
    return 0;
}

struct hook_facts hook_facts_sample(struct work *work, struct arena *arena,
                                    const struct hook_type *type)
{
    const struct work_hook_settings *settings = &work->hooks->settings;
    struct hook_facts                facts    = hook_sample(type, settings->origin, settings->node);
    struct work_repo                 repo     = {
                            .path              = STR("foo/bar"),
                            .id                = facts.hook,
                            .namespace         = STR("foo"),
                            .namespace_type    = STR("organization"),
                            .name              = STR("bar"),
                            .visibility        = STR("public"),
                            .short_description = STR(""),
    };

    if (type->about == HOOK_ABOUT_REPO)
        facts.repo_json = print_repo(work, arena, &repo);
    return facts;
}
