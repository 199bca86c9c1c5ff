/* client/input.c: words to values, by the row of the command. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/run.h"
#include "codec/text.h"
#include "io/file.h"
#include "io/terminal.h"
#include "net/url.h"

enum { FILE_MAX = 4 * 1024 * 1024, PATTERN_MAX = 2048 };

/* clang-format off */
const struct client_option client_common_options[] = {
    { "--server",        "HOST",       CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "the registry; without it ASSAY_SERVER, or the last log-in's" },
    { "--cacert",        "FILE",       CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "trust the CA certificates in FILE, and no others" },
    { "--insecure-http", NULL,         CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "allow http:// to another machine: passwords can be read on the way" },
    { "-o",              "table|json", CLIENT_TEXT, CLIENT_IN_CODE, NULL, NULL, "columns for people, or what the server said for programs" },
    { "--help",          NULL,         CLIENT_FLAG, CLIENT_IN_CODE, NULL, NULL, "explain the command" },
    { 0 },
};

const struct client_option client_list_options[] = {
    { "--limit",         "N",          CLIENT_NUMBER, CLIENT_IN_CODE, NULL, NULL, "at most N rows; 0 is all of them" },
    { 0 },
};

const struct client_option client_secret_options[] = {
    { "--password-stdin", NULL,        CLIENT_FLAG,   CLIENT_IN_CODE, NULL, NULL, "read the password from standard input, one line" },
    { 0 },
};
/* clang-format on */

/* -- options ------------------------------------------------------------------------------------------ */

static const struct client_option *find_in(const struct client_option *options, struct str name)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (str_is(name, options->name))
            return options;
    }
    return NULL;
}

static const struct client_option *find_option(const struct client_command *command,
                                               struct str                   name)
{
    const struct client_option *lists[] = {
        command->options,
        client_common_options,
        command->list != NULL ? client_list_options : NULL,
        command->secret != NULL ? client_secret_options : NULL,
    };

    if (str_is(name, "-h"))
        name = STR("--help");
    if (str_is(name, "--output"))
        name = STR("-o");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct client_option *found = find_in(lists[i], name);

        if (found != NULL)
            return found;
    }
    return NULL;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

/* Of a group that needs no word, others than its commands' may be values of options. */
static bool may_be_command(const struct client_group *group, const char *word)
{
    if (group == NULL || !group->lists)
        return true;
    for (const struct client_command *command = group->commands; command->name != NULL; command++) {
        if (strcmp(command->name + strlen(group->name) + 1, word) == 0)
            return true;
    }
    return false;
}

void client_word_first(const struct client_group *group, int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_option(argv[i])) {
            const struct client_option *option = find_in(client_common_options, str_from(argv[i]));

            i += option != NULL && option->value != NULL ? 1 : 0;
            continue;
        }
        char *word = argv[i];
        if (!may_be_command(group, word))
            return;
        memmove(argv + 1, argv, (size_t)i * sizeof(*argv));
        argv[0] = word;
        return;
    }
}

static int read_content(struct arena *arena, struct str name, struct str *out, struct err *err)
{
    const char *path = str_is(name, "-") ? "/dev/stdin" : str_dup(arena, name);

    if (file_read_path(path, FILE_MAX, arena, out, err) < 0)
        return -1;
    return text_is_utf8(*out)
               ? 0
               : err_set(err, ERR_INVALID, STR_FMT " is not text in UTF-8", STR_ARGS(name));
}

static int take_value(struct arena *arena, const struct client_option *option, struct str text,
                      struct str *out, struct err *err)
{
    int64_t number;

    *out = text;
    if (option->type == CLIENT_FILE)
        return read_content(arena, text, out, err);
    if (option->type == CLIENT_NUMBER && !str_to_int(text, &number))
        return err_set(err, ERR_INVALID, "%s takes a number, not `" STR_FMT "`", option->name,
                       STR_ARGS(text));
    if (!text_is_utf8(text))
        return err_set(err, ERR_INVALID, "the value of %s is not UTF-8", option->name);
    return 0;
}

static int take_common(struct client_input *input, const struct client_option *option,
                       struct str value, struct err *err)
{
    if (strcmp(option->name, "--server") == 0)
        input->way.server = value;
    if (strcmp(option->name, "--cacert") == 0)
        input->way.cacert = value;
    if (strcmp(option->name, "--insecure-http") == 0)
        input->way.may_plain = true;
    if (strcmp(option->name, "--help") == 0)
        input->wants_help = true;
    if (strcmp(option->name, "-o") == 0) {
        input->is_json = str_is(value, "json");
        if (!input->is_json && !str_is(value, "table"))
            return err_set(err, ERR_INVALID, "-o takes table or json, not `" STR_FMT "`",
                           STR_ARGS(value));
    }
    return 0;
}

