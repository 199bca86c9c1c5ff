/* api/assets.c: the page to read the description and to try calls, and its files. The files belong to the program
 * (web/assets.h); their names hold their hash, so caches keep them for ever, and the page is asked for anew.
 * The page may load what we serve and nothing else, and no other page may frame it. */
#include "api/api_private.h"

static const char policy[] = "default-src 'self'; base-uri 'none'; form-action 'none'; "
                             "frame-ancestors 'none'; object-src 'none'";

static const struct http_asset *find_asset(const struct http_asset *assets, struct str name)
{
    for (; assets != NULL && assets->name != NULL; assets++) {
        if (str_is(name, assets->name))
            return assets;
    }
    return NULL;
}

static int reply_asset(struct api_call *call, struct str name, const char *cache, struct err *err)
{
    const struct http_asset *asset = find_asset(call->api->settings.assets, name);

    if (asset == NULL)
        return err_set(err, ERR_NOT_FOUND, "no such file");

    bool is_known = api_client_has(call, str_from(asset->hash));
    api_reply_start_kept(call, is_known ? 304 : 200, cache);
    http_reply_headerf(call->req, "ETag", "\"%s\"", asset->hash);
    http_reply_header(call->req, "Content-Security-Policy", str_from(policy));
    http_reply_header(call->req, "X-Frame-Options", STR("DENY"));
    http_reply_header(call->req, "Referrer-Policy", STR("no-referrer"));
    if (is_known)
        return 0;
    http_reply_header(call->req, "Content-Type", str_from(asset->type));
    http_reply_bytes(call->req, (struct str){ .p = asset->bytes, .n = asset->size });
    return 0;
}

static int get_page(struct api_call *call, struct err *err)
{
    return reply_asset(call, STR(""), "no-cache", err);
}

static int get_asset(struct api_call *call, struct err *err)
{
    return reply_asset(call, api_hole(call, "file"), "public, max-age=31536000, immutable", err);
}

/* Whoever types the registry's name alone, or has just logged in, finds something to read. */
static int get_root(struct api_call *call, struct err *err)
{
    (void)err;
    api_reply_start(call, 302);
    http_reply_header(call->req, "Location", STR("/api/"));
    return 0;
}

static const int kept[] = { 304, 0 };

/* clang-format off */
const struct api_route api_assets_routes[] = {
    { .name = "api.root",  .method = HTTP_GET, .path = "/",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "The way to the page below", .status = 302,
      .run = get_root },
    { .name = "api.page",  .method = HTTP_GET, .path = "/api", .flags = HTTP_ROUTE_TRAILING,
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "A page to read this description and to try calls",
      .sends = "text/html", .also = kept,
      .run = get_page },
    { .name = "api.asset", .method = HTTP_GET, .path = "/api/assets/{file}",
      .may = API_MAY_ANYONE, .family = API_MANAGEMENT, .says = "A file of that page", .sends = "*/*", .also = kept,
      .run = get_asset },
    { 0 },
};
/* clang-format on */
