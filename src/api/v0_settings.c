/* api/v0_settings.c: DTR's settings. Some are settings of this registry under another name; the rest are facts of the
 * node or constants, which may be sent back as they were got, and are refused with what to do instead when they are
 * asked to be otherwise. What that API only ever showed (proxies, logs, replicas, storage) is ignored in a body. */
#include "api/v0_settings.h"
#include "api/api_private.h"
#include "api/host.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "codec/public_key.h"
#include "conf/conf.h"
#include "http/certificate.h"
#include "work/settings.h"

enum { BODY_MAX = 256 * 1024, TEXT_MAX = 64 * 1024 };

/* What can only be written, what can be both, what can only be read. */
enum field {
    WEB_TLS_KEY,
    FIRST_READ,
    ANONYMIZE_ANALYTICS = FIRST_READ,
    AUDIT_AUTH_LOGS,
    CLIENT_CERT_AUTH,
    CREATE_ON_PUSH,
    CUSTOM_CA,
    DISABLE_BACKUP_WARNING,
    DISABLE_PERSISTENT_COOKIES,
    DISABLE_UPGRADES,
    DTR_HOST,
    JOB_COMPACTION,
    JOB_MAX_AGE,
    JOB_TO_KEEP,
    READ_ONLY,
    EVENT_COMPACTION,
    EVENT_MAX_AGE,
    EVENT_TO_KEEP,
    REPORT_ANALYTICS,
    SCANNING_DEADLINE,
    SCANNING_RECHECK,
    SCANNING_ENABLED,
    SCANNING_ONLINE,
    SSO,
    WEB_TLS_CA,
    WEB_TLS_CERT,
    WEB_TLS_CLIENT_CA,
    N_WRITTEN,
    HTTP_PROXY = N_WRITTEN,
    HTTPS_PROXY,
    NO_PROXY,
    LOG_HOST,
    LOG_LEVEL,
    LOG_PROTOCOL,
    NFS_HOST,
    NFS_PATH,
    REPLICA_ID,
    REPLICA_SETTINGS,
    STORAGE_VOLUME,
    N_FIELDS
};

/* A field has its value where its kind says. `has` is not the first: at offset 0 there is none (codec/json.h). */
struct settings {
    struct str text[N_FIELDS];
    int64_t    number[N_FIELDS];
    bool       flag[N_FIELDS];
    bool       has[N_FIELDS];
};

/* clang-format off */
#define MEMBER(id, its_name, its_kind, array, type) \
    [id] = { .name = (its_name), .kind = (its_kind), .offset = JSON_AT(struct settings, array[id], type), \
             .has_offset = JSON_AT(struct settings, has[id], bool) }
#define FLAG(id, name)   MEMBER(id, name, JSON_BOOL, flag, bool)
#define NUMBER(id, name) MEMBER(id, name, JSON_INTEGER, number, int64_t)
#define TEXT(id, name)   MEMBER(id, name, JSON_STRING, text, struct str)
#define RAW(id, name)    MEMBER(id, name, JSON_RAW, text, struct str)

