/* cmd/client.c: what only the process knows (variables, home, terminal), handed to client/; what that says, printed.
 * Proxies are taken from the variables that other programs take them from, and http_proxy only in small letters:
 * the large ones can come from a request where a program runs as CGI. */
#include "cmd/client.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/client.h"
#include "cmd/cmd.h"
#include "codec/text.h"
#include "io/file.h"
#include "io/terminal.h"

#define HELPER_TIMEOUT_US INT64_C(60000000)

enum { MACHINE_MAX = 256 };

/* The first of the variables that is set and not empty, or the null view. */
static struct str variable(const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0')
            return str_from(value);
    }
    return STR_NULL;
}

#define VARIABLE(...)                              \
    variable((const char *const[]){ __VA_ARGS__ }, \
             sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static struct str find_docker_config(struct arena *arena)
{
    struct str given = VARIABLE("DOCKER_CONFIG");
    struct str home  = VARIABLE("HOME");

    if (given.p != NULL || home.p == NULL)
        return given;
    return str_from(mem_printf(arena, STR_FMT "/.docker", STR_ARGS(home)));
}

static struct str find_machine(struct arena *arena)
{
    char name[MACHINE_MAX] = "";

    gethostname(name, sizeof(name) - 1);
    return str_from(mem_strdup(arena, name[0] == '\0' ? "a machine" : name));
}

/* Who stops reading (`| head`) ends us without a word, as other programs. */
static int print(struct str text, struct err *err)
{
    signal(SIGPIPE, SIG_DFL);
    return file_write_all(STDOUT_FILENO, text, -1, err);
}

static int read_env(struct arena *arena, struct client_env *out, struct err *err)
{
    struct str timeout = VARIABLE("ASSAY_HELPER_TIMEOUT");

    *out = (struct client_env){
        .docker_config     = find_docker_config(arena),
        .certs             = STR("/etc/docker/certs.d"),
        .server            = VARIABLE("ASSAY_SERVER"),
        .cacert            = VARIABLE("ASSAY_CACERT"),
        .http_proxy        = VARIABLE("http_proxy", "all_proxy", "ALL_PROXY"),
        .https_proxy       = VARIABLE("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
        .no_proxy          = VARIABLE("no_proxy", "NO_PROXY"),
        .machine           = find_machine(arena),
        .helper_timeout_us = HELPER_TIMEOUT_US,
        .width             = terminal_is(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0,
        .print             = print,
    };
    if (timeout.p != NULL && text_duration_parse(timeout, &out->helper_timeout_us, err) < 0)
        return err_wrap(err, "ASSAY_HELPER_TIMEOUT");
    return 0;
}

int cmd_client(const struct client_group *group, int argc, char **argv)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct client_said             said  = { .name = group->name };
    struct client_env              env;
    struct err                     err, failure;

    log_init(&(struct log_settings){ .level = LOG_ERROR });
    setlocale(LC_CTYPE,
              "C.UTF-8"); /* for the width of characters; what is printed is UTF-8 in any case */
    signal(SIGPIPE, SIG_IGN);
    if (read_env(arena, &env, &err) < 0)
        return cmd_complain(said.name, &err);

    int done    = client_main(arena, &env, group, argc, argv, &said, &err);
    int printed = print(buf_view(&said.out), &failure);
    fprintf(stderr, STR_FMT, STR_ARGS(buf_view(&said.notes)));
    if (done < 0)
        return cmd_complain(said.name, &err);
    return printed < 0 ? cmd_complain(said.name, &failure) : CMD_DONE;
}
