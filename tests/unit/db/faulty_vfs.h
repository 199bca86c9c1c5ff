/* faulty_vfs.h: a file system below SQLite that counts, slows down and fails what is done to the
 * write-ahead log, as a disk would. Installed it is the default of every connection that is opened. */
#ifndef TESTS_UNIT_DB_FAULTY_VFS_H
#define TESTS_UNIT_DB_FAULTY_VFS_H

#include <stdatomic.h>

struct faulty_vfs {
    atomic_int n_syncs;       /* of the log, so far */
    atomic_int sync_us;       /* how long each takes */
    atomic_int fail_syncs;    /* a result of SQLite to fail them with, or 0 */
    atomic_int fail_writes;   /* the same for writes */
    atomic_int writes_before; /* that many still succeed */
};

extern struct faulty_vfs faulty_vfs;

void faulty_vfs_install(void);
void faulty_vfs_remove(void);

#endif
