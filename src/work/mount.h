/* work/mount.h: making a blob of one repository visible in another without sending it. */
#ifndef WORK_MOUNT_H
#define WORK_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "oci/digest.h"

struct arena;
struct auth_repo;
struct auth_view;
struct err;
struct meta_actor;
struct work;

/* from: the handle to the source, which the caller may pull from; null: any repository of the view. 1 the
 * blob is mounted and pinned, durably; 0 there is no such blob to mount, or it is known to be
 * damaged, so let the client send it; -1. */
int work_mount(struct work *work, struct arena *arena, const struct meta_actor *actor,
               const struct auth_repo *to, const struct auth_repo *from,
               const struct auth_view *view, const struct oci_digest *digest, struct err *err);

#endif
