/* cmd/counter.h: the thread that writes down what was pulled, each second (work/pulls.h). */
#ifndef CMD_COUNTER_H
#define CMD_COUNTER_H

struct counter;
struct err;
struct work;

int counter_start(struct work *work, struct counter **out, struct err *err);

/* Writes the last of it. When nobody pulls any more, and before the database is closed. */
void counter_free(struct counter **counter);

#endif
