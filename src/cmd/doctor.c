/* cmd/doctor.c: the checks are rows of one table. A check says green, yellow (works, but look) or red (broken
 * or about to be), in one sentence, and what to do next. It runs in the server when there is one, whose limits
 * and files these are; otherwise in the command. What keeps the registry from opening is the first finding
 * then, and the checks that lack the part which did not open say so, in yellow: they know nothing bad.
 * 0 unless something is red, then 1. */
#include "cmd/doctor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/long.h"
#include "cmd/node.h"
#include "cmd/verb.h"
#include "codec/json_write.h"
#include "codec/text.h"
#include "http/certificate.h"
#include "io/clock.h"
#include "io/file.h"
#include "work/damage.h"
#include "work/hook.h"
#include "work/quota.h"
#include "work/scrub.h"

#define SECOND_US INT64_C(1000000)
#define DAY_S INT64_C(86400)
#define GIB (INT64_C(1) << 30)
#define SLOW_SYNC_US (SECOND_US / 10)
#define SKEW_US (30 * SECOND_US)
#define YEAR_2025_US \
    (INT64_C(1735689600) * SECOND_US) /* no clock of a working machine is before it */

enum {
    SAID_MAX        = 400,
    PART_MAX        = 8 * 1024,
    FEW_DAYS        = 30,
    FULL_PERCENT    = 3,
    FILLING_PERCENT = 10,
    STOPPED_SHOWN   = 100,
    FILES_BESIDE    = 256, /* descriptors for what is no connection: database, objects, sockets */
    OTHERS_WRITE    = 0022,
    OTHERS_READ     = 0077
};

enum color { GREEN, YELLOW, RED };

static const char *const color_names[] = { "green", "yellow", "red" };

struct checkup {
    struct node      *node;
    const struct err *trouble;
    struct verb_out  *out;
    enum color        color;
    char              said[SAID_MAX];
    const char       *next; /* step; null: none is needed */
};

