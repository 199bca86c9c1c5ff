/* blob/mem.c: a store in memory: the honest fake of the unit tests, and a server's to try things out with.
 *
 * It keeps the promises of blob.h but the one about crashes: with the process all is gone, so a database
 * that knows a store's id is refused, as any directory that lost its marker is. Objects are counted: a
 * reader outlives the removal. What it holds is a list, for it holds little. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "blob/driver.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/random.h"

/* The bytes of an upload or an object; belongs to the list of the store and to its readers and writers. */
struct content {
    struct content *next;
    char            key[BLOB_KEY_MAX]; /* empty: removed */
    int64_t         modified_us;
    char           *bytes;
    size_t          size;
    size_t          room;
    size_t          n_owners;
};

struct mem_store {
    struct blob_store base;
    pthread_mutex_t   lock; /* guards all that follows and all contents */
    struct content   *contents;
};

struct mem_writer {
    struct blob_writer base;
    struct content    *content;
};

struct mem_reader {
    struct blob_reader base;
    struct content    *content;
};

static struct mem_store *mem_store_of(struct blob_store *store)
{
    ASSERT(store->driver == &blob_mem);
    return (struct mem_store *)store;
}

static struct mem_writer *mem_writer_of(struct blob_writer *writer)
{
    ASSERT(writer->store->driver == &blob_mem);
    return (struct mem_writer *)writer;
}

static struct mem_reader *mem_reader_of(struct blob_reader *reader)
{
    ASSERT(reader->store->driver == &blob_mem);
    return (struct mem_reader *)reader;
}

static struct mem_store *lock(struct blob_store *base)
{
    struct mem_store *store = mem_store_of(base);

    pthread_mutex_lock(&store->lock);
    return store;
}

/* For AUTO: the lock ends with the scope. */
static void unlock(struct mem_store **store)
{
    pthread_mutex_unlock(&(*store)->lock);
}

static void unref(struct content *content)
{
    if (--content->n_owners > 0)
        return;
    mem_free(content->bytes);
    mem_free(content);
}

static struct content *find(struct mem_store *store, struct str key)
{
    for (struct content *content = store->contents; content != NULL; content = content->next) {
        if (str_is(key, content->key))
            return content;
    }
    return NULL;
}

static struct content *get_ref(struct mem_store *store, struct str key)
{
    struct content *content = find(store, key);

    if (content != NULL)
        content->n_owners++;
    return content;
}

static void set_key(struct content *content, struct str key)
{
    snprintf(content->key, sizeof(content->key), STR_FMT, STR_ARGS(key));
}

static void unlink_content(struct mem_store *store, struct content *content)
{
    struct content **at = &store->contents;

    while (*at != content)
        at = &(*at)->next;
    *at             = content->next;
    content->key[0] = '\0';
    unref(content);
}

static int open_mem(struct str where, struct str store_id, struct arena *arena, struct str *out_id,
                    struct blob_store **out, struct err *err)
{
    char id[BLOB_STORE_ID_LEN + 1];

    if (where.n != 0)
        return err_set(err, ERR_INVALID, "storage mem: takes no path");
    if (store_id.n != 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "the database knows a store and storage mem: begins empty");

    struct mem_store *store = mem_new(struct mem_store);
    store->base.driver      = &blob_mem;
    pthread_mutex_init(&store->lock, NULL);
    random_hex(id, BLOB_STORE_ID_LEN / 2);
    *out_id = str_copy(arena, str_from(id));
    *out    = &store->base;
    return 0;
}

static void close_mem(struct blob_store *base)
{
    struct mem_store *store = mem_store_of(base);

    while (store->contents != NULL)
        unlink_content(store, store->contents);
    pthread_mutex_destroy(&store->lock);
    mem_free(store);
}

static struct blob_writer *new_writer(struct blob_store *store, struct content *content)
{
    struct mem_writer *writer = mem_new(struct mem_writer);

    writer->base.store = store;
    writer->content    = content;
    return &writer->base;
}

static int begin_mem(struct blob_store *base, struct str upload_key, struct blob_writer **out,
                     struct err *err)
{
    AUTO(unlock) struct mem_store *store = lock(base);

    if (find(store, upload_key) != NULL)
        return err_set(err, ERR_EXISTS, "beginning " STR_FMT ": it exists", STR_ARGS(upload_key));

    struct content *content = mem_new(struct content);
    set_key(content, upload_key);
    content->modified_us = clock_utc_us();
    content->n_owners    = 2; /* the list and the writer */
    content->next        = store->contents;
    store->contents      = content;
    *out                 = new_writer(base, content);
    return 0;
}

static int resume_mem(struct blob_store *base, struct str upload_key, int64_t offset,
                      struct blob_writer **out, struct err *err)
{
    AUTO(unlock) struct mem_store *store   = lock(base);
    struct content                *content = find(store, upload_key);

    if (content == NULL)
        return err_set(err, ERR_NOT_FOUND, "resuming " STR_FMT ": it is gone",
                       STR_ARGS(upload_key));
    if (content->size < (size_t)offset)
        return err_set_corrupt(err,
                               "resuming " STR_FMT
                               ": %zu bytes are there and %lld were acknowledged",
                               STR_ARGS(upload_key), content->size, (long long)offset);
    content->size = (size_t)offset;
    content->n_owners++;
    *out = new_writer(base, content);
    return 0;
}

static void make_room(struct content *content, size_t room)
{
    if (room <= content->room)
        return;
    if (room < 2 * content->room)
        room = 2 * content->room;

    char *bytes = mem_new_bytes(room);
    if (content->size > 0)
        memcpy(bytes, content->bytes, content->size);
    mem_free(content->bytes);
    content->bytes = bytes;
    content->room  = room;
}

