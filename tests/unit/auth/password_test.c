/* password_test.c: right, wrong and "could not be checked" are three answers; the queue has an end. */
#include "auth/password.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sodium.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "io/file.h"

enum { SLACK = 4 << 20, QUEUE = 3, CALLERS = 12 };

static struct arena              *arena;
static struct auth_password_pool *pool;
static struct err                 err;
static atomic_int                 n_waiting, n_waiting_max;

static void note_wait(bool begins)
{
    int n = atomic_fetch_add(&n_waiting, begins ? 1 : -1) + 1;

    if (begins && n > atomic_load(&n_waiting_max))
        atomic_store(&n_waiting_max, n);
}

int password_test_setup(void **state)
{
    (void)state;
    arena = arena_new();
    pool  = auth_password_pool_new(1, QUEUE, note_wait);
    return 0;
}

int password_test_teardown(void **state)
{
    (void)state;
    auth_password_pool_free(&pool);
    arena_free(&arena);
    return 0;
}

static struct str hash_of(const char *password)
{
    struct str hash;

    CHECK_OK(auth_password_hash(pool, arena, str_from(password), &hash, &err), &err);
    return hash;
}

void test_password_right_and_wrong(void **state)
{
    struct str hash = hash_of("a password");

    (void)state;
    assert_int_equal(auth_password_check(pool, hash, STR("a password"), &err), 1);
    assert_int_equal(auth_password_check(pool, hash, STR("a passwore"), &err), 0);
    assert_int_equal(auth_password_check(pool, STR_NULL, STR("a password"), &err), 0);
    assert_int_equal(auth_password_check(pool, hash, STR(""), &err), 0);
}

/* From an import: of the same family, and not as we make them. */
void test_password_hashes_of_another_form_are_checked_too(void **state)
{
    char hash[crypto_pwhash_STRBYTES];

    (void)state;
    assert_int_equal(crypto_pwhash_str_alg(hash, "imported", 8, 3, 1 << 20,
                                           crypto_pwhash_ALG_ARGON2I13),
                     0);
    assert_int_equal(auth_password_check(pool, str_from(hash), STR("imported"), &err), 1);
    assert_int_equal(auth_password_check(pool, str_from(hash), STR("exported"), &err), 0);
    assert_int_equal(auth_password_check(pool, STR("$argon2id$v=19$m=1,t=1,p=1$"), STR("x"), &err),
                     0);
    assert_int_equal(auth_password_check(pool, STR("no hash"), STR("x"), &err), 0);
}

/* The sixth number of statm is data and stack, in pages (proc(5)). */
static rlim_t bytes_of_data(void)
{
    struct str text, part = STR("");
    int64_t    pages = 0;

    CHECK_OK(file_read_path("/proc/self/statm", 256, arena, &text, &err), &err);
    for (int i = 0; i < 6; i++)
        assert_true(str_next(&text, ' ', &part));
    assert_true(str_to_int(part, &pages));
    return (rlim_t)(pages * sysconf(_SC_PAGESIZE));
}

void test_password_want_of_memory_is_no_wrong_password(void **state)
{
    struct str    hash = hash_of("a password");
    struct rlimit before;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    struct rlimit tight = { .rlim_cur = bytes_of_data() + SLACK, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_DATA, &tight), 0);
    int right = auth_password_check(pool, hash, STR("a password"), &err);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    assert_int_equal(right, -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(auth_password_check(pool, hash, STR("a password"), &err), 1);
}

static void *call(void *context)
{
    atomic_int *n_refused = context;
    struct err  refusal;

    if (auth_password_check(pool, STR_NULL, STR("guess"), &refusal) < 0) {
        assert_int_equal(refusal.kind, ERR_UNAVAILABLE);
        atomic_fetch_add(n_refused, 1);
    }
    return NULL;
}

void test_password_the_queue_has_an_end(void **state)
{
    pthread_t  threads[CALLERS];
    atomic_int n_refused = 0;

    (void)state;
    atomic_store(&n_waiting_max, 0);
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call, &n_refused), 0);
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(n_waiting_max >= 1 && n_waiting_max <= QUEUE);
    assert_int_equal(n_waiting, 0);
    assert_false(auth_password_is_full(pool));
    assert_true(n_refused < CALLERS);
}
