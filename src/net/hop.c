/* net/hop.c: libcurl, told everything. */
#include "net/hop_private.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/head.h"
#include "net/url.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

CURL *net_hop_handle(void)
{
    pthread_once(&once, begin_curl);
    return curl_easy_init();
}

/* -- what libcurl asks -------------------------------------------------------------------------------- */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct net_hop *hop = context;

    (void)purpose;
    if (hop->allow != NULL && !hop->allow(hop->context, &to->addr)) {
        hop->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t take_head(char *bytes, size_t one, size_t n, void *context)
{
    struct net_hop *hop = context;

    buf_add(&hop->head, bytes, one * n);
    return hop->head.is_full ? 0 : one * n;
}

/* Bodies of answers that say yes go to the sink; the others are for people. */
static bool goes_to_sink(struct net_hop *hop)
{
    long status = 0;

    curl_easy_getinfo(hop->easy, CURLINFO_RESPONSE_CODE, &status);
    return hop->sink != NULL && status >= 200 && status < 300;
}

static int begin_sink(struct net_hop *hop)
{
    struct net_answer answer;

    if (hop->has_begun)
        return 0;
    hop->has_begun = true;
    if (net_head_parse(hop->arena, buf_view(&hop->head), &answer, hop->err) < 0)
        return -1;
    return hop->sink->begin == NULL ? 0 : hop->sink->begin(hop->sink->context, &answer, hop->err);
}

static bool is_too_long(const struct net_hop *hop, size_t size)
{
    return hop->answer_max > 0 && (uint64_t)hop->sunk + size > hop->answer_max;
}

static size_t sink_bytes(struct net_hop *hop, struct str bytes)
{
    if (is_too_long(hop, bytes.n)) {
        hop->body.is_full = true;
        return 0;
    }
    if (begin_sink(hop) < 0 || hop->sink->write(hop->sink->context, bytes, hop->err) < 0) {
        hop->is_broken = true;
        return 0;
    }
    hop->sunk += (int64_t)bytes.n;
    return bytes.n;
}

static size_t take_body(char *bytes, size_t one, size_t n, void *context)
{
    struct net_hop *hop  = context;
    size_t          size = one * n;
    size_t          room = hop->body.max - hop->body.n;

    if (goes_to_sink(hop))
        return sink_bytes(hop, (struct str){ .p = bytes, .n = size });
    if (hop->cuts && size > room) {
        buf_add(&hop->body, bytes, room);
        hop->is_cut = true;
        return 0;
    }
    buf_add(&hop->body, bytes, size);
    return hop->body.is_full ? 0 : size;
}

static size_t give_body(char *to, size_t one, size_t n, void *context)
{
    struct net_hop *hop = context;
    ssize_t         got = hop->source->read(hop->source->context, to, one * n, hop->err);

    if (got >= 0)
        return (size_t)got;
    hop->is_broken = true;
    return CURL_READFUNC_ABORT;
}

/* A connection that was kept and turns out to be dead wants the body once more. */
static int seek_body(void *context, curl_off_t offset, int origin)
{
    const struct net_hop *hop = context;

    if (offset != 0 || origin != SEEK_SET || hop->source->rewind == NULL)
        return CURL_SEEKFUNC_CANTSEEK;
    return hop->source->rewind(hop->source->context) < 0 ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

static int look_at_time(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                        curl_off_t up)
{
    struct net_hop *hop   = context;
    curl_off_t      first = 0, now = 0;

    (void)down_all;
    (void)up_all;
    (void)up;
    if (hop->should_stop != NULL && hop->should_stop(hop->context)) {
        hop->is_stopped = true;
        return 1;
    }
    if (hop->way->first_byte_us == 0 || down > 0 || hop->head.n > 0)
        return 0;
    curl_easy_getinfo(hop->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
    curl_easy_getinfo(hop->easy, CURLINFO_TOTAL_TIME_T, &now);
    hop->is_late = first == 0 && now > hop->way->first_byte_us;
    return hop->is_late ? 1 : 0;
}

/* -- what it is told ---------------------------------------------------------------------------------- */

static void end_list(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static int list_headers(const struct net_hop *hop, struct curl_slist **out, struct err *err)
{
    const struct net_request *request  = hop->request;
    bool                      has_body = hop->source != NULL || request->body.p != NULL;

    *out = curl_slist_append(NULL, "Expect:"); /* no question before a body */
    if (!has_body)
        *out = curl_slist_append(*out, "Content-Type:"); /* libcurl would name one */
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct net_header *header = &request->headers[i];

        if (!net_head_is_header(header->name, header->value))
            return err_set(err, ERR_INVALID, "`" STR_FMT "` is no header, or holds a line end",
                           STR_ARGS(str_sub(header->name, 0, 100)));
        if (!hop->with_credentials && net_head_is_credential(header->name))
            continue;
        /* libcurl takes "Name:" for "no such header". */
        *out = curl_slist_append(*out, mem_printf(hop->arena, STR_FMT "%s" STR_FMT,
                                                  STR_ARGS(header->name),
                                                  header->value.n > 0 ? ": " : ";",
                                                  STR_ARGS(header->value)));
    }
    return 0;
}

static long in_ms(int64_t us)
{
    return us <= 0 ? 0 : (long)(us / 1000 + 1);
}

static const char *or_empty(struct str s)
{
    return s.p == NULL ? "" : s.p;
}

static void set_trust(CURL *easy, const struct net_way *way)
{
    struct curl_blob pem = { .data  = (void *)(uintptr_t)way->ca_pem.p,
                             .len   = way->ca_pem.n,
                             .flags = CURL_BLOB_COPY };

    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, way->skips_verification ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, way->skips_verification ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (way->ca_file.p != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, way->ca_file.p);
    if (way->ca_pem.p != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &pem);
    if (way->ca_file.p != NULL || way->ca_is_all)
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

static void set_transport(struct net_hop *hop)
{
    const struct net_way *way  = hop->way;
    CURL                 *easy = hop->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, hop->url->is_plain ? "http" : "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_PROXY, or_empty(way->proxy));
    curl_easy_setopt(easy, CURLOPT_NOPROXY, or_empty(way->no_proxy));
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, way->addresses);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, in_ms(way->connect_us));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, in_ms(way->total_us));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, way->min_rate > 0 ? way->min_rate : 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, in_ms(way->stall_us) / 1000);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, hop->reason);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, hop);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look_at_time);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, hop);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    set_trust(easy, way);
}

