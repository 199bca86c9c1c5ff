/* cmd/verb.c: what an administrator does from the shell. */
#include "cmd/verb.h"

#include "base/err.h"
#include "base/mem.h"
#include "cmd/doctor.h"
#include "cmd/fsck.h"
#include "cmd/gc.h"
#include "io/file.h"
#include "meta/event.h"
#include "oci/name.h"
#include "work/account.h"
#include "work/manage.h"
#include "work/repository.h"
#include "work/settings.h"

static const struct meta_actor shell = { .kind = "system", .name = { .p = "shell", .n = 5 } };

static int read_visibility(struct str word, int *out, struct err *err)
{
    *out = str_is(word, "public");
    if (*out || str_is(word, "private"))
        return 0;
    return err_set(err, ERR_INVALID, "`" STR_FMT "` is neither public nor private", STR_ARGS(word));
}

static int repo_visibility(struct node *node, const struct str *args, struct buf *out,
                           struct err *err)
{
    int is_public;

    if (read_visibility(args[1], &is_public, err) < 0 || oci_name_check(args[0], err) < 0 ||
        work_set_visibility(node->work, &shell, args[0], is_public, err) < 0)
        return -1;
    buf_printf(out, STR_FMT " is " STR_FMT "\n", STR_ARGS(args[0]), STR_ARGS(args[1]));
    return 0;
}

static int repo_create(struct node *node, const struct str *args, struct buf *out, struct err *err)
{
    int is_public;

    if (read_visibility(args[1], &is_public, err) < 0 ||
        work_create_repo(node->work, &shell, args[0], is_public, err) < 0)
        return -1;
    buf_printf(out, STR_FMT " made, " STR_FMT "\n", STR_ARGS(args[0]), STR_ARGS(args[1]));
    return 0;
}

static int repo_delete(struct node *node, const struct str *args, struct buf *out, struct err *err)
{
    if (work_delete_repo(node->work, &shell, args[0], err) < 0)
        return -1;
    buf_printf(out, STR_FMT " deleted\n", STR_ARGS(args[0]));
    return 0;
}

static int password(struct node *node, const struct str *args, struct buf *out, struct err *err)
{
    if (work_set_password(node->work, node->auth, &shell, args[0], args[1], err) < 0)
        return -1;
    if (str_is(args[0], "admin") && file_remove_at(node->data_fd, "admin-password", err) < 0)
        return err_wrap(
            err, "the password is changed, but the file admin-password with the old one stays");
    buf_printf(out, "the password of " STR_FMT " is changed; its tokens are void\n",
               STR_ARGS(args[0]));
    return 0;
}

static int create(struct node *node, const struct str *args, struct buf *out, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct meta_account_row        made;
    struct work_account_new new = {
        .name      = args[0],
        .full_name = STR(""),
        .is_admin  = args[1].n > 0,
        .is_active = true,
        .password  = args[2],
    };

    if (work_account_create(node->work, arena, &shell, &new, &made, err) < 0)
        return -1;
    buf_printf(out, "made the user " STR_FMT "%s\n", STR_ARGS(args[0]),
               new.is_admin ? ", a system admin" : "");
    return 0;
}

static int rotate_token_key(struct node *node, const struct str *args, struct buf *out,
                            struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     kid;

    (void)args;
    if (auth_key_rotate(node->auth, &shell, &kid, arena, err) < 0)
        return -1;
    buf_printf(out,
               "new tokens are signed with key " STR_FMT
               "; those of the old key end by themselves\n",
               STR_ARGS(kid));
    return 0;
}

static int reseal(struct node *node, const struct str *args, struct buf *out, struct err *err)
{
    int n;

    (void)args;
    if (node_reseal(node, &shell, &n, err) < 0)
        return -1;
    buf_printf(out,
               "%d secrets sealed anew with the first key of the key file; restart every node\n",
               n);
    return 0;
}

static int set(struct node *node, const struct str *args, struct buf *out, struct err *err)
{
    AUTO(conf_unref) struct conf  *checked = NULL;
    AUTO(arena_free) struct arena *arena   = arena_new();
    enum conf_id                   id;

    if (!conf_find(args[0], &id))
        return err_set(err, ERR_INVALID, "there is no setting `" STR_FMT "`", STR_ARGS(args[0]));
    if (conf_table[id].home != CONF_REGISTRY)
        return err_set(err, ERR_INVALID,
                       "`" STR_FMT
                       "` is a setting of the node: give it as flag, variable or in the file",
                       STR_ARGS(args[0]));
    if (conf_with(atomic_load(&node->conf), id, args[1], &checked, err) < 0)
        return -1;
    struct work_setting setting = { .key      = args[0],
                                    .value    = conf_print(checked, id, arena),
                                    .standard = conf_print(node_conf(node), id, arena) };
    if (work_settings_put(node->work, &shell, &setting, 1, err) < 0 ||
        node_load_settings(node, err) < 0)
        return -1;
    buf_printf(out, STR_FMT " is " STR_FMT " on all nodes within 5 s\n", STR_ARGS(args[0]),
               STR_ARGS(args[1]));
    return 0;
}

/* clang-format off */
const struct verb verb_table[] = {
    { "create",           "NAME [--admin]",                "make a user; the password is read from standard input", 1, true,  create, "--admin" },
    { "reset-password",   "ACCOUNT",                       "set a password, read from standard input",            1, true,  password },
    { "password",         "ACCOUNT",                       "the same",                                            1, true,  password },
    { "repo-create",      "NAMESPACE/REPO public|private", "make an empty repository",                            2, false, repo_create },
    { "repo-visibility",  "NAMESPACE/REPO public|private", "who may pull from it without an account",             2, false, repo_visibility },
    { "repo-delete",      "NAMESPACE/REPO",                "delete a repository; undelete is possible for 72 h",  1, false, repo_delete },
    { "rotate-token-key", "",                              "sign tokens with a new key from now on",              0, false, rotate_token_key },
    { "reseal",           "",                              "seal all secrets with the first key of the key file", 0, false, reseal },
    { "set",              "KEY VALUE",                     "change a setting of the registry",                    2, false, set },
    { 0 },
};
/* clang-format on */

const struct verb *verb_find(struct str name)
{
    for (const struct verb *verb = verb_table; verb->name != NULL; verb++) {
        if (str_is(name, verb->name))
            return verb;
    }
    return NULL;
}

const struct verb_long verb_long_table[] = {
    { "fsck", fsck_verb },
    { "doctor", doctor_verb },
    { "gc", gc_verb },
    { 0 },
};

const struct verb_long *verb_long_find(struct str name)
{
    for (const struct verb_long *verb = verb_long_table; verb->name != NULL; verb++) {
        if (str_is(name, verb->name))
            return verb;
    }
    return NULL;
}

int verb_run(struct node *node, struct str name, const struct str *args, size_t n_args,
             struct buf *out, struct err *err)
{
    const struct verb *verb = verb_find(name);

    if (verb == NULL)
        return err_set(err, ERR_INVALID, "there is no `admin " STR_FMT "`", STR_ARGS(name));
    if (n_args != verb->n_args + (verb->wants_secret ? 1 : 0) + (verb->flag != NULL ? 1 : 0))
        return err_set(err, ERR_INVALID, "`admin %s` takes %s", verb->name,
                       verb->n_args == 0 ? "no arguments" : verb->args);
    return verb->run(node, args, out, err);
}
