/* base/failpoint_on.c: the points of test builds: the names, and what ASSAY_FAILPOINTS asks of them.
 *
 * Read before main, so that no command has to know of it, and taken out of the environment, where it would be
 * a setting that does not exist. A point has at most one rule. */
#include "base/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"

enum { LOOK_AGAIN_MS = 5, WRONG_USAGE = 2, ARGUMENT_MAX = 256 };

struct rule {
    void (*act)(enum failpoint point, const struct rule *rule);
    atomic_long n_passed;
    long        at;      /* the pass that it is for, from 1; 0: each */
    bool        onwards; /* and those after it */
    long        number;  /* of milliseconds, or an errno */
    char        path[ARGUMENT_MAX];
};

/* clang-format off */
static const char *const names[N_FAILPOINTS] = {
    [FP_STORE_MAKE]               = "store.make",
    [FP_STORE_FOLDERS]            = "store.folders",
    [FP_STORE_MARKED]             = "store.marked",
    [FP_BLOB_BEGIN]               = "blob.begin",
    [FP_BLOB_BEGIN_MADE]          = "blob.begin-made",
    [FP_BLOB_BEGIN_SYNCED]        = "blob.begin-synced",
    [FP_BLOB_RESUME]              = "blob.resume",
    [FP_BLOB_RESUME_CUT]          = "blob.resume-cut",
    [FP_BLOB_WRITE]               = "blob.write",
    [FP_BLOB_WRITTEN]             = "blob.written",
    [FP_BLOB_FLUSH]               = "blob.flush",
    [FP_BLOB_FLUSHED]             = "blob.flushed",
    [FP_BLOB_FINISH]              = "blob.finish",
    [FP_BLOB_FINISH_SYNCED]       = "blob.finish-synced",
    [FP_BLOB_FINISH_SHARD]        = "blob.finish-shard",
    [FP_BLOB_FINISH_MOVED]        = "blob.finish-moved",
    [FP_BLOB_FINISH_SHARD_SYNCED] = "blob.finish-shard-synced",
    [FP_BLOB_FINISHED]            = "blob.finished",
    [FP_BLOB_REMOVE]              = "blob.remove",
    [FP_BLOB_REMOVED]             = "blob.removed",
    [FP_FILE_REPLACE]             = "file.replace",
    [FP_FILE_REPLACE_WRITTEN]     = "file.replace-written",
    [FP_FILE_REPLACE_RENAMED]     = "file.replace-renamed",
    [FP_FILE_REPLACED]            = "file.replaced",
    [FP_FILE_REMOVE]              = "file.remove",
    [FP_FILE_REMOVE_UNLINKED]     = "file.remove-unlinked",
    [FP_FILE_REMOVED]             = "file.removed",
    [FP_FILE_MAKE_DIR]            = "file.make-dir",
    [FP_FILE_MAKE_DIR_MADE]       = "file.make-dir-made",
    [FP_FILE_MADE_DIR]            = "file.made-dir",
    [FP_DB_FILE]                  = "db.file",
    [FP_DB_FILE_MADE]             = "db.file-made",
    [FP_DB_FILE_SYNCED]           = "db.file-synced",
    [FP_DB_BEGIN]                 = "db.begin",
    [FP_DB_COMMIT]                = "db.commit",
    [FP_DB_COMMITTED]             = "db.committed",
    [FP_WRITER_COMMIT]            = "writer.commit",
    [FP_WRITER_COMMITTED]         = "writer.committed",
    [FP_WRITER_CHECKPOINT]        = "writer.checkpoint",
    [FP_WRITER_CHECKPOINTED]      = "writer.checkpointed",
    [FP_MIGRATE]                  = "migrate",
    [FP_MIGRATE_APPLIED]          = "migrate.applied",
    [FP_MIGRATED]                 = "migrated",
    [FP_COLLECT_TAKEN]            = "collect.taken",
    [FP_COLLECT_LOCKED]           = "collect.locked",
    [FP_COLLECT_JUDGED]           = "collect.judged",
    [FP_COLLECT_DELETED]          = "collect.deleted",
    [FP_COLLECT_COMMITTED]        = "collect.committed",
    [FP_UPLOAD_BEGIN]             = "upload.begin",
    [FP_UPLOAD_BEGIN_RECORDED]    = "upload.begin-recorded",
    [FP_UPLOAD_BEGUN]             = "upload.begun",
    [FP_UPLOAD_SINGLE_RECORDED]   = "upload.single-recorded",
    [FP_UPLOAD_PROGRESS]           = "upload.progress",
    [FP_UPLOAD_PROGRESS_FLUSHED]   = "upload.progress-flushed",
    [FP_UPLOAD_PROGRESSD]          = "upload.progressd",
    [FP_UPLOAD_EXPECT]            = "upload.expect",
    [FP_UPLOAD_EXPECTED]          = "upload.expected",
    [FP_UPLOAD_FINISH_OBJECT]     = "upload.finish-object",
    [FP_UPLOAD_FINISH_RECORDED]   = "upload.finish-recorded",
    [FP_UPLOAD_FINISHED]          = "upload.finished",
    [FP_UPLOAD_CANCEL_FORGOTTEN]  = "upload.cancel-forgotten",
    [FP_UPLOAD_CANCEL_REMOVED]    = "upload.cancel-removed",
    [FP_UPLOAD_CANCELLED]         = "upload.cancelled",
    [FP_UPLOAD_DROP_REMOVED]      = "upload.drop-removed",
    [FP_UPLOAD_DROPPED]           = "upload.dropped",
    [FP_SWEEP_SESSION]            = "sweep.session",
    [FP_SWEEP_SESSION_DONE]       = "sweep.session-done",
    [FP_REAP_PENDING]             = "reap.pending",
    [FP_REAP_PENDING_DONE]        = "reap.pending-done",
    [FP_REAP_OBJECT_REMOVED]      = "reap.object-removed",
    [FP_REAP_OBJECT_DONE]         = "reap.object-done",
    [FP_PUSH]                     = "push",
    [FP_PUSH_WRITTEN]             = "push.written",
    [FP_PUSHED]                   = "pushed",
    [FP_MOUNT_WRITTEN]            = "mount.written",
    [FP_MOUNTED]                  = "mounted",
    [FP_PROMISE_WRITTEN]          = "promise.written",
    [FP_PROMISED]                 = "promised",
    [FP_DELETE_MANIFEST_WRITTEN]  = "delete.manifest-written",
    [FP_DELETED_MANIFEST]         = "deleted.manifest",
    [FP_DELETE_BLOB_WRITTEN]      = "delete.blob-written",
    [FP_DELETED_BLOB]             = "deleted.blob",
    [FP_DELETE_REPO_WRITTEN]      = "delete.repo-written",
    [FP_DELETED_REPO]             = "deleted.repo",
    [FP_CREATE_REPO_WRITTEN]      = "create.repo-written",
    [FP_CREATED_REPO]             = "created.repo",
    [FP_VISIBILITY_WRITTEN]       = "visibility.written",
    [FP_VISIBILITY_SET]           = "visibility.set",
    [FP_SETTING_WRITTEN]          = "setting.written",
    [FP_SETTING_CHANGED]          = "setting.changed",
    [FP_PASSWORD_WRITTEN]         = "password.written",
    [FP_PASSWORD_CHANGED]         = "password.changed",
    [FP_ADMIN_WRITTEN]            = "admin.written",
    [FP_ADMIN_MADE]               = "admin.made",
    [FP_ACCESS_WRITTEN]           = "access.written",
    [FP_ACCESS_CHANGED]           = "access.changed",
    [FP_HOOK_TAKEN]    = "hook.taken",
    [FP_HOOK_TOLD]     = "hook.told",
    [FP_HOOK_WRITTEN]  = "hook.written",
    [FP_HOOK_RECORDED] = "hook.recorded",
    [FP_QUOTA_WRITTEN] = "quota.written",
    [FP_QUOTA_CHANGED] = "quota.changed",
    [FP_QUOTA_COUNT_WRITTEN] = "quota.count-written",
    [FP_QUOTA_COUNTED] = "quota.counted",
    [FP_QUOTA_FOLD_WRITTEN] = "quota.fold-written",
    [FP_QUOTA_FOLDED] = "quota.folded",
    [FP_PULLS_WRITTEN]            = "pulls.written",
    [FP_PULLS_COUNTED]            = "pulls.counted",
    [FP_JOB_TAKEN]                = "job.taken",
    [FP_JOB_END_WRITTEN]          = "job.end-written",
    [FP_JOB_ENDED]                = "job.ended",
    [FP_PURGE_WRITTEN]            = "purge.written",
    [FP_PURGED]                   = "purge.committed",
    [FP_PURGE_REMOVED]            = "purge.object-removed",
    [FP_PURGE_DONE]               = "purge.done",
    [FP_TOKEN_KEY_WRITTEN]        = "token.key-written",
    [FP_TOKEN_KEY_ADDED]          = "token.key-added",
    [FP_NODE_ID]                  = "node.id",
    [FP_NODE_ID_KEPT]             = "node.id-kept",
    [FP_KEY_FILE]                 = "key.file",
    [FP_KEY_FILE_KEPT]            = "key.file-kept",
    [FP_KEY_RECORD]               = "key.record",
    [FP_KEY_RECORDED]             = "key.recorded",
    [FP_STORE_RECORD]             = "store.record",
    [FP_STORE_RECORDED]           = "store.recorded",
    [FP_SETTINGS_SEED]            = "settings.seed",
    [FP_SETTINGS_SEEDED]          = "settings.seeded",
    [FP_ADMIN_PASSWORD]           = "admin.password",
    [FP_ADMIN_PASSWORD_KEPT]      = "admin.password-kept",
    [FP_ADMIN_MARK]               = "admin.mark",
    [FP_ADMIN_MARKED]             = "admin.marked",
    [FP_RESEAL_DONE]              = "reseal.done",
    [FP_RESEAL_RECORDED]          = "reseal.recorded",
    [FP_START_LISTEN]             = "start.listen",
    [FP_START_SOCKET]             = "start.socket",
    [FP_START_READY]              = "start.ready",
    [FP_STOP]                     = "stop",
    [FP_STOP_LEFT]                = "stop.left",
    [FP_STOP_DRAINED]             = "stop.drained",
    [FP_STOP_CLOSED]              = "stop.closed",
};

