/* cmd/doctor.h: `assay doctor` as a verb that takes long (cmd/verb.h): looks at everything around the registry
 * that can go wrong, as rows of one table; each finding names its next step. Argument: "json". */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

#include <stdbool.h>

struct err;
struct long_command;
struct node;
struct verb_call;

extern const struct long_command doctor_command;

/* Looks at what is quick to look at and changes while a server runs, and calls `each` for what is not green; a failure
 * of `each` ends it. Texts live until it returns. */
struct doctor_finding {
    const char *check;
    bool        is_red; /* broken, or about to be; else look at it */
    const char *said;
    const char *next; /* null: none */
};

typedef int doctor_each(void *context, const struct doctor_finding *finding, struct err *err);

int doctor_look(struct node *node, doctor_each *each, void *context, struct err *err);

int doctor_verb(const struct verb_call *call, int *out_exit, struct err *err);

#endif
