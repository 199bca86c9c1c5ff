/* http/asset.h: a file that is part of the program, as it is served: by its name, with its type, and known by the
 * hash of its bytes. Constant; any thread. */
#ifndef HTTP_ASSET_H
#define HTTP_ASSET_H

#include <stddef.h>

struct http_asset {
    const char *name; /* holds a part of the hash; "": the page itself. Null ends a table */
    const char *type; /* Content-Type */
    const char *hash; /* SHA-256 in hexadecimal digits */
    const char *bytes;
    size_t      size;
};

#endif
