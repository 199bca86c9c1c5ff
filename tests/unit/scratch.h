/* tests/unit/scratch.h: a directory of a test's own, which ends with the test. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

enum { SCRATCH_MAX = 512 };

static int scratch_remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    return remove(path);
}

/* Makes the directory and writes its path. */
static inline void scratch_make(char path[SCRATCH_MAX])
{
    const char *base = getenv("TMPDIR");

    snprintf(path, SCRATCH_MAX, "%s/assay-unit-XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(path));
}

/* Removes it with all that is in it. */
static inline void scratch_remove(const char *path)
{
    nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "path/name", valid until the eighth next call. */
static inline const char *scratch_path(const char *path, const char *name)
{
    static char rooms[8][2 * SCRATCH_MAX];
    static int  next;
    char       *room = rooms[next++ % 8];

    snprintf(room, sizeof(rooms[0]), "%s/%s", path, name);
    return room;
}

#endif
