/* http/gate.c: the fields that the gate reads are rows; the rest is characters and counts. */
#include "http/gate.h"

#include "http/server.h"

/* clang-format off */

/* RFC 9110, 5.6.2, without the underscore in names (two readers fold it with the hyphen). */
static const bool token_bytes[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true,
    ['+'] = true, ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true,
    ['~'] = true,
};

static const bool host_bytes[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true, ['%'] = true, [':'] = true, ['['] = true,
    [']'] = true,
};

/* clang-format on */

static bool has_only(struct str s, const bool bytes[256])
{
    for (size_t i = 0; i < s.n; i++) {
        if (!bytes[(unsigned char)s.p[i]])
            return false;
    }
    return true;
}

bool http_gate_is_token(struct str s)
{
    return s.n > 0 && has_only(s, token_bytes);
}

static bool has_control_bytes(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool refuse(struct http_refusal *refusal, int status, const char *code, const char *sentence)
{
    *refusal = (struct http_refusal){ .status = status, .code = code, .sentence = sentence };
    return false;
}

static bool refuse_malformed(struct http_refusal *refusal, const char *sentence)
{
    return refuse(refusal, 400, "INVALID", sentence);
}

/* What the gate knows of a field; each returns false with a refusal. */

static bool take_host(struct http_gate_facts *facts, struct str value, struct http_refusal *refusal)
{
    if (value.n == 0 || !has_only(value, host_bytes))
        return refuse_malformed(refusal, "the Host header is not a host");
    facts->host = value;
    return true;
}

static bool take_content_length(struct http_gate_facts *facts, struct str value,
                                struct http_refusal *refusal)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return refuse_malformed(refusal, "the Content-Length header is not a number");
    }
    if (value.n == 0)
        return refuse_malformed(refusal, "the Content-Length header is empty");
    if (!str_to_int(value, &facts->content_length))
        return refuse(refusal, 413, "SIZE_INVALID", "the body is larger than any limit");
    return true;
}

static bool take_transfer_encoding(struct http_gate_facts *facts, struct str value,
                                   struct http_refusal *refusal)
{
    if (!str_eq(value, STR("chunked")))
        return refuse_malformed(refusal, "the only transfer coding taken here is chunked");
    facts->is_chunked = true;
    return true;
}

static bool take_authorization(struct http_gate_facts *facts, struct str value,
                               struct http_refusal *refusal)
{
    (void)facts;
    (void)value;
    (void)refusal;
    return true; /* only that there are not two of them matters here */
}

static bool take_expect(struct http_gate_facts *facts, struct str value,
                        struct http_refusal *refusal)
{
    if (!str_eq_nocase(value, STR("100-continue")))
        return refuse(refusal, 417, "UNSUPPORTED", "the only expectation met here is 100-continue");
    facts->expects_continue = true;
    return true;
}

enum known_field { HOST, CONTENT_LENGTH, TRANSFER_ENCODING, AUTHORIZATION, EXPECT };

struct known {
    struct str name;
    bool (*take)(struct http_gate_facts *facts, struct str value, struct http_refusal *refusal);
    const char *twice;
    bool        is_raw; /* the library reads the value with the blanks after it, so must the gate */
};

/* clang-format off */
static const struct known knowns[] = {
    [HOST]              = { { "host", 4 },               take_host,              "there are two Host headers" },
    [CONTENT_LENGTH]    = { { "content-length", 14 },    take_content_length,    "there are two Content-Length headers" },
    [TRANSFER_ENCODING] = { { "transfer-encoding", 17 }, take_transfer_encoding, "there are two Transfer-Encoding headers", .is_raw = true },
    [AUTHORIZATION]     = { { "authorization", 13 },     take_authorization,     "there are two Authorization headers" },
    [EXPECT]            = { { "expect", 6 },             take_expect,            "there are two Expect headers" },
};
/* clang-format on */

enum { N_KNOWNS = sizeof(knowns) / sizeof(knowns[0]) };

static bool check_field(struct http_field *field, struct http_gate_facts *facts, unsigned *seen,
                        struct http_refusal *refusal)
{
    struct str raw = field->value;

