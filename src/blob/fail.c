/* blob/fail.c: a store around another one, whose n-th operation fails.
 *
 * Each operation asks begins() whether it fails before its work and, when the work is done, ends() whether
 * it is told as failed. What the inner store made in a call that is told as failed (a writer, a reader) is
 * closed here, for the caller never learns of it. Handing out a descriptor is no operation: it cannot say
 * why it failed. */
#include "blob/fail.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "blob/driver.h"

struct fail_store {
    struct blob_store  base;
    struct blob_store *inner;
    pthread_mutex_t    lock; /* guards what follows */
    int64_t            count;
    int64_t            fails_at;
    unsigned           flags;
};

struct fail_writer {
    struct blob_writer  base;
    struct blob_writer *inner;
};

struct fail_reader {
    struct blob_reader  base;
    struct blob_reader *inner;
};

/* One operation on its way. */
struct step {
    const char *name;
    int64_t     number;
    bool        fails_before;
    bool        fails_after;
};

static struct fail_store *fail_store_of(struct blob_store *store)
{
    ASSERT(store->driver == &blob_fail);
    return (struct fail_store *)store;
}

static struct fail_writer *fail_writer_of(struct blob_writer *writer)
{
    ASSERT(writer->store->driver == &blob_fail);
    return (struct fail_writer *)writer;
}

static struct fail_reader *fail_reader_of(struct blob_reader *reader)
{
    ASSERT(reader->store->driver == &blob_fail);
    return (struct fail_reader *)reader;
}

struct blob_store *blob_fail_new(struct blob_store *inner)
{
    struct fail_store *store = mem_new(struct fail_store);

    store->base.driver = &blob_fail;
    store->inner       = inner;
    pthread_mutex_init(&store->lock, NULL);
    return &store->base;
}

void blob_fail_at(struct blob_store *base, int64_t n, unsigned flags)
{
    struct fail_store *store = fail_store_of(base);

    pthread_mutex_lock(&store->lock);
    store->count    = 0;
    store->fails_at = n;
    store->flags    = flags;
    pthread_mutex_unlock(&store->lock);
}

int64_t blob_fail_count(struct blob_store *base)
{
    struct fail_store *store = fail_store_of(base);

    pthread_mutex_lock(&store->lock);
    int64_t count = store->count;
    pthread_mutex_unlock(&store->lock);
    return count;
}

static int tell_failed(const struct step *step, const char *when, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "operation %lld (%s) of the failing store %s",
                   (long long)step->number, step->name, when);
}

/* Counts the operation and says whether it fails before its work: 0, -1. */
static int begins(struct blob_store *base, const char *name, struct step *step, struct err *err)
{
    struct fail_store *store = fail_store_of(base);

    pthread_mutex_lock(&store->lock);
    int64_t number    = ++store->count;
    bool    is_chosen = store->fails_at != 0 &&
                     (number == store->fails_at ||
                      (number > store->fails_at && (store->flags & BLOB_FAIL_ONWARDS) != 0));
    bool is_after = (store->flags & BLOB_FAIL_AFTER) != 0;
    pthread_mutex_unlock(&store->lock);

    *step = (struct step){ .name         = name,
                           .number       = number,
                           .fails_before = is_chosen && !is_after,
                           .fails_after  = is_chosen && is_after };
    return step->fails_before ? tell_failed(step, "was not begun", err) : 0;
}

/* Says whether an operation that was done is told as failed: 0, -1. A failure of the inner store stays. */
static int ends(const struct step *step, int result, struct err *err)
{
    if (result == 0 && step->fails_after)
        return tell_failed(step, "lost its answer", err);
    return result;
}

static void close_fail(struct blob_store *base)
{
    struct fail_store *store = fail_store_of(base);

    blob_store_close(&store->inner);
    pthread_mutex_destroy(&store->lock);
    mem_free(store);
}

/* Gives the inner writer a coat, or ends it when the answer is lost. */
static int hand_writer(struct blob_store *base, const struct step *step, struct blob_writer *inner,
                       struct blob_writer **out, struct err *err)
{
    if (ends(step, 0, err) < 0) {
        blob_writer_close(&inner);
        return -1;
    }

    struct fail_writer *writer = mem_new(struct fail_writer);
    writer->base.store         = base;
    writer->inner              = inner;
    *out                       = &writer->base;
    return 0;
}

static int begin_fail(struct blob_store *base, struct str upload_key, struct blob_writer **out,
                      struct err *err)
{
    struct step         step;
    struct blob_writer *inner;

    if (begins(base, "begin", &step, err) < 0 ||
        blob_begin(fail_store_of(base)->inner, upload_key, &inner, err) < 0)
        return -1;
    return hand_writer(base, &step, inner, out, err);
}

