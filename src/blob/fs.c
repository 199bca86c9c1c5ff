/* blob/fs.c: a store in a directory of a local file system.
 *
 *     assay-store                           the marker: "assay-store 1 <id>\n"; written last, so a directory
 *                                           that has one is complete
 *     assay-probe                           rewritten by each probe
 *     uploads/<32 hex>                      uploads in progress
 *     blobs/<alg>/<aa>/<hex>.<generation>   objects; <aa> are the first two digits of <hex>
 *
 * Folders are 0700, files 0600, all of the user that runs the server; a directory that others may write
 * is refused. Every name is opened beneath the directory's handle and through no symbolic link.
 *
 * The steps that make things durable are one small function each, in the order in which they run:
 *
 *     begin    make_upload ─ sync_uploads
 *     flush    sync_bytes
 *     finish   sync_bytes ─ open_shard (makes it: mkdir, fsync of its parents) ─ move_to_object ─
 *              sync_shard ─ sync_uploads
 *     remove   file_remove_at (unlink, fsync of the folder)
 *
 * A shard folder is made and synced with its parents once in the life of a process; which ones have been
 * is remembered, because a folder that exists may still be unsynced by the run that crashed after making
 * it, or by the thread that makes it now.
 *
 * The directory is held by handles, and these go on showing it when its volume was unmounted. So every step that
 * is acknowledged looks, when it is done, whether the path still leads there (is_here). The probe takes up what
 * it finds at the path when the marker is right: the handles come to mean the new directory, under their
 * numbers, and `epoch` moves before and after, so that no writer ends in another place than it began in.
 *
 * Of a large upload what comes in whole pages goes past the page cache, whose copy of it costs as much as hashing and
 * drives out what others pull; where a file system does not take that, or a medium is so slow at it that the cache is
 * the better place to wait, the kernel is asked to write back as the upload goes (sync_file_range, which promises
 * nothing and so may fail), to leave little for the sync at the end that does promise. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "blob/driver.h"
#include "codec/text.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/random.h"

enum {
    MARKER_MAX      = 128,
    N_ALGORITHMS    = 2,
    N_SHARDS        = 256,
    WRITE_BACK_STEP = 4 << 20,
    DIRECT_FROM     = 8 << 20, /* what is smaller is pulled from the cache soon */
    DIRECT_TRIAL    = 4 << 20,
    DIRECT_MIN_RATE = 200, /* bytes a µs, after the trial */
    OTHERS_WRITE    = 0022
};

static const char marker_name[] = "assay-store";
static const char marker_head[] = "assay-store 1 ";
static const char probe_name[]  = "assay-probe";

struct fs_store {
    struct blob_store base;
    char             *path;
    int               root;
    int               uploads;
    char              id[BLOB_STORE_ID_LEN + 1];
    atomic_uint       epoch;                             /* moves when root and uploads do */
    atomic_bool       has_shard[N_ALGORITHMS][N_SHARDS]; /* made and synced by this process */
};

struct fs_writer {
    struct blob_writer base;
    char               key[BLOB_KEY_MAX];
    int                fd;
    unsigned           epoch;
    int64_t            size;
    int64_t            written_back; /* up to where write-back was asked for */
    int64_t            direct_bytes; /* written past the cache */
    int64_t            direct_us;    /* and how long that took */
    bool               is_cached;    /* nothing more goes past the cache */
};

struct fs_reader {
    struct blob_reader base;
    int                fd;
};

static struct fs_store *fs_store_of(struct blob_store *store)
{
    ASSERT(store->driver == &blob_fs);
    return (struct fs_store *)store;
}

static struct fs_writer *fs_writer_of(struct blob_writer *writer)
{
    ASSERT(writer->store->driver == &blob_fs);
    return (struct fs_writer *)writer;
}

static struct fs_reader *fs_reader_of(struct blob_reader *reader)
{
    ASSERT(reader->store->driver == &blob_fs);
    return (struct fs_reader *)reader;
}

