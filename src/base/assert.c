/* base/assert.c: the end of a process that found itself wrong. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "assertion failed: %s (%s:%d, %s)\n", condition, file, line, function);
    abort();
}
