/* cmd/node.h: the parts of one node, opened in order and closed in reverse: data directory and its lock, key
 * file, database, store, accounts, verbs. `assay serve` puts listeners in front of it; `assay admin` uses it
 * alone when no server holds the lock. */
#ifndef CMD_NODE_H
#define CMD_NODE_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/auth.h"
#include "base/str.h"
#include "blob/blob.h"
#include "codec/seal.h"
#include "conf/conf.h"
#include "db/db.h"
#include "work/work.h"

struct deliverer;
struct meta_actor;
struct net_outbound;

enum { NODE_ID_MAX = 13 };

/* Settings that were in force before. */
struct node_conf_kept {
    struct conf           *conf;
    struct node_conf_kept *older;
};

struct node {
    struct arena          *arena;
    _Atomic(struct conf *) conf;          /* replaced when a registry setting changes */
    struct node_conf_kept *kept;          /* until the end: who reads them needs no lock */
    pthread_mutex_t        settings_lock; /* one loads at a time */
    int64_t                settings_version;
    int                    data_fd;
    int                    lock_fd;
    char                   id[NODE_ID_MAX]; /* 12 hex digits, kept in the data directory */
    struct seal_ring      *ring;
    struct db             *db;
    struct blob_store     *store;
    struct auth           *auth;
    struct work           *work;
    struct net_outbound   *outbound;  /* what this node sends to others */
    struct deliverer      *deliverer; /* of a server */
    struct str first_password;        /* when this start made the first admin; else the null view */
    bool       password_was_given;
};

/* conf is taken over. Another process on the same data directory is ERR_CONFLICT. */
int  node_open(struct conf **conf, struct node **out, struct err *err);
void node_close(struct node **node);

/* For who looks for what is wrong: when it fails as well there is a node, of the parts that could be opened
 * before; the others are null, or -1. */
int node_open_what_opens(struct conf **conf, struct node **out, struct err *err);

/* Does the path of the data directory still lead to the one that was opened? A database that is open on a volume
 * which is not mounted any more cannot be taken up again: that is ERR_UNAVAILABLE until a restart. */
int node_data_is_here(struct node *node, struct err *err);

/* Reads the registry's settings again when their version has moved. */
int node_load_settings(struct node *node, struct err *err);

/* Stays until the node is closed, whatever is in force meanwhile. */
const struct conf *node_conf(struct node *node);

/* The same, counted: conf_unref. */
struct conf *node_conf_ref(struct node *node);

/* Reads the key file again and seals everything with its first key. */
int node_reseal(struct node *node, const struct meta_actor *actor, int *out_n, struct err *err);

#endif
