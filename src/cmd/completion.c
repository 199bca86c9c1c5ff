/* cmd/completion.c: `assay completion SHELL`: a script for the shell, made from the tables of commands, so that what
 * can be typed and what is offered are the same. Whatever the shell, the script knows for each path of words what
 * may come next; which value an option takes decides between files, choices and nothing. */
#include "cmd/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/client.h"
#include "cmd/cmd.h"
#include "cmd/doctor.h"
#include "cmd/fsck.h"
#include "cmd/gc.h"
#include "cmd/long.h"
#include "cmd/verb.h"
#include "conf/conf.h"

enum { SCRIPT_MAX = 1024 * 1024, WORDS_MAX = 512 };

/* One thing that may come next. */
struct word {
    const char *text;
    const char *help;
    const char *value; /* of an option: null, none; "FILE" is a file, "a|b" are choices */
};

/* After which words it may. */
struct place {
    const char *path; /* "", "user", "user create" */
    struct word words[WORDS_MAX];
    size_t      n;
};

/* How one shell says it. */
struct shell {
    const char *name;
    void (*begin)(struct buf *out);
    void (*place)(struct buf *out, const struct place *place);
    void (*end)(struct buf *out);
};

static bool is_option(const struct word *word)
{
    return word->text[0] == '-';
}

static bool is_file(const struct word *word)
{
    return word->value != NULL && strstr(word->value, "FILE") != NULL;
}

static bool has_choices(const struct word *word)
{
    return word->value != NULL && !is_file(word) && strchr(word->value, '|') != NULL;
}

static void add(struct place *place, const char *text, const char *help, const char *value)
{
    if (place->n < WORDS_MAX)
        place->words[place->n++] = (struct word){ .text = text, .help = help, .value = value };
}

/* -- what there is ------------------------------------------------------------------------------------ */

static void add_options(struct place *place, const struct client_option *options)
{
    for (; options != NULL && options->name != NULL; options++)
        add(place, options->name, options->help, options->value);
}

static void add_settings(struct place *place, struct arena *arena)
{
    for (size_t id = 0; id < CONF_N_IDS; id++) {
        const struct conf_row *row = &conf_table[id];

        add(place, mem_printf(arena, "--%s", row->key), row->help,
            row->type == CONF_SWITCH ? NULL
            : row->type == CONF_PATH ? "FILE"
                                     : "VALUE");
    }
}

static void place_command(const struct shell *shell, const struct client_command *command,
                          struct buf *out)
{
    struct place place = { .path = command->name };

    add_options(&place, command->options);
    if (command->secret != NULL)
        add_options(&place, client_secret_options);
    if (command->list != NULL)
        add_options(&place, client_list_options);
    add_options(&place, client_common_options);
    shell->place(out, &place);
}

static void place_group(const struct shell *shell, const struct client_group *group,
                        struct buf *out)
{
    struct place place = { .path = group->name };
    size_t       skip  = strlen(group->name) + 1;

    if (client_group_is_single(group)) {
        place_command(shell, group->commands, out);
        return;
    }
    for (const struct client_command *command = group->commands; command->name != NULL; command++)
        add(&place, command->name + skip, command->summary, NULL);
    shell->place(out, &place);
    for (const struct client_command *command = group->commands; command->name != NULL; command++)
        place_command(shell, command, out);
}

/* The commands themselves, and as what `help` explains. */
static void place_top(const struct shell *shell, const char *path, struct buf *out)
{
    struct place place = { .path = path };

    for (const struct cmd *cmd = cmd_table; cmd->name != NULL; cmd++)
        add(&place, cmd->name, cmd->summary, NULL);
    for (const struct client_group *group = client_groups; group->name != NULL; group++)
        add(&place, group->name, group->summary, NULL);
    shell->place(out, &place);
}

static void place_settings(const struct shell *shell, const char *path, struct arena *arena,
                           struct buf *out)
{
    struct place place = { .path = path };

    add_settings(&place, arena);
    shell->place(out, &place);
}