static const char *const skip_names[N_SKIPS] = {
    [SKIP_USED]          = "used",
    [SKIP_PINNED]        = "pinned",
    [SKIP_HELD]          = "held",
    [SKIP_TOUCHED]       = "touched",
    [SKIP_BRAKES]        = "brakes",
    [SKIP_DATABASE_TIME] = "database-time",
};

static const struct {
    const char *name;
    long        number;
} errors[] = {
    { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EROFS", EROFS }, { "EMFILE", EMFILE },
};
/* clang-format on */

static struct rule rules[N_FAILPOINTS];
static bool        skipped[N_SKIPS];
static char        clock_path[ARGUMENT_MAX];

const char *failpoint_name(enum failpoint point)
{
    ASSERT(point >= 0 && point < N_FAILPOINTS && names[point] != NULL);
    return names[point];
}

/* -- actions ------------------------------------------------------------------------------------------ */

static void act_kill(enum failpoint point, const struct rule *rule)
{
    (void)point;
    (void)rule;
    raise(SIGKILL);
}

static void act_error(enum failpoint point, const struct rule *rule)
{
    (void)point;
    errno = (int)rule->number;
}

static void act_delay(enum failpoint point, const struct rule *rule)
{
    (void)point;
    poll(NULL, 0, (int)rule->number);
}

static void act_pause(enum failpoint point, const struct rule *rule)
{
    while (access(rule->path, F_OK) < 0)
        poll(NULL, 0, LOOK_AGAIN_MS);
    dprintf(STDERR_FILENO, "failpoint %s: goes on\n", names[point]);
}

/* clang-format off */
static const struct action {
    const char *name;
    enum { NO_ARGUMENT, NUMBER, ERROR_NAME, PATH } takes;
    void (*act)(enum failpoint point, const struct rule *rule);
} actions[] = {
    { "kill",  NO_ARGUMENT, act_kill  },
    { "error", ERROR_NAME,  act_error },
    { "delay", NUMBER,      act_delay },
    { "pause", PATH,        act_pause },
};
/* clang-format on */

int failpoint(enum failpoint point, struct err *err)
{
    struct rule *rule = &rules[point];

    if (rule->act == NULL)
        return 0;
    long pass = atomic_fetch_add(&rule->n_passed, 1) + 1;
    if (rule->at != 0 && pass != rule->at && !(rule->onwards && pass > rule->at))
        return 0;

    dprintf(STDERR_FILENO, "failpoint %s: pass %ld\n", names[point], pass);
    rule->act(point, rule);
    if (rule->act == act_error)
        return err_set_os(err, ERR_UNAVAILABLE, "failpoint %s", names[point]);
    return 0;
}

bool failpoint_skips(enum failpoint_skip condition)
{
    return skipped[condition];
}

int64_t failpoint_clock_us(void)
{
    char    text[32] = "";
    int64_t seconds  = 0;

    if (clock_path[0] == '\0')
        return 0;
    int     fd = open(clock_path, O_RDONLY | O_CLOEXEC); /* lint: calls: the file of a test */
    ssize_t n  = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    bool is_back = n > 0 && text[0] == '-';
    for (ssize_t i = is_back; i < n && text[i] >= '0' && text[i] <= '9' && seconds < 1000000000;
         i++)
        seconds = seconds * 10 + (text[i] - '0');
    return (is_back ? -seconds : seconds) * 1000000;
}

/* -- the variable ------------------------------------------------------------------------------------- */

static bool parse_number(struct str text, long *out)
{
    *out = 0;
    if (text.n == 0 || text.n > 9)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        *out = *out * 10 + (text.p[i] - '0');
    }
    return true;
}

