/* upload_fuzz.c: one sequence of operations on a directory and on memory: both stores answer alike at every
 * step, and hold the same bytes. Two input bytes an operation: which, and how much. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "blob/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_UPLOADS = 2, N_STEPS_MAX = 200, READ_MAX = 65536 };
enum { FS, MEM, N_STORES };

/* Both stores with a writer each, driven in step. */
struct pair {
    struct blob_store  *store[N_STORES];
    struct blob_writer *writer[N_STORES];
    char                upload[N_UPLOADS][BLOB_KEY_MAX];
    char                object[N_UPLOADS][BLOB_KEY_MAX];
};

static char directory[64];
static char bytes[256];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    return remove(path);
}

static void remove_directory(void)
{
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* In memory where there is such a file system: a sync costs nothing there. */
static void make_directory(void)
{
    snprintf(directory, sizeof(directory), "%s/assay-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ASSERT(mkdtemp(directory) != NULL);
    atexit(remove_directory);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
}

static void open_pair(struct pair *pair, struct arena *arena)
{
    static const char digest[] =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static struct str id = { .p = "", .n = 0 };
    static char       id_text[33];
    struct str        mem_id;
    struct err        err;

    if (directory[0] == '\0')
        make_directory();
    ASSERT(blob_store_open(str_from(mem_printf(arena, "file:%s/store", directory)), id, arena, &id,
                           &pair->store[FS], &err) == 0);
    snprintf(id_text, sizeof(id_text), STR_FMT, STR_ARGS(id));
    id = str_from(id_text);
    ASSERT(blob_store_open(STR("mem:"), STR(""), arena, &mem_id, &pair->store[MEM], &err) == 0);
    for (size_t i = 0; i < N_UPLOADS; i++) {
        blob_upload_key(pair->upload[i]);
        blob_object_key(str_from(digest), pair->object[i]);
    }
}

static void close_writers(struct pair *pair)
{
    for (size_t i = 0; i < N_STORES; i++)
        blob_writer_close(&pair->writer[i]);
}

static void close_pair(struct pair *pair)
{
    struct err err;

    close_writers(pair);
    for (size_t i = 0; i < N_STORES; i++) {
        for (size_t k = 0; k < N_UPLOADS; k++) {
            ASSERT(blob_remove(pair->store[i], str_from(pair->upload[k]), &err) == 0);
            ASSERT(blob_remove(pair->store[i], str_from(pair->object[k]), &err) == 0);
        }
        blob_store_close(&pair->store[i]);
    }
}

/* One operation on one store. */
static int run(struct pair *pair, size_t i, unsigned verb, unsigned which, size_t much,
               struct err *err)
{
    struct str upload = str_from(pair->upload[which]);
    struct str object = str_from(pair->object[which]);

    switch (verb) {
    case 0:
        return pair->writer[i] != NULL ? 0
                                       : blob_begin(pair->store[i], upload, &pair->writer[i], err);
    case 1:
        return pair->writer[i] != NULL
                   ? 0
                   : blob_resume(pair->store[i], upload, (int64_t)much, &pair->writer[i], err);
    case 2:
        return pair->writer[i] == NULL
                   ? 0
                   : blob_write(pair->writer[i], (struct str){ .p = bytes, .n = much }, err);
    case 3:
        return pair->writer[i] == NULL ? 0 : blob_flush(pair->writer[i], err);
    case 4:
        return pair->writer[i] == NULL ? 0 : blob_finish(&pair->writer[i], object, err);
    case 5:
        return blob_remove(pair->store[i], much % 2 == 0 ? upload : object, err);
    default:
        blob_writer_close(&pair->writer[i]);
        return 0;
    }
}

static void step(struct pair *pair, uint8_t what, uint8_t much)
{
    struct err err[N_STORES] = { { .kind = ERR_NONE }, { .kind = ERR_NONE } };
    int        result[N_STORES];

    for (size_t i = 0; i < N_STORES; i++)
        result[i] = run(pair, i, what % 7, what / 7 % N_UPLOADS, much, &err[i]);
    ASSERT(result[FS] == result[MEM]);
    ASSERT(err[FS].kind == err[MEM].kind);
}

static struct str read_all(struct blob_store *store, const char *key, struct arena *arena)
{
    struct blob_reader *reader;
    char               *room = mem_alloc(arena, READ_MAX);
    struct err          err;
    size_t              n;

    if (blob_open(store, str_from(key), &reader, &err) < 0) {
        ASSERT(err.kind == ERR_NOT_FOUND);
        return STR_NULL;
    }
    ASSERT(blob_read(reader, 0, room, READ_MAX, &n, &err) == 0 && (int64_t)n == blob_size(reader));
    blob_reader_close(&reader);
    return (struct str){ .p = room, .n = n };
}

static void compare(struct pair *pair, const char *key, struct arena *arena)
{
    struct str fs  = read_all(pair->store[FS], key, arena);
    struct str mem = read_all(pair->store[MEM], key, arena);

    ASSERT((fs.p == NULL) == (mem.p == NULL) && str_eq(fs, mem));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct pair                    pair  = { 0 };

    open_pair(&pair, arena);
    for (size_t i = 0; i + 1 < size && i < 2 * N_STEPS_MAX; i += 2)
        step(&pair, data[i], data[i + 1]);
    close_writers(&pair);
    for (size_t i = 0; i < N_UPLOADS; i++) {
        compare(&pair, pair.upload[i], arena);
        compare(&pair, pair.object[i], arena);
    }
    close_pair(&pair);
    return 0;
}
