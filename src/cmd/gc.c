/* cmd/gc.c: `assay gc`: what collection freed, what waits, why and until when, and what holds it; a run now, or a dry
 * one that says of each thing why it goes or stays. Each thing is a line, so that memory does not grow with their
 * number; with -o json each line is a document of its own. */
#include "cmd/gc.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/long.h"
#include "cmd/verb.h"
#include "codec/json_write.h"
#include "codec/text.h"
#include "meta/event.h"
#include "work/collect.h"
#include "work/upload.h"

enum { PART_MAX = 16 * 1024 };

static const struct meta_actor shell = { .kind = "system", .name = { .p = "shell", .n = 5 } };

struct report {
    const struct verb_call *call;
    bool                    is_json;
    bool                    is_dry;
    bool                    has_failed; /* nobody listens any more */
    struct err              why;
};

static void print_time(struct buf *buf, const char *before, int64_t at)
{
    char text[TEXT_TIME_MAX];

    if (at == 0)
        return;
    text_time_print(at, text);
    buf_printf(buf, "%s%s", before, text);
}

static int say(struct report *report, struct buf *buf, struct err *err)
{
    return report->call->out->write(report->call->out, VERB_TEXT, buf_view(buf), err);
}

/* -- a run -------------------------------------------------------------------------------------------- */

void collection_print(const struct work_collected *done, bool is_dry, struct buf *out)
{
    if (done->brake != NULL)
        buf_printf(out, "brake: %s; nothing %s taken away\n", done->brake,
                   is_dry ? "would be" : "more is");
    if (done->n_reviews > 0 || done->n_repos > 0)
        buf_printf(out,
                   "%s%lld reviewed: %lld manifests, %lld blobs, %lld links and %lld deleted "
                   "repositories went, %lld stayed, %lld could not be looked at\n",
                   is_dry ? "without effect: " : "", (long long)done->n_reviews,
                   (long long)done->n_manifests, (long long)done->n_blobs, (long long)done->n_links,
                   (long long)done->n_repos, (long long)done->n_kept, (long long)done->n_failed);
    if (done->n_blobs > 0) {
        buf_printf(out, "%lld bytes %s free", (long long)done->bytes,
                   is_dry ? "would come" : "come");
        print_time(out, " until ", done->free_at);
        buf_text(out, "\n");
    }
    if (done->n_objects > 0)
        buf_printf(out, "%lld objects of %lld bytes came free now\n", (long long)done->n_objects,
                   (long long)done->object_bytes);
    if (done->n_stuck > 0)
        buf_printf(out, "%lld objects could not be removed; they are tried again in 5 minutes\n",
                   (long long)done->n_stuck);
}

static void print_review(const struct report *report, const struct work_review *review,
                         struct buf *buf)
{
    struct json_write w;

    if (!report->is_json) {
        buf_printf(buf, "%s " STR_FMT " " STR_FMT ": %s",
                   !review->goes    ? "stays:   "
                   : report->is_dry ? "would go:"
                                    : "went:    ",
                   STR_ARGS(review->kind), STR_ARGS(review->id), review->reason);
        if (review->bytes > 0)
            buf_printf(buf, ", %lld bytes", (long long)review->bytes);
        print_time(buf, ", again at ", review->next_at);
        buf_text(buf, "\n");
        return;
    }
    json_write_init(&w, buf);
    json_write_object(&w);
    json_write_str_at(&w, "kind", review->kind);
    json_write_str_at(&w, "id", review->id);
    json_write_bool_at(&w, "goes", review->goes);
    json_write_text_at(&w, "reason", review->reason);
    json_write_int_at(&w, "bytes", review->bytes);
    if (review->next_at != 0) {
        char at[TEXT_TIME_MAX];

        text_time_print(review->next_at, at);
        json_write_text_at(&w, "againAt", at);
    }
    json_write_end(&w);
    buf_text(buf, "\n");
}

static void tell(void *context, const struct work_review *review)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct report                 *report = context;
    struct buf                     buf;

    if (report->has_failed || (!report->is_dry && !review->goes))
        return;
    buf_init(&buf, arena, PART_MAX);
    print_review(report, review, &buf);
    report->has_failed = say(report, &buf, &report->why) < 0;
}

static bool should_stop(void *context)
{
    const struct report *report = context;

    return report->has_failed || report->call->out->is_stopping(report->call->out);
}

