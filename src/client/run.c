/* client/run.c: a row at work: the request that it describes, page after page where it lists, and its answer as the
 * row's columns. */
#include "client/run.h"

#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/table.h"
#include "codec/json.h"
#include "codec/json_view.h"
#include "codec/text.h"
#include "io/clock.h"
#include "net/url.h"

#define PAUSE_US INT64_C(500000)

enum { PAGE = 500, PAGE_MAX = 100000, BODY_MAX = 8 * 1024 * 1024, CELL_MAX = 16 * 1024 };

/* A page of a list for people; what is printed for programs is not looked at. */
static const struct json_limits answer_limits = {
    .size = 256 * 1024 * 1024, .values = 1000 * 1000, .depth = 64, .key = 1024
};

/* -- the request -------------------------------------------------------------------------------------- */

void client_body_add(struct client_run *run, const char *member, struct str json)
{
    if (json.p == NULL)
        return;
    buf_printf(&run->members, "%s\"%s\":", run->members.n > 0 ? "," : "", member);
    buf_str(&run->members, json);
}

void client_body_add_text(struct client_run *run, const char *member, struct str text)
{
    if (text.p != NULL)
        client_body_add(run, member, json_view_quote(run->arena, text));
}

static struct str print_list(struct client_run *run, struct str words)
{
    struct json_write w;
    struct buf        out;
    struct str        word;

    buf_init(&out, run->arena, BODY_MAX);
    json_write_init(&w, &out);
    json_write_list(&w);
    while (words.n > 0 && str_next(&words, ',', &word))
        json_write_str(&w, str_trim(word));
    json_write_end(&w);
    return buf_view(&out);
}

/* "name=NAME,isOrg:true" */
static void add_fixed_members(struct client_run *run)
{
    struct str rest = str_from(run->command->body), part;

    while (rest.n > 0 && str_next(&rest, ',', &part)) {
        ptrdiff_t  equals = str_find(part, '=');
        struct str name   = str_sub(part, 0, (size_t)(equals >= 0 ? equals : str_find(part, ':')));
        struct str value  = str_from_index(part, name.n + 1);
        char      *member = str_dup(run->arena, name);

        if (equals >= 0)
            client_body_add_text(run, member, client_hole(&run->input, str_dup(run->arena, value)));
        else
            client_body_add(run, member, value);
    }
}

static void add_given_members(struct client_run *run)
{
    for (size_t i = 0; i < run->input.n_given; i++) {
        const struct client_given  *given  = &run->input.given[i];
        const struct client_option *option = given->option;

        if (option->where != CLIENT_IN_BODY)
            continue;
        if (option->type == CLIENT_FLAG)
            client_body_add(run, option->member, str_from(option->fixed));
        else if (option->type == CLIENT_NUMBER)
            client_body_add(run, option->member, given->text);
        else if (option->type == CLIENT_WORDS)
            client_body_add(run, option->member, print_list(run, given->text));
        else
            client_body_add_text(run, option->member, given->text);
    }
}

static int fill_body(struct client_run *run, struct str *out, struct err *err)
{
    const struct client_command *command = run->command;
    struct str                   secret;

    if (command->body != NULL)
        add_fixed_members(run);
    add_given_members(run);
    if (command->secret != NULL) {
        if (client_secret_read(run, "New password", true, &secret, err) < 0)
            return -1;
        client_body_add_text(run, command->secret, secret);
    }
    if (command->fill != NULL && command->fill(run, err) < 0)
        return -1;

    bool has_body = run->members.n > 0 || command->has_body;
    *out =
        has_body
            ? str_from(mem_printf(run->arena, "{" STR_FMT "}", STR_ARGS(buf_view(&run->members))))
            : STR_NULL;
    return run->members.is_full ? err_set(err, ERR_INVALID, "that is too much for one request") : 0;
}

static void add_field(struct buf *path, const char *name, struct str value)
{
    buf_printf(path, "%c%s=", memchr(path->p, '?', path->n) == NULL ? '?' : '&', name);
    text_url_encode(path, value);
}