static void copy_key(struct str key, char out[BLOB_KEY_MAX])
{
    ASSERT(key.n < BLOB_KEY_MAX);
    memcpy(out, key.p, key.n);
    out[key.n] = '\0';
}

static const char *last_part(const char *key)
{
    return strrchr(key, '/') + 1;
}

static void close_listing(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
    *dir = NULL;
}

static int open_listing(int dir_fd, const char *name, DIR **out, struct err *err)
{
    int fd;

    if (file_open_at(dir_fd, name, O_RDONLY | O_DIRECTORY, &fd, err) < 0)
        return -1;
    *out = fdopendir(fd);
    if (*out == NULL) {
        err_set_os(err, ERR_UNAVAILABLE, "listing %s", name);
        file_close(&fd);
        return -1;
    }
    return 0;
}

/* The next name but "." and "..": 1, 0 at the end, -1. Valid until the next call. */
static int next_name(DIR *dir, const char **out, struct err *err)
{
    for (;;) {
        errno                      = 0;
        const struct dirent *entry = readdir(dir);

        if (entry == NULL && errno != 0)
            return err_set_os(err, ERR_UNAVAILABLE, "listing a folder of the store");
        if (entry == NULL)
            return 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *out = entry->d_name;
        return 1;
    }
}

/* An absent folder is empty. 1, 0, -1. */
static int is_empty_folder(int dir_fd, const char *name, struct err *err)
{
    AUTO(close_listing) DIR *dir = NULL;
    const char              *entry;

    if (open_listing(dir_fd, name, &dir, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 1 : -1;

    int found = next_name(dir, &entry, err);
    return found < 0 ? -1 : !found;
}

static int check_folder(int fd, const char *name, struct err *err)
{
    struct stat info;

    if (fstat(fd, &info) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "looking at %s", name);
    if ((info.st_mode & OTHERS_WRITE) != 0)
        return err_set(err, ERR_DENIED, "%s may be written by others (mode %03o); make it 0700",
                       name, (unsigned)info.st_mode & 0777);
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return err_set(err, ERR_DENIED, "%s belongs to user %u and this process runs as user %u",
                       name, (unsigned)info.st_uid, (unsigned)geteuid());
    return 0;
}

static int open_root(const char *path, bool make, int *out_fd, struct err *err)
{
    AUTO(file_close) int fd = -1;

    if (file_open_dir(path, make, &fd, err) < 0) {
        if (err->kind != ERR_NOT_FOUND)
            return -1;
        return err_set(err, ERR_UNAVAILABLE,
                       "storage directory %s is absent; is its volume mounted?", path);
    }
    if (check_folder(fd, path, err) < 0)
        return err_wrap(err, "storage directory");
    *out_fd = fd;
    fd      = -1;
    return 0;
}

static int parse_marker(struct str text, char out_id[BLOB_STORE_ID_LEN + 1], struct err *err)
{
    struct str    head = str_from(marker_head);
    struct str    id   = str_sub(text, head.n, BLOB_STORE_ID_LEN);
    unsigned char bytes[BLOB_STORE_ID_LEN / 2];

    if (!str_starts(text, STR("assay-store ")))
        return err_set_corrupt(err, "%s is not the marker of a store", marker_name);
    if (!str_starts(text, head))
        return err_set(err, ERR_UNAVAILABLE,
                       "the store has a format that this version does not know: " STR_FMT,
                       STR_ARGS(text));
    if (!text_hex_parse(id, bytes, sizeof(bytes)) ||
        !str_is(str_from_index(text, head.n + id.n), "\n"))
        return err_set_corrupt(err, "the marker %s is cut or damaged", marker_name);

    snprintf(out_id, BLOB_STORE_ID_LEN + 1, STR_FMT, STR_ARGS(id));
    return 0;
}

/* 1 found, 0 absent, -1. */
static int find_marker(int root, char out_id[BLOB_STORE_ID_LEN + 1], struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     text;

    if (file_read_all(root, marker_name, MARKER_MAX, arena, &text, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    return parse_marker(text, out_id, err) < 0 ? -1 : 1;
}

static int write_marker(int root, const char *id, struct err *err)
{
    char text[MARKER_MAX];

    snprintf(text, sizeof(text), "%s%s\n", marker_head, id);
    return file_replace_at(root, marker_name, str_from(text), err);
}

/* The store that the database knows. */
static int check_marker(int root, const char *path, struct str wanted_id, struct err *err)
{
    char id[BLOB_STORE_ID_LEN + 1];
    int  found = find_marker(root, id, err);

    if (found < 0)
        return err_wrap(err, "storage directory %s", path);
    if (found == 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "storage directory %s has no marker %s; is its volume mounted?", path,
                       marker_name);
    if (!str_is(wanted_id, id))
        return err_set(
            err, ERR_UNAVAILABLE,
            "storage directory %s is store %s and the database belongs to store " STR_FMT, path, id,
            STR_ARGS(wanted_id));
    return 0;
}

/* What may lie in a directory that holds no store: the root of a new file system, or what a first start
 * made before it was interrupted. */
static bool is_known_name(const char *name)
{
    static const char *const known[] = { "lost+found", "blobs", "uploads", marker_name,
                                         probe_name };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(name, known[i]) == 0)
            return true;
    }
    return str_starts(str_from(name),
                      STR(".assay-store.")); /* a marker on its way: file_replace_at */
}

/* Nothing of anybody's, no object and no upload: 1, 0, -1. */
static int is_unused(int root, struct err *err)
{
    AUTO(close_listing) DIR *dir  = NULL;
    const char              *name = "";
    int                      found;

    if (open_listing(root, ".", &dir, err) < 0)
        return -1;
    while ((found = next_name(dir, &name, err)) > 0) {
        if (!is_known_name(name))
            return 0;
    }
    if (found < 0)
        return -1;

    int is_empty = is_empty_folder(root, "blobs", err);
    return is_empty == 1 ? is_empty_folder(root, "uploads", err) : is_empty;
}

/* A directory that a first start marked and never used is taken as it is: its id had not reached the
 * database. */
static int found_store(struct fs_store *store, struct err *err)
{
    int unused = is_unused(store->root, err);

    if (unused < 0)
        return err_wrap(err, "storage directory %s", store->path);
    if (unused == 0)
        return err_set(
            err, ERR_CONFLICT,
            "storage directory %s is not empty and the database is new; name an empty directory, "
            "or the database that belongs to it",
            store->path);

    int found = find_marker(store->root, store->id, err);
    if (found != 0)
        return found < 0 ? err_wrap(err, "storage directory %s", store->path) : 0;
    random_hex(store->id, BLOB_STORE_ID_LEN / 2);
    return 0;
}

static int open_folder(int root, const char *name, int *out_fd, struct err *err)
{
    if (file_make_dir_at(root, name, err) < 0 ||
        file_open_at(root, name, O_RDONLY | O_DIRECTORY, out_fd, err) < 0)
        return -1;
    return check_folder(*out_fd, name, err);
}

/* Both folders, of which only one is kept open. */
static int open_folders(const struct fs_store *store, int root, int *out_uploads, struct err *err)
{
    AUTO(file_close) int blobs = -1;

    if (open_folder(root, "blobs", &blobs, err) < 0 ||
        open_folder(root, "uploads", out_uploads, err) < 0)
        return err_wrap(err, "storage directory %s", store->path);
    return 0;
}

static int open_new(struct fs_store *store, struct err *err)
{
    if (failpoint(FP_STORE_MAKE, err) < 0 || open_root(store->path, true, &store->root, err) < 0 ||
        found_store(store, err) < 0 || open_folders(store, store->root, &store->uploads, err) < 0 ||
        failpoint(FP_STORE_FOLDERS, err) < 0)
        return -1;
    if (write_marker(store->root, store->id, err) < 0)
        return err_wrap(err, "storage directory %s", store->path);
    return failpoint(FP_STORE_MARKED, err);
}

static int open_known(struct fs_store *store, struct str store_id, struct err *err)
{
    snprintf(store->id, sizeof(store->id), STR_FMT, STR_ARGS(store_id));
    if (open_root(store->path, false, &store->root, err) < 0 ||
        check_marker(store->root, store->path, store_id, err) < 0)
        return -1;
    return open_folders(store, store->root, &store->uploads, err);
}

static void close_fs(struct blob_store *base)
{
    struct fs_store *store = fs_store_of(base);

    file_close(&store->uploads);
    file_close(&store->root);
    mem_free(store->path);
    mem_free(store);
}

/* "file:/path" and "file:///path" alike; "file:path" is relative to the working directory. */
static char *copy_path(struct str where)
{
    struct str path = str_starts(where, STR("///")) ? str_from_index(where, 2) : where;
    char      *copy = mem_new_bytes(path.n + 1);

    memcpy(copy, path.p, path.n);
    return copy;
}

static int open_fs(struct str where, struct str store_id, struct arena *arena, struct str *out_id,
                   struct blob_store **out, struct err *err)
{
    struct fs_store *store = mem_new(struct fs_store);

    *store = (struct fs_store){
        .base.driver = &blob_fs, .path = copy_path(where), .root = -1, .uploads = -1
    };
    int result = store_id.n == 0 ? open_new(store, err) : open_known(store, store_id, err);
    if (result < 0) {
        close_fs(&store->base);
        return -1;
    }
    *out_id = str_copy(arena, str_from(store->id));
    *out    = &store->base;
    return 0;
}

/* -- where it is -------------------------------------------------------------------------------------- */

/* Is that the directory which the handle shows, and mounted there as then? 1, 0, -1. */
static int is_shown_by(int handle, int dir_fd, const char *path, struct err *err)
{
    const unsigned wanted = STATX_INO | STATX_MNT_ID;
    struct statx   opened, now;

    if (statx(handle, "", AT_EMPTY_PATH, wanted, &opened) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "looking at the storage directory");
    if (statx(dir_fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, wanted, &now) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : err_set_os(err, ERR_UNAVAILABLE, "looking at storage directory %s", path);
    return opened.stx_ino == now.stx_ino && opened.stx_dev_major == now.stx_dev_major &&
           opened.stx_dev_minor == now.stx_dev_minor && opened.stx_mnt_id == now.stx_mnt_id;
}

static int is_here_fs(struct blob_store *base, struct err *err)
{
    struct fs_store *store = fs_store_of(base);
    int              same  = is_shown_by(store->root, AT_FDCWD, store->path, err);

    if (same == 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "storage directory %s is another one than before; is its volume mounted?",
                       store->path);
    return same < 0 ? -1 : 0;
}

/* What the writer did is on the volume that is mounted now. */
static int is_still_here(const struct fs_writer *writer, struct err *err)
{
    struct fs_store *store = fs_store_of(writer->base.store);

    if (writer->epoch != atomic_load(&store->epoch))
        return err_set(err, ERR_UNAVAILABLE, "the volume of %s was mounted anew meanwhile",
                       store->path);
    return is_here_fs(&store->base, err);
}

/* root shows a directory with our marker. The handles of the old one are closed by taking their numbers. */
static int move_to(struct fs_store *store, int root, struct err *err)
{
    AUTO(file_close) int uploads = -1;

    if (open_folders(store, root, &uploads, err) < 0)
        return -1;
    atomic_fetch_add(&store->epoch, 1);
    int done =
        dup3(root, store->root, O_CLOEXEC) < 0 || dup3(uploads, store->uploads, O_CLOEXEC) < 0;
    for (size_t i = 0; i < N_ALGORITHMS * N_SHARDS; i++)
        atomic_store(&store->has_shard[i / N_SHARDS][i % N_SHARDS], false);
    atomic_fetch_add(&store->epoch, 1);
    return done == 0 ? 0 : err_set_os(err, ERR_UNAVAILABLE, "taking up %s again", store->path);
}

/* -- writing ------------------------------------------------------------------------------------------ */

static int sync_uploads(struct fs_store *store, struct err *err)
{
    if (fsync(store->uploads) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "syncing folder uploads");
    return 0;
}

static struct blob_writer *new_writer(struct fs_store *store, unsigned epoch, const char *key,
                                      int fd, int64_t size)
{
    struct fs_writer *writer = mem_new(struct fs_writer);

    *writer = (struct fs_writer){
        .base.store = &store->base, .fd = fd, .epoch = epoch, .size = size, .written_back = size
    };
    snprintf(writer->key, sizeof(writer->key), "%s", key);
    return &writer->base;
}

static int make_upload(struct fs_store *store, const char *id, int *out_fd, struct err *err)
{
    return file_open_at(store->uploads, id, O_WRONLY | O_CREAT | O_EXCL, out_fd, err);
}

static int begin_fs(struct blob_store *base, struct str upload_key, struct blob_writer **out,
                    struct err *err)
{
    struct fs_store     *store = fs_store_of(base);
    unsigned             epoch = atomic_load(&store->epoch);
    AUTO(file_close) int fd    = -1;
    char                 key[BLOB_KEY_MAX];

    copy_key(upload_key, key);
    if (failpoint(FP_BLOB_BEGIN, err) < 0 || make_upload(store, last_part(key), &fd, err) < 0)
        return err_wrap(err, "beginning %s", key);
    if (failpoint(FP_BLOB_BEGIN_MADE, err) < 0 || sync_uploads(store, err) < 0 ||
        is_here_fs(base, err) < 0 || failpoint(FP_BLOB_BEGIN_SYNCED, err) < 0) {
        unlinkat(store->uploads, last_part(key), 0);
        return err_wrap(err, "beginning %s", key);
    }
    *out = new_writer(store, epoch, key, fd, 0);
    fd   = -1;
    return 0;
}

static int cut_upload(int fd, int64_t offset, struct err *err)
{
    int64_t size;

    if (file_size(fd, &size, err) < 0)
        return -1;
    if (size < offset)
        return err_set_corrupt(err, "%lld bytes are there and %lld were acknowledged",
                               (long long)size, (long long)offset);
    if (size > offset && ftruncate(fd, offset) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "cutting to %lld bytes", (long long)offset);
    return 0;
}

static int resume_fs(struct blob_store *base, struct str upload_key, int64_t offset,
                     struct blob_writer **out, struct err *err)
{
    struct fs_store     *store = fs_store_of(base);
    unsigned             epoch = atomic_load(&store->epoch);
    AUTO(file_close) int fd    = -1;
    char                 key[BLOB_KEY_MAX];

    copy_key(upload_key, key);
    if (file_open_at(store->uploads, last_part(key), O_WRONLY, &fd, err) < 0 ||
        failpoint(FP_BLOB_RESUME, err) < 0 || cut_upload(fd, offset, err) < 0 ||
        failpoint(FP_BLOB_RESUME_CUT, err) < 0)
        return err_wrap(err, "resuming %s", key);
    *out = new_writer(store, epoch, key, fd, offset);
    fd   = -1;
    return 0;
}

static void start_write_back(struct fs_writer *writer)
{
    if (writer->size - writer->written_back < WRITE_BACK_STEP)
        return;
    (void)sync_file_range(writer->fd, writer->written_back, writer->size - writer->written_back,
                          SYNC_FILE_RANGE_WRITE);
    writer->written_back = writer->size;
}

static int write_past_cache(struct fs_writer *writer, struct str bytes, size_t *out_n,
                            struct err *err)
{
    int64_t begun = clock_monotonic_us();

    if (file_write_direct(writer->fd, bytes, writer->size, out_n, err) < 0)
        return -1;
    writer->direct_bytes += (int64_t)*out_n;
    writer->direct_us += clock_monotonic_us() - begun;
    writer->is_cached =
        *out_n < bytes.n || (writer->direct_bytes >= DIRECT_TRIAL &&
                             writer->direct_bytes / DIRECT_MIN_RATE < writer->direct_us);
    return 0;
}

static int write_bytes(struct fs_writer *writer, struct str bytes, struct err *err)
{
    size_t n = 0;

    if (writer->size >= DIRECT_FROM && !writer->is_cached &&
        file_may_be_direct(bytes, writer->size) && write_past_cache(writer, bytes, &n, err) < 0)
        return -1;
    return file_write_all(writer->fd, str_from_index(bytes, n), writer->size + (int64_t)n, err);
}

static int write_fs(struct blob_writer *base, struct str bytes, struct err *err)
{
    struct fs_writer *writer = fs_writer_of(base);

    if (failpoint(FP_BLOB_WRITE, err) < 0 || write_bytes(writer, bytes, err) < 0 ||
        failpoint(FP_BLOB_WRITTEN, err) < 0)
        return err_wrap(err, "%s", writer->key);
    writer->size += (int64_t)bytes.n;
    start_write_back(writer);
    return 0;
}

static int sync_bytes(struct fs_writer *writer, struct err *err)
{
    if (file_sync(writer->fd, err) < 0)
        return err_wrap(err, "%s", writer->key);
    return 0;
}

static int flush_fs(struct blob_writer *base, struct err *err)
{
    struct fs_writer *writer = fs_writer_of(base);

    if (failpoint(FP_BLOB_FLUSH, err) < 0 || sync_bytes(writer, err) < 0 ||
        is_still_here(writer, err) < 0)
        return -1;
    return failpoint(FP_BLOB_FLUSHED, err);
}

/* The cell of has_shard for "blobs/<alg>/<aa>/…". */
static atomic_bool *shard_cell(struct fs_store *store, const char *key)
{
    size_t        algorithm = str_starts(str_from(key), STR("blobs/sha512/")) ? 1 : 0;
    const char   *name      = last_part(key);
    unsigned char shard;

    ASSERT(text_hex_parse((struct str){ .p = name, .n = 2 }, &shard, 1));
    return &store->has_shard[algorithm][shard];
}

/* The folder of an object, made if need be; durable on return. One that was removed behind our back is
 * made again. */
static int open_shard(struct fs_store *store, const char *key, int *out_fd, struct err *err)
{
    atomic_bool *cell = shard_cell(store, key);
    char         folder[BLOB_KEY_MAX];

    snprintf(folder, sizeof(folder), "%.*s", (int)(last_part(key) - key) - 1, key);
    if (atomic_load(cell)) {
        if (file_open_at(store->root, folder, O_RDONLY | O_DIRECTORY, out_fd, err) == 0)
            return 0;
        if (err->kind != ERR_NOT_FOUND)
            return -1;
        atomic_store(cell, false);
    }
    if (file_make_dir_at(store->root, folder, err) < 0 ||
        file_open_at(store->root, folder, O_RDONLY | O_DIRECTORY, out_fd, err) < 0)
        return -1;
    atomic_store(cell, true);
    return 0;
}

static int move_to_object(struct fs_store *store, const char *upload_key, int shard,
                          const char *object_key, struct err *err)
{
    if (renameat2(store->uploads, last_part(upload_key), shard, last_part(object_key),
                  RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EINVAL)
        return err_set_os(
            err, ERR_UNAVAILABLE,
            "the file system of %s cannot rename without replacing, which storage needs",
            store->path);
    return err_set_os(err,
                      errno == EEXIST   ? ERR_EXISTS
                      : errno == ENOENT ? ERR_NOT_FOUND
                                        : ERR_UNAVAILABLE,
                      "renaming to %s", object_key);
}

static int sync_shard(int shard, const char *object_key, struct err *err)
{
    if (fsync(shard) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "syncing the folder of %s", object_key);
    return 0;
}

static int finish_fs(struct blob_writer *base, struct str object_key, struct err *err)
{
    struct fs_writer    *writer = fs_writer_of(base);
    struct fs_store     *store  = fs_store_of(base->store);
    AUTO(file_close) int shard  = -1;
    char                 key[BLOB_KEY_MAX];

    copy_key(object_key, key);
    if (failpoint(FP_BLOB_FINISH, err) < 0 || sync_bytes(writer, err) < 0 ||
        failpoint(FP_BLOB_FINISH_SYNCED, err) < 0 || open_shard(store, key, &shard, err) < 0 ||
        failpoint(FP_BLOB_FINISH_SHARD, err) < 0 ||
        move_to_object(store, writer->key, shard, key, err) < 0 ||
        failpoint(FP_BLOB_FINISH_MOVED, err) < 0 || sync_shard(shard, key, err) < 0 ||
        failpoint(FP_BLOB_FINISH_SHARD_SYNCED, err) < 0 || sync_uploads(store, err) < 0 ||
        is_still_here(writer, err) < 0 || failpoint(FP_BLOB_FINISHED, err) < 0)
        return err_wrap(err, "finishing %s", writer->key);
    return 0;
}

static void close_writer(struct blob_writer *base)
{
    struct fs_writer *writer = fs_writer_of(base);

    file_close(&writer->fd);
    mem_free(writer);
}

static int remove_fs(struct blob_store *base, struct str key, struct err *err)
{
    char name[BLOB_KEY_MAX];

    copy_key(key, name);
    if (failpoint(FP_BLOB_REMOVE, err) < 0 || is_here_fs(base, err) < 0 ||
        file_remove_at(fs_store_of(base)->root, name, err) < 0)
        return -1;
    return failpoint(FP_BLOB_REMOVED, err);
}

static int open_reader(struct blob_store *base, struct str key, struct blob_reader **out,
                       struct err *err)
{
    AUTO(file_close) int fd = -1;
    char                 name[BLOB_KEY_MAX];
    struct stat          info;

    copy_key(key, name);
    if (file_open_at(fs_store_of(base)->root, name, O_RDONLY, &fd, err) < 0)
        return -1;
    if (fstat(fd, &info) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "looking at %s", name);
    if (!S_ISREG(info.st_mode))
        return err_set_corrupt(err, "%s is no file", name);

    struct fs_reader *reader = mem_new(struct fs_reader);
    *reader = (struct fs_reader){ .base.store = base, .base.size = info.st_size, .fd = fd };
    fd      = -1;
    *out    = &reader->base;
    return 0;
}

static int read_fs(struct blob_reader *base, int64_t offset, void *out, size_t size,
                   size_t *out_size, struct err *err)
{
    struct fs_reader *reader = fs_reader_of(base);
    size_t            n      = 0;

    while (n < size) {
        ssize_t got = pread(reader->fd, (char *)out + n, size - n, offset + (int64_t)n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_os(err, ERR_UNAVAILABLE, "reading an object at %lld", (long long)offset);
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *out_size = n;
    return 0;
}

static int take_fd(struct blob_reader *base)
{
    struct fs_reader *reader = fs_reader_of(base);
    int               fd     = reader->fd;

    reader->fd = -1;
    return fd;
}

static void close_reader(struct blob_reader *base)
{
    struct fs_reader *reader = fs_reader_of(base);

    file_close(&reader->fd);
    mem_free(reader);
}

/* One walk over all objects: the callback and where the walk is. */
struct walk {
    int (*each)(void *context, struct str key, int64_t size, int64_t modified_us, struct err *err);
    void *context;
    int   root;
};

static int tell_object(const struct walk *walk, const char *folder, int folder_fd, const char *name,
                       struct err *err)
{
    char        key[BLOB_KEY_MAX + NAME_MAX];
    struct stat info;

    snprintf(key, sizeof(key), "%s/%s", folder, name);
    if (!blob_is_object_key(str_from(key)))
        return 0;
    if (fstatat(folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return 0;
        return err_set_os(err, ERR_UNAVAILABLE, "looking at %s", key);
    }
    if (!S_ISREG(info.st_mode))
        return 0;
    return walk->each(walk->context, str_from(key), info.st_size,
                      (int64_t)info.st_mtim.tv_sec * 1000000 + info.st_mtim.tv_nsec / 1000, err);
}

static int walk_shard(const struct walk *walk, const char *folder, struct err *err)
{
    AUTO(close_listing) DIR *dir  = NULL;
    const char              *name = "";
    int                      found;

    if (open_listing(walk->root, folder, &dir, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    while ((found = next_name(dir, &name, err)) > 0) {
        if (tell_object(walk, folder, dirfd(dir), name, err) < 0)
            return -1;
    }
    return found;
}

static int each_fs(struct blob_store *base,
                   int (*each)(void *context, struct str key, int64_t size, int64_t modified_us,
                               struct err *err),
                   void *context, struct err *err)
{
    static const char *const algorithms[N_ALGORITHMS] = { "sha256", "sha512" };
    struct walk walk = { .each = each, .context = context, .root = fs_store_of(base)->root };

    for (size_t i = 0; i < N_ALGORITHMS; i++) {
        for (unsigned shard = 0; shard < N_SHARDS; shard++) {
            char folder[BLOB_KEY_MAX];

            snprintf(folder, sizeof(folder), "blobs/%s/%02x", algorithms[i], shard);
            if (walk_shard(&walk, folder, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* Without a sync: a full or read-only file system refuses the write itself. */
static int write_probe(struct fs_store *store, struct err *err)
{
    AUTO(file_close) int fd = -1;

    if (file_open_at(store->root, probe_name, O_WRONLY | O_CREAT | O_TRUNC, &fd, err) < 0)
        return -1;
    return file_write_all(fd, STR("\n"), 0, err);
}

/* By the path from the top, not by the handle: that one goes on showing the old directory when a volume
 * was unmounted or mounted over. */
static int probe_fs(struct blob_store *base, struct err *err)
{
    struct fs_store     *store = fs_store_of(base);
    AUTO(file_close) int fd    = -1;

    if (open_root(store->path, false, &fd, err) < 0 ||
        check_marker(fd, store->path, str_from(store->id), err) < 0)
        return -1;

    int same = is_shown_by(store->root, fd, "", err);
    if (same < 0 || (same == 0 && move_to(store, fd, err) < 0))
        return -1;
    if (write_probe(store, err) < 0)
        return err_wrap(err, "storage directory %s", store->path);
    return 0;
}

static int space_fs(struct blob_store *base, int64_t *out_free, int64_t *out_total, struct err *err)
{
    return file_space(fs_store_of(base)->root, out_free, out_total, err);
}

const struct blob_driver blob_fs = {
    .scheme       = "file",
    .open         = open_fs,
    .close        = close_fs,
    .begin        = begin_fs,
    .resume       = resume_fs,
    .write        = write_fs,
    .flush        = flush_fs,
    .finish       = finish_fs,
    .writer_close = close_writer,
    .remove       = remove_fs,
    .open_reader  = open_reader,
    .read         = read_fs,
    .take_fd      = take_fd,
    .reader_close = close_reader,
    .each         = each_fs,
    .probe        = probe_fs,
    .is_here      = is_here_fs,
    .space        = space_fs,
};
