/* client/helper.c: one run of the helper a question. What says that there are no credentials is a sentence of the
 * helpers' own library, which all of them print. */
#include "client/helper.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/store.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "codec/secret.h"
#include "io/child.h"

enum { NAME_MAX_BYTES = 64, SENTENCE_MAX = 300 };

/* Of a helper's answer and of what it is given to keep. */
struct kept {
    struct str server;
    struct str user;
    struct str secret;
};

/* clang-format off */
static const struct json_field kept_fields[] = {
    { .name = "ServerURL", .kind = JSON_STRING, .offset = JSON_AT(struct kept, server, struct str) },
    { .name = "Username",  .kind = JSON_STRING, .offset = JSON_AT(struct kept, user, struct str) },
    { .name = "Secret",    .kind = JSON_STRING, .offset = JSON_AT(struct kept, secret, struct str) },
};
/* clang-format on */

static const struct json_table kept_table = {
    .name     = "answer",
    .size     = sizeof(struct kept),
    .fields   = kept_fields,
    .n_fields = ARRAY_LEN(kept_fields),
};

int client_helper_check(struct str name, struct err *err)
{
    bool is_good = name.n > 0 && name.n <= NAME_MAX_BYTES;

    for (size_t i = 0; i < name.n && is_good; i++) {
        char c = name.p[i];

        is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
    }
    return is_good ? 0
                   : err_set(err, ERR_INVALID, "`" STR_FMT "` is no name of a credential helper",
                             STR_ARGS(str_sub(name, 0, NAME_MAX_BYTES)));
}

static bool is_absence(struct str answer)
{
    return str_starts(answer, STR("credentials not found in native keychain"));
}

/* 1; 0 there are no credentials; -1 */
static int ask(const struct client_helper *helper, const char *verb, struct str input,
               struct str *out, struct err *err)
{
    const char *program =
        mem_printf(helper->arena, "docker-credential-" STR_FMT, STR_ARGS(helper->name));
    const char *const argv[] = { program, verb, NULL };
    struct child_call call   = { .argv       = argv,
                                 .input      = input,
                                 .output_max = CLIENT_HELPER_MAX,
                                 .timeout_us = helper->timeout_us };
    struct child_done done;

    if (child_run(helper->arena, &call, &done, err) < 0) {
        if (err->kind == ERR_NOT_FOUND)
            return err_set(
                err, ERR_NOT_FOUND,
                "the credential helper %s is not installed; Docker's config.json names it",
                program);
        return err_wrap(err, "credential helper");
    }
    if (done.code == 0) {
        *out = done.output;
        return 1;
    }
    struct str sentence = str_sub(done.output, 0, SENTENCE_MAX);
    ptrdiff_t  end      = sentence.p == NULL ? -1 : str_find(sentence, '\n');
    if (end >= 0)
        sentence.n = (size_t)end;
    if (is_absence(sentence))
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "%s %s failed with status %d%s" STR_FMT, program, verb,
                   done.code, sentence.n > 0 ? ": " : "", STR_ARGS(sentence));
}

int client_helper_get(const struct client_helper *helper, struct str host, struct str *out_user,
                      struct str *out_secret, struct err *err)
{
    struct kept kept = { 0 };
    struct str  answer;
    int         found = ask(helper, "get", host, &answer, err);

    if (found != 1)
        return found;
    if (json_read(helper->arena, answer, &json_limits_default, &kept_table, &kept, err) < 0) {
        err->kind = ERR_UNAVAILABLE;
        return err_wrap(err, "docker-credential-" STR_FMT " get", STR_ARGS(helper->name));
    }
    if (kept.secret.n == 0)
        return 0;
    *out_user   = kept.user.p == NULL ? STR("") : kept.user;
    *out_secret = secret_copy(helper->arena, kept.secret);
    return 1;
}

int client_helper_store(const struct client_helper *helper, struct str host, struct str user,
                        struct str secret, struct err *err)
{
    struct kept       kept = { .server = host, .user = user, .secret = secret };
    struct json_write w;
    struct buf        text;
    struct str        ignored; /* a helper has nothing to say to this */

    buf_init(&text, helper->arena, CLIENT_HELPER_MAX);
    json_write_init(&w, &text);
    json_write_table(&w, &kept_table, &kept);
    return ask(helper, "store", buf_view(&text), &ignored, err) < 0 ? -1 : 0;
}

int client_helper_erase(const struct client_helper *helper, struct str host, struct err *err)
{
    struct str ignored; /* nor to this */

    return ask(helper, "erase", host, &ignored, err);
}
