/* api/v0_gone.c: routes of DTR that this registry does not have and will not have, each with what stands in its place.
 * Routes whose work comes with a part of the registry that is not there yet are not among them: they are unknown paths
 * until then (docs/dtr-compatibility.md tells them apart). */
#include "api/api_private.h"

#define CACHES                                                                                   \
    "there are no content caches to register: every node serves blobs itself, and a proxy that " \
    "caches by digest can stand in front of it"
#define COLLECTION \
    "collection runs by itself beside pushes and pulls; its settings are gc-interval and gc-delay"
#define PROFILING "nothing is profiled over HTTP: /metrics has the counters of each node"
#define OLD_TRUST "this route ended with DTR 2.2"
#define OLD_SCANNER "this was the name of /api/v0/imagescan in DTR 2.2"

/* clang-format off */
static const int only_absent[] = { 404, 0 };

#define GONE(its_name, its_method, its_path, its_family, instead)                              \
    { .name = its_name, .method = its_method, .path = its_path, .may = API_MAY_USER,           \
      .family = its_family, .says = "Not here: " instead, .gone = instead, .run = api_gone, .also = only_absent }

const struct api_route api_v0_gone_routes[] = {
    GONE("gone.caches",        HTTP_GET,    "/api/v0/content_caches",         API_DTR, CACHES),
    GONE("gone.caches.create", HTTP_POST,   "/api/v0/content_caches",         API_DTR, CACHES),
    GONE("gone.cache",         HTTP_GET,    "/api/v0/content_caches/{cache}", API_DTR, CACHES),
    GONE("gone.cache.delete",  HTTP_DELETE, "/api/v0/content_caches/{cache}", API_DTR, CACHES),
    GONE("gone.gc.schedule",   HTTP_POST,   "/api/v0/admin/settings/registry/garbageCollection/schedule",    API_DTR, COLLECTION),
    GONE("gone.gc.savings",    HTTP_GET,    "/api/v0/admin/settings/registry/garbageCollection/lastSavings", API_DTR, COLLECTION),
    GONE("gone.gc.run",        HTTP_POST,   "/api/v0/admin/jobs",             API_DTR, COLLECTION),
    GONE("gone.pprof",         HTTP_GET,    "/debug/pprof",                   API_DTR, PROFILING),
    GONE("gone.pprof.storage", HTTP_GET,    "/registry_debug_pprof/debug/pprof", API_DTR, PROFILING),
    GONE("gone.scanner",       HTTP_GET,    "/api/v0/nautilus/status",        API_DTR, OLD_SCANNER),
    GONE("gone.trust",         HTTP_GET,    "/api/v0/repositories/{namespace}/{name...}/tags/{tag}/trust",   API_DTR, OLD_TRUST),
    { 0 },
};
/* clang-format on */
