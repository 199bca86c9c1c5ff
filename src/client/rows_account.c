/* client/rows_account.c: people, organisations and teams: the accounts API. */
#include "client/login.h"
#include "client/rows.h"

#include <stddef.h>

/* clang-format off */

/* -- people ------------------------------------------------------------------------------------------- */

static const struct client_option user_list_options[] = {
    { "--admins",     NULL, CLIENT_FLAG, CLIENT_IN_QUERY, "filter", "admins",         "administrators of the registry only" },
    { "--non-admins", NULL, CLIENT_FLAG, CLIENT_IN_QUERY, "filter", "non-admins",     "the others only" },
    { "--active",     NULL, CLIENT_FLAG, CLIENT_IN_QUERY, "filter", "active-users",   "who may log in only" },
    { "--inactive",   NULL, CLIENT_FLAG, CLIENT_IN_QUERY, "filter", "inactive-users", "who may not only" },
    { 0 },
};

static const struct client_option user_create_options[] = {
    { "--full-name", "TEXT", CLIENT_TEXT, CLIENT_IN_BODY, "fullName", NULL,    "for people" },
    { "--admin",     NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isAdmin",  "true",  "an administrator of the whole registry" },
    { "--inactive",  NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isActive", "false", "may not log in yet" },
    { 0 },
};

static const struct client_option user_set_options[] = {
    { "--full-name", "TEXT", CLIENT_TEXT, CLIENT_IN_BODY, "fullName", NULL,    "for people" },
    { "--admin",     NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isAdmin",  "true",  "an administrator of the whole registry" },
    { "--no-admin",  NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isAdmin",  "false", "no longer" },
    { "--active",    NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isActive", "true",  "may log in" },
    { "--inactive",  NULL,   CLIENT_FLAG, CLIENT_IN_BODY, "isActive", "false", "may not log in; all that was handed out is void" },
    { 0 },
};

static const struct client_option password_options[] = {
    { "--password-stdin", NULL, CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "read from standard input, a line each: for oneself the current one, then the new one" },
    { 0 },
};

static const struct client_column user_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "FULL NAME", "fullName", CLIENT_AS_IS },
    { "ADMIN", "isAdmin", CLIENT_AS_IS }, { "ACTIVE", "isActive", CLIENT_AS_IS }, { 0 },
};

static const struct client_column user_details[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "FULL NAME", "fullName", CLIENT_AS_IS },
    { "ADMIN", "isAdmin", CLIENT_AS_IS }, { "ACTIVE", "isActive", CLIENT_AS_IS }, { "ID", "id", CLIENT_AS_IS }, { 0 },
};

static const struct client_column user_orgs_columns[] = {
    { "ORGANISATION", "org.name", CLIENT_AS_IS }, { "FULL NAME", "org.fullName", CLIENT_AS_IS },
    { "OWNER", "isAdmin", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_user_rows[] = {
    { .name = "user list", .args = "", .summary = "List accounts of people",
      .method = "GET", .path = "/enzi/v0/accounts", .query = "filter=users", .options = user_list_options,
      .list = "accounts", .paging = CLIENT_BY_START, .columns = user_columns,
      .examples = "assay user list\nassay user list --admins\nassay user list -o json | jq -r '.accounts[].name'" },
    { .name = "user show", .args = "NAME", .summary = "Show an account",
      .method = "GET", .path = "/enzi/v0/accounts/{NAME}", .columns = user_details,
      .examples = "assay user show alice" },
    { .name = "user create", .args = "NAME", .summary = "Make an account for a person",
      .method = "POST", .path = "/enzi/v0/accounts", .body = "name=NAME", .options = user_create_options, .secret = "password",
      .done = "made user {NAME}",
      .more = "The first password is asked for, or read from standard input; its owner changes it with\n`assay user password`.",
      .examples = "assay user create alice --full-name 'Alice Ames'\necho \"$FIRST\" | assay user create bob --password-stdin" },
    { .name = "user set", .args = "NAME", .summary = "Change an account",
      .method = "PATCH", .path = "/enzi/v0/accounts/{NAME}", .has_body = true, .options = user_set_options,
      .done = "changed user {NAME}",
      .examples = "assay user set alice --admin\nassay user set mallory --inactive" },
    { .name = "user password", .args = "[NAME]", .summary = "Change one's own password or, as an administrator, another's",
      .options = password_options, .run = client_password,
      .more = "All tokens and sessions of the account end. One's own log-in is renewed.",
      .examples = "assay user password\nassay user password alice\nprintf '%s\\n' \"$OLD\" \"$NEW\" | assay user password --password-stdin" },
    { .name = "user orgs", .args = "NAME", .summary = "List the organisations that somebody belongs to",
      .method = "GET", .path = "/enzi/v0/accounts/{NAME}/organizations",
      .list = "memberOrgs", .paging = CLIENT_BY_START, .columns = user_orgs_columns,
      .examples = "assay user orgs alice" },
    { .name = "user delete", .args = "NAME", .summary = "Delete an account, with all its tokens and grants",
      .method = "DELETE", .path = "/enzi/v0/accounts/{NAME}", .done = "deleted user {NAME}",
      .examples = "assay user delete mallory" },
    { 0 },
};

/* -- organisations ------------------------------------------------------------------------------------ */

static const struct client_option org_options[] = {
    { "--full-name", "TEXT", CLIENT_TEXT, CLIENT_IN_BODY, "fullName", NULL, "for people" },
    { 0 },
};

static const struct client_option org_settings_options[] = {
    { "--create-on-push",    NULL, CLIENT_FLAG, CLIENT_IN_BODY, "createRepositoryOnPush", "true",  "a push makes a repository that is not there, private" },
    { "--no-create-on-push", NULL, CLIENT_FLAG, CLIENT_IN_BODY, "createRepositoryOnPush", "false", "it does not" },
    { 0 },
};

static const struct client_column org_settings_columns[] = {
    { "CREATE ON PUSH", "createRepositoryOnPush", CLIENT_AS_IS }, { 0 },
};

static const struct client_option member_list_options[] = {
    { "--owners",     NULL, CLIENT_FLAG, CLIENT_IN_QUERY, "filter", "admins",     "owners only" },
    { "--non-owners", NULL, CLIENT_FLAG, CLIENT_IN_QUERY, "filter", "non-admins", "the others only" },
    { 0 },
};

static const struct client_option member_options[] = {
    { "--owner",    NULL, CLIENT_FLAG, CLIENT_IN_BODY, "isAdmin", "true",  "may do everything in the organisation" },
    { "--no-owner", NULL, CLIENT_FLAG, CLIENT_IN_BODY, "isAdmin", "false", "no longer" },
    { 0 },
};

static const struct client_column org_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "FULL NAME", "fullName", CLIENT_AS_IS },
    { "MEMBERS", "membersCount", CLIENT_AS_IS }, { "TEAMS", "teamsCount", CLIENT_AS_IS }, { 0 },
};

static const struct client_column org_details[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "FULL NAME", "fullName", CLIENT_AS_IS },
    { "MEMBERS", "membersCount", CLIENT_AS_IS }, { "TEAMS", "teamsCount", CLIENT_AS_IS }, { "ID", "id", CLIENT_AS_IS }, { 0 },
};

static const struct client_column member_columns[] = {
    { "NAME", "member.name", CLIENT_AS_IS }, { "FULL NAME", "member.fullName", CLIENT_AS_IS },
    { "OWNER", "isAdmin", CLIENT_AS_IS }, { "ACTIVE", "member.isActive", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_org_rows[] = {
    { .name = "org list", .args = "", .summary = "List organisations",
      .method = "GET", .path = "/enzi/v0/accounts", .query = "filter=orgs",
      .list = "accounts", .paging = CLIENT_BY_START, .columns = org_columns,
      .examples = "assay org list" },
    { .name = "org show", .args = "ORG", .summary = "Show an organisation",
      .method = "GET", .path = "/enzi/v0/accounts/{ORG}", .columns = org_details,
      .examples = "assay org show acme" },
    { .name = "org create", .args = "ORG", .summary = "Make an organisation; its name is a namespace for repositories",
      .method = "POST", .path = "/enzi/v0/accounts", .body = "name=ORG,isOrg:true", .options = org_options,
      .done = "made organisation {ORG}",
      .examples = "assay org create acme --full-name 'Acme Assayers'" },
    { .name = "org set", .args = "ORG", .summary = "Change an organisation",
      .method = "PATCH", .path = "/enzi/v0/accounts/{ORG}", .has_body = true, .options = org_options,
      .done = "changed organisation {ORG}",
      .examples = "assay org set acme --full-name 'Acme Assayers Ltd'" },
    { .name = "org settings", .args = "ORG", .summary = "Show or change what the owners decide for an organisation",
      .method = "PATCH", .path = "/api/v1/accounts/{ORG}/settings", .options = org_settings_options,
      .columns = org_settings_columns,
      .examples = "assay org settings acme\nassay org settings acme --create-on-push" },
    { .name = "org members", .args = "ORG", .summary = "List members of an organisation",
      .method = "GET", .path = "/enzi/v0/accounts/{ORG}/members", .options = member_list_options,
      .list = "members", .paging = CLIENT_BY_START, .columns = member_columns,
      .examples = "assay org members acme\nassay org members acme --owners" },
    { .name = "org add", .args = "ORG USER", .summary = "Make somebody a member, or change what a member is",
      .method = "PUT", .path = "/enzi/v0/accounts/{ORG}/members/{USER}", .has_body = true, .options = member_options,
      .done = "{USER} is a member of {ORG}",
      .examples = "assay org add acme alice --owner\nassay org add acme bob" },
    { .name = "org remove", .args = "ORG USER", .summary = "Remove a member from an organisation and all its teams",
      .method = "DELETE", .path = "/enzi/v0/accounts/{ORG}/members/{USER}", .done = "{USER} is no member of {ORG}",
      .examples = "assay org remove acme bob" },
    { .name = "org delete", .args = "ORG", .summary = "Delete an organisation",
      .method = "DELETE", .path = "/enzi/v0/accounts/{ORG}", .done = "deleted organisation {ORG}",
      .examples = "assay org delete acme" },
    { 0 },
};

/* -- teams -------------------------------------------------------------------------------------------- */

static const struct client_option team_options[] = {
    { "--description", "TEXT", CLIENT_TEXT, CLIENT_IN_BODY, "description", NULL, "for people" },
    { 0 },
};

static const struct client_option team_set_options[] = {
    { "--name",        "NAME", CLIENT_TEXT, CLIENT_IN_BODY, "name",        NULL, "a new name; grants stay" },
    { "--description", "TEXT", CLIENT_TEXT, CLIENT_IN_BODY, "description", NULL, "for people" },
    { 0 },
};

static const struct client_column team_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "MEMBERS", "membersCount", CLIENT_AS_IS },
    { "DESCRIPTION", "description", CLIENT_AS_IS }, { 0 },
};

static const struct client_column team_details[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "MEMBERS", "membersCount", CLIENT_AS_IS },
    { "DESCRIPTION", "description", CLIENT_AS_IS }, { "ID", "id", CLIENT_AS_IS }, { 0 },
};

