/* api/describe.h: the description of the API (OpenAPI 3.1), made from the tables of routes and of JSON fields
 * and from nothing else: what a row does not say is not in it, and what no row has cannot be.
 *
 * Of each row: what it is for, who may, the holes of its path, its query, its body, its answer, and the refusals
 * that rows of its kind can get. A hole of several segments is described as one parameter, for OpenAPI knows no
 * other; HEAD, which finds the row of GET, is left out. */
#ifndef API_DESCRIBE_H
#define API_DESCRIBE_H

#include "base/str.h"

struct api_route;
struct arena;

/* The text of the description, in the arena. Tables end with null, rows with one without a name. */
struct str api_describe(struct arena *arena, const struct api_route *const *tables);

#endif
