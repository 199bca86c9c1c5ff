/* cmd/readers.h: the readers of the outbox, one row each: here the outbox (jobs/) meets the verbs (work/). */
#ifndef CMD_READERS_H
#define CMD_READERS_H

#include "jobs/outbox.h"

/* Ends with a row without name; the context of each is the struct node. */
extern const struct outbox_reader cmd_readers[];

#endif
