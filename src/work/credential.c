/* work/credential.c: the verbs about access tokens. */
#include "work/credential.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"
#include "oci/name.h"
#include "work/access_private.h"
#include "work/work_private.h"

enum { NAME = 12, USER_AGENT_MAX = 256 };

#define WEEK_US (7 * INT64_C(86400000000))

struct str work_client_name(struct str user_agent)
{
    struct str cut = str_sub(user_agent, 0, USER_AGENT_MAX);

    return cut.p != NULL && text_is_utf8(cut) ? cut : STR("");
}

/* By the first digits of the hash: enough to tell it from others. */
static int tell(struct db_tx *tx, const struct meta_actor *actor, const char *type, struct str hash,
                struct str before, struct str after, struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .object_kind = "token",
        .object_name = str_sub(hash, 0, NAME),
        .before      = before,
        .after       = after,
    };

    return meta_event_add(tx, actor, &event, err);
}

/* What of a token is access. */
static struct str print_state(struct arena *arena, const struct work_token *token)
{
    struct buf out;

    buf_init(&out, arena, 64 * 1024);
    buf_printf(&out, "{\"account\":%lld,\"isActive\":%s", (long long)token->row.account_id,
               token->row.is_active != 0 ? "true" : "false");
    if (token->row.is_narrowed != 0) {
        buf_text(&out, ",\"scopes\":{");
        for (size_t i = 0; i < token->n_scopes; i++)
            buf_printf(&out, "%s\"" STR_FMT "\":\"" STR_FMT "\"", i > 0 ? "," : "",
                       STR_ARGS(token->scopes[i].path), STR_ARGS(token->scopes[i].verbs));
        buf_char(&out, '}');
    }
    buf_char(&out, '}');
    return buf_view(&out);
}

static int no_such_token(struct str hash, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_API_TOKEN", hash, "no such access token");
}

static int find(struct db_tx *tx, struct arena *arena, int64_t seen_by, struct str hash,
                struct work_token *out, struct err *err)
{
    struct work_token token = { 0 };
    int               found = meta_credential_find(tx, arena, hash, &token.row, err);

    if (found < 0)
        return err->kind == ERR_INVALID ? no_such_token(STR_NULL, err) : -1;
    if (found == 0 || !str_is(token.row.kind, "personal") ||
        (seen_by != 0 && token.row.account_id != seen_by))
        return no_such_token(hash, err);
    if (meta_scope_list(tx, arena, token.row.id, &token.scopes, &token.n_scopes, err) < 0)
        return -1;
    *out = token;
    return 0;
}

/* -- making ------------------------------------------------------------------------------------------- */

int work_credential_add(struct db_tx *tx, struct arena *arena, enum auth_secret_kind kind,
                        struct meta_credential *row, char out_secret[AUTH_SECRET_MAX],
                        struct err *err)
{
    char hash[AUTH_SECRET_HASH_MAX];

    auth_secret_make(kind, out_secret);
    auth_secret_hash(str_from(out_secret), hash);
    row->hash      = str_from(hash);
    row->is_active = 1;
    if (meta_credential_add(tx, row, &row->id, err) < 0)
        return -1;
    return meta_credential_find_id(tx, arena, row->id, row, err) < 0 ? -1 : 0;
}

int work_credential_end(struct work *work, struct db_tx *tx, struct arena *arena,
                        const struct auth_caller *maker, bool is_limited, int64_t asked,
                        int64_t *out, struct err *err)
{
    int64_t                now    = db_now(tx);
    int64_t                most   = is_limited ? auth_credential_life(work->auth) : 0;
    int64_t                latest = most == 0 ? 0 : now + most;
    struct meta_credential parent = { 0 };

    if (asked != 0 && asked <= now)
        return work_bad_field("expiresAt", "is in the past", err);
    if (latest != 0 && asked > latest)
        return work_bad_field("expiresAt", "is later than access tokens may live here", err);
    if (maker->credential != 0 &&
        meta_credential_find_id(tx, arena, maker->credential, &parent, err) < 0)
        return -1;
    if (parent.expires_at != 0 && asked > parent.expires_at)
        return err_set_code(err, ERR_DENIED, "DENIED", STR("expiresAt"),
                            "expiresAt: a secret outlives no token that it is made with");
    if (parent.expires_at != 0 && (latest == 0 || parent.expires_at < latest))
        latest = parent.expires_at;
    *out = asked != 0 ? asked : latest;
    return 0;
}

static int check_scopes(const struct work_token_new *new, struct err *err)
{
    if (new->n_scopes > META_SCOPES_MAX)
        return work_bad_field("scopes", "has too many entries", err);
    for (size_t i = 0; i < new->n_scopes; i++) {
        if (oci_prefix_check(new->scopes[i].path, err) < 0)
            return err_wrap(err, "scopes");
        for (size_t k = 0; k < i; k++) {
            if (str_eq(new->scopes[i].path, new->scopes[k].path))
                return work_bad_field("scopes", "names a path twice", err);
        }
    }
    return 0;
}

static int add_scopes(struct db_tx *tx, struct arena *arena, const struct work_token_new *new,
                      struct work_token *token, struct err *err)
{
    token->scopes   = mem_many(arena, new->n_scopes, struct meta_scope);
    token->n_scopes = new->n_scopes;
    for (size_t i = 0; i < new->n_scopes; i++) {
        token->scopes[i] = (struct meta_scope){
            .path  = new->scopes[i].path,
            .verbs = auth_verbs_print(arena, new->scopes[i].verbs),
        };
        if (meta_scope_add(tx, token->row.id, &token->scopes[i], err) < 0)
            return -1;
    }
    return 0;
}

