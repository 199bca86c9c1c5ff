/* client/command.h: what a command is: a row. From it come the words that it takes, the request that it makes, the
 * columns that it shows, its help and its completion; what one command does that no row can say is its `fill` or its
 * `run`.
 *
 * Holes. The words after a command fill holes: args "ORG/TEAM USER [ROLE]" takes two words and perhaps a third; a
 * word that has a slash in its pattern is split at the first one, and the part before it must be there. Paths name
 * holes as {ORG}, encoded as one segment, or {+REPO}, where slashes stay; a part in brackets falls away when its
 * hole is empty: "/repositories[/{NAMESPACE}]". */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct client_run;
struct err;

enum client_type {
    CLIENT_FLAG,   /* no value: stands for `fixed` */
    CLIENT_TEXT,   /* as it is */
    CLIENT_NUMBER, /* digits only */
    CLIENT_WORDS,  /* a,b,c: a list */
    CLIENT_FILE    /* the content of that file; "-" is standard input */
};

enum client_where {
    CLIENT_IN_BODY,  /* the member of that name */
    CLIENT_IN_QUERY, /* the field of that name */
    CLIENT_IN_CODE   /* read by fill or run */
};

struct client_option {
    const char      *name;  /* "--full-name" */
    const char      *value; /* for help: "TEXT", or the choices "public|private"; null for a flag */
    enum client_type type;
    enum client_where where;
    const char       *member;
    const char       *fixed; /* of a flag: JSON in the body, text in the query */
    const char       *help;
};

enum client_form {
    CLIENT_AS_IS, /* texts and numbers; true and false are yes and no; lists with commas */
    CLIENT_TIME   /* to the second; the year 1 is never */
};

/* from: a member ("name"), one of a member ("member.name"), several ("{namespace}/{name}"), or several of each item
 * of a list ("reasons:{role} on {path}"). */
struct client_column {
    const char      *title;
    const char      *from;
    enum client_form form;
};

/* The query fields of a list's page. */
enum client_paging { CLIENT_WHOLE, CLIENT_BY_START, CLIENT_BY_PAGE_START };

struct client_command {
    const char *name;    /* "user create" */
    const char *args;    /* "NAME" */
    const char *summary; /* one line, without a dot */
    const char *method;  /* a PATCH of nothing is a GET, unless has_body */
    const char *path;
    const char *query; /* "filter=users": a field that is sent unless an option says it; or null */

    /* Members of the body that no option says, with commas between: "name=NAME" from a hole, "isOrg:true" as
     * it stands. A body is sent when there is any member, or for `has_body`. */
    const char *body;
    bool        has_body;

    const struct client_option *options; /* ends with an empty row; null: none */
    const char *secret; /* member that a new password goes to, asked for or from standard input */

    const char
        *list; /* of a list: the member that holds it, "" when it is bare; null: one object */
    enum client_paging paging;
    int                limit; /* rows that are shown when --limit does not say; 0: all */
    const char
        *note_if; /* member of a list's answer that, being true, wants `note` said beside it */
    const char                 *note;
    const struct client_column *columns; /* ends with an empty row; null: nothing to show */
    const char                 *done;    /* "{NAME} is deleted": said in place of the answer */

    int (*fill)(struct client_run *run, struct err *err); /* before the request */
    int (*run)(struct client_run *run, struct err *err);  /* in place of all of it */

    const char *more;     /* further paragraphs of the help, or null */
    const char *examples; /* lines without indent */
};

struct client_group {
    const char                  *name;     /* "user"; of a single command its own */
    const char                  *summary;  /* one line */
    const struct client_command *commands; /* ends with an empty row */
    bool                         lists;    /* without a word it is its first command */
};

/* All of them, in the order of the help; ends with an empty row. */
extern const struct client_group client_groups[];

/* Options of every command. */
extern const struct client_option client_common_options[];
/* Of those that list, and of those with a secret. */
extern const struct client_option client_list_options[];
extern const struct client_option client_secret_options[];

const struct client_group *client_group_find(struct str name);

/* Is it one command, that has the name of its group? */
bool client_group_is_single(const struct client_group *group);

#endif
