/* client/run.h: one run of a command: its words, its session, what it prints. Results live in the run's arena. */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "base/buf.h"
#include "client/command.h"
#include "client/session.h"
#include "codec/json_write.h"

enum { CLIENT_HOLES_MAX = 8, CLIENT_GIVEN_MAX = 32, CLIENT_OUT_MAX = 1024 * 1024 * 1024 };

struct client_hole {
    struct str name;
    struct str value; /* the null view: not given */
};

struct client_given {
    const struct client_option *option;
    struct str                  text; /* as typed; of a file its content */
};

/* What stood on the command line. */
struct client_input {
    struct client_hole  holes[CLIENT_HOLES_MAX];
    size_t              n_holes;
    struct client_given given[CLIENT_GIVEN_MAX];
    size_t              n_given;
    struct client_way   way;
    bool                is_json;
    bool                wants_help;
};

struct client_run {
    struct arena                *arena;
    const struct client_env     *env;
    const struct client_command *command;
    struct client_input          input;
    struct client_session        session;
    struct buf                   out;     /* for standard output */
    struct buf                   notes;   /* for standard error: what a person may want to know */
    struct buf                   members; /* of the request's body, as JSON with commas between */
};

/* argv: what stands after the command's name. ERR_INVALID says what is wrong with it. */
int client_input_read(struct arena *arena, const struct client_command *command, int argc,
                      char **argv, struct client_input *out, struct err *err);

/* The null view when it was not given. */
struct str client_hole(const struct client_input *input, const char *name);
struct str client_given(const struct client_input *input, const char *option);
bool       client_has(const struct client_input *input, const char *option);

/* The patterns of the rows. Holes come percent-encoded into a path, as they are into a sentence. */
struct str client_print_path(struct arena *arena, const struct client_input *input,
                             const char *path);
struct str client_print_sentence(struct arena *arena, const struct client_input *input,
                                 const char *sentence);

/* The path of the row's request, with the fields of its options. */
struct str client_request_path(struct client_run *run);

/* A member more for the body. The null view is not added. */
void client_body_add(struct client_run *run, const char *member, struct str json);
void client_body_add_text(struct client_run *run, const char *member, struct str text);

/* A secret from the first line of standard input when --password-stdin was given, else from the terminal;
 * twice there when it is a new one. */
int client_secret_read(struct client_run *run, const char *question, bool is_new, struct str *out,
                       struct err *err);

/* Does it by the row. */
int client_run_row(struct client_run *run, struct err *err);

/* What was said so far goes out now; for commands that go on for long. */
int client_flush(struct client_run *run, struct err *err);

/* An answer as a value, for commands that ask more than once. */
int client_get(struct client_run *run, const char *path, struct str *out, struct err *err);

/* Between two looks of a command that follows something. */
void client_pause(void);

/* Shows an answer by the row: the sentence, the columns, or what the server said. */
int client_show(struct client_run *run, const struct net_answer *answer, struct err *err);

#endif
