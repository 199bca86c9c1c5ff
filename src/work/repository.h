/* work/repository.h: repositories as people make, describe, list and delete them. Pushing makes them too (push.c).
 *
 * A repository comes as the handle that the decision gave: for making one, auth_repo_manage with AUTH_CREATE on its
 * path. Each change is one transaction with an event and an audit record, which for settings says what they were and
 * what they are. */
#ifndef WORK_REPOSITORY_H
#define WORK_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/repo.h"

struct arena;
struct auth_repo;
struct auth_view;
struct db_tx;
struct err;
struct meta_actor;
struct work;

enum {
    WORK_SHORT_DESCRIPTION_MAX = 1024,
    WORK_LONG_DESCRIPTION_MAX  = 256 * 1024,
    WORK_TAG_LIMIT_MAX         = 1000000
};

/* What is asked of a repository; what is absent (null view, has_ false) stays as it is, and is off, empty and
 * private in a new one. An empty visibility counts as absent: clients send it. */
struct work_repo_form {
    struct str name;       /* of a new one, below its namespace */
    struct str visibility; /* "public", "private" */
    struct str short_description;
    struct str long_description; /* markdown */
    bool       has_immutable_tags;
    bool       has_scan_on_push;
    bool       has_enable_manifest_lists;
    bool       has_tag_limit;
    bool       immutable_tags;
    bool       scan_on_push;
    bool       enable_manifest_lists;
    int64_t    tag_limit; /* kept, 0 to WORK_TAG_LIMIT_MAX */
};

/* What is told of one. */
struct work_repo {
    struct str path; /* namespace and name */
    struct str id;
    struct str namespace;
    struct str namespace_type; /* "user", "organization" */
    struct str name;           /* below the namespace */
    struct str visibility;
    struct str short_description;
    struct str long_description;
    bool       has_long_description; /* lists have not */
    bool       immutable_tags;
    bool       scan_on_push;
    bool       enable_manifest_lists;
    int64_t    tag_limit;
    int64_t    pulls;
    int64_t    pushes;
};

/* ERR_INVALID: REPOSITORY_EXISTS, INVALID_REPOSITORY_VISIBILITY, INVALID_PARAMETERS about the field. */
int work_repo_create(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *repo, const struct work_repo_form *form,
                     struct work_repo *out, struct err *err);

/* ERR_NOT_FOUND, NAME_UNKNOWN, when it was deleted since the decision; so below. */
int work_repo_get(struct work *work, struct arena *arena, const struct auth_repo *repo,
                  struct work_repo *out, struct err *err);

/* For who was told by other means that it may be shown (a user's rights on it, auth_explain). */
int work_repo_get_path(struct work *work, struct arena *arena, struct str path,
                       struct work_repo *out, struct err *err);

int work_repo_change(struct work *work, struct arena *arena, const struct meta_actor *actor,
                     const struct auth_repo *repo, const struct work_repo_form *form,
                     struct work_repo *out, struct err *err);
int work_repo_delete(struct work *work, const struct meta_actor *actor,
                     const struct auth_repo *repo, struct err *err);

/* Which repositories a list is of: those that the view shows, of one namespace (null view: of all). */
struct work_repo_list {
    const struct auth_view *view;
    struct str              within;
};

/* By path after `after` (exclusive; null view: from the start), at most n_max. */
int work_repo_page(struct work *work, struct arena *arena, const struct work_repo_list *list,
                   struct str after, size_t n_max, struct work_repo **out, size_t *n_out,
                   struct err *err);
int work_repo_count(struct work *work, struct arena *arena, const struct work_repo_list *list,
                    int64_t *out, struct err *err);

/* ERR_NOT_FOUND, NO_SUCH_ACCOUNT, when there is nothing on the list: for those who may not see the account that the
 * namespace is, and shall not learn whether there is one. */
int work_repo_list_check(struct work *work, struct arena *arena, const struct work_repo_list *list,
                         struct err *err);

/* The operator beside the server, who needs no handle: by path. ERR_NOT_FOUND for repository or namespace. */
int work_create_repo(struct work *work, const struct meta_actor *actor, struct str path,
                     int is_public, struct err *err);
int work_set_visibility(struct work *work, const struct meta_actor *actor, struct str path,
                        int is_public, struct err *err);
int work_delete_repo(struct work *work, const struct meta_actor *actor, struct str path,
                     struct err *err);

/* -- steps for verbs that touch repositories too --------------------------------------------------- */

/* What is told of n living rows in the order of their paths. Views are into the rows and the arena. */
int work_repos_tell(struct db_tx *tx, struct arena *arena, const struct meta_repo *rows, size_t n,
                    struct work_repo **out, struct err *err);

/* One that lives or lived, of which nothing but the row may be left. */
int work_repo_recall(struct db_tx *tx, struct arena *arena, const struct meta_repo *row,
                     struct work_repo *out, struct err *err);

/* The paths of a namespace, as a range. */
struct meta_range work_repo_range(struct arena *arena, struct str namespace);

/* "REPO_DELETED" and its like, with the audit record. */
int work_repo_event(struct db_tx *tx, const struct meta_actor *actor, const char *type, int64_t id,
                    struct str path, struct err *err);

/* Deletes it, with its records: 1; 0 it is gone already; -1, ERR_CONFLICT, HELD, when a hold keeps anything in it. */
int work_repo_drop(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                   int64_t id, struct err *err);

/* Changes what the (checked) form asks of the repository of that id, and tells what changed. One that is gone is left
 * alone. */
int work_repo_apply(struct db_tx *tx, struct arena *arena, const struct meta_actor *actor,
                    int64_t id, const struct work_repo_form *form, struct err *err);

#endif
