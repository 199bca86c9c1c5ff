/* meta/search.h: finding names by any part of them. Of each name its ends are kept, from each letter on (name_ends): a name
 * holds a text when one of its ends begins with it. So the question for a part is one range of one index, on both engines,
 * and what begins a name's last component stands first in it.
 *
 * An end is kept as far as META_END_MAX characters: whoever looks for more compares the name itself. What was deleted keeps
 * its ends until its row goes, and is passed over. */
#ifndef META_SEARCH_H
#define META_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/account.h"
#include "meta/repo.h"

struct arena;
struct db_tx;
struct err;

enum { META_END_MAX = 64 };

/* kind: "account", "repository". A name that is added has no ends yet. */
int meta_search_add(struct db_tx *tx, const char *kind, int64_t id, struct str name,
                    struct err *err);

/* Before the row of that id forgets its name. */
int meta_search_drop_repo(struct db_tx *tx, int64_t id, struct err *err);
int meta_search_drop_account(struct db_tx *tx, int64_t id, struct err *err);

/* Where a page begins: behind the end and id of the last hit of the one before; at first the text itself and 0. */
struct meta_search_at {
    struct str end;
    int64_t    id;
};

struct meta_repo_hit {
    struct str       end;
    struct meta_repo repo;
};

struct meta_account_hit {
    struct str          end;
    struct meta_account account;
};

/* Living ones with an end from `at` on that begins with `text`, by end and id, at most n_max. A name comes once for each
 * place in it. */
int meta_search_repos(struct db_tx *tx, struct arena *arena, struct str text,
                      const struct meta_search_at *at, size_t n_max, struct meta_repo_hit **out,
                      size_t *n_out, struct err *err);
int meta_search_accounts(struct db_tx *tx, struct arena *arena, struct str text,
                         const struct meta_search_at *at, size_t n_max,
                         struct meta_account_hit **out, size_t *n_out, struct err *err);

#endif
