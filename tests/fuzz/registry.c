/* registry.c: see registry.h. */
#include "registry.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "api/api.h"
#include "base/assert.h"
#include "base/log.h"
#include "blob/blob.h"
#include "codec/json.h"
#include "codec/seal.h"
#include "db/db.h"
#include "db/migrate.h"
#include "http/gate.h"
#include "http/request_private.h"
#include "meta/account.h"

enum { PATH_ROOM = 128, BODY_ROOM = 1 << 16 };

static const unsigned char key[32] = "the key of the fuzzer, 32 bytes";

static char folder[PATH_ROOM];
static char template_file[PATH_ROOM + 16];
static char work_file[PATH_ROOM + 16];

/* -- the database ------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* In memory where there is such a file system: a sync costs nothing there. */
static void make_folder(void)
{
    struct log_settings quiet = { .level = LOG_ERROR + 1 };

    log_init(&quiet);
    snprintf(folder, sizeof(folder), "%s/assay-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ASSERT(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    snprintf(template_file, sizeof(template_file), "%s/template.db", folder);
    snprintf(work_file, sizeof(work_file), "%s/assay.db", folder);
}

static void open_db(struct registry *r, const char *file)
{
    struct err err;

    r->url                      = mem_printf(r->arena, "sqlite:%s", file);
    struct db_settings settings = { .url = str_from(r->url), .n_readers = 1 };
    ASSERT(db_open(&settings, &r->db, &err) == 0);
}

static const struct seal_ring *ring_once(void)
{
    static struct seal_ring *ring;

    if (ring == NULL)
        ring = seal_ring_new(key, 1);
    return ring;
}

static int open_auth(struct registry *r, struct err *err)
{
    struct auth_settings settings = {
        .db               = r->db,
        .ring             = ring_once(),
        .audience         = STR("fuzz"),
        .password_threads = 1,
        .password_queue   = 4,
        .token_life_us    = INT64_C(300000000),
        .refresh_life_us  = INT64_C(86400000000),
    };

    if (auth_new(&settings, &r->auth, err) < 0)
        return -1;
    return 0;
}

/* A migrated database with a token key and the account `admin`. */
static void make_template(void)
{
    struct registry              r  = { .arena = arena_new() };
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct str                   hash;
    struct err                   err;
    struct meta_account          admin = {
                 .name = STR("admin"), .kind = STR("user"), .is_admin = 1, .is_active = 1
    };

    make_folder();
    open_db(&r, template_file);
    ASSERT(db_migrate(r.db, NULL, NULL, &err) == 0);
    ASSERT(open_auth(&r, &err) == 0);
    ASSERT(auth_password_make(r.auth, r.arena, STR(REGISTRY_PASSWORD), &hash, &err) == 0);
    admin.password_hash = hash;
    ASSERT(db_begin(r.db, DB_WRITE, "make template", &tx, &err) == 0);
    ASSERT(meta_account_add(tx, &admin, &admin.id, &err) == 0);
    ASSERT(db_commit(&tx, &err) == 0);
    registry_close(&r);
}

static void copy_file(const char *from, const char *to)
{
    static char room[1 << 16];
    int         in  = open(from, O_RDONLY | O_CLOEXEC);
    int         out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t     n;

    ASSERT(in >= 0 && out >= 0);
    while ((n = read(in, room, sizeof(room))) > 0)
        ASSERT(write(out, room, (size_t)n) == n);
    ASSERT(n == 0);
    close(in);
    close(out);
}

const char *registry_file(void)
{
    return work_file;
}

/* -- opening and closing ------------------------------------------------------------------------------ */

static void open_work(struct registry *r)
{
    struct str           id;
    struct err           err;
    struct work_settings settings = {
        .db     = r->db,
        .policy = { .pin_ttl         = INT64_C(86400000000),
                    .gc_delay        = INT64_C(86400000000),
                    .doom_delay      = INT64_C(86400000000),
                    .undelete_window = INT64_C(86400000000),
                    .upload_ttl      = INT64_C(3600000000),
                    .max_blob_size   = BODY_ROOM,
                    .may_delete      = true },
    };

    ASSERT(blob_store_open(STR("mem:"), STR(""), r->arena, &id, &r->store, &err) == 0);
    settings.store = r->store;
    settings.auth  = r->auth;
    r->work        = work_new(&settings);
}

int registry_reopen(struct registry *out, struct err *err)
{
    struct registry     r = { .arena = arena_new() };
    struct api_settings settings;

    open_db(&r, work_file);
    if (open_auth(&r, err) < 0) {
        registry_close(&r);
        return -1;
    }
    open_work(&r);
    settings = (struct api_settings){ .auth = r.auth, .work = r.work, .workers = 1 };
    ASSERT(api_new(&settings, &r.api, err) == 0);
    api_set_ready(r.api, true);
    r.actor = (struct meta_actor){ .kind = "user", .account_id = 1, .name = STR("admin") };
    *out    = r;
    return 0;
}

void registry_open(struct registry *out)
{
    char       side[sizeof(work_file) + 8];
    struct err err;

    if (folder[0] == '\0')
        make_template();
    snprintf(side, sizeof(side), "%s-wal", work_file);
    unlink(side);
    snprintf(side, sizeof(side), "%s-shm", work_file);
    unlink(side);
    copy_file(template_file, work_file);
    ASSERT(registry_reopen(out, &err) == 0);
}

void registry_close(struct registry *r)
{
    api_free(&r->api);
    work_free(&r->work);
    auth_free(&r->auth);
    blob_store_close(&r->store);
    db_close(&r->db);
    arena_free(&r->arena);
}

/* -- the one who tampers ------------------------------------------------------------------------------ */

static void run_sql(sqlite3 *sqlite, const char *sql)
{
    if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
        return;
    fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(sqlite));
    ASSERT_NEVER("SQL of the rig that does not run");
}

