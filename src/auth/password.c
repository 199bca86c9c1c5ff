/* auth/password.c: a small pool around argon2id. A task lives on its caller's stack; the caller sleeps
 * until a pool thread has done it, so nothing outlives anything. */
#include "auth/password.h"

#include "auth/auth_private.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <sodium.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/random.h"

enum {
    THREADS_MAX = 16,
    PASSES      = 2,
    MEMORY      = 19 * 1024 * 1024,
    HASH_PARTS  = 6, /* between $, the first is empty */
    RESULT_MAX  = 64,
    KIB_MIN     = 8,
    NUMBER_MAX  = 1 << 22
};

struct task {
    struct task   *next;
    pthread_cond_t has_result;
    bool           is_hashing;
    bool           is_done;
    struct str     password;
    char           hash[crypto_pwhash_STRBYTES];
    int            result;
    bool is_mismatch; /* it was compared, and differs; else a failure means that it was not */
};

struct auth_password_pool {
    pthread_mutex_t lock;
    pthread_cond_t  has_task;
    struct task    *first;
    struct task   **last;
    size_t          n_waiting;
    size_t          n_queue;
    size_t          n_threads;
    void (*waits)(bool begins);
    bool      is_ending;
    pthread_t threads[THREADS_MAX];
    char      nobody[crypto_pwhash_STRBYTES]; /* the hash of a password that nobody knows */
};

/* The text of a hash: $argon2id$v=19$m=KIB,t=PASSES,p=1$SALT$RESULT. */
struct parts {
    int64_t       kib, passes;
    unsigned char salt[crypto_pwhash_SALTBYTES];
    unsigned char result[RESULT_MAX];
    size_t        n_result;
};