/* A finding no better than what the check has found so far is dropped: the worst one is told. */
static void say(struct checkup *c, enum color color, const char *next, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say(struct checkup *c, enum color color, const char *next, const char *format, ...)
{
    va_list args;

    if (c->said[0] != '\0' && color <= c->color)
        return;
    c->color = color;
    c->next  = next;
    va_start(args, format);
    vsnprintf(c->said, sizeof(c->said), format, args);
    va_end(args);
}

/* For a check whose part of the registry may not have opened. */
static bool has_part(struct checkup *c, const void *part)
{
    if (part == NULL)
        say(c, YELLOW, "see the check of the registry, then look again", "could not be looked at");
    return part != NULL;
}

static void check_registry(struct checkup *c)
{
    if (c->trouble != NULL)
        say(c, RED, "mend this first: no server starts with it", "%s", c->trouble->text);
    say(c, GREEN, NULL, "it opens");
}

/* -- storage ------------------------------------------------------------------------------------------ */

static void check_storage(struct checkup *c)
{
    struct err err;

    if (!has_part(c, c->node->store))
        return;
    if (blob_probe(c->node->store, &err) < 0)
        say(c, RED, "mount the volume, make room, or correct --storage; then look again", "%s",
            err.text);
    say(c, GREEN, NULL, "the marker is right and a file can be written");
}

static int write_and_sync(struct blob_store *store, struct str key, struct err *err)
{
    struct blob_writer *writer = NULL;

    if (blob_begin(store, key, &writer, err) < 0)
        return -1;
    int done = blob_write(writer, STR("doctor\n"), err);
    if (done == 0)
        done = blob_flush(writer, err);
    blob_writer_close(&writer);
    return done;
}

static void check_sync(struct checkup *c)
{
    char       key[BLOB_KEY_MAX];
    int64_t    from = clock_monotonic_us();
    struct err err, ignored; /* a stray upload of seven bytes does no harm */

    if (!has_part(c, c->node->store))
        return;
    blob_upload_key(key);
    int     done = write_and_sync(c->node->store, str_from(key), &err);
    int64_t took = clock_monotonic_us() - from;
    (void)blob_remove(c->node->store, str_from(key), &ignored);

    if (done < 0)
        say(c, RED, "look at the medium (dmesg); no push can be acknowledged", "%s", err.text);
    if (took > SLOW_SYNC_US)
        say(c, YELLOW, "a faster or less busy disk makes pushes faster",
            "making a file durable took %lld ms", (long long)(took / 1000));
    say(c, GREEN, NULL, "making a file durable took %lld µs", (long long)took);
}

static void judge_space(struct checkup *c, const char *what, int64_t left, int64_t total)
{
    int64_t percent = total > 0 ? left * 100 / total : 100;

    if (percent < FULL_PERCENT)
        say(c, RED, "delete images and let collection run, or enlarge it", "%s: %lld %% left", what,
            (long long)percent);
    if (percent < FILLING_PERCENT)
        say(c, YELLOW, "plan for more", "%s: %lld %% left", what, (long long)percent);
}

static void check_space(struct checkup *c)
{
    struct statvfs info;
    int64_t        left = 0, total = 0;
    struct err     ignored; /* a store without a size has none to judge */

    if (!has_part(c, c->node->store))
        return;
    if (blob_space(c->node->store, &left, &total, &ignored) == 0)
        judge_space(c, "space of the storage", left, total);
    if (fstatvfs(c->node->data_fd, &info) == 0) {
        judge_space(c, "space of the data directory", (int64_t)info.f_bavail,
                    (int64_t)info.f_blocks);
        judge_space(c, "inodes of the data directory", (int64_t)info.f_favail,
                    (int64_t)info.f_files);
    }
    say(c, GREEN, NULL, "%lld GiB and inodes are free", (long long)(left / GIB));
}

/* -- database ----------------------------------------------------------------------------------------- */

static void tell_page(void *context, struct str text)
{
    struct checkup *c = context;

    say(c, RED, "docs/operations.md, \"Damage\": copy the directory, then restore",
        "the database: " STR_FMT, STR_ARGS(str_sub(text, 0, SAID_MAX / 2)));
}

static bool is_stopping(void *context)
{
    struct checkup *c = context;

    return c->out->is_stopping(c->out);
}

static void check_database(struct checkup *c)
{
    struct db_integrity quick = {
        .is_quick = true, .found = tell_page, .is_stopping = is_stopping, .context = c
    };
    struct stat wal;
    struct err  err;

    if (!has_part(c, c->node->db))
        return;
    if (db_probe(c->node->db, &err) < 0 || db_check_integrity(c->node->db, &quick, &err) < 0)
        say(c, RED, "start the database, or correct --database", "%s", err.text);
    if (fstatat(c->node->data_fd, "assay.db-wal", &wal, AT_SYMLINK_NOFOLLOW) == 0 &&
        wal.st_size > GIB)
        say(c, YELLOW, "restart the server when it is quiet: something reads for very long",
            "the write-ahead log has %lld MiB", (long long)wal.st_size >> 20);
    if (db_check_safety(c->node->db, &err) < 0)
        say(c, RED,
            "turn it on in postgresql.conf and reload: a crash may lose acknowledged pushes", "%s",
            err.text);
    if (conf_switch(node_conf(c->node), CONF_UNSAFE_DATABASE))
        say(c, YELLOW, "drop --unsafe-database, so that no later change goes unnoticed",
            "the database keeps what it commits, and --unsafe-database says that it need not");
    say(c, GREEN, NULL, "%s answers, is whole and keeps what it commits", db_engine(c->node->db));
}

static void check_damage(struct checkup *c)
{
    int64_t    n;
    struct err err;

    if (!has_part(c, c->node->work))
        return;
    if (work_damage_count(c->node->work, &n, &err) < 0)
        say(c, RED, "see the check of the database", "%s", err.text);
    else if (n > 0)
        say(c, RED, "`assay fsck --rehash` names the images; push them again",
            "%lld blobs or manifests are known to be damaged", (long long)n);
    say(c, GREEN, NULL, "no damage is known");
}

static void check_quotas(struct checkup *c)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_quota_alarms       alarms;
    struct err                     err;

    if (!has_part(c, c->node->work))
        return;
    if (work_quota_alarms(c->node->work, arena, &alarms, &err) < 0)
        say(c, RED, "see the check of the database", "%s", err.text);
    else if (alarms.n_refusing > 0 || alarms.n_near > 0)
        say(c, YELLOW, "`assay quota ls` names them; delete what is not needed, or raise the limit",
            "%lld quotas have refused a push and %lld are nearly used up, \"" STR_FMT
            "\" among them",
            (long long)alarms.n_refusing, (long long)alarms.n_near, STR_ARGS(alarms.path));
    say(c, GREEN, NULL, "no quota is nearly used up");
}