/* clang-format off */
static const struct {
    const char *name;
    size_t      offset;
} done_rows[] = {
    { "reviewed",     offsetof(struct work_collected, n_reviews) },
    { "manifests",    offsetof(struct work_collected, n_manifests) },
    { "blobs",        offsetof(struct work_collected, n_blobs) },
    { "links",        offsetof(struct work_collected, n_links) },
    { "repositories", offsetof(struct work_collected, n_repos) },
    { "stayed",       offsetof(struct work_collected, n_kept) },
    { "failed",       offsetof(struct work_collected, n_failed) },
    { "bytes",        offsetof(struct work_collected, bytes) },
    { "objects",      offsetof(struct work_collected, n_objects) },
    { "objectBytes",  offsetof(struct work_collected, object_bytes) },
    { "stuck",        offsetof(struct work_collected, n_stuck) },
}, status_rows[] = {
    { "waiting",      offsetof(struct work_collect_status, counts.n_waiting) },
    { "due",          offsetof(struct work_collect_status, counts.n_due) },
    { "failing",      offsetof(struct work_collect_status, counts.n_failing) },
    { "doomed",       offsetof(struct work_collect_status, counts.n_doomed) },
    { "doomedBytes",  offsetof(struct work_collect_status, counts.n_bytes) },
    { "dueBytes",     offsetof(struct work_collect_status, counts.n_due_bytes) },
    { "fuseBlobs",    offsetof(struct work_collect_status, fuse_n) },
    { "fuseBlobsMax", offsetof(struct work_collect_status, fuse_n_max) },
    { "fuseBytes",    offsetof(struct work_collect_status, fuse_bytes) },
    { "fuseBytesMax", offsetof(struct work_collect_status, fuse_bytes_max) },
    { "manifests",    offsetof(struct work_collect_status, n_manifests) },
    { "blobs",        offsetof(struct work_collect_status, n_blobs) },
    { "objects",      offsetof(struct work_collect_status, n_objects) },
    { "freedBytes",   offsetof(struct work_collect_status, object_bytes) },
};
/* clang-format on */

static int64_t number_at(const void *row, size_t offset)
{
    const char *at = (const char *)row + offset;

    return *(const int64_t *)(const void *)at;
}

static void print_json_run(const struct work_collected *done, struct buf *buf)
{
    struct json_write w;
    char              at[TEXT_TIME_MAX];

    json_write_init(&w, buf);
    json_write_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(done_rows); i++)
        json_write_int_at(&w, done_rows[i].name, number_at(done, done_rows[i].offset));
    if (done->free_at != 0) {
        text_time_print(done->free_at, at);
        json_write_text_at(&w, "freeAt", at);
    }
    if (done->brake != NULL)
        json_write_text_at(&w, "brake", done->brake);
    json_write_end(&w);
    buf_text(buf, "\n");
}

static int run(struct report *report, bool with_later, int *out_exit, struct err *err)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct work                   *work    = report->call->node->work;
    struct work_collect            collect = { .is_dry      = report->is_dry,
                                               .with_later  = with_later,
                                               .should_stop = should_stop,
                                               .tell        = tell,
                                               .context     = report };
    struct work_collected          done;
    struct buf                     buf;
    int64_t                        n_swept;

    if ((!report->is_dry && work_upload_sweep(work, &n_swept, err) < 0) ||
        work_collect(work, &collect, &done, err) < 0)
        return -1;
    if (report->has_failed) {
        *err = report->why;
        return -1;
    }
    buf_init(&buf, arena, PART_MAX);
    if (report->is_json)
        print_json_run(&done, &buf);
    else
        collection_print(&done, report->is_dry, &buf);
    if (!report->is_json && done.n_reviews + done.n_repos + done.n_objects + done.n_stuck == 0 &&
        done.brake == NULL)
        buf_text(&buf, "nothing is due\n");
    *out_exit = done.brake != NULL || done.n_failed + done.n_stuck > 0 ? CMD_FAILED : CMD_DONE;
    return say(report, &buf, err);
}

/* -- the state ---------------------------------------------------------------------------------------- */

static void print_brakes(const struct work_collect_status *status, struct buf *buf)
{
    for (size_t i = 0; i < status->n_brakes; i++) {
        const struct work_brake *brake = &status->brakes[i];

        buf_printf(buf, "brake: %s", brake->reason);
        print_time(buf, ", until ", brake->until);
        buf_printf(buf, "%s\n", brake->can_reset ? "; assay gc --reset-brake lets go of it" : "");
    }
}

