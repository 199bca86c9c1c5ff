/* cmd/migrate.c: `assay migrate`: a stopped registry's metadata goes to another database. The command finds the
 * data directories that must be still, shows how far it is, and says what to do next. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/node.h"
#include "conf/conf.h"
#include "db/db.h"
#include "io/clock.h"
#include "io/file.h"
#include "work/move.h"

enum { FOLDERS_MAX = 3, REDRAW_US = 100000 };

extern char **environ;

static const char help[] =
    "assay migrate --from DATABASE --to DATABASE [--data DIR]\n"
    "\n"
    "Moves the metadata of a stopped registry (accounts, repositories, manifests, tags, events,\n"
    "audit, …) into another, empty database of any kind. Blobs and the key file stay where they\n"
    "are. Every row is read back from the target and compared with the source before anything\n"
    "counts: either all of it is there, or the target is as empty as before.\n"
    "\n"
    "    --from DATABASE   where the registry is, such as sqlite:/var/lib/assay/assay.db\n"
    "    --to DATABASE     where it shall be, such as postgres://assay@db.example.com/assay\n"
    "    --data DIR        the registry's data directory; without it the folder of the SQLite "
    "file.\n"
    "                      No server may run on it\n"
    "\n"
    "A password is better kept out of the command line: PGPASSWORD, or a line of ~/.pgpass.\n"
    "From SQLite to PostgreSQL:\n"
    "\n"
    "    1. make an empty database:   createdb --owner assay assay\n"
    "    2. stop the server:          systemctl stop assay\n"
    "    3. move:                     assay migrate --from sqlite:DIR/assay.db --to postgres://…\n"
    "    4. start on the new one:     assay serve --data DIR --database postgres://…\n"
    "\n"
    "The source is not changed but for a schema that is older than this program's, which is\n"
    "brought up to date as a start of the server would. Interrupted (Ctrl-C), it leaves the "
    "target\n"
    "empty; run it again. Exit status: 0 moved and verified, 1 not moved, 2 wrong usage.\n";

/* What is asked for, and the folders that it keeps others away from meanwhile. */
struct migration {
    struct arena *arena;
    struct conf  *conf;
    struct str    from;
    struct str    to;
    struct str    nodes[FOLDERS_MAX]; /* who lives there */
    int           folders[FOLDERS_MAX];
    int           locks[FOLDERS_MAX];
    size_t        n_folders;
    struct db    *from_db;
    struct db    *to_db;
    int64_t       drawn_at;
    bool          is_terminal;
    sigset_t      stops;
};

static void release(struct migration *m)
{
    db_close(&m->to_db);
    db_close(&m->from_db);
    for (size_t i = 0; i < m->n_folders; i++) {
        file_close(&m->locks[i]);
        file_close(&m->folders[i]);
    }
    conf_unref(&m->conf);
    arena_free(&m->arena);
}

/* -- arguments ---------------------------------------------------------------------------------------- */

static int read_option(char **words, int n, const char *flag, struct str *out, struct err *err)
{
    struct str key;
    struct str value = str_from(words[0]);

    str_next(&value, '=', &key);
    if (!str_is(key, flag))
        return 0;
    if (value.p == NULL && n < 2)
        return err_set(err, ERR_INVALID, "%s needs a database; see `assay migrate --help`", flag);
    if (out->p != NULL)
        return err_set(err, ERR_INVALID, "%s is given twice; see `assay migrate --help`", flag);
    *out = value.p != NULL ? value : str_from(words[1]);
    return value.p != NULL ? 1 : 2;
}

