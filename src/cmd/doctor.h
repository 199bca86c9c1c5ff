/* cmd/doctor.h: `assay doctor` as a verb that takes long (cmd/verb.h): looks at everything around the registry
 * that can go wrong, as rows of one table; each finding names its next step. Argument: "json". */
#ifndef CMD_DOCTOR_H
#define CMD_DOCTOR_H

struct err;
struct long_command;
struct verb_call;

extern const struct long_command doctor_command;

int doctor_verb(const struct verb_call *call, int *out_exit, struct err *err);

#endif
