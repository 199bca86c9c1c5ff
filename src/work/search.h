/* work/search.h: repositories and accounts whose names hold a text, those that the caller may see.
 *
 * The index of names' ends is asked first (meta/search.h). It knows nothing of rights: a text that stands in very many
 * names of which the caller sees few is looked for among what the caller sees instead. Either is bounded
 * (WORK_SEARCH_LOOKS rows), and so is the time of any question; beyond that, what was found is answered. */
#ifndef WORK_SEARCH_H
#define WORK_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/account.h"
#include "work/repository.h"

struct arena;
struct err;
struct work;

enum { WORK_SEARCH_MAX = 100, WORK_SEARCH_TEXT_MAX = 255, WORK_SEARCH_LOOKS = 20000 };

/* At most n_max (WORK_SEARCH_MAX), by path. Case does not matter; a text with a byte that no name has is in none. An empty
 * text is in all. ERR_INVALID, INVALID_PARAMETERS, when it is too long. */
int work_search_repos(struct work *work, struct arena *arena, const struct work_repo_list *list,
                      struct str text, size_t n_max, struct work_repo **out, size_t *n_out,
                      struct err *err);

/* Accounts that seen_by sees (0: all), by name. */
int work_search_accounts(struct work *work, struct arena *arena, int64_t seen_by, struct str text,
                         size_t n_max, struct meta_account **out, size_t *n_out, struct err *err);

#endif
