/* cmd/fsck.c: `assay fsck`: says what the check of work/fsck.h finds, as lines for people or as one JSON
 * document. 0 clean, 1 something was found (repaired or not: the next run says whether it is gone), 2 wrong
 * usage. */
#include "cmd/fsck.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/long.h"
#include "cmd/verb.h"
#include "codec/json_write.h"
#include "codec/text.h"
#include "io/clock.h"
#include "work/fsck.h"

#define SECOND_US INT64_C(1000000)

/* Beside a server an object may be so young that its rows are being written. */
#define ORPHAN_AGE_US (3600 * SECOND_US)
#define PROGRESS_US (SECOND_US / 2)

enum { PART_MAX = 24 * 1024 };

struct report {
    struct verb_out *out;
    bool             is_json;
    bool             has_found;
    int64_t          progress_at; /* monotonic */
};

static int send_text(struct report *report, struct buf *buf, struct err *err)
{
    struct str text;

    if (buf_finish(buf, &text, err) < 0)
        return -1;
    return report->out->write(report->out, VERB_TEXT, text, err);
}

static void print_json(const struct work_finding *finding, struct buf *buf)
{
    struct json_write w;

    json_write_init(&w, buf);
    json_write_object(&w);
    json_write_text_at(&w, "kind", finding->kind);
    json_write_str_at(&w, "object", finding->object);
    json_write_text_at(&w, "text", finding->text);
    json_write_bool_at(&w, "repaired", finding->is_repaired);
    json_write_key(&w, "images");
    json_write_list(&w);
    for (size_t i = 0; i < finding->n_images; i++)
        json_write_str(&w, finding->images[i]);
    json_write_end(&w);
    json_write_bool_at(&w, "moreImages", finding->has_more_images);
    json_write_end(&w);
}

static void print_line(const struct work_finding *finding, struct buf *buf)
{
    buf_printf(buf, "%s%s  " STR_FMT "\n    %s\n", finding->kind,
               finding->is_repaired ? " (repaired)" : "", STR_ARGS(finding->object), finding->text);
    if (finding->n_images == 0)
        return;
    buf_text(buf, "    images:");
    for (size_t i = 0; i < finding->n_images; i++)
        buf_printf(buf, "%s " STR_FMT, i > 0 ? "," : "", STR_ARGS(finding->images[i]));
    buf_printf(buf, "%s\n", finding->has_more_images ? " and more" : "");
}

static int found(void *context, const struct work_finding *finding, struct err *err)
{
    AUTO(arena_free) struct arena *arena  = arena_new();
    struct report                 *report = context;
    struct buf                     buf;

    buf_init(&buf, arena, PART_MAX);
    if (report->is_json) {
        buf_text(&buf, report->has_found ? ",\n" : "");
        print_json(finding, &buf);
    } else {
        print_line(finding, &buf);
    }
    report->has_found = true;
    return send_text(report, &buf, err);
}

static int progress(void *context, const char *what, int64_t n, struct err *err)
{
    AUTO(arena_free) struct arena *arena  = NULL;
    struct report                 *report = context;
    int64_t                        now    = clock_monotonic_us();

    if (report->out->is_stopping(report->out))
        return err_set(err, ERR_UNAVAILABLE, "the server is ending");
    if (now < report->progress_at)
        return 0;
    report->progress_at = now + PROGRESS_US;
    arena               = arena_new();
    return report->out->write(report->out, VERB_PROGRESS,
                              str_from(mem_printf(arena, "%s: %lld", what, (long long)n)), err);
}

static bool is_stopping(void *context)
{
    struct report *report = context;

    return report->out->is_stopping(report->out);
}

