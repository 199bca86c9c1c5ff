/* base/buf.h: bytes that grow in an arena up to a maximum told at birth.
 *
 * Always terminated, binary safe. The first refusal (the maximum would be passed) sticks: later calls
 * do nothing, and buf_finish says so once. So callers write straight on and ask at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena;
struct err;

struct buf {
    struct arena *arena;
    char         *p;
    size_t        n;
    size_t        room;
    size_t        max;
    bool          is_full; /* something did not fit */
};

void buf_init(struct buf *buf, struct arena *arena, size_t max);

void buf_add(struct buf *buf, const void *bytes, size_t size);
void buf_str(struct buf *buf, struct str s);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Room for `size` more bytes at the end, to be filled by the caller and then told with buf_grew; null
 * when they would not fit. */
char *buf_reserve(struct buf *buf, size_t size);
void  buf_grew(struct buf *buf, size_t size);

/* Forget the content, keep the room and forgive a refusal. */
void buf_reset(struct buf *buf);

/* The content so far; valid until the next write. */
struct str buf_view(const struct buf *buf);

/* 0 and the content; -1 ERR_TOO_LARGE when something did not fit. */
int buf_finish(struct buf *buf, struct str *out, struct err *err);

#endif