static const struct json_field fields[N_FIELDS] = {
    TEXT  (WEB_TLS_KEY,                "webTLSKey"),
    FLAG  (ANONYMIZE_ANALYTICS,        "anonymizeAnalytics"),
    FLAG  (AUDIT_AUTH_LOGS,            "auditAuthLogsEnabled"),
    FLAG  (CLIENT_CERT_AUTH,           "clientCertAuthEnabled"),
    FLAG  (CREATE_ON_PUSH,             "createRepositoryOnPush"),
    TEXT  (CUSTOM_CA,                  "customCACertBundle"),
    FLAG  (DISABLE_BACKUP_WARNING,     "disableBackupWarning"),
    FLAG  (DISABLE_PERSISTENT_COOKIES, "disablePersistentCookies"),
    FLAG  (DISABLE_UPGRADES,           "disableUpgrades"),
    TEXT  (DTR_HOST,                   "dtrHost"),
    FLAG  (JOB_COMPACTION,             "jobHistoryCompactionEnabled"),
    TEXT  (JOB_MAX_AGE,                "jobHistoryMaxAge"),
    NUMBER(JOB_TO_KEEP,                "jobHistoryToKeep"),
    FLAG  (READ_ONLY,                  "readOnlyRegistry"),
    FLAG  (EVENT_COMPACTION,           "repoEventHistoryCompactionEnabled"),
    TEXT  (EVENT_MAX_AGE,              "repoEventHistoryMaxAge"),
    NUMBER(EVENT_TO_KEEP,              "repoEventHistoryToKeep"),
    FLAG  (REPORT_ANALYTICS,           "reportAnalytics"),
    NUMBER(SCANNING_DEADLINE,          "scanningDeadline"),
    FLAG  (SCANNING_RECHECK,           "scanningEnableAutoRecheck"),
    FLAG  (SCANNING_ENABLED,           "scanningEnabled"),
    FLAG  (SCANNING_ONLINE,            "scanningSyncOnline"),
    FLAG  (SSO,                        "sso"),
    TEXT  (WEB_TLS_CA,                 "webTLSCA"),
    TEXT  (WEB_TLS_CERT,               "webTLSCert"),
    TEXT  (WEB_TLS_CLIENT_CA,          "webTLSClientCA"),
    TEXT  (HTTP_PROXY,                 "httpProxy"),
    TEXT  (HTTPS_PROXY,                "httpsProxy"),
    TEXT  (NO_PROXY,                   "noProxy"),
    TEXT  (LOG_HOST,                   "logHost"),
    TEXT  (LOG_LEVEL,                  "logLevel"),
    TEXT  (LOG_PROTOCOL,               "logProtocol"),
    TEXT  (NFS_HOST,                   "nfsHost"),
    TEXT  (NFS_PATH,                   "nfsPath"),
    TEXT  (REPLICA_ID,                 "replicaID"),
    RAW   (REPLICA_SETTINGS,           "replicaSettings"),
    TEXT  (STORAGE_VOLUME,             "storageVolume"),
};

static const struct json_table written_table = {
    .name = "UpdateSettings", .size = sizeof(struct settings), .fields = fields, .n_fields = N_WRITTEN,
};
static const struct json_table read_table = {
    .name = "Settings", .size = sizeof(struct settings), .fields = fields + FIRST_READ, .n_fields = N_FIELDS - FIRST_READ,
};

/* Settings of ours, switches, numbers, times and texts by their type, and what is said to who wants a constant or a fact
 * otherwise. */
