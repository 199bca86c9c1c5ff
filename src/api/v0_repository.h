/* api/v0_repository.h: repositories as DTR's routes show them, for the files that show them within something else. */
#ifndef API_V0_REPOSITORY_H
#define API_V0_REPOSITORY_H

#include "work/walk.h"

struct api_call;
struct err;
struct json_table;

/* Of a struct work_repo. */
extern const struct json_table api_v0_repo_table;

/* pageStart, pageSize and count, as a page of work/. */
int api_v0_page_read(struct api_call *call, struct work_page *out, struct err *err);

/* The headers that tell of a page that was answered. */
void api_v0_page_reply(struct api_call *call, const struct work_page *page);

#endif
