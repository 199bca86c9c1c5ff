/* work/service.h: the verbs about service accounts: names for machines, `owner+label`, that belong to a user or an
 * organisation and act at and below a prefix. A service account has no password but up to two secrets at a time, so that
 * a new one can be rolled out before the old one goes. It may do what was granted to it, and never more than its maker
 * may at that moment.
 *
 * Each change is one transaction with its event and audit record, and holds within 5 s everywhere. Whether somebody may
 * manage a service account is decided before, on its prefix (auth_prefix_open, AUTH_ACCESS). */
#ifndef WORK_SERVICE_H
#define WORK_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/secret.h"
#include "base/str.h"
#include "meta/account.h"
#include "meta/credential.h"

struct arena;
struct auth_account;
struct auth_caller;
struct auth_repo;
struct err;
struct meta_actor;
struct work;

enum { WORK_SERVICE_LABEL_MAX = 50, WORK_SERVICE_SECRETS = 2, WORK_DESCRIPTION_MAX = 256 };

struct work_service {
    struct meta_account    account; /* full_name holds the description */
    struct str             label;
    struct str             owner;
    struct str             maker; /* null view: gone */
    struct meta_credential secrets[WORK_SERVICE_SECRETS];
    size_t                 n_secrets;
};

struct work_service_new {
    struct str label;
    struct str description;
    struct str role; /* granted to it at the prefix; null view: nothing yet */
    struct str user_agent;
    int64_t    expires_at; /* of its first secret; 0: never */
};

/* place: the prefix, in the caller's hands. Only users make service accounts (ERR_DENIED), and never with a narrowed
 * credential, nor secrets that outlive the credential that they are made with. ERR_EXISTS, code SERVICE_EXISTS. */
int work_service_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_caller *maker, const struct auth_account *owner,
                        const struct auth_repo *place, const struct work_service_new *new,
                        char out_secret[AUTH_SECRET_MAX], struct work_service *out,
                        struct err *err);

/* By its label or whole name. ERR_NOT_FOUND, code NO_SUCH_SERVICE. */
int work_service_get(struct work *work, struct arena *arena, const struct auth_account *owner,
                     struct str name, struct work_service *out, struct err *err);

int work_service_absent(struct err *err); /* that error */

/* Those of the owner at and below the prefix, by name after `after` (null view: from the start). */
int work_service_page(struct work *work, struct arena *arena, const struct auth_account *owner,
                      struct str prefix, struct str after, size_t n_max, struct work_service **out,
                      size_t *n_out, struct err *err);

struct work_service_change {
    struct str description;
    bool       has_description;
    bool       is_active;
    bool       has_active;
    bool       is_adopted; /* the caller becomes its maker */
};

int work_service_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_caller *caller, const struct work_service *service,
                        const struct work_service_change *change, struct work_service *out,
                        struct err *err);

/* With its secrets and grants; its name is free again. */
int work_service_delete(struct work *work, const struct meta_actor *actor,
                        const struct work_service *service, struct err *err);

struct work_secret_new {
    int64_t    slot;       /* 0: the free one, or that of the older of two */
    int64_t    expires_at; /* µs; 0: never */
    struct str user_agent;
};

/* A new secret, in place of the one in its slot. */
int work_service_rotate(struct work *work, struct arena *arena, const struct meta_actor *actor,
                        const struct auth_caller *caller, const struct work_service *service,
                        const struct work_secret_new *new, char out_secret[AUTH_SECRET_MAX],
                        struct meta_credential *out, struct err *err);

/* ERR_NOT_FOUND, code NO_SUCH_SECRET. */
int work_service_drop_secret(struct work *work, const struct meta_actor *actor,
                             const struct work_service *service, int64_t slot, struct err *err);

#endif
