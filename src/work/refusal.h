/* work/refusal.h: what was refused and must be on record: changes of state that an identified caller may
 * not make, and failed log-ins. After ten a minute for one name and network the rest of that minute is
 * folded into a count, so that nobody can fill the audit log (design, section 7). */
#ifndef WORK_REFUSAL_H
#define WORK_REFUSAL_H

#include "base/str.h"

struct meta_actor;
struct work;

/* action: a static word ("LOGIN_FAILED", a route's name). Failing to write it changes nothing for the
 * caller, who is refused anyway; it is logged. */
void work_refusal(struct work *work, const struct meta_actor *actor, const char *action,
                  struct str path, const char *reason);

#endif
