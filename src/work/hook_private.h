/* work/hook_private.h: what the files about webhooks share. */
#ifndef WORK_HOOK_PRIVATE_H
#define WORK_HOOK_PRIVATE_H

#include <stdatomic.h>

#include "work/hook.h"
#include "work/hook_body.h"
#include "work/work_private.h"

/* Rings that came later stay until the end: who reads the latest needs no lock. */
struct hook_ring_kept {
    struct seal_ring      *ring;
    struct hook_ring_kept *older;
};

struct work_hooks {
    struct work_hook_settings         settings;
    _Atomic(const struct seal_ring *) ring;
    struct hook_ring_kept            *kept;
};

/* -- secrets, hook_secret.c ---------------------------------------------------------------------------- */

enum { HOOK_SECRET_MAX = 128 };

/* "whsec_" and base64 of 24 to 64 bytes: its key. ERR_INVALID about `secret`. */
int hook_secret_parse(struct arena *arena, struct str secret, struct str *out_key, struct err *err);
struct str hook_secret_make(struct arena *arena);

struct str hook_secret_seal(struct work *work, struct arena *arena, struct str uuid,
                            struct str secret);
int hook_secret_open(struct work *work, struct arena *arena, struct str uuid, struct str sealed,
                     struct str *out, struct err *err);

/* "v1,…" of each secret, with blanks between; the empty text for none. */
int hook_sign(struct arena *arena, const struct str *secrets, size_t n, struct str id, int64_t at_s,
              struct str body, struct str *out, struct err *err);

/* -- facts, hook_facts.c ------------------------------------------------------------------------------- */

/* What there is to tell of a call, read from the database. */
int hook_facts_read(struct work *work, struct db_tx *tx, struct arena *arena, enum hook_shape shape,
                    const struct meta_webhook *hook, const struct meta_hook_call *call,
                    struct hook_facts *out, struct err *err);

/* A sample whose repository is told as the API shows one. */
struct hook_facts hook_facts_sample(struct work *work, struct arena *arena,
                                    const struct hook_type *type);

/* -- sending, hook_send.c ------------------------------------------------------------------------------ */

struct hook_message {
    struct str  url;
    struct str  tls_cert;
    bool        skip_tls;
    const char *media_type;
    struct str  id;
    struct str  body;
    struct str  secrets[2]; /* opened; null views: none */
    int64_t     timeout_us;
    int64_t     pad_us; /* a failure takes at least so long */
    bool (*should_stop)(void *context);
    void *context;
};

struct hook_sent {
    int        status; /* 0: no answer */
    bool       is_done;
    bool       is_local; /* it did not go out: no place among the calls, or the node stops */
    struct str failure;
    int64_t    duration_us;
    int64_t    retry_after_us;
};

struct hook_sent hook_send(struct work *work, struct arena *arena,
                           const struct hook_message *message);

/* -- records, hook.c ----------------------------------------------------------------------------------- */

/* An event about a subscription, with its audit record. */
int hook_tell(struct db_tx *tx, const struct meta_actor *actor, const char *type,
              const struct meta_webhook *hook, struct str before, struct str after,
              struct err *err);

/* Who acts when nobody does. */
extern const struct meta_actor hook_registry;

#endif
