/* io/random.h: randomness of the kernel. Cannot fail: without it the process ends. Any thread. */
#ifndef IO_RANDOM_H
#define IO_RANDOM_H

#include <stddef.h>

#include "base/str.h"

struct arena;

void random_bytes(void *out, size_t size);

/* 2 * n_bytes lower-case hex digits, terminated. */
void random_hex(char *out, size_t n_bytes);

/* A UUID of version 7 (RFC 9562) for ids that leave the house; time from clock_utc_us. */
enum { RANDOM_UUID_MAX = 37 };
void random_uuid(char out[RANDOM_UUID_MAX]);

/* A password for people: 20 characters from an alphabet without look-alikes, about 115 bits. */
struct str random_password(struct arena *arena);

#endif