static const struct {
    bool         is_setting;
    bool         is_opposite; /* of a switch */
    enum conf_id conf;
    bool         is_on; /* of a constant flag */
    const char  *instead;
} rows[N_WRITTEN] = {
    [CREATE_ON_PUSH]             = { .is_setting = true, .conf = CONF_CREATE_ON_PUSH },
    [READ_ONLY]                  = { .is_setting = true, .conf = CONF_READ_ONLY },
    [DISABLE_PERSISTENT_COOKIES] = { .is_setting = true, .conf = CONF_COOKIES_KEPT, .is_opposite = true },
    [CUSTOM_CA]                  = { .is_setting = true, .conf = CONF_CA_BUNDLE },
    [JOB_COMPACTION]             = { .is_setting = true, .conf = CONF_JOB_HISTORY },
    [JOB_MAX_AGE]                = { .is_setting = true, .conf = CONF_JOB_HISTORY_AGE },
    [EVENT_COMPACTION]           = { .is_setting = true, .conf = CONF_EVENT_HISTORY },
    [EVENT_MAX_AGE]              = { .is_setting = true, .conf = CONF_EVENT_AGE },
    [EVENT_TO_KEEP]              = { .is_setting = true, .conf = CONF_EVENT_KEEP },
    [JOB_TO_KEEP]                = { .is_setting = true, .conf = CONF_JOB_HISTORY_KEEP },

    [ANONYMIZE_ANALYTICS]    = { .is_on = true, .instead = "nothing is reported to anyone" },
    [REPORT_ANALYTICS]       = { .instead = "nothing is reported to anyone" },
    [AUDIT_AUTH_LOGS]        = { .is_on = true, .instead = "what happens to access is always on record, see /api/v1/audit" },
    [DISABLE_BACKUP_WARNING] = { .is_on = true, .instead = "the registry does not watch backups; docs/operations.md says how to make one" },
    [DISABLE_UPGRADES]       = { .is_on = true, .instead = "the registry does not look for upgrades; install them as a package" },
    [CLIENT_CERT_AUTH]       = { .instead = "people log in by password or access token; machines by service accounts" },
    [DTR_HOST]               = { .instead = "give each node the setting external-url" },
    [SCANNING_DEADLINE]      = { .instead = "the registry does not scan" },
    [SCANNING_RECHECK]       = { .instead = "the registry does not scan" },
    [SCANNING_ENABLED]       = { .instead = "the registry does not scan" },
    [SCANNING_ONLINE]        = { .instead = "the registry does not scan" },
    [SSO]                    = { .instead = "people log in by password or access token" },
    [WEB_TLS_CA]             = { .instead = "give the node --tls-cert and --tls-key, or let it make its own authority" },
    [WEB_TLS_CERT]           = { .instead = "put the chain into the file of the node's --tls-cert and send it SIGHUP" },
    [WEB_TLS_CLIENT_CA]      = { .instead = "people log in by password or access token; machines by service accounts" },
    [WEB_TLS_KEY]            = { .instead = "put the key into the file of the node's --tls-key and send it SIGHUP" },
};
/* clang-format on */

/* -- what is in force --------------------------------------------------------------------------------- */

static struct str certificates(struct arena *arena, const struct conf *conf)
{
    struct str pem = conf_text(conf, CONF_CA_BUNDLE);

    return pem.n == 0 || str_is(pem, "off") ? STR("") : str_copy(arena, pem);
}

/* A setting as the field that shows it. Times are spans as DTR writes them; no time is "". */
static void show_setting(struct arena *arena, const struct conf *conf, size_t i,
                         struct settings *out)
{
    enum conf_id id = rows[i].conf;
    char         text[TEXT_TIME_MAX];

    if (conf_table[id].type == CONF_SWITCH) {
        out->flag[i] = conf_switch(conf, id) != rows[i].is_opposite;
    } else if (conf_table[id].type == CONF_DURATION) {
        text_span_print(conf_number(conf, id), text);
        out->text[i] = str_copy(arena, str_from(text));
    } else if (conf_table[id].type == CONF_INT) {
        out->number[i] = conf_number(conf, id);
    } else {
        out->text[i] = certificates(arena, conf);
    }
}

static struct str host_of(const struct conf *conf)
{
    struct str url;
    ptrdiff_t  slashes;

    if (conf_list_len(conf, CONF_EXTERNAL_URL) == 0)
        return STR("");
    url     = conf_list(conf, CONF_EXTERNAL_URL, 0);
    slashes = str_find(url, '/');
    url     = slashes < 0 ? url : str_from_index(url, (size_t)slashes + 2);
    return str_ends(url, STR("/")) ? str_sub(url, 0, url.n - 1) : url;
}

static int64_t port_of(const struct conf *conf, enum conf_id id)
{
    int64_t port = 0;

    if (conf_list_len(conf, id) > 0) {
        struct str address = conf_list(conf, id, 0);

        (void)str_to_int(str_from_index(address, (size_t)str_find_last(address, ':') + 1), &port);
    }
    return port;
}

/* Of this node, by its id. */
static struct str replica_settings(struct api_call *call, const struct conf *conf)
{
    const struct api_host *host = call->api->settings.host;
    struct json_write      w;
    struct buf             text;

