/* api/enzi_key.c: public keys of accounts, on the routes of DTR's accounts service. */
#include "api/call.h"
#include "api/pages.h"
#include "base/mem.h"
#include "codec/public_key.h"
#include "work/account_key.h"

/* Key and certificates, escaped. */
enum { BODY_MAX = 2 * (WORK_CERTIFICATES_MAX + 1) * PUBLIC_KEY_PEM_MAX };

struct key {
    struct str       id;
    struct str       account_id;
    struct str       public_key;
    struct str       label;
    struct json_list certificates;
    struct str       fingerprint;
};

/* clang-format off */
static const struct json_field key_fields[] = {
    { .name = "id",           .kind = JSON_STRING, .offset = JSON_AT(struct key, id, struct str) },
    { .name = "accountID",    .kind = JSON_STRING, .offset = JSON_AT(struct key, account_id, struct str) },
    { .name = "publicKey",    .kind = JSON_STRING, .offset = JSON_AT(struct key, public_key, struct str) },
    { .name = "label",        .kind = JSON_STRING, .offset = JSON_AT(struct key, label, struct str) },
    { .name = "certificates", .kind = JSON_LIST,   .offset = JSON_AT(struct key, certificates, struct json_list), .table = &work_certificate_table },
    { .name = "fingerprint",  .kind = JSON_STRING, .offset = JSON_AT(struct key, fingerprint, struct str) },
};

static const struct json_table key_table = {
    .name = "AccountPublicKey", .size = sizeof(struct key), .fields = key_fields, .n_fields = ARRAY_LEN(key_fields),
};

#define LABEL { .name = "label", .kind = JSON_STRING, .offset = JSON_AT(struct work_key_change, label, struct str), \
                .has_offset = JSON_AT(struct work_key_change, has_label, bool) }
#define CERTIFICATES { .name = "certificates", .kind = JSON_LIST, .offset = JSON_AT(struct work_key_change, certificates, struct json_list), \
                       .has_offset = JSON_AT(struct work_key_change, has_certificates, bool), .table = &work_certificate_table, \
                       .max = WORK_CERTIFICATES_MAX }

static const struct json_field create_fields[] = {
    { .name = "publicKey", .kind = JSON_STRING, .offset = JSON_AT(struct work_key_change, public_key, struct str), .flags = JSON_REQUIRED },
    LABEL,
    CERTIFICATES,
};

static const struct json_table create_table = {
    .name = "CreateAccountPublicKey", .size = sizeof(struct work_key_change), .fields = create_fields, .n_fields = ARRAY_LEN(create_fields),
};

static const struct json_field change_fields[] = { LABEL, CERTIFICATES };

static const struct json_table change_table = {
    .name = "UpdateAccountPublicKey", .size = sizeof(struct work_key_change), .fields = change_fields, .n_fields = ARRAY_LEN(change_fields),
};
/* clang-format on */

static struct key key_of(const struct work_key *key, struct str account_id)
{
    return (struct key){
        .id           = key->row.uuid,
        .account_id   = account_id,
        .public_key   = key->row.public_key,
        .label        = key->row.label,
        .certificates = key->certificates,
        .fingerprint  = key->row.fingerprint,
    };
}

static int reply_key(struct api_call *call, const struct work_key *row, struct err *err)
{
    struct key key = key_of(row, call->account.uuid);

    return api_reply_value(call, &key, err);
}

/* -- lists: there are few, in the order in which they were added -------------------------------------- */

static int read_keys(struct api_call *call, const void *what, struct arena *arena, struct str after,
                     size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct work_key *rows;
    int64_t          id = 0;

    (void)what;
    if (after.p != NULL && !str_to_int(after, &id))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", STR("start"),
                            "start: is not the start of a page of keys");
    if (work_key_page(call->work, arena, call->account.id, id, n_max, &rows, n_out, err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str key_key(struct arena *arena, const void *row)
{
    return str_from(mem_printf(arena, "%lld", (long long)((const struct work_key *)row)->row.id));
}

static void write_key(struct api_call *call, struct json_write *w, const void *row)
{
    struct key key = key_of(row, call->account.uuid);

    json_write_table(w, &key_table, &key);
}

static const struct api_pages key_pages = {
    .read = read_keys, .size = sizeof(struct work_key), .key = key_key, .write = write_key
};

static int list_keys(struct api_call *call, struct err *err)
{
    int64_t n;

    if (work_key_count(call->work, call->account.id, &n, err) < 0)
        return -1;
    return api_pages_list(call, &key_pages, NULL, "accountPublicKeys", n, err);
}

/* -- one ---------------------------------------------------------------------------------------------- */

static int create_key(struct api_call *call, struct err *err)
{
    struct work_key_change body = { 0 };
    struct work_key        row;

    if (api_body(call, &body, err) < 0 ||
        work_key_add(call->work, call->arena, &call->actor, &call->account, &body, &row, err) < 0)
        return -1;
    return reply_key(call, &row, err);
}

static int change_key(struct api_call *call, struct err *err)
{
    struct work_key_change body = { 0 };
    struct work_key        row;

    if (api_body(call, &body, err) < 0 ||
        work_key_change(call->work, call->arena, &call->actor, &call->account,
                        api_hole(call, "key"), &body, &row, err) < 0)
        return -1;
    return reply_key(call, &row, err);
}

static int delete_key(struct api_call *call, struct err *err)
{
    if (work_key_remove(call->work, &call->actor, &call->account, api_hole(call, "key"), err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
#define KEYS "/enzi/v0/accounts/{account}/publicKeys"

const struct api_route api_enzi_key_routes[] = {
    { .name = "account_keys.list",   .method = HTTP_GET,    .path = KEYS,
      .may  = API_MAY_SEE_ACCOUNT,    .family = API_DTR, .run = list_keys, .says = "The public keys of an account",
      .gives = &key_table,           .list = "accountPublicKeys", .query = api_limit_params },
    { .name = "account_keys.create", .method = HTTP_POST,   .path = KEYS,
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR, .run = create_key, .says = "Add a public key in PEM form, with certificates for it",
      .body = HTTP_BODY_WHOLE, .limit = BODY_MAX, .takes = &create_table, .gives = &key_table, .status = 201, .changes = true },
    { .name = "account_keys.change", .method = HTTP_PATCH,  .path = KEYS "/{key}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR, .run = change_key, .says = "Change a key's label and certificates",
      .body = HTTP_BODY_WHOLE, .limit = BODY_MAX, .takes = &change_table, .gives = &key_table, .changes = true },
    { .name = "account_keys.delete", .method = HTTP_DELETE, .path = KEYS "/{key}",
      .may  = API_MAY_MANAGE_ACCOUNT, .family = API_DTR, .run = delete_key, .says = "Take a key away", .changes = true },
    { 0 },
};
/* clang-format on */
