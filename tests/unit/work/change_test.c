/* change_test.c: which change each rule refuses and which it lets pass, how rules below others lift them, and that the
 * verbs that change things ask. */
#include "work/change.h"

#include <string.h>

#include "fixture.h"
#include "meta/hold.h"
#include "meta/tag_rule.h"
#include "work/delete.h"
#include "work/repository.h"

int change_test_setup(void **state)
{
    return fixture_open(state);
}

int change_test_teardown(void **state)
{
    return fixture_close(state);
}

static struct db_tx *begin(struct fixture *f)
{
    struct db_tx *tx = NULL;

    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    return tx;
}

static void add_rule(struct fixture *f, const char *path, const char *effect, const char *pattern,
                     const char *but_not, int64_t may_loosen)
{
    AUTO(db_abort) struct db_tx *tx   = begin(f);
    struct meta_tag_rule         rule = { .path       = str_from(path),
                                          .effect     = str_from(effect),
                                          .syntax     = STR("glob"),
                                          .pattern    = str_from(pattern),
                                          .but_not    = str_from(but_not),
                                          .may_loosen = may_loosen };
    struct str                   uuid;

    CHECK_OK(meta_tag_rule_add(tx, f->arena, &rule, 1, &uuid, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
}

static void add_hold(struct fixture *f, struct meta_hold hold)
{
    AUTO(db_abort) struct db_tx *tx = begin(f);
    struct str                   uuid;

    hold.path   = hold.path.p == NULL ? STR("") : hold.path;
    hold.tag    = hold.tag.p == NULL ? STR("") : hold.tag;
    hold.digest = hold.digest.p == NULL ? STR("") : hold.digest;
    hold.reason = STR("court");
    hold.owner  = STR("law");
    CHECK_OK(meta_hold_add(tx, f->arena, &hold, 1, &uuid, &f->err), &f->err);
    CHECK_OK(db_commit(&tx, &f->err), &f->err);
}

/* Of admin/app, which has the id 1. */
static int may(struct fixture *f, enum work_change_kind kind, const char *tag, const char *digest,
               struct work_rule *out)
{
    AUTO(db_abort) struct db_tx *tx     = begin(f);
    struct work_change           change = { .kind    = kind,
                                            .repo_id = f->repo.id,
                                            .path    = f->repo.path,
                                            .tag     = str_from(tag),
                                            .digest  = str_from(digest) };

    return work_may_change(f->work, tx, f->arena, &change, out, &f->err);
}

void test_change_rules_of_all_levels_count(void **state)
{
    /* clang-format off */
    static const struct { const char *tag; const char *level; } cases[] = {
        { "v1",       "instance" },
        { "rel-1",    "namespace" },
        { "rel-dev",  NULL },
        { "app-1",    "repository" },
        { "latest",   NULL },
    };
    /* clang-format on */
    struct fixture  *f = *state;
    struct work_rule rule;

    add_rule(f, "", "immutable", "v*", "", 0);
    add_rule(f, "admin", "immutable", "rel-*", "*-dev", 0);
    add_rule(f, "admin/app", "immutable", "app-*", "", 0);
    add_rule(f, "admin/other", "immutable", "*", "", 0);
    add_rule(f, "adm", "immutable", "*", "", 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int answer = may(f, WORK_MOVE, cases[i].tag, "sha256:x", &rule);

        assert_int_equal(answer, cases[i].level == NULL);
        if (cases[i].level != NULL)
            assert_string_equal(rule.level, cases[i].level);
        assert_int_equal(may(f, WORK_DELETE, cases[i].tag, "sha256:x", &rule), answer);
        assert_int_equal(may(f, WORK_CREATE, cases[i].tag, "sha256:x", &rule), 1);
        assert_int_equal(may(f, WORK_PURGE, cases[i].tag, "sha256:x", &rule), 1);
        assert_int_equal(may(f, WORK_DELETE, NULL, "sha256:x", &rule), 1);
    }
}

void test_change_a_rule_is_lifted_only_below_and_only_when_it_allows_it(void **state)
{
    struct fixture  *f = *state;
    struct work_rule rule;

    add_rule(f, "", "immutable", "v*", "", 0);
    add_rule(f, "admin", "immutable", "r*", "", 1);
    add_rule(f, "admin", "mutable", "r0*", "", 0);    /* not below */
    add_rule(f, "admin/app", "mutable", "v*", "", 0); /* not allowed */
    add_rule(f, "admin/app", "mutable", "r1*", "r13", 0);
    assert_int_equal(may(f, WORK_MOVE, "v1", "sha256:x", &rule), 0);
    assert_int_equal(may(f, WORK_MOVE, "r0", "sha256:x", &rule), 0);
    assert_int_equal(may(f, WORK_MOVE, "r12", "sha256:x", &rule), 1);
    assert_int_equal(may(f, WORK_MOVE, "r13", "sha256:x", &rule), 0);
    assert_int_equal(may(f, WORK_MOVE, "r2", "sha256:x", &rule), 0);
    assert_string_equal(rule.kind, "immutable tags");
    CHECK_STR(rule.path, "admin");
    CHECK_STR(rule.pattern, "r*");
}

/* What cannot be answered is answered as is safe. */
void test_change_a_pattern_at_its_limit_refuses(void **state)
{
    struct fixture  *f = *state;
    struct work_rule rule;

    fixture_break(
        f,
        "INSERT INTO tag_rules (uuid, path, effect, syntax, pattern, but_not, may_loosen, "
        "created_at,"
        " created_by) VALUES ('a', '', 'immutable', 'regex', '((a{0,40}){0,40})[bc]', '', 1, 1, 1),"
        " ('b', 'admin', 'mutable', 'regex', '((a{0,40}){0,40})[bc]', '', 1, 1, 1)");
    assert_int_equal(may(f, WORK_MOVE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sha256:x",
                         &rule),
                     0);
    CHECK_STR(rule.id, "a");
    assert_int_equal(may(f, WORK_MOVE, "v1", "sha256:x", &rule), 1);
    fixture_break(f, "UPDATE tag_rules SET pattern = '(' WHERE uuid = 'b'");
    assert_int_equal(may(f, WORK_MOVE, "v1", "sha256:x", &rule), -1);
    assert_int_equal(f->err.kind, ERR_CORRUPT);
}

/* One row of the table in change.h each. `yes`: of move, delete, collect, purge, those that may be. */
void test_change_holds_keep_what_they_are_about(void **state)
{
    /* clang-format off */
    const struct { struct meta_hold hold; const char *tag, *digest, *yes; } cases[] = {
        { { .kind = STR("digest"), .digest = STR("sha256:a") },                      NULL, "sha256:a", "    " },
        { { .kind = STR("digest"), .digest = STR("sha256:a") },                      NULL, "sha256:b", "mdcp" },
        { { .kind = STR("digest"), .digest = STR("sha256:a") },                      "v1", "sha256:a", "mdcp" },
        { { .kind = STR("digest"), .digest = STR("sha256:a"), .repo_id = 1 },        NULL, "sha256:a", "    " },
        { { .kind = STR("digest"), .digest = STR("sha256:a"), .repo_id = 2 },        NULL, "sha256:a", "mdcp" },
        { { .kind = STR("digest"), .digest = STR("sha256:a"), .until = 1 },          NULL, "sha256:a", "mdcp" },
        { { .kind = STR("digest"), .digest = STR("sha256:a"), .until = INT64_MAX },  NULL, "sha256:a", "    " },
        { { .kind = STR("tag"), .repo_id = 1, .tag = STR("v1") },                    "v1", "sha256:a", "    " },
        { { .kind = STR("tag"), .repo_id = 1, .tag = STR("v1") },                    "v2", "sha256:a", "mdcp" },
        { { .kind = STR("tag"), .repo_id = 2, .tag = STR("v1") },                    "v1", "sha256:a", "mdcp" },
        { { .kind = STR("prefix"), .path = STR("admin") },                           "v1", "sha256:a", "    " },
        { { .kind = STR("prefix"), .path = STR("admin/app") },                       NULL, "sha256:a", "    " },
        { { .kind = STR("prefix"), .path = STR("") },                                NULL, "sha256:a", "    " },
        { { .kind = STR("prefix"), .path = STR("admin/ap") },                        "v1", "sha256:a", "mdcp" },
        { { .kind = STR("prefix"), .path = STR("admin"), .days = 7 },                "v1", "sha256:a", "mdcp" },
    };
    /* clang-format on */
    static const enum work_change_kind kinds[] = { WORK_MOVE, WORK_DELETE, WORK_COLLECT,
                                                   WORK_PURGE };
    struct fixture                    *f       = *state;
    struct work_rule                   rule;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        add_hold(f, cases[i].hold);
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            if (may(f, kinds[k], cases[i].tag, cases[i].digest, &rule) != (cases[i].yes[k] != ' '))
                fail_msg("case %zu, change %zu", i, k);
        }
        fixture_break(f, "DELETE FROM holds");
    }
}

