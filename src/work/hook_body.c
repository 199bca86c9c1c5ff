/* work/hook_body.c: the four shapes of a webhook's body. */
#include "work/hook_body.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/json_write.h"
#include "codec/text.h"
#include "oci/manifest.h"

/* A manifest lists some hundreds of layers, and a repository's description has 256 KiB. */
enum { BODY_MAX = 2 * 1024 * 1024 };

/* -- words that shapes share --------------------------------------------------------------------------- */

static struct str path_of(struct arena *arena, const struct hook_facts *f)
{
    return str_from(
        mem_printf(arena, STR_FMT "/" STR_FMT, STR_ARGS(f->namespace), STR_ARGS(f->repository)));
}

static struct str host_of(const struct hook_facts *f)
{
    ptrdiff_t colon = str_find(f->origin, ':');

    return colon < 0 ? f->origin : str_from_index(f->origin, (size_t)colon + 3);
}

/* By which clients pull it: "host/ns/repo:tag", or with @ and the digest. */
static struct str image_of(struct arena *arena, const struct hook_facts *f)
{
    bool has_tag = f->tag.n > 0;

    return str_from(mem_printf(arena, STR_FMT "/" STR_FMT "%s" STR_FMT, STR_ARGS(host_of(f)),
                               STR_ARGS(path_of(arena, f)), has_tag ? ":" : "@",
                               STR_ARGS(has_tag ? f->tag : f->digest)));
}

static void write_at(struct json_write *w, const char *key, struct str text)
{
    json_write_str_at(w, key, text.p == NULL ? STR("") : text);
}

static void write_if(struct json_write *w, const char *key, struct str text)
{
    if (text.n > 0)
        json_write_str_at(w, key, text);
}

static void write_time(struct json_write *w, const char *key, int64_t at)
{
    char text[TEXT_TIME_MAX];

    text_time_print(at, text);
    json_write_text_at(w, key, text);
}

/* -- DTR ------------------------------------------------------------------------------------------------ */

static void write_place(struct json_write *w, const struct hook_facts *f)
{
    write_at(w, "namespace", f->namespace);
    write_at(w, "repository", f->repository);
}

static void write_image(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    write_place(w, f);
    if (f->type->about != HOOK_ABOUT_MANIFEST)
        write_at(w, "tag", f->tag);
    write_at(w, "digest", f->digest);
    json_write_str_at(w, "imageName", image_of(arena, f));
    write_at(w, "os", f->os);
    write_at(w, "architecture", f->architecture);
    write_at(w, "author", f->actor);
    if (f->type->time != NULL)
        write_time(w, f->type->time, f->at);
}

static void write_blob(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    (void)arena;
    write_place(w, f);
    write_at(w, "digest", f->digest);
    write_if(w, "fromRepository", f->from);
    write_at(w, "author", f->actor);
    write_time(w, f->type->time, f->at);
}

/* A repository's visibility is one of its settings. */
static const char *repo_event_of(const struct hook_facts *f)
{
    if (str_is(f->event, "REPO_CREATED"))
        return "REPO_CREATED";
    return str_is(f->event, "REPO_DELETED") ? "REPO_DELETED" : "REPO_UPDATED";
}

static void write_repo(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    (void)arena;
    write_place(w, f);
    json_write_text_at(w, "event", repo_event_of(f));
    write_at(w, "author", f->actor);
    json_write_key(w, "data");
    if (f->repo_json.p != NULL)
        json_write_raw(w, f->repo_json);
    else
        json_write_null(w);
}

/* Where the quota stands: a repository, a prefix, or, empty, the whole registry. */
static void write_quota(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    write_at(w, "path", f->repository.n > 0 ? path_of(arena, f) : f->namespace);
    write_at(w, "author", f->actor);
    write_time(w, f->type->time, f->at);
}

static void write_scan(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    write_place(w, f);
    write_at(w, "tag", f->tag);
    json_write_str_at(w, "imageName", image_of(arena, f));
    json_write_key(w, "scanSummary");
    json_write_object(w);
    write_place(w, f);
    write_at(w, "tag", f->tag);
    json_write_int_at(w, "critical", f->n_critical);
    json_write_int_at(w, "major", f->n_major);
    json_write_int_at(w, "minor", f->n_minor);
    json_write_int_at(w, "last_scan_status", f->scan_status);
    write_time(w, "check_completed_at", f->at);
    json_write_end(w);
}

