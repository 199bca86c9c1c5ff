/* other.h: the other end of a test's requests: a listener on 127.0.0.1 that plays its answers in order, each on a
 * connection of its own, and keeps what it heard. */
#ifndef TESTS_UNIT_NET_OTHER_H
#define TESTS_UNIT_NET_OTHER_H

#include <pthread.h>

#include "check.h"

enum { TALKS_MAX = 8, HEARD_MAX = 16 * 1024 };

struct other {
    int         listener;
    int         port;
    pthread_t   thread;
    const char *answers[TALKS_MAX]; /* null: silence until the asker goes */
    size_t      n_answers;
    bool        keeps; /* one connection for all of them */
    char        heard[TALKS_MAX][HEARD_MAX];
};

#define OK_TWO "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

void       other_listen(struct other *other);
void       other_answers(struct other *other, const char *const *list, size_t n);
void       other_end(struct other *other);
bool       other_was_called(const struct other *other); /* by a connection that waits */
struct str other_url(struct arena *arena, const struct other *other, const char *path);

#define ANSWERS(other, ...)                                      \
    other_answers((other), (const char *const[]){ __VA_ARGS__ }, \
                  ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

#endif