/* "filter=users" is of the field "filter". */
static bool is_field(const char *query, const char *name)
{
    struct str value = str_from(query), key;

    str_next(&value, '=', &key);
    return str_is(key, name);
}

static void add_query(struct client_run *run, struct buf *path)
{
    bool is_said = run->command->query == NULL;

    for (size_t i = 0; i < run->input.n_given; i++) {
        const struct client_given  *given  = &run->input.given[i];
        const struct client_option *option = given->option;

        if (option->where != CLIENT_IN_QUERY)
            continue;
        add_field(path, option->member,
                  option->type == CLIENT_FLAG ? str_from(option->fixed) : given->text);
        is_said = is_said || is_field(run->command->query, option->member);
    }
    if (!is_said)
        buf_printf(path, "%c%s", memchr(path->p, '?', path->n) == NULL ? '?' : '&',
                   run->command->query);
}

struct str client_request_path(struct client_run *run)
{
    struct buf path;

    buf_init(&path, run->arena, NET_URL_MAX);
    buf_str(&path, client_print_path(run->arena, &run->input, run->command->path));
    add_query(run, &path);
    return buf_view(&path);
}

/* -- columns ------------------------------------------------------------------------------------------ */

static struct str cell_of_list(struct arena *arena, struct str list)
{
    struct json_view_each each = json_view_each(list);
    struct buf            out;

    buf_init(&out, arena, CELL_MAX);
    buf_text(&out, "");
    while (json_view_next(&each)) {
        if (out.n > 0)
            buf_text(&out, ", ");
        buf_str(&out, json_view_text(arena, each.value));
    }
    return buf_view(&out);
}

static struct str cell_of_time(struct arena *arena, struct str time)
{
    ptrdiff_t point = str_find(time, '.');

    if (str_starts(time, STR("0001-01-01")))
        return STR("never");
    if (point < 0 || !str_ends(time, STR("Z")))
        return time;
    return str_from(mem_printf(arena, STR_FMT "Z", STR_ARGS(str_sub(time, 0, (size_t)point))));
}

static struct str cell_of_value(struct arena *arena, struct str value, enum client_form form)
{
    if (json_view_is_list(value))
        return cell_of_list(arena, value);
    if (str_is(value, "true"))
        return STR("yes");
    if (str_is(value, "false"))
        return STR("no");

    struct str text = json_view_text(arena, value);
    return form == CLIENT_TIME ? cell_of_time(arena, text) : text;
}

/* "member.name" */
static struct str value_at(struct str object, struct str path)
{
    struct str key;

    while (str_next(&path, '.', &key))
        object = json_view_at(object, key);
    return object;
}

/* "{namespace}/{name}" of one object. */
static void print_members(struct arena *arena, struct str object, struct str pattern,
                          enum client_form form, struct buf *out)
{
    struct str plain, path;

    while (str_next(&pattern, '{', &plain)) {
        buf_str(out, plain);
        if (pattern.p == NULL)
            break;
        str_next(&pattern, '}', &path);
        buf_str(out, cell_of_value(arena, value_at(object, path), form));
    }
}

/* Of each item, with what is empty leaving no gap. */
static void print_items(struct arena *arena, struct str list, struct str pattern,
                        enum client_form form, struct buf *out)
{
    struct json_view_each each = json_view_each(list);
    struct buf            item;
    struct str            rest, word;

    while (json_view_next(&each)) {
        buf_init(&item, arena, CELL_MAX);
        print_members(arena, each.value, pattern, form, &item);
        if (out->n > 0)
            buf_text(out, "; ");
        rest = buf_view(&item);
        for (bool is_first = true; str_next(&rest, ' ', &word);) {
            if (word.n == 0)
                continue;
            buf_printf(out, "%s" STR_FMT, is_first ? "" : " ", STR_ARGS(word));
            is_first = false;
        }
    }
}

