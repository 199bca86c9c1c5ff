/* api/description.c: the description of the API, served: made once at start, and known by the hash of its text. */
#include "api/api_private.h"
#include "api/describe.h"
#include "codec/hash.h"

void api_description_make(struct api *api)
{
    struct hash hash;

    api->description = api_describe(api->arena, api_tables);
    hash_init(&hash, HASH_SHA256);
    hash_add(&hash, api->description.p, api->description.n);
    hash_finish_hex(&hash, api->description_hash);
}

struct str api_print_description(struct arena *arena)
{
    return api_describe(arena, api_tables);
}

static int get_description(struct api_call *call, struct err *err)
{
    struct str hash = str_from(call->api->description_hash);

    (void)err;
    api_reply_start_kept(call, api_client_has(call, hash) ? 304 : 200, "no-cache");
    http_reply_headerf(call->req, "ETag", "\"" STR_FMT "\"", STR_ARGS(hash));
    if (http_reply_status(call->req) == 304)
        return 0;
    http_reply_header(call->req, "Content-Type", STR("application/json"));
    http_reply_bytes(call->req, call->api->description);
    return 0;
}

static const int cached[] = { 304, 0 };

/* clang-format off */
const struct api_route api_description_routes[] = {
    { .name = "api.description", .method = HTTP_GET, .path = "/api/openapi.json",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "This description", .sends = "application/json", .also = cached,
      .run = get_description },
    { 0 },
};
/* clang-format on */
