/* work/tag_rule.c: rules for tags made and taken away, and what they come to. */
#include "work/tag_rule.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/pattern.h"
#include "meta/repo.h"
#include "meta/tag.h"
#include "work/access_private.h"
#include "work/work_private.h"

enum { TOLD_MAX = 4096 };

static struct str print(struct arena *arena, const struct meta_tag_rule *rule)
{
    struct json_write w;
    struct buf        text;

    buf_init(&text, arena, TOLD_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_str_at(&w, "path", rule->path);
    json_write_str_at(&w, "effect", rule->effect);
    json_write_str_at(&w, "syntax", rule->syntax);
    json_write_str_at(&w, "pattern", rule->pattern);
    json_write_str_at(&w, "except", rule->but_not);
    json_write_bool_at(&w, "mayLoosen", rule->may_loosen != 0);
    json_write_end(&w);
    return buf_view(&text);
}

static int record(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                  const char *type, const struct auth_repo *place, const struct meta_tag_rule *rule,
                  struct err *err)
{
    struct meta_event event = { .type        = type,
                                .repo_id     = place->id,
                                .path        = rule->path,
                                .object_kind = "tag-rule",
                                .object_name = rule->uuid,
                                .target      = rule->pattern };

    if (str_is(str_from(type), "TAG_RULE_CREATED"))
        event.after = print(arena, rule);
    else
        event.before = print(arena, rule);
    return meta_event_add(tx, actor, &event, err);
}

/* -- making ------------------------------------------------------------------------------------------- */

static struct str or_else(struct str text, const char *otherwise)
{
    return text.n > 0 ? text : str_from(otherwise);
}

static int check_pattern(const char *field, struct str syntax, struct str text, struct err *err)
{
    AUTO(pattern_free) struct pattern *pattern = NULL;
    enum pattern_syntax                which;
    struct err                         why;

    if (pattern_syntax_parse(syntax, &which) == 0)
        return work_bad_field("syntax", "is glob or regex", err);
    return pattern_new(which, text, &pattern, &why) < 0 ? work_bad_field(field, why.text, err) : 0;
}

static int check(const struct meta_tag_rule *rule, struct err *err)
{
    if (!str_is(rule->effect, "immutable") && !str_is(rule->effect, "mutable"))
        return work_bad_field("effect", "is immutable or mutable", err);
    if (check_pattern("pattern", rule->syntax, rule->pattern, err) < 0)
        return -1;
    return rule->but_not.n > 0 ? check_pattern("except", rule->syntax, rule->but_not, err) : 0;
}

/* One that makes tags mutable has an effect only below one that allows it: where there are others and none does, it is
 * refused rather than kept without effect. */
static int check_loosening(struct db_tx *tx, struct arena *arena, const struct meta_tag_rule *rule,
                           struct err *err)
{
    struct meta_tag_rule *rules;
    size_t                n;
    const char           *refuses = NULL;

    if (!str_is(rule->effect, "mutable"))
        return 0;
    if (meta_tag_rules_of(tx, arena, rule->path, &rules, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && rules[i].path.n < rule->path.n; i++) {
        if (!str_is(rules[i].effect, "immutable"))
            continue;
        if (rules[i].may_loosen != 0)
            return 0;
        refuses = str_dup(arena, rules[i].uuid);
    }
    if (refuses == NULL)
        return 0;
    return err_set_code(err, ERR_CONFLICT, "LOOSENING_REFUSED", rule->path,
                        "the rule %s above does not allow rules below to loosen it", refuses);
}

static int check_count(struct db_tx *tx, const struct meta_tag_rule *rule, struct err *err)
{
    int64_t n;

    if (meta_tag_rule_count(tx, rule->path, &n, err) < 0)
        return -1;
    if (n < WORK_TAG_RULES_A_PATH)
        return 0;
    return err_set_code(err, ERR_CONFLICT, "TOO_MANY_RULES", rule->path,
                        "there are %d rules at this path already", WORK_TAG_RULES_A_PATH);
}

int work_tag_rule_add(struct work *work, struct arena *arena, const struct meta_actor *actor,
                      const struct auth_repo *place, const struct meta_tag_rule *form,
                      struct meta_tag_rule *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    struct meta_tag_rule         rule = *form;

    rule.path    = place->path;
    rule.effect  = or_else(form->effect, "immutable");
    rule.syntax  = or_else(form->syntax, "glob");
    rule.but_not = or_else(form->but_not, "");
    if (check(&rule, err) < 0 || work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "add tag rule", &tx, err) < 0 ||
        meta_rules_lock(tx, err) < 0 || check_count(tx, &rule, err) < 0 ||
        check_loosening(tx, arena, &rule, err) < 0)
        return -1;
    if (meta_tag_rule_add(tx, arena, &rule, actor->account_id, &rule.uuid, err) < 0) {
        if (err->kind == ERR_EXISTS)
            err_set_code(err, ERR_EXISTS, "RULE_EXISTS", rule.pattern,
                         "the same rule stands there already");
        return -1;
    }
    rule.created_at = db_now(tx);
    if (record(tx, arena, actor, "TAG_RULE_CREATED", place, &rule, err) < 0 ||
        failpoint(FP_ACCESS_WRITTEN, err) < 0 || db_commit(&tx, err) < 0 ||
        failpoint(FP_ACCESS_CHANGED, err) < 0)
        return -1;
    *out = rule;
    return 0;
}

/* -- finding and taking away -------------------------------------------------------------------------- */

int work_tag_rule_absent(struct str uuid, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_RULE", uuid, "no rule " STR_FMT,
                        STR_ARGS(uuid));
}

