/* http/worker.h: threads that run jobs one after the other, first come first served.
 *
 * A job is part of what it works for, so that putting one never allocates and never fails. Only a new
 * request asks for a place first: when `queue` of them wait, it is refused. A job that is put again from
 * its own run goes to the end, so that a long upload does not keep others waiting.
 *
 * A job that waits for something that neither works nor ends soon (a turn at the password hash) says so, and
 * another thread takes its place meanwhile: `n_spare` of them are made when they are needed, and stay. So no
 * number of log-ins keeps a pull or a push from a worker; what bounds the log-ins stands in auth.
 * Any thread may put; the owner of a job sees to it that it is not put while it waits. */
#ifndef HTTP_WORKER_H
#define HTTP_WORKER_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct http_workers;

struct http_job {
    struct http_job *next;
    bool             has_place; /* counts against the queue's limit until it runs */
    void (*run)(struct http_job *job);
};

/* n_threads run jobs; n_spare more take the places of those that wait. */
int http_workers_new(size_t n_threads, size_t n_spare, size_t queue, struct http_workers **out,
                     struct err *err);

/* The calling job begins to wait, or has waited. Does nothing on a thread that is no worker. */
void http_worker_waits(bool begins);

/* Runs what was put, then ends the threads. */
void http_workers_free(struct http_workers **workers);

/* A place for a job that is put next; false when the queue is full. */
bool http_workers_reserve(struct http_workers *workers, struct http_job *job);
void http_workers_put(struct http_workers *workers, struct http_job *job);

/* Does anybody wait? */
bool http_workers_are_wanted(struct http_workers *workers);

void http_workers_count(struct http_workers *workers, size_t *running, size_t *waiting);

#endif
