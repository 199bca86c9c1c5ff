/* other.c: the other end of a test's requests. */
#include "other.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void hear(int fd, char *heard)
{
    size_t      n = 0, wanted = 0;
    const char *end = NULL;

    while (n + 1 < HEARD_MAX && (end == NULL || n < wanted)) {
        ssize_t got = read(fd, heard + n, HEARD_MAX - n - 1);

        if (got <= 0)
            return;
        n += (size_t)got;
        heard[n] = '\0';
        end      = strstr(heard, "\r\n\r\n");
        if (end != NULL) {
            const char *size = strcasestr(heard, "Content-Length: ");

            wanted = (size_t)(end + 4 - heard) +
                     (size == NULL ? 0 : strtoul(size + strlen("Content-Length: "), NULL, 10));
        }
    }
}

static void *play(void *context)
{
    struct other *other = context;
    int           fd    = -1;

    for (size_t i = 0; i < other->n_answers; i++) {
        char rest[64];

        if (fd < 0)
            fd = accept(other->listener, NULL, NULL);
        if (fd < 0)
            break;
        hear(fd, other->heard[i]);
        if (other->answers[i] == NULL)
            while (read(fd, rest, sizeof(rest)) > 0)
                ;
        else
            send(fd, other->answers[i], strlen(other->answers[i]), MSG_NOSIGNAL);
        if (other->keeps && i + 1 < other->n_answers)
            continue;
        close(fd);
        fd = -1;
    }
    return NULL;
}

void other_listen(struct other *other)
{
    struct sockaddr_in address = { .sin_family      = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          size    = sizeof(address);

    memset(other, 0, sizeof(*other));
    other->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(other->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(other->listener, 8), 0);
    assert_int_equal(getsockname(other->listener, (struct sockaddr *)&address, &size), 0);
    other->port = ntohs(address.sin_port);
}

void other_answers(struct other *other, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        other->answers[i] = list[i];
    other->n_answers = n;
    assert_int_equal(pthread_create(&other->thread, NULL, play, other), 0);
}

void other_end(struct other *other)
{
    shutdown(other->listener, SHUT_RDWR);
    if (other->n_answers > 0)
        pthread_join(other->thread, NULL);
    close(other->listener);
}

struct str other_url(struct arena *arena, const struct other *other, const char *path)
{
    return str_from(mem_printf(arena, "http://127.0.0.1:%d%s", other->port, path));
}

bool other_was_called(const struct other *other)
{
    struct pollfd poll_fd = { .fd = other->listener, .events = POLLIN };

    return poll(&poll_fd, 1, 0) > 0;
}
