/* rig.h: a server with an application whose paths do what tests need, and the client's end of raw sockets.
 *
 *   /fast                 answered on the event thread
 *   /facts                fast: what the request says of itself, a line each
 *   /headers?NAME         fast: that header
 *   /file?FROM-SIZE       fast: a part of the rig's file
 *   /size                 fast: 123456 bytes that are not there (HEAD)
 *   /work                 `start` answers
 *   /finish               `finish` answers
 *   /whole?LIMIT          whole body; answers with it
 *   /stream?LIMIT         streamed; answers with its SHA-256
 *   /deny                 `start` answers 401, whatever comes
 *   /early                streamed; the first piece answers 409
 *   /mute                 `finish` makes no answer
 *
 * Any step can be held: it waits until it is let go. The rig counts steps, ends, and steps of one request
 * that run at the same time (which is wrong). */
#ifndef TESTS_UNIT_HTTP_RIG_H
#define TESTS_UNIT_HTTP_RIG_H

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "http/server.h"

enum rig_step { RIG_FAST, RIG_START, RIG_PIECE, RIG_FINISH, RIG_REFUSE, RIG_END, RIG_N_STEPS };

struct rig {
    struct http_server      *server;
    struct http_certificate *certificate;
    struct http_app          app;
    int                      port;
    int                      file;
    char                     folder[64]; /* certificate files */

    atomic_int n[RIG_N_STEPS]; /* begun */
    atomic_int n_known;        /* requests that fast was called for */
    atomic_int n_complete;     /* ends that said so */
    atomic_int n_lost;         /* ends that did not */
    atomic_int n_overlaps;

    pthread_mutex_t lock;
    pthread_cond_t  moved;
    bool            is_held[RIG_N_STEPS];
};

enum { RIG_TLS = 1 };

extern const char rig_file_text[]; /* 256 KiB of it, repeated */

/* Limits: null for the defaults. */
struct rig *rig_start(const struct http_limits *limits, const char *trusted, unsigned flags);

/* Frees the server, and checks that every known request was ended once and alone. */
void rig_stop(struct rig **rig);

void rig_hold(struct rig *rig, enum rig_step step);
void rig_let_go(struct rig *rig, enum rig_step step);

/* Until the count has that value, or the test fails. */
void rig_await(struct rig *rig, const atomic_int *count, int value);

/* The client's end. All fail the test rather than return an error; nothing waits longer than 20 s. */
int  rig_connect(const struct rig *rig);
void rig_say(int fd, const char *text);
void rig_say_bytes(int fd, const void *bytes, size_t size);
void rig_hang_up(int *fd);

struct rig_answer {
    int    status; /* 0: the connection ended before an answer */
    char   head[16 * 1024];
    char   body[512 * 1024];
    size_t n;
    bool   says_close;
};

/* The next answer. method "HEAD": no body follows. */
void rig_hear(int fd, const char *method, struct rig_answer *out);

/* Says text, hears one answer, hangs up. */
void rig_ask(const struct rig *rig, const char *text, struct rig_answer *out);

bool rig_is_closed(int fd); /* waits for it */

int64_t rig_now_ms(void);

#endif
