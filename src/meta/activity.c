/* meta/activity.c: types of events and their classes. */
#include "meta/activity.h"

#include "base/mem.h"
#include "meta/event.h"

/* Short names for the table. */
#define CLASS(verb, noun) META_ACTIVITY_CLASS(META_ACTIVITY_##verb, META_ACTIVITY_##noun)

/* clang-format off */
static const struct {
    const char *type;
    int64_t     class;
} types[] = {
    { "REPO_CREATED",         CLASS(CREATE, REPOSITORY) },
    { "REPO_UPDATED",         CLASS(UPDATE, REPOSITORY) },
    { "REPO_VISIBILITY",      CLASS(UPDATE, REPOSITORY) },
    { "REPO_DELETED",         CLASS(DELETE, REPOSITORY) },
    { "REPO_UNDELETE",        CLASS(CREATE, REPOSITORY) },
    { "TAG_PUSH",             CLASS(CREATE, TAG) },         /* of a tag that was elsewhere: UPDATE */
    { "TAG_PULL",             CLASS(GET,    TAG) },
    { "TAG_DELETE",           CLASS(DELETE, TAG) },
    { "TAG_UNDELETE",         CLASS(CREATE, TAG) },
    { "BLOB_PUSH",            CLASS(CREATE, BLOB) },
    { "BLOB_MOUNT",           CLASS(CREATE, BLOB) },
    { "BLOB_DELETE",          CLASS(DELETE, BLOB) },
    { "MANIFEST_PUSH",        CLASS(CREATE, MANIFEST) },
    { "MANIFEST_PULL",        CLASS(GET,    MANIFEST) },
    { "MANIFEST_DELETE",      CLASS(DELETE, MANIFEST) },
    { "MANIFEST_UNDELETE",    CLASS(CREATE, MANIFEST) },
    { "SCAN_COMPLETED",       CLASS(SCAN,   TAG) },
    { "SCAN_FAILED",          CLASS(FAIL,   TAG) },
    { "WEBHOOK_CREATED",      CLASS(CREATE, WEBHOOK) },
    { "WEBHOOK_UPDATED",      CLASS(UPDATE, WEBHOOK) },
    { "WEBHOOK_DELETED",      CLASS(DELETE, WEBHOOK) },
    { "WEBHOOK_SECRET_ROTATED", CLASS(UPDATE, WEBHOOK) },
    { "WEBHOOK_DISABLED",     CLASS(FAIL,   WEBHOOK) },
    { "WEBHOOK_SENT",         CLASS(SEND,   WEBHOOK) },
    { "WEBHOOK_FAILED",       CLASS(FAIL,   WEBHOOK) },
    { "PROMOTION",            CLASS(CREATE, PROMOTION) },
    { "PUSH_MIRRORING",       CLASS(CREATE, PUSH_MIRRORING) },
    { "POLL_MIRRORING",       CLASS(CREATE, POLL_MIRRORING) },
};

const int64_t meta_activity_classes[] = {
    CLASS(CREATE, REPOSITORY), CLASS(UPDATE, REPOSITORY), CLASS(DELETE, REPOSITORY),
    CLASS(CREATE, TAG), CLASS(GET, TAG), CLASS(UPDATE, TAG), CLASS(DELETE, TAG), CLASS(SCAN, TAG), CLASS(FAIL, TAG),
    CLASS(CREATE, BLOB), CLASS(DELETE, BLOB),
    CLASS(CREATE, MANIFEST), CLASS(GET, MANIFEST), CLASS(DELETE, MANIFEST),
    CLASS(CREATE, WEBHOOK), CLASS(UPDATE, WEBHOOK), CLASS(DELETE, WEBHOOK), CLASS(SEND, WEBHOOK), CLASS(FAIL, WEBHOOK),
    CLASS(CREATE, PROMOTION), CLASS(CREATE, PUSH_MIRRORING), CLASS(CREATE, POLL_MIRRORING),
    0,
};

static const char *const verbs[META_ACTIVITY_N_VERBS] = {
    [META_ACTIVITY_CREATE] = "CREATE", [META_ACTIVITY_GET]  = "GET",  [META_ACTIVITY_UPDATE] = "UPDATE",
    [META_ACTIVITY_DELETE] = "DELETE", [META_ACTIVITY_SEND] = "SEND", [META_ACTIVITY_FAIL]   = "FAIL",
    [META_ACTIVITY_SCAN]   = "SCAN",
};

static const char *const nouns[META_ACTIVITY_N_NOUNS] = {
    [META_ACTIVITY_REPOSITORY]     = "REPOSITORY",
    [META_ACTIVITY_TAG]            = "TAG",
    [META_ACTIVITY_BLOB]           = "BLOB",
    [META_ACTIVITY_MANIFEST]       = "MANIFEST",
    [META_ACTIVITY_WEBHOOK]        = "WEBHOOK",
    [META_ACTIVITY_URI]            = "URI",
    [META_ACTIVITY_PROMOTION]      = "PROMOTION",
    [META_ACTIVITY_PUSH_MIRRORING] = "PUSH_MIRRORING",
    [META_ACTIVITY_POLL_MIRRORING] = "POLL_MIRRORING",
};
/* clang-format on */

int64_t meta_activity_of(const struct meta_event *event)
{
    struct str type = str_from(event->type);

    if (str_is(type, "TAG_PUSH") && event->old_digest.p != NULL)
        return CLASS(UPDATE, TAG);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_is(type, types[i].type))
            return types[i].class;
    }
    return 0;
}

const char *meta_activity_verb(int64_t class)
{
    return verbs[class / 100];
}

const char *meta_activity_noun(int64_t class)
{
    return nouns[class % 100];
}

static int find_word(const char *const *words, int n, struct str word)
{
    for (int i = 1; i < n; i++) {
        if (str_is(word, words[i]))
            return i;
    }
    return 0;
}

int meta_activity_verb_parse(struct str word)
{
    return find_word(verbs, META_ACTIVITY_N_VERBS, word);
}

int meta_activity_noun_parse(struct str word)
{
    return find_word(nouns, META_ACTIVITY_N_NOUNS, word);
}

bool meta_activity_is_for_admins(int64_t class)
{
    int64_t noun = class % 100;

    return class / 100 == META_ACTIVITY_GET || noun == META_ACTIVITY_PROMOTION ||
           noun == META_ACTIVITY_PUSH_MIRRORING || noun == META_ACTIVITY_POLL_MIRRORING;
}