/* Methods that say Content-Length: 0 when there is no body (RFC 9110, 8.6). */
static bool wants_body(const struct net_request *request)
{
    return str_is(request->method, "POST") || str_is(request->method, "PUT") ||
           str_is(request->method, "PATCH");
}

static void set_body(const struct net_hop *hop)
{
    const struct net_request *request = hop->request;
    CURL                     *easy    = hop->easy;

    if (hop->source != NULL) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)hop->source->size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, hop);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, hop);
    } else if (request->body.p != NULL || wants_body(request)) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, or_empty(request->body));
    }
}

static void set_request(struct net_hop *hop)
{
    const struct net_request *request = hop->request;
    CURL                     *easy    = hop->easy;

    curl_easy_setopt(easy, CURLOPT_URL, hop->url->text.p);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, or_empty(hop->way->agent));
    if (str_is(request->method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    set_body(hop);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, str_dup(hop->arena, request->method));
    if (request->user.p != NULL && hop->with_credentials) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, str_dup(hop->arena, request->user));
        curl_easy_setopt(easy, CURLOPT_PASSWORD, str_dup(hop->arena, request->password));
    }
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, hop);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, hop);
}

static int64_t time_of(CURL *easy, CURLINFO which)
{
    curl_off_t us = 0;

    curl_easy_getinfo(easy, which, &us);
    return us;
}

static void note_times(struct net_hop *hop)
{
    long n_connects = 0;

    curl_easy_getinfo(hop->easy, CURLINFO_NUM_CONNECTS, &n_connects);
    hop->times = (struct net_times){
        .connect_us    = time_of(hop->easy, CURLINFO_APPCONNECT_TIME_T),
        .first_byte_us = time_of(hop->easy, CURLINFO_STARTTRANSFER_TIME_T),
        .total_us      = time_of(hop->easy, CURLINFO_TOTAL_TIME_T),
        .is_reused     = n_connects == 0 && hop->code == CURLE_OK,
    };
}

int net_hop_run(struct net_hop *hop, struct err *err)
{
    AUTO(end_list) struct curl_slist *headers = NULL;

    buf_init(&hop->head, hop->arena, NET_HEAD_MAX);
    buf_init(&hop->body, hop->arena, hop->sink == NULL ? hop->answer_max : NET_HEAD_MAX);
    hop->reason[0] = '\0';
    hop->err       = err;
    if (list_headers(hop, &headers, err) < 0)
        return -1;

    curl_easy_reset(hop->easy);
    set_transport(hop);
    set_request(hop);
    curl_easy_setopt(hop->easy, CURLOPT_HTTPHEADER, headers);
    hop->code = curl_easy_perform(hop->easy);
    if (hop->is_cut && hop->code == CURLE_WRITE_ERROR)
        hop->code = CURLE_OK;
    if (hop->code == CURLE_OK && goes_to_sink(hop) && begin_sink(hop) < 0) {
        hop->is_broken = true;
        hop->code      = CURLE_WRITE_ERROR;
    }
    note_times(hop);
    curl_easy_reset(hop->easy); /* it points into this hop */
    return 0;
}

bool net_hop_is_redirect(const struct net_request *request, const struct net_answer *answer)
{
    bool is_safe = str_is(request->method, "GET") || str_is(request->method, "HEAD");
    int  status  = answer->status;

    return is_safe && net_header(answer, "Location").p != NULL &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}