static int get(struct db_tx *tx, struct arena *arena, struct str uuid, struct meta_tag_rule *out,
               struct err *err)
{
    int found = meta_tag_rule_find(tx, arena, uuid, out, err);

    return found == 0 ? work_tag_rule_absent(uuid, err) : found < 0 ? -1 : 0;
}

int work_tag_rule_get(struct work *work, struct arena *arena, struct str uuid,
                      struct meta_tag_rule *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_LOOK, "find tag rule", &tx, err) < 0)
        return -1;
    return get(tx, arena, uuid, out, err);
}

int work_tag_rule_remove(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct auth_repo *place, struct str uuid, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct meta_tag_rule         rule;
    int64_t                      n = 0;

    if (work_may_write(work, err) < 0 ||
        db_begin(work->db, DB_WRITE, "remove tag rule", &tx, err) < 0 ||
        meta_rules_lock(tx, err) < 0 || get(tx, arena, uuid, &rule, err) < 0)
        return -1;
    if (!str_eq(rule.path, place->path))
        return work_tag_rule_absent(uuid, err);
    if (meta_tag_rule_remove(tx, rule.id, &n, err) < 0 ||
        record(tx, arena, actor, "TAG_RULE_DELETED", place, &rule, err) < 0 ||
        failpoint(FP_ACCESS_WRITTEN, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_ACCESS_CHANGED, err);
}

int work_tag_rule_page(struct work *work, struct arena *arena, struct str prefix, int64_t after,
                       size_t n_max, struct meta_tag_rule **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list tag rules", &tx, err) < 0)
        return -1;
    return meta_tag_rule_page(tx, arena, prefix, after, n_max, out, n_out, err);
}

/* -- what they come to -------------------------------------------------------------------------------- */

static int fill_parts(struct work *work, struct db_tx *tx, struct arena *arena, struct str path,
                      struct str tag, struct work_tag_policy *out, struct err *err)
{
    struct meta_tag_rule *rules;
    size_t                n;

    if (meta_tag_rules_of(tx, arena, path, &rules, &n, err) < 0)
        return -1;
    struct work_rule_fit *fits = mem_many(arena, n + 1, struct work_rule_fit);
    if (tag.p != NULL && work_rules_fit(work, rules, n, tag, fits, err) < 0)
        return -1;
    out->parts   = mem_many(arena, n + 1, struct work_tag_part);
    out->n_parts = n;
    for (size_t i = 0; i < n; i++)
        out->parts[i] = (struct work_tag_part){ .rule  = rules[i],
                                                .level = work_rule_level(rules[i].path, path),
                                                .fit   = fits[i] };
    return 0;
}

/* The digest that the tag names, which holds and days are about; of a tag that is not there, none. */
static int digest_of(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str tag,
                     struct str *out, struct err *err)
{
    struct meta_tag row;
    int             found = meta_tag_find(tx, arena, repo_id, tag, &row, err);

    *out = found == 1 ? row.digest : STR("");
    return found < 0 ? -1 : 0;
}

static int fill_answers(struct work *work, struct db_tx *tx, struct arena *arena,
                        struct work_change change, struct work_tag_policy *out, struct err *err)
{
    int may;

    if (digest_of(tx, arena, change.repo_id, change.tag, &change.digest, err) < 0)
        return -1;
    change.kind = WORK_MOVE;
    may         = work_may_change(work, tx, arena, &change, &out->why_not, err);
    if (may < 0)
        return -1;
    out->may_move   = may == 1;
    change.kind     = WORK_DELETE;
    may             = work_may_change(work, tx, arena, &change, &out->why_not, err);
    out->may_delete = may == 1;
    return may < 0 ? -1 : 0;
}

int work_tag_policy_get(struct work *work, struct arena *arena, const struct auth_repo *repo,
                        struct str tag, struct work_tag_policy *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    struct work_tag_policy       policy = { 0 };
    struct meta_repo             row;

    if (db_begin(work->db, DB_READ, "show tag policy", &tx, err) < 0)
        return -1;
    int found = meta_repo_find_id(tx, arena, repo->id, &row, err);
    if (found == 0)
        return err_set_code(err, ERR_NOT_FOUND, "NAME_UNKNOWN", repo->path,
                            "no repository " STR_FMT, STR_ARGS(repo->path));
    if (found < 0 || fill_parts(work, tx, arena, row.path, tag, &policy, err) < 0)
        return -1;
    policy.immutable_tags = row.immutable_tags != 0;
    policy.tag_limit      = row.tag_limit;
    policy.tag_limit_keep = row.tag_limit_keep;

    struct work_change change = {
        .repo_id = row.id, .path = row.path, .immutable_tags = row.immutable_tags, .tag = tag
    };
    if (tag.p != NULL && fill_answers(work, tx, arena, change, &policy, err) < 0)
        return -1;
    *out = policy;
    return 0;
}
