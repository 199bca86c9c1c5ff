/* api/verbs.h: sets of verbs in the JSON of our own API: lists of words, in the order of auth/verb.h. */
#ifndef API_VERBS_H
#define API_VERBS_H

#include "codec/json.h"

struct arena;
struct err;

/* In the arena. */
struct json_list api_verbs_print(struct arena *arena, unsigned verbs);

/* A list of struct str, as a body has it. ERR_INVALID, code INVALID_PARAMETERS, names the word that is no verb. */
int api_verbs_parse(const struct json_list *words, unsigned *out, struct err *err);

#endif