/* Returns how many words it used, or -1. */
static int read_option(struct arena *arena, const struct client_command *command, int argc,
                       char **argv, struct client_input *input, struct err *err)
{
    struct str                  value = str_from(argv[0]), name;
    struct str                  text  = STR("");
    int                         used  = 1;
    const struct client_option *option;

    str_next(&value, '=', &name);
    option = find_option(command, name);
    if (option == NULL)
        return err_set(err, ERR_INVALID, "it does not know " STR_FMT "; see `assay %s --help`",
                       STR_ARGS(name), command->name);
    if (option->value == NULL && value.p != NULL)
        return err_set(err, ERR_INVALID, "%s takes no value", option->name);
    if (option->value != NULL && value.p == NULL) {
        if (argc < 2)
            return err_set(err, ERR_INVALID, "%s needs a value: %s", option->name, option->value);
        value = str_from(argv[1]);
        used  = 2;
    }
    if (option->value != NULL && take_value(arena, option, value, &text, err) < 0)
        return -1;
    if (take_common(input, option, text, err) < 0)
        return -1;
    if (input->n_given == CLIENT_GIVEN_MAX)
        return err_set(err, ERR_INVALID, "too many options");
    input->given[input->n_given++] = (struct client_given){ .option = option, .text = text };
    return used;
}

/* -- words -------------------------------------------------------------------------------------------- */

static int usage(const struct client_command *command, struct err *err)
{
    return err_set(err, ERR_INVALID, "it takes %s; see `assay %s --help`",
                   command->args[0] == '\0' ? "no further words" : command->args, command->name);
}

static void add_hole(struct client_input *input, struct str name, struct str value)
{
    input->holes[input->n_holes++] = (struct client_hole){ .name = name, .value = value };
}

/* One word by one pattern: "USER", "[USER]", "ORG/TEAM". */
static int fill_word(const struct client_command *command, struct str pattern, struct str word,
                     struct client_input *input, struct err *err)
{
    bool       is_optional = str_starts(pattern, STR("["));
    struct str first;

    if (is_optional)
        pattern = str_sub(pattern, 1, pattern.n - 2);
    if (word.p == NULL ? !is_optional : word.n == 0)
        return usage(command, err);
    if (!text_is_utf8(word))
        return err_set(err, ERR_INVALID, "a word is not UTF-8");
    if (str_find(pattern, '/') < 0) {
        add_hole(input, pattern, word);
        return 0;
    }

    struct str left = word, before;
    str_next(&pattern, '/', &first);
    str_next(&left, '/', &before);
    if (word.p != NULL && (left.n == 0 || before.n == 0))
        return err_set(err, ERR_INVALID, "`" STR_FMT "` is not of the form " STR_FMT "/" STR_FMT,
                       STR_ARGS(word), STR_ARGS(first), STR_ARGS(pattern));
    add_hole(input, first, word.p == NULL ? STR_NULL : before);
    add_hole(input, pattern, word.p == NULL ? STR_NULL : left);
    return 0;
}

static int fill_words(const struct client_command *command, const struct str *words, size_t n_words,
                      struct client_input *input, struct err *err)
{
    struct str patterns = str_from(command->args), pattern;
    size_t     at       = 0;

    while (patterns.n > 0 && str_next(&patterns, ' ', &pattern)) {
        struct str word = at < n_words ? words[at++] : STR_NULL;

        if (fill_word(command, pattern, word, input, err) < 0)
            return -1;
    }
    return at < n_words ? usage(command, err) : 0;
}

int client_input_read(struct arena *arena, const struct client_command *command, int argc,
                      char **argv, struct client_input *out, struct err *err)
{
    struct str *words       = mem_many(arena, (size_t)argc + 1, struct str);
    size_t      n_words     = 0;
    bool        has_options = true;

    *out = (struct client_input){ 0 };
    for (int i = 0; i < argc;) {
        bool is_one = has_options && is_option(argv[i]);

        if (is_one && strcmp(argv[i], "--") == 0) {
            has_options = false;
            i++;
            continue;
        }
        if (!is_one) {
            words[n_words++] = str_from(argv[i++]);
            continue;
        }
        int used = read_option(arena, command, argc - i, argv + i, out, err);
        if (used < 0)
            return -1;
        i += used;
    }
    return out->wants_help ? 0 : fill_words(command, words, n_words, out, err);
}

struct str client_hole(const struct client_input *input, const char *name)
{
    for (size_t i = 0; i < input->n_holes; i++) {
        if (str_is(input->holes[i].name, name))
            return input->holes[i].value;
    }
    return STR_NULL;
}

