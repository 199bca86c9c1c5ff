/* api/v0_repository.h: repositories as DTR's routes show them, for the files that show them within something else. */
#ifndef API_V0_REPOSITORY_H
#define API_V0_REPOSITORY_H

#include <stdint.h>

#include "api/call.h"
#include "api/pages.h"
#include "base/str.h"

struct err;
struct json_table;

/* Of a struct work_repo. */
extern const struct json_table api_v0_repo_table;

/* A list with pageStart and pageSize: read, begun and its rows written; then members of the wrapping object may follow
 * (api_list_close), and the reply with the headers that tell of the page. */
int api_v0_paging_read(struct api_call *call, struct api_paging *out, struct err *err);

struct api_v0_list {
    struct api_paging paging;
    struct api_list  *list;
    struct str        next;
};

int api_v0_list_begin(struct api_call *call, const struct api_paging *paging,
                      const struct api_pages *pages, const void *what, struct api_v0_list *out,
                      struct err *err);

/* n_in_all is looked at when the client wants a count (out->paging.wants_count). */
int api_v0_list_reply(struct api_call *call, const struct api_v0_list *list, int64_t n_in_all,
                      struct err *err);

#endif
