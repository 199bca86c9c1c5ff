/* io/file.c: openat2 and the durable order.
 *
 * Everything that takes a directory handle and a name resolves the folder part of the name with openat2
 * (beneath, no symbolic links) and works on the last component through the handle of its folder, for
 * renameat, unlinkat and mkdirat have no such flags of their own. Operators' paths, on the other hand, may
 * lead through links: only their last component is looked at.
 *
 * An error of the system that says nothing about the name asked for is ERR_UNAVAILABLE: the disk is away,
 * broken or not ours. ENOSPC and EDQUOT become ERR_FULL in err_set_os. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "io/random.h"

enum { READ_CHUNK = 16384, FILE_MODE = 0600, DIR_MODE = 0700 };

void file_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int file_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

static int open_beneath(int dir_fd, const char *name, int flags)
{
    struct open_how how = {
        .flags   = (unsigned)(flags | O_CLOEXEC | O_NOCTTY),
        .mode    = (flags & O_CREAT) != 0 ? FILE_MODE : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long fd;

    do
        fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return (int)fd;
}

static enum err_kind kind_of_errno(int os)
{
    switch (os) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case ELOOP:
    case EXDEV:
        return ERR_CORRUPT;
    default:
        return ERR_UNAVAILABLE;
    }
}

static int open_failed(const char *name, struct err *err)
{
    if (errno == ENOSYS)
        return err_set_os(err, ERR_UNAVAILABLE,
                          "opening %s needs openat2, that is Linux 5.6 or later", name);
    return err_set_os(err, kind_of_errno(errno), "opening %s", name);
}

int file_open_at(int dir_fd, const char *name, int flags, int *out_fd, struct err *err)
{
    int fd = open_beneath(dir_fd, name, flags);

    if (fd < 0)
        return open_failed(name, err);
    *out_fd = fd;
    return 0;
}

int file_open_nameless(int dir_fd, int *out_fd, struct err *err)
{
    int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);

    if (fd < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "opening a file without a name");
    *out_fd = fd;
    return 0;
}

/* The folder of a name and its last component. */
static int open_parent(int dir_fd, const char *name, int *out_fd, const char **out_last,
                       struct err *err)
{
    const char *slash = strrchr(name, '/');
    char        folder[PATH_MAX];

    if (slash == NULL) {
        *out_last = name;
        return file_open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY, out_fd, err);
    }

    size_t size = (size_t)(slash - name);
    if (size >= sizeof(folder))
        return err_set(err, ERR_INVALID, "a path of %zu bytes is too long", strlen(name));
    memcpy(folder, name, size);
    folder[size] = '\0';
    *out_last    = slash + 1;
    return file_open_at(dir_fd, folder, O_RDONLY | O_DIRECTORY, out_fd, err);
}

int file_sync(int fd, struct err *err)
{
    if (fdatasync(fd) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "syncing a file");
    return 0;
}

static int sync_folder(int fd, const char *name, struct err *err)
{
    if (fsync(fd) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "syncing the folder of %s", name);
    return 0;
}

int file_sync_dir(int dir_fd, const char *name, struct err *err)
{
    AUTO(file_close) int fd = -1;

    if (file_open_at(dir_fd, name, O_RDONLY | O_DIRECTORY, &fd, err) < 0)
        return -1;
    if (fsync(fd) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "syncing folder %s", name);
    return 0;
}

/* An existing folder is synced too: whoever made it, another thread or a run that crashed, may not have
 * come to it. */
static int make_one_dir(int dir_fd, const char *name, struct err *err)
{
    if (failpoint(FP_FILE_MAKE_DIR, err) < 0)
        return -1;
    if (mkdirat(dir_fd, name, DIR_MODE) < 0 && errno != EEXIST)
        return err_set_os(err, ERR_UNAVAILABLE, "making folder %s", name);
    if (failpoint(FP_FILE_MAKE_DIR_MADE, err) < 0 || sync_folder(dir_fd, name, err) < 0)
        return -1;
    return failpoint(FP_FILE_MADE_DIR, err);
}

int file_make_dir_at(int dir_fd, const char *name, struct err *err)
{
    AUTO(file_close) int at   = -1;
    struct str           rest = str_from(name);
    struct str           part;
    char                 component[NAME_MAX + 1];

    if (file_open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY, &at, err) < 0)
        return -1;
    while (str_next(&rest, '/', &part)) {
        int next;

        if (part.n == 0 || part.n >= sizeof(component))
            return err_set(err, ERR_INVALID, "folder name \"%s\" has an empty or too long part",
                           name);
        snprintf(component, sizeof(component), STR_FMT, STR_ARGS(part));

        if (make_one_dir(at, component, err) < 0)
            return err_wrap(err, "making folder %s", name);
        if (file_open_at(at, component, O_RDONLY | O_DIRECTORY, &next, err) < 0)
            return err_wrap(err, "making folder %s", name);
        file_close(&at);
        at = next;
    }
    return 0;
}

