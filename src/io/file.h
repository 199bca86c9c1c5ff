/* io/file.h: files as a durable service keeps them. Every path-based open goes through here: beneath a
 * directory handle, without following links (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), new files
 * 0600, new folders 0700, close-on-exec. A link or a step out of the directory on the way is ERR_CORRUPT,
 * a disk that is away, broken or not ours ERR_UNAVAILABLE, a full one ERR_FULL.
 *
 * The durable order: write to a name of its own in the same file system, fdatasync, rename, fsync the
 * folder. A crash before the rename leaves a stray name; after it, possibly the old or the new content,
 * never a mixture; after the folder's fsync the new one for good. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

/* A closer for AUTO: closes what is >= 0 and sets it to -1. */
void file_close(int *fd);

/* Opens (and with make creates, 0700, parents durable) a directory by an operator's path. The path may
 * lead through links; the directory itself being one is ERR_DENIED. */
int file_open_dir(const char *path, bool make, int *out_fd, struct err *err);

/* Beneath dir_fd; name may have several components. flags as open(2): O_RDONLY, O_WRONLY|O_CREAT|O_EXCL …
 * Absent is ERR_NOT_FOUND, present with O_EXCL ERR_EXISTS. */
int file_open_at(int dir_fd, const char *name, int flags, int *out_fd, struct err *err);

/* A file in that directory which has no name and goes with its last descriptor: for bytes that need no
 * longer life than a request. Read and write. */
int file_open_nameless(int dir_fd, int *out_fd, struct err *err);

/* Hands a descriptor over: its AUTO finds nothing to close. */
int file_take(int *fd);

/* Makes a folder and, durably, those above it that are missing. Existing is fine, and synced as well. */
int file_make_dir_at(int dir_fd, const char *name, struct err *err);

/* Writes all or fails; offset -1: at the file's own position. */
int file_write_all(int fd, struct str bytes, int64_t offset, struct err *err);

/* Past the page cache (O_DIRECT), which costs a large file half of what it takes to write. Bytes, their size and the
 * offset are multiples of FILE_DIRECT_ALIGN. *out_n: how many were written, from the start; 0 when the file system takes
 * none in this way. What is left is for file_write_all. It makes nothing durable: that is file_sync, as always. */
enum { FILE_DIRECT_ALIGN = 4096 };

bool file_may_be_direct(struct str bytes, int64_t offset);
int  file_write_direct(int fd, struct str bytes, int64_t offset, size_t *out_n, struct err *err);

/* Reads a whole small file; more than max bytes is ERR_TOO_LARGE. */
int file_read_all(int dir_fd, const char *name, size_t max, struct arena *arena, struct str *out,
                  struct err *err);

/* The same by an operator's path, which may lead through links (mounted configuration does). */
int file_read_path(const char *path, size_t max, struct arena *arena, struct str *out,
                   struct err *err);

/* The whole recipe: a temporary name, write, fdatasync, rename over name, fsync of the folder. */
int file_replace_at(int dir_fd, const char *name, struct str bytes, struct err *err);

int file_rename_at(int dir_fd, const char *from, const char *to,
                   struct err *err); /* with both folders' fsync */
int file_remove_at(int dir_fd, const char *name,
                   struct err *err);    /* 0 also when absent; fsync of the folder */
int file_sync(int fd, struct err *err); /* fdatasync */
int file_sync_dir(int dir_fd, const char *name,
                  struct err *err); /* folder by name; "." for itself */
int file_size(int fd, int64_t *out, struct err *err);

/* An exclusive lock for the life of the descriptor; ERR_CONFLICT when another process has it. */
int file_lock_at(int dir_fd, const char *name, int *out_fd, struct err *err);

/* Waits for an exclusive lock on the folder itself, for the life of its descriptor; leaves no file behind. */
int file_lock_folder(int dir_fd, struct err *err);

/* Free and total bytes of the file system. */
int file_space(int dir_fd, int64_t *out_free, int64_t *out_total, struct err *err);

#endif
