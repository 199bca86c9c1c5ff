/* client/groups.c: the list of the commands, in the order of the help. */
#include "client/rows.h"

/* clang-format off */
const struct client_group client_groups[] = {
    { "login",  "log in to a registry, for Docker too",                        client_login_rows },
    { "logout", "forget a registry's credentials",                             client_logout_rows },
    { "whoami", "show who is logged in, and where",                            client_whoami_rows },
    { "ls",      "list repositories, or the tags of one",                      client_ls_rows },
    { "inspect", "show a repository or an image, platform by platform",        client_inspect_rows },
    { "history", "the lines that made an image; who moved a tag when",         client_history_rows },
    { "search",  "find repositories by any part of their name",                client_search_rows },
    { "rmi",     "delete a tag or a manifest, and say what comes free",        client_rmi_rows },
    { "undelete", "bring back what was deleted",                               client_undelete_rows },
    { "size",    "how large repositories are, and what comes free",            client_size_rows },
    { "info",    "what registry it is, and who asks",                          client_info_rows },
    { "user",   "people: list, make, change and delete accounts, passwords",   client_user_rows },
    { "org",    "organisations and their members",                             client_org_rows },
    { "team",   "teams of an organisation and their members",                  client_team_rows },
    { "repo",   "repositories: list, make, describe, delete, who may what",    client_repo_rows },
    { "grant",  "who may do what where: give, take, explain",                  client_grant_rows },
    { "quota",  "limits on bytes and tags, and what is used of them",          client_quota_rows },
    { "role",   "roles: which actions a grant stands for",                     client_role_rows },
    { "immutable", "tags that stay as they are: rules by pattern",             client_immutable_rows },
    { "hold",   "images that nobody may delete, and why",                      client_hold_rows },
    { "purge",  "take leaked secrets away at once",                            client_purge_rows },
    { "token",  "personal access tokens",                                      client_token_rows },
    { "service", "service accounts for machines, and their secrets",           client_service_rows },
    { "webhook", "calls of others when something happens here",                client_webhook_rows },
    { "audit",  "what was done and what was refused, by whom",                 client_audit_rows },
    { "events", "what happened in repositories: pushes, pulls, deletions",    client_events_rows },
    { "jobs",   "the registry's own work: list, start, cancel",                client_jobs_rows, true },
    { "joblogs", "what a job says",                                            client_joblogs_rows },
    { "crons",  "schedules of the registry's own work",                        client_crons_rows, true },
    { "api",    "send any request with the log-in's credentials",              client_api_rows },
    { 0 },
};
/* clang-format on */
