/* auth/verb.c: the table of verbs, and the table between the token protocol's words and ours. */
#include "auth/verb.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

/* clang-format off */
const struct auth_verb_row auth_verb_table[] = {
    { AUTH_VIEW,       "view",       "See the repository, its tags, settings and findings." },
    { AUTH_PULL,       "pull",       "Pull manifests and blobs." },
    { AUTH_PUSH,       "push",       "Upload blobs and write manifests by digest." },
    { AUTH_TAG_CREATE, "create-tag", "Make tags that do not exist." },
    { AUTH_TAG_MOVE,   "move-tag",   "Point existing tags at something else." },
    { AUTH_TAG_DELETE, "delete-tag", "Delete tags." },
    { AUTH_DELETE,     "delete",     "Delete manifests and blobs." },
    { AUTH_CREATE,     "create",     "Make repositories." },
    { AUTH_SCAN,       "scan",       "Start scans." },
    { AUTH_APPROVE,    "approve",    "Approve promotions." },
    { AUTH_POLICIES,   "policies",   "Manage promotion, mirrors, pruning, gates and webhooks." },
    { AUTH_MANAGE,     "manage",     "Change description, visibility and settings." },
    { AUTH_ACCESS,     "access",     "Grant and revoke roles." },
    { AUTH_REMOVE,     "remove",     "Delete the repository." },
    { AUTH_AUDIT,      "audit",      "See pulls and the audit log." },
    { AUTH_HOLD,       "hold",       "Hold images, so that nobody deletes them, and lift one's own holds." },
    { AUTH_PURGE,      "purge",      "Purge leaked secrets: every copy, at once and past undeleting." },
};
const size_t auth_n_verbs = ARRAY_LEN(auth_verb_table);

/* `core`: what makes the action worth naming in a token. */
static const struct {
    const char *action;
    unsigned    verbs;
    unsigned    core;
} actions[] = {
    { "pull",   AUTH_PULL,           AUTH_PULL },
    { "push",   AUTH_VERBS_PUSH,     AUTH_PUSH },
    { "delete", AUTH_VERBS_DELETE,   AUTH_VERBS_DELETE },
    { "*",      AUTH_VERBS_REGISTRY, AUTH_NONE },
};

/* The greatest first. */
static const struct {
    const char *level;
    unsigned    verbs;
} levels[] = {
    { "admin",      AUTH_ALL },
    { "read-write", AUTH_VIEW | AUTH_PULL | AUTH_PUSH | AUTH_TAG_CREATE | AUTH_TAG_MOVE | AUTH_VERBS_DELETE | AUTH_SCAN },
    { "read-only",  AUTH_VIEW | AUTH_PULL },
};
/* clang-format on */

struct str auth_verbs_print(struct arena *arena, unsigned verbs)
{
    struct buf text;

    buf_init(&text, arena, 512);
    buf_text(&text, "");
    for (size_t i = 0; i < auth_n_verbs; i++) {
        if ((verbs & auth_verb_table[i].verb) != 0)
            buf_printf(&text, "%s%s", text.n > 0 ? " " : "", auth_verb_table[i].word);
    }
    return buf_view(&text);
}

static unsigned verb_of(struct str word)
{
    if (str_is(word, "*"))
        return AUTH_ALL;
    for (size_t i = 0; i < auth_n_verbs; i++) {
        if (str_is(word, auth_verb_table[i].word))
            return auth_verb_table[i].verb;
    }
    return AUTH_NONE;
}

int auth_verbs_parse(struct str words, unsigned *out, struct err *err)
{
    struct str rest  = words, word;
    unsigned   verbs = AUTH_NONE;

    while (rest.n > 0) {
        size_t n = 0;

        while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != ',')
            n++;
        word = str_sub(rest, 0, n);
        rest = str_from_index(rest, n + 1);
        if (word.n == 0)
            continue;
        if (verb_of(word) == AUTH_NONE)
            return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", word,
                                "verbs: there is no verb " STR_FMT, STR_ARGS(word));
        verbs |= verb_of(word);
    }
    if ((verbs & AUTH_PULL) != 0)
        verbs |= AUTH_VIEW;
    *out = verbs;
    return 0;
}

unsigned auth_verbs_of_action(struct str action)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (str_is(action, actions[i].action))
            return actions[i].verbs;
    }
    return AUTH_NONE;
}

bool auth_action_is_granted(struct str action, unsigned verbs)
{
    if (str_is(action, "*"))
        return (verbs & AUTH_PULL) != 0 && (verbs & AUTH_PUSH) != 0 &&
               (verbs & AUTH_VERBS_DELETE) == AUTH_VERBS_DELETE;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (str_is(action, actions[i].action))
            return (actions[i].core & verbs) != 0;
    }
    return false;
}

bool auth_wish_parse(struct str word, enum auth_verb *core, unsigned *all)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (str_is(word, actions[i].action) && actions[i].core != AUTH_NONE) {
            *core = (enum auth_verb)actions[i].core;
            *all  = actions[i].verbs;
            return true;
        }
    }
    if (str_is(word, "*") || verb_of(word) == AUTH_NONE)
        return false;
    *core = (enum auth_verb)verb_of(word);
    *all  = verb_of(word);
    return true;
}

const char *auth_action_of_verb(enum auth_verb verb)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if ((actions[i].verbs & (unsigned)verb) != 0)
            return actions[i].action;
    }
    return "pull";
}

const char *auth_level_of_verbs(unsigned verbs)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if ((levels[i].verbs & ~verbs) == 0)
            return levels[i].level;
    }
    return NULL;
}
