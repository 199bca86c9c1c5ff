/* base/log_out.c: two buffers; lines go into one while the other is being written. `lock` guards the buffer
 * that is filled and is held for a copy only; `writing` is held over write() and keeps the order. Whoever needs
 * both takes `writing` first. */
#include "base/log_out.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_SIZE = 64 * 1024, DELAY_NS = 20 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };

static char            buffers[2][BUFFER_SIZE];
static size_t          n_filled;
static int             filling; /* which of the two */
static atomic_bool     is_gathering;
static pthread_mutex_t lock      = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t writing   = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  has_lines = PTHREAD_COND_INITIALIZER;
static pthread_cond_t  moment; /* that nobody signals */

/* A log that cannot be written must not stop the registry; there is nobody to tell. */
static void write_all(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        size -= (size_t)n;
    }
}

/* With `writing` held. */
static void write_gathered(void)
{
    pthread_mutex_lock(&lock);
    const char *bytes = buffers[filling];
    size_t      size  = n_filled;

    filling  = 1 - filling;
    n_filled = 0;
    pthread_mutex_unlock(&lock);
    write_all(bytes, size);
}

static bool gather(const char *line, size_t size)
{
    pthread_mutex_lock(&lock);
    bool has_room = size <= BUFFER_SIZE - n_filled;
    bool is_first = n_filled == 0;

    if (has_room) {
        memcpy(buffers[filling] + n_filled, line, size);
        n_filled += size;
    }
    pthread_mutex_unlock(&lock);
    if (has_room && is_first)
        pthread_cond_signal(&has_lines);
    return has_room;
}

/* Under the lock, which is given back meanwhile: others may gather, and nobody ends the wait. */
static void wait_a_moment(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += DELAY_NS;
    if (until.tv_nsec >= SECOND_NS) {
        until.tv_nsec -= SECOND_NS;
        until.tv_sec++;
    }
    while (pthread_cond_timedwait(&moment, &lock, &until) != ETIMEDOUT)
        continue;
}

static void *write_on(void *context)
{
    pthread_setname_np(pthread_self(), "log");
    for (;;) {
        pthread_mutex_lock(&lock);
        while (n_filled == 0)
            pthread_cond_wait(&has_lines, &lock);
        wait_a_moment();
        pthread_mutex_unlock(&lock);
        log_out_flush();
    }
    return context;
}

void log_out_begin(void)
{
    pthread_condattr_t monotonic;
    pthread_t          thread;

    if (atomic_load(&is_gathering))
        return;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&moment, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&thread, NULL, write_on, NULL) != 0)
        return;
    pthread_detach(thread);
    atexit(log_out_flush);
    atomic_store(&is_gathering, true);
}

void log_out_line(const char *line, size_t size, bool can_wait)
{
    if (atomic_load_explicit(&is_gathering, memory_order_relaxed) && can_wait && gather(line, size))
        return;

    pthread_mutex_lock(&writing);
    write_gathered();
    write_all(line, size);
    pthread_mutex_unlock(&writing);
}

void log_out_flush(void)
{
    pthread_mutex_lock(&writing);
    write_gathered();
    pthread_mutex_unlock(&writing);
}

void log_out_rescue(void)
{
    if (pthread_mutex_trylock(&writing) != 0)
        return;
    write_gathered();
    pthread_mutex_unlock(&writing);
}
