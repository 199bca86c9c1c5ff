/* store_contract.c: what blob.h promises, over every driver. */
#include <pthread.h>

#include "blob/fail.h"
#include "fixture.h"
#include "io/clock.h"

static int hand(void **state, struct fixture *f)
{
    *state = f;
    return 0;
}

int store_over_fs(void **state)
{
    struct fixture *f = fixture_new();

    fixture_open_fs(f);
    return hand(state, f);
}

int store_over_mem(void **state)
{
    struct fixture *f = fixture_new();

    fixture_open_mem(f);
    return hand(state, f);
}

int store_over_fail(void **state)
{
    struct fixture *f = fixture_new();

    fixture_open_fs(f);
    f->store = blob_fail_new(f->store);
    return hand(state, f);
}

int store_end(void **state)
{
    struct fixture *f = *state;

    fixture_free(&f);
    return 0;
}

static struct blob_writer *begin(struct fixture *f)
{
    struct blob_writer *writer;

    CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
    return writer;
}

static struct blob_writer *resume(struct fixture *f, int64_t offset)
{
    struct blob_writer *writer;

    CHECK_OK(blob_resume(f->store, str_from(f->upload), offset, &writer, &f->err), &f->err);
    return writer;
}

static void add(struct fixture *f, struct blob_writer *writer, const char *text)
{
    CHECK_OK(blob_write(writer, str_from(text), &f->err), &f->err);
}

void contract_store_keeps_what_was_finished(void **state)
{
    struct fixture     *f      = *state;
    struct blob_writer *writer = begin(f);

    add(f, writer, "one ");
    add(f, writer, "");
    CHECK_OK(blob_flush(writer, &f->err), &f->err);
    add(f, writer, "two");
    assert_null(fixture_get(f, f->object).p);

    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);
    assert_null(writer);
    CHECK_STR(fixture_get(f, f->object), "one two");
    assert_null(fixture_get(f, f->upload).p);
}

void contract_store_keeps_an_empty_object(void **state)
{
    struct fixture *f = *state;

    fixture_put(f, "");
    CHECK_STR(fixture_get(f, f->object), "");
}

void contract_store_keeps_every_byte_of_a_large_object(void **state)
{
    enum { PART = 300 * 1000, N_PARTS = 40 };
    struct fixture     *f      = *state;
    struct blob_writer *writer = begin(f);
    struct blob_reader *reader;
    char               *part = mem_alloc(f->arena, PART);
    char               *read = mem_alloc(f->arena, PART);
    size_t              n;

    for (int i = 0; i < N_PARTS; i++) {
        memset(part, 'a' + i % 26, PART);
        CHECK_OK(blob_write(writer, (struct str){ .p = part, .n = PART }, &f->err), &f->err);
    }
    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);

    CHECK_OK(blob_open(f->store, str_from(f->object), &reader, &f->err), &f->err);
    assert_int_equal(blob_size(reader), (int64_t)PART * N_PARTS);
    for (int i = 0; i < N_PARTS; i++) {
        memset(part, 'a' + i % 26, PART);
        CHECK_OK(blob_read(reader, (int64_t)PART * i, read, PART, &n, &f->err), &f->err);
        assert_int_equal(n, PART);
        assert_memory_equal(read, part, PART);
    }
    blob_reader_close(&reader);
}

