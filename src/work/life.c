/* work/life.c: the making and the end of struct work: the one file here that knows every family of verbs, and that
 * none of them knows. */
#include <stdio.h>
#include <string.h>

#include "base/beside.h"
#include "base/cache.h"
#include "base/mem.h"
#include "codec/pattern.h"
#include "io/clock.h"
#include "work/hook.h"
#include "work/pulls_private.h"
#include "work/quota_private.h"

enum { REFUSALS_COUNTED = 4096, BESIDE_THREADS = 4 };

struct work *work_new(const struct work_settings *settings)
{
    struct work *work = mem_new(struct work);

    work->db    = settings->db;
    work->auth  = settings->auth;
    work->store = settings->store;
    memcpy(work->state_key, settings->state_key, sizeof(work->state_key));
    pthread_mutex_init(&work->uploads_lock, NULL);
    clock_cond_init(&work->uploads_changed);
    work->beside   = beside_new(BESIDE_THREADS);
    work->patterns = pattern_cache_new();
    work->refusals = cache_new(REFUSALS_COUNTED, sizeof(int64_t));
    work->pulls    = pulls_new();
    work_set_policy(work, &settings->policy);
    quota_init(work);
    snprintf(work->node_id, sizeof(work->node_id), STR_FMT, STR_ARGS(settings->node_id));
    return work;
}

void work_free(struct work **work)
{
    if (*work == NULL)
        return;

    struct work_policy_kept *kept = atomic_load(&(*work)->policy);
    while (kept != NULL) {
        struct work_policy_kept *older = kept->older;

        mem_free(kept);
        kept = older;
    }
    quota_fini(*work);
    beside_free(&(*work)->beside);
    pattern_cache_free(&(*work)->patterns);
    cache_free(&(*work)->refusals);
    pulls_free(&(*work)->pulls);
    pthread_mutex_destroy(&(*work)->uploads_lock);
    pthread_cond_destroy(&(*work)->uploads_changed);
    work_hooks_free(*work);
    mem_wipe((*work)->state_key, sizeof((*work)->state_key));
    mem_free(*work);
    *work = NULL;
}
