/* oci/manifest.c: the wire objects are tables; what a table cannot say follows as named checks, in the
 * order in which a person would doubt: what is it, is it one thing only, are its parts in order.
 *
 * `urls` are told where layers are shown; nobody here fetches them. */
#include "oci/manifest.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/text.h"

/* Sums of sizes stay below, so that those who add them up further have room. */
static const int64_t sum_max = INT64_C(1) << 62;

struct wire_descriptor {
    struct str          media_type;
    struct str          digest;
    int64_t             size;
    struct str          artifact_type;
    struct str          data;
    bool                has_data;
    struct json_list    urls;
    struct json_map     annotations;
    struct oci_platform platform;
};

struct wire_manifest {
    int64_t                schema_version;
    struct str             media_type;
    struct str             artifact_type;
    struct wire_descriptor config;
    struct json_list       layers;
    struct json_list       manifests;
    struct wire_descriptor subject;
    struct json_map        annotations;
    bool                   has_config;
    bool                   has_layers;
    bool                   has_manifests;
    bool                   has_subject;
    bool                   has_fs_layers;
};

#define STRING_AT(type, member) JSON_AT(type, member, struct str)
#define LIST_AT(type, member) JSON_AT(type, member, struct json_list)
#define MAP_AT(type, member) JSON_AT(type, member, struct json_map)

/* clang-format off */
static const struct json_field platform_fields[] = {
    { .name = "architecture", .kind = JSON_STRING, .offset = STRING_AT(struct oci_platform, architecture) },
    { .name = "os",           .kind = JSON_STRING, .offset = STRING_AT(struct oci_platform, os) },
    { .name = "os.version",   .kind = JSON_STRING, .offset = STRING_AT(struct oci_platform, os_version) },
    { .name = "variant",      .kind = JSON_STRING, .offset = STRING_AT(struct oci_platform, variant) },
};

static const struct json_table platform_table = {
    .name = "platform", .size = sizeof(struct oci_platform),
    .fields = platform_fields, .n_fields = ARRAY_LEN(platform_fields),
};

#define WIRE struct wire_descriptor
static const struct json_field descriptor_fields[] = {
    { .name = "mediaType",    .kind = JSON_STRING,  .offset = STRING_AT(WIRE, media_type),     .flags = JSON_REQUIRED },
    { .name = "digest",       .kind = JSON_STRING,  .offset = STRING_AT(WIRE, digest),         .flags = JSON_REQUIRED },
    { .name = "size",         .kind = JSON_INTEGER, .offset = JSON_AT(WIRE, size, int64_t),    .flags = JSON_REQUIRED },
    { .name = "artifactType", .kind = JSON_STRING,  .offset = STRING_AT(WIRE, artifact_type) },
    { .name = "data",         .kind = JSON_STRING,  .offset = STRING_AT(WIRE, data),
      .has_offset = offsetof(WIRE, has_data) },
    { .name = "urls",         .kind = JSON_LIST,    .offset = LIST_AT(WIRE, urls) },
    { .name = "annotations",  .kind = JSON_MAP,     .offset = MAP_AT(WIRE, annotations) },
    { .name = "platform",     .kind = JSON_OBJECT,  .offset = JSON_AT(WIRE, platform, struct oci_platform),
      .table = &platform_table },
};
#undef WIRE

static const struct json_table descriptor_table = {
    .name = "descriptor", .size = sizeof(struct wire_descriptor),
    .fields = descriptor_fields, .n_fields = ARRAY_LEN(descriptor_fields),
};

