/* conf/conf.h: the settings: one table, its sources and the snapshot in force.
 *
 * A row has a key, a type, a default, a range, a home and a sentence. Home *node*: flag --tls-cert, YAML
 * key tls-cert, variable ASSAY_TLS_CERT; flags win over variables, variables over the file. Home
 * *registry*: a row of the database with a version, the same on all nodes within 5 s; in flag, variable or
 * file it is only the value at first start. All sources go through the same typed parser. Unknown keys,
 * bad values, YAML aliases, tags, duplicates and second documents are ERR_INVALID naming file, line and
 * key; the command ends with exit code 2.
 *
 * A snapshot is immutable and counted: a reload makes a new one, running requests keep theirs. Values are
 * reached by the row's id, so that a typo does not compile. Any thread. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct buf;
struct conf;
struct err;

enum conf_type { CONF_TEXT, CONF_PATH, CONF_LIST, CONF_INT, CONF_SIZE, CONF_DURATION, CONF_SWITCH };
enum conf_home { CONF_NODE, CONF_REGISTRY };

/* One id a row, in the order of the table in conf/table.c. */
enum conf_id {
    CONF_CONFIG, /* --config FILE */
    CONF_DATA,   /* ./data */
    CONF_HTTP,   /* list; 127.0.0.1:5000; "off" */
    CONF_HTTPS,  /* list; none */
    CONF_TLS_CERT,
    CONF_TLS_KEY,
    CONF_DATABASE,        /* sqlite:DATA/assay.db */
    CONF_STORAGE,         /* file:DATA/blobs */
    CONF_EXTERNAL_URL,    /* list */
    CONF_KEY_FILE,        /* DATA/key */
    CONF_INSECURE_HTTP,   /* switch */
    CONF_TRUSTED_PROXIES, /* list of CIDR */
    CONF_EGRESS_ALLOW,    /* list of CIDR */
    CONF_HTTP_PROXY,      /* URL, may hold a password */
    CONF_HTTPS_PROXY,
    CONF_NO_PROXY,        /* list of hosts, domains, CIDR */
    CONF_DATABASE_POOL,   /* 0: by what the server has */
    CONF_UNSAFE_DATABASE, /* switch */
    CONF_LOG_LEVEL,       /* debug info warning error */
    CONF_LOG_FORMAT,      /* text json */
    CONF_EVENT_THREADS,
    CONF_WORKERS,
    CONF_WEBHOOK_WORKERS, /* 16 */
    CONF_MAX_CONNECTIONS,
    CONF_DRAIN_TIMEOUT,     /* 60s */
    CONF_JOB_LEASE,         /* 30s */
    CONF_VERIFY_ON_READ,    /* registry from here on: switch, off */
    CONF_GC_DELAY,          /* 24h */
    CONF_PIN_TTL,           /* 24h */
    CONF_DOOM_DELAY,        /* 72h */
    CONF_UNDELETE_WINDOW,   /* 72h */
    CONF_GC_INTERVAL,       /* 30s */
    CONF_KEEP_UNTAGGED,     /* switch, on */
    CONF_UPLOAD_TTL,        /* 24h idle */
    CONF_TOKEN_LIFE,        /* 5m */
    CONF_REFRESH_LIFE,      /* 30d */
    CONF_CREATE_ON_PUSH,    /* switch, on: in the pusher's own namespace */
    CONF_READ_ONLY,         /* switch, off */
    CONF_ALLOW_DELETE,      /* switch, on */
    CONF_COUNT_PULLS,       /* switch, on */
    CONF_EVENT_HISTORY,     /* switch, on: old events go, by the next two */
    CONF_EVENT_AGE,         /* 365d; 0: whatever the age */
    CONF_EVENT_KEEP,        /* 1,000,000; 0: however many */
    CONF_MAX_BLOB_SIZE,     /* 0: none; default 100GiB */
    CONF_WEBHOOK_RETRY,     /* 5s */
    CONF_WEBHOOK_MAX_WAIT,  /* 1h */
    CONF_WEBHOOK_FAILURES,  /* 32 in a row */
    CONF_WEBHOOK_TIMEOUT,   /* 10s */
    CONF_SCRUB_RATE,        /* bytes a second, 20MiB; 0: off */
    CONF_SCRUB_INTERVAL,    /* 30d */
    CONF_DISK_RESERVE,      /* default 256MiB */
    CONF_ANONYMOUS,         /* switch, on: pulling what is public without credentials */
    CONF_ACCESS_TOKEN_LIFE, /* 0: none; the longest life of an access token */
    CONF_PASSWORD_MIN,      /* 8 characters */
    CONF_PASSWORD_CLASSES,  /* 1 of 4 */
    CONF_LOGIN_FAILURES,    /* 10; 0: never locked */
    CONF_LOGIN_LOCK,        /* 1m at most */
    CONF_LOGIN_BANNER,      /* none */
    CONF_SESSION_LIFE,      /* 60m */
    CONF_SESSION_RENEWAL,   /* 20m; 0: never renewed */
    CONF_SESSION_LIMIT,     /* 10 an account; 0: none */
    CONF_SESSION_MOST,      /* 7d from the log-in; 0: no end */
    CONF_COOKIES_KEPT,      /* switch, on */
    CONF_RATE_ACCOUNT,      /* requests a minute; 0: any number; so the next two */
    CONF_RATE_TOKEN,
    CONF_RATE_NETWORK,
    CONF_CA_BUNDLE,        /* certificates in PEM; "off" for none */
    CONF_JOB_HISTORY,      /* switch, on: old jobs are deleted */
    CONF_JOB_HISTORY_AGE,  /* 90d; 0: whatever their age */
    CONF_JOB_HISTORY_KEEP, /* 10,000; 0: however many */
    CONF_N_IDS
};