void test_change_days_count_from_the_last_push(void **state)
{
    struct fixture   *f      = *state;
    struct oci_digest digest = fixture_push_image(f, "v1", "{}", "layer");
    struct work_rule  rule;

    add_hold(f, (struct meta_hold){ .kind = STR("prefix"), .path = STR("admin"), .days = 7 });
    assert_int_equal(may(f, WORK_MOVE, "v1", digest.text, &rule), 1);
    assert_int_equal(may(f, WORK_DELETE, "v1", digest.text, &rule), 0);
    assert_string_equal(rule.kind, "keep days");
    assert_int_equal(may(f, WORK_DELETE, NULL, digest.text, &rule), 0);
    CHECK_FAILS(work_repo_delete(f->work, &f->actor, &f->repo, &f->err), &f->err, ERR_CONFLICT);
    assert_string_equal(f->err.code, "HELD");

    fixture_break(f, "UPDATE manifests SET touched_at = touched_at - 7 * 86400000000 - 1");
    assert_int_equal(may(f, WORK_DELETE, "v1", digest.text, &rule), 1);
    fixture_break(f, "UPDATE manifests SET touched_at = touched_at + 60000000");
    assert_int_equal(may(f, WORK_COLLECT, NULL, digest.text, &rule), 0);
    fixture_break(f, "UPDATE manifests SET touched_at = 1");
    CHECK_OK(work_repo_delete(f->work, &f->actor, &f->repo, &f->err), &f->err);
}

