/* client/rows.h: the tables of commands, a file a noun; client/groups.c lists them. */
#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H

#include "client/command.h"

extern const struct client_command client_login_rows[];
extern const struct client_command client_logout_rows[];
extern const struct client_command client_whoami_rows[];
extern const struct client_command client_user_rows[];
extern const struct client_command client_org_rows[];
extern const struct client_command client_team_rows[];
extern const struct client_command client_repo_rows[];
extern const struct client_command client_ls_rows[];
extern const struct client_command client_inspect_rows[];
extern const struct client_command client_history_rows[];
extern const struct client_command client_search_rows[];
extern const struct client_command client_rmi_rows[];
extern const struct client_command client_undelete_rows[];
extern const struct client_command client_size_rows[];
extern const struct client_command client_info_rows[];
extern const struct client_command client_role_rows[];
extern const struct client_command client_grant_rows[];
extern const struct client_command client_quota_rows[];
extern const struct client_command client_immutable_rows[];
extern const struct client_command client_hold_rows[];
extern const struct client_command client_purge_rows[];
extern const struct client_command client_token_rows[];
extern const struct client_command client_service_rows[];
extern const struct client_command client_audit_rows[];
extern const struct client_command client_events_rows[];
extern const struct client_command client_jobs_rows[];
extern const struct client_command client_joblogs_rows[];
extern const struct client_command client_crons_rows[];
extern const struct client_command client_webhook_rows[];
extern const struct client_command client_api_rows[];

#endif
