/* work/account_import.h: accounts of another registry, brought here with the hashes of their passwords, all of them
 * or none. */
#ifndef WORK_ACCOUNT_IMPORT_H
#define WORK_ACCOUNT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;
struct meta_actor;
struct work;

enum { WORK_IMPORT_MAX = 1000 }; /* accounts at once: a transaction is short */

struct work_import {
    struct str name;
    struct str full_name;
    struct str
         password_hash; /* of a user; empty: none, nobody logs in by password until one is set */
    bool is_org;
    bool is_admin;
    bool is_active;
};

/* A hash is taken as it is when it is argon2id (auth_password_hash_check). What is refused is named with its place
 * in the list: "accounts[3].name: …". ERR_EXISTS, code ACCOUNT_EXISTS. */
int work_accounts_import(struct work *work, const struct meta_actor *actor,
                         const struct work_import *accounts, size_t n, struct err *err);

#endif