/* clang-format off */
static const struct {
    const char *name;
    size_t      offset;
} count_rows[] = {
    { "blobs",       offsetof(struct work_fsck_counts, n_blobs) },
    { "bytes",       offsetof(struct work_fsck_counts, n_bytes) },
    { "bytesHashed", offsetof(struct work_fsck_counts, n_hashed) },
    { "objects",     offsetof(struct work_fsck_counts, n_objects) },
    { "manifests",   offsetof(struct work_fsck_counts, n_manifests) },
    { "tags",        offsetof(struct work_fsck_counts, n_tags) },
    { "unused",      offsetof(struct work_fsck_counts, n_unused) },
    { "findings",    offsetof(struct work_fsck_counts, n_findings) },
    { "repaired",    offsetof(struct work_fsck_counts, n_repaired) },
};
/* clang-format on */

static void print_json_counts(const struct work_fsck_counts *counts, struct buf *buf)
{
    struct json_write w;

    buf_text(buf, "],\n\"counts\":");
    json_write_init(&w, buf);
    json_write_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(count_rows); i++) {
        const char *at = (const char *)counts + count_rows[i].offset;

        json_write_int_at(&w, count_rows[i].name, *(const int64_t *)(const void *)at);
    }
    json_write_end(&w);
    buf_text(buf, "}\n");
}

static void print_counts(const struct work_fsck_counts *c, struct buf *buf)
{
    buf_printf(
        buf,
        "%lld blobs of %lld bytes (%lld bytes hashed), %lld objects, %lld manifests, %lld tags;"
        " %lld blobs wait for collection\n",
        (long long)c->n_blobs, (long long)c->n_bytes, (long long)c->n_hashed,
        (long long)c->n_objects, (long long)c->n_manifests, (long long)c->n_tags,
        (long long)c->n_unused);
    if (c->n_findings == 0)
        buf_text(buf, "all is well\n");
    else
        buf_printf(buf, "%lld findings, %lld repaired\n", (long long)c->n_findings,
                   (long long)c->n_repaired);
}

static int say(struct report *report, const struct work_fsck_counts *counts, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     buf;

    buf_init(&buf, arena, PART_MAX);
    if (counts == NULL)
        buf_text(&buf, "{\"findings\":[");
    else if (report->is_json)
        print_json_counts(counts, &buf);
    else
        print_counts(counts, &buf);
    return send_text(report, &buf, err);
}

/* A document stays one when the check could not come to its end. */
static void say_failure(struct report *report, const struct err *failure)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct json_write              w;
    struct buf                     buf;
    struct err                     ignored; /* the failure itself is told by the caller */

    if (!report->is_json)
        return;
    buf_init(&buf, arena, PART_MAX);
    buf_text(&buf, "],\n\"error\":");
    json_write_init(&w, &buf);
    json_write_text(&w, failure->text);
    buf_text(&buf, "}\n");
    (void)send_text(report, &buf, &ignored);
}

int fsck_verb(const struct verb_call *call, int *out_exit, struct err *err)
{
    struct report           report = { .out = call->out };
    struct work_fsck_counts counts;
    struct work_fsck        want = { .orphan_age_us = call->is_beside ? ORPHAN_AGE_US : 0,
                                     .found         = found,
                                     .progress      = progress,
                                     .is_stopping   = is_stopping,
                                     .context       = &report };

    for (size_t i = 0; i < call->n_args; i++) {
        want.with_hash |= str_is(call->args[i], "rehash");
        want.repairs |= str_is(call->args[i], "repair-index");
        report.is_json |= str_is(call->args[i], "json");
    }
    if (report.is_json && say(&report, NULL, err) < 0)
        return -1;
    if (work_fsck(call->node->work, &want, &counts, err) < 0) {
        say_failure(&report, err);
        return -1;
    }
    if (say(&report, &counts, err) < 0)
        return -1;
    *out_exit = counts.n_findings > 0 ? CMD_FAILED : CMD_DONE;
    return 0;
}

static const struct long_option options[] = {
    { "--rehash", "rehash", "read and hash every object" },
    { "--repair-index", "repair-index", "make anew what follows from manifests' bytes" },
};

const struct long_command fsck_command = { .name      = "fsck",
                                           .options   = options,
                                           .n_options = ARRAY_LEN(options) };

int cmd_fsck(int argc, char **argv)
{
    return long_main(&fsck_command, argc, argv);
}
