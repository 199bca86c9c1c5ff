/* client/rows_repo.c: repositories, and the roles that grants give on them. */
#include "client/rows.h"

#include <stddef.h>

/* clang-format off */

/* -- repositories ------------------------------------------------------------------------------------- */

#define REPO_SETTINGS \
    { "--description",    "TEXT", CLIENT_TEXT,   CLIENT_IN_BODY, "shortDescription", NULL,          "one line" }, \
    { "--readme",         "FILE", CLIENT_FILE,   CLIENT_IN_BODY, "longDescription",  NULL,          "the long description, as Markdown; - is standard input" }, \
    { "--public",         NULL,   CLIENT_FLAG,   CLIENT_IN_BODY, "visibility",       "\"public\"",  "anyone may see it and pull from it" }, \
    { "--private",        NULL,   CLIENT_FLAG,   CLIENT_IN_BODY, "visibility",       "\"private\"", "only who was granted something" }, \
    { "--immutable-tags", NULL,   CLIENT_FLAG,   CLIENT_IN_BODY, "immutableTags",    "true",        "a tag that is set stays" }, \
    { "--mutable-tags",   NULL,   CLIENT_FLAG,   CLIENT_IN_BODY, "immutableTags",    "false",       "tags may be moved" }, \
    { "--scan-on-push",   NULL,   CLIENT_FLAG,   CLIENT_IN_BODY, "scanOnPush",       "true",        "look at each image that is pushed" }, \
    { "--tag-limit",      "N",    CLIENT_NUMBER, CLIENT_IN_BODY, "tagLimit",         NULL,          "keep the N newest tags; 0 is all" }

static const struct client_option repo_options[] = { REPO_SETTINGS, { 0 } };

static const struct client_column repo_columns[] = {
    { "NAME", "{namespace}/{name}", CLIENT_AS_IS }, { "VISIBILITY", "visibility", CLIENT_AS_IS },
    { "PULLS", "pulls", CLIENT_AS_IS }, { "PUSHES", "pushes", CLIENT_AS_IS },
    { "DESCRIPTION", "shortDescription", CLIENT_AS_IS }, { 0 },
};

static const struct client_column repo_details[] = {
    { "NAME", "{namespace}/{name}", CLIENT_AS_IS }, { "VISIBILITY", "visibility", CLIENT_AS_IS },
    { "DESCRIPTION", "shortDescription", CLIENT_AS_IS }, { "IMMUTABLE TAGS", "immutableTags", CLIENT_AS_IS },
    { "SCAN ON PUSH", "scanOnPush", CLIENT_AS_IS }, { "TAG LIMIT", "tagLimit", CLIENT_AS_IS },
    { "PULLS", "pulls", CLIENT_AS_IS }, { "PUSHES", "pushes", CLIENT_AS_IS }, { "ID", "id", CLIENT_AS_IS }, { 0 },
};

static const struct client_column repo_team_columns[] = {
    { "TEAM", "team.name", CLIENT_AS_IS }, { "LEVEL", "accessLevel", CLIENT_AS_IS }, { 0 },
};

