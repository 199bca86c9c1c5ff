/* mem_test.c: what sets the store in memory apart: it begins empty and says so. */
#include "fixture.h"

void test_mem_refuses_a_database_that_knows_a_store(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct blob_store             *store = NULL;
    struct str                     id;
    struct err                     err;

    CHECK_OK(blob_store_open(STR("mem:"), STR(""), arena, &id, &store, &err), &err);
    blob_store_close(&store);
    CHECK_FAILS(blob_store_open(STR("mem:"), id, arena, &id, &store, &err), &err, ERR_UNAVAILABLE);
    assert_null(store);
}
