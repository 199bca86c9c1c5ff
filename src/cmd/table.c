/* cmd/table.c: the list of commands, and how one is picked. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/client.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "codec/json.h"
#include "conf/conf.h"

const struct cmd cmd_table[] = {
    { "serve", "run the registry", cmd_serve },
    { "admin", "passwords, visibility, keys, settings; beside a running server or without",
      cmd_admin },
    { "doctor", "look at storage, clock, keys, certificate, disk, database and limits; -o json",
      cmd_doctor },
    { "fsck", "compare everything with everything; --rehash, --repair-index, -o json", cmd_fsck },
    { "gc", "what collection freed, what waits and why; --now, --dry-run, --reset-brake, -o json",
      cmd_gc },
    { "config", "print every setting, its value and where it came from", cmd_config },
    { "migrate", "move a stopped registry into another database, verified", cmd_migrate },
    { "routes", "print the table of HTTP routes; -o json the description of the API", cmd_routes },
    { "completion", "print the completion script of a shell: bash, zsh or fish", cmd_completion },
    { "version", "print the version", cmd_version },
    { "help", "print this; `assay help settings`, `assay help COMMAND`", cmd_help },
    { 0 },
};

enum { HELP_MAX = 256 * 1024 };

int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("assay %s\n", ASSAY_VERSION);
    return CMD_DONE;
}

int cmd_routes(int argc, char **argv)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    bool       is_json = argc == 2 && strcmp(argv[0], "-o") == 0 && strcmp(argv[1], "json") == 0;
    struct err err;

    if (argc > 0 && !is_json) {
        err_set(&err, ERR_INVALID, "it takes nothing, or -o json for the description of the API");
        return cmd_complain("routes", &err);
    }
    struct str table = is_json ? api_print_description(arena) : api_print_routes(arena);
    printf(STR_FMT "%s", STR_ARGS(table), is_json ? "\n" : "");
    return CMD_DONE;
}

static void print_commands(FILE *out)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     clients;

    fprintf(out, "Assay, a trusted container registry.\n\n"
                 "    assay COMMAND [SETTING…]\n\nThe registry itself:\n\n");
    for (const struct cmd *cmd = cmd_table; cmd->name != NULL; cmd++)
        fprintf(out, "    %-10s %s\n", cmd->name, cmd->summary);
    buf_init(&clients, arena, HELP_MAX);
    client_help_groups(&clients);
    fprintf(out, "\nSpeaking to a registry, from anywhere:\n\n" STR_FMT,
            STR_ARGS(buf_view(&clients)));
    fprintf(out, "\nTo begin, on one machine and without any configuration:\n\n"
                 "    assay serve\n\n"
                 "It prints the address and, the first time, the password of `admin`. Then:\n\n"
                 "    docker login 127.0.0.1:5000 -u admin\n"
                 "    docker tag debian:12 127.0.0.1:5000/admin/debian:12\n"
                 "    docker push 127.0.0.1:5000/admin/debian:12\n");
}

int cmd_help(int argc, char **argv)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    const struct client_group     *group = argc < 1 ? NULL : client_group_find(str_from(argv[0]));
    struct buf                     help;
    struct err                     err;

    if (group == NULL && (argc < 1 || strcmp(argv[0], "settings") != 0)) {
        print_commands(stdout);
        return CMD_DONE;
    }
    buf_init(&help, arena, HELP_MAX);
    if (group == NULL)
        conf_print_help(&help);
    else if (client_help(group, argc - 1, argv + 1, &help, &err) < 0)
        return cmd_complain("help", &err);
    printf(STR_FMT, STR_ARGS(buf_view(&help)));
    return CMD_DONE;
}

static void prepare_process(void)
{
    /* Many threads, little memory: two heaps instead of eight a core. */
    mallopt(M_ARENA_MAX, 2);
    json_init();
}

int cmd_main(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return CMD_USAGE;
    }

    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";

    for (const struct cmd *cmd = cmd_table; cmd->name != NULL; cmd++) {
        if (strcmp(cmd->name, name) == 0) {
            prepare_process();
            return cmd->run(argc - 2, argv + 2);
        }
    }
    client_word_first(NULL, argc - 1, argv + 1);
    const struct client_group *group = client_group_find(str_from(argv[1]));
    if (group != NULL) {
        if (!client_group_is_single(group))
            client_word_first(group, argc - 2, argv + 2);
        prepare_process();
        return cmd_client(group, argc - 2, argv + 2);
    }
    fprintf(stderr, "assay: there is no command `%s`; `assay help` lists them\n", argv[1]);
    return CMD_USAGE;
}
