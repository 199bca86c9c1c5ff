/* client/rows_hold.c: what may not change: tags that stay as they are, holds. */
#include "client/rows.h"

#include <stddef.h>

#include "base/err.h"
#include "client/run.h"

/* '*' is the whole registry. */
static struct str place_of(struct str word)
{
    return str_is(word, "*") ? STR("") : word;
}

static int fill_rule(struct client_run *run, struct err *err)
{
    (void)err;
    client_body_add_text(run, "path", place_of(client_hole(&run->input, "PLACE")));
    client_body_add_text(run, "pattern", client_hole(&run->input, "PATTERN"));
    return 0;
}

static int fill_limit(struct client_run *run, struct err *err)
{
    struct str limit = client_hole(&run->input, "N");
    int64_t    ignored_number; /* goes as it is */

    if (!str_to_int(limit, &ignored_number))
        return err_set(err, ERR_INVALID, "N is a number");
    client_body_add_text(run, "repository", client_hole(&run->input, "REPO"));
    client_body_add(run, "limit", limit);
    return 0;
}

/* REPO@DIGEST, DIGEST, REPO:TAG, else a prefix. */
static int fill_hold(struct client_run *run, struct err *err)
{
    struct str what  = client_hole(&run->input, "WHAT");
    ptrdiff_t  at    = str_find(what, '@');
    ptrdiff_t  colon = str_find_last(what, ':');

    (void)err;
    if (at >= 0) {
        client_body_add_text(run, "repository", str_sub(what, 0, (size_t)at));
        client_body_add_text(run, "digest", str_from_index(what, (size_t)at + 1));
    } else if (str_starts(what, STR("sha256:")) || str_starts(what, STR("sha512:"))) {
        client_body_add_text(run, "digest", what);
    } else if (colon >= 0) {
        client_body_add_text(run, "repository", str_sub(what, 0, (size_t)colon));
        client_body_add_text(run, "tag", str_from_index(what, (size_t)colon + 1));
    } else {
        client_body_add_text(run, "prefix", place_of(what));
    }
    return 0;
}

/* Taken away at once is taken away for good: --now says so, and without it the command only shows what would go. */
static int fill_purge(struct client_run *run, struct err *err)
{
    (void)err;
    client_body_add(run, "dryRun", client_has(&run->input, "--now") ? STR("false") : STR("true"));
    return 0;
}

/* clang-format off */
static const struct client_option place_options[] = {
    { "--prefix", "PREFIX", CLIENT_TEXT, CLIENT_IN_QUERY, "prefix", NULL, "at that prefix and below it; the whole registry without" },
    { 0 },
};

static const struct client_option rule_options[] = {
    { "--except",     "PATTERN", CLIENT_TEXT, CLIENT_IN_BODY, "except",    NULL,          "but not the tags that fit this one" },
    { "--regex",      NULL,      CLIENT_FLAG, CLIENT_IN_BODY, "syntax",    "\"regex\"",   "the patterns are regular expressions" },
    { "--mutable",    NULL,      CLIENT_FLAG, CLIENT_IN_BODY, "effect",    "\"mutable\"", "such tags may change again, where the rules above allow it" },
    { "--may-loosen", NULL,      CLIENT_FLAG, CLIENT_IN_BODY, "mayLoosen", "true",        "rules below may lift this one" },
    { 0 },
};

static const struct client_option limit_options[] = {
    { "--keep", "PATTERN", CLIENT_TEXT, CLIENT_IN_BODY, "keep", NULL, "tags that fit neither go nor count" },
    { 0 },
};

static const struct client_column limit_columns[] = {
    { "REPOSITORY", "repository", CLIENT_AS_IS }, { "LIMIT", "limit", CLIENT_AS_IS }, { "KEEP", "keep", CLIENT_AS_IS }, { 0 },
};

static const struct client_option why_options[] = {
    { "--tag", "TAG", CLIENT_TEXT, CLIENT_IN_QUERY, "tag", NULL, "may this tag be moved and deleted, and which rule forbids it" },
    { 0 },
};

