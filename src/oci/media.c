/* oci/media.c: the types that mean something to the registry are rows; all others are only checked for
 * their form. Comparison is exact: a type in another case is another type to the clients, too. */
#include "oci/media.h"

#include "base/mem.h"

enum { TYPE_MAX = 255, NAME_MAX_SIZE = 127 };

/* clang-format off */
static const struct {
    struct str           type;
    enum oci_media_class media_class;
} types[] = {
    { STR(OCI_TYPE_MANIFEST),                                                OCI_MEDIA_MANIFEST },
    { STR(OCI_TYPE_INDEX),                                                   OCI_MEDIA_INDEX },
    { STR(OCI_TYPE_DOCKER_MANIFEST),                                         OCI_MEDIA_DOCKER_MANIFEST },
    { STR(OCI_TYPE_DOCKER_LIST),                                             OCI_MEDIA_DOCKER_LIST },
    { STR("application/vnd.docker.distribution.manifest.v1+json"),           OCI_MEDIA_DOCKER_SCHEMA1 },
    { STR("application/vnd.docker.distribution.manifest.v1+prettyjws"),      OCI_MEDIA_DOCKER_SCHEMA1 },
    { STR("application/vnd.oci.image.layer.nondistributable.v1.tar"),        OCI_MEDIA_FOREIGN_LAYER },
    { STR("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),   OCI_MEDIA_FOREIGN_LAYER },
    { STR("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),   OCI_MEDIA_FOREIGN_LAYER },
    { STR("application/vnd.docker.image.rootfs.foreign.diff.tar"),           OCI_MEDIA_FOREIGN_LAYER },
    { STR("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),      OCI_MEDIA_FOREIGN_LAYER },
};
/* clang-format on */

struct str oci_media_bare(struct str content_type)
{
    ptrdiff_t semicolon = str_find(content_type, ';');

    if (semicolon >= 0)
        content_type = str_sub(content_type, 0, (size_t)semicolon);
    return str_trim(content_type);
}

enum oci_media_class oci_media_class(struct str type)
{
    struct str bare = oci_media_bare(type);

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eq(bare, types[i].type))
            return types[i].media_class;
    }
    return OCI_MEDIA_OTHER;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* restricted-name of RFC 6838. */
static bool is_restricted_name(struct str name)
{
    static const struct str marks = STR("!#$&-^_.+");

    if (name.n == 0 || name.n > NAME_MAX_SIZE || !is_alphanumeric(name.p[0]))
        return false;
    for (size_t i = 1; i < name.n; i++) {
        if (!is_alphanumeric(name.p[i]) && str_find(marks, name.p[i]) < 0)
            return false;
    }
    return true;
}

bool oci_media_is_valid(struct str type)
{
    ptrdiff_t slash = str_find(type, '/');

    return type.n <= TYPE_MAX && slash >= 0 &&
           is_restricted_name(str_sub(type, 0, (size_t)slash)) &&
           is_restricted_name(str_from_index(type, (size_t)slash + 1));
}
