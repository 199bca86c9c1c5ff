/* cmd/upkeep.h: one thread that does what must be done every so often: see whether database and store
 * answer, read changed settings, announce the node, sweep what uploads left behind, ask for collection, feed the watchdog. Each
 * duty is a row with its period; one that fails is logged once until it works again. */
#ifndef CMD_UPKEEP_H
#define CMD_UPKEEP_H

struct api;
struct err;
struct jobs;
struct node;
struct upkeep;

/* jobs: ends after the upkeep. */
int  upkeep_start(struct node *node, struct api *api, struct jobs *jobs, struct upkeep **out,
                  struct err *err);
void upkeep_free(struct upkeep **upkeep);

#endif