static bool parse_error(struct str text, long *out)
{
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (str_is(text, errors[i].name)) {
            *out = errors[i].number;
            return true;
        }
    }
    return parse_number(text, out);
}

static bool parse_path(struct str text, char out[ARGUMENT_MAX])
{
    if (text.n == 0 || text.n >= ARGUMENT_MAX)
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static bool parse_argument(const struct action *action, struct str text, struct rule *rule)
{
    switch (action->takes) {
    case NO_ARGUMENT:
        return text.p == NULL;
    case NUMBER:
        return parse_number(text, &rule->number);
    case ERROR_NAME:
        return parse_error(text, &rule->number);
    case PATH:
        return parse_path(text, rule->path);
    }
    ASSERT_NEVER("an argument of no kind");
}

/* "kill", "delay=100" */
static bool parse_action(struct str text, struct rule *rule)
{
    struct str name;

    str_next(&text, '=', &name);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (!str_is(name, actions[i].name))
            continue;
        rule->act = actions[i].act;
        return parse_argument(&actions[i], text, rule);
    }
    return false;
}

/* "3", "3+"; absent: each time */
static bool parse_pass(struct str text, struct rule *rule)
{
    if (text.p == NULL)
        return true;
    rule->onwards = str_ends(text, STR("+"));
    if (rule->onwards)
        text.n--;
    return parse_number(text, &rule->at) && rule->at > 0;
}

