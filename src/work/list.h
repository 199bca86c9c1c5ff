/* work/list.h: pages: tags of a repository, repositories, referrers of a digest. All in byte order after a
 * plain name, at a cost that does not grow with what lies before. n_max is at most WORK_PAGE_MAX; *out_more
 * tells whether another page follows. */
#ifndef WORK_LIST_H
#define WORK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "meta/manifest.h"
#include "meta/tag.h"
#include "oci/digest.h"
#include "oci/name.h"

struct arena;
struct auth_repo;
struct auth_view;
struct err;
struct work;

struct work_names {
    struct str *names;
    size_t      n;
    bool        has_more;
};

int work_list_tags(struct work *work, struct arena *arena, const struct auth_repo *repo,
                   struct str after, size_t n_max, struct work_names *out, struct err *err);

int work_list_repos(struct work *work, struct arena *arena, const struct auth_view *view,
                    struct str after, size_t n_max, struct work_names *out, struct err *err);

struct work_referrers {
    struct meta_referrer *list;
    size_t                n;
    bool                  has_more;
};

/* artifact_type: the null view for all. A page ends before its descriptors pass WORK_REFERRERS_SIZE. */
int work_list_referrers(struct work *work, struct arena *arena, const struct auth_repo *repo,
                        const struct oci_digest *subject, struct str artifact_type,
                        struct str after, size_t n_max, struct work_referrers *out,
                        struct err *err);

/* Tags with their manifests, by name after `after`, at most n_max, with the lines of their images when asked for; and
 * how many there are. */
int work_list_tag_rows(struct work *work, struct arena *arena, const struct auth_repo *repo,
                       struct str after, size_t n_max, bool with_lines, struct meta_tag_row **out,
                       size_t *n_out, struct err *err);
int work_count_tags(struct work *work, const struct auth_repo *repo, int64_t *out, struct err *err);

/* The one of that name, or those of the manifest with that digest (at most 1,000). ERR_NOT_FOUND, NO_SUCH_REF, when
 * there is none. */
int work_find_tag_rows(struct work *work, struct arena *arena, const struct auth_repo *repo,
                       const struct oci_reference *reference, struct meta_tag_row **out,
                       size_t *n_out, struct err *err);

#endif
