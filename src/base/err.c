/* base/err.c: errors and the table that says what each kind means to the outside. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

/* clang-format off */
static const struct err_kind_info kinds[ERR_N_KINDS] = {
    [ERR_NONE]            = { "none",            500, "UNKNOWN",           false, true  },
    [ERR_NOT_FOUND]       = { "not-found",       404, "NOT_FOUND",         true,  false },
    [ERR_EXISTS]          = { "exists",          409, "CONFLICT",          true,  false },
    [ERR_INVALID]         = { "invalid",         400, "INVALID",           true,  false },
    [ERR_TOO_LARGE]       = { "too-large",       413, "SIZE_INVALID",      true,  false },
    [ERR_UNAUTHENTICATED] = { "unauthenticated", 401, "UNAUTHORIZED",      true,  false },
    [ERR_DENIED]          = { "denied",          403, "DENIED",            true,  false },
    [ERR_CONFLICT]        = { "conflict",        409, "CONFLICT",          true,  false },
    [ERR_PRECONDITION]    = { "precondition",    412, "PRECONDITION",      true,  false },
    [ERR_RANGE]           = { "range",           416, "RANGE_INVALID",     true,  false },
    [ERR_MEDIA]           = { "media",           415, "UNSUPPORTED",       true,  false },
    [ERR_UNSUPPORTED]     = { "unsupported",     405, "UNSUPPORTED",       true,  false },
    [ERR_TOO_MANY]        = { "too-many",        429, "TOOMANYREQUESTS",   true,  false },
    [ERR_UNAVAILABLE]     = { "unavailable",     503, "UNAVAILABLE",       false, true  },
    [ERR_FULL]            = { "full",            507, "UNAVAILABLE",       false, true  },
    [ERR_CORRUPT]         = { "corrupt",         500, "UNKNOWN",           false, true  },
    [ERR_INTERNAL]        = { "internal",        500, "UNKNOWN",           false, true  },
};
/* clang-format on */

const struct err_kind_info *err_kind_info(enum err_kind kind)
{
    ASSERT(kind >= 0 && kind < ERR_N_KINDS);
    return &kinds[kind];
}

__attribute__((format(printf, 5, 0))) static void fill(struct err *err, enum err_kind kind, int os,
                                                       const char *code, const char *format,
                                                       va_list args)
{
    err->kind       = kind;
    err->os         = os;
    err->code       = code;
    err->may_repeat = false;
    err->about[0]   = '\0';
    vsnprintf(err->text, sizeof(err->text), format, args);
}

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, kind, 0, NULL, format, args);
    va_end(args);
    return -1;
}

int err_set_os(struct err *err, enum err_kind kind, const char *format, ...)
{
    int     os = errno;
    va_list args;

    if (os == ENOSPC || os == EDQUOT)
        kind = ERR_FULL;

    va_start(args, format);
    fill(err, kind, os, NULL, format, args);
    va_end(args);

    size_t used = strlen(err->text);
    char   reason[128];
    snprintf(err->text + used, sizeof(err->text) - used, ": %s",
             strerror_r(os, reason, sizeof(reason)));
    return -1;
}

int err_set_code(struct err *err, enum err_kind kind, const char *code, struct str about,
                 const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, kind, 0, code, format, args);
    va_end(args);

    size_t size = about.n < sizeof(err->about) - 1 ? about.n : sizeof(err->about) - 1;
    if (size > 0)
        memcpy(err->about, about.p, size);
    err->about[size] = '\0';
    return -1;
}

int err_wrap(struct err *err, const char *format, ...)
{
    char    what[ERR_TEXT_MAX];
    char    old[ERR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    int size = vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (size < 0)
        return -1;

    /* What the caller adds may be cut, the cause may not: it gets at least half of the room. */
    memcpy(old, err->text, sizeof(old));
    snprintf(err->text, sizeof(err->text), "%.*s: %s", ERR_TEXT_MAX / 2, what, old);
    return -1;
}

int err_set_corrupt_at(struct err *err, const char *file, int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, ERR_CORRUPT, 0, NULL, format, args);
    va_end(args);

    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, " (%s:%d)", file, line);
    return -1;
}

const char *err_code(const struct err *err)
{
    return err->code != NULL ? err->code : err_kind_info(err->kind)->code;
}
