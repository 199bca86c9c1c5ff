/* client/rows_quota.c: quotas of bytes and tags. */
#include "client/rows.h"

#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "codec/text.h"

/* "*" is the whole registry. */
static void name_place(struct client_run *run)
{
    for (size_t i = 0; i < run->input.n_holes; i++) {
        if (str_is(run->input.holes[i].name, "PATH") && str_is(run->input.holes[i].value, "*"))
            run->input.holes[i].value = STR("");
    }
}

static int fill_place(struct client_run *run, struct err *err)
{
    (void)err;
    name_place(run);
    return 0;
}

static int fill_put(struct client_run *run, struct err *err)
{
    struct str text = client_given(&run->input, "--bytes");
    int64_t    bytes;

    name_place(run);
    client_body_add_text(run, "path", client_hole(&run->input, "PATH"));
    if (text.p == NULL)
        return 0;
    if (text_size_parse(text, &bytes, err) < 0)
        return err_wrap(err, "--bytes");
    client_body_add(run, "bytes", str_from(mem_printf(run->arena, "%lld", (long long)bytes)));
    return 0;
}

/* clang-format off */
static const struct client_option put_options[] = {
    { "--bytes", "SIZE", CLIENT_TEXT,   CLIENT_IN_CODE, NULL,          NULL, "at most so much: 500MiB, 2GiB, or bytes" },
    { "--tags",  "N",    CLIENT_NUMBER, CLIENT_IN_BODY, "tags",        NULL, "at most so many tags" },
    { "--warn",  "N",    CLIENT_NUMBER, CLIENT_IN_BODY, "warnPercent", NULL, "tell when N percent are used; 80 otherwise" },
    { 0 },
};

static const struct client_option list_options[] = {
    { "--prefix", "PREFIX", CLIENT_TEXT, CLIENT_IN_QUERY, "prefix", NULL, "at that prefix and below" },
    { 0 },
};

static const struct client_column quota_columns[] = {
    { "PATH", "path", CLIENT_AS_IS }, { "BYTES", "bytes", CLIENT_AS_IS }, { "USED", "usedBytes", CLIENT_AS_IS },
    { "TAGS", "tags", CLIENT_AS_IS }, { "USED TAGS", "usedTags", CLIENT_AS_IS }, { "WARN %", "warnPercent", CLIENT_AS_IS },
    { "NEAR", "isNear", CLIENT_AS_IS }, { 0 },
};

static const struct client_column show_columns[] = {
    { "PATH", "path", CLIENT_AS_IS },
    { "BYTES LEFT", "bytes.left", CLIENT_AS_IS }, { "OF", "bytes.limit", CLIENT_AS_IS }, { "FROM QUOTA", "bytes.quota", CLIENT_AS_IS },
    { "TAGS LEFT", "tags.left", CLIENT_AS_IS }, { "OF TAGS", "tags.limit", CLIENT_AS_IS }, { "FROM TAG QUOTA", "tags.quota", CLIENT_AS_IS },
    { 0 },
};

static const struct client_column usage_columns[] = {
    { "PATH", "path", CLIENT_AS_IS }, { "BYTES", "bytes", CLIENT_AS_IS }, { "TAGS", "tags", CLIENT_AS_IS }, { 0 },
};

#define PLACE "PATH is a namespace, a prefix below one or a repository; '*' is the whole registry."

const struct client_command client_quota_rows[] = {
    { .name = "quota ls", .args = "", .summary = "List quotas and what is used of them",
      .method = "GET", .path = "/api/v1/quotas", .options = list_options,
      .list = "quotas", .paging = CLIENT_BY_PAGE_START, .columns = quota_columns,
      .examples = "assay quota ls\nassay quota ls --prefix acme" },
    { .name = "quota set", .args = "PATH", .summary = "Limit bytes or tags at a path and below",
      .method = "PUT", .path = "/api/v1/quotas", .has_body = true, .options = put_options, .fill = fill_put, .columns = quota_columns,
      .more = PLACE "\nEvery quota over a repository holds. What is not said has no limit.",
      .examples = "assay quota set acme --bytes 100GiB\nassay quota set acme/shop --bytes 20GiB --tags 500 --warn 90\nassay quota set '*' --bytes 2TiB" },
    { .name = "quota rm", .args = "PATH", .summary = "Take the quota of a path away",
      .method = "DELETE", .path = "/api/v1/quotas?path={PATH}", .fill = fill_place, .done = "the quota is gone",
      .more = PLACE,
      .examples = "assay quota rm acme/shop" },
    { .name = "quota show", .args = "PATH", .summary = "Show what may still be pushed at a path, and which quota says so",
      .method = "GET", .path = "/api/v1/quotas/effective?path={PATH}", .fill = fill_place, .columns = show_columns,
      .more = PLACE,
      .examples = "assay quota show acme/shop/web\nassay quota show acme/shop/web -o json" },
    { .name = "quota usage", .args = "PATH", .summary = "Add up what is kept at a path and below",
      .method = "GET", .path = "/api/v1/quotas/usage?path={PATH}", .fill = fill_place, .columns = usage_columns,
      .more = PLACE,
      .examples = "assay quota usage acme" },
    { 0 },
};
/* clang-format on */