static int resume_fail(struct blob_store *base, struct str upload_key, int64_t offset,
                       struct blob_writer **out, struct err *err)
{
    struct step         step;
    struct blob_writer *inner;

    if (begins(base, "resume", &step, err) < 0 ||
        blob_resume(fail_store_of(base)->inner, upload_key, offset, &inner, err) < 0)
        return -1;
    return hand_writer(base, &step, inner, out, err);
}

static int write_fail(struct blob_writer *base, struct str bytes, struct err *err)
{
    struct step step;

    if (begins(base->store, "write", &step, err) < 0)
        return -1;
    return ends(&step, blob_write(fail_writer_of(base)->inner, bytes, err), err);
}

static int flush_fail(struct blob_writer *base, struct err *err)
{
    struct step step;

    if (begins(base->store, "flush", &step, err) < 0)
        return -1;
    return ends(&step, blob_flush(fail_writer_of(base)->inner, err), err);
}

static int finish_fail(struct blob_writer *base, struct str object_key, struct err *err)
{
    struct step step;

    if (begins(base->store, "finish", &step, err) < 0)
        return -1;
    return ends(&step, blob_finish(&fail_writer_of(base)->inner, object_key, err), err);
}

static void close_writer(struct blob_writer *base)
{
    struct fail_writer *writer = fail_writer_of(base);

    blob_writer_close(&writer->inner);
    mem_free(writer);
}

static int remove_fail(struct blob_store *base, struct str key, struct err *err)
{
    struct step step;

    if (begins(base, "remove", &step, err) < 0)
        return -1;
    return ends(&step, blob_remove(fail_store_of(base)->inner, key, err), err);
}

static int open_reader(struct blob_store *base, struct str key, struct blob_reader **out,
                       struct err *err)
{
    struct step         step;
    struct blob_reader *inner;

    if (begins(base, "open", &step, err) < 0 ||
        blob_open(fail_store_of(base)->inner, key, &inner, err) < 0)
        return -1;
    if (ends(&step, 0, err) < 0) {
        blob_reader_close(&inner);
        return -1;
    }

    struct fail_reader *reader = mem_new(struct fail_reader);
    reader->base.store         = base;
    reader->base.size          = blob_size(inner);
    reader->inner              = inner;
    *out                       = &reader->base;
    return 0;
}

static int read_fail(struct blob_reader *base, int64_t offset, void *out, size_t size,
                     size_t *out_size, struct err *err)
{
    struct step step;
    size_t      got;

    if (begins(base->store, "read", &step, err) < 0 ||
        ends(&step, blob_read(fail_reader_of(base)->inner, offset, out, size, &got, err), err) < 0)
        return -1;
    *out_size = got;
    return 0;
}

static int take_fd(struct blob_reader *base)
{
    return blob_take_fd(&fail_reader_of(base)->inner);
}

static void close_reader(struct blob_reader *base)
{
    struct fail_reader *reader = fail_reader_of(base);

    blob_reader_close(&reader->inner);
    mem_free(reader);
}

static int each_fail(struct blob_store *base,
                     int (*each)(void *context, struct str key, int64_t size, int64_t modified_us,
                                 struct err *err),
                     void *context, struct err *err)
{
    struct step step;

    if (begins(base, "each", &step, err) < 0)
        return -1;
    return ends(&step, blob_each(fail_store_of(base)->inner, each, context, err), err);
}

/* Not counted: it belongs to the operations that ask it. */
static int is_here_fail(struct blob_store *base, struct err *err)
{
    return blob_is_here(fail_store_of(base)->inner, err);
}

static int probe_fail(struct blob_store *base, struct err *err)
{
    struct step step;

    if (begins(base, "probe", &step, err) < 0)
        return -1;
    return ends(&step, blob_probe(fail_store_of(base)->inner, err), err);
}

static int space_fail(struct blob_store *base, int64_t *out_free, int64_t *out_total,
                      struct err *err)
{
    struct step step;
    int64_t     free_bytes, total;

    if (begins(base, "space", &step, err) < 0 ||
        ends(&step, blob_space(fail_store_of(base)->inner, &free_bytes, &total, err), err) < 0)
        return -1;
    *out_free  = free_bytes;
    *out_total = total;
    return 0;
}

const struct blob_driver blob_fail = {
    .close        = close_fail,
    .begin        = begin_fail,
    .resume       = resume_fail,
    .write        = write_fail,
    .flush        = flush_fail,
    .finish       = finish_fail,
    .writer_close = close_writer,
    .remove       = remove_fail,
    .open_reader  = open_reader,
    .read         = read_fail,
    .take_fd      = take_fd,
    .reader_close = close_reader,
    .each         = each_fail,
    .probe        = probe_fail,
    .is_here      = is_here_fail,
    .space        = space_fail,
};
