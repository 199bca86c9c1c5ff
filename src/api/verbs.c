/* api/verbs.c: verbs as lists of words. */
#include "api/verbs.h"

#include "auth/verb.h"
#include "base/mem.h"

struct json_list api_verbs_print(struct arena *arena, unsigned verbs)
{
    struct str *words = mem_many(arena, auth_n_verbs, struct str);
    size_t      n     = 0;

    for (size_t i = 0; i < auth_n_verbs; i++) {
        if ((verbs & auth_verb_table[i].verb) != 0)
            words[n++] = str_from(auth_verb_table[i].word);
    }
    return (struct json_list){ .items = words, .n = n };
}

int api_verbs_parse(const struct json_list *words, unsigned *out, struct err *err)
{
    const struct str *word  = words->items;
    unsigned          verbs = AUTH_NONE, one;

    for (size_t i = 0; i < words->n; i++) {
        if (auth_verbs_parse(word[i], &one, err) < 0)
            return -1;
        verbs |= one;
    }
    *out = verbs;
    return 0;
}