static int read_options(struct migration *m, char **words, int n, struct err *err)
{
    for (int i = 0; i < n;) {
        int used = read_option(words + i, n - i, "--from", &m->from, err);

        if (used == 0)
            used = read_option(words + i, n - i, "--to", &m->to, err);
        if (used == 0)
            return err_set(err, ERR_INVALID, "`%s` is not for migrate; see `assay migrate --help`",
                           words[i]);
        if (used < 0)
            return -1;
        i += used;
    }
    if (m->from.p == NULL || m->to.p == NULL)
        return err_set(err, ERR_INVALID,
                       "both --from and --to are needed; see `assay migrate --help`");
    return 0;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* -- nobody else at work ------------------------------------------------------------------------------ */

static bool is_held(const struct migration *m, int folder)
{
    struct stat wanted, held;

    for (size_t i = 0; i < m->n_folders; i++) {
        if (fstat(folder, &wanted) == 0 && fstat(m->folders[i], &held) == 0 &&
            wanted.st_dev == held.st_dev && wanted.st_ino == held.st_ino)
            return true;
    }
    return false;
}

/* Holds the folder as a server would, and learns the node that lives there. */
static int hold(struct migration *m, const char *path, bool may_make, struct err *err)
{
    AUTO(file_close) int folder = -1;
    AUTO(file_close) int lock   = -1;
    struct str           node   = STR("");
    struct err           ignored; /* no server ever ran there */

    if (file_open_dir(path, may_make, &folder, err) < 0)
        return err_wrap(err, "data directory");
    if (is_held(m, folder))
        return 0;
    if (file_lock_at(folder, "lock", &lock, err) < 0)
        return err->kind != ERR_CONFLICT
                   ? err_wrap(err, "data directory %s", path)
                   : err_set(err, ERR_CONFLICT,
                             "a server or another command works on %s: stop it first, then move",
                             path);

    if (file_read_all(folder, "node", NODE_ID_MAX + 1, m->arena, &node, &ignored) == 0)
        node = str_sub(node, 0, NODE_ID_MAX - 1);
    m->nodes[m->n_folders]   = node;
    m->folders[m->n_folders] = folder;
    m->locks[m->n_folders++] = lock;
    folder = lock = -1;
    return 0;
}

/* A database in a file: its folder is the data directory unless the operator says otherwise. */
static int hold_file(struct migration *m, struct str url, bool may_make, struct err *err)
{
    struct str scheme = STR("sqlite:");

    if (!str_starts(url, scheme))
        return 0;

    struct str path  = str_from_index(url, scheme.n);
    ptrdiff_t  slash = str_find_last(path, '/');
    struct str dir = slash < 0 ? STR(".") : slash == 0 ? STR("/") : str_sub(path, 0, (size_t)slash);
    return hold(m, str_dup(m->arena, dir), may_make, err);
}

static int hold_all(struct migration *m, struct err *err)
{
    if (hold_file(m, m->from, false, err) < 0 || hold_file(m, m->to, true, err) < 0)
        return -1;
    if (conf_is_set(m->conf, CONF_DATA))
        return hold(m, str_dup(m->arena, conf_text(m->conf, CONF_DATA)), false, err);
    return 0;
}

/* -- telling ------------------------------------------------------------------------------------------ */

static int64_t rate_of(const struct work_move_step *step)
{
    return step->elapsed_us < 1000 ? step->n_rows : step->n_rows * 1000000 / step->elapsed_us;
}

static void draw_line(const struct work_move_step *step)
{
    int64_t percent = step->n_total == 0 ? 100 : step->n_rows * 100 / step->n_total;

    printf("\r\033[K%s %-17s %lld of %lld rows, %lld %%, %lld rows/s",
           step->is_check ? "verifying" : "copying  ", step->table, (long long)step->n_rows,
           (long long)step->n_total, (long long)percent, (long long)rate_of(step));
    fflush(stdout);
}

static void print_table(const struct work_move_step *step)
{
    if (step->is_check)
        printf("verified %-17s %10lld rows  sha256:%s\n", step->table, (long long)step->n_rows,
               step->sha256);
    else
        printf("copied   %-17s %10lld rows  %lld rows/s\n", step->table, (long long)step->n_rows,
               (long long)rate_of(step));
    fflush(stdout);
}

/* One line that changes for who watches, a line a table for who reads later. */
static int report(void *context, const struct work_move_step *step, struct err *err)
{
    static const struct timespec now = { 0 };
    struct migration            *m   = context;

    if (m->is_terminal && clock_monotonic_us() - m->drawn_at >= REDRAW_US) {
        m->drawn_at = clock_monotonic_us();
        draw_line(step);
    }
    if (!m->is_terminal && step->is_done)
        print_table(step);
    if (sigtimedwait(&m->stops, NULL, &now) > 0)
        return err_set(err, ERR_UNAVAILABLE, "interrupted");
    return 0;
}

/* An address that may hold a password is not repeated. */
static const char *show(struct migration *m, struct str url)
{
    ptrdiff_t colon = str_find(url, ':');

    return str_starts(str_from_index(url, (size_t)colon), STR("://"))
               ? mem_printf(m->arena, STR_FMT "://…", STR_ARGS(str_sub(url, 0, (size_t)colon)))
               : str_dup(m->arena, url);
}

static void print_next(struct migration *m, const struct work_move_sum *sum, int64_t elapsed_us)
{
    const char *data =
        conf_is_set(m->conf, CONF_DATA) ? str_dup(m->arena, conf_text(m->conf, CONF_DATA)) : "DIR";

    printf("%smoved and verified: %zu tables, %lld rows in %lld s\n\n",
           m->is_terminal ? "\r\033[K" : "", sum->n_tables, (long long)sum->n_rows,
           (long long)(elapsed_us / 1000000));
    printf("Next: start the registry on its new database, with the data directory, key file and\n"
           "storage that it had:\n\n"
           "    assay serve --data %s --database %s\n\n"
           "Keep the old database until you trust the new one, and start no server on it once the\n"
           "new one has taken a push: two databases over one store lose each other's blobs.\n",
           data, show(m, m->to));
}

/* -- moving ------------------------------------------------------------------------------------------- */

static int open_database(struct migration *m, struct str url, bool must_exist, struct db **out,
                         struct err *err)
{
    struct db_settings settings = {
        .url          = url,
        .n_readers    = 1,
        .allow_unsafe = conf_switch(m->conf, CONF_UNSAFE_DATABASE),
        .must_exist   = must_exist,
    };

    return db_open(&settings, out, err);
}

static int run(struct migration *m, struct err *err)
{
    struct work_move_sum sum;
    int64_t              begun_at = clock_monotonic_us();

    if (hold_all(m, err) < 0)
        return -1;
    if (open_database(m, m->from, true, &m->from_db, err) < 0)
        return err_wrap(err, "source");
    if (open_database(m, m->to, false, &m->to_db, err) < 0)
        return err_wrap(err, "target");

    struct work_move move = {
        .arena       = m->arena,
        .from        = m->from_db,
        .to          = m->to_db,
        .own_nodes   = m->nodes,
        .n_own_nodes = m->n_folders,
        .report      = report,
        .context     = m,
    };
    if (work_move(&move, &sum, err) < 0)
        return err_wrap(err, "nothing was moved");
    print_next(m, &sum, clock_monotonic_us() - begun_at);
    return 0;
}

static void hear_signals(struct migration *m)
{
    sigemptyset(&m->stops);
    sigaddset(&m->stops, SIGINT);
    sigaddset(&m->stops, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &m->stops, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int cmd_migrate(int argc, char **argv)
{
    AUTO(release) struct migration m = { .arena = arena_new() };
    char                         **rest;
    int                            n_rest;
    struct err                     err;

    log_init(&(struct log_settings){ .level = LOG_WARNING });
    if (wants_help(argc, argv)) {
        printf("%s", help);
        return CMD_DONE;
    }
    if (conf_load(argc, argv, environ, &m.conf, &rest, &n_rest, &err) < 0 ||
        read_options(&m, rest, n_rest, &err) < 0)
        return cmd_complain("migrate", &err);

    hear_signals(&m);
    m.is_terminal = isatty(STDOUT_FILENO);
    if (run(&m, &err) == 0)
        return CMD_DONE;
    if (m.drawn_at > 0)
        printf("\n");
    return cmd_complain("migrate", &err);
}
