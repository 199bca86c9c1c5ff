/* rows: what the tables of commands say is whole: every hole of a path has a word, every example is a command that
 * would run, every option says what it is for. */
#include <stdio.h>

#include "check.h"
#include "client/client.h"
#include "client/run.h"

static struct arena *arena;
static struct err    err;

int rows_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int rows_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static void for_each_row(void (*check)(const struct client_group *, const struct client_command *))
{
    for (const struct client_group *group = client_groups; group->name != NULL; group++) {
        assert_non_null(group->summary);
        for (const struct client_command *row = group->commands; row->name != NULL; row++)
            check(group, row);
    }
}

/* Every {HOLE} of the text is among the words that the command takes. */
static void check_holes(const struct client_command *row, const char *text)
{
    struct str rest = str_from(text), plain, hole;

    while (text != NULL && str_next(&rest, '{', &plain) && rest.p != NULL) {
        str_next(&rest, '}', &hole);
        const char *name = str_dup(arena, hole);
        if (strstr(row->args, name + (name[0] == '+' ? 1 : 0)) == NULL)
            fail_msg("%s: {%s} of \"%s\" is none of its words \"%s\"", row->name, name, text,
                     row->args);
    }
}

static void check_body(const struct client_command *row)
{
    struct str rest = str_from(row->body), part, member;

    while (row->body != NULL && str_next(&rest, ',', &part)) {
        bool is_fixed = str_find(part, '=') < 0;

        str_next(&part, is_fixed ? ':' : '=', &member);
        if (part.n == 0 || (!is_fixed && strstr(row->args, str_dup(arena, part)) == NULL))
            fail_msg("%s: body \"%s\"", row->name, row->body);
    }
}

static void check_options(const struct client_command *row, const struct client_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        bool is_flag = options->type == CLIENT_FLAG;

        if (options->name[0] != '-' || options->help == NULL ||
            (options->value == NULL) != is_flag ||
            (options->where != CLIENT_IN_CODE && options->member == NULL) ||
            (is_flag && options->where != CLIENT_IN_CODE && options->fixed == NULL))
            fail_msg("%s: option %s is not whole", row->name, options->name);
    }
}

static void check_row(const struct client_group *group, const struct client_command *row)
{
    struct str name = str_from(row->name);

    assert_true(str_starts(name, str_from(group->name)));
    assert_non_null(row->args);
    assert_non_null(row->summary);
    assert_non_null(row->examples);
    if (row->run == NULL && (row->method == NULL || row->path == NULL))
        fail_msg("%s does nothing", row->name);
    if (row->run == NULL && row->columns == NULL && row->done == NULL)
        fail_msg("%s says nothing", row->name);
    if (row->list != NULL && row->columns == NULL)
        fail_msg("%s lists nothing", row->name);
    if (str_ends(str_from(row->summary), STR(".")))
        fail_msg("%s: the summary ends in a dot", row->name);
    check_holes(row, row->path);
    check_holes(row, row->done);
    check_body(row);
    check_options(row, row->options);
}

void test_rows_are_whole(void **state)
{
    for_each_row(check_row);
}

/* Words as a shell would cut them, as far as examples go: blanks, and single quotes. */
static int cut(char *line, char **words, int n_max)
{
    int n = 0;

    while (*line != '\0' && n < n_max) {
        char *to = line;

        words[n++] = line;
        for (bool is_quoted = false; *line != '\0' && (is_quoted || *line != ' '); line++) {
            if (*line == '\'')
                is_quoted = !is_quoted;
            else
                *to++ = *line;
        }
        if (*line != '\0')
            line++;
        *to = '\0';
    }
    return n;
}

static void check_example(const struct client_command *row, struct str line)
{
    char               *words[32];
    struct client_input input;
    const char         *start = strstr(str_dup(arena, line), "assay ");
    char               *copy  = mem_strdup(arena, start == NULL ? "" : start);
    char               *pipe  = strstr(copy, " | ");

    if (pipe != NULL)
        *pipe = '\0';
    int n    = cut(copy, words, 32);
    int skip = strchr(row->name, ' ') == NULL ? 2 : 3;
    if (n < skip || strncmp(start + 6, row->name, strlen(row->name)) != 0)
        fail_msg("%s: the example \"" STR_FMT "\" is of another command", row->name,
                 STR_ARGS(line));
    if (client_input_read(arena, row, n - skip, words + skip, &input, &err) < 0 &&
        err.kind != ERR_NOT_FOUND)
        fail_msg("%s: the example \"" STR_FMT "\": %s", row->name, STR_ARGS(line), err.text);
}

static void check_examples(const struct client_group *group, const struct client_command *row)
{
    struct str rest = str_from(row->examples), line;

    while (rest.n > 0 && str_next(&rest, '\n', &line))
        check_example(row, line);
}

void test_examples_are_commands(void **state)
{
    for_each_row(check_examples);
}

static void check_help(const struct client_group *group, const struct client_command *row)
{
    char      *words[] = { mem_strdup(arena, row->name + strlen(group->name)) };
    bool       is_one  = client_group_is_single(group);
    struct buf help;

    if (!is_one)
        words[0]++; /* the blank */
    buf_init(&help, arena, 64 * 1024);
    CHECK_OK(client_help(group, is_one ? 0 : 1, words, &help, &err), &err);
    assert_non_null(strstr(help.p, row->summary));
    assert_non_null(strstr(help.p, "Examples:"));
    assert_non_null(strstr(help.p, "--server HOST"));
    for (struct str rest = buf_view(&help), line; str_next(&rest, '\n', &line);) {
        if (line.n > 160)
            fail_msg("%s: a line of its help is %zu bytes long", row->name, line.n);
    }
}

void test_each_has_help(void **state)
{
    for_each_row(check_help);
}
