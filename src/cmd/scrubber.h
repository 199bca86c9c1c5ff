/* cmd/scrubber.h: the thread that runs work/scrub.h in a server, at the lowest priority for the processor and
 * the disk. It ends within a moment when told to, wherever it is. */
#ifndef CMD_SCRUBBER_H
#define CMD_SCRUBBER_H

struct err;
struct node;
struct scrubber;

int  scrubber_start(struct node *node, struct scrubber **out, struct err *err);
void scrubber_free(struct scrubber **scrubber);

#endif
