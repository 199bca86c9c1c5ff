/* base/failpoint.h: named places at which a test makes something go wrong: before and after every step that
 * makes something durable.
 *
 *     if (failpoint(FP_BLOB_FINISH, err) < 0 || sync_bytes(writer, err) < 0 ||
 *         failpoint(FP_BLOB_FINISH_SYNCED, err) < 0 || …
 *
 * What is shipped has none: build/assay is linked with failpoint_off.c, in which every point lets pass.
 * build/assay-failpoints is linked from the same objects with failpoint_on.c, and so are the unit tests. There
 * the variable ASSAY_FAILPOINTS says what happens:
 *
 *     name[@N[+]]:action;…   at the N-th time that a thread comes by (with + from then on); without @ each time
 *     kill                   the process ends as by kill -9
 *     error=EIO              the call fails with this error of the system (a few names, or a number)
 *     delay=100              so many milliseconds pass
 *     pause=FILE             the thread waits until FILE exists
 *     list                   instead of all that: print the names and end
 *
 * `skip:NAME` among the rules leaves out a condition of safety (enum failpoint_skip), so that a test can show that
 * another test would see it missing. `clock:FILE` sets the wall clock off by as many seconds as stand in FILE, now and
 * whenever that changes.
 *
 * A name or an action that does not exist ends the program with status 2. What happened is told on standard
 * error. tests/crash/test_failpoints.py kills a server at each of them and fails when one is not reached. */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* Named for what was done just before, or, the first of a row, for what is about to be done. */
enum failpoint {
    /* blob/fs.c */
    FP_STORE_MAKE,
    FP_STORE_FOLDERS,
    FP_STORE_MARKED,
    FP_BLOB_BEGIN,
    FP_BLOB_BEGIN_MADE,
    FP_BLOB_BEGIN_SYNCED,
    FP_BLOB_RESUME,
    FP_BLOB_RESUME_CUT,
    FP_BLOB_WRITE,
    FP_BLOB_WRITTEN,
    FP_BLOB_FLUSH,
    FP_BLOB_FLUSHED,
    FP_BLOB_FINISH,
    FP_BLOB_FINISH_SYNCED,
    FP_BLOB_FINISH_SHARD,
    FP_BLOB_FINISH_MOVED,
    FP_BLOB_FINISH_SHARD_SYNCED,
    FP_BLOB_FINISHED,
    FP_BLOB_REMOVE,
    FP_BLOB_REMOVED,

    /* io/file.c */
    FP_FILE_REPLACE,
    FP_FILE_REPLACE_WRITTEN,
    FP_FILE_REPLACE_RENAMED,
    FP_FILE_REPLACED,
    FP_FILE_REMOVE,
    FP_FILE_REMOVE_UNLINKED,
    FP_FILE_REMOVED,
    FP_FILE_MAKE_DIR,
    FP_FILE_MAKE_DIR_MADE,
    FP_FILE_MADE_DIR,

    /* db */
    FP_DB_FILE,
    FP_DB_FILE_MADE,
    FP_DB_FILE_SYNCED,
    FP_DB_BEGIN,
    FP_DB_COMMIT,
    FP_DB_COMMITTED,
    FP_WRITER_COMMIT,
    FP_WRITER_COMMITTED,
    FP_WRITER_CHECKPOINT,
    FP_WRITER_CHECKPOINTED,
    FP_MIGRATE,
    FP_MIGRATE_APPLIED,
    FP_MIGRATED,

