/* registry.h: a whole registry without sockets and processes, for the targets whose input is a request, a
 * sequence of operations or a database: SQLite in a folder of its own, objects in memory, one administrator.
 *
 * The first opening makes a database that later ones begin with a copy of, so that one costs little. */
#ifndef TESTS_FUZZ_REGISTRY_H
#define TESTS_FUZZ_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/request.h"
#include "meta/event.h"
#include "work/work.h"

struct api;
struct blob_store;
struct db;
struct sqlite3;

#define REGISTRY_PASSWORD "correct horse"
#define REGISTRY_LISTENER "127.0.0.1:5000"

struct registry {
    struct arena      *arena;
    struct db         *db;
    struct blob_store *store;
    struct auth       *auth;
    struct work       *work;
    struct api        *api;
    const char        *url;   /* of the database; a leak checker finds the arena by it */
    struct meta_actor  actor; /* the administrator */
};

void registry_open(struct registry *out);
void registry_close(struct registry *registry);

/* Closes and opens again on the same database; objects in memory are gone. */
const char *registry_file(void);

/* The database file with its constraints off, for whoever plays the one who tampers with it. The registry
 * must be closed meanwhile. */
struct sqlite3 *registry_tamper(void);
void            registry_tampered(struct sqlite3 **sqlite);

/* Opens the registry on the database as it lies there. -1 when it refuses to. */
int registry_reopen(struct registry *out, struct err *err);

/* A request as the gate lets it pass, through the routes to its answer. Names and values are terminated. */
struct registry_field {
    struct str name;
    struct str value;
};

struct registry_answer {
    int         status; /* of the gate's refusals too */
    bool        is_refused_by_gate;
    struct str  body; /* empty for files */
    int64_t     size; /* of the body, files too */
    size_t      n_fields;
    struct str *names;
    struct str *values;
};

/* The answer lives in the arena. Every answer has been checked for what all of them promise: one status, one
 * line a header, no fault of ours (5xx) unless may_fail, error bodies in the form of their API, paths where
 * paths belong. */
void registry_ask(struct registry *registry, struct arena *arena, const char *method,
                  struct str target, const struct registry_field *fields, size_t n, struct str body,
                  bool may_fail, struct registry_answer *out);

/* The null view when the answer does not have it. */
struct str registry_answer_field(const struct registry_answer *answer, const char *name);

/* An "Authorization" for everything on admin/app and admin/other, and on the catalog. */
struct str registry_bearer(struct registry *registry);

#endif
