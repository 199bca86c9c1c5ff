/* blob/blob.c: the one door of the store. Here is what all drivers have in common: which driver a URL
 * means, what a key looks like, and that a writer which failed once does nothing any more.
 *
 * Keys come from this file and return to it by way of the database, never from a request; one of another
 * form is therefore damage and not a client's mistake, and no driver ever sees it. */
#include "blob/blob.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "blob/driver.h"
#include "codec/text.h"
#include "io/random.h"

enum { GENERATION_BYTES = 16, GENERATION_LEN = 2 * GENERATION_BYTES };

static const struct blob_driver *const drivers[] = { &blob_fs, &blob_mem };

static const struct algorithm {
    const char *name;
    size_t      n_digits;
} algorithms[] = { { "sha256", 64 }, { "sha512", 128 } };

static bool is_hex(struct str text, size_t n_digits)
{
    unsigned char bytes[BLOB_KEY_MAX / 2];

    return text_hex_parse(text, bytes, n_digits / 2);
}

/* 0 for an algorithm that no digest has. */
static size_t n_digits_of(struct str algorithm)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (str_is(algorithm, algorithms[i].name))
            return algorithms[i].n_digits;
    }
    return 0;
}

bool blob_is_object_key(struct str key)
{
    struct str folder, algorithm, shard, hex;

    if (!str_next(&key, '/', &folder) || !str_is(folder, "blobs") ||
        !str_next(&key, '/', &algorithm) || !str_next(&key, '/', &shard) ||
        !str_next(&key, '.', &hex))
        return false;

    size_t n_digits = n_digits_of(algorithm);
    return n_digits != 0 && is_hex(hex, n_digits) && str_eq(shard, str_sub(hex, 0, 2)) &&
           is_hex(key, GENERATION_LEN);
}

bool blob_is_upload_key(struct str key)
{
    struct str head = STR("uploads/");

    return str_starts(key, head) && is_hex(str_from_index(key, head.n), GENERATION_LEN);
}

static int check_object_key(struct str key, struct err *err)
{
    if (!blob_is_object_key(key))
        return err_set_corrupt(err, "\"" STR_FMT "\" is no object key",
                               STR_ARGS(str_sub(key, 0, BLOB_KEY_MAX)));
    return 0;
}

static int check_upload_key(struct str key, struct err *err)
{
    if (!blob_is_upload_key(key))
        return err_set_corrupt(err, "\"" STR_FMT "\" is no upload key",
                               STR_ARGS(str_sub(key, 0, BLOB_KEY_MAX)));
    return 0;
}

static int check_key(struct str key, struct err *err)
{
    return blob_is_upload_key(key) ? 0 : check_object_key(key, err);
}

void blob_object_key(struct str digest, char out[BLOB_KEY_MAX])
{
    struct str algorithm;
    struct str hex = digest;
    char       generation[GENERATION_LEN + 1];

    ASSERT(str_next(&hex, ':', &algorithm) && n_digits_of(algorithm) != 0 &&
           is_hex(hex, n_digits_of(algorithm)));
    random_hex(generation, GENERATION_BYTES);
    snprintf(out, BLOB_KEY_MAX, "blobs/" STR_FMT "/%.2s/" STR_FMT ".%s", STR_ARGS(algorithm), hex.p,
             STR_ARGS(hex), generation);
}

void blob_upload_key(char out[BLOB_KEY_MAX])
{
    char id[GENERATION_LEN + 1];

    random_hex(id, GENERATION_BYTES);
    snprintf(out, BLOB_KEY_MAX, "uploads/%s", id);
}

int blob_store_open(struct str url, struct str store_id, struct arena *arena, struct str *out_id,
                    struct blob_store **out, struct err *err)
{
    struct str scheme;
    struct str where = url;

    if (store_id.n != 0 && !is_hex(store_id, BLOB_STORE_ID_LEN))
        return err_set_corrupt(err, "a store's id has %zu bytes and not %d hex digits", store_id.n,
                               BLOB_STORE_ID_LEN);
    if (str_next(&where, ':', &scheme) && where.p != NULL) {
        for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
            if (str_is(scheme, drivers[i]->scheme))
                return drivers[i]->open(where, store_id, arena, out_id, out, err);
        }
    }
    return err_set(err, ERR_INVALID, "storage \"" STR_FMT "\" is neither file:DIRECTORY nor mem:",
                   STR_ARGS(str_sub(url, 0, BLOB_KEY_MAX)));
}

