/* cmd/readers.c: the readers of the outbox. */
#include "cmd/readers.h"

const struct outbox_reader cmd_readers[] = {
    { 0 },
};
