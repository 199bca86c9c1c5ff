/* work/change.c: the rules about change, one after the other. */
#include "work/change.h"

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pattern.h"
#include "codec/text.h"
#include "meta/hold.h"
#include "meta/repo.h"
#include "meta/tag_rule.h"
#include "oci/name.h"
#include "work/work_private.h"

static const char *const done[] = { [WORK_CREATE]  = "created",
                                    [WORK_MOVE]    = "overwritten",
                                    [WORK_DELETE]  = "deleted",
                                    [WORK_COLLECT] = "collected",
                                    [WORK_PURGE]   = "purged" };

static const char immutable_repository[] = "immutable repository";
static const char immutable_tags[]       = "immutable tags";
static const char hold_kind[]            = "hold";
static const char keep_days[]            = "keep days";

const char *work_rule_level(struct str rule_path, struct str repo_path)
{
    if (rule_path.n == 0)
        return "instance";
    if (str_find(rule_path, '/') < 0)
        return "namespace";
    return str_eq(rule_path, repo_path) ? "repository" : "prefix";
}

/* -- rules for tags ----------------------------------------------------------------------------------- */

/* `if_limit`: what it counts as when the pattern asks for too much. */
static int fits(struct work *work, const struct meta_tag_rule *rule, struct str pattern,
                struct str tag, bool if_limit, bool *out, struct err *err)
{
    enum pattern_syntax  syntax;
    enum pattern_verdict verdict;

    if (pattern_syntax_parse(rule->syntax, &syntax) == 0)
        return err_set_corrupt(err, "rule " STR_FMT " has the syntax " STR_FMT,
                               STR_ARGS(rule->uuid), STR_ARGS(rule->syntax));
    if (pattern_cache_match(work->patterns, syntax, pattern, tag, &verdict, err) < 0)
        return err_set_corrupt(err, "rule " STR_FMT ": %s", STR_ARGS(rule->uuid), err->text);
    *out = verdict == PATTERN_YES || (verdict == PATTERN_LIMIT && if_limit);
    if (verdict == PATTERN_LIMIT)
        log_event(LOG_WARNING, NULL, "rule.limit",
                  LOG_FIELDS(LOG_S("rule", rule->uuid), LOG_S("tag", tag)),
                  "the pattern of a rule asks for too much; it counts as %s",
                  if_limit ? "fitting" : "not fitting");
    return 0;
}

static int rule_fits(struct work *work, const struct meta_tag_rule *rule, struct str tag, bool *out,
                     struct err *err)
{
    bool is_immutable = str_is(rule->effect, "immutable");
    bool is_excepted  = false;

    if (fits(work, rule, rule->pattern, tag, is_immutable, out, err) < 0)
        return -1;
    if (*out && rule->but_not.n > 0 &&
        fits(work, rule, rule->but_not, tag, !is_immutable, &is_excepted, err) < 0)
        return -1;
    *out = *out && !is_excepted;
    return 0;
}

/* The first rule of a longer path that makes the tag mutable again: paths of one chain, so longer is deeper. */
static struct str lifting(const struct meta_tag_rule *rules, const struct work_rule_fit *found,
                          size_t n, size_t which)
{
    if (!found[which].fits || rules[which].may_loosen == 0 ||
        str_is(rules[which].effect, "mutable"))
        return STR_NULL;
    for (size_t i = which + 1; i < n; i++) {
        if (found[i].fits && str_is(rules[i].effect, "mutable") &&
            rules[i].path.n > rules[which].path.n)
            return rules[i].uuid;
    }
    return STR_NULL;
}

