/* manifest_fuzz.c: what is accepted is one thing only, and what the struct says stands in the text as a
 * plain reader without tables sees it. The first byte chooses the Content-Type. */
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/json_private.h"
#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_node *member(struct arena *arena, const struct json_node *node,
                                      const char *name)
{
    size_t              n       = 0;
    struct json_member *members = json_node_members(arena, node, &n);

    for (size_t i = 0; i < n; i++) {
        if (str_is(members[i].name, name) && json_node_kind(members[i].value) != NODE_NULL)
            return members[i].value;
    }
    return NULL;
}

static void check_descriptor(struct arena *arena, const struct oci_descriptor *descriptor,
                             const struct json_node *node)
{
    struct oci_digest again;
    struct err        err;

    ASSERT(oci_digest_parse(oci_digest_str(&descriptor->digest), &again, &err) == 0);
    ASSERT(oci_media_is_valid(descriptor->media_type));
    ASSERT(descriptor->size >= 0);
    ASSERT(
        str_eq(json_node_str(member(arena, node, "digest")), oci_digest_str(&descriptor->digest)));
    ASSERT(str_eq(json_node_str(member(arena, node, "mediaType")), descriptor->media_type));
    ASSERT(json_node_integer(member(arena, node, "size")) == descriptor->size);
    ASSERT(descriptor->has_data == (member(arena, node, "data") != NULL));
}

static int64_t check_list(struct arena *arena, const struct oci_descriptor *descriptors, size_t n,
                          const struct json_node *list)
{
    int64_t sum = 0;

    ASSERT(json_node_n_items(list) == n);
    for (size_t i = 0; i < n; i++) {
        check_descriptor(arena, &descriptors[i], json_node_item(list, i));
        sum += descriptors[i].size;
    }
    return sum;
}

static void check_manifest(struct arena *arena, const struct oci_manifest *manifest,
                           const struct json_node *tree, struct str content_type)
{
    const struct json_node *config     = member(arena, tree, "config");
    const struct json_node *layers     = member(arena, tree, "layers");
    const struct json_node *manifests  = member(arena, tree, "manifests");
    const struct json_node *subject    = member(arena, tree, "subject");
    const struct json_node *media_type = member(arena, tree, "mediaType");
    int64_t                 sum;

    if (oci_manifest_is_index(manifest)) {
        ASSERT(config == NULL && layers == NULL && manifest->n_children <= OCI_CHILDREN_MAX);
        sum = check_list(arena, manifest->children, manifest->n_children, manifests);
    } else {
        ASSERT(manifests == NULL && manifest->n_layers <= OCI_LAYERS_MAX);
        check_descriptor(arena, &manifest->config, config);
        sum =
            manifest->config.size + check_list(arena, manifest->layers, manifest->n_layers, layers);
    }
    ASSERT(sum == manifest->total_size && sum <= INT64_C(1) << 62);
    ASSERT(manifest->has_subject == (subject != NULL));
    if (subject != NULL)
        check_descriptor(arena, &manifest->subject, subject);
    if (media_type != NULL && json_node_str(media_type).n > 0)
        ASSERT(str_eq(json_node_str(media_type), manifest->media_type));
    if (content_type.n > 0)
        ASSERT(str_eq(oci_media_bare(content_type), manifest->media_type));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str types[] = {
        STR(""),
        STR(OCI_TYPE_MANIFEST),
        STR(OCI_TYPE_INDEX),
        STR(OCI_TYPE_DOCKER_MANIFEST),
        STR(OCI_TYPE_DOCKER_LIST),
        STR(OCI_TYPE_MANIFEST "; charset=utf-8"),
        STR("application/json"),
        STR("application/vnd.docker.distribution.manifest.v1+prettyjws"),
    };
    AUTO(arena_free) struct arena         *arena = arena_new();
    AUTO(json_tree_free) struct json_node *tree  = NULL;
    struct oci_manifest                    manifest;
    struct oci_digest                      digest;
    struct err                             err;

    if (size == 0)
        return 0;
    struct str type  = types[data[0] % ARRAY_LEN(types)];
    struct str bytes = { .p = (const char *)data + 1, .n = size - 1 };
    if (oci_manifest_parse(arena, bytes, type, &manifest, &err) < 0) {
        ASSERT(err.kind == ERR_INVALID || err.kind == ERR_TOO_LARGE);
        return 0;
    }

    ASSERT(json_tree_parse(bytes, &tree, &err) == 0);
    check_manifest(arena, &manifest, tree, type);
    oci_digest_of(bytes, HASH_SHA256, &digest);
    struct str referrer = oci_manifest_referrer(arena, &manifest, &digest, bytes.n);
    ASSERT(json_check(referrer, &json_limits_default, &err) == 0);
    return 0;
}
