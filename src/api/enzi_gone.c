/* api/enzi_gone.c: routes of DTR's accounts service that this registry does not have, each with what stands in its
 * place, so that a script that still asks learns more than that a path is unknown. */
#include "api/api_private.h"

#define DIRECTORY                                                                       \
    "there is no directory (LDAP) behind this registry: accounts are kept here, under " \
    "/enzi/v0/accounts"
#define SYNC                                                                              \
    "members are not taken over from a directory: manage them with PUT and DELETE under " \
    "/members/{name}"
#define LINK                                                                              \
    "teams are not linked to groups of an identity provider: manage their members under " \
    "/members/{name}"
#define OPENID                                                                                \
    "this registry gives out no identities for other services; machines log in with service " \
    "accounts and access tokens"
#define JOBS "the accounts service runs no jobs: what it is asked for is done when it answers"
#define WORKERS \
    "the accounts service has no workers of its own: /readyz and /metrics tell of each node"

/* clang-format off */
static const int only_absent[] = { 404, 0 };

#define GONE(its_name, its_method, its_path, instead)                                                     \
    { .name = its_name, .method = its_method, .path = "/enzi/v0/" its_path, .may = API_MAY_USER,          \
      .family = API_DTR, .says = "Not here: " instead, .gone = instead, .run = api_gone, .also = only_absent }

#define ORG  "accounts/{account}"
#define TEAM ORG "/teams/{team}"

const struct api_route api_enzi_gone_routes[] = {
    GONE("gone.org_sync",        HTTP_GET,    ORG "/adminMemberSyncConfig",    SYNC),
    GONE("gone.org_sync.put",    HTTP_PUT,    ORG "/adminMemberSyncConfig",    SYNC),
    GONE("gone.team_sync",       HTTP_GET,    TEAM "/memberSyncConfig",        SYNC),
    GONE("gone.team_sync.put",   HTTP_PUT,    TEAM "/memberSyncConfig",        SYNC),
    GONE("gone.team_link",       HTTP_GET,    TEAM "/groupLinkConfig",         LINK),
    GONE("gone.team_link.put",   HTTP_PUT,    TEAM "/groupLinkConfig",         LINK),
    GONE("gone.services",        HTTP_GET,    ORG "/services",                 OPENID),
    GONE("gone.services.create", HTTP_POST,   ORG "/services",                 OPENID),
    GONE("gone.service",         HTTP_GET,    ORG "/services/{service}",       OPENID),
    GONE("gone.service.change",  HTTP_PATCH,  ORG "/services/{service}",       OPENID),
    GONE("gone.service.delete",  HTTP_DELETE, ORG "/services/{service}",       OPENID),
    GONE("gone.ldap",            HTTP_GET,    "config/auth/ldap",              DIRECTORY),
    GONE("gone.ldap.put",        HTTP_PUT,    "config/auth/ldap",              DIRECTORY),
    GONE("gone.ldap.try",        HTTP_POST,   "config/auth/ldap/tryLogin",     DIRECTORY),
    GONE("gone.openid",          HTTP_GET,    "config/openid",                 OPENID),
    GONE("gone.openid.put",      HTTP_PUT,    "config/openid",                 OPENID),
    GONE("gone.jobs",            HTTP_GET,    "jobs",                          JOBS),
    GONE("gone.jobs.submit",     HTTP_POST,   "jobs",                          JOBS),
    GONE("gone.job",             HTTP_GET,    "jobs/{job}",                    JOBS),
    GONE("gone.job.delete",      HTTP_DELETE, "jobs/{job}",                    JOBS),
    GONE("gone.job.cancel",      HTTP_POST,   "jobs/{job}/cancel",             JOBS),
    GONE("gone.job.logs",        HTTP_GET,    "jobs/{job}/logs",               JOBS),
    GONE("gone.workers",         HTTP_GET,    "workers",                       WORKERS),
    GONE("gone.worker.ping",     HTTP_GET,    "workers/{worker}/ping",         WORKERS),
    GONE("gone.worker.delete",   HTTP_DELETE, "workers/{worker}",              WORKERS),
    { 0 },
};
/* clang-format on */
