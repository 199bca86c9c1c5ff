/* base/failpoint_off.c: what the shipped program is linked with: no point, no name, no variable. */
#include "base/failpoint.h"

int failpoint(enum failpoint point, struct err *err)
{
    (void)point;
    (void)err;
    return 0;
}

bool failpoint_skips(enum failpoint_skip condition)
{
    (void)condition;
    return false;
}

int64_t failpoint_clock_us(void)
{
    return 0;
}
