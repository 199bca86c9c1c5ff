/* api/cookie.c: cookies, CSRF tokens and origins. */
#include "api/cookie.h"

#include "api/api_private.h"
#include "base/mem.h"
#include "codec/cookie.h"

#define NAME_TLS "__Host-assay"
#define NAME_PLAIN "assay"
#define SECOND_US INT64_C(1000000)

static const char *name_of(const struct api_call *call)
{
    return http_is_tls(call->req) ? NAME_TLS : NAME_PLAIN;
}

int api_cookie_read(const struct api_call *call, struct str *out)
{
    return cookie_find(http_header(call->req, "Cookie"), name_of(call), out);
}

/* max_age: the null view for a cookie that ends with the browser. */
static void write_cookie(struct api_call *call, struct str id, const char *max_age)
{
    http_reply_headerf(call->req, "Set-Cookie",
                       "%s=" STR_FMT "; Path=/%s; HttpOnly; SameSite=Lax%s", name_of(call),
                       STR_ARGS(id), http_is_tls(call->req) ? "; Secure" : "", max_age);
}

void api_cookie_set(struct api_call *call, struct str id)
{
    struct auth_session_policy policy = auth_session_policy(call->auth);
    int64_t                    life   = call->session.expires_at - call->session.used_at;

    write_cookie(call, id,
                 policy.is_kept
                     ? mem_printf(call->arena, "; Max-Age=%lld", (long long)(life / SECOND_US))
                     : "");
}

void api_cookie_clear(struct api_call *call)
{
    write_cookie(call, STR(""), "; Max-Age=0");
}

static bool is_listed(const struct api_call *call, struct str origin)
{
    const struct api_settings *settings = &call->api->settings;

    for (size_t i = 0; i < settings->n_external_urls; i++) {
        if (str_eq_nocase(origin, settings->external_urls[i]))
            return true;
    }
    return false;
}

bool api_origin_is_ours(const struct api_call *call)
{
    struct str site   = http_header(call->req, "Sec-Fetch-Site");
    struct str origin = http_header(call->req, "Origin");

    if (site.p != NULL && !str_is(site, "same-origin") && !str_is(site, "none"))
        return false;
    if (origin.p == NULL || is_listed(call, origin))
        return true;

    struct str scheme = http_is_tls(call->req) ? STR("https://") : STR("http://");
    return str_starts(origin, scheme) &&
           str_eq_nocase(str_from_index(origin, scheme.n), http_host(call->req));
}

bool api_csrf_is_right(const struct api_call *call)
{
    struct str token = http_header(call->req, "X-Csrf-Token");

    if (!api_origin_is_ours(call))
        return false;
    return call->route->is_form || str_eq_secret(token, str_from(call->session.csrf));
}
