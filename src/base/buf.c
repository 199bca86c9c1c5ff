/* base/buf.c: a growing buffer whose failure sticks. Growth doubles, so that n writes cost O(n). */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { FIRST_ROOM = 128 };

void buf_init(struct buf *buf, struct arena *arena, size_t max)
{
    *buf = (struct buf){ .arena = arena, .max = max };
}

char *buf_reserve(struct buf *buf, size_t size)
{
    if (buf->is_full || size > buf->max - buf->n) {
        buf->is_full = true;
        return NULL;
    }

    size_t needed = buf->n + size + 1;
    if (needed > buf->room) {
        size_t room = buf->room == 0 ? FIRST_ROOM : buf->room * 2;

        if (room < needed)
            room = needed;
        buf->p    = mem_resize(buf->arena, buf->p, room);
        buf->room = room;
    }
    return buf->p + buf->n;
}

void buf_grew(struct buf *buf, size_t size)
{
    buf->n += size;
    buf->p[buf->n] = '\0';
}

void buf_add(struct buf *buf, const void *bytes, size_t size)
{
    char *at = buf_reserve(buf, size);

    if (at == NULL)
        return;
    if (size > 0)
        memcpy(at, bytes, size);
    buf_grew(buf, size);
}

void buf_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.p, s.n);
}

void buf_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;

    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0) {
        buf->is_full = true;
        return;
    }

    char *at = buf_reserve(buf, (size_t)size);
    if (at == NULL)
        return;
    vsnprintf(at, (size_t)size + 1, format, args);
    buf_grew(buf, (size_t)size);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_reset(struct buf *buf)
{
    buf->n       = 0;
    buf->is_full = false;
    if (buf->p != NULL)
        buf->p[0] = '\0';
}

struct str buf_view(const struct buf *buf)
{
    return (struct str){ .p = buf->p == NULL ? "" : buf->p, .n = buf->n };
}

int buf_finish(struct buf *buf, struct str *out, struct err *err)
{
    if (buf->is_full)
        return err_set(err, ERR_TOO_LARGE, "a text grew past its limit of %zu bytes", buf->max);

    *out = buf_view(buf);
    return 0;
}
