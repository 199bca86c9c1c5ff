/* api/place.h: the place that a rule, a hold or the like stands at: a prefix, or the path of a repository, which comes in a
 * query or body rather than in the path of the route. */
#ifndef API_PLACE_H
#define API_PLACE_H

#include "api/call.h"

/* The place in the caller's hands, when it has the verb there. 1; 0 it is answered, as the row itself would; -1. needs: the
 * right that is missing, static. */
int api_place_open(struct api_call *call, struct str path, enum auth_verb verb, const char *needs,
                   struct auth_repo *out, struct err *err);

/* The same for a living repository. */
int api_place_open_repo(struct api_call *call, struct str path, enum auth_verb verb,
                        const char *needs, struct auth_repo *out, struct err *err);

/* The query of such a list: prefix, pageStart, pageSize. */
extern const struct api_param api_place_params[];

/* A list of what stands at a prefix (of the query; the whole registry when it says none) and below, for those who have the
 * verb there. `what` of the pages is the prefix, a struct str. */
struct api_pages;
int api_place_list(struct api_call *call, const struct api_pages *pages, const char *wrapper,
                   enum auth_verb verb, const char *needs, struct err *err);

#endif
