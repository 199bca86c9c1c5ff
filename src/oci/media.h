/* oci/media.h: the media types of the registry and their classes, one table; and the grammar of the rest
 * (RFC 6838: type/subtype, at most 255 bytes; parameters are cut off for comparing). */
#ifndef OCI_MEDIA_H
#define OCI_MEDIA_H

#include <stdbool.h>

#include "base/str.h"

enum oci_media_class {
    OCI_MEDIA_OTHER,
    OCI_MEDIA_MANIFEST,        /* OCI image manifest */
    OCI_MEDIA_INDEX,           /* OCI index */
    OCI_MEDIA_DOCKER_MANIFEST, /* v2 schema 2 */
    OCI_MEDIA_DOCKER_LIST,
    OCI_MEDIA_DOCKER_SCHEMA1, /* refused, signed or not */
    OCI_MEDIA_FOREIGN_LAYER   /* non-distributable or Docker foreign: bytes may be elsewhere */
};

/* OCI_MEDIA_OTHER for anything that the table does not know. */
enum oci_media_class oci_media_class(struct str type);

/* Is it type/subtype with restricted names (RFC 6838 4.2)? */
bool oci_media_is_valid(struct str type);

/* A Content-Type without its parameters, trimmed. */
struct str oci_media_bare(struct str content_type);

#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_EMPTY "application/vnd.oci.empty.v1+json"
#define OCI_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define OCI_TYPE_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"

#endif