/* Whole pages, as bodies come, may go another way to the disk than what is cut anyhow. */
void contract_store_keeps_pages_and_odd_ends_alike(void **state)
{
    enum { PAGE = 4096, PART = 64 * PAGE, N_PARTS = 40, ODD = 1234 };
    static const size_t sizes[] = { ODD, PART, ODD, PAGE - 2 * ODD % PAGE, PART, PART - ODD };
    struct fixture     *f       = *state;
    struct blob_writer *writer  = begin(f);
    struct blob_reader *reader;
    char               *room = mem_alloc(f->arena, PART + PAGE);
    char               *part = room + PAGE - (uintptr_t)room % PAGE;
    char               *read = mem_alloc(f->arena, PART);
    int64_t             at   = 0;

    for (size_t i = 0; i < N_PARTS + ARRAY_LEN(sizes); i++) {
        size_t size = i < N_PARTS ? PART : sizes[i - N_PARTS];

        memset(part, 'a' + (int)i % 26, size);
        CHECK_OK(blob_write(writer, (struct str){ .p = part, .n = size }, &f->err), &f->err);
    }
    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);

    CHECK_OK(blob_open(f->store, str_from(f->object), &reader, &f->err), &f->err);
    for (size_t i = 0; i < N_PARTS + ARRAY_LEN(sizes); i++) {
        size_t n, size = i < N_PARTS ? PART : sizes[i - N_PARTS];

        memset(part, 'a' + (int)i % 26, size);
        CHECK_OK(blob_read(reader, at, read, size, &n, &f->err), &f->err);
        assert_int_equal(n, size);
        assert_memory_equal(read, part, size);
        at += (int64_t)size;
    }
    assert_int_equal(blob_size(reader), at);
    blob_reader_close(&reader);
}

