/* ground.c: the database and the struct auth of a test. */
#include "ground.h"

#include "auth/rights.h"
#include "codec/seal.h"
#include "db/migrate.h"
#include "io/clock.h"

static const unsigned char key[SEAL_KEY_SIZE] = "a key of thirty-two bytes, fixed";

void ground_open(struct ground *g, size_t password_queue)
{
    clock_set_offset(0);
    scratch_make(g->folder);
    g->arena              = arena_new();
    struct db_settings at = { .url =
                                  str_from(mem_printf(g->arena, "sqlite:%s/assay.db", g->folder)),
                              .n_readers = 2 };
    CHECK_OK(db_open(&at, &g->db, &g->err), &g->err);
    CHECK_OK(db_migrate(g->db, NULL, NULL, &g->err), &g->err);
    g->ring                       = seal_ring_new(key, 1);
    struct auth_settings settings = { .db               = g->db,
                                      .ring             = g->ring,
                                      .audience         = STR("test"),
                                      .password_threads = 1,
                                      .password_queue   = password_queue,
                                      .token_life_us    = 5 * MINUTE_US,
                                      .refresh_life_us  = 60 * MINUTE_US };
    CHECK_OK(auth_new(&settings, &g->auth, &g->err), &g->err);
}

void ground_close(struct ground *g)
{
    clock_set_offset(0);
    db_abort(&g->tx);
    auth_free(&g->auth);
    seal_ring_free(&g->ring);
    db_close(&g->db);
    arena_free(&g->arena);
    scratch_remove(g->folder);
}

void ground_begin(struct ground *g)
{
    CHECK_OK(db_begin(g->db, DB_WRITE, "test", &g->tx, &g->err), &g->err);
}

void ground_commit(struct ground *g)
{
    CHECK_OK(db_commit(&g->tx, &g->err), &g->err);
    auth_changed(g->auth);
}
