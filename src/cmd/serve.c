/* cmd/serve.c: `assay serve`: opens a node, puts listeners in front of it, and waits for signals: SIGTERM
 * and SIGINT drain, a second one ends at once, SIGHUP reads the certificate again. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "api/api.h"
#include "api/host.h"
#include "api/v0_repository.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/log_out.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/counter.h"
#include "cmd/deliverer.h"
#include "cmd/doctor.h"
#include "cmd/kinds.h"
#include "cmd/node.h"
#include "cmd/notify.h"
#include "cmd/readers.h"
#include "cmd/scrubber.h"
#include "cmd/socket.h"
#include "cmd/tls.h"
#include "cmd/upkeep.h"
#include "http/server.h"
#include "web/assets.h"
#include "work/hook.h"

extern char **environ;

struct serving {
    struct node             *node;
    struct api_host          host;
    struct http_certificate *certificate;
    struct str               ca;
    struct api              *api;
    struct http_server      *server;
    struct socket_server    *socket;
    struct jobs             *jobs;
    struct outbox           *outbox;
    struct upkeep           *upkeep;
    struct scrubber         *scrubber;
    struct counter          *counter;
    size_t                   n_plain; /* the first listeners are the plain ones */
    size_t                   n_listens;
};

static void stop_deliverer(struct serving *s)
{
    if (s->node != NULL)
        deliverer_free(&s->node->deliverer);
}

static void close_serving(struct serving *s)
{
    scrubber_free(&s->scrubber);
    upkeep_free(&s->upkeep);
    outbox_stop(&s->outbox);
    stop_deliverer(s);
    jobs_stop(&s->jobs);
    socket_server_free(&s->socket);
    http_server_free(&s->server);
    counter_free(&s->counter);
    api_free(&s->api);
    http_certificate_free(&s->certificate);
    node_close(&s->node);
}

/* -- what the settings must not allow ------------------------------------------------------------------- */

static bool is_loopback(struct str address)
{
    return str_starts(address, STR("127.")) || str_starts(address, STR("[::1]")) ||
           str_starts(address, STR("localhost:"));
}

/* Passwords travel on plain HTTP, so it leaves the machine only when that was meant. */
static int check_plain(const struct conf *conf, struct err *err)
{
    if (conf_switch(conf, CONF_INSECURE_HTTP) || conf_list_len(conf, CONF_TRUSTED_PROXIES) > 0)
        return 0;
    for (size_t i = 0; i < conf_list_len(conf, CONF_HTTP); i++) {
        struct str address = conf_list(conf, CONF_HTTP, i);

        if (!is_loopback(address))
            return err_set(err, ERR_INVALID,
                           "--http " STR_FMT
                           " would send passwords over the network in clear: use --https, name "
                           "the proxies in front with --trusted-proxies, or say --insecure-http",
                           STR_ARGS(address));
    }
    return 0;
}

/* -- listeners ---------------------------------------------------------------------------------------- */

static struct str join_list(const struct conf *conf, enum conf_id id, struct arena *arena)
{
    struct buf text;

    buf_init(&text, arena, 64 * 1024);
    for (size_t i = 0; i < conf_list_len(conf, id); i++) {
        struct str part = conf_list(conf, id, i);

        buf_printf(&text, "%s" STR_FMT, i > 0 ? "," : "", STR_ARGS(part));
    }
    return buf_view(&text);
}

static struct conf *settings_of(void *node)
{
    return node_conf_ref(node);
}

static int load_settings(void *node, struct err *err)
{
    return node_load_settings(node, err);
}

struct telling {
    api_alert_each *each;
    void           *context;
};

static int tell_alert(void *context, const struct doctor_finding *finding, struct err *err)
{
    AUTO(arena_free) struct arena *arena   = arena_new();
    const struct telling          *telling = context;
    const char                    *message =
        mem_printf(arena, "%s%s%s", finding->said, finding->next == NULL ? "" : "; ",
                   finding->next == NULL ? "" : finding->next);
    struct api_alert alert = { .id      = str_from(finding->check),
                               .weight  = finding->is_red ? STR("error") : STR("warning"),
                               .message = str_from(message) };

    return telling->each(telling->context, &alert, err);
}

static int tell_alerts(void *node, api_alert_each *each, void *context, struct err *err)
{
    struct telling telling = { .each = each, .context = context };

    return doctor_look(node, tell_alert, &telling, err);
}

static int open_api(struct serving *s, struct err *err)
{
    const struct conf *conf   = node_conf(s->node);
    size_t             n_urls = conf_list_len(conf, CONF_EXTERNAL_URL);
    struct str        *urls   = mem_many(s->node->arena, n_urls + 1, struct str);

    for (size_t i = 0; i < n_urls; i++) {
        urls[i] = conf_list(conf, CONF_EXTERNAL_URL, i);
        while (str_ends(urls[i], STR("/")))
            urls[i].n--;
    }
    s->host                      = (struct api_host){ .node     = s->node,
                                                      .id       = str_from(s->node->id),
                                                      .settings = settings_of,
                                                      .reload   = load_settings,
                                                      .alerts   = tell_alerts };
    struct api_settings settings = {
        .host            = &s->host,
        .auth            = s->node->auth,
        .work            = s->node->work,
        .kinds           = cmd_kinds,
        .external_urls   = urls,
        .n_external_urls = n_urls,
        .certificate     = s->certificate,
        .ca_pem          = s->ca,
        .assets          = web_assets,
        .spool_fd        = s->node->data_fd,
    };
    return api_new(&settings, &s->api, err);
}

