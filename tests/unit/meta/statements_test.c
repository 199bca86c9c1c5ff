/* statements_test.c: every statement prepares, has the parameters and columns that its row says, a name of its
 * own, and a plan on SQLite that reads no table from end to end. */
#include "meta/statements.h"

#include <stdio.h>

#include <sqlite3.h>

#include "fixture.h"

/* Statements that may read a whole table or sort, and why. */
static const struct {
    const char *name;
    const char *reason;
} scans[] = {
    { "node.list", "there are a few nodes; asked by an admin" },
    { "node.list_alive", "there are a few nodes; asked when a registry is moved" },
    { "copy.last_id", "one row a table of the few that give ids" },
    { "copy.set_last_id", "the same" },
    { "account.count_seen", "an account's organisations and their members, each once" },
    { "account.page_seen", "an account's organisations and their members, each once, by name" },
    { "account.count", "asked at the first start and by an operator; counts an index" },
    { "check.doomed_in_use", "for a check of everything; few keys are doomed" },
    { "check.images_of_blob", "walks what it found so far, the images of one blob" },
    { "check.images_of_manifest", "walks what it found so far, the images of one manifest" },
    { "check.pending_in_use", "for a check of everything; few keys are pending" },
    { "account.drop_credentials",
      "an account and its few service accounts, once when it is deleted" },
    { "account.drop_grants", "an account and its few service accounts, once when it is deleted" },
    { "account.drop_refresh", "an account and its few service accounts, once when it is deleted" },
    { "account.page_active", "sorts the one page that bounded ranges of indexes bring" },
    { "account.page_admins", "sorts the one page that bounded ranges of indexes bring" },
    { "account.page_all", "sorts the one page that bounded ranges of indexes bring" },
    { "account.page_inactive", "sorts the one page that bounded ranges of indexes bring" },
    { "account.page_non_admins", "sorts the one page that bounded ranges of indexes bring" },
    { "account.page_orgs", "sorts the one page that bounded ranges of indexes bring" },
    { "account.page_users", "sorts the one page that bounded ranges of indexes bring" },
    { "credential.count_all", "asked by an admin; counts an index" },
    { "blob.totals", "a figure over all blobs, once a run of collection" },
    { "damage.missing", "the index holds open damage only" },
    { "node.count_old", "there are a few nodes" },
    { "activity.page", "sorts the youngest of each class" },
    { "activity.page_actor", "sorts the youngest of each class" },
    { "activity.page_repo", "sorts the youngest of each class" },
    { "activity.page_repo_actor", "sorts the youngest of each class" },
    { "event.expire", "looks at a batch of the oldest; there are a few readers" },
    { "event.surplus", "walks the ids of those that stay, once a day" },
    { "pull.day_page", "sorts the pulls of one digest in one repository" },
    { "pull_rule.count", "there are a few rules; asked when one is made" },
    { "pull_rule.list", "all of them are wanted, and there are a few" },
    { "outbox.settle", "there are a few readers; once, when a registry is moved" },
    { "review.counts", "asked by operators; walks the queue" },
    { "action_config.list", "all of them are wanted, and actions are a table of the program" },
    { "cron.first", "reads one entry of an index" },
    { "cron.list", "all of them are wanted, and actions are a table of the program" },
    { "hold.on", "sorts the few holds of one thing" },
    { "hold.in", "asked when a repository is deleted; reads the holds, which people made" },
    { "tag.beyond", "counts the tags beyond a limit, up to a bound" },
    { "tag_rule.of", "sorts the rules of one chain of prefixes" },
    { "job.actions_due", "the index holds jobs that wait only" },
    { "job.counts", "asked by operators; the indexes hold jobs that have not ended only" },
    { "job.page", "newest first by id, until the page is full" },
    { "damage.count", "asked by operators and metrics; the index holds open damage only" },
    { "grant.candidates", "asked by people; sorts those with rights at one place" },
    { "grant.page_account", "sorts the grants to one account" },
    { "grant.page_below", "sorts the grants at and below one prefix" },
    { "grant.page_reaching", "sorts the grants that reach one account" },
    { "grant.page_team", "sorts the grants of one team" },
    { "grant.places", "the grants of one account, each once" },
    { "grant.reaching", "sorts what reaches one account on one chain of prefixes" },
    { "level.count", "counts the teams with a level at one place" },
    { "level.count_of", "counts the repositories on which one team has a level" },
    { "level.page", "sorts the teams with a level at one place" },
    { "org.page_of", "sorts the organisations of one account" },
    { "org_member.page", "sorts the members of one organisation" },
    { "quota.alarms", "there are few quotas; asked by people" },
    { "quota.append_link", "walks the quotas, of which there are few, when a link is taken away" },
    { "quota.append_links", "the same" },
    { "purge.places", "sorts the repositories that have one digest" },
    { "purge.copies", "walks what it found so far, the images of one digest in a repository" },
    { "quota.append_links", "walks the quotas, of which there are few, when a link is taken away" },
    { "quota.append_over", "the same, when something else is" },
    { "quota.count", "adds up the rows of a chunk of repositories" },
    { "quota.is_due", "ends at the first row" },
    { "quota.look", "sorts the quotas over one path" },
    { "quota.nodes_behind", "there are a few nodes" },
    { "quota.number", "when one is made; counts an index" },
    { "quota.page", "sorts quotas, of which there are few" },
    { "quota.places", "all of them are wanted, when the list has changed" },
    { "quota.sweep", "once a quota was removed; what pushes appended to it" },
    { "repo.extras", "sorts the rows of one page" },
    { "role.list", "all of them are wanted, and there are a few dozen" },
    { "setting.list", "all of them are wanted, and there are a few dozen" },
    { "search.add", "walks the letters of one name" },
    { "search.drop_account", "walks the letters of one name" },
    { "search.drop_repo", "walks the letters of one name" },
    { "size.rows", "walks what one prefix has, up to its bound" },
    { "size.sum", "adds up what one prefix has, which was bounded before" },
    { "team_member.page", "sorts the members of one team" },
    { "webhook_queue.depth", "counts one queue up to its bound" },
    { "token_key.list", "all of them are wanted, and there are a few" },
    { "token_key.remove_retired", "there are a few keys; an index would cost more" },
};

