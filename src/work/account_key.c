/* work/account_key.c: the verbs about public keys of accounts. */
#include "work/account_key.h"

#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/public_key.h"
#include "meta/account.h"
#include "work/access_private.h"
#include "work/work_private.h"

enum { CERTIFICATES_SIZE = WORK_CERTIFICATES_MAX * 2 * PUBLIC_KEY_PEM_MAX };

struct kept {
    struct json_list list;
};

/* clang-format off */
static const struct json_field certificate_fields[] = {
    { .name = "label", .kind = JSON_STRING, .offset = JSON_AT(struct work_certificate, label, struct str) },
    { .name = "cert",  .kind = JSON_STRING, .offset = JSON_AT(struct work_certificate, pem, struct str) },
};

const struct json_table work_certificate_table = {
    .name = "certificate", .size = sizeof(struct work_certificate), .fields = certificate_fields, .n_fields = ARRAY_LEN(certificate_fields),
};

static const struct json_field kept_fields[] = {
    { .name = "list", .kind = JSON_LIST, .offset = JSON_AT(struct kept, list, struct json_list), .table = &work_certificate_table },
};

static const struct json_table kept_table = {
    .name = "certificates", .size = sizeof(struct kept), .fields = kept_fields, .n_fields = ARRAY_LEN(kept_fields),
};
/* clang-format on */

/* -- certificates as they are kept -------------------------------------------------------------------- */

static int read_certificates(struct arena *arena, const struct meta_account_key *row,
                             struct json_list *out, struct err *err)
{
    const char *text = mem_printf(arena, "{\"list\":" STR_FMT "}", STR_ARGS(row->certificates));
    struct kept kept = { 0 };

    if (json_read(arena, str_from(text), &json_limits_default, &kept_table, &kept, err) < 0)
        return err_set_corrupt(err, "the certificates of key %lld: %s", (long long)row->id,
                               err->text);
    *out = kept.list;
    return 0;
}

/* Each must read, and be for that key. */
static int check_certificates(struct arena *arena, struct str fingerprint, struct json_list *list,
                              struct err *err)
{
    struct work_certificate *all = list->items;
    struct public_key        read;

    if (list->n > WORK_CERTIFICATES_MAX)
        return work_bad_field("certificates", "has at most 10", err);
    for (size_t i = 0; i < list->n; i++) {
        if (work_text_check("certificates", all[i].label, WORK_KEY_LABEL_MAX, err) < 0)
            return -1;
        if (public_key_parse_certificate(arena, all[i].pem, &read, err) < 0)
            return work_bad_field("certificates", mem_printf(arena, "%zu %s", i, err->text), err);
        if (!str_eq(read.fingerprint, fingerprint))
            return work_bad_field("certificates", mem_printf(arena, "%zu is for another key", i),
                                  err);
        all[i].pem = read.pem;
    }
    return 0;
}

static struct str print_certificates(struct arena *arena, const struct json_list *list)
{
    const struct work_certificate *all = list->items;
    struct json_write              w;
    struct buf                     text;

    buf_init(&text, arena, CERTIFICATES_SIZE);
    json_write_init(&w, &text);
    json_write_list(&w);
    for (size_t i = 0; i < list->n; i++)
        json_write_table(&w, &work_certificate_table, &all[i]);
    json_write_end(&w);
    return buf_view(&text);
}

/* -- the verbs ---------------------------------------------------------------------------------------- */

static int tell(struct db_tx *tx, const struct meta_actor *actor, const char *type,
                const struct auth_account *account, struct str fingerprint, struct str before,
                struct str after, struct err *err)
{
    struct meta_event event = {
        .type        = type,
        .path        = account->name,
        .object_kind = "key",
        .object_name = fingerprint,
        .before      = before,
        .after       = after,
    };

    return meta_event_add(tx, actor, &event, err);
}

static int find_key(struct db_tx *tx, struct arena *arena, const struct auth_account *account,
                    struct str id, struct work_key *out, struct err *err)
{
    struct work_key key;
    int             found = meta_account_key_find(tx, arena, account->id, id, &key.row, err);

    if (found < 0)
        return -1;
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_KEY", id, STR_FMT " has no key " STR_FMT,
                            STR_ARGS(account->name), STR_ARGS(id));
    if (read_certificates(arena, &key.row, &key.certificates, err) < 0)
        return -1;
    *out = key;
    return 0;
}

/* One more, which the account does not have yet. */
static int check_room(struct db_tx *tx, const struct auth_account *account, struct str fingerprint,
                      struct err *err)
{
    int64_t n;
    int     found = meta_account_key_has(tx, account->id, fingerprint, err);