    if (!http_gate_is_token(field->name) || str_find(field->name, '_') >= 0)
        return refuse_malformed(refusal, "a header's name has a byte that names may not have");
    if (has_control_bytes(field->value))
        return refuse_malformed(refusal, "a header's value has control bytes");
    field->value = str_trim(raw);

    for (unsigned i = 0; i < N_KNOWNS; i++) {
        if (field->name.n != knowns[i].name.n || !str_eq_nocase(field->name, knowns[i].name))
            continue;
        if ((*seen & (1u << i)) != 0)
            return refuse_malformed(refusal, knowns[i].twice);
        *seen |= 1u << i;
        return knowns[i].take(facts, knowns[i].is_raw ? raw : field->value, refusal);
    }
    return true;
}

static bool check_target(const struct http_head *head, struct http_refusal *refusal)
{
    bool is_asterisk = str_eq(head->target, STR("*")) && str_eq(head->method, STR("OPTIONS"));

    if (!is_asterisk && (head->target.n == 0 || head->target.p[0] != '/'))
        return refuse_malformed(refusal, "the request target is not a path");
    for (size_t i = 0; i < head->target.n; i++) {
        unsigned char c = (unsigned char)head->target.p[i];

        if (c <= ' ' || c >= 0x7f || c == '#')
            return refuse_malformed(refusal, "the request target has a byte that must be escaped");
    }
    return true;
}

static bool check_line(const struct http_head *head, const struct http_limits *limits,
                       struct http_gate_facts *facts, struct http_refusal *refusal)
{
    if (!http_gate_is_token(head->method))
        return refuse_malformed(refusal, "the method is not a token");
    facts->is_1_1 = str_eq(head->version, STR("HTTP/1.1"));
    if (!facts->is_1_1 && !str_eq(head->version, STR("HTTP/1.0")))
        return refuse_malformed(refusal, "the protocol is neither HTTP/1.0 nor HTTP/1.1");
    if (head->target.n > limits->url_bytes)
        return refuse(refusal, 414, "INVALID", "the request target is too long");
    return check_target(head, refusal);
}

/* One reader could believe the one field, the next one the other. */
static bool check_framing(const struct http_gate_facts *facts, struct http_refusal *refusal)
{
    if (facts->is_1_1 && facts->host.p == NULL)
        return refuse_malformed(refusal, "the Host header is missing");
    if (facts->is_chunked && facts->content_length >= 0)
        return refuse_malformed(refusal, "there are both Content-Length and Transfer-Encoding");
    if (facts->is_chunked && !facts->is_1_1)
        return refuse_malformed(refusal, "HTTP/1.0 knows no Transfer-Encoding");
    return true;
}

static bool check_coding(const struct http_head *head, struct http_refusal *refusal)
{
    for (size_t i = 0; i < head->n; i++) {
        const struct http_field *field = &head->fields[i];

        if (field->name.n != 16 || !str_eq_nocase(field->name, STR("content-encoding")) ||
            field->value.n == 0 || str_eq_nocase(field->value, STR("identity")))
            continue;
        refuse(refusal, 415, "UNSUPPORTED", "the body must come without a content coding");
        refusal->is_framed = true;
        return false;
    }
    return true;
}

bool http_gate_check(struct http_head *head, const struct http_limits *limits,
                     struct http_gate_facts *facts, struct http_refusal *refusal)
{
    unsigned seen = 0;

    *facts = (struct http_gate_facts){ .content_length = -1 };
    if (!check_line(head, limits, facts, refusal))
        return false;
    if (head->size > limits->header_bytes)
        return refuse(refusal, 431, "INVALID", "the request's head is too large");
    if (head->n > limits->headers)
        return refuse_malformed(refusal, "there are too many headers");
    for (size_t i = 0; i < head->n; i++) {
        if (!check_field(&head->fields[i], facts, &seen, refusal))
            return false;
    }
    if (!head->is_as_sent)
        return refuse_malformed(refusal, "the head has a bare line feed, a folded line or a NUL");
    return check_framing(facts, refusal) && check_coding(head, refusal);
}