#define WIRE struct wire_manifest
static const struct json_field manifest_fields[] = {
    { .name = "schemaVersion", .kind = JSON_INTEGER, .offset = JSON_AT(WIRE, schema_version, int64_t),
      .flags = JSON_REQUIRED },
    { .name = "mediaType",     .kind = JSON_STRING,  .offset = STRING_AT(WIRE, media_type) },
    { .name = "artifactType",  .kind = JSON_STRING,  .offset = STRING_AT(WIRE, artifact_type) },
    { .name = "config",        .kind = JSON_OBJECT,  .offset = JSON_AT(WIRE, config, struct wire_descriptor),
      .has_offset = offsetof(WIRE, has_config),    .table = &descriptor_table },
    { .name = "layers",        .kind = JSON_LIST,    .offset = LIST_AT(WIRE, layers),
      .has_offset = offsetof(WIRE, has_layers),    .table = &descriptor_table, .max = OCI_LAYERS_MAX },
    { .name = "manifests",     .kind = JSON_LIST,    .offset = LIST_AT(WIRE, manifests),
      .has_offset = offsetof(WIRE, has_manifests), .table = &descriptor_table, .max = OCI_CHILDREN_MAX },
    { .name = "subject",       .kind = JSON_OBJECT,  .offset = JSON_AT(WIRE, subject, struct wire_descriptor),
      .has_offset = offsetof(WIRE, has_subject),   .table = &descriptor_table },
    { .name = "annotations",   .kind = JSON_MAP,     .offset = MAP_AT(WIRE, annotations) },
    { .name = "fsLayers",      .kind = JSON_ANY,     .offset = JSON_AT(WIRE, has_fs_layers, bool) },
};
#undef WIRE

static const struct json_table manifest_table = {
    .name = "manifest", .size = sizeof(struct wire_manifest),
    .fields = manifest_fields, .n_fields = ARRAY_LEN(manifest_fields),
};
/* clang-format on */

static int refuse(struct err *err, struct str about, const char *reason)
{
    return err_set_code(err, ERR_INVALID, "MANIFEST_INVALID", about, "%s", reason);
}

static int refuse_size(struct err *err, struct str about, const char *reason)
{
    return err_set_code(err, ERR_INVALID, "SIZE_INVALID", about, "%s", reason);
}

static bool is_index_class(enum oci_media_class media_class)
{
    return media_class == OCI_MEDIA_INDEX || media_class == OCI_MEDIA_DOCKER_LIST;
}

static bool is_manifest_class(enum oci_media_class media_class)
{
    return media_class == OCI_MEDIA_MANIFEST || media_class == OCI_MEDIA_DOCKER_MANIFEST;
}

bool oci_manifest_is_index(const struct oci_manifest *manifest)
{
    return is_index_class(manifest->media_class);
}

/* Is it the size of a descriptor, and not an annotation that is called so? */
static bool is_size_path(struct str path)
{
    bool is_item = str_starts(path, STR("layers[")) || str_starts(path, STR("manifests["));

    return str_is(path, "config.size") || str_is(path, "subject.size") ||
           (is_item && str_ends(path, STR("].size")));
}

/* What the door refused is an invalid manifest, or an invalid size when it is about one. */
static int read_wire(struct arena *arena, struct str bytes, struct wire_manifest *wire,
                     struct err *err)
{
    struct json_limits limits = json_limits_default;

    limits.size = OCI_MANIFEST_MAX;
    if (json_read(arena, bytes, &limits, &manifest_table, wire, err) == 0)
        return 0;

    if (err->kind == ERR_INVALID)
        err->code = is_size_path(str_from(err->about)) ? "SIZE_INVALID" : "MANIFEST_INVALID";
    return -1;
}

/* The type that both say, or that one of them says. */
static int find_type(const struct wire_manifest *wire, struct str content_type, struct str *out,
                     struct err *err)
{
    struct str told = oci_media_bare(content_type);

    if (wire->media_type.p != NULL && wire->media_type.n == 0)
        return refuse(err, told, "mediaType is empty");
    if (told.n == 0 && wire->media_type.n == 0)
        return refuse(err, told, "neither Content-Type nor mediaType says what the manifest is");
    if (told.n > 0 && wire->media_type.n > 0 && !str_eq(told, wire->media_type))
        return refuse(err, wire->media_type, "mediaType and Content-Type differ");

    *out = wire->media_type.n > 0 ? wire->media_type : told;
    return 0;
}

