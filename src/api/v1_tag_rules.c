/* api/v1_tag_rules.c: rules about which tags stay as they are, at the whole registry, a namespace, a prefix or a
 * repository: made, listed and taken away by those who manage policies there; and what all of them come to for a
 * repository and a tag, with the level that each part came from. */
#include "api/call.h"
#include "api/list.h"
#include "api/pages.h"
#include "api/place.h"
#include "base/mem.h"
#include "oci/name.h"
#include "work/tag_limit.h"
#include "work/tag_rule.h"

struct rule {
    struct str id;
    struct str path;
    struct str effect;
    struct str syntax;
    struct str pattern;
    struct str except;
    bool       may_loosen;
    struct str created_at;
};

struct rule_form {
    struct str path;
    struct str effect;
    struct str syntax;
    struct str pattern;
    struct str except;
    bool       may_loosen;
};

/* A rule in the policy of a repository. */
struct part {
    struct rule rule;
    struct str  level;
    bool        has_tag;
    bool        fits;
    struct str  lifted_by;
};

struct because {
    struct str kind;
    struct str level;
    struct str id;
    struct str path;
    struct str pattern;
    struct str reason;
    struct str owner;
    struct str until;
};

struct policy {
    struct str       repository;
    struct str       tag;
    bool             immutable_tags;
    int64_t          tag_limit;
    struct str       tag_limit_keep;
    struct json_list rules;
    bool             has_tag;
    bool             may_move;
    bool             may_delete;
    bool             has_because;
    struct because   because;
};

/* clang-format off */
#define RULE_FIELDS(type, in) \
    { .name = "id",        .kind = JSON_STRING, .offset = JSON_AT(type, in id, struct str) }, \
    { .name = "path",      .kind = JSON_STRING, .offset = JSON_AT(type, in path, struct str) }, \
    { .name = "effect",    .kind = JSON_STRING, .offset = JSON_AT(type, in effect, struct str) }, \
    { .name = "syntax",    .kind = JSON_STRING, .offset = JSON_AT(type, in syntax, struct str) }, \
    { .name = "pattern",   .kind = JSON_STRING, .offset = JSON_AT(type, in pattern, struct str) }, \
    { .name = "except",    .kind = JSON_STRING, .offset = JSON_AT(type, in except, struct str) }, \
    { .name = "mayLoosen", .kind = JSON_BOOL,   .offset = JSON_AT(type, in may_loosen, bool) }, \
    { .name = "createdAt", .kind = JSON_STRING, .offset = JSON_AT(type, in created_at, struct str) }

static const struct json_field rule_fields[] = { RULE_FIELDS(struct rule, ) };
static const struct json_table rule_table = {
    .name = "TagRule", .size = sizeof(struct rule), .fields = rule_fields, .n_fields = ARRAY_LEN(rule_fields),
};

static const struct json_field form_fields[] = {
    { .name = "path",      .kind = JSON_STRING, .offset = JSON_AT(struct rule_form, path, struct str),    .flags = JSON_REQUIRED },
    { .name = "effect",    .kind = JSON_STRING, .offset = JSON_AT(struct rule_form, effect, struct str) },
    { .name = "syntax",    .kind = JSON_STRING, .offset = JSON_AT(struct rule_form, syntax, struct str) },
    { .name = "pattern",   .kind = JSON_STRING, .offset = JSON_AT(struct rule_form, pattern, struct str), .flags = JSON_REQUIRED },
    { .name = "except",    .kind = JSON_STRING, .offset = JSON_AT(struct rule_form, except, struct str) },
    { .name = "mayLoosen", .kind = JSON_BOOL,   .offset = JSON_AT(struct rule_form, may_loosen, bool) },
};
static const struct json_table form_table = {
    .name = "CreateTagRule", .size = sizeof(struct rule_form), .fields = form_fields, .n_fields = ARRAY_LEN(form_fields),
};

static const struct json_field part_fields[] = {
    RULE_FIELDS(struct part, rule.),
    { .name = "level",    .kind = JSON_STRING, .offset = JSON_AT(struct part, level, struct str) },
    { .name = "fits",     .kind = JSON_BOOL,   .offset = JSON_AT(struct part, fits, bool),
      .has_offset = JSON_AT(struct part, has_tag, bool) },
    { .name = "liftedBy", .kind = JSON_STRING, .offset = JSON_AT(struct part, lifted_by, struct str), .flags = JSON_OMIT },
};
static const struct json_table part_table = {
    .name = "TagPolicyRule", .size = sizeof(struct part), .fields = part_fields, .n_fields = ARRAY_LEN(part_fields),
};

