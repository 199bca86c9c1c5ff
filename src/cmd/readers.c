/* cmd/readers.c: the readers of the outbox. */
#include "cmd/readers.h"

#include "cmd/deliverer.h"
#include "cmd/node.h"
#include "work/hook.h"

static int read_for_webhooks(void *context, struct db_tx *tx, struct arena *arena,
                             const struct meta_event_row *events, size_t n, struct err *err)
{
    const struct node *node = context;

    return work_hook_read(node->work, tx, arena, events, n, err);
}

static void wake_deliverer(void *context)
{
    const struct node *node = context;

    deliverer_wake(node->deliverer);
}

/* clang-format off */
const struct outbox_reader cmd_readers[] = {
    { .name = "webhooks", .says = "puts what happened into the queues of webhooks",
      .read = read_for_webhooks, .done = wake_deliverer },
    { 0 },
};
/* clang-format on */
