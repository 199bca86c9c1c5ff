/* io/random.c: getrandom(2) and the forms in which the house wants randomness. */
#include "io/random.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <sodium.h>

#include "base/assert.h"
#include "base/mem.h"
#include "io/clock.h"

enum { HEX_CHUNK = 64, PASSWORD_LEN = 20 };

/* No 0 O o, no 1 I i l: what a person reads from a terminal and types must be one thing only. */
static const char alphabet[] = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

void random_bytes(void *out, size_t size)
{
    char *at = out;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        ASSERT(got > 0);
        at += got;
        size -= (size_t)got;
    }
}

void random_hex(char *out, size_t n_bytes)
{
    unsigned char bytes[HEX_CHUNK];

    *out = '\0';
    while (n_bytes > 0) {
        size_t n = n_bytes < sizeof(bytes) ? n_bytes : sizeof(bytes);

        random_bytes(bytes, n);
        sodium_bin2hex(out, 2 * n + 1, bytes, n);
        out += 2 * n;
        n_bytes -= n;
    }
}

/* 48 bits of milliseconds, then the rest of the time in 12 bits (RFC 9562, 6.2, method 3), so that ids of
 * one process sort by their making, then 62 random bits. */
void random_uuid(char out[RANDOM_UUID_MAX])
{
    uint64_t      now_us = (uint64_t)clock_utc_us();
    uint64_t      now_ms = now_us / 1000;
    uint64_t      rest   = now_us % 1000 * 4096 / 1000;
    unsigned char random[8];

    random_bytes(random, sizeof(random));
    random[0] = (unsigned char)((random[0] & 0x3f) | 0x80);

    snprintf(out, RANDOM_UUID_MAX, "%08x-%04x-7%03x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             (unsigned)(now_ms >> 16), (unsigned)(now_ms & 0xffff), (unsigned)rest, random[0],
             random[1], random[2], random[3], random[4], random[5], random[6], random[7]);
}

/* A byte beyond the last whole multiple of the alphabet is thrown away: every letter is as likely. */
static char random_letter(void)
{
    const unsigned n     = sizeof(alphabet) - 1;
    const unsigned limit = 256 / n * n;
    unsigned char  byte;

    do
        random_bytes(&byte, 1);
    while (byte >= limit);
    return alphabet[byte % n];
}

struct str random_password(struct arena *arena)
{
    char *text = mem_alloc(arena, PASSWORD_LEN + 1);

    for (size_t i = 0; i < PASSWORD_LEN; i++)
        text[i] = random_letter();
    return (struct str){ .p = text, .n = PASSWORD_LEN };
}
