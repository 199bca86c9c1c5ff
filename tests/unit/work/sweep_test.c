/* sweep_test.c: what has expired of sessions, credentials and failed log-ins goes by itself, and nothing that is good. */
#include "fixture.h"
#include "work/credential.h"
#include "work/session.h"

#define DAY_US "86400000000"
#define NOW "(CAST(strftime('%s', 'now') AS INTEGER) * 1000000)"

int sweep_test_setup(void **state)
{
    return fixture_open(state);
}

int sweep_test_teardown(void **state)
{
    return fixture_close(state);
}

void test_sweep_of_sessions_takes_the_expired(void **state)
{
    struct fixture *f = *state;
    int64_t         n = 0;

    fixture_break(
        f, "INSERT INTO sessions (hash, account_id, generation, method, created_at, used_at, "
           "expires_at)"
           " SELECT 'old', id, 1, 'password', 1, 1, " NOW " - 1000000 FROM accounts UNION ALL"
           " SELECT 'new', id, 1, 'password', 1, 1, " NOW " + 60000000 FROM accounts;"
           "INSERT INTO login_attempts (name, network, failures, failed_at, locked_until) VALUES"
           " ('a', '127.0.0', 3, " NOW " - 2 * " DAY_US ", 0), ('b', '127.0.0', 3, " NOW ", 0)");
    CHECK_OK(work_session_sweep(f->work, &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM sessions WHERE hash = 'new'"), 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM sessions"), 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM login_attempts WHERE name = 'b'"), 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM login_attempts"), 1);
    CHECK_OK(work_session_sweep(f->work, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
}

/* A week after their end they may go; people wonder for a while why a token does not work. */
void test_sweep_of_credentials_takes_those_that_ended_long_ago(void **state)
{
    struct fixture *f = *state;
    int64_t         n = 0;

    fixture_break(
        f, "INSERT INTO credentials (hash, account_id, kind, created_at, created_by, expires_at)"
           " SELECT 'never', id, 'personal', 1, 1, NULL FROM accounts UNION ALL"
           " SELECT 'later', id, 'personal', 1, 1, " NOW " + 60000000 FROM accounts UNION ALL"
           " SELECT 'ended', id, 'personal', 1, 1, " NOW " - 6 * " DAY_US " FROM accounts UNION ALL"
           " SELECT 'gone', id, 'personal', 1, 1, " NOW " - 8 * " DAY_US " FROM accounts");
    CHECK_OK(work_credential_sweep(f->work, &n, &f->err), &f->err);
    assert_int_equal(n, 1);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM credentials WHERE hash = 'gone'"), 0);
    assert_int_equal(fixture_ask(f, "SELECT count(*) FROM credentials"), 3);
}
