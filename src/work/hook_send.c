/* work/hook_send.c: one message of a webhook on its way: signed, sent once, and what came back. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/clock.h"
#include "net/outbound.h"
#include "work/hook_private.h"

enum { HEADERS_MAX = 4, ANSWER_MAX = 4096 };

static size_t fill_headers(struct arena *arena, const struct hook_message *message, int64_t at_s,
                           struct str signature, struct net_header out[HEADERS_MAX])
{
    size_t n = 0;

    out[n++] = (struct net_header){ STR("Content-Type"), str_from(message->media_type) };
    out[n++] = (struct net_header){ STR("webhook-id"), message->id };
    out[n++] = (struct net_header){ STR("webhook-timestamp"),
                                    str_from(mem_printf(arena, "%lld", (long long)at_s)) };
    if (signature.n > 0)
        out[n++] = (struct net_header){ STR("webhook-signature"), signature };
    return n;
}

/* Said in words that tell a receiver's owner what to do, and nothing of the network behind (hostile, D-08). */
static struct str failure_of(struct arena *arena, int done, int status, const struct err *err)
{
    if (done < 0)
        return str_from(mem_strdup(arena, err->text));
    return str_from(mem_printf(arena, "it answered with status %d", status));
}

struct hook_sent hook_send(struct work *work, struct arena *arena,
                           const struct hook_message *message)
{
    int64_t                    began = clock_monotonic_us();
    int64_t                    at_s  = clock_utc_us() / 1000000;
    struct net_header          headers[HEADERS_MAX];
    struct net_outbound_answer answer = { 0 };
    struct str                 signature;
    struct err                 err;
    int done = hook_sign(arena, message->secrets, ARRAY_LEN(message->secrets), message->id, at_s,
                         message->body, &signature, &err);

    if (done < 0)
        return (struct hook_sent){ .is_local = true, .failure = failure_of(arena, -1, 0, &err) };

    struct net_outbound_request request = {
        .request            = { .method    = STR("POST"),
                                .url       = message->url,
                                .headers   = headers,
                                .n_headers = fill_headers(arena, message, at_s, signature, headers),
                                .body      = message->body },
        .ca                 = message->tls_cert.n > 0 ? message->tls_cert : STR_NULL,
        .skips_verification = message->skip_tls,
        .answer_max         = ANSWER_MAX,
        .cuts               = true,
        .connect_us         = message->timeout_us,
        .first_byte_us      = message->timeout_us,
        .total_us           = message->timeout_us,
        .wait_us            = message->timeout_us,
        .pad_us             = message->pad_us,
        .should_stop        = message->should_stop,
        .context            = message->context,
    };
    done       = net_outbound_call(work->hooks->settings.outbound, arena, &request, &answer, &err);
    int status = done < 0 ? 0 : answer.answer.status;

    return (struct hook_sent){
        .status         = status,
        .is_done        = status >= 200 && status < 300,
        .is_local       = done < 0 && err.kind == ERR_TOO_MANY,
        .failure        = failure_of(arena, done, status, &err),
        .duration_us    = clock_monotonic_us() - began,
        .retry_after_us = done < 0 ? 0 : answer.retry_after_us,
    };
}
