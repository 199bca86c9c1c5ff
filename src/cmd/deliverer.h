/* cmd/deliverer.h: the threads of this node that tell webhooks. Half of them take any endpoint, the other half leave out
 * those whose last call failed or was slow: so receivers that are dead or slow, however many, never keep the others
 * waiting. Endpoints are taken by lease, so any node may tell any of them, and a node that dies is followed by another
 * when its leases are over (40 s), or by itself at once. */
#ifndef CMD_DELIVERER_H
#define CMD_DELIVERER_H

struct deliverer;
struct err;
struct node;

int  deliverer_start(struct node *node, struct deliverer **out, struct err *err);
void deliverer_free(
    struct deliverer **deliverer); /* calls under way are given up: they are made again */

/* Something was queued: looks now. Any thread; null is accepted. */
void deliverer_wake(struct deliverer *deliverer);

#endif
