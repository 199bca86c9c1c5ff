/* cache_test.c: entries die at their deadline, and the one unused for longest makes room. */
#include "base/cache.h"

#include <pthread.h>

#include "check.h"

int cache_test_setup(void **state)
{
    *state = cache_new(3, sizeof(int));
    return 0;
}

int cache_test_teardown(void **state)
{
    struct cache *cache = *state;

    cache_free(&cache);
    assert_null(cache);
    cache_free(&cache);
    return 0;
}

static void put(struct cache *cache, const char *key, int64_t deadline_us, int value)
{
    cache_put(cache, str_from(key), deadline_us, &value);
}

/* The value at a moment, or -1 where there is none. */
static int get(struct cache *cache, const char *key, int64_t now_us)
{
    int value = -1;

    return cache_get(cache, str_from(key), now_us, &value) ? value : -1;
}

void test_cache_an_entry_lives_until_its_deadline(void **state)
{
    put(*state, "a", 100, 1);
    assert_int_equal(get(*state, "a", 99), 1);
    assert_int_equal(get(*state, "a", 100), -1);
    assert_int_equal(get(*state, "a", 99), -1);
}

void test_cache_put_replaces(void **state)
{
    put(*state, "a", 100, 1);
    put(*state, "a", 200, 2);
    assert_int_equal(get(*state, "a", 150), 2);
}

void test_cache_the_longest_unused_goes(void **state)
{
    put(*state, "a", 100, 1);
    put(*state, "b", 100, 2);
    put(*state, "c", 100, 3);
    assert_int_equal(get(*state, "a", 0), 1);
    put(*state, "d", 100, 4);
    assert_int_equal(get(*state, "b", 0), -1);
    assert_int_equal(get(*state, "a", 0), 1);
    assert_int_equal(get(*state, "c", 0), 3);
    assert_int_equal(get(*state, "d", 0), 4);
}

void test_cache_drop_and_clear(void **state)
{
    put(*state, "a", 100, 1);
    put(*state, "b", 100, 2);
    cache_drop(*state, STR("a"));
    cache_drop(*state, STR("never there"));
    assert_int_equal(get(*state, "a", 0), -1);
    assert_int_equal(get(*state, "b", 0), 2);
    cache_clear(*state);
    assert_int_equal(get(*state, "b", 0), -1);
}

void test_cache_keys_are_bytes(void **state)
{
    int value = 9;

    cache_put(*state, STR("a\0b"), 100, &value);
    assert_int_equal(get(*state, "a", 0), -1);
    assert_true(cache_get(*state, STR("a\0b"), 0, &value));
}

static void *hammer(void *context)
{
    for (int i = 0; i < 2000; i++) {
        char key[2] = { (char)('a' + i % 5), '\0' };

        put(context, key, 100, i);
        get(context, key, i % 2 == 0 ? 0 : 200);
    }
    return NULL;
}

void test_cache_serves_threads(void **state)
{
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, *state), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
}