static struct str cell_of(struct arena *arena, struct str object,
                          const struct client_column *column)
{
    struct str from = str_from(column->from), list;
    struct buf out;

    if (str_find(from, '{') < 0)
        return cell_of_value(arena, value_at(object, from), column->form);
    buf_init(&out, arena, CELL_MAX);
    buf_text(&out, "");
    if (str_find(from, ':') >= 0) {
        str_next(&from, ':', &list);
        print_items(arena, value_at(object, list), from, column->form, &out);
    } else {
        print_members(arena, object, from, column->form, &out);
    }
    return buf_view(&out);
}

static size_t n_columns(const struct client_column *columns)
{
    size_t n = 0;

    while (columns[n].title != NULL)
        n++;
    return n;
}

static void begin_table(struct client_run *run, struct client_table *table)
{
    const struct client_column *columns = run->command->columns;

    client_table_init(table, run->arena, n_columns(columns));
    for (; columns->title != NULL; columns++)
        client_table_add(table, str_from(columns->title));
}

/* Returns how many rows it added. */
static int64_t add_rows(struct client_run *run, struct str list, int64_t n_max,
                        struct client_table *table)
{
    struct json_view_each each = json_view_each(list);
    int64_t               n    = 0;

    for (; n < n_max && json_view_next(&each); n++) {
        for (const struct client_column *column = run->command->columns; column->title != NULL;
             column++)
            client_table_add(table, cell_of(run->arena, each.value, column));
    }
    return n;
}

/* One object: a line a column. */
static void print_object(struct client_run *run, struct str object)
{
    struct client_table table;

    client_table_init(&table, run->arena, 2);
    for (const struct client_column *column = run->command->columns; column->title != NULL;
         column++) {
        client_table_add(&table, str_from(column->title));
        client_table_add(&table, cell_of(run->arena, object, column));
    }
    client_table_print(&table, run->env->width, &run->out);
}

int client_flush(struct client_run *run, struct err *err)
{
    if (run->env->print(buf_view(&run->out), err) < 0)
        return -1;
    buf_reset(&run->out);
    return 0;
}

static int check_json(const struct client_run *run, struct str body, struct err *err)
{
    if (json_check(body, &answer_limits, err) == 0)
        return 0;
    err->kind = ERR_UNAVAILABLE;
    return err_wrap(err, "the answer of " STR_FMT " is not what a registry says",
                    STR_ARGS(run->session.server.host));
}

int client_get(struct client_run *run, const char *path, struct str *out, struct err *err)
{
    struct client_request request = { .method = "GET", .path = str_from(path) };
    struct net_answer     answer;

    if (client_ask(&run->session, &request, &answer, err) < 0 ||
        check_json(run, answer.body, err) < 0)
        return -1;
    *out = json_view_of(answer.body);
    return 0;
}

void client_pause(void)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t  never;

    clock_cond_init(&never);
    pthread_mutex_lock(&lock);
    clock_cond_wait(&never, &lock, PAUSE_US);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&never);
}

/* -- the answer --------------------------------------------------------------------------------------- */

static void print_raw(struct client_run *run, struct str body)
{
    buf_str(&run->out, body);
    if (body.n > 0 && !str_ends(body, STR("\n")))
        buf_char(&run->out, '\n');
}

int client_show(struct client_run *run, const struct net_answer *answer, struct err *err)
{
    const struct client_command *command = run->command;

    if (run->input.is_json || (command->columns == NULL && command->done == NULL)) {
        print_raw(run, answer->body);
        return 0;
    }
    if (command->done != NULL)
        buf_printf(&run->out, STR_FMT "\n",
                   STR_ARGS(client_text_clean(
                       run->arena, client_print_sentence(run->arena, &run->input, command->done))));
    if (command->columns == NULL)
        return 0;
    if (check_json(run, answer->body, err) < 0)
        return -1;
    print_object(run, json_view_of(answer->body));
    return 0;
}

