/* quotas_contract.c: on either engine, at every moment and after every change, a quota says what the rows add up to, and
 * pushes at once never take more than there is. */
#include "work/quota.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "meta/outbox.h"
#include "oci/name.h"
#include "work/collect.h"
#include "work/delete.h"
#include "work/push.h"
#include "work/upload.h"

#include "cluster.h"

enum { THREADS = 8, PUSHES = 12, SIZE = 100 };

/* Nothing has to wait before it may be collected. */
static void set_policy(struct fixture *f)
{
    struct work_policy at_once = { .may_delete = true };

    work_set_policy(f->work, &at_once);
}

int quotas_over_sqlite(void **state)
{
    fixture_open(state);
    set_policy(*state);
    return 0;
}

int quotas_over_postgres(void **state)
{
    char url[CLUSTER_URL_MAX];

    if (!cluster_schema(url))
        skip();
    fixture_open_over(state, url);
    set_policy(*state);
    return 0;
}

int quotas_end(void **state);

int quotas_end(void **state)
{
    return *state == NULL ? 0 : fixture_close(state);
}

static struct meta_quota put(struct fixture *f, const char *path, int64_t bytes, int64_t tags)
{
    struct meta_quota wanted = { .path         = str_from(path),
                                 .limit        = { bytes, tags },
                                 .warn_percent = WORK_QUOTA_WARN };
    struct meta_quota out;
    bool              is_new;

    CHECK_OK(work_quota_put(f->work, f->arena, &f->actor, &wanted, &out, &is_new, &f->err),
             &f->err);
    assert_int_equal(out.is_counted, 1);
    return out;
}

/* The quota's sum, which is that of the rows. */
static struct meta_quota_sum used(struct fixture *f, const char *path)
{
    struct meta_quota     quota;
    struct meta_quota_sum rows;

    CHECK_OK(work_quota_get(f->work, f->arena, str_from(path), &quota, &f->err), &f->err);
    CHECK_OK(work_quota_usage(f->work, str_from(path), &rows, &f->err), &f->err);
    assert_int_equal(quota.used.bytes, rows.bytes);
    assert_int_equal(quota.used.tags, rows.tags);
    return rows;
}

static int64_t tend(struct fixture *f)
{
    struct work_quota_tend tend = { 0 };
    int64_t                n;

    CHECK_OK(work_quota_tend(f->work, &tend, &n, &f->err), &f->err);
    return n;
}

static void collect(struct fixture *f)
{
    struct work_collect   want = { 0 };
    struct work_collected done;

    CHECK_OK(work_collect(f->work, &want, &done, &f->err), &f->err);
    assert_null(done.brake);
}

static void delete (struct fixture *f, const char *reference)
{
    struct oci_reference parsed;

    CHECK_OK(oci_reference_parse(str_from(reference), &parsed, &f->err), &f->err);
    CHECK_OK(work_delete_manifest(f->work, f->arena, &f->actor, &f->repo, &parsed, &f->err),
             &f->err);
}

static int push(struct fixture *f, const char *text, struct err *err)
{
    struct work_upload *upload = NULL;
    struct oci_digest   digest;

    oci_digest_of(str_from(text), HASH_SHA256, &digest);
    int done = work_upload_begin_single(f->work, &f->actor, &f->repo, &digest, &upload, err);
    if (done == 0)
        done = work_upload_write(upload, str_from(text), err);
    if (done == 0)
        done = work_upload_finish(upload, &f->actor, &f->repo, &digest, err);
    work_upload_close(&upload);
    return done;
}

void contract_quota_counts_what_was_there_and_follows_every_change(void **state)
{
    struct fixture *f = *state;

    fixture_push_image(f, "v1", "{\"of\":1}", "layer one");
    put(f, "", META_QUOTA_NONE, 1000);
    put(f, "admin", 1000000, META_QUOTA_NONE);
    struct meta_quota_sum before = used(f, "admin");
    assert_int_equal(before.tags, 1);

    struct oci_digest second = fixture_push_image(f, "v2", "{\"of\":2}", "layer one");
    fixture_push_image(f, "again", "{\"of\":2}", "layer one");
    fixture_push(f, "alone");
    struct meta_quota_sum more = used(f, "admin");
    assert_int_equal(more.tags, 3);
    assert_true(more.bytes > before.bytes + 5 + 8);
    assert_int_equal(used(f, "").bytes, more.bytes);

    assert_true(tend(f) > 0);
    assert_int_equal(tend(f), 0);
    assert_int_equal(used(f, "admin").bytes, more.bytes);

    delete (f, second.text);
    assert_int_equal(used(f, "admin").tags, 1);
    assert_int_equal(used(f, "admin").bytes, more.bytes);
    collect(f);
    collect(f);
    assert_int_equal(used(f, "admin").bytes, before.bytes);
    assert_int_equal(used(f, "").bytes, before.bytes);
}

void contract_quota_is_exact_to_the_byte_and_says_what_is_full(void **state)
{
    struct fixture *f = *state;
    char            text[SIZE + 1];

    put(f, "admin", 10, META_QUOTA_NONE);
    fixture_push(f, "1234567890");
    fixture_push(f, "1234567890");
    CHECK_FAILS(push(f, "x", &f->err), &f->err, ERR_CONFLICT);
    CHECK_STR(str_from(f->err.code), "QUOTA_EXCEEDED");
    CHECK_STR(str_from(f->err.about),
              "{\"quota\":\"admin\",\"of\":\"bytes\",\"limit\":10,\"used\":10}");
    assert_int_equal(used(f, "admin").bytes, 10);

    put(f, "admin", 10 + SIZE, META_QUOTA_NONE);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    fixture_push(f, text);
    assert_int_equal(used(f, "admin").bytes, 10 + SIZE);

    CHECK_OK(work_quota_remove(f->work, &f->actor, STR("admin"), &f->err), &f->err);
    fixture_push(f, "free again");
}