/* The tables as they were, under the same pages, but without what SQLite would check: whoever writes the
 * file by other means is not held back by it either. */
sqlite3 *registry_tamper(void)
{
    sqlite3 *sqlite = NULL;

    ASSERT(sqlite3_open(work_file, &sqlite) == SQLITE_OK);
    run_sql(sqlite,
            "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF;"
            "CREATE TABLE kept AS SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            " AND name NOT LIKE 'sqlite_%';"
            "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_master SET sql = replace(replace(replace(replace(sql,"
            " 'IS NOT NULL', 'NOTNULL'), 'NOT NULL', ''), ') STRICT, ', ') '), ') STRICT', ')')"
            " WHERE name IN (SELECT name FROM kept);");
    sqlite3_close(sqlite);
    ASSERT(sqlite3_open(work_file, &sqlite) == SQLITE_OK);
    run_sql(sqlite, "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;"
                    "PRAGMA synchronous = OFF;");
    return sqlite;
}

void registry_tampered(sqlite3 **sqlite)
{
    run_sql(*sqlite,
            "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_master SET sql = (SELECT k.sql FROM kept k WHERE k.name ="
            " sqlite_master.name) WHERE type = 'table' AND name IN (SELECT name FROM kept);"
            "DROP TABLE kept;");
    sqlite3_close(*sqlite);
    *sqlite = NULL;
}

/* -- requests ----------------------------------------------------------------------------------------- */

static struct http_server     fake_server;
static struct http_listener   fake_listener;
static struct http_connection fake_connection;

static struct http_connection *connection_once(void)
{
    if (fake_connection.listener == NULL) {
        fake_server.limits       = http_limits_default;
        fake_listener.server     = &fake_server;
        fake_connection.listener = &fake_listener;
        snprintf(fake_listener.address, sizeof(fake_listener.address), "%s", REGISTRY_LISTENER);
        snprintf(fake_connection.peer, sizeof(fake_connection.peer), "192.0.2.1");
    }
    return &fake_connection;
}

static const struct json_limits error_limits = {
    .size = BODY_ROOM, .values = 100, .depth = 8, .key = 64
};

static void check_error_body(const struct registry_answer *answer)
{
    struct err err;

    if (answer->body.n == 0)
        return;
    ASSERT(json_check(answer->body, &error_limits, &err) == 0);
    ASSERT(str_starts(answer->body, STR("{\"errors\":[{\"code\":\"")) ||
           str_starts(answer->body, STR("{\"Error\":")) ||
           str_starts(answer->body, STR("{\"details\":")));
}

/* Paths only, of which no reader makes a host. */
static void check_places(const struct registry_answer *answer)
{
    struct str location = registry_answer_field(answer, "Location");
    struct str link     = registry_answer_field(answer, "Link");

    if (location.p != NULL)
        ASSERT(str_starts(location, STR("/v2/")));
    if (link.p != NULL)
        ASSERT(str_starts(link, STR("</v2/")) && str_ends(link, STR(">; rel=\"next\"")));
}

static void check_answer(const struct registry_answer *answer, bool may_fail)
{
    ASSERT(answer->status >= 200 && answer->status <= 599);
    ASSERT(may_fail || answer->status < 500);
    if (answer->status >= 400)
        check_error_body(answer);
    check_places(answer);
}