    if (found < 0 || meta_account_key_count(tx, account->id, &n, err) < 0)
        return -1;
    if (found == 1)
        return err_set_code(err, ERR_EXISTS, "KEY_EXISTS", STR("publicKey"),
                            "publicKey: " STR_FMT " has it already", STR_ARGS(account->name));
    if (n >= WORK_KEYS_MAX)
        return err_set(err, ERR_CONFLICT, "an account has at most %d keys", WORK_KEYS_MAX);
    return 0;
}

static int hold(struct db_tx *tx, const struct auth_account *account, struct err *err)
{
    int found = meta_account_lock(tx, account->id, err);

    if (found < 0)
        return -1;
    return found == 1 ? 0
                      : err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_ACCOUNT", account->name,
                                     "no account " STR_FMT, STR_ARGS(account->name));
}

int work_key_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                 const struct auth_account *account, const struct work_key_change *new,
                 struct work_key *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx           = NULL;
    struct json_list             certificates = new->certificates;
    struct public_key            key;
    struct str                   id;

    if (public_key_parse(arena, new->public_key, &key, err) < 0)
        return work_bad_field("publicKey", mem_strdup(arena, err->text), err);
    if (work_text_check("label", new->label, WORK_KEY_LABEL_MAX, err) < 0 ||
        check_certificates(arena, key.fingerprint, &certificates, err) < 0 ||
        db_begin(work->db, DB_WRITE, "add key", &tx, err) < 0 || hold(tx, account, err) < 0 ||
        check_room(tx, account, key.fingerprint, err) < 0)
        return -1;

    struct meta_account_key row = {
        .account_id   = account->id,
        .fingerprint  = key.fingerprint,
        .public_key   = key.pem,
        .label        = new->label,
        .certificates = print_certificates(arena, &certificates),
    };
    if (meta_account_key_add(tx, arena, &row, &id, err) < 0 ||
        tell(tx, actor, "ACCOUNT_KEY_ADDED", account, key.fingerprint, STR_NULL, new->label, err) <
            0 ||
        find_key(tx, arena, account, id, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_key_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                    const struct auth_account *account, struct str id,
                    const struct work_key_change *change, struct work_key *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct work_key              now;

    if (work_text_check("label", change->label, WORK_KEY_LABEL_MAX, err) < 0 ||
        db_begin(work->db, DB_WRITE, "change key", &tx, err) < 0 || hold(tx, account, err) < 0 ||
        find_key(tx, arena, account, id, &now, err) < 0)
        return -1;

    struct str       label = change->has_label ? change->label : now.row.label;
    struct json_list certificates =
        change->has_certificates ? change->certificates : now.certificates;
    if (check_certificates(arena, now.row.fingerprint, &certificates, err) < 0 ||
        meta_account_key_update(tx, now.row.id, label, print_certificates(arena, &certificates),
                                err) < 0 ||
        tell(tx, actor, "ACCOUNT_KEY_CHANGED", account, now.row.fingerprint, now.row.label, label,
             err) < 0 ||
        find_key(tx, arena, account, id, out, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_key_remove(struct work *work, const struct meta_actor *actor,
                    const struct auth_account *account, struct str id, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct work_key                now;

    if (db_begin(work->db, DB_WRITE, "remove key", &tx, err) < 0 ||
        find_key(tx, arena, account, id, &now, err) < 0 ||
        meta_account_key_remove(tx, now.row.id, err) < 0 ||
        tell(tx, actor, "ACCOUNT_KEY_REMOVED", account, now.row.fingerprint, now.row.label,
             STR_NULL, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_key_page(struct work *work, struct arena *arena, int64_t account_id, int64_t after,
                  size_t n_max, struct work_key **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_account_key     *rows;
    size_t                       n;

    if (db_begin(work->db, DB_READ, "list keys", &tx, err) < 0 ||
        meta_account_key_page(tx, arena, account_id, after, n_max, &rows, &n, err) < 0)
        return -1;

    struct work_key *keys = mem_many(arena, n, struct work_key);
    for (size_t i = 0; i < n; i++) {
        keys[i].row = rows[i];
        if (read_certificates(arena, &rows[i], &keys[i].certificates, err) < 0)
            return -1;
    }
    *out   = keys;
    *n_out = n;
    return 0;
}

int work_key_count(struct work *work, int64_t account_id, int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count keys", &tx, err) < 0)
        return -1;
    return meta_account_key_count(tx, account_id, out, err);
}