struct pusher {
    struct fixture *f;
    pthread_t       thread;
    int             number;
    _Atomic(int)   *n_done;
    _Atomic(int)   *n_failed;
};

static void *push_many(void *context)
{
    struct pusher *p = context;
    char           text[SIZE + 1];
    struct err     err;

    for (int i = 0; i < PUSHES; i++) {
        snprintf(text, sizeof(text), "%0*d", SIZE, p->number * PUSHES + i);
        int n_tries = 0;
        int done;
        do
            done = push(p->f, text, &err);
        while (done < 0 && db_again(&err, &n_tries));
        if (done == 0)
            atomic_fetch_add(p->n_done, 1);
        else if (err.kind != ERR_CONFLICT) {
            print_error("%s\n", err.text);
            atomic_fetch_add(p->n_failed, 1);
        }
    }
    return NULL;
}

void contract_quota_pushers_at_once_fill_it_exactly(void **state)
{
    struct fixture *f = *state;
    struct pusher   pushers[THREADS];
    _Atomic(int)    n_done = 0, n_failed = 0;
    const int       room = THREADS * PUSHES / 2;

    put(f, "", 1000000, META_QUOTA_NONE);
    put(f, "admin", room * SIZE + SIZE - 1, META_QUOTA_NONE);
    for (int i = 0; i < THREADS; i++) {
        pushers[i] =
            (struct pusher){ .f = f, .number = i, .n_done = &n_done, .n_failed = &n_failed };
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_many, &pushers[i]), 0);
    }
    for (int i = 0; i < 5; i++)
        tend(f);
    for (int i = 0; i < THREADS; i++)
        pthread_join(pushers[i].thread, NULL);
    assert_int_equal(n_failed, 0);
    assert_int_equal(n_done, room);
    assert_int_equal(used(f, "admin").bytes, room * SIZE);
    assert_int_equal(used(f, "").bytes, room * SIZE);
}

void contract_quota_made_while_pushes_go_on_counts_all_of_them(void **state)
{
    struct fixture *f = *state;
    struct pusher   pushers[THREADS];
    _Atomic(int)    n_done = 0, n_failed = 0;

    for (int i = 0; i < THREADS; i++) {
        pushers[i] =
            (struct pusher){ .f = f, .number = i, .n_done = &n_done, .n_failed = &n_failed };
        assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_many, &pushers[i]), 0);
    }
    put(f, "admin", 1000000, META_QUOTA_NONE);
    put(f, "admin/app", 1000000, META_QUOTA_NONE);
    for (int i = 0; i < THREADS; i++)
        pthread_join(pushers[i].thread, NULL);
    assert_int_equal(n_failed, 0);
    assert_int_equal(used(f, "admin").bytes, THREADS * PUSHES * SIZE);
    tend(f);
    assert_int_equal(used(f, "admin/app").bytes, THREADS * PUSHES * SIZE);
    assert_int_equal(work_quota_recount(f->work, STR("admin"), &f->err), 1);
    assert_int_equal(used(f, "admin").bytes, THREADS * PUSHES * SIZE);
}

static int64_t events(struct fixture *f, const char *type)
{
    AUTO(db_abort) struct db_tx *tx     = NULL;
    struct meta_outbox_cursor    cursor = { 0 };
    struct meta_event_row       *rows;
    size_t                       n;
    int64_t                      found = 0;

    CHECK_OK(db_begin(f->db, DB_WRITE, "test", &tx, &f->err), &f->err);
    CHECK_OK(meta_outbox_register(tx, STR("test"), true, &f->err), &f->err);
    assert_int_equal(meta_outbox_take(tx, f->arena, STR("test"), &cursor, &f->err), 1);
    CHECK_OK(meta_outbox_page(tx, f->arena, &cursor, 1000, &rows, &n, &f->err), &f->err);
    for (size_t i = 0; i < n; i++)
        found += str_is(rows[i].type, type);
    return found;
}

void contract_quota_tells_each_crossing_once(void **state)
{
    struct fixture *f = *state;

    put(f, "admin", 1000, META_QUOTA_NONE);
    fixture_push(f, "small");
    tend(f);
    assert_int_equal(events(f, "QUOTA_WARNING"), 0);
    put(f, "admin", 6, META_QUOTA_NONE);
    assert_int_equal(events(f, "QUOTA_WARNING"), 1);
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS(push(f, "xx", &f->err), &f->err, ERR_CONFLICT);
        fixture_push(f, i == 0 ? "small" : "y");
        tend(f);
    }
    assert_int_equal(events(f, "QUOTA_WARNING"), 1);
    assert_int_equal(events(f, "QUOTA_EXCEED"), 1);
    put(f, "admin", 100, META_QUOTA_NONE);
    fixture_push(f, "0123456789012345678901234567890123456789012345678901234567890123456789012345");
    tend(f);
    assert_int_equal(events(f, "QUOTA_WARNING"), 2);
}
