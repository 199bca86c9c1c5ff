/* blob/driver.h: what a driver is. Included by the files of this folder only.
 *
 * A driver is one file that exports one constant. Its store, writer and reader begin with the structs
 * below and are cast back with a check of the driver. blob.c stands before every driver: it has looked at
 * the form of each key, refuses to go on with a writer that failed once, and closes a writer after its
 * finish; so a driver repeats none of that. */
#ifndef BLOB_DRIVER_H
#define BLOB_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "blob/blob.h"

struct blob_driver;

struct blob_store {
    const struct blob_driver *driver;
};

struct blob_writer {
    struct blob_store *store;
    bool is_broken; /* a step failed: what is on the medium after it is anybody's guess */
};

struct blob_reader {
    struct blob_store *store;
    int64_t            size;
};

struct blob_driver {
    /* The part of the URL before the colon; null when a store is not made from a URL. */
    const char *scheme;

    /* Opens the store at `where`, the rest of the URL. Rules of the id: blob_store_open. Null with a null
     * scheme. */
    int (*open)(struct str where, struct str store_id, struct arena *arena, struct str *out_id,
                struct blob_store **out, struct err *err);

    /* Ends the store and its memory. No writer or reader of it is open. */
    void (*close)(struct blob_store *store);

    /* Makes an empty upload, durable as a name. ERR_EXISTS when there is one of that key. */
    int (*begin)(struct blob_store *store, struct str upload_key, struct blob_writer **out,
                 struct err *err);

    /* Opens an upload again, cut to offset. ERR_NOT_FOUND when gone, ERR_CORRUPT when shorter. */
    int (*resume)(struct blob_store *store, struct str upload_key, int64_t offset,
                  struct blob_writer **out, struct err *err);

    /* Adds bytes at the end. */
    int (*write)(struct blob_writer *writer, struct str bytes, struct err *err);

    /* Makes what was written durable. */
    int (*flush)(struct blob_writer *writer, struct err *err);

    /* Makes all bytes durable under the object key and the upload key gone. ERR_EXISTS when the key is
     * taken: nothing is ever replaced. writer_close follows in any case. */
    int (*finish)(struct blob_writer *writer, struct str object_key, struct err *err);

    /* Ends the handle and its memory; the bytes stay. */
    void (*writer_close)(struct blob_writer *writer);

    /* Removes an upload or an object, durably; absent is 0. */
    int (*remove)(struct blob_store *store, struct str key, struct err *err);

    /* Opens an object or an upload and sets its size. ERR_NOT_FOUND when absent. */
    int (*open_reader)(struct blob_store *store, struct str key, struct blob_reader **out,
                       struct err *err);

    /* Reads up to size bytes; fewer only at the end. */
    int (*read)(struct blob_reader *reader, int64_t offset, void *out, size_t size,
                size_t *out_size, struct err *err);

    /* The reader's descriptor, which leaves its ownership. Null when there is none. */
    int (*take_fd)(struct blob_reader *reader);

    /* Ends the handle and its memory. */
    void (*reader_close)(struct blob_reader *reader);

    /* As blob_each: objects only, what is no object key is passed over. */
    int (*each)(struct blob_store *store,
                int (*each)(void *context, struct str key, int64_t size, int64_t modified_us,
                            struct err *err),
                void *context, struct err *err);

    /* As blob_probe. */
    int (*probe)(struct blob_store *store, struct err *err);

    /* As blob_is_here. Null: a store that cannot go away. */
    int (*is_here)(struct blob_store *store, struct err *err);

    /* As blob_space. Null when the store has no such notion. */
    int (*space)(struct blob_store *store, int64_t *out_free, int64_t *out_total, struct err *err);
};

extern const struct blob_driver blob_fs;
extern const struct blob_driver blob_mem;
extern const struct blob_driver blob_fail;

/* Has the text the form of an object key ("blobs/<alg>/<aa>/<hex>.<generation>"), of an upload key? */
bool blob_is_object_key(struct str key);
bool blob_is_upload_key(struct str key);

enum { BLOB_STORE_ID_LEN = 32 };

#endif
