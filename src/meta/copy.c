/* meta/copy.c: the list of tables, and the statements that are made from it. */
#include "meta/copy.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "meta/statements.h"

/* Rows a page: of few columns, of many (DB_ARGS_MAX), of which one may have 4 MiB. */
enum { SMALL = 64, WIDE = 16, LARGE = 8 };

enum { SQL_MAX = 64 * 1024, KEY_SHOWN_MAX = 300, COLUMNS_MAX = 32 };

/* clang-format off */
const struct meta_copy_table meta_copy_tables[] = {
    { .name = "registry",          .n_key = 1, .n_page = SMALL, .kinds = "tt",
      .columns = "name, value" },
    { .name = "settings",          .n_key = 1, .n_page = SMALL, .kinds = "ttii",
      .columns = "key, value, version, changed_at" },
    { .name = "settings_version",  .n_key = 1, .n_page = SMALL, .kinds = "ii",
      .columns = "id, version" },
    { .name = "nodes",             .n_key = 1, .n_page = SMALL, .kinds = "ttiiii",
      .columns = "id, version, protocol, started_at, heartbeat_at, quotas_version" },
    { .name = "accounts",         .n_key = 1, .n_page = WIDE, .kinds = "ittttiitiiiitIItiI", .has_id = true,
      .columns = "id, uuid, name, kind, full_name, is_admin, is_active, password_hash, generation, created_at, "
                 "is_imported, create_on_push, content_cache, owner_id, maker_id, prefix, password_at, deleted_at" },
    { .name = "token_keys",        .n_key = 1, .n_page = SMALL, .kinds = "tttiI",
      .columns = "kid, sealed, state, created_at, retired_at" },
    { .name = "repositories",     .n_key = 1, .n_page = WIDE, .kinds = "ittiiiiItiiiiIIt", .has_id = true,
      .columns = "id, uuid, path, namespace_id, is_public, created_at, created_by, deleted_at, short_description, "
                 "immutable_tags, scan_on_push, enable_manifest_lists, tag_limit, reaped_at, reaping_at, "
                 "tag_limit_keep" },
    { .name = "org_members",      .n_key = 2, .n_page = SMALL, .kinds = "iiii",
      .columns = "org_id, account_id, is_owner, added_at" },
    { .name = "teams",            .n_key = 1, .n_page = SMALL, .kinds = "ititti", .has_id = true,
      .columns = "id, uuid, org_id, name, description, created_at" },
    { .name = "team_members",     .n_key = 2, .n_page = SMALL, .kinds = "iiii",
      .columns = "team_id, account_id, is_admin, added_at" },
    { .name = "roles",            .n_key = 1, .n_page = SMALL, .kinds = "ittttii", .has_id = true, .is_seeded = true,
      .columns = "id, uuid, name, verbs, description, is_built_in, created_at" },
    { .name = "grants",           .n_key = 1, .n_page = WIDE, .kinds = "itiIItIii", .has_id = true,
      .columns = "id, uuid, role_id, team_id, account_id, path, repo_id, created_at, created_by" },
    { .name = "credentials",      .n_key = 1, .n_page = WIDE, .kinds = "ititItiiittiiII", .has_id = true,
      .columns = "id, hash, account_id, kind, slot, label, is_active, is_narrowed, generation, generated_by, "
                 "creator_ua, created_at, created_by, expires_at, used_at" },
    { .name = "credential_scopes", .n_key = 2, .n_page = SMALL, .kinds = "itt",
      .columns = "credential_id, path, verbs" },
    { .name = "refresh_tokens",   .n_key = 1, .n_page = SMALL, .kinds = "tiitiiIi",
      .columns = "hash, account_id, generation, client_id, created_at, expires_at, credential_id, "
                 "credential_generation" },
    { .name = "sessions",         .n_key = 1, .n_page = WIDE, .kinds = "tiiIitttiii",
      .columns = "hash, account_id, generation, credential_id, credential_generation, method, address, user_agent, "
                 "created_at, used_at, expires_at" },
    { .name = "login_attempts",   .n_key = 2, .n_page = SMALL, .kinds = "ttiii",
      .columns = "name, network, failures, failed_at, locked_until" },
    { .name = "account_keys",     .n_key = 1, .n_page = SMALL, .kinds = "ititttti", .has_id = true,
      .columns = "id, uuid, account_id, fingerprint, public_key, label, certificates, created_at" },
    { .name = "repository_readmes", .n_key = 1, .n_page = SMALL, .kinds = "it",
      .columns = "repo_id, markdown" },
    { .name = "repository_counts", .n_key = 1, .n_page = SMALL, .kinds = "iii",
      .columns = "repo_id, pulls, pushes" },
    { .name = "blobs",             .n_key = 1, .n_page = SMALL, .kinds = "titii",
      .columns = "digest, size, object_key, created_at, touched_at" },
    { .name = "repo_blobs",        .n_key = 2, .n_page = SMALL, .kinds = "iti",
      .columns = "repo_id, digest, pinned_until" },
    { .name = "manifests",         .n_key = 2, .n_page = LARGE, .kinds = "ittIittittiiiib",
      .columns = "repo_id, digest, media_type, deleted_at, depth, artifact_type, config_type, total_size, subject,"
                 " referrer, pushed_by, pushed_at, touched_at, pinned_until, bytes" },
    { .name = "manifest_blobs",    .n_key = 3, .n_page = SMALL, .kinds = "itt",
      .columns = "repo_id, manifest, digest" },
    { .name = "manifest_children", .n_key = 3, .n_page = SMALL, .kinds = "itt",
      .columns = "repo_id, parent, child" },
    { .name = "tags",              .n_key = 2, .n_page = SMALL, .kinds = "ittiiii",
      .columns = "repo_id, name, digest, moved_at, moved_by, created_at, is_kept" },
    { .name = "image_facts",       .n_key = 2, .n_page = LARGE, .kinds = "itttttt",
      .columns = "repo_id, manifest, config_digest, os, architecture, os_version, dockerfile" },
    { .name = "name_ends",         .n_key = 3, .n_page = SMALL, .kinds = "tti",
      .columns = "kind, name_end, id" },
    { .name = "holds",            .n_key = 1, .n_page = WIDE, .kinds = "iItttIttttiii", .has_id = true,
      .columns = "id, repo_id, digest, reason, owner, until, uuid, kind, path, tag, days, created_at, created_by" },
    { .name = "tag_rules",        .n_key = 1, .n_page = WIDE, .kinds = "ittttttiii", .has_id = true,
      .columns = "id, uuid, path, effect, syntax, pattern, but_not, may_loosen, created_at, created_by" },
    { .name = "gc_queue",          .n_key = 2, .n_page = SMALL, .kinds = "ttiit",
      .columns = "kind, id, review_after, attempts, event" },
    { .name = "pending_objects",   .n_key = 1, .n_page = SMALL, .kinds = "ti",
      .columns = "object_key, expires_at" },
    { .name = "doomed_objects",    .n_key = 1, .n_page = SMALL, .kinds = "tii",
      .columns = "object_key, size, not_before" },
    { .name = "damage",            .n_key = 1, .n_page = SMALL, .kinds = "titttiI",
      .columns = "object_key, repo_id, digest, kind, found_by, found_at, healed_at" },
    { .name = "scrubs",            .n_key = 1, .n_page = WIDE, .kinds = "ttiiiiitii", .is_seeded = true,
      .columns = "kind, position, started_at, finished_at, n_objects, n_bytes, n_damaged, owner, lease_until, fence" },
    { .name = "jobs",              .n_key = 1, .n_page = WIDE, .kinds = "ittttttiiiiIIiiiittiIit", .has_id = true,
      .columns = "id, uuid, action, status, parameters, capacity, unique_key, scheduled_at, created_at, created_by, "
                 "updated_at, started_at, ended_at, deadline_us, stop_timeout_us, retries_total, retries_left, retry_of, "
                 "worker_id, fence, lease_until, n_taken, message" },
    { .name = "job_logs",          .n_key = 2, .n_page = SMALL, .kinds = "iiit",
      .columns = "job_id, line, at, data" },
    { .name = "crons",             .n_key = 1, .n_page = WIDE, .kinds = "tttttiiiii",
      .columns = "action, uuid, schedule, parameters, capacity, deadline_us, stop_timeout_us, retries, next_run, "
                 "updated_at" },
    { .name = "action_configs",    .n_key = 1, .n_page = SMALL, .kinds = "ttti",
      .columns = "action, uuid, parameters, updated_at" },
    { .name = "worker_capacity",   .n_key = 2, .n_page = SMALL, .kinds = "tti",
      .columns = "worker_id, action, capacity" },
    { .name = "webhook_endpoints", .n_key = 1, .n_page = WIDE, .kinds = "itittiIiiiit", .has_id = true,
      .columns = "id, identity, namespace_id, url, tls_cert, skip_tls, next_at, failures, is_slow, lease_until, fence, "
                 "worker_id" },
    { .name = "webhooks",          .n_key = 1, .n_page = WIDE, .kinds = "itittiitiiitIiIItttI", .has_id = true,
      .columns = "id, uuid, endpoint_id, type, key, namespace_id, repo_id, shape, author_id, created_at, after_event, "
                 "stopped, stopped_at, missed_from, succeeded_at, failed_at, failure, secret, old_secret, old_secret_until" },
    { .name = "webhook_queue",     .n_key = 1, .n_page = WIDE, .kinds = "iiiiiittiittttttt", .has_id = true,
      .columns = "id, endpoint_id, webhook_id, attempts, event_id, at, type, actor_kind, actor_id, repo_id, path, "
                 "object_kind, object_name, digest, old_digest, target, request_id" },
    { .name = "webhook_log",       .n_key = 1, .n_page = WIDE, .kinds = "iiitttiiiiit", .has_id = true,
      .columns = "id, webhook_id, event_id, type, path, object_name, attempt, at, duration_us, status, is_done, failure" },
    { .name = "quotas",            .n_key = 1, .n_page = WIDE, .kinds = "itIIiiiiiiiIIIiiii", .has_id = true,
      .columns = "id, path, bytes_limit, tags_limit, warn_percent, is_counted, bytes, tags, n_folds, base_bytes, base_tags, "
                 "warned_at, refused_bytes, refused_tags, version, created_at, created_by, changed_at" },
    { .name = "quota_deltas",      .n_key = 1, .n_page = SMALL, .kinds = "iiii", .has_id = true,
      .columns = "id, quota_id, bytes, tags" },
    { .name = "quotas_version",    .n_key = 1, .n_page = SMALL, .kinds = "ii",
      .columns = "id, version" },
    { .name = "outbox_readers",    .n_key = 1, .n_page = SMALL, .kinds = "tttii",
      .columns = "name, seen, span, event_id, alive_at" },
    { .name = "tag_pulls",         .n_key = 2, .n_page = SMALL, .kinds = "itii",
      .columns = "repo_id, name, pulled_at, n" },
    { .name = "manifest_pulls",    .n_key = 2, .n_page = SMALL, .kinds = "itii",
      .columns = "repo_id, digest, pulled_at, n" },
    { .name = "pulls",             .n_key = 5, .n_page = SMALL, .kinds = "tiitiii",
      .columns = "digest, repo_id, account_id, network, day, n, last_at" },
    { .name = "pull_rules",        .n_key = 1, .n_page = SMALL, .kinds = "ti",
      .columns = "path, is_counted" },
    { .name = "uploads",           .n_key = 1, .n_page = WIDE, .kinds = "ttitibbiii",
      .columns = "id, path, account_id, upload_key, received, hash_state, hash_state_2, version, created_at, used_at" },
    { .name = "events",            .n_key = 1, .n_page = WIDE, .kinds = "iittititttttttii", .has_id = true,
      .columns = "id, at, type, actor_kind, actor_id, credential_id, repo_id, path, object_kind, object_name, digest,"
                 " old_digest, target, request_id, class, n" },
    { .name = "audit",            .n_key = 1, .n_page = WIDE, .kinds = "iittttitttitttttttItttt", .has_id = true,
      .columns = "id, at, action, outcome, reason, actor_kind, actor_id, actor_name, credential_id, address, repo_id, "
                 "path, object_kind, object_name, digest, old_digest, target, request_id, sequence, hash, "
                 "value_before, value_after, namespace" },
};
/* clang-format on */
const size_t meta_copy_n_tables = ARRAY_LEN(meta_copy_tables);