/* O_NOFOLLOW looks at the last component only when no slash or dot follows it. */
static int trim_path(const char *path, char out[PATH_MAX], struct err *err)
{
    struct str trimmed = str_from(path);

    while (trimmed.n > 1 && (str_ends(trimmed, STR("/")) || str_ends(trimmed, STR("/."))))
        trimmed.n--;
    if (trimmed.n == 0)
        return err_set(err, ERR_INVALID, "a directory's path is empty");
    if (trimmed.n >= PATH_MAX)
        return err_set(err, ERR_INVALID, "a path of %zu bytes is too long", trimmed.n);

    memcpy(out, trimmed.p, trimmed.n);
    out[trimmed.n] = '\0';
    return 0;
}

static int open_plain_dir(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The folder of an operator's path may be a link. */
static int sync_parent_of_path(const char *path, struct err *err)
{
    char                 parent[PATH_MAX] = ".";
    const char          *slash            = strrchr(path, '/');
    AUTO(file_close) int fd               = -1;

    if (slash == path)
        snprintf(parent, sizeof(parent), "/");
    else if (slash != NULL)
        snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);

    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "opening %s", parent);
    return sync_folder(fd, path, err);
}

/* Goes down the path and makes what is missing. */
static int make_dirs_by_path(char *path, struct err *err)
{
    for (char *at = path + 1;; at++) {
        char c = *at;

        if (c != '/' && c != '\0')
            continue;
        *at        = '\0';
        int result = mkdir(path, DIR_MODE);
        if (result < 0 && errno != EEXIST)
            return err_set_os(err, ERR_UNAVAILABLE, "making directory %s", path);
        if (result == 0 && sync_parent_of_path(path, err) < 0)
            return -1;
        if (c == '\0')
            return 0;
        *at = c;
    }
}

static bool is_symlink(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

int file_open_dir(const char *path, bool make, int *out_fd, struct err *err)
{
    char plain[PATH_MAX];

    if (trim_path(path, plain, err) < 0)
        return -1;

    int fd = open_plain_dir(plain);
    if (fd < 0 && errno == ENOENT && make) {
        if (make_dirs_by_path(plain, err) < 0)
            return -1;
        fd = open_plain_dir(plain);
    }
    if (fd < 0 && is_symlink(plain))
        return err_set(err, ERR_DENIED, "%s is a symbolic link; name the directory itself", plain);
    if (fd < 0)
        return err_set_os(err, kind_of_errno(errno), "opening directory %s", plain);
    *out_fd = fd;
    return 0;
}

int file_write_all(int fd, struct str bytes, int64_t offset, struct err *err)
{
    while (bytes.n > 0) {
        ssize_t done =
            offset < 0 ? write(fd, bytes.p, bytes.n) : pwrite(fd, bytes.p, bytes.n, offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_set_os(err, ERR_UNAVAILABLE, "writing %zu bytes", bytes.n);
        bytes = str_from_index(bytes, (size_t)done);
        if (offset >= 0)
            offset += done;
    }
    return 0;
}

bool file_may_be_direct(struct str bytes, int64_t offset)
{
    return bytes.n > 0 && bytes.n % FILE_DIRECT_ALIGN == 0 && offset % FILE_DIRECT_ALIGN == 0 &&
           (uintptr_t)bytes.p % FILE_DIRECT_ALIGN == 0;
}

/* The flag is the open file's, and taken back at once: whoever writes other bytes knows nothing of it. */
int file_write_direct(int fd, struct str bytes, int64_t offset, size_t *out_n, struct err *err)
{
    int     flags = fcntl(fd, F_GETFL);
    ssize_t done;

    ASSERT(file_may_be_direct(bytes, offset));
    *out_n = 0;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_DIRECT) < 0)
        return 0;
    do
        done = pwrite(fd, bytes.p, bytes.n, offset);
    while (done < 0 && errno == EINTR);
    if (done < 0 && errno != EINVAL)
        err_set_os(err, ERR_UNAVAILABLE, "writing %zu bytes", bytes.n);
    int result = done < 0 && errno != EINVAL ? -1 : 0;
    *out_n     = done < 0 ? 0 : (size_t)done;
    (void)fcntl(fd, F_SETFL, flags);
    return result;
}

/* One byte more than allowed is asked for, so that "exactly max" and "more" differ. */
static int read_to_end(int fd, const char *name, size_t max, struct arena *arena, struct str *out,
                       struct err *err)
{
    struct buf buf;

    buf_init(&buf, arena, max + 1);
    for (;;) {
        size_t  room = max + 1 - buf.n < READ_CHUNK ? max + 1 - buf.n : READ_CHUNK;
        char   *at   = buf_reserve(&buf, room);
        ssize_t got  = read(fd, at, room);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_os(err, ERR_UNAVAILABLE, "reading %s", name);
        if (got == 0)
            break;
        buf_grew(&buf, (size_t)got);
        if (buf.n > max)
            return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", name, max);
    }
    return buf_finish(&buf, out, err);
}

