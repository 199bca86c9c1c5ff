/* store_fault.c: fail operation 1, 2, 3, … until the work succeeds. After each failure the error names
 * the operation, nothing is half made, and the work can be taken up again. */
#include "blob/fail.h"
#include "fixture.h"

int store_fault_setup(void **state)
{
    struct fixture *f = fixture_new();

    fixture_open_fs(f);
    f->store = blob_fail_new(f->store);
    *state   = f;
    return 0;
}

int store_fault_teardown(void **state)
{
    struct fixture *f = *state;

    fixture_free(&f);
    return 0;
}

static int write_and_finish(struct fixture *f, struct blob_writer **writer)
{
    if (blob_write(*writer, STR("first "), &f->err) < 0 || blob_flush(*writer, &f->err) < 0 ||
        blob_write(*writer, STR("second"), &f->err) < 0)
        return -1;
    return blob_finish(writer, str_from(f->object), &f->err);
}

/* A push as the verbs make it, then a pull, then the removal. */
static int push_pull_remove(struct fixture *f)
{
    struct blob_writer *writer;
    struct blob_reader *reader;
    char                bytes[16];
    size_t              n;

    if (blob_begin(f->store, str_from(f->upload), &writer, &f->err) < 0)
        return -1;
    int result = write_and_finish(f, &writer);
    blob_writer_close(&writer);
    if (result < 0 || blob_open(f->store, str_from(f->object), &reader, &f->err) < 0)
        return -1;
    result = blob_read(reader, 0, bytes, sizeof(bytes), &n, &f->err);
    blob_reader_close(&reader);
    return result < 0 ? -1 : blob_remove(f->store, str_from(f->object), &f->err);
}

/* The object is whole or absent; what the upload holds is a beginning of it. */
static void check_nothing_half_made(struct fixture *f)
{
    struct str object = fixture_get(f, f->object);
    struct str upload = fixture_get(f, f->upload);

    if (object.p != NULL)
        CHECK_STR(object, "first second");
    if (upload.p != NULL)
        assert_true(str_starts(STR("first second"), upload));
    assert_false(object.p != NULL && upload.p != NULL);
}

static void check_work_can_be_done_again(struct fixture *f)
{
    CHECK_OK(blob_remove(f->store, str_from(f->upload), &f->err), &f->err);
    CHECK_OK(blob_remove(f->store, str_from(f->object), &f->err), &f->err);
    CHECK_OK(push_pull_remove(f), &f->err);
    assert_int_equal(fixture_count(f), 0);
}

static void loop(struct fixture *f, unsigned flags)
{
    int64_t n = 1;

    for (;; n++) {
        char name[64];

        fixture_keys(f);
        blob_fail_at(f->store, n, flags);
        int result = push_pull_remove(f);
        blob_fail_at(f->store, 0, 0);
        if (result == 0)
            break;

        snprintf(name, sizeof(name), "operation %lld (", (long long)n);
        assert_int_equal(f->err.kind, ERR_UNAVAILABLE);
        assert_true(str_starts(str_from(f->err.text), str_from(name)));
        check_nothing_half_made(f);
        check_work_can_be_done_again(f);
    }
    assert_int_equal(n, 9); /* begin write flush write finish open read remove, and none */
}

void test_fault_each_operation_once(void **state)
{
    loop(*state, BLOB_FAIL_ONCE);
}

void test_fault_each_operation_and_all_after_it(void **state)
{
    loop(*state, BLOB_FAIL_ONWARDS);
}

void test_fault_each_answer_lost(void **state)
{
    loop(*state, BLOB_FAIL_AFTER);
}

void test_fault_resume_after_each_failed_write(void **state)
{
    struct fixture     *f = *state;
    struct blob_writer *writer;

    for (int64_t n = 1; n <= 3; n++) {
        fixture_keys(f);
        CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
        blob_fail_at(f->store, n, BLOB_FAIL_ONCE);
        assert_int_equal(write_and_finish(f, &writer), -1);
        blob_writer_close(&writer);

        int64_t acknowledged = n > 2 ? 6 : 0;
        CHECK_OK(blob_resume(f->store, str_from(f->upload), acknowledged, &writer, &f->err),
                 &f->err);
        CHECK_OK(blob_write(writer, str_from_index(STR("first second"), (size_t)acknowledged),
                            &f->err),
                 &f->err);
        CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);
        CHECK_STR(fixture_get(f, f->object), "first second");
    }
}

void test_fault_a_writer_that_failed_stays_failed(void **state)
{
    struct fixture     *f = *state;
    struct blob_writer *writer;

    CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
    blob_fail_at(f->store, 1, BLOB_FAIL_ONCE);
    CHECK_FAILS(blob_flush(writer, &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_flush(writer, &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_write(writer, STR("x"), &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_finish(&writer, str_from(f->object), &f->err), &f->err, ERR_UNAVAILABLE);
    assert_null(writer);
    assert_null(fixture_get(f, f->object).p);
}

void test_fault_the_other_operations_fail_too(void **state)
{
    struct fixture *f = *state;
    int64_t         free_bytes, total;

    blob_fail_at(f->store, 1, BLOB_FAIL_ONWARDS);
    CHECK_FAILS(blob_probe(f->store, &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_space(f->store, &free_bytes, &total, &f->err), &f->err, ERR_UNAVAILABLE);
    CHECK_FAILS(blob_each(f->store, NULL, NULL, &f->err), &f->err, ERR_UNAVAILABLE);
    assert_int_equal(blob_fail_count(f->store), 3);
}
