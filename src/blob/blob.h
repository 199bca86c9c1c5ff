/* blob/blob.h: bytes under keys that are written once and never reused.
 *
 * The store knows nothing of digests' meaning, repositories or rights: work/ decides what is kept, and the
 * database is the truth. It holds objects ("blobs/<alg>/<aa>/<hex>.<generation>", 128 random bits a
 * generation) and uploads in progress ("uploads/<32 hex>"), in one file system so that the end of an
 * upload is a rename:
 *
 *     begin ── write* ── [flush] ── finish(object key) ── (durable)
 *        ▲         │         └─ what a flush acknowledged survives a crash; resume takes up there
 *        └─────────┴── abort: the upload's bytes are gone
 *
 *     finish: fdatasync, rename uploads/<id> → object key, fsync of both folders (new shard folders and
 *     their parents too). A crash before the rename leaves the upload; after it an object without a row,
 *     which `pending_objects` makes known and collection removes.
 *
 * Drivers: fs, mem (tests), and the wrapper fail. One contract suite runs over all of them. A driver is
 * one file that exports one constant. Any thread may use a store; a writer or a reader belongs to one
 * thread at a time. */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct blob_reader;
struct blob_store;
struct blob_writer;
struct err;

enum { BLOB_KEY_MAX = 256 };

/* url: "file:/path" or "mem:". A directory must carry the marker file `assay-store` with the id that the
 * database knows; store_id is compared with it, and an empty id means "new": then the directory must be
 * empty or absent (or marked and never used, as a first start leaves it that was interrupted), the marker
 * is made and its id returned; otherwise ERR_CONFLICT. A missing or foreign marker where the database
 * expects one is ERR_UNAVAILABLE: an unmounted volume never looks like an empty registry. A directory that
 * others may write, or that is a symbolic link, is ERR_DENIED. */
int  blob_store_open(struct str url, struct str store_id, struct arena *arena, struct str *out_id,
                     struct blob_store **out, struct err *err);
void blob_store_close(struct blob_store **store);

/* The key of a new generation of that digest ("sha256:…", checked already); of a new upload. */
void blob_object_key(struct str digest, char out[BLOB_KEY_MAX]);
void blob_upload_key(char out[BLOB_KEY_MAX]);

/* Writing. begin makes the upload durable as a name; resume opens it again and cuts it to `offset`, the
 * bytes that the database knows of (ERR_NOT_FOUND when gone, ERR_CORRUPT when shorter than that). close
 * only ends the handle: the bytes stay for a resume. After a failed write or flush only close and resume
 * work: what the kernel dropped it may have forgotten. */
int  blob_begin(struct blob_store *store, struct str upload_key, struct blob_writer **out,
                struct err *err);
int  blob_resume(struct blob_store *store, struct str upload_key, int64_t offset,
                 struct blob_writer **out, struct err *err);
int  blob_write(struct blob_writer *writer, struct str bytes, struct err *err);
int  blob_flush(struct blob_writer *writer, struct err *err); /* bytes written so far are durable */
void blob_writer_close(struct blob_writer **writer);

/* All bytes durable under the object key; the upload key is gone. ERR_EXISTS when the key is taken. The
 * writer is closed either way; after a failure the upload or the object may be there, and whole. */
int blob_finish(struct blob_writer **writer, struct str object_key, struct err *err);

/* Removes an upload or an object; absent is fine; durable on return. */
int blob_remove(struct blob_store *store, struct str key, struct err *err);

/* Reading. ERR_NOT_FOUND when absent. A reader outlives the object's removal. */
int blob_open(struct blob_store *store, struct str key, struct blob_reader **out, struct err *err);
int64_t blob_size(const struct blob_reader *reader);
int blob_read(struct blob_reader *reader, int64_t offset, void *out, size_t size, size_t *out_size,
              struct err *err);
/* A descriptor that the caller owns and may sendfile from; the reader is closed. Or -1 when this store has
 * none; the reader stays. */
int  blob_take_fd(struct blob_reader **reader);
void blob_reader_close(struct blob_reader **reader);

/* Calls back for every object key with its size and age (scrub, fsck; never for a decision). Stops when
 * the callback returns -1. */
int blob_each(struct blob_store *store,
              int (*each)(void *context, struct str key, int64_t size, int64_t modified_us,
                          struct err *err),
              void *context, struct err *err);

/* Is it there, is the marker right, can a byte be written? For readiness. A volume that went away and came back
 * (its marker says that it is this store's) is taken up again here; uploads that were under way are not: they
 * get ERR_UNAVAILABLE and go on where the last flush was. */
int blob_probe(struct blob_store *store, struct err *err);

/* Is it where it was last found, or was its volume unmounted or replaced since? Two system calls, for before an
 * answer that rests on the store; begin, flush, finish and remove ask by themselves. */
int blob_is_here(struct blob_store *store, struct err *err);

/* Bytes free and in all; ERR_UNSUPPORTED where the store has no such notion. */
int blob_space(struct blob_store *store, int64_t *out_free, int64_t *out_total, struct err *err);

#endif