    buf_init(&text, call->arena, TEXT_MAX);
    json_write_init(&w, &text);
    json_write_object(&w);
    json_write_key_str(&w, host->id);
    json_write_object(&w);
    json_write_int_at(&w, "HTTPPort", port_of(conf, CONF_HTTP));
    json_write_int_at(&w, "HTTPSPort", port_of(conf, CONF_HTTPS));
    json_write_str_at(&w, "node", host->id);
    json_write_end(&w);
    json_write_end(&w);
    return buf_view(&text);
}

/* Without user and password. */
static struct str shown_proxy(struct arena *arena, struct str url)
{
    ptrdiff_t slashes = str_find(url, '/');
    ptrdiff_t at      = str_find_last(url, '@');

    if (url.n == 0 || at < 0)
        return str_copy(arena, url.n == 0 ? STR("") : url);
    struct str scheme = str_sub(url, 0, (size_t)slashes + 2);
    struct str host   = str_from_index(url, (size_t)at + 1);
    return str_from(mem_printf(arena, STR_FMT STR_FMT, STR_ARGS(scheme), STR_ARGS(host)));
}

static int add_facts(struct api_call *call, const struct conf *conf, struct settings *out,
                     struct err *err)
{
    const struct api_settings *api     = &call->api->settings;
    struct str                 storage = conf_text(conf, CONF_STORAGE);

    out->text[DTR_HOST]    = str_copy(call->arena, host_of(conf));
    out->text[HTTP_PROXY]  = shown_proxy(call->arena, conf_text(conf, CONF_HTTP_PROXY));
    out->text[HTTPS_PROXY] = shown_proxy(call->arena, conf_text(conf, CONF_HTTPS_PROXY));
    if (conf_list_len(conf, CONF_NO_PROXY) > 0)
        out->text[NO_PROXY] = conf_print(conf, CONF_NO_PROXY, call->arena);
    out->text[LOG_LEVEL]        = str_copy(call->arena, conf_text(conf, CONF_LOG_LEVEL));
    out->text[LOG_PROTOCOL]     = STR("internal");
    out->text[REPLICA_ID]       = api->host->id;
    out->text[REPLICA_SETTINGS] = replica_settings(call, conf);
    if (str_starts(storage, STR("file:")))
        out->text[STORAGE_VOLUME] = str_copy(call->arena, str_from_index(storage, 5));
    if (api->ca_pem.p != NULL)
        out->text[WEB_TLS_CA] = api->ca_pem;
    if (api->certificate != NULL)
        return http_certificate_chain(api->certificate, call->arena, &out->text[WEB_TLS_CERT], err);
    return 0;
}

static int gather(struct api_call *call, const struct conf *conf, struct settings *out,
                  struct err *err)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        out->has[i]  = true;
        out->text[i] = STR("");
    }
    for (size_t i = 0; i < N_WRITTEN; i++) {
        if (rows[i].is_setting)
            show_setting(call->arena, conf, i, out);
        else
            out->flag[i] = rows[i].is_on;
    }
    return add_facts(call, conf, out, err);
}

static int get_settings(struct api_call *call, struct err *err)
{
    const struct api_host        *host = call->api->settings.host;
    AUTO(conf_unref) struct conf *conf = host->settings(host->node);
    struct settings              *now  = mem_one(call->arena, struct settings);

    if (gather(call, conf, now, err) < 0)
        return -1;
    return api_reply_value(call, now, err);
}

/* -- changing it -------------------------------------------------------------------------------------- */

int api_v0_refuse_setting(const char *field, const char *instead, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_SETTINGS", str_from(field),
                        "%s cannot be set here: %s", field, instead);
}

/* What the setting's own parser says is wrong with the value. */
static int refuse_value(const char *field, struct err *err)
{
    struct err why = *err;

    return err_set_code(err, ERR_INVALID, "INVALID_SETTINGS", str_from(field), "%s: %s", field,
                        why.text);
}

static bool is_same(size_t i, const struct settings *a, const struct settings *b)
{
    return a->flag[i] == b->flag[i] && a->number[i] == b->number[i] &&
           (a->text[i].n == 0 ? b->text[i].n == 0 : str_eq(a->text[i], b->text[i]));
}