    /* work */
    FP_COLLECT_TAKEN,
    FP_COLLECT_LOCKED,
    FP_COLLECT_JUDGED,
    FP_COLLECT_DELETED,
    FP_COLLECT_COMMITTED,
    FP_UPLOAD_BEGIN,
    FP_UPLOAD_BEGIN_RECORDED,
    FP_UPLOAD_BEGUN,
    FP_UPLOAD_SINGLE_RECORDED,
    FP_UPLOAD_PROGRESS,
    FP_UPLOAD_PROGRESS_FLUSHED,
    FP_UPLOAD_PROGRESSD,
    FP_UPLOAD_EXPECT,
    FP_UPLOAD_EXPECTED,
    FP_UPLOAD_FINISH_OBJECT,
    FP_UPLOAD_FINISH_RECORDED,
    FP_UPLOAD_FINISHED,
    FP_UPLOAD_CANCEL_FORGOTTEN,
    FP_UPLOAD_CANCEL_REMOVED,
    FP_UPLOAD_CANCELLED,
    FP_UPLOAD_DROP_REMOVED,
    FP_UPLOAD_DROPPED,
    FP_SWEEP_SESSION,
    FP_SWEEP_SESSION_DONE,
    FP_REAP_PENDING,
    FP_REAP_PENDING_DONE,
    FP_REAP_OBJECT_REMOVED,
    FP_REAP_OBJECT_DONE,
    FP_PUSH,
    FP_PUSH_WRITTEN,
    FP_PUSHED,
    FP_MOUNT_WRITTEN,
    FP_MOUNTED,
    FP_PROMISE_WRITTEN,
    FP_PROMISED,
    FP_DELETE_MANIFEST_WRITTEN,
    FP_DELETED_MANIFEST,
    FP_DELETE_BLOB_WRITTEN,
    FP_DELETED_BLOB,
    FP_DELETE_REPO_WRITTEN,
    FP_DELETED_REPO,
    FP_CREATE_REPO_WRITTEN,
    FP_CREATED_REPO,
    FP_VISIBILITY_WRITTEN,
    FP_VISIBILITY_SET,
    FP_SETTING_WRITTEN,
    FP_SETTING_CHANGED,
    FP_PASSWORD_WRITTEN,
    FP_PASSWORD_CHANGED,
    FP_ADMIN_WRITTEN,
    FP_ADMIN_MADE,
    FP_ACCESS_WRITTEN,
    FP_ACCESS_CHANGED,
    FP_HOOK_TAKEN,
    FP_HOOK_TOLD,
    FP_HOOK_WRITTEN,
    FP_HOOK_RECORDED,
    FP_QUOTA_WRITTEN,
    FP_QUOTA_CHANGED,
    FP_QUOTA_COUNT_WRITTEN,
    FP_QUOTA_COUNTED,
    FP_QUOTA_FOLD_WRITTEN,
    FP_QUOTA_FOLDED,
    FP_PULLS_WRITTEN,
    FP_PULLS_COUNTED,
    FP_PURGE_WRITTEN,
    FP_PURGED,
    FP_PURGE_REMOVED,
    FP_PURGE_DONE,

    /* jobs */
    FP_JOB_TAKEN,
    FP_JOB_END_WRITTEN,
    FP_JOB_ENDED,

    /* auth and cmd */
    FP_TOKEN_KEY_WRITTEN,
    FP_TOKEN_KEY_ADDED,
    FP_NODE_ID,
    FP_NODE_ID_KEPT,
    FP_KEY_FILE,
    FP_KEY_FILE_KEPT,
    FP_KEY_RECORD,
    FP_KEY_RECORDED,
    FP_STORE_RECORD,
    FP_STORE_RECORDED,
    FP_SETTINGS_SEED,
    FP_SETTINGS_SEEDED,
    FP_ADMIN_PASSWORD,
    FP_ADMIN_PASSWORD_KEPT,
    FP_ADMIN_MARK,
    FP_ADMIN_MARKED,
    FP_RESEAL_DONE,
    FP_RESEAL_RECORDED,
    FP_START_LISTEN,
    FP_START_SOCKET,
    FP_START_READY,
    FP_STOP,
    FP_STOP_LEFT,
    FP_STOP_DRAINED,
    FP_STOP_CLOSED,

    N_FAILPOINTS
};

/* 0 go on, -1 with an error that a test has asked for. Points in functions that cannot fail ignore it. */
int failpoint(enum failpoint point, struct err *err);

/* Conditions under which collection lets a blob go (work/collect.c, work/brake.c), in the order of their list there. */
enum failpoint_skip {
    SKIP_USED,
    SKIP_PINNED,
    SKIP_HELD,
    SKIP_TOUCHED,
    SKIP_BRAKES,
    SKIP_DATABASE_TIME, /* the node's clock in place of the database's */

    N_SKIPS
};

/* Is the condition left out? Never in what is shipped. */
bool failpoint_skips(enum failpoint_skip condition);

/* How far the wall clock is set off, µs; 0 in what is shipped. For io/clock. */
int64_t failpoint_clock_us(void);

/* Of failpoint_on.c only. Takes a list as above in place of what was in force; null for none. ERR_INVALID
 * names what is wrong in it. Before the second thread starts. */
int         failpoint_arm(const char *spec, struct err *err);
const char *failpoint_name(enum failpoint point);

#endif
