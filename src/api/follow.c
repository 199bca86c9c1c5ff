/* api/follow.c: logs of jobs as they grow. */
#include "api/follow.h"

#include <pthread.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "http/stream.h"
#include "io/clock.h"
#include "work/job.h"

#define LOOK_US INT64_C(300000)
#define QUIET_US INT64_C(15000000) /* then an empty line */
#define RIGHTS_US INT64_C(4000000) /* between two looks whether the caller still may */

enum { LINES = 200, TEXT_MAX = 8 * 1024 * 1024 };

struct follower {
    struct api              *api;
    struct http_stream      *stream;
    const struct json_table *line;
    struct auth_caller       caller;
    int64_t                  job_id;
    int64_t                  after;
    int64_t                  left;
    int64_t                  spoke_at;
    int64_t                  asked_at;
};

/* Sends what there is: how many lines, or -1 when it is time to end. */
static int64_t send_lines(struct follower *f)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_job_line          *lines;
    struct buf                     text;
    struct err                     err;
    size_t                         n;
    bool                           has_ended;

    if (work_job_lines(f->api->settings.work, arena, f->job_id, f->after,
                       f->left < LINES ? (size_t)f->left : LINES, &lines, &n, &has_ended, &err) < 0)
        return err.kind == ERR_UNAVAILABLE ? 0 : -1; /* the database comes back */
    buf_init(&text, arena, TEXT_MAX);
    for (size_t i = 0; i < n; i++) {
        struct json_write w;

        json_write_init(&w, &text);
        json_write_table(&w, f->line, &lines[i]);
        buf_char(&text, '\n');
        f->after = lines[i].line;
    }
    f->left -= (int64_t)n;
    if (n > 0) {
        f->spoke_at = clock_monotonic_us();
        if (!http_stream_write(f->stream, buf_view(&text)))
            return -1;
    }
    return f->left == 0 || (has_ended && n < LINES) ? -1 : (int64_t)n;
}

static bool still_may(struct follower *f)
{
    enum auth_verdict verdict;
    struct err        err;
    int64_t           now = clock_monotonic_us();

    if (now < f->asked_at + RIGHTS_US)
        return true;
    f->asked_at = now;
    return auth_instance_open(f->api->settings.auth, &f->caller, &verdict, &err) == 0 &&
           verdict == AUTH_YES;
}

static bool keep_open(struct follower *f)
{
    if (clock_monotonic_us() < f->spoke_at + QUIET_US)
        return http_stream_is_wanted(f->stream);
    f->spoke_at = clock_monotonic_us();
    return http_stream_write(f->stream, STR("\n"));
}

static void pause_a_moment(void)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t  never;

    clock_cond_init(&never);
    pthread_mutex_lock(&lock);
    clock_cond_wait(&never, &lock, LOOK_US);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&never);
}

static void *run_follower(void *context)
{
    struct follower *f = context;
    int64_t          n;

    while ((n = send_lines(f)) >= 0 && keep_open(f) && still_may(f)) {
        if (n == 0)
            pause_a_moment();
    }
    http_stream_end(&f->stream);
    atomic_fetch_sub(&f->api->n_followers, 1);
    mem_free(f);
    return NULL;
}

int api_follow_job(struct api_call *call, int64_t job_id, int64_t offset, int64_t limit,
                   const struct json_table *line, struct err *err)
{
    struct follower *f = mem_new(struct follower);
    pthread_t        thread;

    *f = (struct follower){
        .api      = call->api,
        .line     = line,
        .caller   = call->caller,
        .job_id   = job_id,
        .after    = offset,
        .left     = limit,
        .spoke_at = clock_monotonic_us(),
        .asked_at = clock_monotonic_us(),
    };
    if (atomic_fetch_add(&call->api->n_followers, 1) >= API_FOLLOWERS_MAX) {
        atomic_fetch_sub(&call->api->n_followers, 1);
        mem_free(f);
        return err_set(err, ERR_UNAVAILABLE, "too many follow the logs of jobs; ask for pages");
    }
    api_reply_start(call, 200);
    http_reply_header(call->req, "Content-Type", STR("application/x-ndjson"));
    f->stream = http_reply_stream(call->req);
    if (pthread_create(&thread, NULL, run_follower, f) == 0) {
        pthread_detach(thread);
        return 0;
    }
    http_stream_end(&f->stream); /* nothing is said, rather than a second answer */
    atomic_fetch_sub(&call->api->n_followers, 1);
    mem_free(f);
    return 0;
}

void api_follow_wait(struct api *api)
{
    while (atomic_load(&api->n_followers) > 0)
        pause_a_moment();
}