static const struct json_field because_fields[] = {
    { .name = "kind",    .kind = JSON_STRING, .offset = JSON_AT(struct because, kind, struct str) },
    { .name = "level",   .kind = JSON_STRING, .offset = JSON_AT(struct because, level, struct str) },
    { .name = "id",      .kind = JSON_STRING, .offset = JSON_AT(struct because, id, struct str),      .flags = JSON_OMIT },
    { .name = "path",    .kind = JSON_STRING, .offset = JSON_AT(struct because, path, struct str) },
    { .name = "pattern", .kind = JSON_STRING, .offset = JSON_AT(struct because, pattern, struct str), .flags = JSON_OMIT },
    { .name = "reason",  .kind = JSON_STRING, .offset = JSON_AT(struct because, reason, struct str),  .flags = JSON_OMIT },
    { .name = "owner",   .kind = JSON_STRING, .offset = JSON_AT(struct because, owner, struct str),   .flags = JSON_OMIT },
    { .name = "until",   .kind = JSON_STRING, .offset = JSON_AT(struct because, until, struct str),   .flags = JSON_OMIT },
};
static const struct json_table because_table = {
    .name = "ChangeRefusal", .size = sizeof(struct because), .fields = because_fields, .n_fields = ARRAY_LEN(because_fields),
};

static const struct json_field policy_fields[] = {
    { .name = "repository",    .kind = JSON_STRING,  .offset = JSON_AT(struct policy, repository, struct str) },
    { .name = "tag",           .kind = JSON_STRING,  .offset = JSON_AT(struct policy, tag, struct str), .flags = JSON_OMIT },
    { .name = "immutableTags", .kind = JSON_BOOL,    .offset = JSON_AT(struct policy, immutable_tags, bool) },
    { .name = "tagLimit",      .kind = JSON_INTEGER, .offset = JSON_AT(struct policy, tag_limit, int64_t) },
    { .name = "tagLimitKeep",  .kind = JSON_STRING,  .offset = JSON_AT(struct policy, tag_limit_keep, struct str) },
    { .name = "rules",         .kind = JSON_LIST,    .offset = JSON_AT(struct policy, rules, struct json_list), .table = &part_table },
    { .name = "mayMove",       .kind = JSON_BOOL,    .offset = JSON_AT(struct policy, may_move, bool),
      .has_offset = JSON_AT(struct policy, has_tag, bool) },
    { .name = "mayDelete",     .kind = JSON_BOOL,    .offset = JSON_AT(struct policy, may_delete, bool),
      .has_offset = JSON_AT(struct policy, has_tag, bool) },
    { .name = "because",       .kind = JSON_OBJECT,  .offset = JSON_AT(struct policy, because, struct because), .table = &because_table,
      .has_offset = JSON_AT(struct policy, has_because, bool) },
};
static const struct json_table policy_table = {
    .name = "TagPolicy", .size = sizeof(struct policy), .fields = policy_fields, .n_fields = ARRAY_LEN(policy_fields),
};
/* clang-format on */

struct limit_form {
    struct str repository;
    int64_t    limit;
    struct str keep;
};

/* clang-format off */
static const struct json_field limit_fields[] = {
    { .name = "repository", .kind = JSON_STRING,  .offset = JSON_AT(struct limit_form, repository, struct str), .flags = JSON_REQUIRED },
    { .name = "limit",      .kind = JSON_INTEGER, .offset = JSON_AT(struct limit_form, limit, int64_t),         .flags = JSON_REQUIRED },
    { .name = "keep",       .kind = JSON_STRING,  .offset = JSON_AT(struct limit_form, keep, struct str) },
};
static const struct json_table limit_table = {
    .name = "TagLimit", .size = sizeof(struct limit_form), .fields = limit_fields, .n_fields = ARRAY_LEN(limit_fields),
};
/* clang-format on */

static struct rule rule_of(struct arena *arena, const struct meta_tag_rule *row)
{
    return (struct rule){ .id         = row->uuid,
                          .path       = row->path,
                          .effect     = row->effect,
                          .syntax     = row->syntax,
                          .pattern    = row->pattern,
                          .except     = row->but_not,
                          .may_loosen = row->may_loosen != 0,
                          .created_at = api_time(arena, row->created_at) };
}

/* -- one ---------------------------------------------------------------------------------------------- */

