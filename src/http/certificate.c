/* http/certificate.c: a chain and its key, in generations.
 *
 * A handshake holds pointers into the generation that it was given, so one that was replaced lives on; the
 * last few are kept, which is longer than any handshake may take (a reload is a person's act). */
#include "http/certificate.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/certificate_private.h"
#include "io/file.h"

enum { CHAIN_MAX = 16, GENERATIONS_KEPT = 8, PEM_MAX = 1024 * 1024 };

struct generation {
    struct generation *older;
    gnutls_pcert_st    chain[CHAIN_MAX];
    unsigned           n;
    gnutls_privkey_t   key;
    gnutls_x509_crt_t  first;
    int64_t            ends_at;
};

struct http_certificate {
    pthread_mutex_t    lock;
    struct arena      *arena;
    const char        *chain_path;
    const char        *key_path;
    struct generation *now;
};

static void free_generation(struct generation **generation)
{
    if (*generation == NULL)
        return;

    for (unsigned i = 0; i < (*generation)->n; i++)
        gnutls_pcert_deinit(&(*generation)->chain[i]);
    if ((*generation)->key != NULL)
        gnutls_privkey_deinit((*generation)->key);
    if ((*generation)->first != NULL)
        gnutls_x509_crt_deinit((*generation)->first);
    mem_free(*generation);
    *generation = NULL;
}

static gnutls_datum_t to_datum(struct str s)
{
    return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)s.p, .size = (unsigned)s.n };
}

static int set_tls(struct err *err, int code, const char *what, const char *path)
{
    return err_set(err, ERR_INVALID, "%s %s: %s", what, path, gnutls_strerror(code));
}

static int read_chain(struct generation *generation, struct arena *arena, const char *path,
                      struct err *err)
{
    struct str pem;

    if (file_read_path(path, PEM_MAX, arena, &pem, err) < 0)
        return -1;

    gnutls_datum_t datum = to_datum(pem);
    unsigned       n     = CHAIN_MAX;
    int            code =
        gnutls_pcert_list_import_x509_raw(generation->chain, &n, &datum, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0 || n == 0)
        return set_tls(err, code, "reading the certificate", path);
    generation->n = n;

    code = gnutls_pcert_export_x509(&generation->chain[0], &generation->first);
    if (code < 0)
        return set_tls(err, code, "reading the certificate", path);
    generation->ends_at = (int64_t)gnutls_x509_crt_get_expiration_time(generation->first);
    return 0;
}

static int read_key(struct generation *generation, struct arena *arena, const char *path,
                    struct err *err)
{
    struct str pem;

    if (file_read_path(path, PEM_MAX, arena, &pem, err) < 0)
        return -1;

    gnutls_datum_t datum = to_datum(pem);
    int            code  = gnutls_privkey_init(&generation->key);
    if (code == 0)
        code =
            gnutls_privkey_import_x509_raw(generation->key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
    mem_wipe((void *)(uintptr_t)pem.p, pem.n);
    return code < 0 ? set_tls(err, code, "reading the key", path) : 0;
}

static void deinit_pubkey(gnutls_pubkey_t *key)
{
    if (*key != NULL)
        gnutls_pubkey_deinit(*key);
}

/* The chain's first certificate must be for the key: compare the key's public half with it. */
static int check_pair(const struct generation *generation, const char *path, struct err *err)
{
    AUTO(deinit_pubkey) gnutls_pubkey_t of_key = NULL;
    unsigned char                       a[64];
    unsigned char                       b[64];
    size_t                              n_a = sizeof(a);
    size_t                              n_b = sizeof(b);

    if (gnutls_pubkey_init(&of_key) < 0 ||
        gnutls_pubkey_import_privkey(of_key, generation->key, 0, 0) < 0 ||
        gnutls_pubkey_get_key_id(of_key, GNUTLS_KEYID_USE_SHA256, a, &n_a) < 0 ||
        gnutls_pubkey_get_key_id(generation->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, b, &n_b) < 0)
        return err_set(err, ERR_INVALID, "comparing the certificate %s with its key", path);
    if (n_a != n_b || memcmp(a, b, n_a) != 0)
        return err_set(err, ERR_INVALID, "the certificate %s is for another key", path);
    return 0;
}

static int read_generation(const struct http_certificate *certificate, struct generation **out,
                           struct err *err)
{
    AUTO(arena_free) struct arena           *arena      = arena_new();
    AUTO(free_generation) struct generation *generation = mem_new(struct generation);

