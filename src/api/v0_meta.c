/* api/v0_meta.c: what DTR's clients ask of the registry as a whole. */
#include "api/api_private.h"
#include "base/mem.h"
#include "codec/json_write.h"

enum { ANSWER_MAX = 4096 };

/* Everything is licensed here, and collection never stops the registry. */
struct features {
    int64_t    db_version;
    bool       yes;
    bool       no;
    struct str ucp_host;
};

struct version {
    struct str version;
};

/* clang-format off */
static const struct json_field features_fields[] = {
    { .name = "db_version",          .kind = JSON_INTEGER, .offset = JSON_AT(struct features, db_version, int64_t) },
    { .name = "metadataStoreOptedIn", .kind = JSON_BOOL,   .offset = JSON_AT(struct features, yes, bool) },
    { .name = "mirroringLicensed",   .kind = JSON_BOOL,    .offset = JSON_AT(struct features, yes, bool) },
    { .name = "onlineGCEnabled",     .kind = JSON_BOOL,    .offset = JSON_AT(struct features, yes, bool) },
    { .name = "promotionLicensed",   .kind = JSON_BOOL,    .offset = JSON_AT(struct features, yes, bool) },
    { .name = "scanningEnabled",     .kind = JSON_BOOL,    .offset = JSON_AT(struct features, no, bool) },
    { .name = "scanningLicensed",    .kind = JSON_BOOL,    .offset = JSON_AT(struct features, yes, bool) },
    { .name = "ucpHost",             .kind = JSON_STRING,  .offset = JSON_AT(struct features, ucp_host, struct str) },
};

static const struct json_table features_table = {
    .name = "Features", .size = sizeof(struct features), .fields = features_fields, .n_fields = ARRAY_LEN(features_fields),
};

static const struct json_field version_fields[] = {
    { .name = "version", .kind = JSON_STRING, .offset = JSON_AT(struct version, version, struct str) },
};

static const struct json_table version_table = {
    .name = "Version", .size = sizeof(struct version), .fields = version_fields, .n_fields = ARRAY_LEN(version_fields),
};
/* clang-format on */

static int get_features(struct api_call *call, struct err *err)
{
    struct features features = { .yes = true, .ucp_host = STR("") };

    return api_reply_value(call, &features, err);
}

static int get_version(struct api_call *call, struct err *err)
{
    struct version version = { .version = STR(ASSAY_VERSION) };

    return api_reply_value(call, &version, err);
}

/* clang-format off */
const struct api_route api_v0_meta_routes[] = {
    { .name = "meta.features", .method = HTTP_GET, .path = "/api/v0/meta/features",
      .may = API_MAY_PING, .family = API_DTR, .says = "What this registry can do", .gives = &features_table,
      .run = get_features },
    { .name = "meta.version",  .method = HTTP_GET, .path = "/api/v0/admin/version",
      .may = API_MAY_PING, .family = API_DTR, .says = "The version of this node", .gives = &version_table,
      .run = get_version },
    { .name = "meta.metrics",  .method = HTTP_GET, .path = "/api/v0/admin/metrics",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "The counters of this node, in the text form of Prometheus",
      .sends = "text/plain",
      .run = api_metrics },
    { 0 },
};
/* clang-format on */