static void write_failed_scan(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    write_place(w, f);
    write_at(w, "tag", f->tag);
    json_write_str_at(w, "imageName", image_of(arena, f));
    write_at(w, "error", f->failure);
}

static void write_scanner(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    (void)arena;
    json_write_int_at(w, "scanner_version", f->scanner_version);
    write_time(w, "scanner_updated_at", f->scanner_updated_at);
    json_write_int_at(w, "db_version", f->db_version);
    write_time(w, "db_updated_at", f->db_updated_at);
    json_write_bool_at(w, "success", f->failure.n == 0);
    json_write_key(w, "replicas");
    json_write_object(w);
    json_write_key_str(w, f->node);
    json_write_object(w);
    write_time(w, "db_updated_at", f->db_updated_at);
    json_write_int_at(w, "version", f->scanner_version);
    write_at(w, "replica_id", f->node);
    json_write_end(w);
    json_write_end(w);
}

static void (*const contents[])(struct json_write *w, struct arena *arena,
                                const struct hook_facts *f) = {
    [HOOK_ABOUT_TAG] = write_image,       [HOOK_ABOUT_MANIFEST] = write_image,
    [HOOK_ABOUT_BLOB] = write_blob,       [HOOK_ABOUT_REPO] = write_repo,
    [HOOK_ABOUT_QUOTA] = write_quota,     [HOOK_ABOUT_SCAN] = write_scan,
    [HOOK_ABOUT_SCANNER] = write_scanner, [HOOK_ABOUT_FAILED_SCAN] = write_failed_scan,
};

/* The page of the thing, below the registry's own address. */
static struct str location_of(struct arena *arena, const struct hook_facts *f)
{
    struct str path = path_of(arena, f);

    if (f->type->about == HOOK_ABOUT_SCANNER || f->type->about == HOOK_ABOUT_QUOTA)
        return STR("");
    if (f->type->about == HOOK_ABOUT_REPO || f->type->about == HOOK_ABOUT_BLOB)
        return str_from(mem_printf(arena, "/repositories/" STR_FMT, STR_ARGS(path)));
    if (f->tag.n > 0)
        return str_from(mem_printf(arena, "/repositories/" STR_FMT "/tags/" STR_FMT, STR_ARGS(path),
                                   STR_ARGS(f->tag)));
    return str_from(mem_printf(arena, "/repositories/" STR_FMT "/manifests/" STR_FMT,
                               STR_ARGS(path), STR_ARGS(f->digest)));
}

static void write_dtr(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    json_write_object(w);
    json_write_text_at(w, "type", f->type->name);
    write_time(w, "createdAt", f->at);
    json_write_key(w, "contents");
    json_write_object(w);
    contents[f->type->about](w, arena, f);
    json_write_end(w);
    json_write_str_at(w, "location", location_of(arena, f));
    json_write_end(w);
}

/* -- Harbor --------------------------------------------------------------------------------------------- */

static void write_resources(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    json_write_key(w, "resources");
    json_write_list(w);
    json_write_object(w);
    write_at(w, "digest", f->digest);
    write_at(w, "tag", f->tag.n > 0 ? f->tag : f->digest);
    json_write_str_at(w, "resource_url", image_of(arena, f));
    json_write_end(w);
    json_write_end(w);
}

static void write_harbor_repo(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    json_write_key(w, "repository");
    json_write_object(w);
    json_write_int_at(w, "date_created", f->repo_created_at / 1000000);
    write_at(w, "name", f->repository);
    write_at(w, "namespace", f->namespace);
    json_write_str_at(w, "repo_full_name", path_of(arena, f));
    json_write_text_at(w, "repo_type", f->is_public ? "public" : "private");
    json_write_end(w);
}

static void write_details(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    struct str path = f->repository.n > 0 ? path_of(arena, f) : f->namespace;

    json_write_key(w, "custom_attributes");
    json_write_object(w);
    json_write_str_at(w, "Details",
                      str_from(mem_printf(arena, "the quota of " STR_FMT " is %s used up",
                                          STR_ARGS(path.n > 0 ? path : STR("the registry")),
                                          str_is(f->event, "QUOTA_EXCEED") ? "all" : "nearly")));
    json_write_end(w);
}

