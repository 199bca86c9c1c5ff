/* api/account.h: an account as the management APIs show it. */
#ifndef API_ACCOUNT_H
#define API_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/json.h"
#include "meta/account.h"

struct api_account {
    struct str id;
    struct str name;
    struct str full_name;
    bool       is_org;
    bool       is_admin;
    bool       is_active;
    bool       is_imported;
    bool       no;         /* what accounts here never are */
    bool       has_counts; /* of an organisation */
    int64_t    n_members;
    int64_t    n_teams;
};

extern const struct json_table api_account_table;

/* Without counts, as others' lists show it. */
struct api_account api_account_of(const struct meta_account *account);
struct api_account api_account_of_row(const struct meta_account_row *row);

#endif
