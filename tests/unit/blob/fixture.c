/* fixture.c: makes and ends the stores that the tests of this folder use. */
#include "fixture.h"

static const char digest[] =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct fixture *fixture_new(void)
{
    struct fixture *f = mem_new(struct fixture);

    scratch_make(f->dir);
    f->arena = arena_new();
    fixture_keys(f);
    return f;
}

static void open_url(struct fixture *f, const char *url)
{
    CHECK_OK(blob_store_open(str_from(url), STR(""), f->arena, &f->id, &f->store, &f->err),
             &f->err);
}

void fixture_open_fs(struct fixture *f)
{
    open_url(f, mem_printf(f->arena, "file:%s/store", f->dir));
}

void fixture_open_mem(struct fixture *f)
{
    open_url(f, "mem:");
}

void fixture_free(struct fixture **f)
{
    blob_store_close(&(*f)->store);
    scratch_remove((*f)->dir);
    arena_free(&(*f)->arena);
    mem_free(*f);
    *f = NULL;
}

void fixture_keys(struct fixture *f)
{
    blob_object_key(str_from(digest), f->object);
    blob_upload_key(f->upload);
}

void fixture_put(struct fixture *f, const char *text)
{
    struct blob_writer *writer;

    fixture_keys(f);
    CHECK_OK(blob_begin(f->store, str_from(f->upload), &writer, &f->err), &f->err);
    CHECK_OK(blob_write(writer, str_from(text), &f->err), &f->err);
    CHECK_OK(blob_finish(&writer, str_from(f->object), &f->err), &f->err);
    assert_null(writer);
}

struct str fixture_get(struct fixture *f, const char *key)
{
    struct blob_reader *reader;
    size_t              n;

    if (blob_open(f->store, str_from(key), &reader, &f->err) < 0) {
        assert_int_equal(f->err.kind, ERR_NOT_FOUND);
        return STR_NULL;
    }

    size_t size  = (size_t)blob_size(reader);
    char  *bytes = mem_alloc(f->arena, size + 1);
    CHECK_OK(blob_read(reader, 0, bytes, size + 1, &n, &f->err), &f->err);
    assert_int_equal(n, size);
    blob_reader_close(&reader);
    return (struct str){ .p = bytes, .n = n };
}

static int count_one(void *context, struct str key, int64_t size, int64_t modified_us,
                     struct err *err)
{
    ++*(size_t *)context;
    return 0;
}

size_t fixture_count(struct fixture *f)
{
    size_t n = 0;

    CHECK_OK(blob_each(f->store, count_one, &n, &f->err), &f->err);
    return n;
}
