/* api/account.c: accounts as JSON. */
#include "api/account.h"

#include "base/mem.h"

/* clang-format off */
#define TEXT(key, member)  { .name = key, .kind = JSON_STRING,  .offset = JSON_AT(struct api_account, member, struct str) }
#define FLAG(key, member)  { .name = key, .kind = JSON_BOOL,    .offset = JSON_AT(struct api_account, member, bool) }
#define COUNT(key, member) { .name = key, .kind = JSON_INTEGER, .offset = JSON_AT(struct api_account, member, int64_t), \
                             .has_offset = JSON_AT(struct api_account, has_counts, bool) }

static const struct json_field fields[] = {
    TEXT("name",          name),
    TEXT("id",            id),
    TEXT("fullName",      full_name),
    FLAG("isOrg",         is_org),
    FLAG("isAdmin",       is_admin),
    FLAG("isActive",      is_active),
    FLAG("isImported",    is_imported),
    FLAG("onDemand",      no),
    FLAG("otpEnabled",    no),
    COUNT("membersCount", n_members),
    COUNT("teamsCount",   n_teams),
};

const struct json_table api_account_table = {
    .name = "Account", .size = sizeof(struct api_account), .fields = fields, .n_fields = ARRAY_LEN(fields),
};
/* clang-format on */

struct api_account api_account_of(const struct meta_account *account)
{
    return (struct api_account){
        .id          = account->uuid,
        .name        = account->name,
        .full_name   = account->full_name,
        .is_org      = str_is(account->kind, "organization"),
        .is_admin    = account->is_admin != 0,
        .is_active   = account->is_active != 0,
        .is_imported = account->is_imported != 0,
    };
}

struct api_account api_account_of_row(const struct meta_account_row *row)
{
    struct api_account account = api_account_of(&row->account);

    account.has_counts = account.is_org;
    account.n_members  = row->n_members;
    account.n_teams    = row->n_teams;
    return account;
}
