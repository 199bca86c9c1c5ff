/* base/err.h: the one error type.
 *
 * A struct err lives on the caller's stack and is the last argument of every function that can fail.
 * Such a function returns 0 when done and -1 with the error filled; a `find` returns 1 found, 0 absent,
 * -1 failed, for absence is no failure. Out-parameters are untouched on failure and always set on
 * success. An error is made once (err_set), wrapped on the way with what the caller knows (err_wrap),
 * and told once, by the function that stops passing it up. Null is not allowed for err; a caller that
 * does not care says so with a local named `ignored` and a reason. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* What went wrong, from the point of view of whoever must answer. The row of each kind
 * (err_kind_info) says the rest. */
enum err_kind {
    ERR_NONE,
    ERR_NOT_FOUND,
    ERR_EXISTS,
    ERR_INVALID,
    ERR_TOO_LARGE,
    ERR_UNAUTHENTICATED,
    ERR_DENIED,
    ERR_CONFLICT,
    ERR_PRECONDITION,
    ERR_RANGE,
    ERR_MEDIA,
    ERR_UNSUPPORTED,
    ERR_TOO_MANY,
    ERR_UNAVAILABLE,
    ERR_FULL,
    ERR_CORRUPT,
    ERR_INTERNAL,
    ERR_N_KINDS
};

struct err_kind_info {
    const char *name;      /* "not-found" */
    int         status;    /* HTTP */
    const char *code;      /* default code of the registry error JSON */
    bool        is_public; /* may the client see the text? */
    bool        is_fault;  /* ours: logged as an error with its cause; otherwise the client's */
};

enum { ERR_TEXT_MAX = 512, ERR_ABOUT_MAX = 384 };

struct err {
    enum err_kind kind;
    int           os;   /* errno, or 0 */
    const char   *code; /* a static registry code that is more exact than the kind's, or null */
    bool may_repeat;    /* it lost a race and nothing of it happened: the same again may succeed */
    char about[ERR_ABOUT_MAX]; /* the digest, name or value it is about, for the answer's detail */
    char text[ERR_TEXT_MAX];   /* one sentence part, names the thing and the reason */
};

const struct err_kind_info *err_kind_info(enum err_kind kind);

/* All of these return -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* With the errno of the moment: "opening x: No such file". ENOSPC, EDQUOT become ERR_FULL whatever the
 * kind asked for. */
int err_set_os(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* With a registry code (a static text such as "DIGEST_INVALID") and the thing it is about, which is
 * cut to fit and may be the null view. */
int err_set_code(struct err *err, enum err_kind kind, const char *code, struct str about,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Puts "what: " before the text. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Kind ERR_CORRUPT with the place in the source that noticed. */
#define err_set_corrupt(err, ...) err_set_corrupt_at((err), __FILE__, __LINE__, __VA_ARGS__)
int err_set_corrupt_at(struct err *err, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The registry code to answer with: the exact one, else the kind's. */
const char *err_code(const struct err *err);

#endif
