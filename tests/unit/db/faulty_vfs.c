/* faulty_vfs.c: the system's own VFS with other methods on the files that are write-ahead logs. */
#include "faulty_vfs.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include <sqlite3.h>

struct faulty_vfs faulty_vfs;

static sqlite3_vfs        shim;
static sqlite3_vfs       *below;
static sqlite3_io_methods methods;       /* ours */
static sqlite3_io_methods methods_below; /* the system's, of a log: the same for all */
static bool               is_known;      /* both are filled */
static pthread_mutex_t    lock = PTHREAD_MUTEX_INITIALIZER;

static int faulty_sync(sqlite3_file *file, int flags)
{
    int code = atomic_load(&faulty_vfs.fail_syncs);
    int us   = atomic_load(&faulty_vfs.sync_us);

    atomic_fetch_add(&faulty_vfs.n_syncs, 1);
    if (us > 0)
        usleep((unsigned)us);
    return code != 0 ? code : methods_below.xSync(file, flags);
}

static int faulty_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    int code = atomic_load(&faulty_vfs.fail_writes);

    if (code != 0 && atomic_fetch_sub(&faulty_vfs.writes_before, 1) <= 0)
        return code;
    return methods_below.xWrite(file, bytes, size, at);
}

/* A file opened by the system keeps its own struct; only its table of methods is another one. */
static int faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                       int *out_flags)
{
    int code = below->xOpen(below, name, file, flags, out_flags);

    (void)vfs;
    if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0)
        return code;

    pthread_mutex_lock(&lock);
    if (!is_known) {
        methods_below  = *file->pMethods;
        methods        = methods_below;
        methods.xSync  = faulty_sync;
        methods.xWrite = faulty_write;
        is_known       = true;
    }
    pthread_mutex_unlock(&lock);
    file->pMethods = &methods;
    return SQLITE_OK;
}

void faulty_vfs_install(void)
{
    atomic_store(&faulty_vfs.n_syncs, 0);
    atomic_store(&faulty_vfs.sync_us, 0);
    atomic_store(&faulty_vfs.fail_syncs, 0);
    atomic_store(&faulty_vfs.fail_writes, 0);
    atomic_store(&faulty_vfs.writes_before, 0);
    below      = sqlite3_vfs_find("unix");
    shim       = *below;
    shim.zName = "faulty";
    shim.pNext = NULL;
    shim.xOpen = faulty_open;
    sqlite3_vfs_register(&shim, 1);
}

void faulty_vfs_remove(void)
{
    sqlite3_vfs_unregister(&shim);
    sqlite3_vfs_register(below, 1);
}
