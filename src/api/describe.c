/* api/describe.c: rows of routes as the description of an API. See describe.h. */
#include "api/describe.h"

#include <string.h>

#include "api/api_private.h"
#include "api/describe_private.h"
#include "base/assert.h"
#include "base/mem.h"
#include "codec/json_write.h"

enum { DESCRIPTION_MAX = 8 * 1024 * 1024, ROWS_MAX = 4096 };

static const char about[] =
    "`/v2` and `/auth/token` are the distribution API of the OCI and its token service. `/api/v0` "
    "and "
    "`/enzi/v0` are the API of Docker Trusted Registry. What is ours alone stands under "
    "`/api/v1`.\n\n"
    "A refusal has a body with `errors`, each with `code` and `message`. A field of a body that "
    "`/api/v0` and "
    "`/enzi/v0` do not know is ignored and named in a `Warning` header; `/api/v1` refuses it. HEAD "
    "works where "
    "GET does; a method that is not listed is 405 with `Allow`. In the repository's name slashes "
    "stay as they "
    "are, and the management API takes `%2F` as well. Before any of these routes is found a "
    "request may be refused with 400, 408, 411, 413, 414, 417, 431, 501 or 505, because it is no "
    "clear HTTP or "
    "too large or slow.";

struct description {
    struct arena           *arena;
    struct json_write       w;
    struct api_shapes       shapes;
    const struct api_route *rows[ROWS_MAX];
    size_t                  n;
};

/* -- what is known by name or kind -------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *name, *says, *pattern; } holes[] = {
    { "name",      "the repository, or its path below the namespace; slashes are part of it", NULL },
    { "namespace", "the account that the repository belongs to", NULL },
    { "account",   "name of an account, or `id:` and its id", NULL },
    { "reference", "a tag or a digest", NULL },
    { "digest",    "algorithm and hexadecimal digits", "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$" },
};

static const struct { int status; const char *says; } words[] = {
    { 200, "Done" },
    { 201, "Made" },
    { 202, "Accepted" },
    { 204, "Done, and there is nothing to tell" },
    { 206, "The part that was asked for" },
    { 303, "To be seen elsewhere: `Location`" },
    { 304, "The client has it already" },
    { 416, "The range lies outside" },
};
/* clang-format on */

static bool is_any(const struct api_route *row)
{
    (void)row;
    return true;
}

/* Rows about what may be public answer anonymous callers, as far as the registry does. */
static bool may_be_anonymous(const struct api_route *row)
{
    return row->may == API_MAY_ANYONE || row->may == API_MAY_CATALOG ||
           row->may == API_MAY_SEARCH || row->may == API_MAY_PULL;
}

static bool wants_credentials(const struct api_route *row)
{
    return row->may != API_MAY_ANYONE;
}

/* /v2 refuses with 401 what the others refuse with 403, but for what a rule forbids. */
static bool may_be_forbidden(const struct api_route *row)
{
    return row->may != API_MAY_ANYONE && (row->family != API_V2 || row->changes);
}

/* In the path, in the body or, when it is more than a page, in the query something is named that may not be there. */
static bool is_about_something(const struct api_route *row)
{
    bool asks =
        row->query != NULL && row->query != api_paging_params && row->query != api_limit_params;

    return strchr(row->path, '{') != NULL || row->takes != NULL || (asks && api_is_managed(row));
}

static bool does_change(const struct api_route *row)
{
    return row->changes;
}

static bool takes_body(const struct api_route *row)
{
    return row->body != HTTP_BODY_NONE;
}

static bool takes_table(const struct api_route *row)
{
    return row->takes != NULL;
}

