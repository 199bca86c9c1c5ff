/* pg_test.c: what the PostgreSQL driver promises beyond the contract: a lost server is known at once and found
 * again, a commit in doubt is looked up, the line for connections is bounded, the loser of a deadlock may try
 * again, unsafe servers are refused, and a password is in no message. */
#include "db/db.h"

#include <pthread.h>

#include "check.h"
#include "driver_contract.h"

#include "cluster.h"

static void end_nothing(void *engine)
{
    (void)engine;
}

int driver_over_postgres(void **state)
{
    char url[CLUSTER_URL_MAX];

    if (!cluster_schema(url))
        skip();
    *state = driver_new(url, NULL, end_nothing);
    return 0;
}
