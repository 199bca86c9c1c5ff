/* work/preference.c: what accounts choose for themselves. */
#include "work/preference.h"

#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "io/random.h"
#include "meta/account.h"
#include "work/access_private.h"
#include "work/work_private.h"

/* Whose choice it is. */
struct kind {
    const char *kind;
    const char *code; /* for others */
    const char *choice;
};

static const struct kind users = { "user", "NO_SUCH_USER", "contentCacheUUID" };
static const struct kind orgs  = { "organization", "NO_SUCH_ACCOUNT", "createRepositoryOnPush" };

static int get(struct db_tx *tx, struct arena *arena, const struct auth_account *account,
               const struct kind *kind, struct meta_account *out, struct err *err)
{
    if (!str_is(account->kind, kind->kind))
        return err_set_code(err, ERR_NOT_FOUND, kind->code, account->name, STR_FMT " is no %s",
                            STR_ARGS(account->name), kind->kind);
    return work_find_account(tx, arena, account->id, out, err);
}

static int show(struct work *work, struct arena *arena, const struct auth_account *account,
                const struct kind *kind, struct meta_account *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "show preference", &tx, err) < 0)
        return -1;
    return get(tx, arena, account, kind, out, err);
}

/* Locked until the end of the transaction, for other verbs change other members of the row. */
static int lock(struct db_tx *tx, struct arena *arena, const struct auth_account *account,
                const struct kind *kind, struct meta_account *out, struct err *err)
{
    if (meta_account_lock(tx, account->id, err) < 0)
        return -1;
    return get(tx, arena, account, kind, out, err);
}

static struct str print(struct arena *arena, const struct kind *kind,
                        const struct meta_account *account)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, 1024);
    json_write_init(&w, &text);
    json_write_object(&w);
    if (kind == &users)
        json_write_str_at(&w, kind->choice, account->content_cache);
    else
        json_write_bool_at(&w, kind->choice, account->create_on_push != 0);
    json_write_end(&w);
    return buf_view(&text);
}

static int change(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                  const struct kind *kind, const struct meta_account *old,
                  const struct meta_account *new, struct err         *err)
{
    struct meta_event event = {
        .type        = "ACCOUNT_CHANGED",
        .path        = new->name,
        .object_kind = "account",
        .object_name = new->name,
        .before      = print(arena, kind, old),
        .after       = print(arena, kind, new),
    };

    if (str_eq(event.before, event.after))
        return 0;
    if (meta_account_update(tx, new, err) < 0)
        return -1;
    return meta_event_add(tx, actor, &event, err);
}

int work_content_cache_get(struct work *work, struct arena *arena,
                           const struct auth_account *account, struct str *out, struct err *err)
{
    struct meta_account row;

    if (show(work, arena, account, &users, &row, err) < 0)
        return -1;
    *out = row.content_cache.p == NULL ? STR("") : row.content_cache;
    return 0;
}

static int check_uuid(struct str text, struct err *err)
{
    bool is_good = text.n == 0 || text.n == RANDOM_UUID_MAX - 1;

    for (size_t i = 0; is_good && i < text.n; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c       = text.p[i];

        is_good = is_dash
                      ? c == '-'
                      : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    }
    if (!is_good)
        return err_set_code(err, ERR_INVALID, "INVALID_USER_SETTINGS", STR("contentCacheUUID"),
                            "contentCacheUUID: is a UUID, or empty for none");
    return 0;
}

int work_content_cache_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                           const struct auth_account *account, struct str cache, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          old, new;

    if (work_may_write(work, err) < 0 || check_uuid(cache, err) < 0 ||
        db_begin(work->db, DB_WRITE, "choose content cache", &tx, err) < 0 ||
        lock(tx, arena, account, &users, &old, err) < 0)
        return -1;
    new               = old;
    new.content_cache = cache.n == 0 ? STR_NULL : cache;
    if (change(tx, arena, actor, &users, &old, &new, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_create_on_push_get(struct work *work, struct arena *arena,
                            const struct auth_account *account, bool *out, struct err *err)
{
    struct meta_account row;

    if (show(work, arena, account, &orgs, &row, err) < 0)
        return -1;
    *out = row.create_on_push != 0;
    return 0;
}

int work_create_on_push_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                            const struct auth_account *account, bool is_on, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account          old, new;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "switch create on push", &tx, err) < 0 ||
        lock(tx, arena, account, &orgs, &old, err) < 0)
        return -1;
    new                = old;
    new.create_on_push = is_on;
    if (change(tx, arena, actor, &orgs, &old, &new, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}
