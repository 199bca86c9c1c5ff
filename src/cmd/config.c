/* cmd/config.c: `assay config`: what is in force and where each value came from. With a data directory that
 * exists and is not in use, registry settings are read from its database. */
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "conf/conf.h"

enum { TABLE_MAX = 256 * 1024 };

extern char **environ;

int cmd_config(int argc, char **argv)
{
    AUTO(conf_unref) struct conf  *conf  = NULL;
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     table;
    char                         **rest;
    int                            n_rest;
    struct err                     err;

    if (conf_load(argc, argv, environ, &conf, &rest, &n_rest, &err) < 0)
        return cmd_complain("config", &err);
    if (n_rest > 0) {
        err_set(&err, ERR_INVALID, "it takes settings only, not `%s`", rest[0]);
        return cmd_complain("config", &err);
    }
    buf_init(&table, arena, TABLE_MAX);
    conf_print_table(conf, arena, &table);
    printf(STR_FMT, STR_ARGS(buf_view(&table)));
    return CMD_DONE;
}
