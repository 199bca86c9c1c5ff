/* api/follow.h: what a job says, sent on while it says it (http/stream.h): a line of JSON for each, until the job has ended. Each follower
 * is a thread that looks a few times a second; there are API_FOLLOWERS_MAX at most. An empty line now and then keeps
 * connections open. It ends early when the client goes, the node stops, or the caller loses the right. */
#ifndef API_FOLLOW_H
#define API_FOLLOW_H

#include <stdint.h>

struct api;
struct api_call;
struct err;
struct json_table;

enum { API_FOLLOWERS_MAX = 64 };

/* Answers 200 with the lines after `offset`, at most `limit`. line: the table of a struct meta_job_line. ERR_UNAVAILABLE
 * when too many follow. */
int api_follow_job(struct api_call *call, int64_t job_id, int64_t offset, int64_t limit,
                   const struct json_table *line, struct err *err);

/* Waits until all have ended; after the server has. */
void api_follow_wait(struct api *api);

#endif
