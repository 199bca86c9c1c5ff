/* oci/name.c: the grammar of names, byte by byte. */
#include "oci/name.h"

#include "base/err.h"
#include "base/mem.h"

/* The routes behind a repository's name; a name that ends in one could be read as another's route. */
static const struct str reserved[] = {
    STR("blobs"),   STR("manifests"), STR("tags"),     STR("referrers"),
    STR("uploads"), STR("events"),    STR("webhooks"),
};

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* "." or "_" or "__" or any number of "-". */
static bool is_separator(struct str s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] != s.p[0])
            return false;
    }
    return s.n > 0 && (s.p[0] == '-' || (s.p[0] == '_' && s.n <= 2) || (s.p[0] == '.' && s.n == 1));
}

/* Separators stand between alphanumeric runs and nowhere else. */
bool oci_name_is_component(struct str s)
{
    size_t at = 0;

    if (s.n == 0 || !is_alphanumeric(s.p[0]) || !is_alphanumeric(s.p[s.n - 1]))
        return false;
    while (at < s.n) {
        size_t from = at;

        while (!is_alphanumeric(s.p[at]))
            at++;
        if (at > from && !is_separator(str_sub(s, from, at - from)))
            return false;
        while (at < s.n && is_alphanumeric(s.p[at]))
            at++;
    }
    return true;
}

static bool is_reserved(struct str component)
{
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (str_eq(component, reserved[i]))
            return true;
    }
    return false;
}

static int refuse_name(struct str name, const char *reason, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "NAME_INVALID", name, "a repository name %s", reason);
}

int oci_name_check(struct str name, struct err *err)
{
    struct str rest         = name;
    struct str component    = STR_NULL;
    size_t     n_components = 0;

    if (name.n > OCI_NAME_MAX)
        return refuse_name(name, "has at most 255 bytes", err);
    while (str_next(&rest, '/', &component)) {
        n_components++;
        if (!oci_name_is_component(component))
            return refuse_name(
                name,
                "has components of a-z and 0-9, inside of which single dots, one or two "
                "underscores or hyphens may stand",
                err);
    }
    if (n_components < 2)
        return refuse_name(name, "has a namespace and a path, as in admin/app", err);
    if (is_reserved(component))
        return refuse_name(name,
                           "may not end in blobs, manifests, tags, referrers, uploads, events or "
                           "webhooks",
                           err);
    return 0;
}

int oci_prefix_check(struct str prefix, struct err *err)
{
    struct str rest      = prefix.n > 0 ? prefix : STR_NULL;
    struct str component = STR_NULL;

    if (prefix.n > OCI_NAME_MAX)
        return refuse_name(prefix, "has at most 255 bytes, and so has a prefix", err);
    while (str_next(&rest, '/', &component)) {
        if (!oci_name_is_component(component))
            return refuse_name(prefix, "and a prefix of it have components of a-z and 0-9", err);
    }
    return 0;
}

bool oci_name_ends_reserved(struct str name)
{
    struct str component = name;

    while (str_next(&name, '/', &component))
        continue;
    return is_reserved(component);
}

struct str oci_name_namespace(struct str name)
{
    ptrdiff_t slash = str_find(name, '/');

    return slash < 0 ? name : str_sub(name, 0, (size_t)slash);
}

static bool is_tag_byte(char c)
{
    return is_alphanumeric(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
}

size_t oci_name_chain(struct arena *arena, struct str path, struct str **out)
{
    size_t n = 2, k = 0;

    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    struct str *chain = mem_many(arena, n, struct str);
    chain[k++]        = STR("");
    for (size_t i = 0; i <= path.n; i++) {
        if (i == path.n || path.p[i] == '/')
            chain[k++] = str_sub(path, 0, i);
    }
    *out = chain;
    return k;
}

int oci_tag_check(struct str tag, struct err *err)
{
    bool is_good = tag.n > 0 && tag.n <= OCI_TAG_MAX && tag.p[0] != '.' && tag.p[0] != '-';

    for (size_t i = 0; is_good && i < tag.n; i++)
        is_good = is_tag_byte(tag.p[i]);
    if (!is_good)
        return err_set_code(
            err, ERR_INVALID, "TAG_INVALID", tag,
            "a tag has 1 to %d bytes of A-Z, a-z, 0-9, _, . and -, the first of which is "
            "neither . nor -",
            OCI_TAG_MAX);
    return 0;
}

int oci_reference_parse(struct str text, struct oci_reference *out, struct err *err)
{
    struct oci_reference reference = { .is_digest = oci_digest_looks(text) };

    if (reference.is_digest) {
        if (oci_digest_parse(text, &reference.digest, err) < 0)
            return -1;
    } else {
        if (oci_tag_check(text, err) < 0)
            return -1;
        reference.tag = text;
    }
    *out = reference;
    return 0;
}