static const struct client_option hold_options[] = {
    { "--reason",    "TEXT", CLIENT_TEXT,   CLIENT_IN_BODY, "reason",   NULL, "why; must be given" },
    { "--until",     "TIME", CLIENT_TEXT,   CLIENT_IN_BODY, "until",    NULL, "until when, such as 2027-01-31; until it is lifted without" },
    { "--keep-days", "N",    CLIENT_NUMBER, CLIENT_IN_BODY, "keepDays", NULL, "of a prefix: only so long since each push" },
    { 0 },
};

static const struct client_column rule_columns[] = {
    { "ID", "id", CLIENT_AS_IS }, { "PATH", "path", CLIENT_AS_IS }, { "EFFECT", "effect", CLIENT_AS_IS },
    { "SYNTAX", "syntax", CLIENT_AS_IS }, { "PATTERN", "pattern", CLIENT_AS_IS }, { "EXCEPT", "except", CLIENT_AS_IS },
    { "MAY LOOSEN", "mayLoosen", CLIENT_AS_IS }, { 0 },
};

static const struct client_column policy_columns[] = {
    { "REPOSITORY", "repository", CLIENT_AS_IS }, { "TAG", "tag", CLIENT_AS_IS },
    { "IMMUTABLE TAGS", "immutableTags", CLIENT_AS_IS }, { "TAG LIMIT", "tagLimit", CLIENT_AS_IS },
    { "MAY MOVE", "mayMove", CLIENT_AS_IS }, { "MAY DELETE", "mayDelete", CLIENT_AS_IS },
    { "BECAUSE", "{because.kind} {because.level} {because.path} {because.pattern}", CLIENT_AS_IS },
    { "RULES", "rules:{level} {path} {effect} {pattern} {id}", CLIENT_AS_IS }, { 0 },
};

