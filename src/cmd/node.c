/* cmd/node.c: opens a node. What a first start makes (key file, instance id, store marker, first admin) is
 * made so that a crash at any point is followed by a start that goes on from there. */
#include "cmd/node.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "codec/text.h"
#include "db/migrate.h"
#include "http/worker.h"
#include "io/file.h"
#include "io/random.h"
#include "meta/registry.h"
#include "net/outbound.h"
#include "work/hook.h"
#include "work/manage.h"

enum {
    KEY_FILE_MAX   = SEAL_KEYS_MAX * (2 * SEAL_KEY_SIZE + 2),
    READERS        = 4,
    CORES_A_HASHER = 2,
    LOGINS_WAITING = 64
};

const struct conf *node_conf(struct node *node)
{
    return atomic_load(&node->conf);
}

struct conf *node_conf_ref(struct node *node)
{
    return conf_ref(atomic_load(&node->conf));
}

/* -- the data directory ------------------------------------------------------------------------------- */

static int read_id(struct node *node, struct err *err)
{
    struct str text;

    if (file_read_all(node->data_fd, "node", NODE_ID_MAX + 1, node->arena, &text, err) == 0) {
        if (text.n < NODE_ID_MAX - 1)
            return err_set_corrupt(err, "the file `node` in the data directory is cut short");
        memcpy(node->id, text.p, NODE_ID_MAX - 1);
        return 0;
    }
    if (err->kind != ERR_NOT_FOUND)
        return -1;
    random_hex(node->id, (NODE_ID_MAX - 1) / 2);
    if (failpoint(FP_NODE_ID, err) < 0 ||
        file_replace_at(node->data_fd, "node", str_from(mem_printf(node->arena, "%s\n", node->id)),
                        err) < 0)
        return -1;
    return failpoint(FP_NODE_ID_KEPT, err);
}

static int open_data(struct node *node, struct err *err)
{
    struct str path = conf_text(node_conf(node), CONF_DATA);

    if (file_open_dir(str_dup(node->arena, path), true, &node->data_fd, err) < 0)
        return err_wrap(err, "data directory");
    if (file_lock_at(node->data_fd, "lock", &node->lock_fd, err) < 0)
        return err_wrap(err, "data directory " STR_FMT, STR_ARGS(path));
    return read_id(node, err);
}

int node_data_is_here(struct node *node, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(file_close) int           fd    = -1;
    struct str                     path  = conf_text(node_conf(node), CONF_DATA);
    struct stat                    opened, now;

    if (file_open_dir(str_dup(arena, path), false, &fd, err) < 0)
        return err_wrap(err, "data directory");
    if (fstat(node->data_fd, &opened) < 0 || fstat(fd, &now) < 0)
        return err_set_os(err, ERR_UNAVAILABLE, "looking at data directory " STR_FMT,
                          STR_ARGS(path));
    if (opened.st_dev == now.st_dev && opened.st_ino == now.st_ino)
        return 0;
    return err_set(err, ERR_UNAVAILABLE,
                   "data directory " STR_FMT
                   " is another one than at start; mount its volume, or restart",
                   STR_ARGS(path));
}

/* -- the key file ------------------------------------------------------------------------------------- */

/* One key a line, 64 hex digits; the first seals. */
static int parse_keys(struct str text, unsigned char *keys, size_t *n_out, struct err *err)
{
    struct str line;
    size_t     n = 0;

    while (str_next(&text, '\n', &line)) {
        line = str_trim(line);
        if (line.n == 0)
            continue;
        if (n == SEAL_KEYS_MAX)
            return err_set(err, ERR_INVALID, "more than %d keys", SEAL_KEYS_MAX);
        if (!text_hex_parse(line, keys + n * SEAL_KEY_SIZE, SEAL_KEY_SIZE))
            return err_set(err, ERR_INVALID, "key %zu is not 64 hex digits", n + 1);
        n++;
    }
    if (n == 0)
        return err_set(err, ERR_INVALID, "no key in it");
    *n_out = n;
    return 0;
}

static int split_path(struct node *node, struct str path, int *out_dir, const char **out_name,
                      struct err *err)
{
    ptrdiff_t  slash = str_find_last(path, '/');
    struct str dir = slash < 0 ? STR(".") : slash == 0 ? STR("/") : str_sub(path, 0, (size_t)slash);

