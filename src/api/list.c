/* api/list.c: lists of any length as answers. */
#include "api/list.h"

#include "api/api_private.h"
#include "base/mem.h"
#include "io/file.h"

struct api_list {
    struct api_call  *call;
    struct json_write w;
    struct buf        buf;
    int               fd; /* -1 while everything fits into the buffer */
    int64_t           spooled;
};

enum { KEPT_MAX = 64 * 1024, ITEM_MAX = 1024 * 1024 };

static void close_spool(void *context)
{
    struct api_list *list = context;

    file_close(&list->fd);
}

struct api_list *api_list_begin(struct api_call *call, const char *wrapper)
{
    struct api_list *list = mem_one(call->arena, struct api_list);

    list->call = call;
    list->fd   = -1;
    arena_on_free(call->arena, close_spool, list);
    buf_init(&list->buf, call->arena, KEPT_MAX + ITEM_MAX);
    json_write_init(&list->w, &list->buf);
    if (wrapper != NULL) {
        json_write_object(&list->w);
        json_write_key(&list->w, wrapper);
    }
    json_write_list(&list->w);
    return list;
}

static int spool(struct api_list *list, struct err *err)
{
    struct str bytes;

    if (buf_finish(&list->buf, &bytes, err) < 0)
        return -1;
    if ((list->fd < 0 &&
         file_open_nameless(list->call->api->settings.spool_fd, &list->fd, err) < 0) ||
        file_write_all(list->fd, bytes, -1, err) < 0)
        return err_wrap(err, "keeping a long list");
    list->spooled += (int64_t)bytes.n;
    buf_reset(&list->buf);
    return 0;
}

struct json_write *api_list_item(struct api_list *list, struct err *err)
{
    if (list->buf.n >= KEPT_MAX && spool(list, err) < 0)
        return NULL;
    return &list->w;
}

struct json_write *api_list_close(struct api_list *list)
{
    json_write_end(&list->w);
    return &list->w;
}

int api_list_reply(struct api_list *list, struct err *err)
{
    struct str bytes;

    while (list->w.depth > 0)
        json_write_end(&list->w);
    if (list->fd < 0) {
        if (buf_finish(&list->buf, &bytes, err) < 0)
            return -1;
        api_reply_json(list->call, 200, bytes);
        return 0;
    }

    if (spool(list, err) < 0)
        return -1;
    api_reply_start(list->call, 200);
    http_reply_header(list->call->req, "Content-Type", STR("application/json"));
    http_reply_file(list->call->req, file_take(&list->fd), 0, list->spooled);
    return 0;
}
