/* work/hook_body.h: what a receiver of a webhook reads: the facts of one event, and the body that each shape makes of
 * them. Pure: from values to text. Keys and their meaning: docs/formats.md, "Webhooks". */
#ifndef WORK_HOOK_BODY_H
#define WORK_HOOK_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "work/hook_type.h"

struct arena;
struct oci_manifest;

/* Absent texts are null views and printed as empty ones where a shape always has the key. */
struct hook_facts {
    const struct hook_type *type;
    struct str              event;  /* of the outbox: "REPO_CREATED" */
    struct str              id;     /* of the message, the same each time it is told */
    struct str              hook;   /* uuid of the subscription */
    int64_t                 at;     /* when it happened */
    struct str              origin; /* of the registry: "https://registry.example.com" */
    struct str              node;
    struct str namespace;
    struct str repository; /* below the namespace */
    struct str tag;
    struct str digest;
    struct str from; /* repository that a blob was mounted from */
    struct str actor;
    struct str request_id;

    /* Of the manifest or blob. */
    struct str                 media_type;
    int64_t                    size; /* -1: not known */
    struct str                 os;
    struct str                 architecture;
    const struct oci_manifest *manifest; /* null: not read */

    /* Of the repository. */
    int64_t    repo_created_at;
    bool       is_public;
    struct str repo_json; /* the object as the API shows it; null view: not there */

    /* Of scans and scanners. */
    int64_t    n_critical, n_major, n_minor, scan_status;
    struct str failure;
    int64_t    scanner_version, db_version, scanner_updated_at, db_updated_at;
};

/* An event of that type that never was, for test calls. */
struct hook_facts hook_sample(const struct hook_type *type, struct str origin, struct str node);

/* The type must fit the shape. Lives in the arena. */
struct str hook_body(struct arena *arena, enum hook_shape shape, const struct hook_facts *facts);

#endif
