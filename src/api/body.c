/* api/body.c: JSON bodies of the management APIs, through the door in codec and by the table of the row. */
#include "api/call.h"

#include "base/err.h"

/* A browser sends cookies along whatever page asks it to, but no page of another origin can make it send
 * this type without asking us first. Other clients are taken at their bytes. */
static int check_type(const struct api_call *call, struct err *err)
{
    struct str type = http_header(call->req, "Content-Type");
    ptrdiff_t  end  = str_find(type, ';');

    if (!call->caller.is_session)
        return 0;
    if (str_eq_nocase(str_trim(end < 0 ? type : str_sub(type, 0, (size_t)end)),
                      STR("application/json")))
        return 0;
    return err_set_code(err, ERR_MEDIA, "UNSUPPORTED_MEDIA_TYPE", type,
                        "the body must be of the type application/json");
}

int api_body(struct api_call *call, void *out, struct err *err)
{
    struct str        body = http_body(call->req);
    enum json_unknown unknown =
        call->route->family == API_DTR ? JSON_COLLECT_UNKNOWN : JSON_REFUSE_UNKNOWN;

    if (str_trim(body).n == 0)
        body = STR("{}");
    else if (check_type(call, err) < 0)
        return -1;
    if (json_read_as(call->arena, body, &json_limits_default, call->route->takes, unknown, out,
                     &call->ignored, err) == 0)
        return 0;
    if (err->code == NULL && err->kind == ERR_INVALID)
        err->code = "INVALID_JSON";
    return -1;
}