static void write_event_data(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    json_write_object(w);
    if (f->type->about == HOOK_ABOUT_SCANNER) {
        write_scanner(w, arena, f);
        json_write_end(w);
        return;
    }
    if (f->type->about == HOOK_ABOUT_QUOTA) {
        write_details(w, arena, f);
        json_write_end(w);
        return;
    }
    if (f->type->about != HOOK_ABOUT_REPO)
        write_resources(w, arena, f);
    write_harbor_repo(w, arena, f);
    json_write_end(w);
}

static void write_harbor(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    json_write_object(w);
    json_write_text_at(w, "type", f->type->harbor);
    json_write_int_at(w, "occur_at", f->at / 1000000);
    write_at(w, "operator", f->actor);
    json_write_key(w, "event_data");
    write_event_data(w, arena, f);
    json_write_end(w);
}

/* -- CloudEvents ---------------------------------------------------------------------------------------- */

static const char *cloud_type_of(const struct hook_facts *f)
{
    if (f->type->cloud != NULL)
        return f->type->cloud;
    if (str_is(f->event, "REPO_CREATED"))
        return "assay.repository.created";
    return str_is(f->event, "REPO_DELETED") ? "assay.repository.deleted"
                                            : "assay.repository.updated";
}

/* The same message has the same id each time: a UUID made of it (RFC 9562, version 8). */
static struct str uuid_of(struct arena *arena, struct str id)
{
    unsigned char hash[32];
    char          hex[2 * sizeof(hash) + 1];

    hash_sha256(id, hash);
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80);
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    text_hex_print(hash, sizeof(hash), hex);
    return str_from(
        mem_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20));
}

static void write_cloud(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    struct str project = f->namespace.n > 0 ? f->namespace : STR("registry");

    json_write_object(w);
    json_write_text_at(w, "specversion", "1.0");
    json_write_str_at(w, "id", uuid_of(arena, f->id));
    json_write_str_at(w, "source",
                      str_from(mem_printf(arena, "/projects/" STR_FMT "/webhook/policies/" STR_FMT,
                                          STR_ARGS(project), STR_ARGS(f->hook))));
    json_write_text_at(w, "type", cloud_type_of(f));
    write_time(w, "time", f->at);
    json_write_text_at(w, "datacontenttype", "application/json");
    write_if(w, "operator", f->actor);
    write_if(w, "requestid", f->request_id);
    json_write_key(w, "data");
    write_event_data(w, arena, f);
    json_write_end(w);
}

/* -- distribution --------------------------------------------------------------------------------------- */

static void write_reference(struct json_write *w, const struct oci_descriptor *d)
{
    json_write_object(w);
    json_write_str_at(w, "mediaType", d->media_type);
    json_write_str_at(w, "digest", oci_digest_str(&d->digest));
    json_write_int_at(w, "size", d->size);
    json_write_end(w);
}

static void write_references(struct json_write *w, const struct oci_manifest *m)
{
    json_write_key(w, "references");
    json_write_list(w);
    if (m->config.digest.text[0] != '\0')
        write_reference(w, &m->config);
    for (size_t i = 0; i < m->n_layers; i++)
        write_reference(w, &m->layers[i]);
    for (size_t i = 0; i < m->n_children; i++)
        write_reference(w, &m->children[i]);
    json_write_end(w);
}

/* A delete carries what was deleted and where, and no more. */
static void write_target(struct json_write *w, struct arena *arena, const struct hook_facts *f)
{
    bool       is_delete = str_is(str_from(f->type->registry), "delete");
    bool       is_blob   = f->type->about == HOOK_ABOUT_BLOB;
    struct str path      = path_of(arena, f);

    json_write_object(w);
    if (!is_delete) {
        write_if(w, "mediaType", is_blob ? STR("application/octet-stream") : f->media_type);
        if (f->size >= 0) {
            json_write_int_at(w, "size", f->size);
            json_write_int_at(w, "length", f->size);
        }
    }
    write_if(w, "digest", f->digest);
    json_write_str_at(w, "repository", path);
    write_if(w, "fromRepository", f->from);
    if (!is_delete)
        json_write_str_at(w, "url",
                          str_from(mem_printf(arena, STR_FMT "/v2/" STR_FMT "/%s/" STR_FMT,
                                              STR_ARGS(f->origin), STR_ARGS(path),
                                              is_blob ? "blobs" : "manifests",
                                              STR_ARGS(f->digest))));
    write_if(w, "tag", f->tag);
    if (!is_delete && f->manifest != NULL)
        write_references(w, f->manifest);
    json_write_end(w);
}