static void place_admin(const struct shell *shell, struct arena *arena, struct buf *out)
{
    struct place place = { .path = "admin" };

    for (const struct verb *verb = verb_table; verb->name != NULL; verb++)
        add(&place, verb->name, verb->help, NULL);
    add_settings(&place, arena);
    shell->place(out, &place);
}

static void place_long(const struct shell *shell, const struct long_command *command,
                       struct arena *arena, struct buf *out)
{
    struct place place = { .path = command->name };

    add(&place, "-o", "for people, or for programs", "text|json");
    for (size_t i = 0; i < command->n_options; i++)
        add(&place, command->options[i].option, command->options[i].help, NULL);
    add_settings(&place, arena);
    shell->place(out, &place);
}

/* -- bash --------------------------------------------------------------------------------------------- */

/* "a|b" as words with blanks between. */
static void print_choices(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++)
        buf_char(out, *value == '|' ? ' ' : *value);
}

static void begin_bash(struct buf *out)
{
    buf_text(out,
             "# Completion of assay for bash: source it, or put it where bash-completion looks.\n"
             "_assay_place() {\n"
             "    WORDS= VALUES=\n"
             "    case $1 in\n");
}

/* WORDS may come next; VALUES are the options that take one: a file ("--cacert=@"), one of a few ("-o=table|json"). */
static void place_bash(struct buf *out, const struct place *place)
{
    buf_printf(out, "    '%s')\n        WORDS='", place->path);
    for (size_t i = 0; i < place->n; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", place->words[i].text);
    buf_text(out, "'\n        VALUES='");
    for (size_t i = 0; i < place->n; i++) {
        const struct word *word = &place->words[i];

        if (!is_option(word) || word->value == NULL)
            continue;
        buf_printf(out, " %s=", word->text);
        if (is_file(word))
            buf_char(out, '@');
        else if (has_choices(word))
            buf_text(out, word->value);
    }
    buf_text(out, " ' ;;\n");
}

static void end_bash(struct buf *out)
{
    buf_text(out,
             "    *) return 1 ;;\n"
             "    esac\n"
             "}\n"
             "_assay() {\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} path= word i WORDS VALUES wants=\n"
             "    _assay_place ''\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        word=${COMP_WORDS[i]}\n"
             "        if [ -n \"$wants\" ]; then wants= ; continue; fi\n"
             "        case $word in\n"
             "        -*) case $VALUES in *\" $word=\"*) wants=$word ;; esac ;;\n"
             "        *) _assay_place \"${path:+$path }$word\" && path=\"${path:+$path }$word\" || "
             "_assay_place \"$path\" ;;\n"
             "        esac\n"
             "    done\n"
             "    if [ -n \"$wants\" ]; then\n"
             "        word=${VALUES#* \"$wants\"=} word=${word%% *}\n"
             "        case $word in\n"
             "        @) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
             "        *) COMPREPLY=($(compgen -W \"${word//|/ }\" -- \"$cur\")) ;;\n"
             "        esac\n"
             "        return\n"
             "    fi\n"
             "    case $cur in\n"
             "    -*) COMPREPLY=($(compgen -W \"$WORDS\" -- \"$cur\")) ;;\n"
             "    *) COMPREPLY=($(compgen -W \"$(printf '%s\\n' $WORDS | grep -v '^-')\" -- "
             "\"$cur\")) ;;\n"
             "    esac\n"
             "}\n"
             "complete -F _assay assay\n");
}

/* -- zsh ---------------------------------------------------------------------------------------------- */

/* Between single quotes; a colon separates the word from its help. */
static void print_quoted(struct buf *out, const char *text, bool escapes_colon)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_text(out, "'\\''");
        else if (*text == ':' && escapes_colon)
            buf_text(out, "\\:");
        else
            buf_char(out, *text);
    }
}

static void begin_zsh(struct buf *out)
{
    buf_text(out, "#compdef assay\n"
                  "# Completion of assay for zsh: a file _assay in a folder of $fpath.\n"
                  "_assay_place() {\n"
                  "    words_of=() values_of=()\n"
                  "    case $1 in\n");
}