static void check_scrub(struct checkup *c)
{
    int64_t    interval = conf_number(node_conf(c->node), CONF_SCRUB_INTERVAL);
    int64_t    at;
    struct err err;

    if (!has_part(c, c->node->work))
        return;
    if (conf_number(node_conf(c->node), CONF_SCRUB_RATE) == 0)
        say(c, YELLOW, "`assay admin set scrub-rate 20MiB`", "the scrub is off (scrub-rate is 0)");
    if (work_scrub_finished(c->node->work, "hash", &at, &err) < 0)
        say(c, RED, "see the check of the database", "%s", err.text);
    else if (at > 0 && clock_utc_us() - at > 2 * interval)
        say(c, YELLOW, "raise scrub-rate, or see scrub.failed in the log",
            "the last pass ended %lld days ago",
            (long long)((clock_utc_us() - at) / SECOND_US / DAY_S));
    say(c, GREEN, NULL,
        at > 0 ? "the last pass is young enough" : "the first pass has not ended yet");
}

/* How many stopped by themselves, and one of them. */
static void check_webhooks(struct checkup *c)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_webhook           *hooks;
    size_t                         n;
    struct err                     err;

    if (!has_part(c, c->node->work))
        return;
    if (work_hook_stopped(c->node->work, arena, 0, STOPPED_SHOWN, &hooks, &n, &err) < 0)
        say(c, RED, "see the check of the database", "%s", err.text);
    else if (n > 0)
        say(c, YELLOW, "repair its receiver, then `assay webhook enable ID --replay`",
            "%s%zu webhooks are told of nothing any more: " STR_FMT " of " STR_FMT " (" STR_FMT
            ") since event %lld",
            n == STOPPED_SHOWN ? "at least " : "", n, STR_ARGS(hooks[0].uuid),
            STR_ARGS(hooks[0].key.n > 0 ? hooks[0].key : STR("the registry")),
            STR_ARGS(hooks[0].stopped), (long long)hooks[0].missed_from);
    say(c, GREEN, NULL, "no webhook had to be stopped");
}

/* -- clock, keys, certificates ------------------------------------------------------------------------ */

static int64_t database_now(struct checkup *c, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(c->node->db, DB_READ, "look at clock", &tx, err) < 0)
        return 0;
    return db_now(tx);
}

static void check_clock(struct checkup *c)
{
    struct timex state = { 0 };
    struct err   err;
    int64_t      theirs = c->node->db == NULL ? 0 : database_now(c, &err);
    int64_t      ours   = clock_utc_us();
    int64_t      skew   = theirs > ours ? theirs - ours : ours - theirs;

    if (ours < YEAR_2025_US)
        say(c, RED, "set the clock: tokens and certificates cannot be judged",
            "the clock is years behind");
    if (theirs != 0 && skew > SKEW_US)
        say(c, RED, "synchronise this machine and the database's",
            "the clock differs by %lld s from the database's", (long long)(skew / SECOND_US));
    if (adjtimex(&state) == TIME_ERROR)
        say(c, YELLOW, "run chrony or systemd-timesyncd", "nothing keeps the clock right");
    if (has_part(c, c->node->db))
        say(c, GREEN, NULL, "the clock is synchronised and agrees with the database");
}

static void check_key(struct checkup *c)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    const char *path = str_dup(arena, conf_text(node_conf(c->node), CONF_KEY_FILE));
    struct stat info;
    struct err  err;

    if (stat(path, &info) != 0 && err_set_os(&err, ERR_UNAVAILABLE, "the key file %s", path) < 0)
        say(c, RED, "put it back: the next start needs it", "%s", err.text);
    else if ((info.st_mode & OTHERS_READ) != 0)
        say(c, RED, "chmod 600, and think of sealing anew: others could read it",
            "the key file %s has mode %03o", path, (unsigned)info.st_mode & 0777);
    if (has_part(c, c->node->auth))
        say(c, GREEN, NULL, "the key file is the one of this registry and for its owner alone");
}