int work_rules_fit(struct work *work, const struct meta_tag_rule *rules, size_t n, struct str tag,
                   struct work_rule_fit *out, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (rule_fits(work, &rules[i], tag, &out[i].fits, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < n; i++)
        out[i].lifted_by = lifting(rules, out, n, i);
    return 0;
}

/* 1 it may, 0, -1. */
static int ask_tag_rules(struct work *work, struct db_tx *tx, struct arena *arena,
                         const struct work_change *change, struct work_rule *out, struct err *err)
{
    struct meta_tag_rule *rules;
    size_t                n;

    if (meta_tag_rules_of(tx, arena, change->path, &rules, &n, err) < 0)
        return -1;
    struct work_rule_fit *found = mem_many(arena, n + 1, struct work_rule_fit);
    if (work_rules_fit(work, rules, n, change->tag, found, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!found[i].fits || found[i].lifted_by.p != NULL || !str_is(rules[i].effect, "immutable"))
            continue;
        *out = (struct work_rule){ .kind    = immutable_tags,
                                   .level   = work_rule_level(rules[i].path, change->path),
                                   .id      = rules[i].uuid,
                                   .path    = rules[i].path,
                                   .pattern = rules[i].pattern,
                                   .until   = INT64_MAX };
        return 0;
    }
    return 1;
}

static int ask_immutable(struct work *work, struct db_tx *tx, struct arena *arena,
                         const struct work_change *change, struct work_rule *out, struct err *err)
{
    bool changes_tag = change->kind == WORK_MOVE || change->kind == WORK_DELETE;

    if (!changes_tag || change->tag.p == NULL)
        return 1;
    if (change->immutable_tags == 0)
        return ask_tag_rules(work, tx, arena, change, out, err);
    *out = (struct work_rule){ .kind  = immutable_repository,
                               .level = "repository",
                               .path  = change->path,
                               .until = INT64_MAX };
    return 0;
}

/* -- holds -------------------------------------------------------------------------------------------- */

static struct work_rule rule_of_hold(const struct meta_hold *hold, int64_t until,
                                     struct str repo_path)
{
    bool is_prefix = str_is(hold->kind, "prefix");

    return (struct work_rule){
        .kind   = hold->days > 0 ? keep_days : hold_kind,
        .level  = is_prefix                   ? work_rule_level(hold->path, repo_path)
                  : str_is(hold->kind, "tag") ? "tag"
                                              : "digest",
        .id     = hold->uuid,
        .path   = hold->path,
        .reason = hold->reason,
        .owner  = hold->owner,
        .until  = until,
    };
}

static int ask_holds(struct db_tx *tx, struct arena *arena, const struct work_change *change,
                     struct work_rule *out, struct err *err)
{
    struct meta_held held = {
        .repo_id   = change->repo_id,
        .path      = change->path,
        .tag       = change->tag,
        .digest    = change->digest,
        .with_days = change->kind != WORK_MOVE,
    };
    struct meta_hold hold;
    int64_t          until;

    int found = meta_hold_on(tx, arena, &held, &hold, &until, err);
    if (found < 1)
        return found < 0 ? -1 : 1;
    *out = rule_of_hold(&hold, until, change->path);
    return 0;
}

int work_may_change(struct work *work, struct db_tx *tx, struct arena *arena,
                    const struct work_change *change, struct work_rule *out, struct err *err)
{
    if (change->kind == WORK_CREATE)
        return 1;
    int may = ask_immutable(work, tx, arena, change, out, err);
    return may < 1 ? may : ask_holds(tx, arena, change, out, err);
}

/* -- refusing ----------------------------------------------------------------------------------------- */

static struct str shown_path(struct str path)
{
    return path.n == 0 ? STR("the whole registry") : path;
}

static const char *shown_until(int64_t until, char text[TEXT_TIME_MAX])
{
    if (until == INT64_MAX)
        return "it is lifted";
    text_time_print(until, text);
    return text;
}

static int refuse_tag(const struct work_change *change, const struct work_rule *rule,
                      struct err *err)
{
    if (rule->kind == immutable_repository)
        return err_set_code(err, ERR_CONFLICT, "TAG_IMMUTABLE", change->tag,
                            "tag=" STR_FMT " cannot be %s because " STR_FMT
                            " is an immutable repository",
                            STR_ARGS(change->tag), done[change->kind], STR_ARGS(rule->path));
    return err_set_code(err, ERR_CONFLICT, "TAG_IMMUTABLE", change->tag,
                        "tag=" STR_FMT " cannot be %s because the rule " STR_FMT " of " STR_FMT
                        " makes " STR_FMT " immutable",
                        STR_ARGS(change->tag), done[change->kind], STR_ARGS(rule->id),
                        STR_ARGS(shown_path(rule->path)), STR_ARGS(rule->pattern));
}

static int refuse_held(const struct work_change *change, const struct work_rule *rule,
                       struct err *err)
{
    struct str about = change->tag.p != NULL      ? change->tag
                       : change->digest.p != NULL ? change->digest
                                                  : change->path;
    char       until[TEXT_TIME_MAX];

    if (rule->kind == keep_days)
        return err_set_code(err, ERR_CONFLICT, "HELD", about,
                            STR_FMT " cannot be %s before %s because the rule " STR_FMT
                                    " of " STR_FMT " keeps what was pushed: " STR_FMT,
                            STR_ARGS(about), done[change->kind], shown_until(rule->until, until),
                            STR_ARGS(rule->id), STR_ARGS(shown_path(rule->path)),
                            STR_ARGS(rule->reason));
    return err_set_code(err, ERR_CONFLICT, "HELD", about,
                        STR_FMT " cannot be %s because the hold " STR_FMT " of " STR_FMT
                                " keeps it until %s: " STR_FMT,
                        STR_ARGS(about), done[change->kind], STR_ARGS(rule->id),
                        STR_ARGS(rule->owner), shown_until(rule->until, until),
                        STR_ARGS(rule->reason));
}

int work_refuse_change(const struct work_change *change, const struct work_rule *rule,
                       struct err *err)
{
    if (rule->kind == immutable_repository || rule->kind == immutable_tags)
        return refuse_tag(change, rule, err);
    return refuse_held(change, rule, err);
}

int work_check_change(struct work *work, struct db_tx *tx, struct arena *arena, int64_t repo_id,
                      enum work_change_kind kind, struct str tag, struct str digest,
                      struct err *err)
{
    struct meta_repo repo;
    struct work_rule rule;
    int              found = meta_repo_hold(tx, arena, repo_id, &repo, err);

    if (found < 1 || meta_rules_share(tx, err) < 0)
        return found < 1 ? found : -1;
    struct work_change change = { .kind           = kind,
                                  .repo_id        = repo_id,
                                  .path           = repo.path,
                                  .immutable_tags = repo.immutable_tags,
                                  .tag            = tag,
                                  .digest         = digest };
    int                may    = work_may_change(work, tx, arena, &change, &rule, err);
    return may == 0 ? work_refuse_change(&change, &rule, err) : may < 0 ? -1 : 0;
}

int work_check_repo(struct db_tx *tx, struct arena *arena, int64_t repo_id, struct str path,
                    struct err *err)
{
    struct work_change change = { .kind = WORK_DELETE, .repo_id = repo_id, .path = path };
    struct meta_hold   hold;
    int64_t            until;

    if (meta_rules_share(tx, err) < 0)
        return -1;
    int found = meta_hold_in(tx, arena, repo_id, path, &hold, &until, err);
    if (found < 1)
        return found;
    struct work_rule rule = rule_of_hold(&hold, until, path);
    return work_refuse_change(&change, &rule, err);
}