int file_read_all(int dir_fd, const char *name, size_t max, struct arena *arena, struct str *out,
                  struct err *err)
{
    AUTO(file_close) int fd = -1;

    if (file_open_at(dir_fd, name, O_RDONLY, &fd, err) < 0)
        return -1;
    return read_to_end(fd, name, max, arena, out, err);
}

int file_read_path(const char *path, size_t max, struct arena *arena, struct str *out,
                   struct err *err)
{
    AUTO(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return err_set_os(err, kind_of_errno(errno), "opening %s", path);
    return read_to_end(fd, path, max, arena, out, err);
}

/* The recipe's first half: the bytes durable under a name that nobody looks for. */
static int write_aside(int folder_fd, const char *name, struct str bytes, struct err *err)
{
    AUTO(file_close) int fd = -1;

    if (file_open_at(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL, &fd, err) < 0)
        return -1;
    if (file_write_all(fd, bytes, 0, err) < 0 || file_sync(fd, err) < 0)
        return err_wrap(err, "writing %s", name);
    return 0;
}

int file_replace_at(int dir_fd, const char *name, struct str bytes, struct err *err)
{
    AUTO(file_close) int folder = -1;
    const char          *last;
    char                 generation[2 * 8 + 1];
    char                 aside[NAME_MAX + 1];

    if (open_parent(dir_fd, name, &folder, &last, err) < 0)
        return -1;
    random_hex(generation, 8);
    snprintf(aside, sizeof(aside), ".%.200s.%s", last, generation);

    int result = failpoint(FP_FILE_REPLACE, err);
    if (result == 0)
        result = write_aside(folder, aside, bytes, err);
    if (result == 0)
        result = failpoint(FP_FILE_REPLACE_WRITTEN, err);
    if (result == 0 && renameat(folder, aside, folder, last) < 0)
        result = err_set_os(err, ERR_UNAVAILABLE, "renaming %s to %s", aside, name);
    if (result < 0) {
        unlinkat(folder, aside, 0);
        return -1;
    }
    if (failpoint(FP_FILE_REPLACE_RENAMED, err) < 0 || sync_folder(folder, name, err) < 0)
        return -1;
    return failpoint(FP_FILE_REPLACED, err);
}

int file_rename_at(int dir_fd, const char *from, const char *to, struct err *err)
{
    AUTO(file_close) int from_folder = -1;
    AUTO(file_close) int to_folder   = -1;
    const char          *from_last;
    const char          *to_last;

    if (open_parent(dir_fd, from, &from_folder, &from_last, err) < 0 ||
        open_parent(dir_fd, to, &to_folder, &to_last, err) < 0)
        return -1;
    if (renameat(from_folder, from_last, to_folder, to_last) < 0)
        return err_set_os(err, kind_of_errno(errno), "renaming %s to %s", from, to);

    /* The new name first: between the two syncs a crash may leave both, never none. */
    if (sync_folder(to_folder, to, err) < 0)
        return -1;
    return sync_folder(from_folder, from, err);
}

int file_remove_at(int dir_fd, const char *name, struct err *err)
{
    AUTO(file_close) int folder = -1;
    const char          *last;

    if (open_parent(dir_fd, name, &folder, &last, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    if (failpoint(FP_FILE_REMOVE, err) < 0)
        return -1;
    if (unlinkat(folder, last, 0) < 0 && errno != ENOENT)
        return err_set_os(err, ERR_UNAVAILABLE, "removing %s", name);
    if (failpoint(FP_FILE_REMOVE_UNLINKED, err) < 0)
        return -1;

    /* Also when it was gone: who removed it before may not have come to the sync. */
    if (sync_folder(folder, name, err) < 0)
        return -1;
    return failpoint(FP_FILE_REMOVED, err);
}

int file_size(int fd, int64_t *out, struct err *err)
{
    struct stat info;

    if (fstat(fd, &info) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "asking for a file's size");
    *out = info.st_size;
    return 0;
}

int file_lock_at(int dir_fd, const char *name, int *out_fd, struct err *err)
{
    AUTO(file_close) int fd = -1;

    if (file_open_at(dir_fd, name, O_RDWR | O_CREAT, &fd, err) < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return err_set(err, ERR_CONFLICT, "%s is locked by another process", name);
        return err_set_os(err, ERR_UNAVAILABLE, "locking %s", name);
    }
    *out_fd = file_take(&fd);
    return 0;
}

int file_lock_folder(int dir_fd, struct err *err)
{
    int result;

    do
        result = flock(dir_fd, LOCK_EX);
    while (result < 0 && errno == EINTR);
    return result == 0 ? 0 : err_set_os(err, ERR_UNAVAILABLE, "locking a folder");
}

int file_space(int dir_fd, int64_t *out_free, int64_t *out_total, struct err *err)
{
    struct statvfs info;

    if (fstatvfs(dir_fd, &info) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "asking for the file system's space");
    *out_free  = (int64_t)(info.f_bavail * info.f_frsize);
    *out_total = (int64_t)(info.f_blocks * info.f_frsize);
    return 0;
}
