/* conf/table.c: every setting, one row each. From a row come the flag, the YAML key, the variable, the
 * checks, the help and the line of `assay config`. */
#include "base/mem.h"
#include "conf/conf_private.h"

/* clang-format off */
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define TIB    (INT64_C(1) << 40)

/* Forms that several rows share. */
#define LISTEN         .value_name = "ADDR:PORT", .has_form = conf_form_listen,   .form = "ADDR:PORT, such as 127.0.0.1:5000 or [::1]:5000"
#define NETWORK        .value_name = "CIDR",      .has_form = conf_form_network,  .form = "a network, such as 10.0.0.0/8 or fd00::/8"
#define ORIGIN         .value_name = "URL",       .has_form = conf_form_url,      .form = "an http or https URL of a host alone, such as https://registry.example.com"
#define PROXY          .value_name = "URL",       .has_form = conf_form_proxy,    .form = "the http or https URL of a proxy, such as http://proxy.example.com:3128"
#define DATABASE       .value_name = "URL",       .has_form = conf_form_database, .form = "a database, such as sqlite:FILE or postgresql://HOST/NAME"
#define STORAGE        .value_name = "URL",       .has_form = conf_form_storage,  .form = "a storage, such as file:DIRECTORY"
#define AGE(low, high) .value_name = "TIME",      .min = (low), .max = (high)

