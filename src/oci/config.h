/* oci/config.h: what the configuration of an image says, as far as a registry shows it: the platform, and the lines
 * that made it (image-spec config.md; Docker writes the same). Read for showing only: a configuration that is refused
 * here is stored and served like any other blob.
 *
 * The bytes are foreign. They pass the one door of codec/json; history of more than OCI_HISTORY_MAX entries, texts
 * beyond the table's limits, and more than OCI_CONFIG_MAX bytes are refused. Pure; all views lie in the arena. */
#ifndef OCI_CONFIG_H
#define OCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "codec/json.h"

struct arena;
struct err;
struct oci_manifest;

enum {
    OCI_CONFIG_MAX   = 1024 * 1024,
    OCI_HISTORY_MAX  = 1000,
    OCI_PLATFORM_MAX = 128,      /* bytes of os, architecture, os.version */
    OCI_LINE_MAX     = 4 * 1024, /* of a line as it is shown: what is longer is cut */
    OCI_LINES_MAX    = 32 * 1024 /* of all of them, an escaped byte counted as six */
};

struct oci_history {
    struct str created_by;
    bool       is_empty; /* it made no layer */
};

struct oci_config {
    struct str          os;
    struct str          architecture;
    struct str          os_version;
    struct oci_history *history;
    size_t              n_history;
};

/* Is a blob of that media type one that oci_config_parse reads? */
bool oci_config_is_image(struct str media_type);

/* ERR_INVALID, ERR_TOO_LARGE. What is missing is empty. */
int oci_config_parse(struct arena *arena, struct str bytes, struct oci_config *out,
                     struct err *err);

/* One line of a Dockerfile as DTR shows it, and the table of such a line. */
struct oci_line {
    bool             is_empty;
    struct str       layer_digest; /* empty when it made no layer */
    struct str       line;
    struct str       media_type;
    int64_t          size;
    struct json_list urls; /* of a layer whose bytes may be elsewhere: struct str */
};

extern const struct json_table oci_line_table;

/* The lines of an image manifest as a JSON list: history and layers in their order, each layer with the entry that
 * made it. Where history is null, or does not count as many layers as there are, layers stand for themselves. */
struct str oci_config_lines(struct arena *arena, const struct oci_config *config,
                            const struct oci_manifest *manifest);

#endif