static struct rule *find_rule(struct str name)
{
    for (size_t i = 0; i < N_FAILPOINTS; i++) {
        if (str_is(name, failpoint_name((enum failpoint)i)))
            return &rules[i];
    }
    return NULL;
}

static int parse_skip(struct str name, struct err *err)
{
    for (size_t i = 0; i < N_SKIPS; i++) {
        if (str_is(name, skip_names[i])) {
            skipped[i] = true;
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "there is no condition \"" STR_FMT "\"", STR_ARGS(name));
}

static int parse_rule(struct str text, struct err *err)
{
    struct str whole = text, where, name;

    str_next(&text, ':', &where);
    if (str_is(where, "skip"))
        return parse_skip(text, err);
    if (str_is(where, "clock") && parse_path(text, clock_path))
        return 0;
    str_next(&where, '@', &name);
    struct rule *rule = find_rule(name);
    if (rule == NULL)
        return err_set(err, ERR_INVALID, "there is no failpoint \"" STR_FMT "\"", STR_ARGS(name));
    if (!parse_pass(where, rule) || !parse_action(text, rule))
        return err_set(err, ERR_INVALID, "failpoint rule \"" STR_FMT "\" is not name[@N[+]]:action",
                       STR_ARGS(whole));
    return 0;
}

int failpoint_arm(const char *spec, struct err *err)
{
    struct str rest = spec == NULL ? STR_NULL : str_from(spec);
    struct str one;

    memset(rules, 0, sizeof(rules));
    memset(skipped, 0, sizeof(skipped));
    clock_path[0] = '\0';
    while (str_next(&rest, ';', &one)) {
        if (parse_rule(one, err) < 0)
            return -1;
    }
    return 0;
}

static void list_names(void)
{
    for (size_t i = 0; i < N_FAILPOINTS; i++)
        dprintf(STDOUT_FILENO, "%s\n", failpoint_name((enum failpoint)i));
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    static const char variable[] = "ASSAY_FAILPOINTS";
    const char       *spec       = getenv(variable); /* lint: calls: no setting, and not shipped */
    struct err        err;

    if (spec == NULL)
        return;
    if (strcmp(spec, "list") == 0) {
        list_names();
        _exit(0); /* lint: calls: as above */
    }
    if (failpoint_arm(spec, &err) < 0) {
        dprintf(STDERR_FILENO, "%s: %s\n", variable, err.text);
        _exit(WRONG_USAGE); /* lint: calls: as above */
    }
    unsetenv(variable);
}