void contract_store_reads_ranges(void **state)
{
    struct fixture     *f = *state;
    struct blob_reader *reader;
    char                bytes[16];
    size_t              n;

    fixture_put(f, "0123456789");
    CHECK_OK(blob_open(f->store, str_from(f->object), &reader, &f->err), &f->err);
    CHECK_OK(blob_read(reader, 3, bytes, 4, &n, &f->err), &f->err);
    assert_int_equal(n, 4);
    assert_memory_equal(bytes, "3456", 4);
    CHECK_OK(blob_read(reader, 8, bytes, sizeof(bytes), &n, &f->err), &f->err);
    assert_int_equal(n, 2);
    CHECK_OK(blob_read(reader, 10, bytes, sizeof(bytes), &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    CHECK_OK(blob_read(reader, INT64_MAX / 2, bytes, sizeof(bytes), &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    blob_reader_close(&reader);
    blob_reader_close(&reader);
}

void contract_store_upload_is_begun_once(void **state)
{
    struct fixture     *f      = *state;
    struct blob_writer *writer = begin(f);
    struct blob_writer *second = NULL;

    CHECK_FAILS(blob_begin(f->store, str_from(f->upload), &second, &f->err), &f->err, ERR_EXISTS);
    assert_null(second);
    blob_writer_close(&writer);
    blob_writer_close(&writer);
}

void contract_store_resumes_at_the_offset(void **state)
{
    struct fixture     *f      = *state;
    struct blob_writer *writer = begin(f);

    add(f, writer, "kept and lost");
    CHECK_OK(blob_flush(writer, &f->err), &f->err);
    blob_writer_close(&writer);

    writer = resume(f, 5);
    add(f, writer, "more");
    blob_writer_close(&writer);
    CHECK_STR(fixture_get(f, f->upload), "kept more");

    writer = resume(f, 9);
    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);
    CHECK_STR(fixture_get(f, f->object), "kept more");
}

void contract_store_resume_at_zero_begins_anew(void **state)
{
    struct fixture     *f      = *state;
    struct blob_writer *writer = begin(f);

    add(f, writer, "old");
    blob_writer_close(&writer);
    writer = resume(f, 0);
    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);
    CHECK_STR(fixture_get(f, f->object), "");
}

void contract_store_refuses_to_resume_what_is_gone_or_short(void **state)
{
    struct fixture     *f       = *state;
    struct blob_writer *resumed = NULL;

    CHECK_FAILS(blob_resume(f->store, str_from(f->upload), 0, &resumed, &f->err), &f->err,
                ERR_NOT_FOUND);

    struct blob_writer *writer = begin(f);
    add(f, writer, "four");
    blob_writer_close(&writer);
    CHECK_FAILS(blob_resume(f->store, str_from(f->upload), 5, &resumed, &f->err), &f->err,
                ERR_CORRUPT);
    assert_null(resumed);
    CHECK_STR(fixture_get(f, f->upload), "four");
}

void contract_store_never_replaces_an_object(void **state)
{
    struct fixture *f = *state;
    char            taken[BLOB_KEY_MAX];

    fixture_put(f, "first");
    memcpy(taken, f->object, sizeof(taken));
    fixture_keys(f);

    struct blob_writer *writer = begin(f);
    add(f, writer, "second");
    CHECK_FAILS(blob_finish(&writer, str_from(taken), &f->err), &f->err, ERR_EXISTS);
    assert_null(writer);
    CHECK_STR(fixture_get(f, taken), "first");
    CHECK_STR(fixture_get(f, f->upload), "second");
}

void contract_store_does_not_finish_a_removed_upload(void **state)
{
    struct fixture     *f      = *state;
    struct blob_writer *writer = begin(f);

    add(f, writer, "text");
    CHECK_OK(blob_remove(f->store, str_from(f->upload), &f->err), &f->err);
    CHECK_FAILS(blob_finish(&writer, str_from(f->object), &f->err), &f->err, ERR_NOT_FOUND);
    assert_null(fixture_get(f, f->object).p);
}

void contract_store_removes_and_accepts_absence(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(blob_remove(f->store, str_from(f->object), &f->err), &f->err);
    CHECK_OK(blob_remove(f->store, str_from(f->upload), &f->err), &f->err);

    fixture_put(f, "text");
    CHECK_OK(blob_remove(f->store, str_from(f->object), &f->err), &f->err);
    assert_null(fixture_get(f, f->object).p);
    assert_int_equal(fixture_count(f), 0);
}

void contract_store_reader_outlives_the_removal(void **state)
{
    struct fixture     *f = *state;
    struct blob_reader *reader;
    char                bytes[8];
    size_t              n;

    fixture_put(f, "text");
    CHECK_OK(blob_open(f->store, str_from(f->object), &reader, &f->err), &f->err);
    CHECK_OK(blob_remove(f->store, str_from(f->object), &f->err), &f->err);
    CHECK_OK(blob_read(reader, 0, bytes, sizeof(bytes), &n, &f->err), &f->err);
    assert_int_equal(n, 4);
    assert_memory_equal(bytes, "text", 4);
    blob_reader_close(&reader);
}

void contract_store_descriptor_or_reader(void **state)
{
    struct fixture     *f = *state;
    struct blob_reader *reader;
    char                bytes[8];
    size_t              n;

    fixture_put(f, "text");
    CHECK_OK(blob_open(f->store, str_from(f->object), &reader, &f->err), &f->err);
    int fd = blob_take_fd(&reader);
    if (fd >= 0) {
        assert_null(reader);
        assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 4);
        close(fd);
        return;
    }
    CHECK_OK(blob_read(reader, 0, bytes, sizeof(bytes), &n, &f->err), &f->err);
    assert_int_equal(n, 4);
    blob_reader_close(&reader);
}

struct seen {
    struct fixture *f;
    size_t          n;
    size_t          stop_at;
    int64_t         size;
};

static int see(void *context, struct str key, int64_t size, int64_t modified_us, struct err *err)
{
    struct seen *seen = context;
    int64_t      age  = clock_utc_us() - modified_us;

    assert_true(str_starts(key, STR("blobs/sha256/e3/")));
    assert_in_range(age + 1000000, 0, 60 * 1000000);
    seen->size += size;
    if (++seen->n == seen->stop_at)
        return err_set(err, ERR_CONFLICT, "enough");

    /* A callback may use the store. */
    assert_non_null(fixture_get(seen->f, str_dup(seen->f->arena, key)).p);
    return 0;
}

void contract_store_each_tells_objects_and_stops_when_told(void **state)
{
    struct fixture     *f    = *state;
    struct seen         seen = { .f = f };
    struct blob_writer *writer;

    CHECK_OK(blob_each(f->store, see, &seen, &f->err), &f->err);
    assert_int_equal(seen.n, 0);

    fixture_put(f, "1");
    fixture_put(f, "22");
    fixture_put(f, "333");
    fixture_keys(f);
    writer = begin(f);
    blob_writer_close(&writer);
    CHECK_OK(blob_each(f->store, see, &seen, &f->err), &f->err);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.size, 6);

    seen = (struct seen){ .f = f, .stop_at = 2 };
    CHECK_FAILS(blob_each(f->store, see, &seen, &f->err), &f->err, ERR_CONFLICT);
    assert_string_equal(f->err.text, "enough");
    assert_int_equal(seen.n, 2);
}