static void print_status(const struct work_collect_status *status, struct buf *buf)
{
    print_brakes(status, buf);
    buf_printf(buf, "%lld wait for their review, %lld of them are due, %lld failed before",
               (long long)status->counts.n_waiting, (long long)status->counts.n_due,
               (long long)status->counts.n_failing);
    print_time(buf, "; the first is due at ", status->counts.first_at);
    buf_printf(buf, "\n%lld objects of %lld bytes wait to be removed, %lld bytes of them now",
               (long long)status->counts.n_doomed, (long long)status->counts.n_bytes,
               (long long)status->counts.n_due_bytes);
    print_time(buf, "; the last comes free at ", status->counts.last_free_at);
    buf_printf(buf, "\ntoday %lld of at most %lld blobs went, %lld of at most %lld bytes\n",
               (long long)status->fuse_n, (long long)status->fuse_n_max,
               (long long)status->fuse_bytes, (long long)status->fuse_bytes_max);
    if (status->since != 0) {
        print_time(buf, "since ", status->since);
        buf_printf(
            buf, " %lld manifests and %lld blobs went, and %lld objects of %lld bytes came free\n",
            (long long)status->n_manifests, (long long)status->n_blobs,
            (long long)status->n_objects, (long long)status->object_bytes);
    }
}

static void print_json_status(const struct work_collect_status *status, struct buf *buf)
{
    struct json_write w;

    json_write_init(&w, buf);
    json_write_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(status_rows); i++)
        json_write_int_at(&w, status_rows[i].name, number_at(status, status_rows[i].offset));
    json_write_key(&w, "brakes");
    json_write_list(&w);
    for (size_t i = 0; i < status->n_brakes; i++) {
        char until[TEXT_TIME_MAX];

        json_write_object(&w);
        json_write_text_at(&w, "reason", status->brakes[i].reason);
        if (status->brakes[i].until != 0) {
            text_time_print(status->brakes[i].until, until);
            json_write_text_at(&w, "until", until);
        }
        json_write_bool_at(&w, "canReset", status->brakes[i].can_reset);
        json_write_end(&w);
    }
    json_write_end(&w);
    json_write_end(&w);
    buf_text(buf, "\n");
}

static int show(struct report *report, int *out_exit, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct work_collect_status     status;
    struct buf                     buf;

    if (work_collect_status(report->call->node->work, &status, err) < 0)
        return -1;
    buf_init(&buf, arena, PART_MAX);
    if (report->is_json)
        print_json_status(&status, &buf);
    else
        print_status(&status, &buf);
    *out_exit = CMD_DONE;
    return say(report, &buf, err);
}

/* -- the verb ----------------------------------------------------------------------------------------- */

static bool has(const struct verb_call *call, const char *word)
{
    for (size_t i = 0; i < call->n_args; i++) {
        if (str_is(call->args[i], word))
            return true;
    }
    return false;
}

int gc_verb(const struct verb_call *call, int *out_exit, struct err *err)
{
    struct report report = { .call    = call,
                             .is_json = has(call, "json"),
                             .is_dry  = has(call, "dry-run") };
    struct work  *work   = call->node->work;

    if (has(call, "now") + report.is_dry + has(call, "hold") + has(call, "reset-brake") > 1)
        return err_set(err, ERR_INVALID,
                       "only one of --now, --dry-run, --hold and --reset-brake at a time");
    if (has(call, "all") && !report.is_dry)
        return err_set(err, ERR_INVALID, "--all goes with --dry-run");
    if (has(call, "hold") && work_collect_hold(work, &shell, err) < 0)
        return -1;
    if (has(call, "reset-brake") && work_collect_reset(work, &shell, err) < 0)
        return -1;
    if (report.is_dry || has(call, "now"))
        return run(&report, has(call, "all"), out_exit, err);
    return show(&report, out_exit, err);
}

static const struct long_option options[] = {
    { "--now", "now", "collect what is due now, and say what went" },
    { "--dry-run", "dry-run", "say what would go or stay, and why; changes nothing" },
    { "--all", "all", "with --dry-run: what is not due yet as well, and until when" },
    { "--hold", "hold", "hold collection on all nodes, as around a restore" },
    { "--reset-brake", "reset-brake", "let go of every brake that can be reset" },
};

const struct long_command gc_command = { .name      = "gc",
                                         .options   = options,
                                         .n_options = ARRAY_LEN(options) };

int cmd_gc(int argc, char **argv)
{
    return long_main(&gc_command, argc, argv);
}
