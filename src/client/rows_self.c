/* client/rows_self.c: who one is, and the raw call. */
#include "client/login.h"
#include "client/raw.h"
#include "client/rows.h"

#include <stddef.h>

/* clang-format off */
static const struct client_option login_options[] = {
    { "--username", "NAME", CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "who logs in; asked for without it" },
    { "-u",         "NAME", CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "the same" },
    { "--password-stdin", NULL, CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "read the password from standard input, one line; else it is asked for" },
    { "--token",    NULL,   CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "make an access token and keep that: it lasts until it is taken back" },
    { 0 },
};

const struct client_command client_login_rows[] = {
    { .name = "login", .args = "[SERVER]", .summary = "Log in to a registry, for Docker too",
      .options = login_options, .run = client_login,
      .more =
        "SERVER is HOST, HOST:PORT or a URL; without it the one of the last log-in. On this machine both\n"
        "HTTP and HTTPS are tried, anywhere else it is HTTPS. Later commands mean this server.\n"
        "\n"
        "The password is shown to the registry once. What is kept is the identity token that it gives for\n"
        "it, as `docker login` does: it ends by itself, and with a change of the password. It goes where\n"
        "Docker keeps its credentials: the credential helper that is configured, else config.json in\n"
        "$DOCKER_CONFIG or ~/.docker. So docker, podman, skopeo and others are logged in as well.\n"
        "\n"
        "The password may be a personal access token or the secret of a service account. It is never an\n"
        "option, where others on the machine could read it.",
      .examples =
        "assay login registry.example.com --username alice\n"
        "assay login https://registry.example.com:5001 --cacert ca.pem -u alice\n"
        "pass show registry | assay login registry.example.com -u alice --password-stdin\n"
        "assay login registry.example.com -u alice --token" },
    { 0 },
};

const struct client_command client_logout_rows[] = {
    { .name = "logout", .args = "[SERVER]", .summary = "Forget a registry's credentials, Docker's too",
      .run = client_logout,
      .more = "An access token that `assay login --token` made is taken back.",
      .examples = "assay logout\nassay logout registry.example.com" },
    { 0 },
};

static const struct client_column whoami_columns[] = {
    { "USER", "User", CLIENT_AS_IS }, { "ADMIN", "IsAdmin", CLIENT_AS_IS },
    { "BY", "AuthnMethod", CLIENT_AS_IS }, { "VERSION", "CurrentVersion", CLIENT_AS_IS }, { 0 },
};

const struct client_command client_whoami_rows[] = {
    { .name = "whoami", .args = "", .summary = "Show who is logged in, and where",
      .columns = whoami_columns, .run = client_whoami,
      .examples = "assay whoami\nassay whoami --server registry.example.com -o json" },
    { 0 },
};

static const struct client_option api_options[] = {
    { "--method",       "METHOD",        CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "GET without --data, else POST" },
    { "-X",             "METHOD",        CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "the same" },
    { "--data",         "TEXT|@FILE|-",  CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "the body; - is standard input" },
    { "-d",             "TEXT|@FILE|-",  CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "the same" },
    { "--content-type", "TYPE",          CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "of the body; application/json without it" },
    { "--include",      NULL,            CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "print status and headers before the answer" },
    { "-i",             NULL,            CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "the same" },
    { "--anonymous",    NULL,            CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "without credentials" },
    { 0 },
};

const struct client_command client_api_rows[] = {
    { .name = "api", .args = "PATH", .summary = "Send any request with the log-in's credentials and print the answer",
      .options = api_options, .run = client_raw,
      .more = "The answer is printed as it came, whatever its status; status 400 and above is exit status 1.",
      .examples =
        "assay api /enzi/v0/accounts?limit=2\n"
        "assay api /api/v0/meta/settings -d '{\"readOnlyRegistry\":true}'\n"
        "assay api -X DELETE /enzi/v0/accounts/mallory -i" },
    { 0 },
};
/* clang-format on */
