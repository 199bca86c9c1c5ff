/* cmd/complain.c: how a command says that it did not work. */
#include <stdio.h>

#include "base/err.h"
#include "cmd/cmd.h"

int cmd_complain(const char *name, const struct err *err)
{
    fprintf(stderr, "assay %s: %s\n", name, err->text);
    return err->kind == ERR_INVALID ? CMD_USAGE : CMD_FAILED;
}