static const struct client_column hold_columns[] = {
    { "ID", "id", CLIENT_AS_IS }, { "KIND", "kind", CLIENT_AS_IS }, { "PATH", "path", CLIENT_AS_IS }, { "TAG", "tag", CLIENT_AS_IS },
    { "DIGEST", "digest", CLIENT_AS_IS }, { "DAYS", "keepDays", CLIENT_AS_IS }, { "OWNER", "owner", CLIENT_AS_IS },
    { "UNTIL", "until", CLIENT_TIME }, { "REASON", "reason", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_immutable_rows[] = {
    { .name = "immutable list", .args = "", .summary = "List rules about which tags are immutable",
      .method = "GET", .path = "/api/v1/tag-rules", .options = place_options, .list = "rules", .paging = CLIENT_BY_PAGE_START,
      .columns = rule_columns,
      .examples = "assay immutable list\nassay immutable list --prefix acme/shop" },
    { .name = "immutable add", .args = "PLACE PATTERN", .summary = "Make the tags that fit a pattern immutable at a place and below",
      .method = "POST", .path = "/api/v1/tag-rules", .has_body = true, .options = rule_options, .fill = fill_rule,
      .columns = rule_columns,
      .more =
        "PLACE is a prefix such as acme or acme/shop, or a repository; '*' is the whole registry. In PATTERN * is any text,\n"
        "? one sign, [a-z] one of several, {a,b} one or the other.",
      .examples =
        "assay immutable add acme 'v*' --except '*-rc*'\n"
        "assay immutable add '*' 'release-[0-9]+' --regex --may-loosen\n"
        "assay immutable add acme/lab '*' --mutable" },
    { .name = "immutable remove", .args = "ID", .summary = "Take a rule away",
      .method = "DELETE", .path = "/api/v1/tag-rules/{ID}", .done = "removed rule {ID}",
      .more = "`assay immutable list` shows the ID.",
      .examples = "assay immutable remove 0197a1b2-0000-7000-8000-000000000000" },
    { .name = "immutable limit", .args = "REPO N", .summary = "Limit the tags of a repository: the oldest go; 0 for none",
      .method = "PUT", .path = "/api/v1/tag-limits", .has_body = true, .options = limit_options, .fill = fill_limit,
      .columns = limit_columns,
      .more = "What a rule or a hold keeps is passed over.",
      .examples = "assay immutable limit acme/shop/web 50 --keep 'v*'\nassay immutable limit acme/shop/web 0" },
    { .name = "immutable why", .args = "REPO", .summary = "Show what the rules come to in a repository, and why a tag may not change",
      .method = "GET", .path = "/api/v1/tag-policy?repository={REPO}", .options = why_options, .columns = policy_columns,
      .examples = "assay immutable why acme/shop/web\nassay immutable why acme/shop/web --tag v1.0" },
    { 0 },
};

const struct client_command client_hold_rows[] = {
    { .name = "hold list", .args = "", .summary = "List holds",
      .method = "GET", .path = "/api/v1/holds", .options = place_options, .list = "holds", .paging = CLIENT_BY_PAGE_START,
      .columns = hold_columns,
      .examples = "assay hold list\nassay hold list --prefix acme" },
    { .name = "hold add", .args = "WHAT", .summary = "Hold an image, so that nobody deletes it",
      .method = "POST", .path = "/api/v1/holds", .has_body = true, .options = hold_options, .fill = fill_hold,
      .columns = hold_columns,
      .more =
        "WHAT is REPO:TAG, REPO@DIGEST, a DIGEST wherever it is, or a prefix with all that is below it; '*' is the whole\n"
        "registry. What is held can be neither deleted, moved, collected nor purged.",
      .examples =
        "assay hold add acme/shop/web:v1.0 --reason 'case 4711'\n"
        "assay hold add acme/shop --reason audit --until 2027-01-31\n"
        "assay hold add acme --keep-days 30 --reason 'kept a month'" },
    { .name = "hold show", .args = "ID", .summary = "Show a hold",
      .method = "GET", .path = "/api/v1/holds/{ID}", .columns = hold_columns,
      .examples = "assay hold show 0197a1b2-0000-7000-8000-000000000000" },
    { .name = "hold lift", .args = "ID", .summary = "Lift a hold",
      .method = "DELETE", .path = "/api/v1/holds/{ID}", .done = "lifted hold {ID}",
      .more = "`assay hold list` shows the ID. A hold is its owner's to lift, or a system admin's.",
      .examples = "assay hold lift 0197a1b2-0000-7000-8000-000000000000" },
    { 0 },
};

static const struct client_option purge_options[] = {
    { "--now",    NULL,     CLIENT_FLAG, CLIENT_IN_CODE, NULL,     NULL, "do it; without, only show what would go" },
    { "--reason", "TEXT",   CLIENT_TEXT, CLIENT_IN_BODY, "reason", NULL, "why; must be given, and is on record" },
    { "--prefix", "PREFIX", CLIENT_TEXT, CLIENT_IN_BODY, "prefix", NULL, "only at that prefix and below it; everywhere without" },
    { 0 },
};

static const struct client_column purge_columns[] = {
    { "DIGEST", "digest", CLIENT_AS_IS }, { "DRY RUN", "dryRun", CLIENT_AS_IS }, { "MANIFESTS", "manifests", CLIENT_AS_IS },
    { "TAGS", "tags", CLIENT_AS_IS }, { "BYTES", "bytes", CLIENT_AS_IS },
    { "COPIES", "copies:{repository}@{digest} {tags}", CLIENT_AS_IS }, { "UNTAGGED IN", "repositories", CLIENT_AS_IS },
    { "BLOBS", "blobs:{digest} {size} {keptBy}", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_purge_rows[] = {
    { .name = "purge", .args = "DIGEST", .summary = "Take a leaked secret away: every copy at once, past undeleting",
      .method = "POST", .path = "/api/v1/purges", .body = "digest=DIGEST", .options = purge_options, .fill = fill_purge,
      .columns = purge_columns,
      .more =
        "DIGEST is that of a manifest, or of a blob with all images that have it. Every tag and copy is shown first: without\n"
        "--now nothing is changed. What is held refuses the whole of it. What other images need of it stays.",
      .examples =
        "assay purge sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef --reason 'key in layer 3'\n"
        "assay purge sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef --reason 'key in layer 3' --now" },
    { 0 },
};
/* clang-format on */
