/* cmd/kinds.h: the kinds of jobs, one row each: here the queue (jobs/) meets the verbs (work/). */
#ifndef CMD_KINDS_H
#define CMD_KINDS_H

#include "jobs/jobs.h"

struct err;
struct node;

/* Ends with a row without name; the context of each is the struct node. */
extern const struct job_kind cmd_kinds[];

/* Adds a collection when something is due and none waits: asked every second by the upkeep. */
int kinds_collect_if_due(struct node *node, struct jobs *jobs, struct err *err);

/* The same for quotas: a job that folds until it is quiet. */
int kinds_quotas_if_due(struct node *node, struct jobs *jobs, struct err *err);

#endif