struct conf_row {
    const char    *key;
    enum conf_type type;
    enum conf_home home;
    const char *standard; /* the default, as text; DATA/ in front stands for the data directory */
    int64_t min, max; /* of INT, SIZE (bytes), DURATION (µs); max of a TEXT with lines: its bytes */
    const char *choices;    /* of TEXT: "debug info warning error"; null: any */
    bool        has_lines;  /* a TEXT that may hold line ends: PEM */
    bool        is_secret;  /* may hold a password: printed without it, wiped with the snapshot */
    const char *value_name; /* for --help: "ADDR:PORT" */
    const char *help;       /* one sentence */
    const char *form;       /* "ADDR:PORT, such as 127.0.0.1:5000", for the error */

    /* What a TEXT or each of a LIST must look like, beyond its type; null: anything. */
    bool (*has_form)(struct str value);
};

extern const struct conf_row conf_table[CONF_N_IDS];

/* Reads flags (argv without the command), ASSAY_… of environ and the file that --config or ASSAY_CONFIG
 * names. Flags: --key VALUE, --key=VALUE, a switch --key or --key=off; a list's flag may be repeated, or
 * hold commas, and "off" is the empty list. An empty variable counts as absent; unknown ones are refused
 * but for ASSAY_ADMIN_PASSWORD, the client commands' own, ASSAY_TEST_… and what Kubernetes sets for a service of our name.
 * rest/n_rest: arguments that are no settings, in their order, what follows "--" among them; refused by
 * the caller if it takes none. They live as long as argv and the snapshot. */
int conf_load(int argc, char **argv, char **environ, struct conf **out, char ***rest, int *n_rest,
              struct err *err);

struct conf *conf_ref(struct conf *conf);
void         conf_unref(struct conf **conf);

/* A new snapshot with one registry value replaced (from the database or the API); same checks. Asserts
 * that the row's home is the registry. */
int conf_with(struct conf *conf, enum conf_id id, struct str value, struct conf **out,
              struct err *err);

/* The rows' values. Asserts that the row has that type. conf_text: of TEXT and PATH, the null view when
 * not set. conf_number: of INT, SIZE in bytes, DURATION in µs. Lists come one by one. */
struct str conf_text(const struct conf *conf, enum conf_id id);
int64_t    conf_number(const struct conf *conf, enum conf_id id);
bool       conf_switch(const struct conf *conf, enum conf_id id);
size_t     conf_list_len(const struct conf *conf, enum conf_id id);
struct str conf_list(const struct conf *conf, enum conf_id id, size_t i);

/* As text, however it was spelled: parsing it gives the value again, but for secrets, whose password reads
 * "(set)". And where it came from: "default", "file x.yaml:3", "ASSAY_DATA", "flag", "database". */
struct str  conf_print(const struct conf *conf, enum conf_id id, struct arena *arena);
const char *conf_origin(const struct conf *conf, enum conf_id id);
bool        conf_is_set(const struct conf *conf, enum conf_id id); /* not the default */
int         conf_find(struct str key, enum conf_id *out);          /* 1, 0 */

/* `assay config`: a table of key, value, home, origin that fits a terminal; secrets as "(set)". */
void conf_print_table(const struct conf *conf, struct arena *arena, struct buf *out);

/* The list of flags with their sentences, for --help. */
void conf_print_help(struct buf *out);

#endif
