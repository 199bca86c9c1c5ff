/* oci/name.h: repository names, tags and references (OCI distribution spec, "Pulling manifests").
 *
 * A repository name has at least two components ("admin/app", "org/program/project/app"), 255 bytes in
 * all; a component is [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*. A component that is a word of the routes
 * (blobs, manifests, tags, referrers, uploads; events and webhooks of the management API) is refused as the
 * last one. Tags match [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}. */
#ifndef OCI_NAME_H
#define OCI_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "oci/digest.h"

struct arena;
struct err;

enum { OCI_NAME_MAX = 255, OCI_TAG_MAX = 128 };

/* ERR_INVALID, code NAME_INVALID about the name, with the reason. */
int oci_name_check(struct str name, struct err *err);

/* Of a prefix: none (the empty text, all of the registry) or more components. The same error. */
int oci_prefix_check(struct str prefix, struct err *err);

/* Is its last component such a word? Then the path that it stands in means something else. */
bool oci_name_ends_reserved(struct str name);

/* Could it be a namespace, the first component? Accounts are called so. */
bool oci_name_is_component(struct str s);

/* The part before the first slash. */
struct str oci_name_namespace(struct str name);

/* The path itself, every prefix above it, and "" for the whole registry, the shortest first; how many there are. Views
 * are into the path. */
size_t oci_name_chain(struct arena *arena, struct str path, struct str **out);

/* ERR_INVALID, code TAG_INVALID about the tag. */
int oci_tag_check(struct str tag, struct err *err);

/* The last part of /manifests/<reference>: a digest when it has a colon, else a tag. */
struct oci_reference {
    bool              is_digest;
    struct str        tag;
    struct oci_digest digest;
};

int oci_reference_parse(struct str text, struct oci_reference *out, struct err *err);

#endif
