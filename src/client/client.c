/* client/client.c: from a group and words to the command that is meant, and its run. */
#include "client/client.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/run.h"
#include "client/table.h"

enum { NOTES_MAX = 64 * 1024 };

const struct client_group *client_group_find(struct str name)
{
    for (const struct client_group *group = client_groups; group->name != NULL; group++) {
        if (str_is(name, group->name))
            return group;
    }
    return NULL;
}

bool client_group_is_single(const struct client_group *group)
{
    return strcmp(group->commands[0].name, group->name) == 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The command behind "GROUP WORD"; null when there is none. *out_used: how many words name it. */
static const struct client_command *find_command(const struct client_group *group, int argc,
                                                 char **argv, int *out_used)
{
    size_t skip = strlen(group->name) + 1;

    *out_used = 0;
    if (client_group_is_single(group))
        return group->commands;
    *out_used = 1;
    for (const struct client_command *command = group->commands; command->name != NULL; command++) {
        if (argc > 0 && strcmp(argv[0], command->name + skip) == 0)
            return command;
    }
    return NULL;
}

static int refuse(const struct client_group *group, int argc, char **argv, struct err *err)
{
    struct buf                     names;
    AUTO(arena_free) struct arena *scratch = arena_new();

    buf_init(&names, scratch, ERR_TEXT_MAX);
    for (const struct client_command *command = group->commands; command->name != NULL; command++)
        buf_printf(&names, "%s%s", names.n > 0 ? ", " : "",
                   command->name + strlen(group->name) + 1);
    if (argc == 0)
        return err_set(err, ERR_INVALID, "what about it? " STR_FMT "; see `assay %s --help`",
                       STR_ARGS(buf_view(&names)), group->name);
    return err_set(err, ERR_INVALID, "there is no `%.40s`, but " STR_FMT "; see `assay %s --help`",
                   argv[0], STR_ARGS(buf_view(&names)), group->name);
}

static int run_command(struct client_run *run, struct err *err)
{
    struct str server = client_hole(&run->input, "SERVER");
    int        result;

    if (server.p != NULL)
        run->input.way.server = server;
    if (client_session_open(run->arena, run->env, &run->input.way, &run->session, err) < 0)
        return -1;
    result = run->command->run != NULL ? run->command->run(run, err) : client_run_row(run, err);
    client_session_close(&run->session);
    return result;
}

/* What a server or a helper says is text, and nothing else, in a complaint too. */
static int clean(struct arena *arena, int result, struct err *err)
{
    if (result < 0) {
        struct str text = client_text_clean(arena, str_from(err->text));

        snprintf(err->text, sizeof(err->text), STR_FMT, STR_ARGS(text));
    }
    return result;
}

int client_main(struct arena *arena, const struct client_env *env, const struct client_group *group,
                int argc, char **argv, struct client_said *said, struct err *err)
{
    int               used;
    struct client_run run = { .arena = arena, .env = env };

    buf_init(&said->out, arena, CLIENT_OUT_MAX);
    buf_init(&said->notes, arena, NOTES_MAX);
    said->name = group->name;
    if (argc > 0 && is_help(argv[0]))
        return client_help(group, 0, argv, &said->out, err);

    run.command = find_command(group, argc, argv, &used);
    if (run.command == NULL && group->lists && (argc == 0 || argv[0][0] == '-')) {
        run.command = group->commands;
        used        = 0;
    }
    if (run.command == NULL)
        return refuse(group, argc, argv, err);
    said->name = run.command->name;
    if (client_input_read(arena, run.command, argc - used, argv + used, &run.input, err) < 0)
        return -1;
    if (run.input.wants_help)
        return client_help(group, used, argv, &said->out, err);

    run.out     = said->out;
    run.notes   = said->notes;
    int result  = run_command(&run, err);
    said->out   = run.out;
    said->notes = run.notes;
    return clean(arena, result, err);
}

/* -- help --------------------------------------------------------------------------------------------- */

static void print_options(const struct client_option *options, const char *title, struct buf *out)
{
    if (options == NULL || options->name == NULL)
        return;
    if (title != NULL)
        buf_printf(out, "\n%s:\n", title);
    for (; options->name != NULL; options++) {
        size_t before = out->n;

        buf_printf(out, "    %s%s%s", options->name, options->value == NULL ? "" : " ",
                   options->value == NULL ? "" : options->value);
        do
            buf_char(out, ' ');
        while (out->n - before < 30);
        buf_printf(out, "%s\n", options->help);
    }
}

static void print_lines(const char *lines, struct buf *out)
{
    struct str rest = str_from(lines), line;

    while (rest.n > 0 && str_next(&rest, '\n', &line))
        buf_printf(out, "    " STR_FMT "\n", STR_ARGS(line));
}

static void print_command(const struct client_command *command, struct buf *out)
{
    buf_printf(out, "assay %s%s%s [OPTIONS]\n\n%s.\n", command->name,
               command->args[0] == '\0' ? "" : " ", command->args, command->summary);
    if (command->more != NULL)
        buf_printf(out, "\n%s\n", command->more);
    print_options(command->options, "Options", out);
    if (command->secret != NULL)
        print_options(client_secret_options, NULL, out);
    if (command->list != NULL)
        print_options(client_list_options, command->options == NULL ? "Options" : NULL, out);
    print_options(client_common_options, "Options of every command", out);
    buf_text(out, "\nExamples:\n");
    print_lines(command->examples, out);
    buf_text(out, "\nExit status: 0 done, 1 refused or failed, 2 wrong usage.\n");
}

static void print_group(const struct client_group *group, struct buf *out)
{
    buf_printf(out, "assay %s %s: %s\n\n", group->name, group->lists ? "[COMMAND]" : "COMMAND",
               group->summary);
    for (const struct client_command *command = group->commands; command->name != NULL; command++) {
        size_t before = out->n;

        buf_printf(out, "    %s %s", command->name + strlen(group->name) + 1, command->args);
        do
            buf_char(out, ' ');
        while (out->n - before < 38);
        buf_printf(out, "%s\n", command->summary);
    }
    buf_printf(out, "\n`assay %s COMMAND --help` explains each, with examples.\n", group->name);
}

int client_help(const struct client_group *group, int argc, char **argv, struct buf *out,
                struct err *err)
{
    int                          used;
    const struct client_command *command = find_command(group, argc, argv, &used);

    if (command != NULL)
        print_command(command, out);
    else if (argc == 0)
        print_group(group, out);
    else
        return refuse(group, argc, argv, err);
    return 0;
}

void client_help_groups(struct buf *out)
{
    for (const struct client_group *group = client_groups; group->name != NULL; group++)
        buf_printf(out, "    %-10s %s\n", group->name, group->summary);
}