static void note_warning(struct client_run *run, const struct net_answer *answer)
{
    struct str warning = net_header(answer, "Warning");

    if (warning.p != NULL)
        buf_printf(&run->notes, "the registry warns: " STR_FMT "\n",
                   STR_ARGS(client_text_clean(run->arena, warning)));
}

static int run_one(struct client_run *run, struct err *err)
{
    struct client_request request = { .method = run->command->method };
    struct net_answer     answer;

    if (fill_body(run, &request.body, err) < 0)
        return -1;
    if (request.body.p == NULL && strcmp(request.method, "PATCH") == 0)
        request.method = "GET";
    request.path = client_request_path(run);
    if (client_ask(&run->session, &request, &answer, err) < 0)
        return -1;
    note_warning(run, &answer);
    return client_show(run, &answer, err);
}

/* -- lists -------------------------------------------------------------------------------------------- */

static int64_t limit_of(const struct client_run *run)
{
    int64_t n = run->command->limit;

    if (client_has(&run->input, "--limit"))
        str_to_int(client_given(&run->input, "--limit"), &n);
    return n > 0 ? n : INT64_MAX;
}

static int ask_page(struct client_run *run, struct str start, int64_t size, struct net_answer *out,
                    struct err *err)
{
    bool        is_enzi = run->command->paging == CLIENT_BY_START;
    struct buf  path;
    const char *n = mem_printf(run->arena, "%lld", (long long)size);

    buf_init(&path, run->arena, NET_URL_MAX);
    buf_str(&path, client_request_path(run));
    if (run->command->paging != CLIENT_WHOLE) {
        add_field(&path, is_enzi ? "limit" : "pageSize", str_from(n));
        if (start.p != NULL)
            add_field(&path, is_enzi ? "start" : "pageStart", start);
    }

    struct client_request request = { .method = run->command->method, .path = buf_view(&path) };
    return client_ask(&run->session, &request, out, err);
}

static int add_page(struct client_run *run, const struct net_answer *answer, int64_t *left,
                    struct client_table *table, struct err *err)
{
    struct str body;

    if (run->input.is_json) {
        print_raw(run, answer->body);
        *left -= *left > PAGE_MAX ? PAGE_MAX : *left;
        return 0;
    }
    if (check_json(run, answer->body, err) < 0)
        return -1;
    body = json_view_of(answer->body);
    if (run->command->note_if != NULL && run->notes.n == 0 &&
        str_is(json_view_at(body, str_from(run->command->note_if)), "true"))
        buf_printf(&run->notes, "%s\n", run->command->note);
    if (run->command->list[0] != '\0')
        body = json_view_at(body, str_from(run->command->list));
    *left -= add_rows(run, body, *left, table);
    return 0;
}

/* For people a page after the other becomes one table; programs get what the server said, in as few pages as may
 * be: one, unless there are more than a hundred thousand. */
static int run_list(struct client_run *run, struct err *err)
{
    int64_t             left  = limit_of(run);
    int64_t             most  = run->input.is_json ? PAGE_MAX : PAGE;
    struct str          start = STR_NULL;
    struct client_table table;
    struct net_answer   answer;

    begin_table(run, &table);
    do {
        if (ask_page(run, start, left < most ? left : most, &answer, err) < 0 ||
            add_page(run, &answer, &left, &table, err) < 0)
            return -1;
        start = net_header(&answer, "X-Next-Page-Start");
    } while (start.n > 0 && left > 0 && run->command->paging != CLIENT_WHOLE);
    if (start.n > 0 && left <= 0 && !client_has(&run->input, "--limit"))
        buf_text(&run->notes, "there is more: `--limit 0` shows all of it\n");
    if (!run->input.is_json)
        client_table_print(&table, run->env->width, &run->out);
    return 0;
}

int client_run_row(struct client_run *run, struct err *err)
{
    buf_init(&run->members, run->arena, BODY_MAX);
    return run->command->list != NULL ? run_list(run, err) : run_one(run, err);
}