enum { LAST_ID, SET_LAST_ID };

/* clang-format off */
static const struct db_statement sql[] = {
    [LAST_ID]     = { .name   = "copy.last_id",     .in = "t",  .out = "i",
                      .sqlite = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = $1), 0)",
                      .pg     = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0)" },
    [SET_LAST_ID] = { .name   = "copy.set_last_id", .in = "ti", .out = "i",
                      .sqlite = "INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq) VALUES"
                                " ((SELECT rowid FROM sqlite_sequence WHERE name = $1), $1, $2) RETURNING seq",
                      .pg     = "SELECT setval(pg_get_serial_sequence($1, 'id')::regclass, $2)" },
};
/* clang-format on */

META_STATEMENTS(copy);

enum { COUNT, CLEAR, FIRST, NEXT, PUT_ONE, PUT_PAGE, N_STATEMENTS };

struct table_sql {
    struct db_statement  list[N_STATEMENTS];
    struct db_statements statements;
};

struct meta_copy {
    struct table_sql tables[ARRAY_LEN(meta_copy_tables)];
};

static size_t count_columns(const struct meta_copy_table *table)
{
    return strlen(table->kinds);
}

/* -- making the statements ---------------------------------------------------------------------------- */

static char kind_of(char letter)
{
    return letter == 'I' ? 'i' : letter;
}

