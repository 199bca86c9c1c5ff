/* cmd/long.c: asks, or does it here. Nothing is made where there is no registry. */
#include "cmd/long.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/node.h"
#include "cmd/socket.h"
#include "cmd/verb.h"
#include "io/file.h"

extern char **environ;

/* What the command line asks for; the rest of it are settings. */
struct asked {
    struct str words[VERB_ARGS_MAX];
    size_t     n_words;
    char     **argv;
    int        argc;
};

struct printer {
    struct verb_out out; /* first: the way back from it */
    bool            is_terminal;
};

static int print_part(struct verb_out *out, enum verb_part part, struct str text, struct err *err)
{
    const struct printer *printer = (const struct printer *)out;

    (void)err;
    if (part == VERB_TEXT) {
        if (printer->is_terminal)
            fprintf(stderr, "\r\033[K");
        printf(STR_FMT, STR_ARGS(text));
        fflush(stdout);
    } else if (printer->is_terminal) {
        fprintf(stderr, "\r\033[K" STR_FMT, STR_ARGS(text));
    }
    return 0;
}

static bool never_stops(struct verb_out *out)
{
    (void)out;
    return false;
}

static int add_word(struct asked *asked, const char *word, struct err *err)
{
    if (asked->n_words == VERB_ARGS_MAX)
        return err_set(err, ERR_INVALID, "too many options");
    asked->words[asked->n_words++] = str_from(word);
    return 0;
}

/* 1: it was one of ours. */
static int take_option(const struct long_command *command, struct asked *asked, const char *option,
                       struct err *err)
{
    for (size_t i = 0; i < command->n_options; i++) {
        if (strcmp(option, command->options[i].option) == 0)
            return add_word(asked, command->options[i].word, err) < 0 ? -1 : 1;
    }
    return 0;
}

static int read_options(const struct long_command *command, int argc, char **argv,
                        struct arena *arena, struct asked *asked, struct err *err)
{
    asked->argv = mem_many(arena, (size_t)argc + 1, char *);
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
            i++;
            if (strcmp(argv[i], "json") == 0 && add_word(asked, "json", err) < 0)
                return -1;
            if (strcmp(argv[i], "json") != 0 && strcmp(argv[i], "text") != 0)
                return err_set(err, ERR_INVALID, "-o takes text or json, not `%s`", argv[i]);
            continue;
        }
        int is_ours = take_option(command, asked, argv[i], err);
        if (is_ours < 0)
            return -1;
        if (is_ours == 0)
            asked->argv[asked->argc++] = argv[i];
    }
    return 0;
}

/* Opening a node makes what is missing; a check must not. */
static int must_be_there(const struct conf *conf, struct err *err)
{
    AUTO(file_close) int           dir   = -1;
    AUTO(file_close) int           file  = -1;
    struct str                     data  = conf_text(conf, CONF_DATA);
    AUTO(arena_free) struct arena *arena = arena_new();

    if (file_open_dir(str_dup(arena, data), false, &dir, err) == 0 &&
        file_open_at(dir, "node", O_RDONLY, &file, err) == 0)
        return 0;
    if (err->kind != ERR_NOT_FOUND)
        return -1;
    return err_set(err, ERR_NOT_FOUND, "there is no registry in " STR_FMT "; name it with --data",
                   STR_ARGS(data));
}

static int run_here(const struct long_command *command, struct conf **conf,
                    const struct asked *asked, struct verb_out *out, int *out_exit, struct err *err)
{
    AUTO(node_close) struct node *node = NULL;
    struct err                    trouble;

    if (must_be_there(*conf, err) < 0)
        return -1;
    bool is_open = node_open_what_opens(conf, &node, &trouble) == 0;
    if (!is_open && !command->takes_half) {
        *err = trouble;
        return -1;
    }
    if (!is_open)
        fprintf(stderr, "assay %s: %s\n", command->name, trouble.text);
    struct verb_call call = { .node    = node,
                              .trouble = is_open ? NULL : &trouble,
                              .args    = asked->words,
                              .n_args  = asked->n_words,
                              .out     = out };
    return verb_long_find(str_from(command->name))->run(&call, out_exit, err);
}

static int run(const struct long_command *command, int argc, char **argv, int *out_exit,
               struct err *err)
{
    AUTO(conf_unref) struct conf  *conf    = NULL;
    AUTO(arena_free) struct arena *arena   = arena_new();
    struct asked                   asked   = { 0 };
    struct printer                 printer = { .out         = { print_part, never_stops },
                                               .is_terminal = isatty(STDERR_FILENO) };
    struct str                     text;
    char                         **rest;
    int                            n_rest;

    if (read_options(command, argc, argv, arena, &asked, err) < 0 ||
        conf_load(asked.argc, asked.argv, environ, &conf, &rest, &n_rest, err) < 0)
        return -1;
    if (n_rest > 0)
        return err_set(err, ERR_INVALID, "it does not know `%s`", rest[0]);

    int heard = socket_ask_long(arena, conf_text(conf, CONF_DATA), str_from(command->name),
                                asked.words, asked.n_words, &printer.out, out_exit, &text, err);
    if (heard == 0)
        heard = run_here(command, &conf, &asked, &printer.out, out_exit, err);
    if (heard == 1 && text.n > 0)
        fprintf(stderr, "assay %s: " STR_FMT "\n", command->name, STR_ARGS(text));
    return heard < 0 ? -1 : 0;
}

int long_main(const struct long_command *command, int argc, char **argv)
{
    int        code = CMD_DONE;
    struct err err;

    log_init(&(struct log_settings){ .level = LOG_ERROR });
    if (run(command, argc, argv, &code, &err) < 0)
        return cmd_complain(command->name, &err);
    return code;
}
