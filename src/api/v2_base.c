/* api/v2_base.c: /v2/ itself, by which clients learn that this is a registry and how to log in. */
#include "api/call.h"

static int ping_fast(struct api_call *call, struct err *err)
{
    (void)err;
    api_reply_json(call, 200, STR("{}"));
    return 1;
}

static int ping(struct api_call *call, struct err *err)
{
    ping_fast(call, err);
    return 0;
}

/* clang-format off */
const struct api_route api_v2_base_routes[] = {
    { .name = "v2.ping", .method = HTTP_GET, .path = "/v2",
      .flags = HTTP_ROUTE_TRAILING, .may = API_MAY_PING, .family = API_V2, .says = "Is this a registry, and are the credentials good?", .sends = "application/json",
      .fast = ping_fast, .run = ping },
    { 0 },
};
/* clang-format on */