    *out_name = str_dup(node->arena, slash < 0 ? path : str_from_index(path, (size_t)slash + 1));
    return file_open_dir(str_dup(node->arena, dir), false, out_dir, err);
}

static int read_keys(struct node *node, bool may_make, struct seal_ring **out, struct err *err)
{
    AUTO(file_close) int dir  = -1;
    struct str           path = conf_text(node_conf(node), CONF_KEY_FILE);
    unsigned char        keys[SEAL_KEYS_MAX * SEAL_KEY_SIZE];
    char                 hex[2 * SEAL_KEY_SIZE + 2];
    const char          *name;
    struct str           text;
    size_t               n = 0;

    if (split_path(node, path, &dir, &name, err) < 0)
        return err_wrap(err, "key file " STR_FMT, STR_ARGS(path));

    int done = file_read_all(dir, name, KEY_FILE_MAX, node->arena, &text, err);
    if (done < 0 && err->kind == ERR_NOT_FOUND && may_make) {
        random_hex(hex, SEAL_KEY_SIZE);
        memcpy(hex + sizeof(hex) - 2, "\n", 2);
        text = str_copy(node->arena, str_from(hex));
        done = failpoint(FP_KEY_FILE, err);
        if (done == 0)
            done = file_replace_at(dir, name, text, err);
        if (done == 0)
            done = failpoint(FP_KEY_FILE_KEPT, err);
        mem_wipe(hex, sizeof(hex));
    }
    if (done == 0)
        done = parse_keys(text, keys, &n, err);
    if (done == 0)
        *out = seal_ring_new(keys, n);
    mem_wipe(keys, sizeof(keys));
    return done < 0 ? err_wrap(err, "key file " STR_FMT, STR_ARGS(path)) : 0;
}

