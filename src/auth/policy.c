/* auth/policy.c: what operators may change while the registry runs. Each number is read by itself and may be changed at
 * any time; nothing depends on two of them changing together. */
#include "auth/auth_private.h"

#include <string.h>

#include "base/mem.h"

const struct auth_policy auth_policy_standard = {
    .may_anonymous      = true,
    .may_create_on_push = true,
    .password_min       = 8,
    .password_classes   = 1,
    .login_failures     = 10,
    .login_lock_us      = 900 * AUTH_SECOND_US,
    .sessions           = { .life_us    = 3600 * AUTH_SECOND_US,
                            .renewal_us = 1200 * AUTH_SECOND_US,
                            .limit      = 10 },
};

static void set_banner(struct auth *auth, struct str text)
{
    struct auth_banner *old = atomic_load(&auth->banner);

    if (str_eq(text, auth_banner(auth)))
        return;
    struct auth_banner *banner = mem_new_bytes(sizeof(*banner) + text.n);
    char               *copy   = (char *)(banner + 1);

    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    banner->older = old;
    banner->text  = (struct str){ copy, text.n };
    atomic_store(&auth->banner, banner);
}

struct str auth_banner(const struct auth *auth)
{
    const struct auth_banner *banner = atomic_load(&auth->banner);

    return banner == NULL ? STR("") : banner->text;
}

void auth_free_banners(struct auth *auth)
{
    struct auth_banner *banner = atomic_load(&auth->banner);

    while (banner != NULL) {
        struct auth_banner *older = banner->older;

        mem_free(banner);
        banner = older;
    }
}

void auth_set_policy(struct auth *auth, const struct auth_policy *policy)
{
    atomic_store(&auth->may_anonymous, policy->may_anonymous);
    atomic_store(&auth->may_create_on_push, policy->may_create_on_push);
    atomic_store(&auth->credential_life_us, policy->credential_life_us);
    atomic_store(&auth->password_min, policy->password_min);
    atomic_store(&auth->password_classes, policy->password_classes);
    atomic_store(&auth->login_failures, policy->login_failures);
    atomic_store(&auth->login_lock_us, policy->login_lock_us);
    atomic_store(&auth->session_life_us, policy->sessions.life_us);
    atomic_store(&auth->session_renewal_us, policy->sessions.renewal_us);
    atomic_store(&auth->session_most_us, policy->sessions.most_us);
    atomic_store(&auth->session_limit, policy->sessions.limit);
    atomic_store(&auth->session_is_kept, policy->sessions.is_kept);
    atomic_store(&auth->rate_account, policy->rates.account);
    atomic_store(&auth->rate_token, policy->rates.token);
    atomic_store(&auth->rate_network, policy->rates.network);
    atomic_store(&auth->is_rated, policy->rates.account != 0 || policy->rates.token != 0 ||
                                      policy->rates.network != 0);
    set_banner(auth, policy->banner);
}

bool auth_may_anonymous(const struct auth *auth)
{
    return atomic_load(&auth->may_anonymous);
}

int64_t auth_credential_life(const struct auth *auth)
{
    return atomic_load(&auth->credential_life_us);
}

struct auth_session_policy auth_session_policy(const struct auth *auth)
{
    return (struct auth_session_policy){
        .life_us    = atomic_load(&auth->session_life_us),
        .renewal_us = atomic_load(&auth->session_renewal_us),
        .most_us    = atomic_load(&auth->session_most_us),
        .limit      = atomic_load(&auth->session_limit),
        .is_kept    = atomic_load(&auth->session_is_kept),
    };
}
