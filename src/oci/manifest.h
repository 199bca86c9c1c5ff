/* oci/manifest.h: what a manifest or index says, read strictly and only for reading: the bytes received
 * are what is kept and served, and no code prints a manifest that it parsed.
 *
 * Kinds: OCI image manifest, OCI index, Docker schema 2 manifest and list. The media type of the request
 * and the `mediaType` member must agree when both are there; one of them must be (an OCI body without
 * mediaType needs the Content-Type). Refused with ERR_INVALID, code MANIFEST_INVALID: bodies with the
 * members of both kinds (`layers` or `config` beside `manifests`), a kind without its required members,
 * schemaVersion other than 2, schema 1, everything that codec/json refuses, descriptors with bad media
 * type, digest or size (code SIZE_INVALID for size: missing, negative, not an integer, sum beyond 2^62),
 * `data` that is not base64 of `size` bytes with that digest, more than OCI_LAYERS_MAX layers or
 * OCI_CHILDREN_MAX children. More than OCI_MANIFEST_MAX bytes are ERR_TOO_LARGE. All views lie in the
 * arena. */
#ifndef OCI_MANIFEST_H
#define OCI_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/json.h"
#include "oci/digest.h"
#include "oci/media.h"

struct arena;
struct err;

enum {
    OCI_MANIFEST_MAX = 4 * 1024 * 1024,
    OCI_LAYERS_MAX   = 500,
    OCI_CHILDREN_MAX = 1000,
    OCI_DEPTH_MAX    = 8 /* of indexes in indexes; checked where children are known */
};

struct oci_platform {
    struct str os;
    struct str architecture;
    struct str variant;
    struct str os_version;
};

struct oci_descriptor {
    struct str          media_type;
    struct oci_digest   digest;
    int64_t             size;
    struct str          artifact_type;
    struct json_map     annotations;
    struct json_list    urls; /* of struct str; told, never fetched */
    struct oci_platform platform;
    bool                has_data;     /* the bytes are inside and have been checked */
    bool                is_elsewhere; /* non-distributable layer: the blob may be missing here */
};

/* artifact_type is what referrers report: the member, else config's media type for manifests, else empty.
 * total_size: config and layers, or children; without the manifest itself. */
struct oci_manifest {
    enum oci_media_class   media_class; /* the four manifest classes */
    struct str             media_type;  /* what is served as Content-Type */
    struct oci_descriptor  config;      /* manifests only */
    struct oci_descriptor *layers;
    size_t                 n_layers;
    struct oci_descriptor *children; /* indexes only */
    size_t                 n_children;
    bool                   has_subject;
    struct oci_descriptor  subject;
    struct str             artifact_type;
    struct json_map        annotations;
    int64_t                total_size;
};

bool oci_manifest_is_index(const struct oci_manifest *manifest);

/* content_type may be the null view. */
int oci_manifest_parse(struct arena *arena, struct str bytes, struct str content_type,
                       struct oci_manifest *out, struct err *err);

/* The descriptor by which the referrers API lists it, as one JSON object: mediaType, digest, size,
 * artifactType (when not empty), annotations (when there are any). Kept ready in its row. */
struct str oci_manifest_referrer(struct arena *arena, const struct oci_manifest *manifest,
                                 const struct oci_digest *digest, size_t size);

#endif