/* A node with another key would seal what others cannot open, so it does not start. */
static int open_keys(struct node *node, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct str                   known;
    char                         own[SEAL_PRINT_MAX];

    if (db_begin(node->db, DB_WRITE, "check key file", &tx, err) < 0 ||
        meta_registry_lock(tx, err) < 0)
        return -1;
    int found = meta_registry_get(tx, node->arena, "key_fingerprint", &known, err);
    if (found < 0 || read_keys(node, found == 0, &node->ring, err) < 0)
        return -1;
    if (found == 1 && !seal_ring_has_fingerprint(node->ring, known))
        return err_set(err, ERR_CONFLICT,
                       "the key file " STR_FMT
                       " is not the one that this registry's secrets are sealed with; "
                       "put the right file there or name it with --key-file",
                       STR_ARGS(conf_text(node_conf(node), CONF_KEY_FILE)));
    if (found == 1)
        return 0;

    seal_ring_fingerprint(node->ring, own);
    if (meta_registry_set(tx, "key_fingerprint", str_from(own), err) < 0 ||
        failpoint(FP_KEY_RECORD, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_KEY_RECORDED, err);
}

int node_reseal(struct node *node, const struct meta_actor *actor, int *out_n, struct err *err)
{
    AUTO(seal_ring_free) struct seal_ring *ring = NULL;
    AUTO(db_abort) struct db_tx           *tx   = NULL;
    char                                   own[SEAL_PRINT_MAX];
    struct str                             known;
    int                                    n_hooks;

    if (read_keys(node, false, &ring, err) < 0)
        return -1;
    if (db_begin(node->db, DB_READ, "check key file", &tx, err) < 0 ||
        meta_registry_get(tx, node->arena, "key_fingerprint", &known, err) < 0)
        return -1;
    if (!seal_ring_has_fingerprint(ring, known))
        return err_set(err, ERR_CONFLICT,
                       "the old key is not in the key file; keep it there, below the new one");
    db_abort(&tx);

    /* The parts of this node read the ring at their start: a new key takes effect with the next one. */
    seal_ring_fingerprint(ring, own);
    if (auth_keys_reseal(node->auth, ring, actor, out_n, err) < 0 ||
        work_hook_reseal(node->work, &ring, &n_hooks, err) < 0 ||
        failpoint(FP_RESEAL_DONE, err) < 0)
        return -1;
    *out_n += n_hooks;
    if (db_begin(node->db, DB_WRITE, "record key file", &tx, err) < 0 ||
        meta_registry_set(tx, "key_fingerprint", str_from(own), err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_RESEAL_RECORDED, err);
}

/* -- database and store ------------------------------------------------------------------------------- */

static int open_database(struct node *node, struct err *err)
{
    const struct conf *conf     = node_conf(node);
    struct db_settings settings = {
        .url          = conf_text(conf, CONF_DATABASE),
        .n_readers    = READERS,
        .pool_size    = (size_t)conf_number(conf, CONF_DATABASE_POOL),
        .allow_unsafe = conf_switch(conf, CONF_UNSAFE_DATABASE),
    };
    int from, to;

    if (db_open(&settings, &node->db, err) < 0 || db_migrate(node->db, &from, &to, err) < 0)
        return err_wrap(err, "database");
    if (from != to)
        log_event(LOG_INFO, NULL, "database.migrated",
                  LOG_FIELDS(LOG_I("from", from), LOG_I("to", to)), "the database is at schema %d",
                  to);
    return 0;
}

/* A named value of the instance, made by `fallback` when there is none yet. */
static int get_or_set(struct node *node, const char *name, struct str fallback, struct str *out,
                      struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(node->db, DB_WRITE, "instance value", &tx, err) < 0 ||
        meta_registry_lock(tx, err) < 0)
        return -1;
    int found = meta_registry_get(tx, node->arena, name, out, err);
    if (found != 0)
        return found < 0 ? -1 : 0;
    if (meta_registry_set(tx, name, fallback, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    *out = str_copy(node->arena, fallback);
    return 0;
}

static int open_store(struct node *node, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx    = NULL;
    struct str                   known = STR(""), id;

    if (db_begin(node->db, DB_READ, "find store id", &tx, err) < 0 ||
        meta_registry_get(tx, node->arena, "store_id", &known, err) < 0)
        return -1;
    db_abort(&tx);

    if (blob_store_open(conf_text(node_conf(node), CONF_STORAGE), known, node->arena, &id,
                        &node->store, err) < 0)
        return err_wrap(err, "storage");
    if (known.n > 0)
        return 0;
    if (failpoint(FP_STORE_RECORD, err) < 0 || get_or_set(node, "store_id", id, &known, err) < 0 ||
        failpoint(FP_STORE_RECORDED, err) < 0)
        return -1;
    if (!str_eq(known, id))
        return err_set(err, ERR_CONFLICT,
                       "another node of this registry has just begun with another storage");
    return 0;
}

/* -- settings of the registry ------------------------------------------------------------------------- */

static struct work_policy policy_of(const struct conf *conf)
{
    return (struct work_policy){
        .pin_ttl         = conf_number(conf, CONF_PIN_TTL),
        .gc_delay        = conf_number(conf, CONF_GC_DELAY),
        .keep_untagged   = conf_switch(conf, CONF_KEEP_UNTAGGED),
        .doom_delay      = conf_number(conf, CONF_DOOM_DELAY),
        .undelete_window = conf_number(conf, CONF_UNDELETE_WINDOW),
        .upload_ttl      = conf_number(conf, CONF_UPLOAD_TTL),
        .max_blob_size   = conf_number(conf, CONF_MAX_BLOB_SIZE),
        .disk_reserve    = conf_number(conf, CONF_DISK_RESERVE),
        .is_read_only    = conf_switch(conf, CONF_READ_ONLY),
        .may_delete      = conf_switch(conf, CONF_ALLOW_DELETE),
        .scrub_rate      = conf_number(conf, CONF_SCRUB_RATE),
        .scrub_interval  = conf_number(conf, CONF_SCRUB_INTERVAL),
        .verify_on_read  = conf_switch(conf, CONF_VERIFY_ON_READ),
        .hook_retry      = conf_number(conf, CONF_WEBHOOK_RETRY),
        .hook_retry_max  = conf_number(conf, CONF_WEBHOOK_MAX_WAIT),
        .hook_failures   = conf_number(conf, CONF_WEBHOOK_FAILURES),
        .hook_timeout    = conf_number(conf, CONF_WEBHOOK_TIMEOUT),
        .counts_pulls    = conf_switch(conf, CONF_COUNT_PULLS),
    };
}

/* A setting cannot be taken away; as with lists, "off" says that there is nothing. */
static struct str text_or_none(const struct conf *conf, enum conf_id id)
{
    struct str text = conf_text(conf, id);

    return str_is(text, "off") ? STR_NULL : text;
}

static struct auth_policy access_of(const struct conf *conf)
{
    return (struct auth_policy){
        .may_anonymous      = conf_switch(conf, CONF_ANONYMOUS),
        .may_create_on_push = conf_switch(conf, CONF_CREATE_ON_PUSH),
        .credential_life_us = conf_number(conf, CONF_ACCESS_TOKEN_LIFE),
        .password_min       = conf_number(conf, CONF_PASSWORD_MIN),
        .password_classes   = conf_number(conf, CONF_PASSWORD_CLASSES),
        .login_failures     = conf_number(conf, CONF_LOGIN_FAILURES),
        .login_lock_us      = conf_number(conf, CONF_LOGIN_LOCK),
        .banner             = text_or_none(conf, CONF_LOGIN_BANNER),
        .rates              = {
                         .account = conf_number(conf, CONF_RATE_ACCOUNT),
                         .token   = conf_number(conf, CONF_RATE_TOKEN),
                         .network = conf_number(conf, CONF_RATE_NETWORK),
        },
        .sessions           = {
                      .life_us    = conf_number(conf, CONF_SESSION_LIFE),
                      .renewal_us = conf_number(conf, CONF_SESSION_RENEWAL),
                      .most_us    = conf_number(conf, CONF_SESSION_MOST),
                      .limit      = conf_number(conf, CONF_SESSION_LIMIT),
                      .is_kept    = conf_switch(conf, CONF_COOKIES_KEPT),
        },
    };
}

/* At first start what flags, variables and file say becomes the registry's value. */
static int seed_settings(struct node *node, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx   = NULL;
    const struct conf           *conf = node_conf(node);

    if (db_begin(node->db, DB_WRITE, "seed settings", &tx, err) < 0)
        return -1;
    for (int id = 0; id < CONF_N_IDS; id++) {
        if (conf_table[id].home != CONF_REGISTRY || !conf_is_set(conf, (enum conf_id)id))
            continue;
        struct str value = conf_print(conf, (enum conf_id)id, node->arena);
        if (meta_setting_add(tx, str_from(conf_table[id].key), value, err) < 0)
            return -1;
    }
    if (failpoint(FP_SETTINGS_SEED, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    return failpoint(FP_SETTINGS_SEEDED, err);
}

static int overlay(struct conf **conf, const struct meta_setting *rows, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct conf *next;
        enum conf_id id;

        /* A setting of a newer release, which this one does not know. */
        if (!conf_find(rows[i].key, &id))
            continue;
        if (conf_with(*conf, id, rows[i].value, &next, err) < 0)
            return err_wrap(err, "setting " STR_FMT " in the database", STR_ARGS(rows[i].key));
        conf_unref(conf);
        *conf = next;
    }
    return 0;
}

/* Settings change a few times in a node's life, and whoever reads them needs no lock if old ones stay until its end. */
static void keep(struct node *node, struct conf *old)
{
    struct node_conf_kept *kept = mem_new(struct node_conf_kept);

    kept->conf  = old;
    kept->older = node->kept;
    node->kept  = kept;
}

static int load_settings(struct node *node, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    AUTO(conf_unref) struct conf  *conf  = NULL;
    struct meta_setting           *rows;
    int64_t                        version;
    size_t                         n;

    if (db_begin(node->db, DB_READ, "load settings", &tx, err) < 0 ||
        meta_setting_version(tx, &version, err) < 0)
        return -1;
    if (version == node->settings_version)
        return 0;
    if (meta_setting_list(tx, arena, &rows, &n, err) < 0)
        return -1;
    db_abort(&tx);

    conf = conf_ref(atomic_load(&node->conf));
    if (overlay(&conf, rows, n, err) < 0)
        return -1;

    keep(node, atomic_exchange(&node->conf, TAKE(conf)));
    node->settings_version = version;
    if (node->work != NULL) {
        struct work_policy policy = policy_of(node_conf(node));

        work_set_policy(node->work, &policy);
    }
    if (node->auth != NULL) {
        struct auth_policy access = access_of(node_conf(node));

        auth_set_policy(node->auth, &access);
    }
    if (node->outbound != NULL)
        return net_outbound_set_ca(node->outbound, text_or_none(node_conf(node), CONF_CA_BUNDLE),
                                   err);
    return 0;
}

int node_load_settings(struct node *node, struct err *err)
{
    pthread_mutex_lock(&node->settings_lock);
    int done = load_settings(node, err);
    pthread_mutex_unlock(&node->settings_lock);
    return done;
}

/* -- accounts and verbs ------------------------------------------------------------------------------- */

static int open_auth(struct node *node, struct err *err)
{
    const struct conf *conf  = node_conf(node);
    long               cores = sysconf(_SC_NPROCESSORS_ONLN);
    char               id[RANDOM_UUID_MAX];
    struct str         instance;

    random_uuid(id);
    if (get_or_set(node, "instance_id", str_from(id), &instance, err) < 0)
        return -1;

    struct auth_settings settings = {
        .db               = node->db,
        .ring             = node->ring,
        .audience         = instance,
        .password_threads = cores < 2 * CORES_A_HASHER ? 1 : (size_t)cores / CORES_A_HASHER,
        .password_queue   = LOGINS_WAITING,
        .waits            = http_worker_waits,
        .token_life_us    = conf_number(conf, CONF_TOKEN_LIFE),
        .refresh_life_us  = conf_number(conf, CONF_REFRESH_LIFE),
    };
    if (auth_new(&settings, &node->auth, err) < 0)
        return -1;
    struct auth_policy access = access_of(conf);
    auth_set_policy(node->auth, &access);
    return 0;
}

static void open_work(struct node *node)
{
    struct work_settings settings = {
        .db      = node->db,
        .auth    = node->auth,
        .store   = node->store,
        .policy  = policy_of(node_conf(node)),
        .node_id = str_from(node->id),
    };

    seal_ring_derive(node->ring, "upload state", settings.state_key);
    node->work = work_new(&settings);
    mem_wipe(settings.state_key, sizeof(settings.state_key));
}

/* A generated password is kept before the account exists: if the process dies in between, the next start
 * finds it and goes on with the same one. */
static int make_first_admin(struct node *node, struct err *err)
{
    const char *given = getenv("ASSAY_ADMIN_PASSWORD");
    struct str  password, kept;

    node->password_was_given = given != NULL && given[0] != '\0';
    if (node->password_was_given) {
        password = str_from(given);
    } else if (file_read_all(node->data_fd, "admin-password", 256, node->arena, &kept, err) == 0) {
        ptrdiff_t end = str_find(kept, '\n');

        password = end < 0 ? kept : str_sub(kept, 0, (size_t)end);
    } else {
        password = random_password(node->arena);
        if (failpoint(FP_ADMIN_PASSWORD, err) < 0 ||
            file_replace_at(node->data_fd, "admin-password",
                            str_from(mem_printf(node->arena, STR_FMT "\n", STR_ARGS(password))),
                            err) < 0 ||
            failpoint(FP_ADMIN_PASSWORD_KEPT, err) < 0)
            return err_wrap(err, "keeping the first admin's password");
    }

    int made = work_first_admin(node->work, node->auth, password, err);
    if (made == 1)
        node->first_password = password;
    return made < 0 ? -1 : 0;
}

static int has_accounts(struct node *node, bool *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct str                   ignored_value; /* only whether it is there */

    if (db_begin(node->db, DB_READ, "first start?", &tx, err) < 0)
        return -1;
    int found = meta_registry_get(tx, node->arena, "has_admin", &ignored_value, err);
    *out      = found == 1;
    return found < 0 ? -1 : 0;
}

static int open_accounts(struct node *node, struct err *err)
{
    struct str ignored_value; /* a mark */
    bool       is_done;

    if (has_accounts(node, &is_done, err) < 0)
        return -1;
    if (is_done)
        return 0;
    if (make_first_admin(node, err) < 0)
        return -1;
    if (failpoint(FP_ADMIN_MARK, err) < 0 ||
        get_or_set(node, "has_admin", STR("1"), &ignored_value, err) < 0)
        return -1;
    return failpoint(FP_ADMIN_MARKED, err);
}

/* -- what goes out ------------------------------------------------------------------------------------ */

/* Of the external URLs: a request to one of them would come back here. */
static struct str host_of(struct str url)
{
    struct str host = str_from_index(url, (size_t)str_find(url, '/') + 2);
    ptrdiff_t  end  = str_find(host, '/');
    ptrdiff_t  colon;

    host  = str_sub(host, 0, end < 0 ? host.n : (size_t)end);
    colon = str_find_last(host, ':');
    if (str_starts(host, STR("[")))
        return str_sub(host, 1, (size_t)str_find(host, ']') - 1);
    return colon < 0 ? host : str_sub(host, 0, (size_t)colon);
}

static void tell_outbound(void *context, struct str origin, const char *cause)
{
    (void)context;
    log_event(LOG_WARNING, NULL, "outbound.failed", LOG_FIELDS(LOG_S("origin", origin)), "%s",
              cause);
}

/* With commas between. */
static struct str list_of(struct node *node, enum conf_id id)
{
    const struct conf *conf = node_conf(node);

    return conf_list_len(conf, id) == 0 ? STR("") : conf_print(conf, id, node->arena);
}

static int open_outbound(struct node *node, struct err *err)
{
    const struct conf *conf  = node_conf(node);
    size_t             n     = conf_list_len(conf, CONF_EXTERNAL_URL);
    struct str        *names = mem_many(node->arena, n + 1, struct str);

    for (size_t i = 0; i < n; i++)
        names[i] = host_of(conf_list(conf, CONF_EXTERNAL_URL, i));
    struct net_outbound_settings settings = {
        .agent       = STR("assay/" ASSAY_VERSION),
        .allow       = list_of(node, CONF_EGRESS_ALLOW),
        .own_names   = names,
        .n_own_names = n,
        .http_proxy  = conf_text(conf, CONF_HTTP_PROXY),
        .https_proxy = conf_text(conf, CONF_HTTPS_PROXY),
        .no_proxy    = list_of(node, CONF_NO_PROXY),
        .tell        = tell_outbound,
    };
    if (net_outbound_new(&settings, &node->outbound, err) < 0)
        return err_wrap(err, "egress-allow");
    return net_outbound_set_ca(node->outbound, text_or_none(conf, CONF_CA_BUNDLE), err);
}

static int open_parts(struct node *node, struct err *err)
{
    if (open_data(node, err) < 0 || open_database(node, err) < 0 || open_keys(node, err) < 0 ||
        open_store(node, err) < 0 || seed_settings(node, err) < 0 ||
        node_load_settings(node, err) < 0 || open_auth(node, err) < 0 ||
        open_outbound(node, err) < 0)
        return -1;
    open_work(node);
    return open_accounts(node, err);
}

int node_open_what_opens(struct conf **conf, struct node **out, struct err *err)
{
    struct node *node = mem_new(struct node);

    node->arena   = arena_new();
    node->data_fd = node->lock_fd = -1;
    node->settings_version        = -1;
    pthread_mutex_init(&node->settings_lock, NULL);
    atomic_store(&node->conf, TAKE(*conf));
    *out = node;
    return open_parts(node, err);
}

int node_open(struct conf **conf, struct node **out, struct err *err)
{
    AUTO(node_close) struct node *node = NULL;

    if (node_open_what_opens(conf, &node, err) < 0)
        return -1;
    *out = TAKE(node);
    return 0;
}

static void drop_kept(struct node_conf_kept **kept)
{
    while (*kept != NULL) {
        struct node_conf_kept *older = (*kept)->older;

        conf_unref(&(*kept)->conf);
        mem_free(*kept);
        *kept = older;
    }
}

void node_close(struct node **node)
{
    struct node *n = *node;

    if (n == NULL)
        return;

    struct conf *conf = atomic_load(&n->conf);
    work_free(&n->work);
    net_outbound_free(&n->outbound);
    auth_free(&n->auth);
    blob_store_close(&n->store);
    db_close(&n->db);
    seal_ring_free(&n->ring);
    file_close(&n->lock_fd);
    file_close(&n->data_fd);
    conf_unref(&conf);
    drop_kept(&n->kept);
    pthread_mutex_destroy(&n->settings_lock);
    arena_free(&n->arena);
    mem_free(n);
    *node = NULL;
}
