/* api/list.h: an answer that is a list of any length, made in constant memory. Items are written one after
 * the other; what exceeds a buffer goes to a file without a name in the data directory, and the answer is
 * sent from there with its length known. So a list that fails half-way is a clean error, no transaction waits
 * for a slow client, and a page of 100,000 rows costs what a page of ten does.
 *
 *     api_list_begin ▶ (api_list_item ▶ write one value ▶)* api_list_reply
 *
 * Belongs to the thread of its call; everything ends with the call's arena. */
#ifndef API_LIST_H
#define API_LIST_H

#include "codec/json_write.h"

struct api_call;
struct err;

struct api_list;

/* wrapper: the member of an object that holds the list ("repositories"); null: the list is the answer. */
struct api_list *api_list_begin(struct api_call *call, const char *wrapper);

/* Null with err when what came before could not be kept. */
struct json_write *api_list_item(struct api_list *list, struct err *err);

/* Ends the list itself and gives the writer for members that follow it in the wrapping object. */
struct json_write *api_list_close(struct api_list *list);

/* Ends what is open and answers 200. Headers may be added afterwards. */
int api_list_reply(struct api_list *list, struct err *err);

#endif