int work_token_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      const struct auth_caller *maker, const struct auth_account *account,
                      const struct work_token_new *new, char out_secret[AUTH_SECRET_MAX],
                      struct work_token *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx    = NULL;
    struct work_token            token = { .row = {
                                               .account_id   = account->id,
                                               .kind         = STR("personal"),
                                               .label        = new->label,
                                               .is_narrowed  = new->is_narrowed,
                                               .generated_by = STR("manual"),
                                               .creator_ua   = work_client_name(new->user_agent),
                                               .created_by   = actor->account_id,
                                } };
    int64_t                      n;

    if (work_text_check("tokenLabel", new->label, WORK_LABEL_MAX, err) < 0 ||
        check_scopes(new, err) < 0 ||
        db_begin(work->db, DB_WRITE, "make access token", &tx, err) < 0 ||
        meta_credential_count(tx, account->id, &n, err) < 0)
        return -1;
    if (n >= WORK_TOKENS_MAX)
        return err_set_code(err, ERR_CONFLICT, "TOO_MANY_API_TOKENS", account->name,
                            "an account has at most %d access tokens", WORK_TOKENS_MAX);
    if (work_credential_end(work, tx, arena, maker, true, new->expires_at, &token.row.expires_at,
                            err) < 0 ||
        work_credential_add(tx, arena, AUTH_SECRET_PERSONAL, &token.row, out_secret, err) < 0 ||
        add_scopes(tx, arena, new, &token, err) < 0 ||
        tell(tx, actor, "API_TOKEN_CREATED", token.row.hash, STR_NULL, print_state(arena, &token),
             err) < 0 ||
        work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = token;
    return 0;
}

/* -- what there is ------------------------------------------------------------------------------------ */

int work_token_get(struct work *work, struct arena *arena, int64_t seen_by, struct str hash,
                   struct work_token *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "get access token", &tx, err) < 0)
        return -1;
    return find(tx, arena, seen_by, hash, out, err);
}

int work_token_page(struct work *work, struct arena *arena, int64_t account_id, int64_t after,
                    size_t n_max, struct work_token **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_credential      *rows;
    size_t                       n;

    if (db_begin(work->db, DB_READ, "list access tokens", &tx, err) < 0 ||
        meta_credential_page(tx, arena, account_id, after, n_max, &rows, &n, err) < 0)
        return -1;

    struct work_token *tokens = mem_many(arena, n, struct work_token);
    for (size_t i = 0; i < n; i++) {
        tokens[i].row = rows[i];
        if (rows[i].is_narrowed != 0 &&
            meta_scope_list(tx, arena, rows[i].id, &tokens[i].scopes, &tokens[i].n_scopes, err) < 0)
            return -1;
    }
    *out   = tokens;
    *n_out = n;
    return 0;
}

int work_token_count(struct work *work, int64_t account_id, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "count access tokens", &tx, err) < 0)
        return -1;
    return meta_credential_count(tx, account_id, out, err);
}

/* -- changing ----------------------------------------------------------------------------------------- */

int work_token_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      int64_t seen_by, struct str hash, const struct work_token_change *change,
                      struct work_token *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct work_token            token;

    if (work_text_check("tokenLabel", change->label, WORK_LABEL_MAX, err) < 0 ||
        db_begin(work->db, DB_WRITE, "change access token", &tx, err) < 0 ||
        find(tx, arena, seen_by, hash, &token, err) < 0)
        return -1;

    struct str before    = print_state(arena, &token);
    int64_t    is_active = change->has_active ? change->is_active : token.row.is_active;
    struct str label     = change->has_label ? change->label : token.row.label;
    if (meta_credential_update(tx, token.row.id, label, is_active, err) < 0)
        return -1;
    token.row.is_active = is_active;
    token.row.label     = label;
    if (tell(tx, actor, "API_TOKEN_CHANGED", hash, before, print_state(arena, &token), err) < 0 ||
        work_commit_access(work, &tx, err) < 0)
        return -1;
    *out = token;
    return 0;
}

int work_token_delete(struct work *work, const struct meta_actor *actor, int64_t seen_by,
                      struct str hash, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct work_token              token;

    if (db_begin(work->db, DB_WRITE, "delete access token", &tx, err) < 0 ||
        find(tx, arena, seen_by, hash, &token, err) < 0 ||
        meta_credential_remove(tx, token.row.id, NULL, err) < 0 ||
        tell(tx, actor, "API_TOKEN_DELETED", hash, print_state(arena, &token), STR_NULL, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_token_cleanup(struct work *work, const struct meta_actor *actor,
                       const struct auth_account *account, int64_t used_before,
                       struct str generated_by, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    int64_t                        n;

    if (db_begin(work->db, DB_WRITE, "clean up access tokens", &tx, err) < 0 ||
        meta_credential_remove_unused(tx, account->id, used_before, generated_by, &n, err) < 0)
        return -1;
    if (n == 0)
        return 0;

    struct meta_event event = {
        .type        = "API_TOKENS_CLEANED",
        .object_kind = "account",
        .object_name = account->name,
        .target      = str_from(mem_printf(arena, "%lld", (long long)n)),
    };
    if (meta_event_add(tx, actor, &event, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_credential_sweep(struct work *work, int64_t *out_n, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_WRITE, "sweep credentials", &tx, err) < 0 ||
        meta_credential_remove_expired(tx, db_now(tx) - WEEK_US, out_n, err) < 0)
        return -1;
    return db_commit(&tx, err);
}
