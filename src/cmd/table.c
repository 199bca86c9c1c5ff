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

static const char serve_says[] =
    "assay serve [--SETTING VALUE]…\n\n"
    "Runs the registry. Without any setting: HTTP on 127.0.0.1:5000, everything in ./data.\n"
    "Each setting is also a key of the file that --config names, and a variable ASSAY_…; flags "
    "win\n"
    "over variables, variables over the file. `assay help settings` lists them all.\n\n"
    "    assay serve --data /var/lib/assay --https 0.0.0.0:443 --tls-cert c.pem --tls-key k.pem\n"
    "    assay serve --database postgres://assay@db.example.com/assay --data /srv/shared\n\n"
    "When it is ready it prints a line that begins with `ready`. SIGTERM lets requests end and "
    "stops it;\n"
    "SIGHUP reads certificates anew.\n";

static const char doctor_says[] = "assay doctor [--data DIR] [-o json]\n\n"
                                  "Looks at storage, disk, database, clock, keys, certificate, "
                                  "quotas, webhooks and limits, and says what to\n"
                                  "do about each finding. Beside a running server it asks that "
                                  "one. Exit code 1 when something is red.\n";

static const char fsck_says[] =
    "assay fsck [--rehash] [--repair-index] [--data DIR] [-o json]\n\n"
    "Compares all rows with all objects and with each other, and says exactly what is wrong. Works "
    "beside a\n"
    "running server. Exit code 1 when there is a finding.\n\n"
    "    --rehash         read and hash every object, too: as long as the disk takes\n"
    "    --repair-index   make anew what follows from manifests' bytes and from other rows\n";

static const char gc_says[] =
    "assay gc [--now | --dry-run [--all] | --hold | --reset-brake] [--data DIR] [-o json]\n\n"
    "Says what collection freed, what waits, why and until when, and which brakes hold it. "
    "Collection runs by\n"
    "itself and never stops pushes or pulls; works beside a running server.\n\n"
    "    --now            collect what is due now, and say what went\n"
    "    --dry-run        say of each thing what would go or stay, and why; changes nothing\n"
    "    --all            with --dry-run: what is not due yet as well, and until when\n"
    "    --hold           hold collection on all nodes, as around a restore\n"
    "    --reset-brake    let go of every brake that can be reset\n";

static const char config_says[] =
    "assay config [--SETTING VALUE]…\n\n"
    "Prints every setting, its value, its home (this node or the whole registry) and where the "
    "value came\n"
    "from. Passwords are not shown. `assay help settings` explains each.\n";

static const char routes_says[] =
    "assay routes [-o json]\n\n"
    "Prints the table of HTTP routes: method, path, what the caller must be allowed, name. With -o "
    "json the\n"
    "description of the API (OpenAPI 3.1), as served at /api/openapi.json.\n";

const struct cmd cmd_table[] = {
    { "serve", "run the registry", cmd_serve, serve_says },
    { "admin", "passwords, visibility, keys, settings; beside a running server or without",
      cmd_admin, NULL },
    { "doctor", "look at storage, clock, keys, certificate, disk, database and limits; -o json",
      cmd_doctor, doctor_says },
    { "fsck", "compare everything with everything; --rehash, --repair-index, -o json", cmd_fsck,
      fsck_says },
    { "gc", "what collection freed, what waits and why; --now, --dry-run, --reset-brake, -o json",
      cmd_gc, gc_says },
    { "config", "print every setting, its value and where it came from", cmd_config, config_says },
    { "migrate", "move a stopped registry into another database, verified", cmd_migrate, NULL },
    { "routes", "print the table of HTTP routes; -o json the description of the API", cmd_routes,
      routes_says },
    { "completion", "print the completion script of a shell: bash, zsh or fish", cmd_completion,
      NULL },
    { "version", "print the version", cmd_version, "assay version\n\nPrints the version.\n" },
    { "help", "print this; `assay help settings`, `assay help COMMAND`", cmd_help, NULL },
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

static const struct cmd *find_command(const char *name)
{
    const struct cmd *cmd = cmd_table;

    while (cmd->name != NULL && strcmp(cmd->name, name) != 0)
        cmd++;
    return cmd->name == NULL ? NULL : cmd;
}

static bool asks_for_help(int argc, char **argv)
{
    return argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
}

int cmd_help(int argc, char **argv)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    const struct client_group     *group = argc < 1 ? NULL : client_group_find(str_from(argv[0]));
    struct buf                     help;
    const struct cmd              *cmd = argc < 1 ? NULL : find_command(argv[0]);
    struct err                     err;

    if (cmd != NULL && cmd->says != NULL) {
        printf("%s", cmd->says);
        return CMD_DONE;
    }
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

    const struct cmd *cmd = find_command(name);
    if (cmd != NULL && cmd->says != NULL && asks_for_help(argc - 2, argv + 2)) {
        printf("%s", cmd->says);
        return CMD_DONE;
    }
    if (cmd != NULL) {
        prepare_process();
        return cmd->run(argc - 2, argv + 2);
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
