/* meta/activity.h: which events are activities: what lists show to people and DTR's clients, in its words. An activity
 * is of a class, a verb on a kind of object; lists are read class by class, newest first, so that a page costs the same
 * whatever it leaves out. What has no class is in the outbox and the audit log alone. */
#ifndef META_ACTIVITY_H
#define META_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct meta_event;

enum meta_activity_verb {
    META_ACTIVITY_CREATE = 1,
    META_ACTIVITY_GET,
    META_ACTIVITY_UPDATE,
    META_ACTIVITY_DELETE,
    META_ACTIVITY_SEND,
    META_ACTIVITY_FAIL,
    META_ACTIVITY_SCAN,
    META_ACTIVITY_N_VERBS
};

enum meta_activity_noun {
    META_ACTIVITY_REPOSITORY = 1,
    META_ACTIVITY_TAG,
    META_ACTIVITY_BLOB,
    META_ACTIVITY_MANIFEST,
    META_ACTIVITY_WEBHOOK,
    META_ACTIVITY_URI,
    META_ACTIVITY_PROMOTION,
    META_ACTIVITY_PUSH_MIRRORING,
    META_ACTIVITY_POLL_MIRRORING,
    META_ACTIVITY_N_NOUNS
};

/* As the column `class` holds it; never changed, for rows have it. */
#define META_ACTIVITY_CLASS(verb, noun) ((verb)*100 + (noun))

/* The class of an event that is about to be written; 0: none. */
int64_t meta_activity_of(const struct meta_event *event);

/* The words for a class: "CREATE" and "TAG"; and back: 0 for an unknown word. */
const char *meta_activity_verb(int64_t class);
const char *meta_activity_noun(int64_t class);
int         meta_activity_verb_parse(struct str word);
int         meta_activity_noun_parse(struct str word);

/* The classes that there are, ends with 0. */
extern const int64_t meta_activity_classes[];

/* Pulls, promotions and mirrorings are shown to the repository's admins; everything else to whoever sees it. */
bool meta_activity_is_for_admins(int64_t class);

#endif
