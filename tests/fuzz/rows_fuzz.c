/* rows_fuzz.c: a database that somebody wrote to by other means: values of a column replaced by NULL, by a
 * value of another kind, by a huge text or by any bytes. Whatever is read from it, the process lives, and
 * what a client gets is an answer like any other; a request may fail, the registry must not.
 *
 * Input: for each change a table, a column, a kind, a size and that many bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/assert.h"
#include "codec/hash.h"
#include "oci/digest.h"
#include "registry.h"
#include "work/upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANGES_MAX = 4, COLUMNS_MAX = 1000, HUGE_SIZE = 100000 };

/* Every column of every table, as "table.column" of the template. */
struct column {
    char *table;
    char *name;
};

static struct column columns[COLUMNS_MAX];
static size_t        n_columns;

static int add_column(void *context, int n, char **values, char **names)
{
    ASSERT(n == 2 && n_columns < COLUMNS_MAX);
    columns[n_columns].table  = strdup(values[0]);
    columns[n_columns++].name = strdup(values[1]);
    return 0;
}

static void list_columns(sqlite3 *sqlite)
{
    ASSERT(
        sqlite3_exec(sqlite,
                     "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c"
                     " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'kept'"
                     " ORDER BY 1, 2",
                     add_column, NULL, NULL) == SQLITE_OK);
}

static void bind(sqlite3_stmt *stmt, unsigned kind, const char *bytes, size_t size)
{
    static char huge[HUGE_SIZE];
    int64_t     number = 0;

    switch (kind % 6) {
    case 0:
        sqlite3_bind_null(stmt, 1);
        break;
    case 1:
        memcpy(&number, bytes, size < sizeof(number) ? size : sizeof(number));
        sqlite3_bind_int64(stmt, 1, number);
        break;
    case 2:
        sqlite3_bind_text(stmt, 1, bytes, (int)size, SQLITE_STATIC);
        break;
    case 3:
        sqlite3_bind_blob(stmt, 1, bytes, (int)size, SQLITE_STATIC);
        break;
    case 4:
        memset(huge, size == 0 ? 'a' : bytes[0], sizeof(huge));
        sqlite3_bind_text(stmt, 1, huge, sizeof(huge), SQLITE_STATIC);
        break;
    default:
        sqlite3_bind_double(stmt, 1, (double)size / 7);
        break;
    }
}

/* A key may refuse the value twice over; then nothing changes. */
static void change(sqlite3 *sqlite, const struct column *column, unsigned kind, const char *bytes,
                   size_t size)
{
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf("UPDATE \"%w\" SET \"%w\" = ?1", column->table, column->name);

    ASSERT(sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) == SQLITE_OK);
    bind(stmt, kind, bytes, size);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
}

static void tamper(const uint8_t *data, size_t size)
{
    sqlite3 *sqlite = registry_tamper();

    if (n_columns == 0)
        list_columns(sqlite);
    for (int i = 0; i < CHANGES_MAX && size >= 3; i++) {
        size_t n = data[2] < size - 3 ? data[2] : size - 3;

        change(sqlite, &columns[data[0] % n_columns], data[1], (const char *)data + 3, n);
        data += 3 + n;
        size -= 3 + n;
    }
    registry_tampered(&sqlite);
}

/* What there is before: an image with a tag and a referrer, an upload half way. */

struct places {
    const char *digest;
    const char *layer;
    const char *upload; /* its path */
    struct str  bearer;
};

static struct registry_answer ask(struct registry *r, const struct places *places,
                                  const char *method, const char *target, struct str body,
                                  bool may_fail)
{
    struct registry_answer answer;
    struct registry_field  fields[] = {
         { STR("Host"), STR(REGISTRY_LISTENER) },
         { STR("Content-Type"), STR("application/vnd.oci.image.manifest.v1+json") },
         { STR("Authorization"), places->bearer },
    };
    bool is_upload = strstr(target, "/uploads/") != NULL;

    if (is_upload)
        fields[1].value = STR("application/octet-stream");
    registry_ask(r, r->arena, method, str_from(target), fields, 3, body, may_fail, &answer);
    return answer;
}

static const char *digest_of(struct registry *r, struct str bytes)
{
    struct oci_digest digest;

    oci_digest_of(bytes, HASH_SHA256, &digest);
    return mem_strdup(r->arena, digest.text);
}