static const struct client_column team_member_columns[] = {
    { "NAME", "member.name", CLIENT_AS_IS }, { "FULL NAME", "member.fullName", CLIENT_AS_IS },
    { "TEAM ADMIN", "isAdmin", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_team_rows[] = {
    { .name = "team list", .args = "ORG", .summary = "List teams of an organisation",
      .method = "GET", .path = "/enzi/v0/accounts/{ORG}/teams",
      .list = "teams", .paging = CLIENT_BY_START, .columns = team_columns,
      .examples = "assay team list acme" },
    { .name = "team show", .args = "ORG/TEAM", .summary = "Show a team",
      .method = "GET", .path = "/enzi/v0/accounts/{ORG}/teams/{TEAM}", .columns = team_details,
      .examples = "assay team show acme/builders" },
    { .name = "team create", .args = "ORG/TEAM", .summary = "Make a team",
      .method = "POST", .path = "/enzi/v0/accounts/{ORG}/teams", .body = "name=TEAM", .options = team_options,
      .done = "made team {ORG}/{TEAM}",
      .more = "What a team may do is said by grants: see `assay grant add --help`.",
      .examples = "assay team create acme/builders --description 'who may push'" },
    { .name = "team set", .args = "ORG/TEAM", .summary = "Change a team",
      .method = "PATCH", .path = "/enzi/v0/accounts/{ORG}/teams/{TEAM}", .has_body = true, .options = team_set_options,
      .done = "changed team {ORG}/{TEAM}",
      .examples = "assay team set acme/builders --name makers" },
    { .name = "team members", .args = "ORG/TEAM", .summary = "List members of a team",
      .method = "GET", .path = "/enzi/v0/accounts/{ORG}/teams/{TEAM}/members",
      .list = "members", .paging = CLIENT_BY_START, .columns = team_member_columns,
      .examples = "assay team members acme/builders" },
    { .name = "team add", .args = "ORG/TEAM USER", .summary = "Put somebody into a team, and so into its organisation",
      .method = "PUT", .path = "/enzi/v0/accounts/{ORG}/teams/{TEAM}/members/{USER}", .has_body = true,
      .done = "{USER} is in {ORG}/{TEAM}",
      .examples = "assay team add acme/builders alice" },
    { .name = "team remove", .args = "ORG/TEAM USER", .summary = "Take somebody out of a team",
      .method = "DELETE", .path = "/enzi/v0/accounts/{ORG}/teams/{TEAM}/members/{USER}", .done = "{USER} is not in {ORG}/{TEAM}",
      .examples = "assay team remove acme/builders alice" },
    { .name = "team delete", .args = "ORG/TEAM", .summary = "Delete a team and what was granted to it",
      .method = "DELETE", .path = "/enzi/v0/accounts/{ORG}/teams/{TEAM}", .done = "deleted team {ORG}/{TEAM}",
      .examples = "assay team delete acme/builders" },
    { 0 },
};
/* clang-format on */
