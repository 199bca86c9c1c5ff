/* work/cluster.h: the nodes of this registry. */
#ifndef WORK_CLUSTER_H
#define WORK_CLUSTER_H

#include <stddef.h>
#include <stdint.h>

#include "meta/registry.h"

struct arena;
struct err;
struct work;

/* Those that have announced themselves within a day, by id, and now. A node does so every ten seconds and takes
 * itself off the list when it stops. */
int work_cluster_list(struct work *work, struct arena *arena, struct meta_node **out, size_t *n_out,
                      int64_t *out_now, struct err *err);

#endif
