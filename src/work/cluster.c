/* work/cluster.c: the list of nodes. */
#include "work/cluster.h"

#include "base/err.h"
#include "base/mem.h"
#include "work/work_private.h"

#define DAY_US INT64_C(86400000000)

int work_cluster_list(struct work *work, struct arena *arena, struct meta_node **out, size_t *n_out,
                      int64_t *out_now, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list nodes", &tx, err) < 0)
        return -1;
    *out_now = db_now(tx);
    return meta_node_list(tx, arena, *out_now - DAY_US, out, n_out, err);
}
