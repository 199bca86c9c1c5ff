/* api/host.h: what the API asks of the node that it runs on: the settings in force, and what is wrong. Given by whoever
 * starts it (cmd/serve), which stands above; the functions may be called by any thread. */
#ifndef API_HOST_H
#define API_HOST_H

#include "base/str.h"

struct conf;
struct err;

/* Something that a person should look at. Lives until the call that it is given to returns. */
struct api_alert {
    struct str id;      /* of what was looked at: "disk" */
    struct str weight;  /* "warning", "error" */
    struct str message; /* what is wrong, and what to do */
};

typedef int api_alert_each(void *context, const struct api_alert *alert, struct err *err);

struct api_host {
    void      *node; /* goes with each call */
    struct str id;   /* of the node: 12 hex digits */

    /* A snapshot of the settings; the caller gives it back with conf_unref. */
    struct conf *(*settings)(void *node);

    /* A setting of the registry has been changed: it is in force here when this returns. */
    int (*reload)(void *node, struct err *err);

    /* Calls `each` for whatever is wrong now. */
    int (*alerts)(void *node, api_alert_each *each, void *context, struct err *err);
};

#endif
