/* work/access_private.h: steps of the verbs about accounts and rights. */
#ifndef WORK_ACCESS_PRIVATE_H
#define WORK_ACCESS_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "db/db.h"

struct arena;
struct err;
struct meta_account;
struct work;

/* The end of every verb that changes who may what: commits, and rights are looked up anew from then on. */
int work_commit_access(struct work *work, struct db_tx **tx, struct err *err);

/* "field: rule", ERR_INVALID, code INVALID_PARAMETERS, about the field. */
int work_bad_field(const char *field, const char *rule, struct err *err);

/* One line of text for people: UTF-8 without control characters, at most max bytes. */
int work_text_check(const char *field, struct str text, size_t max, struct err *err);

/* The living account of that id: ERR_NOT_FOUND, code NO_SUCH_ACCOUNT. */
int work_find_account(struct db_tx *tx, struct arena *arena, int64_t id, struct meta_account *out,
                      struct err *err);

#endif