/* 0: one a processor. */
static size_t event_threads(const struct conf *conf)
{
    int64_t asked = conf_number(conf, CONF_EVENT_THREADS);
    long    cores = sysconf(_SC_NPROCESSORS_ONLN);

    return asked > 0 ? (size_t)asked : cores > 0 ? (size_t)cores : 1;
}

static int listen_all(struct serving *s, struct err *err)
{
    const struct conf  *conf    = node_conf(s->node);
    size_t              n_tls   = conf_list_len(conf, CONF_HTTPS);
    struct http_listen *listens = NULL;

    s->n_plain   = conf_list_len(conf, CONF_HTTP);
    s->n_listens = s->n_plain + n_tls;
    if (s->n_listens == 0)
        return err_set(err, ERR_INVALID, "nothing to listen on: give --http or --https");

    listens = mem_many(s->node->arena, s->n_listens, struct http_listen);
    for (size_t i = 0; i < s->n_plain; i++)
        listens[i].address = conf_list(conf, CONF_HTTP, i);
    for (size_t i = 0; i < n_tls; i++)
        listens[s->n_plain + i] = (struct http_listen){
            .address     = conf_list(conf, CONF_HTTPS, i),
            .certificate = s->certificate,
        };

    struct http_server_settings settings = {
        .listens         = listens,
        .n_listens       = s->n_listens,
        .event_threads   = event_threads(conf),
        .trusted_proxies = join_list(conf, CONF_TRUSTED_PROXIES, s->node->arena),
        .limits          = http_limits_default,
    };
    settings.limits.workers     = (size_t)conf_number(conf, CONF_WORKERS);
    settings.limits.connections = (size_t)conf_number(conf, CONF_MAX_CONNECTIONS);
    if (http_server_start(&settings, api_app(s->api), &s->server, err) < 0)
        return -1;
    api_set_server(s->api, s->server);
    return 0;
}

/* By what receivers of webhooks know this registry: the first external URL, else the first listener's address. */
static struct str origin_of(struct serving *s)
{
    const struct conf *conf = node_conf(s->node);

    if (conf_list_len(conf, CONF_EXTERNAL_URL) > 0) {
        struct str url = conf_list(conf, CONF_EXTERNAL_URL, 0);

        return str_ends(url, STR("/")) ? str_sub(url, 0, url.n - 1) : url;
    }
    return str_from(mem_printf(s->node->arena, "%s://" STR_FMT, s->n_plain > 0 ? "http" : "https",
                               STR_ARGS(http_server_address(s->server, 0))));
}

static int open_hooks(struct serving *s, struct err *err)
{
    struct work_hook_settings settings = {
        .outbound   = s->node->outbound,
        .ring       = s->node->ring,
        .origin     = origin_of(s),
        .node       = str_from(s->node->id),
        .repo_table = &api_v0_repo_table,
    };

    work_set_hooks(s->node->work, &settings);
    return deliverer_start(s->node, &s->node->deliverer, err);
}

static int open_all(struct serving *s, struct conf **conf, struct err *err)
{
    if (check_plain(*conf, err) < 0 || tls_check(*conf, err) < 0 ||
        node_open(conf, &s->node, err) < 0)
        return -1;
    if (conf_list_len(node_conf(s->node), CONF_HTTPS) > 0 &&
        tls_open(s->node, &s->certificate, &s->ca, err) < 0)
        return err_wrap(err, "TLS");
    if (failpoint(FP_START_LISTEN, err) < 0 || open_api(s, err) < 0 || listen_all(s, err) < 0 ||
        failpoint(FP_START_SOCKET, err) < 0 || socket_server_start(s->node, &s->socket, err) < 0 ||
        failpoint(FP_START_READY, err) < 0)
        return -1;
    struct jobs_settings   jobs   = { .db        = s->node->db,
                                      .worker_id = str_from(s->node->id),
                                      .kinds     = cmd_kinds,
                                      .context   = s->node,
                                      .lease_us  = conf_number(node_conf(s->node), CONF_JOB_LEASE) };
    struct outbox_settings outbox = { .db      = s->node->db,
                                      .readers = cmd_readers,
                                      .context = s->node };
    if (open_hooks(s, err) < 0 || counter_start(s->node->work, &s->counter, err) < 0 ||
        jobs_start(&jobs, &s->jobs, err) < 0 || outbox_start(&outbox, &s->outbox, err) < 0 ||
        upkeep_start(s->node, s->api, s->jobs, &s->upkeep, err) < 0)
        return -1;
    return scrubber_start(s->node, &s->scrubber, err);
}