int statements_test_setup(void **state)
{
    return fixture_open(state);
}

int statements_test_teardown(void **state)
{
    return fixture_close(state);
}

static void each_statement(struct fixture *f,
                           void (*check)(struct fixture *f, const struct db_statement *statement))
{
    for (size_t i = 0; meta_statements[i] != NULL; i++) {
        assert_true(meta_statements[i]->n > 0);
        for (size_t k = 0; k < meta_statements[i]->n; k++)
            check(f, &meta_statements[i]->list[k]);
    }
}

static void check_counts(struct fixture *f, const struct db_statement *statement)
{
    size_t n_in  = 0;
    size_t n_out = 0;

    assert_non_null(statement->name);
    CHECK_OK(db_check_statement(f->db, statement, &n_in, &n_out, &f->err), &f->err);
    if (n_in != strlen(statement->in) || n_out != strlen(statement->out))
        fail_msg("%s: %zu parameters and %zu columns, not \"%s\" and \"%s\"", statement->name, n_in,
                 n_out, statement->in, statement->out);
}

void test_statements_have_the_parameters_and_columns_that_they_say(void **state)
{
    each_statement(*state, check_counts);
}

static void check_kinds(struct fixture *f, const struct db_statement *statement)
{
    (void)f;
    assert_int_equal(strspn(statement->in, "itb"), strlen(statement->in));
    assert_int_equal(strspn(statement->out, "itb"), strlen(statement->out));
    assert_true(statement->sql != NULL || (statement->sqlite != NULL && statement->pg != NULL));
}

void test_statements_have_a_text_for_each_engine(void **state)
{
    each_statement(*state, check_kinds);
}

static void check_is_only_one(struct fixture *f, const struct db_statement *statement)
{
    int n = 0;

    (void)f;
    for (size_t i = 0; meta_statements[i] != NULL; i++) {
        for (size_t k = 0; k < meta_statements[i]->n; k++)
            n += strcmp(meta_statements[i]->list[k].name, statement->name) == 0;
    }
    if (n != 1)
        fail_msg("%d statements are called %s", n, statement->name);
}

void test_statements_have_names_of_their_own(void **state)
{
    each_statement(*state, check_is_only_one);
}

static bool is_excused(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(scans); i++) {
        if (strcmp(scans[i].name, name) == 0)
            return true;
    }
    return false;
}

/* "SCAN t" walks a table or an index; of a subquery or of constants it is harmless. A temporary tree sorts
 * what no index brings in order. */
static bool is_costly(const char *detail)
{
    if (strstr(detail, "TEMP B-TREE") != NULL)
        return true;
    return strncmp(detail, "SCAN ", 5) == 0 && strstr(detail, "SCAN CONSTANT ROW") == NULL &&
           strstr(detail, "SCAN open_to_all") == NULL && strstr(detail, "SCAN own") == NULL &&
           strstr(detail, "SCAN one") == NULL && strstr(detail, "SCAN sources") == NULL &&
           strstr(detail, "VIRTUAL TABLE") == NULL && strstr(detail, "SCAN (") == NULL;
}

static int n_wrong_plans;

static void check_plan(struct fixture *f, const struct db_statement *statement)
{
    const char   *text  = statement->sqlite != NULL ? statement->sqlite : statement->sql;
    const char   *query = mem_printf(f->arena, "EXPLAIN QUERY PLAN %s", text);
    bool          costs = false;
    sqlite3      *sqlite;
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_open(f->url + strlen("sqlite:"), &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(sqlite, query, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, 3);

        if (!is_costly(detail))
            continue;
        costs = true;
        if (!is_excused(statement->name))
            print_error("%s: %s\n", statement->name, detail);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(sqlite);

    if (costs != is_excused(statement->name)) {
        print_error("%s: %s\n", statement->name,
                    costs ? "reads from end to end" : "needs no excuse");
        n_wrong_plans++;
    }
}

void test_statements_read_no_table_from_end_to_end(void **state)
{
    n_wrong_plans = 0;
    each_statement(*state, check_plan);
    assert_int_equal(n_wrong_plans, 0);
}