struct work_setting api_v0_switch(enum conf_id id, bool is_on_now, bool is_wanted)
{
    return (struct work_setting){
        .key      = str_from(conf_table[id].key),
        .value    = is_wanted ? STR("on") : STR("off"),
        .standard = is_on_now ? STR("on") : STR("off"),
    };
}

int api_v0_put_settings(struct api_call *call, const struct work_setting *changes, size_t n,
                        struct err *err)
{
    const struct api_host *host = call->api->settings.host;

    if (work_settings_put(call->work, &call->actor, changes, n, err) < 0)
        return -1;
    return host->reload(host->node, err);
}

static struct str text_or_off(struct str text)
{
    return text.n > 0 ? text : STR("off");
}

/* The text that the setting's own parser takes; the new value is checked by it. */
static int read_setting(struct api_call *call, struct conf *conf, size_t i,
                        const struct settings *given, struct work_setting *out, struct err *err)
{
    AUTO(conf_unref) struct conf *changed = NULL;
    enum conf_id                  id      = rows[i].conf;
    enum conf_type                type    = conf_table[id].type;
    struct str value = given->flag[i] != rows[i].is_opposite ? STR("on") : STR("off");
    char       text[TEXT_TIME_MAX];
    int64_t    us;

    if (type == CONF_DURATION) {
        if (text_span_parse(given->text[i], &us, err) < 0)
            return refuse_value(fields[i].name, err);
        text_duration_print(us, text);
        value = str_copy(call->arena, str_from(text));
    } else if (type == CONF_INT) {
        value = str_from(mem_printf(call->arena, "%lld", (long long)given->number[i]));
    } else if (type == CONF_TEXT) {
        if (given->text[i].n > 0 && public_key_check_bundle(given->text[i], err) < 0)
            return refuse_value(fields[i].name, err);
        value = text_or_off(given->text[i]);
    }
    if (conf_with(conf, id, value, &changed, err) < 0)
        return refuse_value(fields[i].name, err);
    *out = (struct work_setting){ .key      = str_from(conf_table[id].key),
                                  .value    = value,
                                  .standard = type == CONF_TEXT
                                                  ? text_or_off(certificates(call->arena, conf))
                                                  : conf_print(conf, id, call->arena) };
    return 0;
}

static int post_settings(struct api_call *call, struct err *err)
{
    const struct api_host        *host  = call->api->settings.host;
    AUTO(conf_unref) struct conf *conf  = host->settings(host->node);
    struct settings              *now   = mem_one(call->arena, struct settings);
    struct settings              *given = mem_one(call->arena, struct settings);
    struct work_setting           changes[N_WRITTEN];
    size_t                        n = 0;

    if (api_body(call, given, err) < 0 || gather(call, conf, now, err) < 0)
        return -1;
    for (size_t i = 0; i < N_WRITTEN; i++) {
        if (!given->has[i])
            continue;
        if (!rows[i].is_setting && !is_same(i, given, now))
            return api_v0_refuse_setting(fields[i].name, rows[i].instead, err);
        if (rows[i].is_setting && read_setting(call, conf, i, given, &changes[n++], err) < 0)
            return -1;
    }
    if (api_v0_put_settings(call, changes, n, err) < 0)
        return -1;
    api_reply_done(call);
    return 0;
}

/* clang-format off */
const struct api_route api_v0_settings_routes[] = {
    { .name = "settings.get",    .method = HTTP_GET,  .path = "/api/v0/meta/settings",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "Settings of the registry and facts of this node, in DTR's words",
      .gives = &read_table,
      .run = get_settings },
    { .name = "settings.update", .method = HTTP_POST, .path = "/api/v0/meta/settings",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "Change settings; members that are absent stay", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = BODY_MAX, .takes = &written_table, .status = 202,
      .run = post_settings },
    { 0 },
};
/* clang-format on */
