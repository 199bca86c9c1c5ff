/* oci/range.c: RFC 9110's byte ranges. A Range header may ask in vain or be ignored, and only the first
 * is an error; a Content-Range says where bytes are to go, so everything about it must be right. */
#include "oci/range.h"

#include "base/err.h"

/* Digits off the front; a number beyond 64 bits becomes the largest, which lies behind every object. */
static bool take_number(struct str *rest, int64_t *out)
{
    size_t n = 0;

    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    if (n == 0)
        return false;
    if (!str_to_int(str_sub(*rest, 0, n), out))
        *out = INT64_MAX;
    *rest = str_from_index(*rest, n);
    return true;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c)
        return false;
    *rest = str_from_index(*rest, 1);
    return true;
}

/* "bytes" and what separates it from the range. */
static bool take_unit(struct str *rest, char separator)
{
    struct str unit = STR("bytes");

    if (!str_eq_nocase(str_sub(*rest, 0, unit.n), unit) || rest->n <= unit.n ||
        rest->p[unit.n] != separator)
        return false;
    *rest = str_trim(str_from_index(*rest, unit.n + 1));
    return true;
}

static int refuse_range(struct str header, int64_t size, struct err *err)
{
    return err_set_code(err, ERR_RANGE, NULL, header, "nothing of the range lies within %lld bytes",
                        (long long)size);
}

/* "-500": the last 500 bytes, or all that there are. */
static int parse_suffix(struct str header, struct str rest, int64_t size, struct oci_range *out,
                        struct err *err)
{
    int64_t n;

    if (!take_number(&rest, &n) || rest.n != 0)
        return 0;
    if (n == 0)
        return refuse_range(header, size, err);
    if (size == 0)
        return 0;

    n    = n < size ? n : size;
    *out = (struct oci_range){ .from = size - n, .size = n };
    return 1;
}

int oci_range_parse(struct str header, int64_t size, struct oci_range *out, struct err *err)
{
    struct str rest = str_trim(header);
    int64_t    from;
    int64_t    to = INT64_MAX;

    if (!take_unit(&rest, '='))
        return 0;
    if (take_char(&rest, '-'))
        return parse_suffix(header, rest, size, out, err);
    if (!take_number(&rest, &from) || !take_char(&rest, '-'))
        return 0;
    if (rest.n > 0 && (!take_number(&rest, &to) || rest.n != 0))
        return 0;
    if (to < from)
        return 0;
    if (from >= size)
        return refuse_range(header, size, err);

    to   = to < size ? to : size - 1;
    *out = (struct oci_range){ .from = from, .size = to - from + 1 };
    return 1;
}

/* The total, which must lie behind the last byte, or an asterisk for it; nothing is as good. Only the form
 * of HTTP, with its unit, has one. */
static bool take_total(struct str *rest, bool has_unit, int64_t to)
{
    int64_t total;

    if (!has_unit || !take_char(rest, '/') || take_char(rest, '*'))
        return true;
    return take_number(rest, &total) && total > to;
}

int oci_content_range_parse(struct str header, struct oci_range *out, struct err *err)
{
    struct str rest = str_trim(header);
    int64_t    from;
    int64_t    to;
    bool       has_unit = take_unit(&rest, ' ');

    if (!take_number(&rest, &from) || !take_char(&rest, '-') || !take_number(&rest, &to) ||
        to < from || to == INT64_MAX || !take_total(&rest, has_unit, to) || rest.n != 0)
        return err_set_code(err, ERR_RANGE, NULL, header,
                            "a Content-Range is first-last in bytes, both inclusive, as in 0-1023");

    *out = (struct oci_range){ .from = from, .size = to - from + 1 };
    return 0;
}
