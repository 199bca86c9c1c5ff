/* auth/token.c: our tokens: what they say, how they are made and when they are believed.
 *
 * Claims: iss, aud (always this instance), sub (the account's name, "" when anonymous), iat, nbf, exp, jti,
 * access as the token protocol has it, and three of our own: `account` and `generation`, on which
 * revocation works, and `use`, which is "identity" for tokens of no scope. In each access entry `repo` is
 * the repository's id at the time, 0 when there was none. `iat` is in whole seconds; the first digits of jti are
 * the microseconds of that second, so that a token bought right after a deletion is known to be younger. */
#include "auth/auth_private.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "codec/text.h"
#include "db/db.h"
#include "io/clock.h"
#include "io/random.h"
#include "meta/event.h"
#include "meta/repo.h"
#include "meta/token.h"

#define LEEWAY_US (60 * AUTH_SECOND_US) /* clocks of two nodes */
#define KEYS_RELOAD_US (5 * AUTH_SECOND_US)
#define IDENTITY_LIFE_US (300 * AUTH_SECOND_US)

/* Records call a refresh token by the first letters of its hash. */
enum { CLAIMS_MAX = 12 * 1024, REFRESH_BYTES = 32, CLIENT_NAME_MAX = 128, TOKEN_NAME = 12 };

enum { JTI_BYTES = 16, MICROS_DIGITS = 5 }; /* hexadecimal; the rest of jti is random */

struct access_claim {
    struct str       type;
    struct str       name;
    struct json_list actions; /* struct str */
    int64_t          repo;
};

struct claims {
    struct str iss;
    struct str aud;
    struct str sub;
    int64_t    iat;
    int64_t    nbf;
    int64_t    exp;
    struct str jti;
    int64_t    account;
    int64_t    generation;
    struct str use;
    int64_t    credential; /* that it was bought with, its generation, and whether it is narrowed */
    int64_t    credential_generation;
    int64_t    narrowed;
    struct json_list access;
};

/* clang-format off */
static const struct json_field access_fields[] = {
    { "type",    JSON_STRING,  JSON_AT(struct access_claim, type, struct str),          .flags = JSON_REQUIRED },
    { "name",    JSON_STRING,  JSON_AT(struct access_claim, name, struct str),          .flags = JSON_REQUIRED },
    { "actions", JSON_LIST,    JSON_AT(struct access_claim, actions, struct json_list), .flags = JSON_REQUIRED },
    { "repo",    JSON_INTEGER, JSON_AT(struct access_claim, repo, int64_t) },
};
static const struct json_table access_table = {
    .name = "access", .size = sizeof(struct access_claim), .is_closed = true,
    .fields = access_fields, .n_fields = ARRAY_LEN(access_fields),
};
static const struct json_field claims_fields[] = {
    { "iss",        JSON_STRING,  JSON_AT(struct claims, iss, struct str),          .flags = JSON_REQUIRED },
    { "aud",        JSON_STRING,  JSON_AT(struct claims, aud, struct str),          .flags = JSON_REQUIRED },
    { "sub",        JSON_STRING,  JSON_AT(struct claims, sub, struct str),          .flags = JSON_REQUIRED },
    { "iat",        JSON_INTEGER, JSON_AT(struct claims, iat, int64_t),             .flags = JSON_REQUIRED },
    { "nbf",        JSON_INTEGER, JSON_AT(struct claims, nbf, int64_t),             .flags = JSON_REQUIRED },
    { "exp",        JSON_INTEGER, JSON_AT(struct claims, exp, int64_t),             .flags = JSON_REQUIRED },
    { "jti",        JSON_STRING,  JSON_AT(struct claims, jti, struct str),          .flags = JSON_REQUIRED },
    { "account",    JSON_INTEGER, JSON_AT(struct claims, account, int64_t),         .flags = JSON_REQUIRED },
    { "generation", JSON_INTEGER, JSON_AT(struct claims, generation, int64_t),      .flags = JSON_REQUIRED },
    { "use",        JSON_STRING,  JSON_AT(struct claims, use, struct str),          .flags = JSON_REQUIRED },
    { "credential", JSON_INTEGER, JSON_AT(struct claims, credential, int64_t) },
    { "credential_generation", JSON_INTEGER, JSON_AT(struct claims, credential_generation, int64_t) },
    { "narrowed",   JSON_INTEGER, JSON_AT(struct claims, narrowed, int64_t) },
    { "access",     JSON_LIST,    JSON_AT(struct claims, access, struct json_list), .table = &access_table },
};
static const struct json_table claims_table = {
    .name = "claims", .size = sizeof(struct claims), .is_closed = true,
    .fields = claims_fields, .n_fields = ARRAY_LEN(claims_fields),
};
/* clang-format on */

