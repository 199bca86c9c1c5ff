/* work/pulls.c: pulls are noted: a hash table a stripe, in which what is the same adds up. */
#include "work/pulls.h"

#include <string.h>

#include "auth/lockout.h"
#include "base/cache.h"
#include "base/mem.h"
#include "io/clock.h"
#include "meta/event.h"
#include "work/pulls_private.h"
#include "work/work_private.h"

enum { LOOKS = 2048 };

struct look {
    char tag[OCI_TAG_MAX + 1];
};

struct pulls *pulls_new(void)
{
    struct pulls *pulls = mem_new(struct pulls);

    for (size_t i = 0; i < PULLS_STRIPES; i++)
        pthread_mutex_init(&pulls->stripes[i].lock, NULL);
    pthread_mutex_init(&pulls->lock, NULL);
    clock_cond_init(&pulls->wake);
    pulls->looks = cache_new(LOOKS, sizeof(struct look));
    return pulls;
}

void pulls_free(struct pulls **pulls)
{
    if (*pulls == NULL)
        return;

    for (size_t i = 0; i < PULLS_STRIPES; i++) {
        mem_free((*pulls)->stripes[i].now);
        mem_free((*pulls)->stripes[i].then);
        pthread_mutex_destroy(&(*pulls)->stripes[i].lock);
    }
    cache_free(&(*pulls)->looks);
    pthread_mutex_destroy(&(*pulls)->lock);
    pthread_cond_destroy(&(*pulls)->wake);
    mem_free(*pulls);
    *pulls = NULL;
}

/* -- a note ------------------------------------------------------------------------------------------- */

static void put_text(char *to, size_t room, struct str text)
{
    memcpy(to, text.p, text.n < room ? text.n : room - 1);
}

static void make_key(const struct meta_actor *actor, const struct auth_repo *repo,
                     const struct oci_reference *reference, struct str digest, bool is_look,
                     struct pull_key *out)
{
    struct str network = auth_network_of(actor->address);

    memset(out, 0, sizeof(*out));
    out->repo_id    = repo->id;
    out->account_id = actor->account_id;
    out->is_user    = actor->account_id != 0;
    out->is_look    = is_look;
    if (!reference->is_digest)
        put_text(out->tag, sizeof(out->tag), reference->tag);
    put_text(out->digest, sizeof(out->digest), digest);
    if (network.p != NULL)
        put_text(out->network, sizeof(out->network), network);
    if (actor->credential_id.p != NULL)
        put_text(out->credential, sizeof(out->credential), actor->credential_id);
}

/* A word at a time; a stripe is too small for chosen collisions to cost anything. */
static uint64_t hash_of(const struct pull_key *key)
{
    const char *bytes = (const char *)key;
    uint64_t    hash  = 0, word;

    for (size_t i = 0; i + sizeof(word) <= sizeof(*key); i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* Adds to the note of that key or makes it; false: there is no room. */
static bool add(struct pull_notes *notes, const struct pull_key *key, uint64_t hash)
{
    size_t slot = hash % PULLS_SLOTS;

    for (; notes->slots[slot] != 0; slot = (slot + 1) % PULLS_SLOTS) {
        struct pull_note *note = &notes->notes[notes->slots[slot] - 1];

        if (note->hash == hash && memcmp(&note->key, key, sizeof(*key)) == 0) {
            note->n++;
            return true;
        }
    }
    if (notes->n == PULLS_NOTES)
        return false;
    notes->notes[notes->n] = (struct pull_note){ .key = *key, .hash = hash, .n = 1 };
    notes->slots[slot]     = (uint16_t)++notes->n;
    return true;
}

static bool try_stripe(struct pull_stripe *stripe, const struct pull_key *key, uint64_t hash,
                       bool *out_half)
{
    pthread_mutex_lock(&stripe->lock);
    if (stripe->now == NULL)
        stripe->now = mem_new(struct pull_notes);
    size_t before  = stripe->now->n;
    bool   is_done = add(stripe->now, key, hash);

    *out_half = stripe->now->n == PULLS_NOTES / 2 && before < stripe->now->n;
    pthread_mutex_unlock(&stripe->lock);
    return is_done;
}

static size_t own_stripe(void)
{
    static atomic_uint            n_threads;
    static _Thread_local unsigned number; /* from 1 */

    if (number == 0)
        number = atomic_fetch_add(&n_threads, 1) + 1;
    return number % PULLS_STRIPES;
}

void work_pull_note(struct work *work, const struct meta_actor *actor, const struct auth_repo *repo,
                    const struct oci_reference *reference, struct str digest, bool is_look)
{
    struct pulls   *pulls = work->pulls;
    size_t          first = own_stripe();
    struct pull_key key;
    bool            is_half;

    if (is_look && reference->is_digest)
        return;
    make_key(actor, repo, reference, digest, is_look, &key);
    uint64_t hash = hash_of(&key);
    for (size_t i = 0; i < PULLS_STRIPES; i++) {
        if (!try_stripe(&pulls->stripes[(first + i) % PULLS_STRIPES], &key, hash, &is_half))
            continue;
        if (is_half)
            work_pulls_wake(work);
        return;
    }
    atomic_fetch_add(&pulls->n_dropped, 1);
}

/* -- waiting ------------------------------------------------------------------------------------------ */

void work_pulls_wait(struct work *work, int64_t us)
{
    struct pulls *pulls    = work->pulls;
    int64_t       deadline = clock_monotonic_us() + us;

    pthread_mutex_lock(&pulls->lock);
    for (int64_t now = clock_monotonic_us(); !pulls->is_woken && now < deadline;
         now         = clock_monotonic_us())
        clock_cond_wait(&pulls->wake, &pulls->lock, deadline - now);
    pulls->is_woken = false;
    pthread_mutex_unlock(&pulls->lock);
}

void work_pulls_wake(struct work *work)
{
    struct pulls *pulls = work->pulls;

    pthread_mutex_lock(&pulls->lock);
    pulls->is_woken = true;
    pthread_cond_signal(&pulls->wake);
    pthread_mutex_unlock(&pulls->lock);
}