/* clang-format off */
static const struct refusal {
    int         status;
    const char *name; /* of the component */
    const char *says;
    bool      (*fits)(const struct api_route *row);
} refusals[] = {
    { 400, "Malformed",    "Something in the request is malformed; the message says what", is_any },
    { 401, "Unidentified", "Credentials are missing, wrong, void, or not enough for this repository", wants_credentials },
    { 403, "Forbidden",    "The caller may not do this, or a rule forbids it", may_be_forbidden },
    { 404, "Absent",       "There is no such thing, or none that the caller may see", is_about_something },
    { 405, "SwitchedOff",  "This is switched off here", does_change },
    { 409, "Conflict",     "It exists already, or its state does not allow this", does_change },
    { 413, "TooLarge",     "The body is too large", takes_body },
    { 415, "NoJSON",       "The body is not of a type that is taken", takes_table },
    { 416, "Outside",      "The range lies outside", NULL },
    { 429, "TooMany",      "Too many requests; `Retry-After` says when to come back", is_any },
    { 500, "Fault",        "A fault of the registry; its log tells more under the request's id", is_any },
    { 503, "Unavailable",  "The registry cannot do this now; `Retry-After` says when to come back", is_any },
    { 507, "Full",         "There is no space left", does_change },
};
/* clang-format on */

static bool is_listed(const int *statuses, int status)
{
    for (; statuses != NULL && *statuses != 0; statuses++) {
        if (*statuses == status)
            return true;
    }
    return false;
}

/* -- a row -------------------------------------------------------------------------------------------- */

static void write_string_list(struct json_write *w, const char *key, struct str value)
{
    json_write_key(w, key);
    json_write_list(w);
    json_write_str(w, value);
    json_write_end(w);
}

/* The first word of a row's name: what it is about. */
static struct str tag_of(const struct api_route *row)
{
    struct str name = str_from(row->name), tag;

    str_next(&name, '.', &tag);
    return tag;
}

/* The pattern as OpenAPI writes it: "{name...}" is "{name}". */
static struct str plain_path(struct arena *arena, const char *pattern)
{
    struct buf path;

    buf_init(&path, arena, 1024);
    for (const char *c = pattern; *c != '\0'; c++) {
        if (strncmp(c, "...}", 4) == 0)
            c += 3;
        buf_char(&path, *c);
    }
    return buf_view(&path);
}

static void write_hole(struct json_write *w, struct str name)
{
    const char *says = "", *pattern = NULL;

    for (size_t i = 0; i < ARRAY_LEN(holes); i++) {
        if (!str_is(name, holes[i].name))
            continue;
        says    = holes[i].says;
        pattern = holes[i].pattern;
    }
    json_write_object(w);
    json_write_str_at(w, "name", name);
    json_write_text_at(w, "in", "path");
    json_write_bool_at(w, "required", true);
    if (says[0] != '\0')
        json_write_text_at(w, "description", says);
    json_write_key(w, "schema");
    json_write_object(w);
    json_write_text_at(w, "type", "string");
    json_write_int_at(w, "minLength", 1);
    if (pattern != NULL)
        json_write_text_at(w, "pattern", pattern);
    json_write_end(w);
    json_write_end(w);
}

static void write_param(struct json_write *w, const struct api_param *param)
{
    json_write_object(w);
    json_write_text_at(w, "name", param->name);
    json_write_text_at(w, "in", "query");
    json_write_bool_at(w, "required", param->is_required);
    json_write_text_at(w, "description", param->says);
    json_write_key(w, "schema");
    json_write_object(w);
    json_write_text_at(w, "type", param->type);
    if (strcmp(param->type, "integer") == 0)
        json_write_int_at(w, "minimum", 0);
    json_write_end(w);
    json_write_end(w);
}

static void write_parameters(struct description *d, const struct api_route *row)
{
    struct json_write *w    = &d->w;
    struct str         rest = plain_path(d->arena, row->path);
    struct str         part;

    json_write_key(w, "parameters");
    json_write_list(w);
    while (str_next(&rest, '/', &part)) {
        if (str_starts(part, STR("{")))
            write_hole(w, str_sub(part, 1, part.n - 2));
    }
    for (const struct api_param *param = row->query; param != NULL && param->name != NULL; param++)
        write_param(w, param);
    json_write_end(w);
}

static bool has_required(const struct json_table *table)
{
    for (size_t i = 0; i < table->n_fields; i++) {
        if ((table->fields[i].flags & JSON_REQUIRED) != 0)
            return true;
    }
    return false;
}

