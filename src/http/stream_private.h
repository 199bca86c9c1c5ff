/* http/stream_private.h: what the server does with a stream. */
#ifndef HTTP_STREAM_PRIVATE_H
#define HTTP_STREAM_PRIVATE_H

#include <stdint.h>

struct MHD_Response;
struct http_stream;

/* The library's answer; null when it could not be made. */
struct MHD_Response *http_stream_response(struct http_stream *stream);

/* The answer is out, or the connection is gone: nobody reads any more. Returns how many bytes were. */
int64_t http_stream_lose(struct http_stream *stream);

/* The request's share; null is nothing. */
void http_stream_give(struct http_stream **stream);

#endif
