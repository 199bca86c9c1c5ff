/* api/pages.h: a page of a list as long as the client asks for, from a function that reads a batch of rows: in
 * constant memory, one batch at a time (api/list.h keeps what was written).
 *
 *     list = api_list_begin(call, "members");
 *     api_pages_write(call, &pages, &what, &paging, list, &next);
 *     api_list_reply(list) and api_reply_next_start(call, next), or
 *     api_pages_reply(call, list, api_list_close(list), …) */
#ifndef API_PAGES_H
#define API_PAGES_H

#include <stddef.h>

#include "api/call.h"
#include "api/list.h"

struct api_pages {
    /* Rows in the order of their keys after `after` (exclusive; null view: from the start), at most n_max, in
     * the arena. what: as given to api_pages_write. */
    int (*read)(struct api_call *call, const void *what, struct arena *arena, struct str after,
                size_t n_max, void **out, size_t *n_out, struct err *err);
    size_t
        n_batch; /* rows that are read at once; 0: as many as rows of some hundred bytes are well read */
    size_t size;                                             /* of a row */
    struct str (*key)(struct arena *arena, const void *row); /* may live in the row */
    void (*write)(struct api_call *call, struct json_write *w, const void *row);
};

/* Writes the rows of the page; *out_next is the key of the last one when there are more, else the null view. */
int api_pages_write(struct api_call *call, const struct api_pages *pages, const void *what,
                    const struct api_paging *paging, struct api_list *list, struct str *out_next,
                    struct err *err);

/* Ends such a list on the routes of the accounts service, which say in the body too where the next page begins
 * and how many rows there are in all. w: of api_list_close, to which members of the
 * list's own may have been written. */
int api_pages_reply(struct api_call *call, struct api_list *list, struct json_write *w,
                    const struct api_paging *paging, int64_t n_in_all, struct str next,
                    struct err *err);

/* A whole list of the accounts service: start, limit and count of the query, the rows under `wrapper`. */
int api_pages_list(struct api_call *call, const struct api_pages *pages, const void *what,
                   const char *wrapper, int64_t n_in_all, struct err *err);

#endif