void blob_store_close(struct blob_store **store)
{
    if (*store == NULL)
        return;

    (*store)->driver->close(*store);
    *store = NULL;
}

int blob_begin(struct blob_store *store, struct str upload_key, struct blob_writer **out,
               struct err *err)
{
    if (check_upload_key(upload_key, err) < 0)
        return -1;
    return store->driver->begin(store, upload_key, out, err);
}

int blob_resume(struct blob_store *store, struct str upload_key, int64_t offset,
                struct blob_writer **out, struct err *err)
{
    ASSERT(offset >= 0);
    if (check_upload_key(upload_key, err) < 0)
        return -1;
    return store->driver->resume(store, upload_key, offset, out, err);
}

/* After a failed write or sync the kernel may have dropped the bytes and forgotten that it did, so a
 * second try that works proves nothing. */
static int check_writer(const struct blob_writer *writer, struct err *err)
{
    if (writer->is_broken)
        return err_set(err, ERR_UNAVAILABLE, "the upload's writer has failed before");
    return 0;
}

static int note_failure(struct blob_writer *writer, int result)
{
    if (result < 0)
        writer->is_broken = true;
    return result;
}

int blob_write(struct blob_writer *writer, struct str bytes, struct err *err)
{
    if (check_writer(writer, err) < 0)
        return -1;
    return note_failure(writer, writer->store->driver->write(writer, bytes, err));
}

int blob_flush(struct blob_writer *writer, struct err *err)
{
    if (check_writer(writer, err) < 0)
        return -1;
    return note_failure(writer, writer->store->driver->flush(writer, err));
}

void blob_writer_close(struct blob_writer **writer)
{
    if (*writer == NULL)
        return;

    (*writer)->store->driver->writer_close(*writer);
    *writer = NULL;
}

int blob_finish(struct blob_writer **writer, struct str object_key, struct err *err)
{
    int result = -1;

    if (check_object_key(object_key, err) == 0 && check_writer(*writer, err) == 0)
        result = (*writer)->store->driver->finish(*writer, object_key, err);
    blob_writer_close(writer);
    return result;
}

int blob_remove(struct blob_store *store, struct str key, struct err *err)
{
    if (check_key(key, err) < 0)
        return -1;
    return store->driver->remove(store, key, err);
}

int blob_open(struct blob_store *store, struct str key, struct blob_reader **out, struct err *err)
{
    if (check_key(key, err) < 0)
        return -1;
    return store->driver->open_reader(store, key, out, err);
}

int64_t blob_size(const struct blob_reader *reader)
{
    return reader->size;
}

int blob_read(struct blob_reader *reader, int64_t offset, void *out, size_t size, size_t *out_size,
              struct err *err)
{
    ASSERT(offset >= 0);
    return reader->store->driver->read(reader, offset, out, size, out_size, err);
}

int blob_take_fd(struct blob_reader **reader)
{
    const struct blob_driver *driver = (*reader)->store->driver;

    if (driver->take_fd == NULL)
        return -1;

    int fd = driver->take_fd(*reader);
    if (fd >= 0)
        blob_reader_close(reader);
    return fd;
}

void blob_reader_close(struct blob_reader **reader)
{
    if (*reader == NULL)
        return;

    (*reader)->store->driver->reader_close(*reader);
    *reader = NULL;
}

int blob_each(struct blob_store *store,
              int (*each)(void *context, struct str key, int64_t size, int64_t modified_us,
                          struct err *err),
              void *context, struct err *err)
{
    return store->driver->each(store, each, context, err);
}

int blob_probe(struct blob_store *store, struct err *err)
{
    return store->driver->probe(store, err);
}

int blob_is_here(struct blob_store *store, struct err *err)
{
    return store->driver->is_here == NULL ? 0 : store->driver->is_here(store, err);
}

int blob_space(struct blob_store *store, int64_t *out_free, int64_t *out_total, struct err *err)
{
    if (store->driver->space == NULL)
        return err_set(err, ERR_UNSUPPORTED, "this store does not know its space");
    return store->driver->space(store, out_free, out_total, err);
}
