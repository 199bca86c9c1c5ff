/* cmd/upkeep.h: one thread that does what must be done every so often: see whether database and store
 * answer, read changed settings, announce the node, sweep what uploads left behind, feed the watchdog. Each
 * duty is a row with its period; one that fails is logged once until it works again. */
#ifndef CMD_UPKEEP_H
#define CMD_UPKEEP_H

struct api;
struct err;
struct node;
struct upkeep;

int  upkeep_start(struct node *node, struct api *api, struct upkeep **out, struct err *err);
void upkeep_free(struct upkeep **upkeep);

#endif
