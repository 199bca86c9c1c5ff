/* oci/digest.c: the two algorithms are the rows of one table. */
#include "oci/digest.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "codec/text.h"

static const struct algorithm {
    struct str     head;
    enum hash_kind kind;
} algorithms[] = {
    { .head = STR("sha256:"), .kind = HASH_SHA256 },
    { .head = STR("sha512:"), .kind = HASH_SHA512 },
};

static const struct algorithm *algorithm_of(enum hash_kind kind)
{
    return kind == HASH_SHA256 ? &algorithms[0] : &algorithms[1];
}

static const struct algorithm *find_algorithm(struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (str_starts(text, algorithms[i].head))
            return &algorithms[i];
    }
    return NULL;
}

static void print(enum hash_kind kind, const unsigned char *bytes, struct oci_digest *out)
{
    struct str head = algorithm_of(kind)->head;

    *out = (struct oci_digest){ .kind = kind };
    memcpy(out->text, head.p, head.n);
    text_hex_print(bytes, hash_size(kind), out->text + head.n);
}

int oci_digest_parse(struct str text, struct oci_digest *out, struct err *err)
{
    const struct algorithm *algorithm = find_algorithm(text);
    unsigned char           bytes[HASH_MAX];

    if (algorithm == NULL)
        return err_set_code(err, ERR_INVALID, "DIGEST_INVALID", text,
                            "a digest begins with sha256: or sha512:");
    if (!text_hex_parse(str_from_index(text, algorithm->head.n), bytes, hash_size(algorithm->kind)))
        return err_set_code(err, ERR_INVALID, "DIGEST_INVALID", text,
                            "a digest has %zu lower-case hex digits after " STR_FMT,
                            2 * hash_size(algorithm->kind), STR_ARGS(algorithm->head));

    print(algorithm->kind, bytes, out);
    return 0;
}

bool oci_digest_looks(struct str text)
{
    return str_find(text, ':') >= 0;
}

void oci_digest_of(struct str bytes, enum hash_kind kind, struct oci_digest *out)
{
    struct hash hash;

    hash_init(&hash, kind);
    hash_add(&hash, bytes.p, bytes.n);
    oci_digest_from_hash(&hash, out);
}

void oci_digest_from_hash(const struct hash *hash, struct oci_digest *out)
{
    unsigned char bytes[HASH_MAX];

    hash_finish(hash, bytes);
    print(hash->kind, bytes, out);
}

struct str oci_digest_str(const struct oci_digest *digest)
{
    return str_from(digest->text);
}

struct str oci_digest_hex(const struct oci_digest *digest)
{
    return str_from_index(oci_digest_str(digest), algorithm_of(digest->kind)->head.n);
}

bool oci_digest_eq(const struct oci_digest *a, const struct oci_digest *b)
{
    return str_eq(oci_digest_str(a), oci_digest_str(b));
}