static int create_rule(struct api_call *call, struct err *err)
{
    struct rule_form     form = { 0 };
    struct auth_repo     place;
    struct meta_tag_rule row;

    if (api_body(call, &form, err) < 0)
        return -1;
    int may = api_place_open(call, form.path, AUTH_POLICIES, "policies", &place, err);
    if (may < 1)
        return may;
    row = (struct meta_tag_rule){ .effect     = form.effect,
                                  .syntax     = form.syntax,
                                  .pattern    = form.pattern,
                                  .but_not    = form.except,
                                  .may_loosen = form.may_loosen };
    if (work_tag_rule_add(call->work, call->arena, &call->actor, &place, &row, &row, err) < 0)
        return -1;
    struct rule rule = rule_of(call->arena, &row);
    return api_reply_value(call, &rule, err);
}

/* The rule in the path and its place: 1, 0 it is answered, -1. Where the place is hidden the rule is not there either. */
static int open_rule(struct api_call *call, enum auth_verb verb, const char *needs,
                     struct meta_tag_rule *out, struct auth_repo *place, struct err *err)
{
    enum auth_verdict verdict;

    if (work_tag_rule_get(call->work, call->arena, api_hole(call, "rule"), out, err) < 0 ||
        auth_prefix_open(call->auth, call->arena, &call->caller, out->path, verb, place, &verdict,
                         err) < 0)
        return -1;
    if (verdict == AUTH_HIDDEN)
        return work_tag_rule_absent(out->uuid, err);
    call->path = out->path;
    if (verdict != AUTH_YES)
        api_deny(call, verdict, needs);
    return verdict == AUTH_YES;
}

static int get_rule(struct api_call *call, struct err *err)
{
    struct meta_tag_rule row;
    struct auth_repo     ignored_place; /* only whether it may be seen */
    int                  may = open_rule(call, AUTH_VIEW, "view", &row, &ignored_place, err);

    if (may < 1)
        return may;
    struct rule rule = rule_of(call->arena, &row);
    return api_reply_value(call, &rule, err);
}

