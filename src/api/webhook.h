/* api/webhook.h: what the webhook routes of DTR and our own share: who may, and one subscription in the caller's
 * hands. */
#ifndef API_WEBHOOK_H
#define API_WEBHOOK_H

#include <stdbool.h>

#include "api/call.h"
#include "api/pages.h"
#include "work/hook.h"

/* The place of the key when the caller may manage webhooks there: 1; 0 it is answered; -1. */
int api_webhook_place(struct api_call *call, struct str key, struct auth_repo *out,
                      struct err *err);

/* One subscription when the caller may manage it; else it is not there. 0, -1. */
int api_webhook_open(struct api_call *call, struct str uuid, struct meta_webhook *out,
                     struct err *err);

/* Lists: those of the filter that the caller may manage, by id. is_open: the row's action has decided that already. */
struct api_webhook_list {
    struct meta_webhook_filter filter;
    bool                       is_open;
};

/* For api_pages: rows are struct meta_webhook. */
int api_webhook_read(struct api_call *call, const void *what, struct arena *arena, struct str after,
                     size_t n_max, void **out, size_t *n_out, struct err *err);
struct str api_webhook_key(struct arena *arena, const void *row);

/* A type of the query, "any" and nothing being all: ERR_INVALID about the field. */
int api_webhook_type(struct api_call *call, const char *field, struct str *out, struct err *err);

#endif