struct str client_given(const struct client_input *input, const char *option)
{
    for (size_t i = input->n_given; i-- > 0;) {
        if (strcmp(input->given[i].option->name, option) == 0)
            return input->given[i].text;
    }
    return STR_NULL;
}

bool client_has(const struct client_input *input, const char *option)
{
    return client_given(input, option).p != NULL;
}

/* -- patterns ----------------------------------------------------------------------------------------- */

static void encode(struct buf *out, struct str value, bool keeps_slashes)
{
    struct str part;

    if (!keeps_slashes) {
        text_url_encode(out, value);
        return;
    }
    for (bool is_first = true; str_next(&value, '/', &part); is_first = false) {
        if (!is_first)
            buf_char(out, '/');
        text_url_encode(out, part);
    }
}

/* "{NAME}", "{+NAME}": from `at`, which stands on the brace; returns where it goes on. */
static struct str print_hole(struct buf *out, const struct client_input *input, struct str at,
                             bool is_path)
{
    struct str name  = str_sub(at, 1, (size_t)str_find(at, '}') - 1);
    bool       keeps = str_starts(name, STR("+"));
    size_t     size  = name.n + 2;

    if (keeps)
        name = str_from_index(name, 1);
    for (size_t i = 0; i < input->n_holes; i++) {
        if (!str_eq(input->holes[i].name, name) || input->holes[i].value.p == NULL)
            continue;
        if (is_path)
            encode(out, input->holes[i].value, keeps);
        else
            buf_str(out, input->holes[i].value);
    }
    return str_from_index(at, size);
}

static void print_pattern(struct buf *out, const struct client_input *input, struct str pattern,
                          bool is_path)
{
    while (pattern.n > 0) {
        if (pattern.p[0] == '{') {
            pattern = print_hole(out, input, pattern, is_path);
            continue;
        }
        buf_char(out, pattern.p[0]);
        pattern = str_from_index(pattern, 1);
    }
}

/* Is the hole in this bracketed part filled? */
static bool is_filled(const struct client_input *input, struct str part)
{
    struct str name = str_sub(part, (size_t)str_find(part, '{') + 1, part.n);

    name = str_sub(name, 0, (size_t)str_find(name, '}'));
    if (str_starts(name, STR("+")))
        name = str_from_index(name, 1);
    for (size_t i = 0; i < input->n_holes; i++) {
        if (str_eq(input->holes[i].name, name))
            return input->holes[i].value.p != NULL;
    }
    return false;
}

struct str client_print_path(struct arena *arena, const struct client_input *input,
                             const char *path)
{
    struct str rest = str_from(path), plain;
    struct buf out;

    buf_init(&out, arena, NET_URL_MAX);
    while (str_next(&rest, '[', &plain)) {
        struct str part;

        print_pattern(&out, input, plain, true);
        if (rest.p == NULL)
            break;
        str_next(&rest, ']', &part);
        if (is_filled(input, part))
            print_pattern(&out, input, part, true);
    }
    return buf_view(&out);
}

struct str client_print_sentence(struct arena *arena, const struct client_input *input,
                                 const char *sentence)
{
    struct buf out;

    buf_init(&out, arena, NET_URL_MAX);
    print_pattern(&out, input, str_from(sentence), false);
    return buf_view(&out);
}

/* -- secrets ------------------------------------------------------------------------------------------ */

static int ask_twice(struct client_run *run, const char *question, struct str first,
                     struct err *err)
{
    struct str second;

    if (terminal_ask(run->arena, mem_printf(run->arena, "%s, again: ", question), true, &second,
                     err) < 0)
        return -1;
    return str_eq(first, second) ? 0 : err_set(err, ERR_PRECONDITION, "the two are not the same");
}

int client_secret_read(struct client_run *run, const char *question, bool is_new, struct str *out,
                       struct err *err)
{
    struct str secret;

    if (client_has(&run->input, "--password-stdin")) {
        if (terminal_read_line(run->arena, STDIN_FILENO, &secret, err) < 0)
            return err_wrap(err, "--password-stdin");
    } else if (terminal_ask(run->arena, mem_printf(run->arena, "%s: ", question), true, &secret,
                            err) < 0) {
        return err_wrap(
            err,
            "a password is asked for; pipe it in with --password-stdin, or run it on a terminal");
    }
    if (secret.n == 0)
        return err_set(err, ERR_PRECONDITION, "the password is empty");
    if (is_new && !client_has(&run->input, "--password-stdin") &&
        ask_twice(run, question, secret, err) < 0)
        return -1;
    *out = secret;
    return 0;
}
