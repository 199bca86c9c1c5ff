/* client/rows_image.c: what lies in a registry: list, look, delete, bring back. The words are those of Docker's plugin
 * `docker registry`. */
#include "client/rows.h"

#include <stddef.h>

#include "client/image.h"

/* clang-format off */
static const struct client_option history_options[] = {
    { "--moves", NULL, CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "who moved the tag when, from which digest to which" },
    { 0 },
};
static const struct client_option undelete_options[] = {
    { "--list",      NULL, CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "list tags of REPO that can be brought back" },
    { "--manifests", NULL, CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "list manifests of REPO that can be brought back" },
    { 0 },
};
static const struct client_option size_options[] = {
    { "--below", NULL, CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "PLACE is a prefix: all repositories at and below it" },
    { 0 },
};

const struct client_command client_ls_rows[] = {
    { .name = "ls", .args = "[PLACE]", .summary = "List repositories, those of a namespace, or the tags of one",
      .run = client_ls,
      .examples = "assay ls\nassay ls acme\nassay ls acme/shop/web -o json | jq -r '.[].name'" },
    { 0 },
};
const struct client_command client_inspect_rows[] = {
    { .name = "inspect", .args = "IMAGE", .summary = "Show a repository, or what a tag or digest names, platform by platform",
      .run = client_inspect,
      .more = "IMAGE is REPO, REPO:TAG or REPO@DIGEST.",
      .examples = "assay inspect acme/shop/web\nassay inspect acme/shop/web:v1 -o json" },
    { 0 },
};
const struct client_command client_history_rows[] = {
    { .name = "history", .args = "IMAGE", .summary = "Show the lines that made an image, with the sizes of their layers",
      .options = history_options, .run = client_history,
      .more = "IMAGE is REPO:TAG or REPO@DIGEST.",
      .examples = "assay history acme/shop/web:v1\nassay history acme/shop/web:v1 --moves" },
    { 0 },
};
const struct client_command client_rmi_rows[] = {
    { .name = "rmi", .args = "IMAGE", .summary = "Delete a tag, or a manifest with its tags, and say what comes free when",
      .run = client_rmi,
      .more = "IMAGE is REPO:TAG or REPO@DIGEST. Until the undelete window ends, `assay undelete` brings it back.",
      .examples = "assay rmi acme/shop/web:old" },
    { 0 },
};
const struct client_command client_undelete_rows[] = {
    { .name = "undelete", .args = "IMAGE", .summary = "Bring back a tag, a manifest or a repository that was deleted",
      .options = undelete_options, .run = client_undelete,
      .more = "IMAGE is REPO, REPO:TAG or REPO@DIGEST.",
      .examples = "assay undelete acme/shop/web:old\nassay undelete acme/shop/web --list\nassay undelete acme/shop/web" },
    { 0 },
};
const struct client_command client_size_rows[] = {
    { .name = "size", .args = "[PLACE]", .summary = "Show how large a repository or all at a prefix are, what is shared, what comes free",
      .options = size_options, .run = client_size,
      .more = "PLACE is a repository, a namespace, or with --below any prefix; without one it is the registry.",
      .examples = "assay size acme\nassay size acme/shop/web\nassay size acme/shop --below -o json" },
    { 0 },
};
const struct client_command client_info_rows[] = {
    { .name = "info", .args = "", .summary = "Show what registry it is, how it is, and who asks",
      .run = client_info,
      .examples = "assay info" },
    { 0 },
};

static const struct client_column found_columns[] = {
    { "NAME", "name", CLIENT_AS_IS }, { "DESCRIPTION", "description", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_search_rows[] = {
    { .name = "search", .args = "TEXT", .summary = "Find repositories by any part of their name",
      .method = "GET", .path = "/api/v0/index/dockersearch?q={TEXT}",
      .list = "results", .paging = CLIENT_WHOLE, .columns = found_columns,
      .examples = "assay search web" },
    { 0 },
};
/* clang-format on */