/* The first n names of the columns. */
static void add_names(struct buf *out, const struct meta_copy_table *table, size_t n)
{
    struct str rest = str_from(table->columns);
    struct str name;

    for (size_t i = 0; i < n && str_next(&rest, ',', &name); i++)
        buf_printf(out, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARGS(str_trim(name)));
}

/* What the engines' NULL of an integer reads as cannot be told from 0: a mark for each such column follows the
 * columns. */
static void add_null_marks(struct buf *out, const struct meta_copy_table *table)
{
    struct str rest = str_from(table->columns);
    struct str name;

    for (size_t i = 0; str_next(&rest, ',', &name); i++) {
        if (table->kinds[i] == 'I')
            buf_printf(out, ", CASE WHEN " STR_FMT " IS NULL THEN 1 ELSE 0 END",
                       STR_ARGS(str_trim(name)));
    }
}

/* ($from, $from+1, …) */
static void add_parameters(struct buf *out, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s$%zu", i == 0 ? "(" : ", ", from + i);
    buf_char(out, ')');
}

static const char *finish_text(struct buf *text)
{
    struct str ended;
    struct err ignored; /* the list above bounds the text */
    int        done = buf_finish(text, &ended, &ignored);

    ASSERT(done == 0);
    return ended.p;
}

/* The kinds of a row, `times` over; as they are read, with the marks at the end. */
static const char *print_kinds(struct arena *arena, const char *kinds, size_t n, size_t times,
                               bool with_marks)
{
    struct buf out;

    buf_init(&out, arena, SQL_MAX);
    buf_text(&out, "");
    for (size_t i = 0; i < n * times; i++)
        buf_char(&out, kind_of(kinds[i % n]));
    for (size_t i = 0; with_marks && i < n; i++) {
        if (kinds[i] == 'I')
            buf_char(&out, 'i');
    }
    return finish_text(&out);
}

static struct db_statement make_read(struct arena *arena, const struct meta_copy_table *table,
                                     bool has_after)
{
    struct buf text;

    buf_init(&text, arena, SQL_MAX);
    buf_text(&text, "SELECT ");
    add_names(&text, table, count_columns(table));
    add_null_marks(&text, table);
    buf_printf(&text, " FROM %s", table->name);
    if (has_after) {
        buf_text(&text, " WHERE (");
        add_names(&text, table, table->n_key);
        buf_text(&text, ") > ");
        add_parameters(&text, 1, table->n_key);
    }
    buf_text(&text, " ORDER BY ");
    add_names(&text, table, table->n_key);
    buf_printf(&text, " LIMIT $%zu", has_after ? table->n_key + 1 : 1);

    const char *key = print_kinds(arena, table->kinds, has_after ? table->n_key : 0, 1, false);
    return (struct db_statement){
        .name =
            mem_printf(arena, "copy.%s.%s", table->name, has_after ? "read_next" : "read_first"),
        .sql = finish_text(&text),
        .in  = mem_printf(arena, "%si", key),
        .out = print_kinds(arena, table->kinds, count_columns(table), 1, true),
    };
}

/* Ids that the database would give itself are overridden there, which only one of the engines wants to hear. */
static const char *print_insert(struct arena *arena, const struct meta_copy_table *table,
                                size_t n_rows, const char *overriding)
{
    size_t     n_columns = count_columns(table);
    struct buf text;

    buf_init(&text, arena, SQL_MAX);
    buf_printf(&text, "INSERT INTO %s (", table->name);
    add_names(&text, table, n_columns);
    buf_printf(&text, ")%s VALUES ", overriding);
    for (size_t i = 0; i < n_rows; i++) {
        buf_text(&text, i == 0 ? "" : ", ");
        add_parameters(&text, 1 + i * n_columns, n_columns);
    }
    return finish_text(&text);
}

static struct db_statement make_put(struct arena *arena, const struct meta_copy_table *table,
                                    size_t n_rows)
{
    const char *overriding = table->has_id ? " OVERRIDING SYSTEM VALUE" : "";

    return (struct db_statement){
        .name   = mem_printf(arena, "copy.%s.put_%zu", table->name, n_rows),
        .sqlite = print_insert(arena, table, n_rows, ""),
        .pg     = print_insert(arena, table, n_rows, overriding),
        .in     = print_kinds(arena, table->kinds, count_columns(table), n_rows, false),
        .out    = "",
    };
}

static struct db_statement make_count(struct arena *arena, const struct meta_copy_table *table)
{
    return (struct db_statement){
        .name = mem_printf(arena, "copy.%s.count", table->name),
        .sql  = mem_printf(arena, "SELECT count(*) FROM %s", table->name),
        .in   = "",
        .out  = "i",
    };
}

static struct db_statement make_clear(struct arena *arena, const struct meta_copy_table *table)
{
    return (struct db_statement){
        .name = mem_printf(arena, "copy.%s.clear", table->name),
        .sql  = mem_printf(arena, "DELETE FROM %s", table->name),
        .in   = "",
        .out  = "",
    };
}

static void make_statements(struct arena *arena, const struct meta_copy_table *table,
                            struct table_sql *out)
{
    ASSERT(count_columns(table) <= COLUMNS_MAX && table->n_key >= 1 &&
           count_columns(table) * table->n_page <= DB_ARGS_MAX);
    out->list[COUNT]    = make_count(arena, table);
    out->list[CLEAR]    = make_clear(arena, table);
    out->list[FIRST]    = make_read(arena, table, false);
    out->list[NEXT]     = make_read(arena, table, true);
    out->list[PUT_ONE]  = make_put(arena, table, 1);
    out->list[PUT_PAGE] = make_put(arena, table, table->n_page);
    out->statements =
        (struct db_statements){ .name = table->name, .list = out->list, .n = N_STATEMENTS };
}

struct meta_copy *meta_copy_new(struct arena *arena)
{
    struct meta_copy *copy = mem_one(arena, struct meta_copy);

    for (size_t i = 0; i < meta_copy_n_tables; i++)
        make_statements(arena, &meta_copy_tables[i], &copy->tables[i]);
    return copy;
}

const struct db_statements *meta_copy_table_statements(const struct meta_copy *copy, size_t table)
{
    return &copy->tables[table].statements;
}

/* -- rows --------------------------------------------------------------------------------------------- */

const struct db_value *meta_copy_row(size_t table, const struct meta_copy_page *page, size_t i)
{
    return page->values + i * count_columns(&meta_copy_tables[table]);
}

static struct db_value copy_bytes(struct arena *arena, enum db_kind kind, struct str bytes)
{
    return (struct db_value){ .kind  = bytes.p == NULL ? DB_NULL : kind,
                              .bytes = str_copy(arena, bytes) };
}

static void copy_row(struct arena *arena, const struct meta_copy_table *table,
                     const struct db_rows *rows, struct db_value *out)
{
    size_t n_columns = count_columns(table);
    size_t mark      = n_columns;

    for (size_t i = 0; i < n_columns; i++) {
        char letter = table->kinds[i];

        if (letter == 'I' && db_rows_int(rows, mark++) != 0)
            out[i] = db_null();
        else if (kind_of(letter) == 'i')
            out[i] = db_int(db_rows_int(rows, i));
        else
            out[i] = copy_bytes(arena, letter == 'b' ? DB_BLOB : DB_TEXT, db_rows_text(rows, i));
    }
}

static int query_page(const struct meta_copy *copy, struct db_tx *tx, size_t table,
                      const struct db_value *after, struct db_value *args, struct db_rows **out,
                      struct err *err)
{
    const struct meta_copy_table *row   = &meta_copy_tables[table];
    size_t                        n_key = after == NULL ? 0 : row->n_key;

    for (size_t i = 0; i < n_key; i++)
        args[i] = after[i];
    args[n_key] = db_int((int64_t)row->n_page);
    return db_query(tx, &copy->tables[table].list[after == NULL ? FIRST : NEXT], args, n_key + 1,
                    out, err);
}

int meta_copy_read(const struct meta_copy *copy, struct db_tx *tx, struct arena *arena,
                   size_t table, const struct db_value *after, struct meta_copy_page *out,
                   struct err *err)
{
    const struct meta_copy_table      *row       = &meta_copy_tables[table];
    size_t                             n_columns = count_columns(row);
    AUTO(db_rows_free) struct db_rows *rows      = NULL;
    struct db_value                    args[COLUMNS_MAX];
    size_t                             n   = 0;
    int                                got = 1;

    if (query_page(copy, tx, table, after, args, &rows, err) < 0)
        return -1;

    struct db_value *values = mem_many(arena, n_columns * row->n_page, struct db_value);
    while (n < row->n_page && (got = db_rows_next(rows, err)) > 0)
        copy_row(arena, row, rows, values + n++ * n_columns);
    if (got < 0)
        return -1;
    *out = (struct meta_copy_page){ .values = values, .n_rows = n };
    return 0;
}

int meta_copy_write(const struct meta_copy *copy, struct db_tx *tx, size_t table,
                    const struct meta_copy_page *page, struct err *err)
{
    const struct table_sql *made      = &copy->tables[table];
    size_t                  n_columns = count_columns(&meta_copy_tables[table]);

    if (page->n_rows == meta_copy_tables[table].n_page)
        return db_run(tx, &made->list[PUT_PAGE], page->values, page->n_rows * n_columns, NULL, err);
    for (size_t i = 0; i < page->n_rows; i++) {
        if (db_run(tx, &made->list[PUT_ONE], page->values + i * n_columns, n_columns, NULL, err) <
            0)
            return -1;
    }
    return 0;
}

int meta_copy_count(const struct meta_copy *copy, struct db_tx *tx, size_t table, int64_t *out,
                    struct err *err)
{
    return db_find_int(tx, &copy->tables[table].list[COUNT], DB_NO_ARGS, out, err) < 0 ? -1 : 0;
}

int meta_copy_clear(const struct meta_copy *copy, struct db_tx *tx, size_t table, struct err *err)
{
    ASSERT(meta_copy_tables[table].is_seeded);
    return db_run(tx, &copy->tables[table].list[CLEAR], DB_NO_ARGS, NULL, err);
}

int meta_copy_last_id(struct db_tx *tx, size_t table, int64_t *out, struct err *err)
{
    struct str name = str_from(meta_copy_tables[table].name);

    ASSERT(meta_copy_tables[table].has_id);
    return db_find_int(tx, &sql[LAST_ID], DB_ARGS(db_text(name)), out, err) < 0 ? -1 : 0;
}

int meta_copy_set_last_id(struct db_tx *tx, size_t table, int64_t last_id, struct err *err)
{
    struct str name  = str_from(meta_copy_tables[table].name);
    int64_t    given = 0;

    ASSERT(meta_copy_tables[table].has_id && last_id > 0);
    return db_find_int(tx, &sql[SET_LAST_ID], DB_ARGS(db_text(name), db_int(last_id)), &given,
                       err) < 0
               ? -1
               : 0;
}

/* -- printing ----------------------------------------------------------------------------------------- */

static void print_number(struct buf *out, uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_char(out, (char)(number >> shift & 0xff));
}

void meta_copy_print_row(size_t table, const struct db_value *row, struct buf *out)
{
    static const char letters[] = {
        [DB_INT] = 'i', [DB_TEXT] = 't', [DB_BLOB] = 'b', [DB_NULL] = 'n'
    };

    for (size_t i = 0; i < count_columns(&meta_copy_tables[table]); i++) {
        buf_char(out, letters[row[i].kind]);
        if (row[i].kind == DB_NULL)
            continue;
        print_number(out,
                     row[i].kind == DB_INT ? (uint64_t)row[i].number : (uint64_t)row[i].bytes.n);
        if (row[i].kind != DB_INT)
            buf_str(out, row[i].bytes);
    }
}

const char *meta_copy_print_key(struct arena *arena, size_t table, const struct db_value *row)
{
    struct str rest = str_from(meta_copy_tables[table].columns);
    struct str name;
    struct buf out;

    buf_init(&out, arena, KEY_SHOWN_MAX);
    for (size_t i = 0; i < meta_copy_tables[table].n_key && str_next(&rest, ',', &name); i++) {
        buf_printf(&out, "%s" STR_FMT "=", i == 0 ? "" : " ", STR_ARGS(str_trim(name)));
        if (row[i].kind == DB_INT)
            buf_printf(&out, "%lld", (long long)row[i].number);
        else
            buf_str(&out, row[i].bytes);
    }
    return buf_view(&out).p;
}
