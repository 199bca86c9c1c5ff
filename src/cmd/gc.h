/* cmd/gc.h: `assay gc` as a verb that takes long (cmd/verb.h). Arguments: "now", "dry-run", "all", "hold",
 * "reset-brake", "json"; none of the first five: the state of collection. */
#ifndef CMD_GC_H
#define CMD_GC_H

#include <stdbool.h>

struct buf;
struct err;
struct long_command;
struct verb_call;
struct work_collected;

extern const struct long_command gc_command;

int gc_verb(const struct verb_call *call, int *out_exit, struct err *err);

/* What a run did, or a dry one would, in lines: nothing when it found nothing to do. */
void collection_print(const struct work_collected *done, bool is_dry, struct buf *out);

#endif
