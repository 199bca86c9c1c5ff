/* base/beside.h: a few threads that do a piece of work beside the thread which asks for it, such as hashing bytes while
 * they are written. Nobody ever waits for one of them to come free: whoever finds none does the work himself, so that
 * under load everything is as if they were not there.
 *
 * A job lives where the asker keeps it, until beside_await has returned. Any thread may ask. */
#ifndef BASE_BESIDE_H
#define BASE_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

struct beside;

struct beside_job {
    void (*run)(void *context);
    void              *context;
    struct beside_job *next;
    bool               is_done;
};

/* With so many threads, fewer when the system gives no more; with none every beside_try is refused. */
struct beside *beside_new(size_t n_threads);

/* No job may be under way. */
void beside_free(struct beside **beside);

/* Begins the job when a thread is free for it; false: it is not begun, and beside_await must not be called. */
bool beside_try(struct beside *beside, struct beside_job *job);
void beside_await(struct beside *beside, struct beside_job *job);

#endif