static const char *push_blob(struct registry *r, const struct places *places, struct str bytes)
{
    const char *digest = digest_of(r, bytes);
    const char *target = mem_printf(r->arena, "/v2/admin/app/blobs/uploads/?digest=%s", digest);

    ASSERT(ask(r, places, "POST", target, bytes, false).status == 201);
    return digest;
}

static const char *push_manifest(struct registry *r, const struct places *places,
                                 const char *reference, const char *subject)
{
    const char *config = push_blob(r, places, STR("{}"));
    struct str  body   = str_from(mem_printf(
           r->arena,
           "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
              "\"config\":{\"mediaType\":\"application/x\",\"digest\":\"%s\",\"size\":2},"
              "\"layers\":[{\"mediaType\":\"application/y\",\"digest\":\"%s\",\"size\":5}]%s}",
           config, places->layer, subject));
    const char *digest = digest_of(r, body);
    const char *target =
        mem_printf(r->arena, "/v2/admin/app/manifests/%s", reference == NULL ? digest : reference);

    ASSERT(ask(r, places, "PUT", target, body, false).status == 201);
    return digest;
}

static void fill(struct registry *r, struct places *places)
{
    struct registry_answer answer;

    places->bearer = registry_bearer(r);
    places->layer  = push_blob(r, places, STR("hello"));
    places->digest = push_manifest(r, places, "v1", "");
    push_manifest(r, places, NULL,
                  mem_printf(r->arena,
                             ",\"subject\":{\"mediaType\":\"application/"
                             "vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":9}",
                             places->digest));
    answer = ask(r, places, "POST", "/v2/admin/app/blobs/uploads/", STR(""), false);
    places->upload =
        mem_printf(r->arena, STR_FMT, STR_ARGS(registry_answer_field(&answer, "Location")));
    ASSERT(ask(r, places, "PATCH", places->upload, STR("hel"), false).status == 202);
}

/* Everything that reads rows. The order is that of the damage: what takes away comes last. */
static void read_all(struct registry *r, const struct places *places)
{
    const char *const targets[] = {
        "/v2/",
        "/v2/_catalog",
        "/v2/admin/app/tags/list",
        "/v2/admin/app/manifests/v1",
        mem_printf(r->arena, "/v2/admin/app/manifests/%s", places->digest),
        mem_printf(r->arena, "/v2/admin/app/blobs/%s", places->layer),
        mem_printf(r->arena, "/v2/admin/app/referrers/%s", places->digest),
        places->upload,
        "/readyz",
        "/metrics",
        "/auth/keys",
        "/auth/token?scope=repository:admin/app:pull",
    };
    struct err ignored; /* it may fail, and must come back */
    int64_t    ignored_n;

    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        ask(r, places, "GET", targets[i], STR(""), true);
    ask(r, places, "PATCH", places->upload, STR("lo"), true);
    ask(r, places, "POST",
        mem_printf(r->arena, "/v2/admin/new/blobs/uploads/?mount=%s&from=admin/app", places->layer),
        STR(""), true);
    ask(r, places, "PUT", mem_printf(r->arena, "%s?digest=%s", places->upload, places->layer),
        STR(""), true);
    ask(r, places, "DELETE", "/v2/admin/app/manifests/v1", STR(""), true);
    ask(r, places, "DELETE", targets[4], STR(""), true);
    ask(r, places, "DELETE", targets[5], STR(""), true);
    (void)work_upload_sweep(r->work, &ignored_n, &ignored);
    (void)auth_keys_load(r->auth, &ignored);
}

static void log_in(struct registry *r)
{
    struct auth_caller caller;
    struct err         ignored; /* whatever comes of it */

    (void)auth_login(r->auth, STR("admin"), STR(REGISTRY_PASSWORD), STR("127.0.0.1"), true, &caller,
                     &ignored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct registry registry;
    struct places   places;
    struct err      err;

    if (size < 4)
        return 0;
    registry_open(&registry);
    fill(&registry, &places);
    AUTO(arena_free) struct arena *kept = TAKE(registry.arena);
    registry.arena                      = arena_new();
    registry_close(&registry);

    tamper(data + 1, size - 1);
    if (registry_reopen(&registry, &err) < 0)
        return 0;
    read_all(&registry, &places);
    if ((data[0] & 7) == 0)
        log_in(&registry);
    registry_close(&registry);
    return 0;
}