const struct conf_row conf_table[CONF_N_IDS] = {
    /*                         key                 type           home           default */
    [CONF_CONFIG]          = { "config",           CONF_PATH,     CONF_NODE,     NULL,                   .value_name = "FILE",
                               .help = "The YAML file with settings." },
    [CONF_DATA]            = { "data",             CONF_PATH,     CONF_NODE,     "./data",               .value_name = "DIR",
                               .help = "The directory for what this node keeps: database, storage, keys." },
    [CONF_HTTP]            = { "http",             CONF_LIST,     CONF_NODE,     "127.0.0.1:5000",       LISTEN,
                               .help = "Where to listen for HTTP; \"off\" for nowhere." },
    [CONF_HTTPS]           = { "https",            CONF_LIST,     CONF_NODE,     NULL,                   LISTEN,
                               .help = "Where to listen for HTTPS." },
    [CONF_TLS_CERT]        = { "tls-cert",         CONF_PATH,     CONF_NODE,     NULL,                   .value_name = "FILE",
                               .help = "The server's certificate chain in PEM; without it an own authority makes one." },
    [CONF_TLS_KEY]         = { "tls-key",          CONF_PATH,     CONF_NODE,     NULL,                   .value_name = "FILE",
                               .help = "The private key of the certificate in PEM." },
    [CONF_DATABASE]        = { "database",         CONF_TEXT,     CONF_NODE,     "sqlite:DATA/assay.db", DATABASE, .is_secret = true,
                               .help = "The database: sqlite:FILE, or a PostgreSQL URL for several nodes." },
    [CONF_STORAGE]         = { "storage",          CONF_TEXT,     CONF_NODE,     "file:DATA/blobs",      STORAGE,
                               .help = "Where the bytes lie: file:DIRECTORY." },
    [CONF_EXTERNAL_URL]    = { "external-url",     CONF_LIST,     CONF_NODE,     NULL,                   ORIGIN,
                               .help = "Under which URLs clients reach this registry; each is a token realm of its own." },
    [CONF_KEY_FILE]        = { "key-file",         CONF_PATH,     CONF_NODE,     "DATA/key",             .value_name = "FILE",
                               .help = "The key that seals the secrets in the database; made at the first start." },
    [CONF_INSECURE_HTTP]   = { "insecure-http",    CONF_SWITCH,   CONF_NODE,     "off",
                               .help = "Allows HTTP beyond the loopback address, where passwords travel in clear text." },
    [CONF_TRUSTED_PROXIES] = { "trusted-proxies",  CONF_LIST,     CONF_NODE,     NULL,                   NETWORK,
                               .help = "Networks whose X-Forwarded-For and X-Forwarded-Proto are believed." },
    [CONF_EGRESS_ALLOW]    = { "egress-allow",     CONF_LIST,     CONF_NODE,     NULL,                   NETWORK,
                               .help = "Networks besides public ones that webhooks, mirrors and directories may reach." },
    [CONF_HTTP_PROXY]      = { "http-proxy",       CONF_TEXT,     CONF_NODE,     NULL,                   PROXY, .is_secret = true,
                               .help = "The proxy through which plain HTTP goes out." },
    [CONF_HTTPS_PROXY]     = { "https-proxy",      CONF_TEXT,     CONF_NODE,     NULL,                   PROXY, .is_secret = true,
                               .help = "The proxy through which HTTPS goes out." },
    [CONF_NO_PROXY]        = { "no-proxy",         CONF_LIST,     CONF_NODE,     NULL,                   .value_name = "HOST",
                               .help = "Hosts, domains and networks that are reached without a proxy." },
    [CONF_DATABASE_POOL]   = { "database-pool",    CONF_INT,      CONF_NODE,     "0",                    .value_name = "N", .min = 0, .max = 1000,
                               .help = "Connections of this node to PostgreSQL; 0 for a quarter of four fifths of max_connections." },
    [CONF_UNSAFE_DATABASE] = { "unsafe-database",  CONF_SWITCH,   CONF_NODE,     "off",
                               .help = "Starts on a PostgreSQL server whose settings may lose committed data." },
    [CONF_LOG_LEVEL]       = { "log-level",        CONF_TEXT,     CONF_NODE,     "info",                 .value_name = "LEVEL",
                               .choices = "debug info warning error",
                               .help = "The least weight of events that are logged." },
    [CONF_LOG_FORMAT]      = { "log-format",       CONF_TEXT,     CONF_NODE,     "text",                 .value_name = "FORMAT",
                               .choices = "text json",
                               .help = "The form of log lines." },
    [CONF_EVENT_THREADS]   = { "event-threads",    CONF_INT,      CONF_NODE,     "0",                    .value_name = "N", .min = 0, .max = 64,
                               .help = "Threads that hold connections; 0 for as many as there are processors." },
    [CONF_WORKERS]         = { "workers",          CONF_INT,      CONF_NODE,     "16",                   .value_name = "N", .min = 1, .max = 256,
                               .help = "Threads that run requests." },
    [CONF_WEBHOOK_WORKERS] = { "webhook-workers",  CONF_INT,      CONF_NODE,     "16",                   .value_name = "N", .min = 2, .max = 256,
                               .help = "Threads that call webhooks; half of them leave out endpoints that fail or are slow." },
    [CONF_MAX_CONNECTIONS] = { "max-connections",  CONF_INT,      CONF_NODE,     "4096",                 .value_name = "N", .min = 1, .max = 1000000,
                               .help = "Connections held at once; more are closed." },
    [CONF_DRAIN_TIMEOUT]   = { "drain-timeout",    CONF_DURATION, CONF_NODE,     "60s",                  AGE(0, HOUR),
                               .help = "How long running requests may take to end when the server stops." },
    [CONF_JOB_LEASE]       = { "job-lease",        CONF_DURATION, CONF_NODE,     "30s",                  AGE(SECOND, 10 * MINUTE),
                               .help = "How long a job of a node that does not answer waits before another node takes it." },
    [CONF_VERIFY_ON_READ]  = { "verify-on-read",   CONF_SWITCH,   CONF_REGISTRY, "off",
                               .help = "Hashes every blob again while it is served." },
    [CONF_GC_DELAY]        = { "gc-delay",         CONF_DURATION, CONF_REGISTRY, "24h",                  AGE(0, 365 * DAY),
                               .help = "How long an unused object waits before collection looks at it." },
    [CONF_PIN_TTL]         = { "pin-ttl",          CONF_DURATION, CONF_REGISTRY, "24h",                  AGE(0, 365 * DAY),
                               .help = "How long a client may rely on a blob that it was told exists." },
    [CONF_DOOM_DELAY]      = { "doom-delay",       CONF_DURATION, CONF_REGISTRY, "72h",                  AGE(0, 365 * DAY),
                               .help = "How long condemned bytes stay in storage, so that older backups find them." },
    [CONF_UNDELETE_WINDOW] = { "undelete-window",  CONF_DURATION, CONF_REGISTRY, "72h",                  AGE(0, 365 * DAY),
                               .help = "How long a deleted tag, manifest or repository can be brought back." },
    [CONF_GC_INTERVAL]     = { "gc-interval",      CONF_DURATION, CONF_REGISTRY, "30s",                  AGE(0, 30 * DAY),
                               .help = "How often collection runs; 0 for without a pause." },
    [CONF_KEEP_UNTAGGED]   = { "keep-untagged",    CONF_SWITCH,   CONF_REGISTRY, "on",
                               .help = "Collection leaves manifests that were pushed by digest and never had a tag." },
    [CONF_UPLOAD_TTL]      = { "upload-ttl",       CONF_DURATION, CONF_REGISTRY, "24h",                  AGE(SECOND, 365 * DAY),
                               .help = "How long an upload may lie idle before it is removed." },
    [CONF_TOKEN_LIFE]      = { "token-life",       CONF_DURATION, CONF_REGISTRY, "5m",                   AGE(SECOND, DAY),
                               .help = "How long an access token is good." },
    [CONF_REFRESH_LIFE]    = { "refresh-life",     CONF_DURATION, CONF_REGISTRY, "30d",                  AGE(SECOND, 3650 * DAY),
                               .help = "How long a refresh token is good." },
    [CONF_CREATE_ON_PUSH]  = { "create-on-push",   CONF_SWITCH,   CONF_REGISTRY, "on",
                               .help = "A push to a repository that does not exist makes it, in the pusher's own namespace." },
    [CONF_READ_ONLY]       = { "read-only",        CONF_SWITCH,   CONF_REGISTRY, "off",
                               .help = "Refuses everything that changes the registry." },
    [CONF_ALLOW_DELETE]    = { "allow-delete",     CONF_SWITCH,   CONF_REGISTRY, "on",
                               .help = "Allows tags, manifests and blobs to be deleted." },
    [CONF_COUNT_PULLS]     = { "count-pulls",      CONF_SWITCH,   CONF_REGISTRY, "on",
                               .help = "Counts who pulls what, where no rule for a prefix says otherwise." },
    [CONF_EVENT_HISTORY]   = { "event-history",    CONF_SWITCH,   CONF_REGISTRY, "on",
                               .help = "Deletes old events, by the two settings after this one." },
    [CONF_EVENT_AGE] = { "event-max-age", CONF_DURATION, CONF_REGISTRY, "365d", AGE(0, 3650 * DAY),
                               .help = "How old an event is when it is deleted; 0 for whatever its age." },
    [CONF_EVENT_KEEP] = { "event-max-count", CONF_INT, CONF_REGISTRY, "1000000",            .value_name = "N", .min = 0, .max = 1000000000,
                               .help = "How many events are kept, the youngest; 0 for however many." },
    [CONF_MAX_BLOB_SIZE]   = { "max-blob-size",    CONF_SIZE,     CONF_REGISTRY, "100GiB",               .value_name = "SIZE", .min = 0, .max = 1024 * TIB,
                               .help = "The largest blob that is accepted; 0 for no limit." },
    [CONF_WEBHOOK_RETRY]   = { "webhook-retry",    CONF_DURATION, CONF_REGISTRY, "5s",                   AGE(1000, HOUR),
                               .help = "How long after its first failed call a webhook's endpoint is called again; twice as long each time after." },
    [CONF_WEBHOOK_MAX_WAIT] = { "webhook-max-wait", CONF_DURATION, CONF_REGISTRY, "1h",                 AGE(1000, DAY),
                               .help = "The longest wait between two calls of an endpoint that fails." },
    [CONF_WEBHOOK_FAILURES] = { "webhook-failures", CONF_INT,     CONF_REGISTRY, "32",                   .value_name = "N", .min = 1, .max = 1000,
                               .help = "Failed calls in a row after which an endpoint's webhooks are stopped, with an alert." },
    [CONF_WEBHOOK_TIMEOUT] = { "webhook-timeout",  CONF_DURATION, CONF_REGISTRY, "10s",                  AGE(1000, MINUTE),
                               .help = "How long one call of a webhook may take." },
    [CONF_SCRUB_RATE]      = { "scrub-rate",       CONF_SIZE,     CONF_REGISTRY, "20MiB",                .value_name = "SIZE", .min = 0, .max = 1024 * TIB,
                               .help = "How many bytes a second the scrub may hash; 0 for none." },
    [CONF_SCRUB_INTERVAL]  = { "scrub-interval",   CONF_DURATION, CONF_REGISTRY, "30d",                  AGE(SECOND, 30 * DAY),
                               .help = "How often every blob is hashed; its presence and size are looked at four times as often." },
    [CONF_DISK_RESERVE]    = { "disk-reserve",     CONF_SIZE,     CONF_REGISTRY, "256MiB",               .value_name = "SIZE", .min = 0, .max = 1024 * TIB,
                               .help = "What pushes leave free on the disk for deletes and collection, at most a sixteenth of it." },
    [CONF_ANONYMOUS]      = { "anonymous-access", CONF_SWITCH,   CONF_REGISTRY, "on",
                               .help = "Lets those without an account pull and search what is public." },
    [CONF_ACCESS_TOKEN_LIFE] = { "pat-max-life", CONF_DURATION, CONF_REGISTRY, "0", AGE(0, 3650 * DAY),
                               .help = "The longest that a personal access token may live; 0 for no limit." },
    [CONF_PASSWORD_MIN]   = { "password-min", CONF_INT,      CONF_REGISTRY, "8", .value_name = "N", .min = 1, .max = 128,
                               .help = "The least number of characters of a new password." },
    [CONF_PASSWORD_CLASSES] = { "password-classes", CONF_INT,      CONF_REGISTRY, "1", .value_name = "N", .min = 1, .max = 4,
                               .help = "How many of lower case, upper case, digits and others a new password must have." },
    [CONF_LOGIN_FAILURES] = { "login-failures",  CONF_INT,      CONF_REGISTRY, "10", .value_name = "N", .min = 0, .max = 1000,
                               .help = "Failed log-ins of one name from one network before they are slowed down; 0 for never." },
    [CONF_LOGIN_LOCK]     = { "login-lock-max",  CONF_DURATION, CONF_REGISTRY, "1m", AGE(SECOND, DAY),
                               .help = "The longest that a name is locked out for one network." },
    [CONF_LOGIN_BANNER]   = { "login-banner",    CONF_TEXT,     CONF_REGISTRY, NULL, .value_name = "TEXT",
                               .has_form = conf_form_banner, .form = "text of at most 2 KiB in UTF-8",
                               .help = "A text shown before people log in; \"off\" for none." },
    [CONF_SESSION_LIFE]   = { "session-life",    CONF_DURATION, CONF_REGISTRY, "60m", AGE(10 * MINUTE, 365 * DAY),
                               .help = "How long a browser session lives." },
    [CONF_SESSION_RENEWAL] = { "session-renewal", CONF_DURATION, CONF_REGISTRY, "20m", AGE(0, 365 * DAY),
                               .help = "A session with less than this left is renewed by use; 0 for never." },
    [CONF_SESSION_LIMIT]  = { "session-limit",   CONF_INT,      CONF_REGISTRY, "10", .value_name = "N", .min = 0, .max = 1000,
                               .help = "Sessions of one account; the least recently used gives way. 0 for no limit." },
    [CONF_SESSION_MOST]   = { "session-max-life", CONF_DURATION, CONF_REGISTRY, "7d", AGE(0, 3650 * DAY),
                               .help = "How long after its log-in a session ends, however often it was renewed; 0 for never." },
    [CONF_COOKIES_KEPT]   = { "persist-cookies", CONF_SWITCH,   CONF_REGISTRY, "on",
                               .help = "Browsers keep a session when they are closed; off for cookies that end with them." },
    [CONF_RATE_ACCOUNT]   = { "rate-account",    CONF_INT,      CONF_REGISTRY, "0", .value_name = "N", .min = 0, .max = 1000000,
                               .help = "Requests a minute that one account may make at a node; 0 for any number." },
    [CONF_RATE_TOKEN]     = { "rate-token",      CONF_INT,      CONF_REGISTRY, "0", .value_name = "N", .min = 0, .max = 1000000,
                               .help = "Requests a minute that may be made with one access token or service secret; 0 for any number." },
    [CONF_RATE_NETWORK]   = { "rate-network",    CONF_INT,      CONF_REGISTRY, "0", .value_name = "N", .min = 0, .max = 1000000,
                               .help = "Requests a minute that may come from one network (/24, /64); 0 for any number." },
    [CONF_CA_BUNDLE]      = { "ca-bundle",       CONF_TEXT,     CONF_REGISTRY, NULL, .value_name = "PEM", .has_lines = true, .max = 64 * 1024,
                               .has_form = conf_form_certificates, .form = "one or more certificates in PEM, or off",
                               .help = "Authorities that are trusted beside the system's when something goes out; \"off\" for none." },
    [CONF_JOB_HISTORY]    = { "job-history", CONF_SWITCH, CONF_REGISTRY, "on",
                              .help = "Deletes old jobs and their logs, by the two settings after this one." },
    [CONF_JOB_HISTORY_AGE] = { "job-history-age", CONF_DURATION, CONF_REGISTRY, "90d", AGE(0, 3650 * DAY),
                              .help = "How long after its end a job is deleted; 0 for whatever its age." },
    [CONF_JOB_HISTORY_KEEP] = { "job-history-keep", CONF_INT, CONF_REGISTRY, "10000", .value_name = "N", .min = 0, .max = 10000000,
                              .help = "How many jobs that have ended are kept; 0 for however many." },
};
/* clang-format on */

int conf_find(struct str key, enum conf_id *out)
{
    for (size_t i = 0; i < CONF_N_IDS; i++) {
        if (str_is(key, conf_table[i].key)) {
            *out = (enum conf_id)i;
            return 1;
        }
    }
    return 0;
}
