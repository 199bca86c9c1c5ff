/* work/hook_type.c: the types of webhooks. */
#include "work/hook_type.h"

#include "base/mem.h"

/* clang-format off */
#define ANYWHERE (HOOK_REPO | HOOK_NAMESPACE | HOOK_REGISTRY)

const struct hook_type hook_types[] = {
    { .name = "TAG_PUSH",        .events = "TAG_PUSH TAG_RESTORED", .scopes = ANYWHERE, .about = HOOK_ABOUT_TAG,      .time = "pushedAt",
      .harbor = "PUSH_ARTIFACT",      .cloud = "harbor.artifact.pushed",   .registry = "push" },
    { .name = "TAG_PULL",        .events = "TAG_PULL",        .scopes = ANYWHERE, .about = HOOK_ABOUT_TAG,      .time = "pulledAt",
      .harbor = "PULL_ARTIFACT",      .cloud = "harbor.artifact.pulled",   .registry = "pull" },
    { .name = "TAG_DELETE",      .events = "TAG_DELETE",      .scopes = ANYWHERE, .about = HOOK_ABOUT_TAG,      .time = "deletedAt",
      .harbor = "DELETE_ARTIFACT",    .cloud = "harbor.artifact.deleted",  .registry = "delete" },
    { .name = "MANIFEST_PUSH",   .events = "MANIFEST_PUSH",   .scopes = ANYWHERE, .about = HOOK_ABOUT_MANIFEST,
      .harbor = "PUSH_ARTIFACT",      .cloud = "harbor.artifact.pushed",   .registry = "push" },
    { .name = "MANIFEST_PULL",   .events = "MANIFEST_PULL",   .scopes = ANYWHERE, .about = HOOK_ABOUT_MANIFEST, .time = "pulledAt",
      .harbor = "PULL_ARTIFACT",      .cloud = "harbor.artifact.pulled",   .registry = "pull" },
    { .name = "MANIFEST_DELETE", .events = "MANIFEST_DELETE", .scopes = ANYWHERE, .about = HOOK_ABOUT_MANIFEST, .time = "deletedAt",
      .harbor = "DELETE_ARTIFACT",    .cloud = "harbor.artifact.deleted",  .registry = "delete" },
    { .name = "BLOB_PUSH",       .events = "BLOB_PUSH",       .scopes = ANYWHERE, .about = HOOK_ABOUT_BLOB,     .time = "pushedAt",
      .is_ours = true,                .cloud = "assay.blob.pushed",        .registry = "push" },
    { .name = "BLOB_MOUNT",      .events = "BLOB_MOUNT",      .scopes = ANYWHERE, .about = HOOK_ABOUT_BLOB,     .time = "mountedAt",
      .is_ours = true,                .cloud = "assay.blob.mounted",       .registry = "mount" },
    { .name = "BLOB_DELETE",     .events = "BLOB_DELETE",     .scopes = ANYWHERE, .about = HOOK_ABOUT_BLOB,     .time = "deletedAt",
      .is_ours = true,                .cloud = "assay.blob.deleted",       .registry = "delete" },
    { .name = "SCAN_COMPLETED",  .events = "SCAN_COMPLETED",  .scopes = ANYWHERE, .about = HOOK_ABOUT_SCAN,
      .harbor = "SCANNING_COMPLETED", .cloud = "harbor.scan.completed" },
    { .name = "SCAN_FAILED",     .events = "SCAN_FAILED",     .scopes = ANYWHERE, .about = HOOK_ABOUT_FAILED_SCAN,
      .harbor = "SCANNING_FAILED",    .cloud = "harbor.scan.failed" },
    { .name = "PROMOTION",       .events = "PROMOTION",       .scopes = ANYWHERE, .about = HOOK_ABOUT_TAG,      .time = "promotedAt",
      .cloud = "assay.tag.promoted" },
    { .name = "PUSH_MIRRORING",  .events = "PUSH_MIRRORING",  .scopes = ANYWHERE, .about = HOOK_ABOUT_TAG,      .time = "mirroredAt",
      .cloud = "assay.tag.mirrored" },
    { .name = "POLL_MIRRORING",  .events = "POLL_MIRRORING",  .scopes = ANYWHERE, .about = HOOK_ABOUT_TAG,      .time = "mirroredAt",
      .cloud = "assay.tag.mirrored" },
    { .name = "REPO_EVENT",      .events = "REPO_CREATED REPO_UPDATED REPO_VISIBILITY REPO_DELETED", .scopes = HOOK_NAMESPACE | HOOK_REGISTRY,
      .about = HOOK_ABOUT_REPO },
    { .name = "QUOTA_WARNING",   .events = "QUOTA_WARNING",   .scopes = ANYWHERE, .about = HOOK_ABOUT_QUOTA,    .time = "warnedAt",
      .is_ours = true, .harbor = "QUOTA_WARNING", .cloud = "harbor.quota.warned" },
    { .name = "QUOTA_EXCEED",    .events = "QUOTA_EXCEED",    .scopes = ANYWHERE, .about = HOOK_ABOUT_QUOTA,    .time = "exceededAt",
      .is_ours = true, .harbor = "QUOTA_EXCEED",  .cloud = "harbor.quota.exceeded" },
    { .name = "SCANNER_UPDATE_COMPLETED", .events = "SCANNER_UPDATE_COMPLETED", .scopes = HOOK_REGISTRY, .about = HOOK_ABOUT_SCANNER,
      .cloud = "assay.scanner.updated" },
    { 0 },
};

static const struct {
    const char *name;
    const char *media_type;
} shapes[HOOK_N_SHAPES] = {
    [HOOK_DTR]          = { "dtr",          "application/json" },
    [HOOK_HARBOR]       = { "harbor",       "application/json" },
    [HOOK_DISTRIBUTION] = { "distribution", "application/vnd.docker.distribution.events.v2+json" },
    [HOOK_CLOUDEVENTS]  = { "cloudevents",  "application/cloudevents+json" },
};
/* clang-format on */

const struct hook_type *hook_type_find(struct str name)
{
    for (const struct hook_type *type = hook_types; type->name != NULL; type++) {
        if (str_is(name, type->name))
            return type;
    }
    return NULL;
}

const struct hook_type *hook_type_of_event(struct str event)
{
    for (const struct hook_type *type = hook_types; type->name != NULL; type++) {
        struct str rest = str_from(type->events), word;

        while (str_next(&rest, ' ', &word)) {
            if (str_eq(word, event))
                return type;
        }
    }
    return NULL;
}

bool hook_type_fits(const struct hook_type *type, enum hook_shape shape)
{
    switch (shape) {
    case HOOK_HARBOR:
        return type->harbor != NULL;
    case HOOK_DISTRIBUTION:
        return type->registry != NULL;
    default:
        return true;
    }
}

bool hook_shape_parse(struct str name, enum hook_shape *out)
{
    for (size_t i = 0; i < HOOK_N_SHAPES; i++) {
        if (str_is(name, shapes[i].name)) {
            *out = (enum hook_shape)i;
            return true;
        }
    }
    return false;
}

const char *hook_shape_name(enum hook_shape shape)
{
    return shapes[shape].name;
}

const char *hook_shape_media_type(enum hook_shape shape)
{
    return shapes[shape].media_type;
}