static const struct json_limits claims_limits = {
    .size = JWT_MAX, .values = 512, .depth = 6, .key = 32
};

/* -- accepting -------------------------------------------------------------------------------------- */

static const struct jwt_key *find_key(void *context, struct str kid)
{
    const struct auth_keys *keys = context;

    for (size_t i = 0; keys != NULL && i < keys->n; i++) {
        if (str_is(kid, jwt_key_id(keys->list[i].key)))
            return keys->list[i].key;
    }
    return NULL;
}

/* Another node may have rotated: an unknown key is a reason to look again, though not at every token. */
static int verify(struct auth *auth, struct arena *arena, struct str token, struct str *claims,
                  struct err *err)
{
    struct err ignored; /* what could not be loaded leaves the old keys in force */

    if (jwt_verify(arena, token, find_key, atomic_load(&auth->keys), claims, err) == 0)
        return 0;
    if (clock_monotonic_us() - atomic_load(&auth->keys_loaded_at) < KEYS_RELOAD_US)
        return -1;
    if (auth_keys_load(auth, &ignored) < 0)
        return -1;
    return jwt_verify(arena, token, find_key, atomic_load(&auth->keys), claims, err);
}

static bool is_in_time(const struct claims *claims)
{
    int64_t now = clock_utc_us();
    int64_t iat, nbf, exp;

    if (__builtin_mul_overflow(claims->iat, AUTH_SECOND_US, &iat) ||
        __builtin_mul_overflow(claims->nbf, AUTH_SECOND_US, &nbf) ||
        __builtin_mul_overflow(claims->exp, AUTH_SECOND_US, &exp))
        return false;
    return iat >= 0 && iat <= now + LEEWAY_US && nbf <= now + LEEWAY_US && exp > now && exp > iat;
}

static bool add_access(const struct access_claim *claim, struct auth_caller *out)
{
    const struct str *actions = claim->actions.items;
    unsigned          verbs   = AUTH_NONE;

    if (str_is(claim->type, "registry")) {
        out->may_catalog |= str_is(claim->name, "catalog");
        return true;
    }
    if (out->n_access == AUTH_ACCESS_MAX || claim->name.n > OCI_NAME_MAX)
        return false;
    for (size_t i = 0; i < claim->actions.n; i++)
        verbs |= auth_verbs_of_action(actions[i]);

    struct auth_access *access = &out->access[out->n_access++];
    memcpy(access->path, claim->name.p, claim->name.n);
    access->path[claim->name.n] = '\0';
    access->repo_id             = claim->repo;
    access->verbs               = verbs;
    return true;
}

/* Of the second of iat; 0 where there are none. */
static int64_t micros_of(struct str jti)
{
    unsigned char bytes[JTI_BYTES];

    if (!text_hex_parse(jti, bytes, sizeof(bytes)))
        return 0;
    int64_t micros = bytes[0] << 12 | bytes[1] << 4 | bytes[2] >> 4;
    return micros < AUTH_SECOND_US ? micros : 0;
}

static void print_jti(char *out, int64_t now_us)
{
    char micros[MICROS_DIGITS + 1];

    random_hex(out, JTI_BYTES);
    snprintf(micros, sizeof(micros), "%05x", (unsigned)(now_us % AUTH_SECOND_US));
    memcpy(out, micros, MICROS_DIGITS);
}