static void write_body(struct description *d, const struct api_route *row)
{
    struct json_write *w = &d->w;

    if (row->takes == NULL && row->accepts == NULL)
        return;
    json_write_key(w, "requestBody");
    json_write_object(w);
    json_write_bool_at(w, "required", row->takes != NULL && has_required(row->takes));
    json_write_key(w, "content");
    json_write_object(w);
    json_write_key(w, row->takes != NULL ? "application/json" : row->accepts);
    json_write_object(w);
    if (row->takes != NULL) {
        json_write_key(w, "schema");
        api_shapes_write_ref(&d->shapes, w, row->takes, true, row->family == API_OURS);
    }
    json_write_end(w);
    json_write_end(w);
    json_write_end(w);
}

static void write_list_schema(struct description *d, const struct api_route *row)
{
    struct json_write *w          = &d->w;
    bool               is_wrapped = row->list[0] != '\0';

    json_write_object(w);
    if (is_wrapped) {
        json_write_text_at(w, "type", "object");
        write_string_list(w, "required", str_from(row->list));
        json_write_key(w, "properties");
        json_write_object(w);
        json_write_key(w, row->list);
        json_write_object(w);
    }
    json_write_text_at(w, "type", "array");
    json_write_key(w, "items");
    api_shapes_write_ref(&d->shapes, w, row->gives, false, false);
    json_write_end(w);
    if (is_wrapped) {
        json_write_end(w);
        json_write_end(w);
    }
}

static void write_content(struct description *d, const struct api_route *row)
{
    struct json_write *w = &d->w;

    if (row->gives == NULL && row->sends == NULL)
        return;
    json_write_key(w, "content");
    json_write_object(w);
    json_write_key(w, row->sends != NULL ? row->sends : "application/json");
    json_write_object(w);
    if (row->gives != NULL) {
        json_write_key(w, "schema");
        if (row->list != NULL)
            write_list_schema(d, row);
        else
            api_shapes_write_ref(&d->shapes, w, row->gives, false, false);
    }
    json_write_end(w);
    if (row->streams != NULL) {
        json_write_key(w, row->streams);
        json_write_object(w);
        json_write_end(w);
    }
    json_write_end(w);
}

static bool is_paged(const struct api_route *row)
{
    for (const struct api_param *param = row->query; param != NULL && param->name != NULL;
         param++) {
        if (strcmp(param->name, "pageSize") == 0 || strcmp(param->name, "limit") == 0)
            return true;
    }
    return false;
}

/* A page says where the next one begins, and how many there are. */
static void write_page_headers(struct json_write *w, const struct api_route *row)
{
    static const char *const names[] = { "X-Next-Page-Start", "X-Resource-Count" };

    if (!is_paged(row))
        return;
    json_write_key(w, "headers");
    json_write_object(w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_write_key(w, names[i]);
        json_write_object(w);
        json_write_text_at(w, "$ref",
                           i == 0 ? "#/components/headers/X-Next-Page-Start"
                                  : "#/components/headers/X-Resource-Count");
        json_write_end(w);
    }
    json_write_end(w);
}

static void write_status(struct json_write *w, int status)
{
    char text[] = { (char)('0' + status / 100), (char)('0' + status / 10 % 10),
                    (char)('0' + status % 10), '\0' };

    json_write_key(w, text);
}

/* An answer that is no refusal. */
static void write_answer(struct description *d, const struct api_route *row, int status)
{
    const char *says = "As asked";

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].status == status)
            says = words[i].says;
    }
    write_status(&d->w, status);
    json_write_object(&d->w);
    json_write_text_at(&d->w, "description", says);
    if (status / 100 != 3) {
        write_page_headers(&d->w, row);
        write_content(d, row);
    }
    json_write_end(&d->w);
}

/* Probes that answer 503 do so in their own shape. */
static bool is_own(const struct api_route *row, int status)
{
    return status < 400 || (status == 503 && row->gives != NULL && row->fast != NULL);
}

