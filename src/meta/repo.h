/* meta/repo.h: repositories. A path is unique among the living; `deleted_at` is a tombstone: from that
 * moment nothing of the repository is visible anywhere, and its rows go later in batches. A token names a
 * path and the id, so deleting and making anew voids old tokens. */
#ifndef META_REPO_H
#define META_REPO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct meta_repo {
    int64_t    id;
    struct str uuid;
    struct str path;
    int64_t    namespace_id; /* the account that the first component names */
    int64_t    is_public;
    int64_t    created_at;
    int64_t    created_by; /* account id */
    struct str short_description;
    int64_t    immutable_tags;
    int64_t    scan_on_push;
    int64_t    enable_manifest_lists;
    int64_t    tag_limit;      /* 0: none */
    struct str tag_limit_keep; /* glob of the tags that it is not about; empty: none */
};

/* A repository as somebody saw it a moment ago. Pulls name it, so that what they read shows whether it still lives
 * and is as open as then: between the two nobody had to ask for the repository again. */
struct meta_repo_seen {
    int64_t id;
    int64_t is_public; /* -1: either */
};

/* The living repository of that path. */
int meta_repo_find(struct db_tx *tx, struct arena *arena, struct str path, struct meta_repo *out,
                   struct err *err);
int meta_repo_find_id(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                      struct err *err);

/* Living or deleted: for who tells what was. */
int meta_repo_find_ever(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                        struct err *err);

/* What a decision about a path begins with. Ids are 0 for what is not there. */
struct meta_place {
    int64_t repo_id;
    int64_t created_at;
    int64_t is_public;
    int64_t namespace_id;
    int64_t is_organization; /* the namespace */
    int64_t create_on_push;
};

/* The living repository of that path and the namespace that it has or would have, in one look whose time does not
 * tell which of them are there. */
int meta_repo_place(struct db_tx *tx, struct arena *arena, struct str path, struct str namespace,
                    struct meta_place *out, struct err *err);

/* The path of one that lives or did: 1, 0, -1. */
int meta_repo_path(struct db_tx *tx, struct arena *arena, int64_t id, struct str *out,
                   struct err *err);

/* The living one of that id, which nobody else changes until the transaction ends: `lock` for who will change it,
 * `hold` for who decides by what it says now. 1, 0, -1. */
int meta_repo_lock(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                   struct err *err);
int meta_repo_hold(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_repo *out,
                   struct err *err);

/* The living one with the longest path among those given (a path with slashes that may go on into words of a
 * route): 1, 0, -1. */
int meta_repo_find_longest(struct db_tx *tx, struct arena *arena, const struct str *paths,
                           size_t n_paths, struct meta_repo *out, struct err *err);

/* When a repository of that path was last deleted; 1, 0 (never), -1. */
int meta_repo_last_deleted(struct db_tx *tx, struct str path, int64_t *out, struct err *err);

/* ERR_EXISTS when a living one has the path. */
int meta_repo_add(struct db_tx *tx, struct str path, int64_t namespace_id, int64_t is_public,
                  int64_t created_by, int64_t *out_id, struct err *err);

/* ERR_NOT_FOUND when no living one has the id. */
int meta_repo_set_public(struct db_tx *tx, int64_t id, int64_t is_public, struct err *err);
int meta_repo_delete(struct db_tx *tx, int64_t id, struct err *err);

/* Visibility, short description and switches of `repo`, by its id. */
int meta_repo_update(struct db_tx *tx, const struct meta_repo *repo, struct err *err);

/* All living ones of a namespace. */
int meta_repo_delete_in(struct db_tx *tx, int64_t namespace_id, int64_t *out_n, struct err *err);
int meta_repo_count_in(struct db_tx *tx, int64_t namespace_id, int64_t *out, struct err *err);

/* The long description, markdown: 1, 0 none, -1. The empty text takes it away. */
int meta_repo_readme_find(struct db_tx *tx, struct arena *arena, int64_t id, struct str *out,
                          struct err *err);
int meta_repo_readme_put(struct db_tx *tx, int64_t id, struct str markdown, struct err *err);

/* The limit of tags, of which some are kept. */
int meta_repo_set_limit(struct db_tx *tx, int64_t id, int64_t limit, struct str keep,
                        struct err *err);

struct meta_repo_counts {
    int64_t pulls;
    int64_t pushes;
};

int meta_repo_counts_find(struct db_tx *tx, int64_t id, struct meta_repo_counts *out,
                          struct err *err); /* zeros when there is no row */
int meta_repo_counts_add(struct db_tx *tx, int64_t id, const struct meta_repo_counts *more,
                         struct err *err);

/* One push more; other pushes that count wait until the transaction ends. *out_limit: of tags, 0 for none. */
int meta_repo_count_push(struct db_tx *tx, int64_t id, int64_t *out_limit, struct err *err);

/* Paths from `low` (inclusive) to `high` (exclusive) in byte order. */
struct meta_range {
    struct str low;
    struct str high;
};

/* Which repositories a page shows: all that live, or those whose path lies in one of the ranges (sorted, without
 * overlap) and, with_public, those that are public. `within` bounds all of it; its null view does not. */
struct meta_repo_filter {
    bool                     is_all;
    bool                     with_public;
    const struct meta_range *ranges;
    size_t                   n_ranges;
    struct meta_range        within;
};

/* They in byte order of the path after `after` (exclusive; the null view: from the start), at most n_max. A
 * repository without content is listed too. The cost grows with n_max and with how many ranges lie before the
 * n_max-th, not with how many repositories there are. */
int meta_repo_page(struct db_tx *tx, struct arena *arena, const struct meta_repo_filter *filter,
                   struct str after, size_t n_max, struct meta_repo **out, size_t *n_out,
                   struct err *err);

/* What is shown of a repository besides its own row. */
struct meta_repo_extra {
    int64_t    id;
    struct str namespace_kind; /* "user", "organization" */
    int64_t    pulls;
    int64_t    pushes;
};

/* Of the n living repositories of a page, in its order. */
int meta_repo_extras(struct db_tx *tx, struct arena *arena, const struct meta_repo *repos, size_t n,
                     struct meta_repo_extra **out, struct err *err);

/* How many there are in all; reads an index over all of them. */
int meta_repo_count(struct db_tx *tx, struct arena *arena, const struct meta_repo_filter *filter,
                    int64_t *out, struct err *err);

#endif
