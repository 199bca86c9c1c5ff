/* api/pages.c: pages of any length from batches. */
#include "api/pages.h"

#include "base/mem.h"

enum { BATCH = 2000 };

/* Writes at most n_max rows after *after, which moves on. One row more is read than is written, for it tells
 * whether anything follows. */
static int write_batch(struct api_call *call, const struct api_pages *pages, const void *what,
                       size_t n_max, struct api_list *list, struct str *after, size_t *out_n,
                       bool *out_more, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    void                          *rows;
    size_t                         n_read;

    if (pages->read(call, what, arena, *after, n_max + 1, &rows, &n_read, err) < 0)
        return -1;
    *out_more = n_read > n_max;
    *out_n    = *out_more ? n_max : n_read;
    for (size_t i = 0; i < *out_n; i++) {
        const char        *row = (const char *)rows + i * pages->size;
        struct json_write *w   = api_list_item(list, err);

        if (w == NULL)
            return -1;
        pages->write(call, w, row);
        if (i + 1 == *out_n)
            *after = str_copy(call->arena, pages->key(arena, row));
    }
    return 0;
}

int api_pages_write(struct api_call *call, const struct api_pages *pages, const void *what,
                    const struct api_paging *paging, struct api_list *list, struct str *out_next,
                    struct err *err)
{
    struct str after = paging->start;
    size_t     left  = paging->size;
    bool       more  = true;

    size_t batch = pages->n_batch == 0 ? BATCH : pages->n_batch;

    while (left > 0 && more) {
        size_t n;

        if (write_batch(call, pages, what, left < batch ? left : batch, list, &after, &n, &more,
                        err) < 0)
            return -1;
        left -= n;
    }
    *out_next = more ? after : STR_NULL;
    return 0;
}

int api_pages_reply(struct api_call *call, struct api_list *list, struct json_write *w,
                    const struct api_paging *paging, int64_t n_in_all, struct str next,
                    struct err *err)
{
    struct str start = next.p == NULL ? STR("") : api_page_start(call->arena, next);

    json_write_int_at(w, "resourceCount", n_in_all);
    json_write_str_at(w, "nextPageStart", start);
    if (api_list_reply(list, err) < 0)
        return -1;
    if (next.p != NULL)
        api_reply_next_start(call, next);
    if (paging->wants_count)
        api_reply_count(call, n_in_all);
    return 0;
}

int api_pages_list(struct api_call *call, const struct api_pages *pages, const void *what,
                   const char *wrapper, int64_t n_in_all, struct err *err)
{
    struct api_paging paging;
    struct str        next;

    if (api_paging_read(call, "start", "limit", &paging, err) < 0)
        return -1;

    struct api_list *list = api_list_begin(call, wrapper);
    if (api_pages_write(call, pages, what, &paging, list, &next, err) < 0)
        return -1;
    return api_pages_reply(call, list, api_list_close(list), &paging, n_in_all, next, err);
}