static void write_answers(struct description *d, const struct api_route *row)
{
    struct json_write *w = &d->w;

    json_write_key(w, "responses");
    json_write_object(w);
    if (row->gone == NULL)
        write_answer(d, row, api_success_of(row));
    for (const int *status = row->also; status != NULL && *status != 0; status++) {
        if (is_own(row, *status))
            write_answer(d, row, *status);
    }
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *refusal = &refusals[i];
        bool                  is_also = is_listed(row->also, refusal->status);

        if ((is_also && is_own(row, refusal->status)) ||
            (!is_also && (refusal->fits == NULL || !refusal->fits(row))))
            continue;
        write_status(w, refusal->status);
        json_write_object(w);
        json_write_text_at(w, "$ref",
                           mem_printf(d->arena, "#/components/responses/%s", refusal->name));
        json_write_end(w);
    }
    json_write_end(w);
}

/* A browser's session, which changes things with its CSRF token only. */
static void write_session_scheme(struct json_write *w, const struct api_route *row)
{
    bool is_safe = (row->method & (HTTP_GET | HTTP_HEAD)) != 0;

    json_write_object(w);
    json_write_key(w, "session");
    json_write_list(w);
    json_write_end(w);
    if (!is_safe && !row->is_form) {
        json_write_key(w, "csrf");
        json_write_list(w);
        json_write_end(w);
    }
    json_write_end(w);
}

static void write_security(struct json_write *w, const struct api_route *row)
{
    static const char *const schemes[] = { "basic", "bearer" };

    json_write_key(w, "security");
    json_write_list(w);
    if (may_be_anonymous(row)) {
        json_write_object(w);
        json_write_end(w);
    }
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        json_write_object(w);
        json_write_key(w, schemes[i]);
        json_write_list(w);
        json_write_end(w);
        json_write_end(w);
    }
    if (api_is_managed(row) || row->takes_session)
        write_session_scheme(w, row);
    json_write_end(w);
}

static void write_row(struct description *d, const struct api_route *row)
{
    struct json_write *w = &d->w;
    char               method[8];
    const char        *name = http_method_name(row->method);
    size_t             n    = 0;

    for (; name[n] != '\0' && n + 1 < sizeof(method); n++)
        method[n] = (char)(name[n] | 0x20);
    method[n] = '\0';

    json_write_key(w, method);
    json_write_object(w);
    json_write_text_at(w, "operationId", row->name);
    write_string_list(w, "tags", tag_of(row));
    json_write_text_at(w, "summary", row->says);
    if (row->gone != NULL)
        json_write_bool_at(w, "deprecated", true);
    json_write_text_at(w, "description",
                       mem_printf(d->arena, "Who may: %s.", api_may_name(row->may)));
    write_parameters(d, row);
    write_body(d, row);
    write_answers(d, row);
    write_security(w, row);
    json_write_end(w);
}

/* -- all of them -------------------------------------------------------------------------------------- */

static void collect_rows(struct description *d, const struct api_route *const *tables)
{
    for (; *tables != NULL; tables++) {
        for (const struct api_route *row = *tables; row->name != NULL; row++) {
            ASSERT(d->n < ROWS_MAX);
            d->rows[d->n++] = row;
        }
    }
}

/* The row before which no other has the same path, or the same tag. */
static bool is_first(const struct description *d, size_t index, bool by_tag)
{
    for (size_t i = 0; i < index; i++) {
        if (by_tag ? str_eq(tag_of(d->rows[i]), tag_of(d->rows[index]))
                   : strcmp(d->rows[i]->path, d->rows[index]->path) == 0)
            return false;
    }
    return true;
}

static void write_paths(struct description *d)
{
    struct json_write *w = &d->w;

    json_write_key(w, "paths");
    json_write_object(w);
    for (size_t i = 0; i < d->n; i++) {
        if (!is_first(d, i, false))
            continue;
        json_write_key_str(w, plain_path(d->arena, d->rows[i]->path));
        json_write_object(w);
        for (size_t k = i; k < d->n; k++) {
            if (strcmp(d->rows[k]->path, d->rows[i]->path) == 0)
                write_row(d, d->rows[k]);
        }
        json_write_end(w);
    }
    json_write_end(w);
}