static void keep_answer(struct arena *arena, const struct http_request *req,
                        struct registry_answer *out)
{
    const struct http_reply *reply = &req->reply;

    *out = (struct registry_answer){
        .status   = reply->status,
        .size     = reply->size,
        .n_fields = reply->n,
        .names    = mem_many(arena, reply->n + 1, struct str),
        .values   = mem_many(arena, reply->n + 1, struct str),
    };
    if (reply->body == HTTP_REPLY_BYTES)
        out->body = str_copy(arena, reply->bytes);
    for (size_t i = 0; i < reply->n; i++) {
        out->names[i]  = str_from(mem_strdup(arena, reply->fields[i].name));
        out->values[i] = str_from(mem_strdup(arena, reply->fields[i].value));
    }
}

struct str registry_answer_field(const struct registry_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->n_fields; i++) {
        if (str_eq_nocase(answer->names[i], str_from(name)))
            return answer->values[i];
    }
    return STR_NULL;
}

/* The body as the server would hand it over: whole, or in two pieces. */
static void hand_over(const struct http_app *app, struct http_request *req, struct str body)
{
    if (http_is_answered(req))
        return;
    if (body.n > 0 && (!req->wants_body || (int64_t)body.n > req->body_limit)) {
        app->refuse(app->context, req, 413, "SIZE_INVALID", "the body is too large");
        return;
    }
    if (req->body_mode == HTTP_BODY_WHOLE) {
        buf_init(&req->whole, req->arena, body.n + 1);
        buf_str(&req->whole, body);
    }
    for (size_t half = 0; req->body_mode == HTTP_BODY_STREAM && half < 2; half++) {
        struct str piece =
            half == 0 ? str_sub(body, 0, body.n / 2) : str_from_index(body, body.n / 2);

        if (piece.n > 0 && !http_is_answered(req))
            app->piece(app->context, req, piece);
    }
    if (!http_is_answered(req))
        app->finish(app->context, req);
}

static void run_request(struct registry *r, struct http_request *req, struct http_head *head,
                        struct str body, bool *out_is_refused)
{
    const struct http_app *app = api_app(r->api);
    struct http_gate_facts facts;
    struct http_refusal    refusal = { 0 };

    *out_is_refused = !http_gate_check(head, &fake_server.limits, &facts, &refusal);
    if (*out_is_refused) {
        app->refuse(app->context, req, refusal.status, refusal.code, refusal.sentence);
        return;
    }
    facts.content_length = body.n > 0 ? (int64_t)body.n : -1;
    facts.is_chunked     = false;
    http_request_set_head(req, *head, &facts);
    if (!app->fast(app->context, req)) {
        app->start(app->context, req);
        hand_over(app, req, body);
    }
}

void registry_ask(struct registry *r, struct arena *arena, const char *method, struct str target,
                  const struct registry_field *fields, size_t n, struct str body, bool may_fail,
                  struct registry_answer *out)
{
    const struct http_app *app  = api_app(r->api);
    struct http_request   *req  = http_request_new(connection_once(), target);
    struct http_head       head = {
              .method     = str_from(method),
              .target     = req->head.target,
              .version    = STR("HTTP/1.1"),
              .fields     = mem_many(req->arena, n + 1, struct http_field),
              .n          = n,
              .is_as_sent = true,
    };
    bool is_refused;

    for (size_t i = 0; i < n; i++) {
        head.fields[i].name  = fields[i].name;
        head.fields[i].value = fields[i].value;
    }
    run_request(r, req, &head, body, &is_refused);
    keep_answer(arena, req, out);
    out->is_refused_by_gate = is_refused;
    app->end(app->context, req, true);
    http_request_free(&req);
    check_answer(out, may_fail);
}

struct str registry_bearer(struct registry *r)
{
    struct auth_scopes  scopes = { 0 };
    struct auth_granted granted;
    struct err          err;
    struct auth_caller  caller = {
         .kind = AUTH_ACCOUNT, .account_id = 1, .generation = 1, .is_admin = true, .name = "admin"
    };

    auth_scopes_add(r->arena,
                    STR("repository:admin/app:* repository:admin/other:* registry:catalog:*"),
                    &scopes);
    ASSERT(auth_token_issue(r->auth, r->arena, &caller, &scopes, NULL, &granted, &err) == 0);
    return str_from(mem_printf(r->arena, "Bearer " STR_FMT, STR_ARGS(granted.token)));
}