static bool to_caller(const struct auth *auth, const struct claims *claims, struct auth_caller *out)
{
    const struct access_claim *access = claims->access.items;

    *out = (struct auth_caller){
        .kind                  = claims->account == 0 ? AUTH_ANONYMOUS : AUTH_ACCOUNT,
        .account_id            = claims->account,
        .generation            = claims->generation,
        .credential            = claims->credential,
        .credential_generation = claims->credential_generation,
        .is_narrowed           = claims->narrowed != 0,
        .has_token             = true,
        .is_identity           = str_is(claims->use, "identity"),
        .issued_at             = claims->iat * AUTH_SECOND_US + micros_of(claims->jti),
        .expires_at            = claims->exp * AUTH_SECOND_US,
    };
    if (!str_eq(claims->aud, auth->settings.audience) ||
        !str_eq(claims->iss, auth->settings.audience) || claims->sub.n >= sizeof(out->name) ||
        claims->jti.n >= sizeof(out->credential_id))
        return false;
    memcpy(out->name, claims->sub.p, claims->sub.n);
    memcpy(out->credential_id, claims->jti.p, claims->jti.n);
    for (size_t i = 0; i < claims->access.n; i++) {
        if (!add_access(&access[i], out))
            return false;
    }
    return true;
}

int auth_token_accept(struct auth *auth, struct arena *arena, struct str token,
                      struct auth_caller *out, struct err *err)
{
    unsigned char key[32];
    struct str    key_view = { (const char *)key, sizeof(key) };
    struct claims claims   = { 0 };
    struct str    text;
    struct err    refused;

    if (token.n == 0 || token.n > JWT_MAX)
        return 0;

    int64_t age_base = clock_monotonic_us();
    hash_sha256(token, key);
    if (cache_get(auth->tokens, key_view, age_base, out))
        return out->expires_at > clock_utc_us();

    if (verify(auth, arena, token, &text, &refused) < 0)
        return refused.kind == ERR_UNAUTHENTICATED ? 0 : (*err = refused, -1);
    if (json_read(arena, text, &claims_limits, &claims_table, &claims, &refused) < 0)
        return 0;
    if (!is_in_time(&claims) || !to_caller(auth, &claims, out))
        return 0;

    cache_put(auth->tokens, key_view, age_base + out->expires_at - clock_utc_us(), out);
    return 1;
}

/* -- issuing ---------------------------------------------------------------------------------------- */

/* What of one scope is granted. The id is that of the repository now; rights are what the decision says
 * for each verb, so that a token never promises more than the next request would get. */
static int grant(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                 const struct auth_scope *scope, unsigned *out_verbs, int64_t *out_repo,
                 struct err *err)
{
    static const struct {
        const char *action;
        unsigned    verbs; /* either of them opens */
    } probes[] = {
        { "pull", AUTH_PULL },
        { "push", AUTH_PUSH },
        { "delete", AUTH_VERBS_DELETE },
    };

    *out_verbs = AUTH_NONE;
    *out_repo  = 0;
    for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
        struct auth_repo  repo;
        enum auth_verdict verdict;
        unsigned          group = auth_verbs_of_action(str_from(probes[i].action));

        if ((scope->verbs & group) == 0)
            continue;
        if (auth_repo_open(auth, arena, caller, scope->path, (enum auth_verb)probes[i].verbs, &repo,
                           &verdict, err) < 0)
            return -1;
        if (verdict == AUTH_YES) {
            *out_verbs |= group & repo.verbs;
            *out_repo = repo.id;
        } else if (verdict == AUTH_NO_REPO || verdict == AUTH_NO_NAMESPACE) {
            /* It is theirs to see that it is not there. */
            *out_verbs |= group;
        }
    }
    return 0;
}

static bool is_asked(struct str actions, const char *word)
{
    struct str action;

    while (str_next(&actions, ',', &action)) {
        if (str_is(action, word))
            return true;
    }
    return false;
}

/* The granted actions, as words: those asked for; for a `*` that cannot be had whole, its parts. */
static void write_actions(struct json_write *w, struct buf *scope_text,
                          const struct auth_scope *scope, unsigned verbs)
{
    static const char *const words[] = { "pull", "push", "delete", "*" };
    bool        is_part = is_asked(scope->actions, "*") && !auth_action_is_granted(STR("*"), verbs);
    const char *comma   = "";

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!auth_action_is_granted(str_from(words[i]), verbs) ||
            (!is_part && !is_asked(scope->actions, words[i])))
            continue;
        json_write_text(w, words[i]);
        buf_printf(scope_text, "%s%s", comma, words[i]);
        comma = ",";
    }
}

