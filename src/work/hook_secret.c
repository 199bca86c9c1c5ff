/* work/hook_secret.c: secrets of subscriptions and what they sign (Standard Webhooks 1.0, "Symmetric signatures"). */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/hash.h"
#include "codec/seal.h"
#include "codec/secret.h"
#include "codec/text.h"
#include "io/random.h"
#include "work/access_private.h"
#include "work/hook_private.h"

#define HEAD "whsec_"

enum { KEY_MIN = 24, KEY_MAX = 64, KEY_MADE = 32, SIGNATURES_MAX = 512 };

int hook_secret_parse(struct arena *arena, struct str secret, struct str *out_key, struct err *err)
{
    struct str key;

    if (secret.n > HOOK_SECRET_MAX || !str_starts(secret, STR(HEAD)) ||
        text_base64_parse(arena, str_from_index(secret, sizeof(HEAD) - 1), &key, err) < 0 ||
        key.n < KEY_MIN || key.n > KEY_MAX)
        return work_bad_field("secret", "is whsec_ and base64 of 24 to 64 bytes", err);
    *out_key = key;
    return 0;
}

struct str hook_secret_make(struct arena *arena)
{
    unsigned char *key = secret_alloc(arena, KEY_MADE);

    random_bytes(key, KEY_MADE);
    struct str text =
        text_base64_print(arena, (struct str){ .p = (const char *)key, .n = KEY_MADE });
    struct str secret =
        secret_copy(arena, str_from(mem_printf(arena, HEAD STR_FMT, STR_ARGS(text))));
    return secret;
}

static struct str purpose_of(struct arena *arena, struct str uuid)
{
    return str_from(mem_printf(arena, "webhook:" STR_FMT, STR_ARGS(uuid)));
}

struct str hook_secret_seal(struct work *work, struct arena *arena, struct str uuid,
                            struct str secret)
{
    return seal_close(arena, atomic_load(&work->hooks->ring), purpose_of(arena, uuid), secret);
}

int hook_secret_open(struct work *work, struct arena *arena, struct str uuid, struct str sealed,
                     struct str *out, struct err *err)
{
    if (sealed.p == NULL) {
        *out = STR_NULL;
        return 0;
    }
    return seal_open(arena, atomic_load(&work->hooks->ring), purpose_of(arena, uuid), sealed, out,
                     err);
}

static int sign_by(struct arena *arena, struct str secret, struct str text, struct buf *out,
                   struct err *err)
{
    unsigned char mac[32];
    struct str    key;

    if (hook_secret_parse(arena, secret, &key, err) < 0)
        return -1;
    hash_hmac_sha256(key, text, mac);
    struct str printed =
        text_base64_print(arena, (struct str){ .p = (const char *)mac, .n = sizeof(mac) });
    buf_printf(out, "%sv1," STR_FMT, buf_view(out).n > 0 ? " " : "", STR_ARGS(printed));
    mem_wipe((char *)(uintptr_t)key.p, key.n);
    return 0;
}

int hook_sign(struct arena *arena, const struct str *secrets, size_t n, struct str id, int64_t at_s,
              struct str body, struct str *out, struct err *err)
{
    struct buf text, signatures;

    buf_init(&text, arena, id.n + body.n + 64);
    buf_printf(&text, STR_FMT ".%lld.", STR_ARGS(id), (long long)at_s);
    buf_add(&text, body.p, body.n);
    buf_init(&signatures, arena, SIGNATURES_MAX);
    buf_text(&signatures, "");
    for (size_t i = 0; i < n; i++) {
        if (secrets[i].p != NULL &&
            sign_by(arena, secrets[i], buf_view(&text), &signatures, err) < 0)
            return -1;
    }
    return buf_finish(&signatures, out, err);
}