/* The verbs ask before they change anything. */
void test_change_a_hold_stops_every_way_of_deleting(void **state)
{
    struct fixture      *f         = *state;
    struct oci_digest    digest    = fixture_push_image(f, "v1", "{}", "layer");
    struct oci_digest    loose     = fixture_push(f, "loose");
    struct oci_reference by_tag    = { .tag = STR("v1") };
    struct oci_reference by_digest = { .is_digest = true, .digest = digest };

    add_hold(f, (struct meta_hold){ .kind = STR("digest"), .digest = oci_digest_str(&digest) });
    CHECK_FAILS(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &by_digest, &f->err),
                &f->err, ERR_CONFLICT);
    CHECK_FAILS(work_repo_delete(f->work, &f->actor, &f->repo, &f->err), &f->err, ERR_CONFLICT);
    assert_non_null(strstr(f->err.text, "law keeps it until it is lifted: court"));

    add_hold(f, (struct meta_hold){ .kind = STR("tag"), .repo_id = f->repo.id, .tag = STR("v1") });
    CHECK_FAILS(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &by_tag, &f->err),
                &f->err, ERR_CONFLICT);
    assert_string_equal(f->err.code, "HELD");

    CHECK_OK(work_delete_blob(f->work, f->arena, &f->actor, &f->repo, &loose, &f->err), &f->err);
    loose = fixture_push(f, "loose");
    add_hold(f, (struct meta_hold){ .kind = STR("digest"), .digest = oci_digest_str(&loose) });
    CHECK_FAILS(work_delete_blob(f->work, f->arena, &f->actor, &f->repo, &loose, &f->err), &f->err,
                ERR_CONFLICT);

    fixture_break(f, "DELETE FROM holds");
    CHECK_OK(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &by_digest, &f->err),
             &f->err);
}