static int write_access(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                        const struct auth_scope *scope, struct json_write *w,
                        struct buf *scope_text, struct err *err)
{
    unsigned verbs   = AUTH_NONE;
    int64_t  repo_id = 0;

    if (!scope->is_catalog && grant(auth, arena, caller, scope, &verbs, &repo_id, err) < 0)
        return -1;
    if (!scope->is_catalog && verbs == AUTH_NONE)
        return 0;

    buf_printf(scope_text, "%s%s:" STR_FMT ":", scope_text->n > 0 ? " " : "",
               scope->is_catalog ? "registry" : "repository", STR_ARGS(scope->name));
    json_write_object(w);
    json_write_text_at(w, "type", scope->is_catalog ? "registry" : "repository");
    json_write_str_at(w, "name", scope->is_catalog ? scope->name : scope->path);
    json_write_key(w, "actions");
    json_write_list(w);
    if (scope->is_catalog) {
        json_write_text(w, "*");
        buf_text(scope_text, "*");
    } else {
        write_actions(w, scope_text, scope, verbs);
    }
    json_write_end(w);
    if (!scope->is_catalog)
        json_write_int_at(w, "repo", repo_id);
    json_write_end(w);
    return 0;
}

/* Two scopes for one repository are one entry. Beyond AUTH_ACCESS_MAX entries the token carries less, as
 * the protocol allows. */
static void merge_scopes(struct auth_scopes *scopes, struct arena *arena)
{
    size_t n = 0;

    for (size_t i = 0; i < scopes->n; i++) {
        struct auth_scope *scope = &scopes->list[i];
        size_t             j     = 0;

        while (j < n && (scopes->list[j].is_catalog != scope->is_catalog ||
                         !str_eq(scopes->list[j].path, scope->path)))
            j++;
        if (j == n) {
            scopes->list[n++] = *scope;
        } else if (!scope->is_catalog) {
            scopes->list[j].verbs |= scope->verbs;
            scopes->list[j].actions =
                str_from(mem_printf(arena, STR_FMT "," STR_FMT, STR_ARGS(scopes->list[j].actions),
                                    STR_ARGS(scope->actions)));
        }
    }
    scopes->n = n < AUTH_ACCESS_MAX ? n : AUTH_ACCESS_MAX;
}

/* For people to read; what is no text says nothing to them. */
static struct str client_name(struct str client_id)
{
    struct str cut = str_sub(client_id, 0, CLIENT_NAME_MAX);

    return cut.p != NULL && text_is_utf8(cut) ? cut : STR("");
}