static void place_zsh(struct buf *out, const struct place *place)
{
    buf_printf(out, "    '%s')\n        words_of=(\n", place->path);
    for (size_t i = 0; i < place->n; i++) {
        buf_text(out, "            '");
        print_quoted(out, place->words[i].text, true);
        buf_char(out, ':');
        print_quoted(out, place->words[i].help, true);
        buf_text(out, "'\n");
    }
    buf_text(out, "        )\n        values_of=(");
    for (size_t i = 0; i < place->n; i++) {
        const struct word *word = &place->words[i];

        if (!is_option(word) || word->value == NULL)
            continue;
        buf_printf(out, " %s '", word->text);
        if (is_file(word))
            buf_char(out, '@');
        else if (has_choices(word))
            print_choices(out, word->value);
        buf_char(out, '\'');
    }
    buf_text(out, " ) ;;\n");
}

static void end_zsh(struct buf *out)
{
    buf_text(
        out,
        "    *) return 1 ;;\n"
        "    esac\n"
        "}\n"
        "_assay() {\n"
        "    local -a words_of shown\n"
        "    local -A values_of\n"
        "    local at= word wants= i\n"
        "    _assay_place ''\n"
        "    for ((i = 2; i < CURRENT; i++)); do\n"
        "        word=$words[i]\n"
        "        if [[ -n $wants ]]; then wants= ; continue; fi\n"
        "        case $word in\n"
        "        -*) (( ${+values_of[$word]} )) && wants=$word ;;\n"
        "        *) if _assay_place \"${at:+$at }$word\"; then at=\"${at:+$at }$word\"; else "
        "_assay_place \"$at\"; fi ;;\n"
        "        esac\n"
        "    done\n"
        "    if [[ -n $wants ]]; then\n"
        "        case $values_of[$wants] in\n"
        "        @) _files ;;\n"
        "        *) compadd -- ${=values_of[$wants]} ;;\n"
        "        esac\n"
        "        return\n"
        "    fi\n"
        "    if [[ $words[CURRENT] == -* ]]; then\n"
        "        shown=(${(M)words_of:#-*})\n"
        "    else\n"
        "        shown=(${words_of:#-*})\n"
        "    fi\n"
        "    _describe assay shown\n"
        "}\n"
        "if [[ $funcstack[1] == _assay ]]; then _assay \"$@\"; else compdef _assay assay; fi\n");
}

/* -- fish --------------------------------------------------------------------------------------------- */

static void begin_fish(struct buf *out)
{
    buf_text(out,
             "# Completion of assay for fish: a file assay.fish in ~/.config/fish/completions.\n"
             "function __assay_place\n"
             "    set -g __assay_words\n"
             "    set -g __assay_values\n"
             "    switch \"$argv[1]\"\n");
}

/* Within single quotes fish knows two escapes. */
static void print_fish_quoted(struct buf *out, const char *text)
{
    buf_char(out, '\'');
    for (; *text != '\0'; text++)
        buf_printf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
    buf_char(out, '\'');
}

static void place_fish(struct buf *out, const struct place *place)
{
    buf_printf(out, "    case '%s'\n        set __assay_words", place->path);
    for (size_t i = 0; i < place->n; i++) {
        buf_printf(out, " %s\\t", place->words[i].text);
        print_fish_quoted(out, place->words[i].help);
    }
    buf_text(out, "\n        set __assay_values");
    for (size_t i = 0; i < place->n; i++) {
        const struct word *word = &place->words[i];

        if (!is_option(word) || word->value == NULL)
            continue;
        buf_printf(out, " '%s=", word->text);
        if (is_file(word))
            buf_char(out, '@');
        else if (has_choices(word))
            print_choices(out, word->value);
        buf_char(out, '\'');
    }
    buf_char(out, '\n');
}