static bool take_base64(struct str text, unsigned char *out, size_t max, size_t *n)
{
    return sodium_base642bin(out, max, text.p, text.n, NULL, n, NULL,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0;
}

static bool take_number(struct str *text, struct str head, int64_t least, int64_t *out)
{
    struct str part;

    if (!str_next(text, ',', &part) || !str_starts(part, head))
        return false;
    return str_to_int(str_from_index(part, head.n), out) && *out >= least && *out <= NUMBER_MAX;
}

static bool parse_hash(struct str text, struct parts *out)
{
    struct str part[HASH_PARTS];
    size_t     n_salt;

    for (size_t i = 0; i < HASH_PARTS; i++) {
        if (!str_next(&text, '$', &part[i]))
            return false;
    }
    return text.n == 0 && str_is(part[1], "argon2id") && str_is(part[2], "v=19") &&
           take_number(&part[3], STR("m="), KIB_MIN, &out->kib) &&
           take_number(&part[3], STR("t="), 1, &out->passes) && str_is(part[3], "p=1") &&
           take_base64(part[4], out->salt, sizeof(out->salt), &n_salt) &&
           n_salt == sizeof(out->salt) &&
           take_base64(part[5], out->result, sizeof(out->result), &out->n_result);
}

/* The library's own comparison says the same of a wrong password and of want of memory, so it is made here. A
 * hash of another form than ours, from an import, is left to it. */
static void check(struct task *task)
{
    struct parts  parts;
    unsigned char made[RESULT_MAX];

    if (!parse_hash(str_from(task->hash), &parts)) {
        task->result = crypto_pwhash_str_verify(task->hash, task->password.p, task->password.n);
        task->is_mismatch = task->result != 0;
        return;
    }
    task->result      = crypto_pwhash(made, parts.n_result, task->password.p, task->password.n,
                                      parts.salt, (unsigned long long)parts.passes,
                                      (size_t)parts.kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    task->is_mismatch = task->result == 0 && sodium_memcmp(made, parts.result, parts.n_result) != 0;
    if (task->is_mismatch)
        task->result = -1;
    sodium_memzero(made, sizeof(made));
}

static void run_task(struct task *task)
{
    if (task->is_hashing)
        task->result = crypto_pwhash_str_alg(task->hash, task->password.p, task->password.n, PASSES,
                                             MEMORY, crypto_pwhash_ALG_ARGON2ID13);
    else
        check(task);
}

static void *run_pool_thread(void *context)
{
    struct auth_password_pool *pool = context;

    /* Log-ins wait for pulls and pushes, never the other way round. Not allowed is no harm. */
    sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ .sched_priority = 0 });

    pthread_mutex_lock(&pool->lock);
    while (!pool->is_ending) {
        struct task *task = pool->first;

        if (task == NULL) {
            pthread_cond_wait(&pool->has_task, &pool->lock);
            continue;
        }
        pool->first = task->next;
        if (pool->first == NULL)
            pool->last = &pool->first;

        pthread_mutex_unlock(&pool->lock);
        run_task(task);
        pthread_mutex_lock(&pool->lock);

        task->is_done = true;
        pthread_cond_signal(&task->has_result);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct auth_password_pool *auth_password_pool_new(size_t n_threads, size_t n_queue,
                                                  void (*waits)(bool begins))
{
    struct auth_password_pool *pool = mem_new(struct auth_password_pool);
    unsigned char              secret[32];

    ASSERT(sodium_init() >= 0);
    ASSERT(n_threads > 0);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->has_task, NULL);
    pool->last      = &pool->first;
    pool->n_queue   = n_queue;
    pool->waits     = waits;
    pool->n_threads = n_threads < THREADS_MAX ? n_threads : THREADS_MAX;

    /* A hash of the same cost whose text can be made without paying for it: a random salt and result. */
    char salt[64], result[64];
    random_bytes(secret, 16);
    sodium_bin2base64(salt, sizeof(salt), secret, 16, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    random_bytes(secret, 32);
    sodium_bin2base64(result, sizeof(result), secret, 32,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    struct arena *arena = arena_new();
    const char   *text  = mem_printf(arena, "$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", MEMORY / 1024,
                                     PASSES, salt, result);
    ASSERT(strlen(text) < sizeof(pool->nobody));
    memcpy(pool->nobody, text, strlen(text) + 1);
    arena_free(&arena);

    for (size_t i = 0; i < pool->n_threads; i++)
        ASSERT(pthread_create(&pool->threads[i], NULL, run_pool_thread, pool) == 0);
    return pool;
}

void auth_password_pool_free(struct auth_password_pool **pool)
{
    if (*pool == NULL)
        return;

    pthread_mutex_lock(&(*pool)->lock);
    (*pool)->is_ending = true;
    pthread_cond_broadcast(&(*pool)->has_task);
    pthread_mutex_unlock(&(*pool)->lock);
    for (size_t i = 0; i < (*pool)->n_threads; i++)
        pthread_join((*pool)->threads[i], NULL);
    mem_free(*pool);
    *pool = NULL;
}

bool auth_password_is_full(struct auth_password_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool is_full = pool->n_waiting >= pool->n_queue;
    pthread_mutex_unlock(&pool->lock);
    return is_full;
}

static bool enqueue(struct auth_password_pool *pool, struct task *task)
{
    pthread_mutex_lock(&pool->lock);
    bool has_room = pool->n_waiting < pool->n_queue;
    if (has_room) {
        pthread_cond_init(&task->has_result, NULL);
        pool->n_waiting++;
        *pool->last = task;
        pool->last  = &task->next;
        pthread_cond_signal(&pool->has_task);
    }
    pthread_mutex_unlock(&pool->lock);
    return has_room;
}

static void tell(const struct auth_password_pool *pool, bool begins)
{
    if (pool->waits != NULL)
        pool->waits(begins);
}

static int run_in_pool(struct auth_password_pool *pool, struct task *task, struct err *err)
{
    if (!enqueue(pool, task))
        return err_set(err, ERR_UNAVAILABLE, "too many log-ins at once");

    tell(pool, true);
    pthread_mutex_lock(&pool->lock);
    while (!task->is_done)
        pthread_cond_wait(&task->has_result, &pool->lock);
    pool->n_waiting--;
    pthread_mutex_unlock(&pool->lock);
    tell(pool, false);
    pthread_cond_destroy(&task->has_result);
    return 0;
}

int auth_password_hash(struct auth_password_pool *pool, struct arena *arena, struct str password,
                       struct str *out, struct err *err)
{
    struct task task = { .is_hashing = true, .password = password };

    if (password.n == 0 || password.n > AUTH_PASSWORD_MAX)
        return err_set(err, ERR_INVALID, "a password has 1 to %d bytes", AUTH_PASSWORD_MAX);
    if (run_in_pool(pool, &task, err) < 0)
        return -1;
    if (task.result != 0)
        return err_set(err, ERR_UNAVAILABLE, "no memory to hash a password");

    *out = str_copy(arena, str_from(task.hash));
    return 0;
}

int auth_password_check(struct auth_password_pool *pool, struct str hash, struct str password,
                        struct err *err)
{
    struct task task = { .password = password };

    /* No one has such a password; nothing to spend time on, and no hint either: the length is theirs. */
    if (password.n == 0 || password.n > AUTH_PASSWORD_MAX)
        return 0;
    if (hash.p == NULL)
        hash = str_from(pool->nobody);
    if (hash.n >= sizeof(task.hash))
        return err_set_corrupt(err, "a password hash of %zu bytes", hash.n);
    memcpy(task.hash, hash.p, hash.n);

    if (run_in_pool(pool, &task, err) < 0)
        return -1;
    if (task.result != 0 && !task.is_mismatch)
        return err_set(err, ERR_UNAVAILABLE, "no memory to check a password");
    return task.result == 0;
}

/* Characters are counted, not bytes. */
static int64_t n_characters(struct str text)
{
    int64_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    return n;
}

static int64_t n_classes(struct str text)
{
    bool lower = false, upper = false, digit = false, other = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        lower |= c >= 'a' && c <= 'z';
        upper |= c >= 'A' && c <= 'Z';
        digit |= c >= '0' && c <= '9';
        other |= !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
    }
    return lower + upper + digit + other;
}

int auth_password_allow(struct auth *auth, const char *field, struct str password, struct err *err)
{
    static const char code[] = "INVALID_PARAMETERS";
    struct str        about  = str_from(field);
    int64_t           least  = atomic_load(&auth->password_min),
            classes          = atomic_load(&auth->password_classes);

    if (password.n > AUTH_PASSWORD_MAX)
        return err_set_code(err, ERR_INVALID, code, about, "%s: has more than %d bytes", field,
                            AUTH_PASSWORD_MAX);
    if (n_characters(password) < least)
        return err_set_code(err, ERR_INVALID, code, about, "%s: needs at least %lld characters",
                            field, (long long)least);
    if (n_classes(password) < classes)
        return err_set_code(err, ERR_INVALID, code, about,
                            "%s: needs %lld of lower case, upper case, digits and others", field,
                            (long long)classes);
    if (str_starts(password, STR(AUTH_SECRET_HEAD)))
        return err_set_code(err, ERR_INVALID, code, about, "%s: begins like an access token",
                            field);
    return 0;
}

enum { FOREIGN_MEMORY_KIB = 65536, FOREIGN_PASSES = 8, FOREIGN_LANES = 4 };

/* "m=19456,t=2,p=1" */
static bool is_affordable(struct str costs)
{
    static const struct {
        const char *head;
        int64_t     max;
    } limits[] = { { "m=", FOREIGN_MEMORY_KIB },
                   { "t=", FOREIGN_PASSES },
                   { "p=", FOREIGN_LANES } };
    struct str part;
    int64_t    n;

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (!str_next(&costs, ',', &part) || !str_starts(part, str_from(limits[i].head)) ||
            !str_to_int(str_from_index(part, 2), &n) || n > limits[i].max)
            return false;
    }
    return costs.p == NULL;
}

int auth_password_hash_check(const char *field, struct str hash, struct err *err)
{
    struct str head = STR("$argon2id$v=19$");
    struct str rest = str_from_index(hash, head.n), costs;
    char       text[crypto_pwhash_STRBYTES];

    bool is_good = hash.n < sizeof(text) && str_starts(hash, head) && str_find(hash, '\0') < 0 &&
                   str_next(&rest, '$', &costs) && is_affordable(costs);
    if (is_good) {
        memcpy(text, hash.p, hash.n);
        text[hash.n] = '\0';
        is_good      = crypto_pwhash_str_needs_rehash(text, PASSES, MEMORY) >= 0;
    }
    return is_good ? 0
                   : err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field),
                                  "%s: is not argon2id as this registry keeps it: leave it empty "
                                  "and set a password with changePassword",
                                  field);
}
