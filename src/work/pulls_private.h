/* work/pulls_private.h: what was noted of pulls, for the two files that note and write it. */
#ifndef WORK_PULLS_PRIVATE_H
#define WORK_PULLS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth/caller.h"
#include "oci/digest.h"
#include "oci/name.h"

struct cache;

enum {
    PULLS_STRIPES     = 8,
    PULLS_NOTES       = 512, /* a stripe */
    PULLS_SLOTS       = 2 * PULLS_NOTES,
    PULLS_NETWORK_MAX = 48
};

/* Two pulls with the same of all this are one note. All bytes are set, so that they compare as bytes. */
struct pull_key {
    int64_t       repo_id;
    int64_t       account_id;
    unsigned char is_user;
    unsigned char is_look;
    char          tag[OCI_TAG_MAX + 1]; /* empty: by its digest */
    char          digest[OCI_DIGEST_MAX];
    char          network[PULLS_NETWORK_MAX];
    char          credential[AUTH_CREDENTIAL_MAX];
};

struct pull_note {
    struct pull_key key;
    uint64_t        hash;
    int64_t         n; /* 0: it is written */
};

struct pull_notes {
    size_t           n;
    uint16_t         slots[PULLS_SLOTS]; /* 1 + index of the note; 0: free */
    struct pull_note notes[PULLS_NOTES];
};

/* Threads take stripes in turn, so that two hardly ever want the same. */
struct pull_stripe {
    pthread_mutex_t    lock; /* guards `now` and what it points to */
    struct pull_notes *now;  /* made at first use */
    struct pull_notes *then; /* of the writer alone */
};

struct pulls {
    struct pull_stripe stripes[PULLS_STRIPES];
    atomic_llong       n_dropped;
    pthread_mutex_t    lock; /* guards what follows */
    pthread_cond_t     wake;
    bool               is_woken;
    struct cache      *looks; /* of the writer alone: which tag led a caller to a digest */
};

struct pulls *pulls_new(void);
void          pulls_free(struct pulls **pulls);

#endif
