/* cmd/fsck.h: `assay fsck` as a verb that takes long (cmd/verb.h). Arguments: "rehash", "repair-index",
 * "json". */
#ifndef CMD_FSCK_H
#define CMD_FSCK_H

struct err;
struct long_command;
struct verb_call;

extern const struct long_command fsck_command;

int fsck_verb(const struct verb_call *call, int *out_exit, struct err *err);

#endif