static int add_refresh(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                       const struct auth_refresh_wish *wish, struct str *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    char                        *secret = mem_alloc(arena, 2 * REFRESH_BYTES + 1);
    unsigned char                hash[32];
    char                         hex[65];

    random_hex(secret, REFRESH_BYTES);
    hash_sha256(str_from(secret), hash);
    text_hex_print(hash, sizeof(hash), hex);

    if (db_begin(auth->settings.db, DB_WRITE, "add refresh token", &tx, err) < 0)
        return -1;
    int64_t             now = db_now(tx);
    struct meta_refresh row = {
        .hash                  = str_from(hex),
        .account_id            = caller->account_id,
        .generation            = caller->generation,
        .client_id             = client_name(wish->client_id),
        .created_at            = now,
        .expires_at            = now + auth->settings.refresh_life_us,
        .credential            = caller->credential,
        .credential_generation = caller->credential_generation,
    };
    struct meta_event event = { .type        = "REFRESH_TOKEN_ISSUED",
                                .object_kind = "token",
                                .object_name = str_sub(row.hash, 0, TOKEN_NAME),
                                .target      = row.client_id };
    if (meta_refresh_remove_expired(tx, now, err) < 0 || meta_refresh_add(tx, &row, err) < 0 ||
        meta_event_add(tx, wish->actor, &event, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    *out = str_from(secret);
    return 0;
}

int auth_token_issue(struct auth *auth, struct arena *arena, const struct auth_caller *caller,
                     const struct auth_scopes *scopes, const struct auth_refresh_wish *wish,
                     struct auth_granted *out, struct err *err)
{
    struct auth_scopes merged = *scopes;
    struct auth_caller buyer  = *caller;
    struct json_write  w;
    struct buf         claims, scope_text;
    char               jti[2 * JTI_BYTES + 1];
    int64_t            now_us      = clock_utc_us();
    int64_t            now         = now_us / AUTH_SECOND_US;
    bool               is_identity = scopes->n == 0 && !scopes->has_unknown;
    int64_t            life        = is_identity ? IDENTITY_LIFE_US : auth->settings.token_life_us;

    /* Without credentials one buys what anyone may have; the decision must not ask for credentials then. */
    if (buyer.kind == AUTH_NOBODY)
        buyer.kind = AUTH_ANONYMOUS;

    merge_scopes(&merged, arena);
    print_jti(jti, now_us);
    buf_init(&claims, arena, CLAIMS_MAX);
    buf_init(&scope_text, arena, CLAIMS_MAX);
    json_write_init(&w, &claims);
    json_write_object(&w);
    json_write_str_at(&w, "iss", auth->settings.audience);
    json_write_str_at(&w, "aud", auth->settings.audience);
    json_write_text_at(&w, "sub", buyer.name);
    json_write_int_at(&w, "iat", now);
    json_write_int_at(&w, "nbf", now);
    json_write_int_at(&w, "exp", now + life / AUTH_SECOND_US);
    json_write_text_at(&w, "jti", jti);
    json_write_int_at(&w, "account", buyer.account_id);
    json_write_int_at(&w, "generation", buyer.generation);
    if (buyer.credential != 0) {
        json_write_int_at(&w, "credential", buyer.credential);
        json_write_int_at(&w, "credential_generation", buyer.credential_generation);
        json_write_int_at(&w, "narrowed", buyer.is_narrowed);
    }
    json_write_text_at(&w, "use", is_identity ? "identity" : "registry");
    json_write_key(&w, "access");
    json_write_list(&w);
    for (size_t i = 0; i < merged.n; i++) {
        if (write_access(auth, arena, &buyer, &merged.list[i], &w, &scope_text, err) < 0)
            return -1;
    }
    json_write_end(&w);
    json_write_end(&w);

    struct str claims_text, token;
    if (buf_finish(&claims, &claims_text, err) < 0 ||
        jwt_sign(arena, auth_keys_signing(auth), claims_text, &token, err) < 0)
        return err_wrap(err, "making a token");

    struct str refresh = STR_NULL;
    if (wish != NULL && buyer.kind == AUTH_ACCOUNT &&
        add_refresh(auth, arena, &buyer, wish, &refresh, err) < 0)
        return err_wrap(err, "making a refresh token");

    *out = (struct auth_granted){
        .token     = token,
        .scope     = buf_view(&scope_text),
        .refresh   = refresh,
        .issued_at = now * AUTH_SECOND_US,
        .life_us   = life,
    };
    return 0;
}

int auth_refresh_accept(struct auth *auth, struct arena *arena, struct str refresh,
                        struct auth_caller *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_refresh          row;
    struct auth_state            state;
    unsigned char                hash[32];
    char                         hex[65];

    if (refresh.n != 2 * REFRESH_BYTES)
        return 0;
    hash_sha256(refresh, hash);
    text_hex_print(hash, sizeof(hash), hex);

    if (db_begin(auth->settings.db, DB_READ, "find refresh token", &tx, err) < 0)
        return -1;
    int found = meta_refresh_find(tx, arena, str_from(hex), &row, err);
    if (found < 1)
        return found;
    if (row.expires_at <= db_now(tx))
        return 0;
    db_abort(&tx);

    found = auth_account_state(auth, arena, row.account_id, &state, err);
    if (found < 1)
        return found;
    if (!state.is_active || state.generation != row.generation)
        return 0;
    if (row.credential != 0) {
        found = auth_credential_state(auth, arena, row.credential, row.credential_generation, err);
        if (found < 1)
            return found;
    }

    struct auth_bound bound = { .credential  = row.credential,
                                .generation  = row.credential_generation,
                                .is_narrowed = row.is_narrowed != 0 };
    auth_caller_make(row.account_id, &state, &bound, out);
    return 1;
}