/* -- what it says ------------------------------------------------------------------------------------- */

static void tell_first_admin(const struct node *node)
{
    if (node->first_password.p == NULL)
        return;
    if (node->password_was_given)
        printf("first start: made the account admin with the password of ASSAY_ADMIN_PASSWORD\n");
    else
        printf("first start: made the account admin, password " STR_FMT
               " (kept in the data directory, file admin-password, until it is changed)\n",
               STR_ARGS(node->first_password));
}

static void tell_addresses(const char *name, const struct serving *s, size_t from, size_t to)
{
    const char *comma = "";

    printf(" %s=", name);
    for (size_t i = from; i < to; i++) {
        struct str address = http_server_address(s->server, i);

        printf("%s" STR_FMT, comma, STR_ARGS(address));
        comma = ",";
    }
    if (from == to)
        printf("off");
}

static void tell_ready(const struct serving *s)
{
    tell_first_admin(s->node);
    printf("ready");
    tell_addresses("http", s, 0, s->n_plain);
    tell_addresses("https", s, s->n_plain, s->n_listens);
    printf(" pid=%d\n", (int)getpid());
    fflush(stdout);
    notify("READY=1");
}

static void reload(struct serving *s)
{
    struct err err;

    if (s->certificate == NULL)
        return;
    if (http_certificate_reload(s->certificate, &err) < 0)
        log_event(LOG_ERROR, NULL, "tls.reload-failed", LOG_NO_FIELDS,
                  "the old certificate stays: %s", err.text);
    else
        log_event(LOG_INFO, NULL, "tls.reloaded", LOG_NO_FIELDS, "the certificate was read again");
}

/* -- signals ------------------------------------------------------------------------------------------ */

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void *end_at_second_signal(void *context)
{
    const sigset_t *set = context;
    int             number;

    do {
        if (sigwait(set, &number) != 0)
            return NULL;
    } while (number == SIGHUP);
    log_event(LOG_WARNING, NULL, "serve.killed", LOG_NO_FIELDS, "a second signal: ending at once");
    _exit(CMD_DONE);
}

static void wait_for_end(struct serving *s, const sigset_t *set)
{
    int number;

    for (;;) {
        if (sigwait(set, &number) != 0)
            continue;
        if (number != SIGHUP)
            return;
        reload(s);
    }
}

static void drain(struct serving *s, sigset_t *set)
{
    pthread_t  watcher;
    struct err ignored; /* points to be killed or held up at */

    log_event(LOG_INFO, NULL, "serve.draining", LOG_NO_FIELDS, "finishing what is under way");
    notify("STOPPING=1");
    api_set_ready(s->api, false);
    (void)failpoint(FP_STOP, &ignored);
    if (pthread_create(&watcher, NULL, end_at_second_signal, set) == 0)
        pthread_detach(watcher);
    scrubber_free(&s->scrubber);
    upkeep_free(&s->upkeep);
    outbox_stop(&s->outbox);
    stop_deliverer(s);
    jobs_stop(&s->jobs);
    (void)failpoint(FP_STOP_LEFT, &ignored);
    http_server_drain(s->server, conf_number(node_conf(s->node), CONF_DRAIN_TIMEOUT));
    (void)failpoint(FP_STOP_DRAINED, &ignored);
}

static void init_log(const struct conf *conf)
{
    static const char *const names[]  = { "debug", "info", "warning", "error" };
    struct log_settings      settings = { .level = LOG_INFO };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_is(conf_text(conf, CONF_LOG_LEVEL), names[i]))
            settings.level = (enum log_level)i;
    }
    settings.json = str_is(conf_text(conf, CONF_LOG_FORMAT), "json");
    log_init(&settings);
    log_out_begin();
}

static int load_conf(int argc, char **argv, struct conf **out, struct err *err)
{
    char **rest;
    int    n_rest;

    if (conf_load(argc, argv, environ, out, &rest, &n_rest, err) < 0)
        return -1;
    if (n_rest > 0)
        return err_set(err, ERR_INVALID,
                       "it takes settings only, not `%s`; `assay help settings` lists them",
                       rest[0]);
    return 0;
}

int cmd_serve(int argc, char **argv)
{
    AUTO(conf_unref) struct conf      *conf = NULL;
    AUTO(close_serving) struct serving s    = { 0 };
    static sigset_t                    set; /* outlives this frame for the watcher */
    struct err                         err;

    block_signals(&set);
    if (load_conf(argc, argv, &conf, &err) < 0)
        return cmd_complain("serve", &err);
    init_log(conf);
    if (open_all(&s, &conf, &err) < 0)
        return cmd_complain("serve", &err);

    api_set_ready(s.api, true);
    tell_ready(&s);
    wait_for_end(&s, &set);
    drain(&s, &set);
    close_serving(&s);
    (void)failpoint(FP_STOP_CLOSED, &err);
    return CMD_DONE;
}
