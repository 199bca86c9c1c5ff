/* cmd/admin.c: `assay admin VERB …`: asks the running server, or does it itself when none holds the lock. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/node.h"
#include "cmd/socket.h"
#include "cmd/verb.h"
#include "io/terminal.h"

enum { OUT_MAX = 64 * 1024, SECRET_MAX = 1024 };

extern char **environ;

static void print_help(FILE *out)
{
    fprintf(out, "assay admin VERB [ARGUMENTS] [--data DIR]\n\n");
    for (const struct verb *verb = verb_table; verb->name != NULL; verb++)
        fprintf(out, "    %-16s %-31s %s\n", verb->name, verb->args, verb->help);
    fprintf(out, "\nBeside a running server it speaks to it through DATA/admin.sock.\n");
}

static int ask_twice(struct arena *arena, struct str *out, struct err *err)
{
    struct str first, second;

    if (terminal_ask(arena, "New password: ", true, &first, err) < 0 ||
        terminal_ask(arena, "New password, again: ", true, &second, err) < 0)
        return -1;
    if (!str_eq(first, second))
        return err_set(err, ERR_PRECONDITION, "the two are not the same");
    *out = first;
    return 0;
}

/* One line of standard input or, where that is a terminal, an answer that is not shown. */
static int read_secret(struct arena *arena, struct str *out, struct err *err)
{
    struct str secret = STR("");
    int        done   = terminal_is(STDIN_FILENO) ? ask_twice(arena, &secret, err)
                                                  : terminal_read_line(arena, STDIN_FILENO, &secret, err);

    if (done < 0 && err->kind != ERR_NOT_FOUND && err->kind != ERR_TOO_LARGE)
        return -1;
    if (done < 0 || secret.n == 0 || secret.n > SECRET_MAX)
        return err_set(err, ERR_INVALID, "a password of 1 to %d bytes is read from standard input",
                       SECRET_MAX);
    *out = secret;
    return 0;
}

static int run_here(struct conf **conf, struct arena *arena, struct str verb,
                    const struct str *args, size_t n_args, struct err *err)
{
    AUTO(node_close) struct node *node = NULL;
    struct buf                    out;

    buf_init(&out, arena, OUT_MAX);
    if (node_open(conf, &node, err) < 0 || verb_run(node, verb, args, n_args, &out, err) < 0)
        return -1;
    printf(STR_FMT, STR_ARGS(buf_view(&out)));
    return 0;
}

/* Takes a flag that belongs to a verb out of the words; null: there is none. */
static const char *take_flag(int *n_words, char **words)
{
    const char *found = NULL;
    int         kept  = 0;

    for (int i = 0; i < *n_words; i++) {
        const struct verb *verb = verb_table;

        while (verb->name != NULL && (verb->flag == NULL || strcmp(verb->flag, words[i]) != 0))
            verb++;
        if (verb->name != NULL)
            found = verb->flag;
        else
            words[kept++] = words[i];
    }
    *n_words = kept;
    return found;
}

static int run(struct conf **conf, struct arena *arena, char **words, int n_words, const char *flag,
               int *out_exit, struct err *err)
{
    struct str         verb = str_from(words[0]);
    struct str         args[VERB_ARGS_MAX];
    size_t             n_args = 0;
    struct str         text;
    const struct verb *row = verb_find(verb);

    for (int i = 1; i < n_words && n_args < VERB_ARGS_MAX - 1; i++)
        args[n_args++] = str_from(words[i]);
    if (row == NULL || n_args != row->n_args || n_words - 1 != (int)n_args ||
        (flag != NULL && row->flag == NULL))
        return err_set(err, ERR_INVALID,
                       "`%s` is no verb with these arguments; `assay admin` lists them", words[0]);
    if (row->flag != NULL)
        args[n_args++] = flag == NULL ? STR("") : str_from(flag);
    if (row->wants_secret && read_secret(arena, &args[n_args++], err) < 0)
        return -1;

    int asked =
        socket_ask(arena, conf_text(*conf, CONF_DATA), verb, args, n_args, out_exit, &text, err);
    if (asked < 0)
        return -1;
    if (asked == 0)
        return run_here(conf, arena, verb, args, n_args, err);
    if (*out_exit == CMD_DONE)
        printf(STR_FMT, STR_ARGS(text));
    else
        fprintf(stderr, "assay admin: " STR_FMT "\n", STR_ARGS(text));
    return 0;
}

int cmd_admin(int argc, char **argv)
{
    AUTO(conf_unref) struct conf  *conf  = NULL;
    AUTO(arena_free) struct arena *arena = arena_new();
    char                         **rest;
    int                            n_rest;
    int                            code = CMD_DONE;
    struct err                     err;

    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        print_help(stdout);
        return CMD_DONE;
    }
    log_init(&(struct log_settings){ .level = LOG_WARNING });
    if (conf_load(argc, argv, environ, &conf, &rest, &n_rest, &err) < 0)
        return cmd_complain("admin", &err);
    const char *flag = take_flag(&n_rest, rest);
    if (n_rest == 0) {
        print_help(stderr);
        return CMD_USAGE;
    }
    if (run(&conf, arena, rest, n_rest, flag, &code, &err) < 0)
        return cmd_complain("admin", &err);
    return code;
}