static int write_mem(struct blob_writer *base, struct str bytes, struct err *err)
{
    AUTO(unlock) struct mem_store *store   = lock(base->store);
    struct content                *content = mem_writer_of(base)->content;

    (void)err;
    if (bytes.n == 0)
        return 0;
    make_room(content, content->size + bytes.n);
    memcpy(content->bytes + content->size, bytes.p, bytes.n);
    content->size += bytes.n;
    content->modified_us = clock_utc_us();
    return 0;
}

static int flush_mem(struct blob_writer *base, struct err *err)
{
    (void)base;
    (void)err;
    return 0;
}

static int finish_mem(struct blob_writer *base, struct str object_key, struct err *err)
{
    AUTO(unlock) struct mem_store *store   = lock(base->store);
    struct content                *content = mem_writer_of(base)->content;

    if (content->key[0] == '\0')
        return err_set(err, ERR_NOT_FOUND, "finishing " STR_FMT ": the upload is gone",
                       STR_ARGS(object_key));
    if (find(store, object_key) != NULL)
        return err_set(err, ERR_EXISTS, "finishing " STR_FMT ": it exists", STR_ARGS(object_key));
    set_key(content, object_key);
    return 0;
}

static void close_writer(struct blob_writer *base)
{
    AUTO(unlock) struct mem_store *store  = lock(base->store);
    struct mem_writer             *writer = mem_writer_of(base);

    unref(writer->content);
    mem_free(writer);
}

static int remove_mem(struct blob_store *base, struct str key, struct err *err)
{
    AUTO(unlock) struct mem_store *store   = lock(base);
    struct content                *content = find(store, key);

    (void)err;
    if (content != NULL)
        unlink_content(store, content);
    return 0;
}

static int open_reader(struct blob_store *base, struct str key, struct blob_reader **out,
                       struct err *err)
{
    AUTO(unlock) struct mem_store *store   = lock(base);
    struct content                *content = get_ref(store, key);

    if (content == NULL)
        return err_set(err, ERR_NOT_FOUND, "opening " STR_FMT ": it is absent", STR_ARGS(key));

    struct mem_reader *reader = mem_new(struct mem_reader);
    reader->base.store        = base;
    reader->base.size         = (int64_t)content->size;
    reader->content           = content;
    *out                      = &reader->base;
    return 0;
}

static int read_mem(struct blob_reader *base, int64_t offset, void *out, size_t size,
                    size_t *out_size, struct err *err)
{
    AUTO(unlock) struct mem_store *store   = lock(base->store);
    struct content                *content = mem_reader_of(base)->content;
    struct str                     bytes   = { .p = content->bytes, .n = content->size };
    struct str                     part    = str_sub(bytes, (size_t)offset, size);

    (void)err;
    if (part.n > 0)
        memcpy(out, part.p, part.n);
    *out_size = part.n;
    return 0;
}

/* A file in memory with a copy of the bytes, so that who sends from files can send from here. */
static int take_fd(struct blob_reader *base)
{
    AUTO(unlock) struct mem_store *store   = lock(base->store);
    const struct content          *content = mem_reader_of(base)->content;
    struct str                     bytes   = { .p = content->bytes, .n = content->size };
    AUTO(file_close) int           fd      = memfd_create("assay-object", MFD_CLOEXEC);
    struct err                     ignored; /* -1 says it: the caller goes on with blob_read */

    if (fd < 0 || file_write_all(fd, bytes, 0, &ignored) < 0)
        return -1;

    int taken = fd;
    fd        = -1;
    return taken;
}

static void close_reader(struct blob_reader *base)
{
    AUTO(unlock) struct mem_store *store  = lock(base->store);
    struct mem_reader             *reader = mem_reader_of(base);

    unref(reader->content);
    mem_free(reader);
}

/* What each tells, copied so that the callback runs without the lock. */
struct entry {
    char    key[BLOB_KEY_MAX];
    int64_t size;
    int64_t modified_us;
};

static struct entry *list_objects(struct blob_store *base, struct arena *arena, size_t *out_n)
{
    AUTO(unlock) struct mem_store *store = lock(base);
    size_t                         n     = 0;

    for (struct content *content = store->contents; content != NULL; content = content->next)
        n += blob_is_object_key(str_from(content->key));

    struct entry *entries = mem_many(arena, n, struct entry);
    struct entry *at      = entries;
    for (struct content *content = store->contents; content != NULL; content = content->next) {
        if (!blob_is_object_key(str_from(content->key)))
            continue;
        memcpy(at->key, content->key, sizeof(at->key));
        at->size        = (int64_t)content->size;
        at->modified_us = content->modified_us;
        at++;
    }
    *out_n = n;
    return entries;
}

static int each_mem(struct blob_store *base,
                    int (*each)(void *context, struct str key, int64_t size, int64_t modified_us,
                                struct err *err),
                    void *context, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    size_t                         n;
    struct entry                  *entries = list_objects(base, arena, &n);

    for (size_t i = 0; i < n; i++) {
        if (each(context, str_from(entries[i].key), entries[i].size, entries[i].modified_us, err) <
            0)
            return -1;
    }
    return 0;
}

static int probe_mem(struct blob_store *base, struct err *err)
{
    (void)base;
    (void)err;
    return 0;
}

const struct blob_driver blob_mem = {
    .scheme       = "mem",
    .open         = open_mem,
    .close        = close_mem,
    .begin        = begin_mem,
    .resume       = resume_mem,
    .write        = write_mem,
    .flush        = flush_mem,
    .finish       = finish_mem,
    .writer_close = close_writer,
    .remove       = remove_mem,
    .open_reader  = open_reader,
    .read         = read_mem,
    .take_fd      = take_fd,
    .reader_close = close_reader,
    .each         = each_mem,
    .probe        = probe_mem,
};