static void end_fish(struct buf *out)
{
    buf_text(out, "    case '*'\n"
                  "        return 1\n"
                  "    end\n"
                  "    return 0\n"
                  "end\n"
                  "function __assay_complete\n"
                  "    set -l tokens (commandline -opc)\n"
                  "    set -l at ''\n"
                  "    set -l wants ''\n"
                  "    set -e tokens[1]\n"
                  "    __assay_place ''\n"
                  "    for word in $tokens\n"
                  "        if test -n \"$wants\"\n"
                  "            set wants ''\n"
                  "        else if string match -q -- '-*' $word\n"
                  "            for value in $__assay_values\n"
                  "                string match -q -- \"$word=*\" $value; and set wants $value\n"
                  "            end\n"
                  "        else\n"
                  "            set -l next (string trim -- \"$at $word\")\n"
                  "            if __assay_place $next\n"
                  "                set at $next\n"
                  "            else\n"
                  "                __assay_place $at\n"
                  "            end\n"
                  "        end\n"
                  "    end\n"
                  "    if test -n \"$wants\"\n"
                  "        set -l value (string replace -r '^[^=]*=' '' -- $wants)\n"
                  "        if test \"$value\" = @\n"
                  "            __fish_complete_path (commandline -ct)\n"
                  "        else\n"
                  "            string split -n ' ' -- $value\n"
                  "        end\n"
                  "    else if string match -q -- '-*' (commandline -ct)\n"
                  "        string match -- '-*' $__assay_words\n"
                  "    else\n"
                  "        string match -v -- '-*' $__assay_words\n"
                  "    end\n"
                  "end\n"
                  "complete -c assay -f -a '(__assay_complete)'\n");
}

/* -- the command -------------------------------------------------------------------------------------- */

static const struct shell shells[] = {
    { "bash", begin_bash, place_bash, end_bash },
    { "zsh", begin_zsh, place_zsh, end_zsh },
    { "fish", begin_fish, place_fish, end_fish },
};

static void place_shells(const struct shell *shell, struct buf *out)
{
    struct place place = { .path = "completion" };

    for (size_t i = 0; i < ARRAY_LEN(shells); i++)
        add(&place, shells[i].name, "a shell", NULL);
    shell->place(out, &place);
}

int completion_print(struct str shell, struct buf *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (!str_is(shell, shells[i].name))
            continue;
        shells[i].begin(out);
        place_top(&shells[i], "", out);
        place_top(&shells[i], "help", out);
        place_settings(&shells[i], "serve", arena, out);
        place_settings(&shells[i], "config", arena, out);
        place_admin(&shells[i], arena, out);
        place_long(&shells[i], &fsck_command, arena, out);
        place_long(&shells[i], &gc_command, arena, out);
        place_long(&shells[i], &doctor_command, arena, out);
        place_shells(&shells[i], out);
        for (const struct client_group *group = client_groups; group->name != NULL; group++)
            place_group(&shells[i], group, out);
        shells[i].end(out);
        return 0;
    }
    return err_set(err, ERR_INVALID, "it knows bash, zsh and fish, not `" STR_FMT "`",
                   STR_ARGS(shell));
}

static const char help[] =
    "assay completion bash|zsh|fish\n"
    "\n"
    "Prints a script that lets the shell complete commands, options and their values.\n"
    "`make install` puts them in place; for one account:\n"
    "\n"
    "    assay completion bash > ~/.local/share/bash-completion/completions/assay\n"
    "    assay completion zsh  > ~/.zfunc/_assay          # with fpath+=~/.zfunc before compinit\n"
    "    assay completion fish > ~/.config/fish/completions/assay.fish\n";

int cmd_completion(int argc, char **argv)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct buf                     script;
    struct err                     err;

    if (argc == 1 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        printf("%s", help);
        return CMD_DONE;
    }
    buf_init(&script, arena, SCRIPT_MAX);
    if (argc != 1)
        err_set(&err, ERR_INVALID, "it takes the name of a shell: bash, zsh or fish");
    if (argc != 1 || completion_print(str_from(argv[0]), &script, &err) < 0)
        return cmd_complain("completion", &err);
    printf(STR_FMT, STR_ARGS(buf_view(&script)));
    return CMD_DONE;
}