static int check_kind(const struct wire_manifest *wire, enum oci_media_class media_class,
                      struct str media_type, struct err *err)
{
    if (media_class == OCI_MEDIA_DOCKER_SCHEMA1 || wire->has_fs_layers)
        return refuse(err, media_type, "image manifests of schema 1 are not supported");
    if (!is_index_class(media_class) && !is_manifest_class(media_class))
        return refuse(err, media_type, "this is not a media type of manifests");
    if (!str_eq(media_type, oci_media_bare(media_type)))
        return refuse(err, media_type, "mediaType has no parameters");
    if (wire->schema_version != 2)
        return refuse(err, media_type, "schemaVersion is not 2");
    return 0;
}

static int check_members(const struct wire_manifest *wire, bool is_index, struct err *err)
{
    if (is_index && (wire->has_config || wire->has_layers))
        return refuse(err, STR_NULL, "an index has neither config nor layers");
    if (is_index && !wire->has_manifests)
        return refuse(err, STR_NULL, "an index has manifests");
    if (!is_index && wire->has_manifests)
        return refuse(err, STR_NULL, "an image manifest has no manifests");
    if (!is_index && (!wire->has_config || !wire->has_layers))
        return refuse(err, STR_NULL, "an image manifest has config and layers");
    if (wire->artifact_type.n > 0 && !oci_media_is_valid(wire->artifact_type))
        return refuse(err, wire->artifact_type, "artifactType is not a media type");
    return 0;
}

/* The bytes inside, if any, must be those that the descriptor names. */
static int check_data(struct arena *arena, const struct wire_descriptor *wire,
                      const struct oci_descriptor *descriptor, struct err *err)
{
    struct oci_digest digest;
    struct str        bytes;

    if (!wire->has_data)
        return 0;
    if (wire->data.n % 4 != 0 || text_base64_parse(arena, wire->data, &bytes, err) < 0)
        return refuse(err, wire->digest, "data is not base64");
    if (bytes.n != (size_t)descriptor->size)
        return refuse(err, wire->digest, "data has another size than its descriptor says");

    oci_digest_of(bytes, descriptor->digest.kind, &digest);
    if (!oci_digest_eq(&digest, &descriptor->digest))
        return refuse(err, wire->digest, "data has another digest than its descriptor says");
    return 0;
}

static int bind_descriptor(struct arena *arena, const struct wire_descriptor *wire,
                           struct oci_descriptor *out, struct err *err)
{
    *out = (struct oci_descriptor){
        .media_type    = wire->media_type,
        .size          = wire->size,
        .artifact_type = wire->artifact_type,
        .annotations   = wire->annotations,
        .urls          = wire->urls,
        .platform      = wire->platform,
        .has_data      = wire->has_data,
    };

    if (!oci_media_is_valid(wire->media_type))
        return refuse(err, wire->media_type, "mediaType is not a media type");
    if (wire->artifact_type.n > 0 && !oci_media_is_valid(wire->artifact_type))
        return refuse(err, wire->artifact_type, "artifactType is not a media type");
    if (wire->size < 0)
        return refuse_size(err, wire->digest, "a size is negative");
    if (oci_digest_parse(wire->digest, &out->digest, err) < 0) {
        err->code = "MANIFEST_INVALID";
        return -1;
    }
    return check_data(arena, wire, out, err);
}

/* Binds a list of descriptors and adds their sizes to *sum. */
static int bind_list(struct arena *arena, const struct json_list *list, struct oci_descriptor **out,
                     int64_t *sum, struct err *err)
{
    const struct wire_descriptor *wires       = list->items;
    struct oci_descriptor        *descriptors = mem_many(arena, list->n, struct oci_descriptor);

    for (size_t i = 0; i < list->n; i++) {
        if (bind_descriptor(arena, &wires[i], &descriptors[i], err) < 0)
            return err_wrap(err, "descriptor %zu", i);
        if (__builtin_add_overflow(*sum, descriptors[i].size, sum) || *sum > sum_max)
            return refuse_size(err, wires[i].digest, "the sizes sum up to more than 2^62");
    }
    *out = descriptors;
    return 0;
}