    if (read_chain(generation, arena, certificate->chain_path, err) < 0 ||
        read_key(generation, arena, certificate->key_path, err) < 0 ||
        check_pair(generation, certificate->chain_path, err) < 0)
        return -1;
    *out = TAKE(generation);
    return 0;
}

int http_certificate_open(const char *chain_path, const char *key_path,
                          struct http_certificate **out, struct err *err)
{
    AUTO(http_certificate_free)
    struct http_certificate *certificate = mem_new(struct http_certificate);

    pthread_mutex_init(&certificate->lock, NULL);
    certificate->arena      = arena_new();
    certificate->chain_path = mem_strdup(certificate->arena, chain_path);
    certificate->key_path   = mem_strdup(certificate->arena, key_path);
    if (read_generation(certificate, &certificate->now, err) < 0)
        return -1;
    *out = TAKE(certificate);
    return 0;
}

/* Under the lock: forgets what no handshake can hold any more. */
static void forget_oldest(struct http_certificate *certificate)
{
    struct generation *last = certificate->now;

    for (int i = 1; i < GENERATIONS_KEPT && last != NULL; i++)
        last = last->older;
    if (last != NULL)
        free_generation(&last->older);
}

int http_certificate_reload(struct http_certificate *certificate, struct err *err)
{
    struct generation *next;

    if (read_generation(certificate, &next, err) < 0)
        return -1;

    pthread_mutex_lock(&certificate->lock);
    next->older      = certificate->now;
    certificate->now = next;
    forget_oldest(certificate);
    pthread_mutex_unlock(&certificate->lock);
    return 0;
}

void http_certificate_free(struct http_certificate **certificate)
{
    if (*certificate == NULL)
        return;

    struct generation *generation = (*certificate)->now;
    while (generation != NULL) {
        struct generation *older = generation->older;

        free_generation(&generation);
        generation = older;
    }
    pthread_mutex_destroy(&(*certificate)->lock);
    arena_free(&(*certificate)->arena);
    mem_free(*certificate);
    *certificate = NULL;
}

static struct generation *current(struct http_certificate *certificate)
{
    pthread_mutex_lock(&certificate->lock);
    struct generation *now = certificate->now;
    pthread_mutex_unlock(&certificate->lock);
    return now;
}

int http_certificate_present(struct http_certificate *certificate, gnutls_pcert_st **chain,
                             unsigned *n_chain, gnutls_privkey_t *key)
{
    struct generation *now = current(certificate);

    *chain   = now->chain;
    *n_chain = now->n;
    *key     = now->key;
    return 0;
}

int64_t http_certificate_ends_at(struct http_certificate *certificate)
{
    return current(certificate)->ends_at;
}

static int add_pem(gnutls_pcert_st *from, struct buf *out)
{
    gnutls_x509_crt_t certificate;
    gnutls_datum_t    pem;
    int               code = gnutls_pcert_export_x509(from, &certificate);

    if (code < 0)
        return code;
    code = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem);
    gnutls_x509_crt_deinit(certificate);
    if (code < 0)
        return code;
    buf_str(out, (struct str){ .p = (const char *)pem.data, .n = pem.size });
    gnutls_free(pem.data);
    return 0;
}

int http_certificate_chain(struct http_certificate *certificate, struct arena *arena,
                           struct str *out, struct err *err)
{
    struct generation *now = current(certificate);
    struct buf         text;

    buf_init(&text, arena, PEM_MAX);
    for (unsigned i = 0; i < now->n; i++) {
        int code = add_pem(&now->chain[i], &text);

        if (code < 0)
            return err_set(err, ERR_INTERNAL, "printing the certificate: %s",
                           gnutls_strerror(code));
    }
    return buf_finish(&text, out, err);
}

int http_certificate_has_name(struct http_certificate *certificate, struct str host)
{
    char   name[256];
    size_t n = host.n;

    if (n > 2 && host.p[0] == '[' && host.p[n - 1] == ']') {
        host = str_sub(host, 1, n - 2);
        n    = host.n;
    }
    if (n == 0 || n >= sizeof(name) || str_find(host, '\0') >= 0)
        return 0;
    memcpy(name, host.p, n);
    name[n] = '\0';
    return gnutls_x509_crt_check_hostname(current(certificate)->first, name) != 0;
}