static void check_names(struct checkup *c, struct http_certificate *certificate)
{
    const struct conf *conf = node_conf(c->node);

    for (size_t i = 0; i < conf_list_len(conf, CONF_EXTERNAL_URL); i++) {
        struct str host = conf_list(conf, CONF_EXTERNAL_URL, i);

        if (!str_starts(host, STR("https://")))
            continue;
        host = str_from_index(host, sizeof("https://") - 1);
        if (str_find(host, ':') >= 0 && !str_starts(host, STR("[")))
            host = str_sub(host, 0, (size_t)str_find(host, ':'));
        if (!http_certificate_has_name(certificate, host))
            say(c, YELLOW, "fine behind a proxy that has its own; else get one with this name",
                "the certificate does not name " STR_FMT, STR_ARGS(host));
    }
}

static void check_certificate(struct checkup *c)
{
    AUTO(http_certificate_free) struct http_certificate *certificate = NULL;
    AUTO(arena_free) struct arena                       *arena       = arena_new();
    const struct conf                                   *conf        = node_conf(c->node);
    struct str                                           chain = conf_text(conf, CONF_TLS_CERT);
    struct str                                           key   = conf_text(conf, CONF_TLS_KEY);
    struct err                                           err;

    if (chain.p == NULL || key.p == NULL) {
        say(c, GREEN, NULL, "%s",
            conf_list_len(conf, CONF_HTTPS) > 0 ? "the server makes its own and renews it"
                                                : "none is needed: there is no --https");
        return;
    }
    if (http_certificate_open(str_dup(arena, chain), str_dup(arena, key), &certificate, &err) < 0) {
        say(c, RED, "put a chain and its key there, then SIGHUP", "%s", err.text);
        return;
    }
    int64_t left = http_certificate_ends_at(certificate) - clock_utc_us() / SECOND_US;
    if (left < 0)
        say(c, RED, "renew it, then SIGHUP", "the certificate ended %lld days ago",
            (long long)(-left / DAY_S));
    if (left < FEW_DAYS * DAY_S)
        say(c, YELLOW, "renew it, then SIGHUP", "the certificate ends in %lld days",
            (long long)(left / DAY_S));
    check_names(c, certificate);
    say(c, GREEN, NULL, "the certificate and its key fit, and are good for %lld days",
        (long long)(left / DAY_S));
}

/* -- the machine -------------------------------------------------------------------------------------- */

static void check_limits(struct checkup *c)
{
    const struct conf *conf   = node_conf(c->node);
    rlim_t             wanted = (rlim_t)conf_number(conf, CONF_MAX_CONNECTIONS) + FILES_BESIDE;
    struct rlimit      files, processes;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted)
        say(c, YELLOW, "raise LimitNOFILE, or lower --max-connections",
            "%llu open files are allowed, --max-connections wants %llu",
            (unsigned long long)files.rlim_cur, (unsigned long long)wanted);
    if (getrlimit(RLIMIT_NPROC, &processes) == 0 &&
        processes.rlim_cur < (rlim_t)conf_number(conf, CONF_WORKERS) + FILES_BESIDE)
        say(c, YELLOW, "raise LimitNPROC", "%llu threads are allowed",
            (unsigned long long)processes.rlim_cur);
    say(c, GREEN, NULL, "open files and threads suffice");
}

static void check_entry(struct checkup *c, int dir, const char *name)
{
    struct stat info;

    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (S_ISLNK(info.st_mode))
        say(c, RED, "replace it by what it points to", "%s in the data directory is a link", name);
    else if ((info.st_mode & OTHERS_WRITE) != 0)
        say(c, RED, "chmod go-w, and ask who has written there",
            "%s in the data directory may be written by others (mode %03o)", name,
            (unsigned)info.st_mode & 0777);
    else if (info.st_uid != geteuid())
        say(c, YELLOW, "chown it to the user that runs the server",
            "%s in the data directory belongs to user %u, and this is user %u", name,
            (unsigned)info.st_uid, (unsigned)geteuid());
}

static void check_owners(struct checkup *c)
{
    if (!has_part(c, c->node->data_fd < 0 ? NULL : c->node))
        return;

    int  fd  = openat(c->node->data_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        file_close(&fd);
        say(c, RED, "look at the directory's mode", "the data directory cannot be listed");
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strcmp(entry->d_name, "..") != 0)
            check_entry(c, dirfd(dir), entry->d_name);
    }
    closedir(dir);
    say(c, GREEN, NULL, "everything in the data directory is this user's alone to write");
}