static int bind_image(struct arena *arena, const struct wire_manifest *wire,
                      struct oci_manifest *out, struct err *err)
{
    if (bind_descriptor(arena, &wire->config, &out->config, err) < 0)
        return err_wrap(err, "config");
    out->total_size = out->config.size;
    if (bind_list(arena, &wire->layers, &out->layers, &out->total_size, err) < 0)
        return err_wrap(err, "layers");
    if (out->total_size > sum_max)
        return refuse_size(err, wire->config.digest, "the size of config is more than 2^62");

    out->n_layers = wire->layers.n;
    for (size_t i = 0; i < out->n_layers; i++)
        out->layers[i].is_elsewhere =
            oci_media_class(out->layers[i].media_type) == OCI_MEDIA_FOREIGN_LAYER;
    if (out->artifact_type.n == 0)
        out->artifact_type = out->config.media_type;
    return 0;
}

static int bind_index(struct arena *arena, const struct wire_manifest *wire,
                      struct oci_manifest *out, struct err *err)
{
    if (bind_list(arena, &wire->manifests, &out->children, &out->total_size, err) < 0)
        return err_wrap(err, "manifests");

    out->n_children = wire->manifests.n;
    return 0;
}

static int bind_manifest(struct arena *arena, const struct wire_manifest *wire,
                         struct oci_manifest *out, struct err *err)
{
    int done = is_index_class(out->media_class) ? bind_index(arena, wire, out, err)
                                                : bind_image(arena, wire, out, err);

    if (done < 0)
        return -1;
    if (wire->has_subject && bind_descriptor(arena, &wire->subject, &out->subject, err) < 0)
        return err_wrap(err, "subject");
    return 0;
}

int oci_manifest_parse(struct arena *arena, struct str bytes, struct str content_type,
                       struct oci_manifest *out, struct err *err)
{
    struct wire_manifest wire = { 0 };
    struct str           media_type;

    if (read_wire(arena, bytes, &wire, err) < 0 ||
        find_type(&wire, content_type, &media_type, err) < 0)
        return -1;

    enum oci_media_class media_class = oci_media_class(media_type);
    if (check_kind(&wire, media_class, media_type, err) < 0 ||
        check_members(&wire, is_index_class(media_class), err) < 0)
        return -1;

    struct oci_manifest manifest = {
        .media_class   = media_class,
        .media_type    = str_copy(arena, media_type),
        .has_subject   = wire.has_subject,
        .artifact_type = wire.artifact_type,
        .annotations   = wire.annotations,
    };
    if (bind_manifest(arena, &wire, &manifest, err) < 0)
        return -1;
    *out = manifest;
    return 0;
}

struct str oci_manifest_referrer(struct arena *arena, const struct oci_manifest *manifest,
                                 const struct oci_digest *digest, size_t size)
{
    /* An escape makes six bytes of one at most, and the strings were part of a manifest. */
    struct json_write w;
    struct buf        buf;

    buf_init(&buf, arena, (size_t)8 * OCI_MANIFEST_MAX);
    json_write_init(&w, &buf);
    json_write_object(&w);
    json_write_str_at(&w, "mediaType", manifest->media_type);
    json_write_str_at(&w, "digest", oci_digest_str(digest));
    json_write_int_at(&w, "size", (int64_t)size);
    if (manifest->artifact_type.n > 0)
        json_write_str_at(&w, "artifactType", manifest->artifact_type);
    if (manifest->annotations.n > 0) {
        json_write_key(&w, "annotations");
        json_write_object(&w);
        for (size_t i = 0; i < manifest->annotations.n; i++) {
            json_write_key_str(&w, manifest->annotations.pairs[i].key);
            json_write_str(&w, manifest->annotations.pairs[i].value);
        }
        json_write_end(&w);
    }
    json_write_end(&w);
    ASSERT(!buf.is_full);
    return buf_view(&buf);
}
