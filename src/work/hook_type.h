/* work/hook_type.h: what webhooks tell of: the types, one row each. A row says which events of the outbox it is made
 * from, what it may be asked for, what its envelope holds, and what it is called in the other shapes. Pure values. */
#ifndef WORK_HOOK_TYPE_H
#define WORK_HOOK_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* What a subscription is for, by its key: "ns/repo", "ns", or nothing. */
enum hook_scope { HOOK_REPO = 1, HOOK_NAMESPACE = 2, HOOK_REGISTRY = 4 };

enum hook_shape { HOOK_DTR, HOOK_HARBOR, HOOK_DISTRIBUTION, HOOK_CLOUDEVENTS, HOOK_N_SHAPES };

/* What an envelope is about. */
enum hook_about {
    HOOK_ABOUT_TAG,
    HOOK_ABOUT_MANIFEST,
    HOOK_ABOUT_BLOB,
    HOOK_ABOUT_REPO,
    HOOK_ABOUT_QUOTA,
    HOOK_ABOUT_SCAN,
    HOOK_ABOUT_FAILED_SCAN,
    HOOK_ABOUT_SCANNER
};

struct hook_type {
    const char     *name;
    const char     *events; /* of the outbox, with blanks between */
    unsigned        scopes;
    enum hook_about about;
    const char     *time;     /* the member of the contents that says when; null: none */
    bool            is_ours;  /* DTR does not have it */
    const char     *harbor;   /* null: Harbor's shape cannot say it; so below */
    const char     *cloud;    /* null: the event's own name decides */
    const char     *registry; /* the action, in distribution's shape */
};

extern const struct hook_type hook_types[]; /* ends with a row without name */

/* Every type that the shape can say; for subscriptions of our own API. */
#define HOOK_ANY "ANY"

/* Null: there is none of that name. */
const struct hook_type *hook_type_find(struct str name);
const struct hook_type *hook_type_of_event(struct str event);

bool hook_type_fits(const struct hook_type *type, enum hook_shape shape);

/* "dtr", "harbor", "distribution", "cloudevents"; false: none of these. */
bool        hook_shape_parse(struct str name, enum hook_shape *out);
const char *hook_shape_name(enum hook_shape shape);
const char *hook_shape_media_type(enum hook_shape shape);

#endif
