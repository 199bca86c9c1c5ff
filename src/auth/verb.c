/* auth/verb.c: the table between the token protocol's words and our verbs. */
#include "auth/verb.h"

#include "base/mem.h"

static const struct {
    const char *action;
    unsigned    verbs;
} actions[] = {
    { "pull", AUTH_PULL },
    { "push", AUTH_VERBS_PUSH },
    { "delete", AUTH_VERBS_DELETE },
    { "*", AUTH_ALL },
};

unsigned auth_verbs_of_action(struct str action)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (str_is(action, actions[i].action))
            return actions[i].verbs;
    }
    return AUTH_NONE;
}

const char *auth_action_of_verb(enum auth_verb verb)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if ((actions[i].verbs & (unsigned)verb) != 0)
            return actions[i].action;
    }
    return "pull";
}