static void write_tags(struct description *d)
{
    struct json_write *w = &d->w;

    json_write_key(w, "tags");
    json_write_list(w);
    for (size_t i = 0; i < d->n; i++) {
        if (!is_first(d, i, true))
            continue;
        json_write_object(w);
        json_write_str_at(w, "name", tag_of(d->rows[i]));
        json_write_end(w);
    }
    json_write_end(w);
}

/* -- components --------------------------------------------------------------------------------------- */

static const char error_schema[] =
    "{\"type\":\"object\",\"required\":[\"errors\"],\"properties\":{\"errors\":{\"type\":\"array\","
    "\"minItems\":1,"
    "\"items\":{\"type\":\"object\",\"required\":[\"code\",\"message\"],\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"},\"detail\":{\"type\":"
    "\"object\"}}}}}}";

static const char headers[] =
    "{\"X-Next-Page-Start\":{\"description\":\"Where the next page begins; absent on the last\","
    "\"schema\":{\"type\":\"string\"}},"
    "\"X-Resource-Count\":{\"description\":\"How many rows there are in all, when `count` asked "
    "for it\","
    "\"schema\":{\"type\":\"integer\"}}}";

static const char schemes[] =
    "{\"basic\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":\"Name and password, "
    "access token or secret "
    "of a service account\"},"
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
    "\"description\":\"A token of `/auth/token` or `/auth/login`, or an access token\"},"
    "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-assay\","
    "\"description\":\"The session of `/login`; over plain HTTP the cookie is `assay`\"},"
    "\"csrf\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Csrf-Token\","
    "\"description\":\"`csrfToken` of the session, with each change by it\"}}";

static void write_refusals(struct json_write *w)
{
    json_write_key(w, "responses");
    json_write_object(w);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        json_write_key(w, refusals[i].name);
        json_write_object(w);
        json_write_text_at(w, "description", refusals[i].says);
        json_write_key(w, "content");
        json_write_raw(w, STR("{\"application/json\":{\"schema\":"
                              "{\"$ref\":\"#/components/schemas/Errors\"}}}"));
        json_write_end(w);
    }
    json_write_end(w);
}

static void write_components(struct description *d)
{
    struct json_write *w = &d->w;

    json_write_key(w, "components");
    json_write_object(w);
    json_write_key(w, "schemas");
    json_write_object(w);
    api_shapes_write(&d->shapes, w);
    json_write_key(w, "Errors");
    json_write_raw(w, str_from(error_schema));
    json_write_end(w);
    write_refusals(w);
    json_write_key(w, "headers");
    json_write_raw(w, str_from(headers));
    json_write_key(w, "securitySchemes");
    json_write_raw(w, str_from(schemes));
    json_write_end(w);
}

static void write_info(struct json_write *w)
{
    json_write_key(w, "info");
    json_write_object(w);
    json_write_text_at(w, "title", "Assay");
    json_write_text_at(w, "version", "1");
    json_write_text_at(w, "description", about);
    json_write_key(w, "license");
    json_write_raw(w, STR("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    json_write_end(w);
}

struct str api_describe(struct arena *arena, const struct api_route *const *tables)
{
    struct description *d = mem_one(arena, struct description);
    struct buf          out;
    struct str          text;
    struct err          err;

    d->arena = arena;
    api_shapes_init(&d->shapes, arena);
    collect_rows(d, tables);

    buf_init(&out, arena, DESCRIPTION_MAX);
    json_write_init(&d->w, &out);
    json_write_object(&d->w);
    json_write_text_at(&d->w, "openapi", "3.1.0");
    write_info(&d->w);
    write_tags(d);
    write_paths(d);
    write_components(d);
    json_write_end(&d->w);

    int done = buf_finish(&out, &text, &err);
    ASSERT(done == 0);
    return text;
}
