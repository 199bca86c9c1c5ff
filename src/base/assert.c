/* base/assert.c: the end of a process that found itself wrong. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log_out.h"

void assert_failed(const char *condition, const char *file, int line, const char *function)
{
    log_out_rescue();
    fprintf(stderr, "assertion failed: %s (%s:%d, %s)\n", condition, file, line, function);
    abort();
}