static const char *method_of(const struct hook_facts *f)
{
    struct str action = str_from(f->type->registry);

    if (str_is(action, "pull"))
        return "GET";
    if (str_is(action, "mount"))
        return "POST";
    return str_is(action, "delete") ? "DELETE" : "PUT";
}

static void write_distribution(struct json_write *w, struct arena *arena,
                               const struct hook_facts *f)
{
    json_write_object(w);
    json_write_key(w, "events");
    json_write_list(w);
    json_write_object(w);
    json_write_str_at(w, "id", uuid_of(arena, f->id));
    write_time(w, "timestamp", f->at);
    json_write_text_at(w, "action", f->type->registry);
    json_write_key(w, "target");
    write_target(w, arena, f);
    json_write_key(w, "request");
    json_write_object(w);
    write_at(w, "id", f->request_id);
    write_at(w, "addr", STR(""));
    json_write_str_at(w, "host", host_of(f));
    json_write_text_at(w, "method", method_of(f));
    write_at(w, "useragent", STR(""));
    json_write_end(w);
    json_write_key(w, "actor");
    json_write_object(w);
    write_at(w, "name", f->actor);
    json_write_end(w);
    json_write_key(w, "source");
    json_write_object(w);
    json_write_str_at(w, "addr", host_of(f));
    write_at(w, "instanceID", f->node);
    json_write_end(w);
    json_write_end(w);
    json_write_end(w);
    json_write_end(w);
}

/* -- all of them ---------------------------------------------------------------------------------------- */

static void (*const writers[HOOK_N_SHAPES])(struct json_write *w, struct arena *arena,
                                            const struct hook_facts *f) = {
    [HOOK_DTR]          = write_dtr,
    [HOOK_HARBOR]       = write_harbor,
    [HOOK_DISTRIBUTION] = write_distribution,
    [HOOK_CLOUDEVENTS]  = write_cloud,
};

struct str hook_body(struct arena *arena, enum hook_shape shape, const struct hook_facts *facts)
{
    struct buf        text;
    struct json_write w;
    struct str        body;
    struct err        ignored; /* what goes in is bounded */

    ASSERT(hook_type_fits(facts->type, shape));
    buf_init(&text, arena, BODY_MAX);
    json_write_init(&w, &text);
    writers[shape](&w, arena, facts);

    int done = buf_finish(&text, &body, &ignored);
    ASSERT(done == 0);
    return body;
}

/* clang-format off */
#define SAMPLE_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SAMPLE_AT     INT64_C(1136214245000000) /* 2006-01-02T15:04:05Z */

struct hook_facts hook_sample(const struct hook_type *type, struct str origin, struct str node)
{
    bool has_tag = type->about == HOOK_ABOUT_TAG || type->about == HOOK_ABOUT_SCAN || type->about == HOOK_ABOUT_FAILED_SCAN;
    bool fails   = type->about == HOOK_ABOUT_FAILED_SCAN;

    return (struct hook_facts){
        .type            = type,
        .event           = type->about == HOOK_ABOUT_REPO ? STR("REPO_CREATED") : str_from(type->name),
        .id              = STR("msg_test"),
        .hook            = STR("00000000-0000-0000-0000-000000000000"),
        .at              = SAMPLE_AT,
        .origin          = origin,
        .node            = node,
        .namespace       = STR("foo"),
        .repository      = STR("bar"),
        .tag             = has_tag ? STR("latest") : STR_NULL,
        .digest          = STR(SAMPLE_DIGEST),
        .from            = str_is(str_from(type->name), "BLOB_MOUNT") ? STR("foo/baz") : STR_NULL,
        .actor           = STR("test"),
        .media_type      = STR("application/vnd.oci.image.manifest.v1+json"),
        .size            = 0,
        .os              = STR("linux"),
        .architecture    = STR("amd64"),
        .repo_created_at = SAMPLE_AT,
        .failure         = fails ? STR("this is a test") : STR_NULL,
        .n_critical      = 1, .n_major = 2, .n_minor = 3, .scan_status = 6,
        .scanner_version = 3, .db_version = 1, .scanner_updated_at = SAMPLE_AT, .db_updated_at = SAMPLE_AT,
    };
}
/* clang-format on */