static const struct client_column tag_columns[] = {
    { "TAG", "name", CLIENT_AS_IS }, { "DIGEST", "digest", CLIENT_AS_IS }, { "SIZE", "manifest.size", CLIENT_AS_IS },
    { "UPDATED", "updatedAt", CLIENT_TIME }, { "BY", "author", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_repo_rows[] = {
    { .name = "repo list", .args = "[NAMESPACE]", .summary = "List repositories that one may see",
      .method = "GET", .path = "/api/v0/repositories[/{NAMESPACE}]",
      .list = "repositories", .paging = CLIENT_BY_PAGE_START, .columns = repo_columns,
      .examples = "assay repo list\nassay repo list acme --limit 20" },
    { .name = "repo show", .args = "REPO", .summary = "Show a repository",
      .method = "GET", .path = "/api/v0/repositories/{+REPO}", .columns = repo_details,
      .examples = "assay repo show acme/shop/web\nassay repo show acme/shop/web -o json | jq -r .longDescription" },
    { .name = "repo create", .args = "NAMESPACE/REPO", .summary = "Make a repository, private unless --public is given",
      .method = "POST", .path = "/api/v0/repositories/{NAMESPACE}", .body = "name=REPO", .options = repo_options,
      .done = "made repository {NAMESPACE}/{REPO}",
      .more = "A namespace is an account: one's own, or an organisation's. A push makes a repository too where that is allowed.",
      .examples = "assay repo create acme/shop/web --description 'the web shop'\nassay repo create acme/base --public --readme README.md" },
    { .name = "repo set", .args = "REPO", .summary = "Change a repository",
      .method = "PATCH", .path = "/api/v0/repositories/{+REPO}", .has_body = true, .options = repo_options,
      .done = "changed repository {REPO}",
      .examples = "assay repo set acme/base --public\nassay repo set acme/base --readme README.md --immutable-tags" },
    { .name = "repo teams", .args = "REPO", .summary = "List teams with a grant on the repository itself",
      .method = "GET", .path = "/api/v0/repositories/{+REPO}/teamAccess",
      .list = "teamAccessList", .paging = CLIENT_BY_PAGE_START, .columns = repo_team_columns,
      .more = "Grants on what lies above it reach it too: `assay grant who` says who can do something, and why.",
      .examples = "assay repo teams acme/base" },
    { .name = "repo tags", .args = "REPO", .summary = "List tags of a repository",
      .method = "GET", .path = "/api/v0/repositories/{+REPO}/tags",
      .list = "", .paging = CLIENT_BY_PAGE_START, .columns = tag_columns,
      .examples = "assay repo tags acme/base\nassay repo tags acme/base -o json | jq -r '.[].name'" },
    { .name = "repo untag", .args = "REPO TAG", .summary = "Delete a tag",
      .method = "DELETE", .path = "/api/v0/repositories/{+REPO}/tags/{TAG}", .done = "deleted tag {TAG} of {REPO}",
      .examples = "assay repo untag acme/base old" },
    { .name = "repo delete", .args = "REPO", .summary = "Delete a repository with all that is in it",
      .method = "DELETE", .path = "/api/v0/repositories/{+REPO}", .done = "deleted repository {REPO}",
      .examples = "assay repo delete acme/old" },
    { 0 },
};

/* -- roles -------------------------------------------------------------------------------------------- */

static const struct client_option role_create_options[] = {
    { "--verbs",       "VERB,…", CLIENT_WORDS, CLIENT_IN_BODY, "verbs",       NULL, "what it allows; `assay role list` shows the words" },
    { "--description", "TEXT",   CLIENT_TEXT,  CLIENT_IN_BODY, "description", NULL, "for people" },
    { 0 },
};

static const struct client_column role_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "BUILT IN", "builtIn", CLIENT_AS_IS },
    { "VERBS", "verbs", CLIENT_AS_IS }, { "DESCRIPTION", "description", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_role_rows[] = {
    { .name = "role list", .args = "", .summary = "List roles and what they allow",
      .method = "GET", .path = "/api/v1/roles",
      .list = "roles", .paging = CLIENT_BY_PAGE_START, .columns = role_columns,
      .examples = "assay role list" },
    { .name = "role show", .args = "ROLE", .summary = "Show a role",
      .method = "GET", .path = "/api/v1/roles/{ROLE}", .columns = role_columns,
      .examples = "assay role show pusher" },
    { .name = "role create", .args = "ROLE", .summary = "Make a role of one's own",
      .method = "POST", .path = "/api/v1/roles", .body = "name=ROLE", .options = role_create_options,
      .done = "made role {ROLE}",
      .examples = "assay role create releaser --verbs pull,push,create-tag --description 'makes tags, moves none'" },
    { .name = "role set", .args = "ROLE", .summary = "Change a role of one's own",
      .method = "PATCH", .path = "/api/v1/roles/{ROLE}", .has_body = true, .options = role_create_options,
      .done = "changed role {ROLE}",
      .examples = "assay role set releaser --verbs pull,push,create-tag,scan" },
    { .name = "role delete", .args = "ROLE", .summary = "Delete a role that no grant names",
      .method = "DELETE", .path = "/api/v1/roles/{ROLE}", .done = "deleted role {ROLE}",
      .examples = "assay role delete releaser" },
    { 0 },
};
/* clang-format on */
