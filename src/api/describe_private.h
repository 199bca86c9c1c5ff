/* api/describe_private.h: the components of the description, for the files that write it. */
#ifndef API_DESCRIBE_PRIVATE_H
#define API_DESCRIBE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/json.h"
#include "codec/json_write.h"

struct arena;

/* What travels one way. A table that is read and written has a shape for each, for in a body members may be
 * missing or null that an answer always has. */
struct api_shape {
    const struct json_table *table;
    bool                     is_body;
    bool                     is_closed; /* unknown members are refused */
    const char              *name;      /* of the component */
};

enum { API_SHAPES_MAX = 1024 };

struct api_shapes {
    struct arena     *arena;
    struct api_shape *list;
    size_t            n;
};

void api_shapes_init(struct api_shapes *shapes, struct arena *arena);

/* {"$ref": …} to the component of the table, which is written by api_shapes_write in the end. */
void api_shapes_write_ref(struct api_shapes *shapes, struct json_write *w,
                          const struct json_table *table, bool is_body, bool is_closed);

/* One member a shape, those that they lead to included. */
void api_shapes_write(struct api_shapes *shapes, struct json_write *w);

#endif
