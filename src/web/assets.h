/* web/assets.h: the page that shows the description of the API, and what it needs. The table is written by
 * tools/embed_web.py when the program is built. */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include "http/asset.h"

extern const struct http_asset web_assets[]; /* ends with a row without name */

#endif
