/* jobs/outbox.c: the thread that gives events to their readers, a page each in turn. */
#include "jobs/outbox.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/db.h"
#include "io/clock.h"
#include "meta/outbox.h"

#define SECOND_US INT64_C(1000000)
#define POLL_US (SECOND_US / 2)
#define REGISTER_US (600 * SECOND_US)

enum { READERS_MAX = 32 };

struct outbox {
    struct outbox_settings settings;
    pthread_t              thread;
    pthread_mutex_t        lock; /* guards what follows */
    pthread_cond_t         wake;
    bool                   is_woken;
    atomic_bool            is_ending;
    int64_t                registered_at;           /* of the thread alone, as what follows */
    int64_t                not_before[READERS_MAX]; /* of a reader that failed */
};

/* -- a page ------------------------------------------------------------------------------------------- */

static int is_waiting(struct db *db, const struct outbox_reader *reader, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(db, DB_LOOK, "look at outbox", &tx, err) < 0)
        return -1;
    return meta_outbox_is_waiting(tx, str_from(reader->name), err);
}

/* An empty page may move the cursor too, past a span in which nothing is left. */
static int read_page(struct db *db, const struct outbox_reader *reader, void *context,
                     size_t *out_n, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct meta_outbox_cursor      cursor;
    struct meta_event_row         *events;
    struct str                     name = str_from(reader->name);

    *out_n = 0;
    if (db_begin(db, DB_WRITE, "read outbox", &tx, err) < 0)
        return -1;
    int taken = meta_outbox_take(tx, arena, name, &cursor, err);
    if (taken < 1)
        return taken;
    if (meta_outbox_page(tx, arena, &cursor, OUTBOX_PAGE, &events, out_n, err) < 0 ||
        (*out_n > 0 && reader->read(context, tx, arena, events, *out_n, err) < 0) ||
        meta_outbox_move(tx, name, &cursor, err) < 0 || db_commit(&tx, err) < 0)
        return -1;
    if (*out_n > 0 && reader->done != NULL)
        reader->done(context);
    return 0;
}

int outbox_turn(struct db *db, const struct outbox_reader *reader, void *context, size_t *out_n,
                struct err *err)
{
    int waits = is_waiting(db, reader, err);

    *out_n = 0;
    if (waits < 1)
        return waits;
    return read_page(db, reader, context, out_n, err);
}

/* -- the thread --------------------------------------------------------------------------------------- */

/* Says now and then that its readers live, so that retention leaves them what they have not read. */
static int register_all(struct outbox *outbox, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(outbox->settings.db, DB_WRITE, "register readers", &tx, err) < 0)
        return -1;
    for (const struct outbox_reader *r = outbox->settings.readers; r->name != NULL; r++) {
        if (meta_outbox_register(tx, str_from(r->name), r->from_start, err) < 0)
            return -1;
    }
    if (db_commit(&tx, err) < 0)
        return -1;
    outbox->registered_at = clock_monotonic_us();
    return 0;
}

static void tell_failure(const struct outbox_reader *reader, const struct err *err)
{
    log_event(LOG_ERROR, NULL, "outbox.failed", LOG_FIELDS(LOG_T("reader", reader->name)), "%s",
              err->text);
}

/* True: there may be more for it. */
static bool serve(struct outbox *outbox, size_t i)
{
    const struct outbox_reader *reader = &outbox->settings.readers[i];
    size_t                      n      = 0;
    struct err                  err;

    if (outbox->not_before[i] > clock_monotonic_us())
        return false;
    if (outbox_turn(outbox->settings.db, reader, outbox->settings.context, &n, &err) == 0) {
        outbox->not_before[i] = 0;
        return n == OUTBOX_PAGE;
    }
    if (outbox->not_before[i] == 0)
        tell_failure(reader, &err);
    outbox->not_before[i] = clock_monotonic_us() + SECOND_US;
    return false;
}

static bool serve_all(struct outbox *outbox)
{
    bool any = false;

    for (size_t i = 0; outbox->settings.readers[i].name != NULL; i++)
        any = serve(outbox, i) || any;
    return any;
}

static void wait_for_poll(struct outbox *outbox)
{
    int64_t deadline = clock_monotonic_us() + outbox->settings.poll_us;

    pthread_mutex_lock(&outbox->lock);
    for (int64_t now = clock_monotonic_us();
         !outbox->is_woken && !atomic_load(&outbox->is_ending) && now < deadline;
         now = clock_monotonic_us())
        clock_cond_wait(&outbox->wake, &outbox->lock, deadline - now);
    outbox->is_woken = false;
    pthread_mutex_unlock(&outbox->lock);
}

static void *run_outbox(void *context)
{
    struct outbox *outbox = context;
    struct err ignored; /* said again at the next look; a database that is away is told by others */

    while (!atomic_load(&outbox->is_ending)) {
        if (clock_monotonic_us() >= outbox->registered_at + REGISTER_US)
            (void)register_all(outbox, &ignored);
        if (!serve_all(outbox))
            wait_for_poll(outbox);
    }
    return NULL;
}

int outbox_start(const struct outbox_settings *settings, struct outbox **out, struct err *err)
{
    struct outbox *outbox = mem_new(struct outbox);

    outbox->settings = *settings;
    if (outbox->settings.poll_us == 0)
        outbox->settings.poll_us = POLL_US;
    pthread_mutex_init(&outbox->lock, NULL);
    clock_cond_init(&outbox->wake);
    if (register_all(outbox, err) < 0 ||
        (pthread_create(&outbox->thread, NULL, run_outbox, outbox) != 0 &&
         err_set_os(err, ERR_UNAVAILABLE, "starting the outbox's thread") < 0)) {
        mem_free(outbox);
        return -1;
    }
    *out = outbox;
    return 0;
}

void outbox_wake(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->is_woken = true;
    pthread_cond_signal(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_stop(struct outbox **outbox)
{
    if (*outbox == NULL)
        return;

    pthread_mutex_lock(&(*outbox)->lock);
    atomic_store(&(*outbox)->is_ending, true);
    pthread_cond_signal(&(*outbox)->wake);
    pthread_mutex_unlock(&(*outbox)->lock);
    pthread_join((*outbox)->thread, NULL);
    pthread_mutex_destroy(&(*outbox)->lock);
    pthread_cond_destroy(&(*outbox)->wake);
    mem_free(*outbox);
    *outbox = NULL;
}