void contract_store_refuses_foreign_keys(void **state)
{
    static const char *const keys[] = {
        "",
        "uploads/",
        "uploads/../assay-store",
        "uploads/0123456789ABCDEF0123456789ABCDEF",
        "uploads/0123456789abcdef0123456789abcde",
        "/uploads/0123456789abcdef0123456789abcdef",
        "blobs/sha256/../../assay-store",
        "assay-store",
        "blobs/md5/d4/d41d8cd98f00b204e9800998ecf8427e.0123456789abcdef0123456789abcdef",
        ("blobs/sha256/e4/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855."
         "0123456789abcdef0123456789abcdef"),
        "blobs/sha256/e3/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    };
    struct fixture     *f      = *state;
    struct blob_writer *writer = NULL;
    struct blob_reader *reader = NULL;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct str key = str_from(keys[i]);

        CHECK_FAILS(blob_begin(f->store, key, &writer, &f->err), &f->err, ERR_CORRUPT);
        CHECK_FAILS(blob_resume(f->store, key, 0, &writer, &f->err), &f->err, ERR_CORRUPT);
        CHECK_FAILS(blob_open(f->store, key, &reader, &f->err), &f->err, ERR_CORRUPT);
        CHECK_FAILS(blob_remove(f->store, key, &f->err), &f->err, ERR_CORRUPT);

        fixture_keys(f);
        writer = begin(f);
        CHECK_FAILS(blob_finish(&writer, key, &f->err), &f->err, ERR_CORRUPT);
        assert_null(writer);
    }
    CHECK_FAILS(blob_begin(f->store, str_from(f->object), &writer, &f->err), &f->err, ERR_CORRUPT);
}

void contract_store_probe_is_well(void **state)
{
    struct fixture *f = *state;

    CHECK_OK(blob_probe(f->store, &f->err), &f->err);
    CHECK_OK(blob_probe(f->store, &f->err), &f->err);
}

void contract_store_space_is_told_or_unsupported(void **state)
{
    struct fixture *f = *state;
    int64_t         free_bytes, total;

    if (blob_space(f->store, &free_bytes, &total, &f->err) < 0)
        assert_int_equal(f->err.kind, ERR_UNSUPPORTED);
    else
        assert_true(0 <= free_bytes && free_bytes <= total);
}

enum { N_THREADS = 4, N_ROUNDS = 20 };

/* Gives its fixture back when a step failed. */
static void *push_many(void *context)
{
    struct fixture *f = context;
    struct fixture  own;

    for (int i = 0; i < N_ROUNDS; i++) {
        struct blob_writer *writer;

        fixture_keys(&own);
        if (blob_begin(f->store, str_from(own.upload), &writer, &own.err) < 0 ||
            blob_write(writer, STR("bytes"), &own.err) < 0 ||
            blob_finish(&writer, str_from(own.object), &own.err) < 0 ||
            (i % 2 == 0 && blob_remove(f->store, str_from(own.object), &own.err) < 0))
            return f;
    }
    return NULL;
}

void contract_store_serves_threads_at_once(void **state)
{
    struct fixture *f = *state;
    pthread_t       threads[N_THREADS];
    void           *failed;

    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push_many, f), 0);
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(fixture_count(f), N_THREADS * N_ROUNDS / 2);
}
