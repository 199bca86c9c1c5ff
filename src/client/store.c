/* client/store.c: config.json as Docker reads and writes it, one member at a time. */
#include "client/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "client/helper.h"
#include "codec/json.h"
#include "codec/json_view.h"
#include "codec/json_write.h"
#include "codec/secret.h"
#include "codec/text.h"
#include "io/file.h"

enum { ENTRY_MAX = 32 * 1024 };

static const char file_name[] = "config.json";

/* The file as it is at the moment. */
struct config {
    struct str path; /* with links resolved where it exists */
    struct str text; /* "{}" when there is none */
};

static int damaged(const struct config *config, struct err *err)
{
    err->kind = ERR_CORRUPT;
    return err_wrap(err, STR_FMT " is left as it is", STR_ARGS(config->path));
}

/* A link is followed, as Docker does: people keep this file among others of theirs. */
static struct str resolve(struct arena *arena, const char *path)
{
    char  room[PATH_MAX];
    char *real = realpath(path, room);

    return str_from(mem_strdup(arena, real == NULL ? path : real));
}

static int read_config(struct client_store *store, struct config *out, struct err *err)
{
    struct str text;

    if (store->directory.p == NULL)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no place for credentials: set HOME or DOCKER_CONFIG");
    out->path = resolve(store->arena, mem_printf(store->arena, STR_FMT "/%s",
                                                 STR_ARGS(store->directory), file_name));
    out->text = STR("{}\n");
    if (file_read_path(out->path.p, CLIENT_CONFIG_MAX, store->arena, &text, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    if (str_trim(text).n == 0)
        return 0;
    if (json_check(text, &json_limits_default, err) < 0)
        return damaged(out, err);
    if (!json_view_is_object(json_view_of(text))) {
        err_set(err, ERR_CORRUPT, "it is no JSON object");
        return damaged(out, err);
    }
    out->text = text;
    return 0;
}

static struct str member(const struct config *config, const char *key)
{
    return json_view_at(json_view_of(config->text), str_from(key));
}

/* -- writing ------------------------------------------------------------------------------------------ */

static int open_folder(const struct config *config, int *out_fd, const char **out_name,
                       struct arena *arena, struct err *err)
{
    ptrdiff_t slash = str_find_last(config->path, '/');
    char      room[PATH_MAX];
    char     *folder = str_dup(arena, str_sub(config->path, 0, (size_t)(slash < 1 ? 1 : slash)));

    *out_name = config->path.p + slash + 1;
    return file_open_dir(realpath(folder, room) == NULL ? folder : room, true, out_fd, err);
}

/* Puts one member (the null view: removes it) into what the file holds at this moment. */
static int edit(struct client_store *store, const struct str *path, size_t n_path, struct str value,
                struct err *err)
{
    AUTO(file_close) int folder = -1;
    struct config        config;
    const char          *name;
    struct str           text;

    if (read_config(store, &config, err) < 0 ||
        open_folder(&config, &folder, &name, store->arena, err) < 0 ||
        file_lock_folder(folder, err) < 0 || read_config(store, &config, err) < 0)
        return -1;
    if (json_view_put(store->arena, config.text, path, n_path, value, &text, err) < 0)
        return damaged(&config, err);
    if (str_eq(text, config.text))
        return 0;
    if (file_replace_at(folder, name, text, err) < 0)
        return err_wrap(err, "writing " STR_FMT, STR_ARGS(config.path));
    return 0;
}

/* -- the helper in charge ----------------------------------------------------------------------------- */

/* The null view: the file itself. */
static int find_helper(struct client_store *store, const struct config *config, struct str host,
                       struct str *out, struct err *err)
{
    struct str of_host = json_view_at(member(config, "credHelpers"), host);
    struct str value   = of_host.p != NULL ? of_host : member(config, "credsStore");
    struct str name    = json_view_is_string(value) ? json_view_text(store->arena, value) : STR("");

    if (name.n > 0 && client_helper_check(name, err) < 0)
        return damaged(config, err);
    *out = name.n == 0 ? STR_NULL : name;
    return 0;
}

static struct client_helper helper_of(const struct client_store *store, struct str name)
{
    return (struct client_helper){ .arena      = store->arena,
                                   .name       = name,
                                   .timeout_us = store->helper_timeout_us };
}

/* -- an entry of auths -------------------------------------------------------------------------------- */

/* Older programs wrote URLs: https://HOST/v1/ means HOST. */
static bool is_of_host(struct arena *arena, struct str key, struct str host)
{
    struct str name = json_view_text(arena, key);

    if (str_eq(name, host))
        return true;
    if (str_starts(name, STR("https://")))
        name = str_from_index(name, 8);
    else if (str_starts(name, STR("http://")))
        name = str_from_index(name, 7);
    else
        return false;
    ptrdiff_t slash = str_find(name, '/');
    return str_eq(slash < 0 ? name : str_sub(name, 0, (size_t)slash), host);
}

/* The key of the host's entry, as it is written; exact before old forms. */
static bool find_entry(struct arena *arena, const struct config *config, struct str host,
                       struct json_view_each *out)
{
    struct str            auths = member(config, "auths");
    struct json_view_each each  = json_view_each(auths);
    bool                  found = false;

    if (!json_view_is_object(auths))
        return false;
    while (json_view_next(&each)) {
        bool is_exact = str_eq(json_view_text(arena, each.key), host);

        if (is_exact || (!found && is_of_host(arena, each.key, host))) {
            *out  = each;
            found = true;
        }
        if (is_exact)
            break;
    }
    return found;
}

static struct str text_at(struct arena *arena, struct str object, const char *key)
{
    struct str value = json_view_at(object, str_from(key));

    return json_view_is_string(value) ? json_view_text(arena, value) : STR_NULL;
}

/* `auth` is base64 of NAME:SECRET; before it there were two members. */
static int read_entry(struct arena *arena, struct str entry, struct client_credential *out,
                      struct err *err)
{
    struct str auth     = text_at(arena, entry, "auth");
    struct str identity = text_at(arena, entry, "identitytoken");
    struct str user     = text_at(arena, entry, "username");
    struct str secret   = text_at(arena, entry, "password");

    if (auth.n > 0) {
        if (text_base64_parse(arena, auth, &secret, err) < 0)
            return -1;
        str_next(&secret, ':', &user);
        if (secret.p == NULL)
            return err_set(err, ERR_CORRUPT, "`auth` is not NAME:SECRET");
    }
    *out = (struct client_credential){
        .user        = user.p == NULL ? STR("") : user,
        .secret      = secret_copy(arena, identity.n > 0 ? identity : secret),
        .is_identity = identity.n > 0,
    };
    return out->secret.n > 0 ? 1 : 0;
}

static struct str print_entry(struct arena *arena, const struct client_credential *credential)
{
    struct json_write w;
    struct buf        out;
    const char       *pair = mem_printf(arena, STR_FMT ":" STR_FMT, STR_ARGS(credential->user),
                                        STR_ARGS(credential->is_identity ? STR("") : credential->secret));

    buf_init(&out, arena, ENTRY_MAX);
    json_write_init(&w, &out);
    json_write_object(&w);
    json_write_str_at(&w, "auth", text_base64_print(arena, str_from(pair)));
    if (credential->is_identity)
        json_write_str_at(&w, "identitytoken", credential->secret);
    json_write_end(&w);
    return buf_view(&out);
}

/* -- the calls ---------------------------------------------------------------------------------------- */

int client_store_find(struct client_store *store, struct str host, struct client_credential *out,
                      struct err *err)
{
    struct config         config;
    struct json_view_each entry;
    struct str            name;

    if (read_config(store, &config, err) < 0)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    if (find_helper(store, &config, host, &name, err) < 0)
        return -1;
    if (name.p != NULL) {
        struct client_helper helper = helper_of(store, name);
        int found = client_helper_get(&helper, host, &out->user, &out->secret, err);

        if (found == 1)
            out->is_identity = str_is(out->user, "<token>");
        if (found == 1 && out->is_identity)
            out->user = STR("");
        if (found != 0)
            return found;
    }
    if (!find_entry(store->arena, &config, host, &entry))
        return 0;
    int found = read_entry(store->arena, entry.value, out, err);
    return found < 0 ? damaged(&config, err) : found;
}

int client_store_put(struct client_store *store, struct str host,
                     const struct client_credential *credential, struct str *out_place,
                     bool *out_is_plain, struct err *err)
{
    struct str    path[] = { STR("auths"), host };
    struct str    entry  = STR("{}");
    struct config config;
    struct str    name;

    if (read_config(store, &config, err) < 0 || find_helper(store, &config, host, &name, err) < 0)
        return -1;
    if (name.p == NULL) {
        entry = print_entry(store->arena, credential);
    } else {
        struct client_helper helper = helper_of(store, name);

        if (client_helper_store(&helper, host,
                                credential->is_identity ? STR("<token>") : credential->user,
                                credential->secret, err) < 0)
            return -1;
    }
    if (edit(store, path, ARRAY_LEN(path), entry, err) < 0)
        return -1;

    *out_is_plain = name.p == NULL;
    *out_place =
        name.p == NULL
            ? config.path
            : str_from(mem_printf(store->arena, "credential helper " STR_FMT, STR_ARGS(name)));
    return 0;
}

int client_store_remove(struct client_store *store, struct str host, struct err *err)
{
    struct config         config;
    struct json_view_each entry;
    struct str            name;
    bool                  was_there = false;

    if (read_config(store, &config, err) < 0 || find_helper(store, &config, host, &name, err) < 0)
        return -1;
    if (name.p != NULL) {
        struct client_helper helper = helper_of(store, name);
        int                  found  = client_helper_erase(&helper, host, err);

        if (found < 0)
            return -1;
        was_there = found == 1;
    }
    while (find_entry(store->arena, &config, host, &entry)) {
        struct str path[] = { STR("auths"), json_view_text(store->arena, entry.key) };

        was_there = true;
        if (edit(store, path, ARRAY_LEN(path), STR_NULL, err) < 0 ||
            read_config(store, &config, err) < 0)
            return -1;
    }
    return was_there ? 1 : 0;
}

int client_store_get(struct client_store *store, struct str key, struct str *out, struct err *err)
{
    struct config config;

    if (read_config(store, &config, err) < 0) {
        if (err->kind != ERR_NOT_FOUND)
            return -1;
        *out = STR_NULL;
        return 0;
    }
    struct str value = json_view_at(json_view_at(member(&config, "plugins"), STR("assay")), key);
    *out             = json_view_is_string(value) ? json_view_text(store->arena, value) : STR_NULL;
    return 0;
}

int client_store_set(struct client_store *store, struct str key, struct str value, struct err *err)
{
    struct str path[] = { STR("plugins"), STR("assay"), key };

    return edit(store, path, ARRAY_LEN(path),
                value.p == NULL ? STR_NULL : json_view_quote(store->arena, value), err);
}