static int delete_rule(struct api_call *call, struct err *err)
{
    struct meta_tag_rule row;
    struct auth_repo     place;
    int                  may = open_rule(call, AUTH_POLICIES, "policies", &row, &place, err);

    if (may < 1)
        return may;
    if (work_tag_rule_remove(call->work, call->arena, &call->actor, &place, row.uuid, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* -- the list ----------------------------------------------------------------------------------------- */

static int read_rules(struct api_call *call, const void *what, struct arena *arena,
                      struct str after, size_t n_max, void **out, size_t *n_out, struct err *err)
{
    struct meta_tag_rule *rows;
    int64_t               id = 0;

    if (after.p != NULL && !str_to_int(after, &id))
        return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", after,
                            "pageStart: is not the start of a page of this list");
    if (work_tag_rule_page(call->work, arena, *(const struct str *)what, id, n_max, &rows, n_out,
                           err) < 0)
        return -1;
    *out = rows;
    return 0;
}

static struct str rule_key(struct arena *arena, const void *row)
{
    return str_from(mem_printf(arena, "%lld", (long long)((const struct meta_tag_rule *)row)->id));
}

static void write_rule(struct api_call *call, struct json_write *w, const void *row)
{
    struct rule rule = rule_of(call->arena, row);

    json_write_table(w, &rule_table, &rule);
}

static const struct api_pages rule_pages = {
    .read = read_rules, .size = sizeof(struct meta_tag_rule), .key = rule_key, .write = write_rule
};

static int list_rules(struct api_call *call, struct err *err)
{
    return api_place_list(call, &rule_pages, "rules", AUTH_VIEW, "view", err);
}

/* -- what they come to -------------------------------------------------------------------------------- */

static struct because because_of(struct arena *arena, const struct work_rule *rule)
{
    return (struct because){ .kind    = str_from(rule->kind),
                             .level   = str_from(rule->level),
                             .id      = rule->id,
                             .path    = rule->path,
                             .pattern = rule->pattern,
                             .reason  = rule->reason,
                             .owner   = rule->owner,
                             .until   = rule->until == INT64_MAX ? STR_NULL
                                                                 : api_time(arena, rule->until) };
}

static struct json_list parts_of(struct arena *arena, const struct work_tag_policy *policy,
                                 bool has_tag)
{
    struct part *parts = mem_many(arena, policy->n_parts + 1, struct part);

    for (size_t i = 0; i < policy->n_parts; i++) {
        const struct work_tag_part *from = &policy->parts[i];

        parts[i] = (struct part){ .rule      = rule_of(arena, &from->rule),
                                  .level     = str_from(from->level),
                                  .has_tag   = has_tag,
                                  .fits      = from->fit.fits,
                                  .lifted_by = from->fit.lifted_by };
    }
    return (struct json_list){ .items = parts, .n = policy->n_parts };
}

static int read_question(struct api_call *call, struct str *out_repository, struct str *out_tag,
                         struct err *err)
{
    if (api_query_needed(call, "repository", out_repository, err) < 0 ||
        api_query(call, "tag", "INVALID_PARAMETERS", out_tag, err) < 0)
        return -1;
    if (out_tag->p == NULL || oci_tag_check(*out_tag, err) == 0)
        return 0;
    err->code = "INVALID_PARAMETERS";
    return -1;
}

static int get_policy(struct api_call *call, struct err *err)
{
    struct str             repository, tag;
    struct auth_repo       repo;
    struct work_tag_policy found;

    if (read_question(call, &repository, &tag, err) < 0)
        return -1;
    int may = api_place_open_repo(call, repository, AUTH_VIEW, "view", &repo, err);
    if (may < 1)
        return may;
    if (work_tag_policy_get(call->work, call->arena, &repo, tag, &found, err) < 0)
        return -1;
    struct policy policy = { .repository     = repository,
                             .tag            = tag,
                             .immutable_tags = found.immutable_tags,
                             .tag_limit      = found.tag_limit,
                             .tag_limit_keep = found.tag_limit_keep,
                             .rules          = parts_of(call->arena, &found, tag.p != NULL),
                             .has_tag        = tag.p != NULL,
                             .may_move       = found.may_move,
                             .may_delete     = found.may_delete,
                             .has_because =
                                 tag.p != NULL && !(found.may_move && found.may_delete) };
    if (policy.has_because)
        policy.because = because_of(call->arena, &found.why_not);
    return api_reply_value(call, &policy, err);
}

static int put_limit(struct api_call *call, struct err *err)
{
    struct limit_form form = { 0 };
    struct auth_repo  repo;

    if (api_body(call, &form, err) < 0)
        return -1;
    int may = api_place_open_repo(call, form.repository, AUTH_MANAGE, "manage", &repo, err);
    if (may < 1)
        return may;
    if (form.keep.p == NULL)
        form.keep = STR("");
    if (work_tag_limit_set(call->work, call->arena, &call->actor, &repo, form.limit, form.keep,
                           err) < 0)
        return -1;
    return api_reply_value(call, &form, err);
}

/* clang-format off */
static const struct api_param policy_params[] = {
    { "repository", "string", "which repository", true },
    { "tag",        "string", "says whether this tag, which need not be there, may be moved and deleted, and which rule forbids it" },
    { 0 },
};

const struct api_route api_v1_tag_rules_routes[] = {
    { .name = "tag_rule.list",   .method = HTTP_GET,    .path = "/api/v1/tag-rules",
      .may = API_MAY_USER, .family = API_OURS, .says = "Rules about which tags are immutable, at a prefix and below it",
      .gives = &rule_table, .list = "rules", .query = api_place_params,
      .run = list_rules },
    { .name = "tag_rule.create", .method = HTTP_POST,   .path = "/api/v1/tag-rules",
      .may = API_MAY_USER, .family = API_OURS, .changes = true,
      .says = "Make the tags that fit a pattern immutable, at a path and below it; or mutable again, where the rules above allow it",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &form_table, .gives = &rule_table, .status = 201,
      .run = create_rule },
    { .name = "tag_rule.get",    .method = HTTP_GET,    .path = "/api/v1/tag-rules/{rule}",
      .may = API_MAY_USER, .family = API_OURS, .says = "A rule about tags",
      .gives = &rule_table,
      .run = get_rule },
    { .name = "tag_rule.delete", .method = HTTP_DELETE, .path = "/api/v1/tag-rules/{rule}",
      .may = API_MAY_USER, .family = API_OURS, .says = "Take a rule about tags away", .changes = true,
      .run = delete_rule },
    { .name = "tag_limit.put",   .method = HTTP_PUT,    .path = "/api/v1/tag-limits",
      .may = API_MAY_USER, .family = API_OURS, .changes = true,
      .says = "How many tags a repository may have, 0 for any; the oldest go, those that fit the pattern neither go nor count",
      .body = HTTP_BODY_WHOLE, .limit = API_BODY_MAX, .takes = &limit_table, .gives = &limit_table,
      .run = put_limit },
    { .name = "tag_policy.get",  .method = HTTP_GET,    .path = "/api/v1/tag-policy",
      .may = API_MAY_USER, .family = API_OURS,
      .says = "What the rules about tags come to in a repository, with the level that each came from, and why a tag may not change",
      .gives = &policy_table, .query = policy_params,
      .run = get_policy },
    { 0 },
};
/* clang-format on */
