/* verb_test.c: words for what somebody wants to do, and what they comprise. */
#include "auth/verb.h"

#include "check.h"

static void check_wish(const char *word, unsigned core, unsigned all)
{
    enum auth_verb got_core;
    unsigned       got_all;

    if (!auth_wish_parse(str_from(word), &got_core, &got_all))
        fail_msg("%s is no wish", word);
    assert_int_equal(got_core, core);
    assert_int_equal(got_all, all);
}

void test_verb_a_wish_is_an_action_or_a_verb(void **state)
{
    check_wish("pull", AUTH_PULL, AUTH_PULL);
    check_wish("push", AUTH_PUSH, AUTH_VERBS_PUSH);
    check_wish("delete", AUTH_VERBS_DELETE, AUTH_VERBS_DELETE);
    check_wish("move-tag", AUTH_TAG_MOVE, AUTH_TAG_MOVE);
    check_wish("access", AUTH_ACCESS, AUTH_ACCESS);
}

void test_verb_other_words_are_no_wishes(void **state)
{
    static const char *const bad[] = { "", "*", "Push", "pull push", "pull,push", "fly" };
    enum auth_verb           core;
    unsigned                 all;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(auth_wish_parse(str_from(bad[i]), &core, &all));
}