static void check_settings(struct checkup *c)
{
    const struct conf *conf = node_conf(c->node);
    struct stat        info;

    if (conf_switch(conf, CONF_INSECURE_HTTP))
        say(c, YELLOW, "use --https, or name the proxies in front with --trusted-proxies",
            "passwords may travel in clear (--insecure-http)");
    for (size_t i = 0; i < conf_list_len(conf, CONF_TRUSTED_PROXIES); i++) {
        if (str_ends(conf_list(conf, CONF_TRUSTED_PROXIES, i), STR("/0")))
            say(c, RED, "name the proxies' own networks",
                "everybody is a trusted proxy and may forge addresses");
    }
    if (conf_switch(conf, CONF_READ_ONLY))
        say(c, YELLOW, "`assay admin set read-only off` when it is time",
            "the registry is read-only");
    if (fstatat(c->node->data_fd, "admin-password", &info, AT_SYMLINK_NOFOLLOW) == 0)
        say(c, YELLOW, "`assay admin reset-password admin` sets another and removes the file",
            "the first administrator's password is still the generated one");
    say(c, GREEN, NULL, "no setting is unsafe");
}

/* clang-format off */
static const struct {
    const char *name;
    void (*run)(struct checkup *c);
    bool is_quick; /* and worth an alert while a server runs */
} checks[] = {
    { "registry",    check_registry,    false },
    { "storage",     check_storage,     true },
    { "durability",  check_sync,        false },
    { "disk",        check_space,       true },
    { "database",    check_database,    false },
    { "damage",      check_damage,      true },
    { "quotas",      check_quotas,      true },
    { "scrub",       check_scrub,       true },
    { "webhooks",    check_webhooks,    true },
    { "clock",       check_clock,       true },
    { "keys",        check_key,         true },
    { "certificate", check_certificate, true },
    { "limits",      check_limits,      true },
    { "ownership",   check_owners,      false },
    { "settings",    check_settings,    true },
};
/* clang-format on */

int doctor_look(struct node *node, doctor_each *each, void *context, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct checkup c = { .node = node };

        if (!checks[i].is_quick)
            continue;
        checks[i].run(&c);
        struct doctor_finding finding = {
            .check = checks[i].name, .is_red = c.color == RED, .said = c.said, .next = c.next
        };
        if (c.color != GREEN && each(context, &finding, err) < 0)
            return -1;
    }
    return 0;
}

/* -- the table ---------------------------------------------------------------------------------------- */

static void print_json(const struct checkup *c, const char *name, struct buf *out)
{
    struct json_write w;

    json_write_init(&w, out);
    json_write_object(&w);
    json_write_text_at(&w, "check", name);
    json_write_text_at(&w, "color", color_names[c->color]);
    json_write_text_at(&w, "text", c->said);
    json_write_str_at(&w, "next", str_from(c->next));
    json_write_end(&w);
}

static int tell(struct checkup *c, const char *name, bool is_json, bool is_first, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     out;
    struct str                     text;

    buf_init(&out, arena, PART_MAX);
    if (is_json) {
        buf_text(&out, is_first ? "{\"checks\":[" : ",\n");
        print_json(c, name, &out);
    } else {
        buf_printf(&out, "%-7s %-12s %s\n", color_names[c->color], name, c->said);
        if (c->next != NULL)
            buf_printf(&out, "%20s → %s\n", "", c->next);
    }
    if (buf_finish(&out, &text, err) < 0)
        return -1;
    return c->out->write(c->out, VERB_TEXT, text, err);
}

int doctor_verb(const struct verb_call *call, int *out_exit, struct err *err)
{
    bool is_json = call->n_args > 0 && str_is(call->args[0], "json");
    bool is_red  = false;

    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct checkup c = { .node = call->node, .trouble = call->trouble, .out = call->out };

        checks[i].run(&c);
        is_red |= c.color == RED;
        if (tell(&c, checks[i].name, is_json, i == 0, err) < 0)
            return -1;
    }
    *out_exit = is_red ? CMD_FAILED : CMD_DONE;
    if (!is_json)
        return 0;
    return call->out->write(call->out, VERB_TEXT,
                            is_red ? STR("],\"healthy\":false}\n") : STR("],\"healthy\":true}\n"),
                            err);
}

const struct long_command doctor_command = { .name = "doctor", .takes_half = true };

int cmd_doctor(int argc, char **argv)
{
    return long_main(&doctor_command, argc, argv);
}
