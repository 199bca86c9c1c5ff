/* api/v0_storage.c: DTR's configuration of the storage. The storage is chosen where nodes start, and a change under
 * their feet is what lost people their tags: so the one in force is accepted and any other refused, with what to do.
 * The two switches that this configuration holds, deleting and read-only, are settings of the registry. */
#include "api/api_private.h"
#include "api/host.h"
#include "api/v0_settings.h"
#include "base/mem.h"
#include "conf/conf.h"

enum { BODY_MAX = 64 * 1024, N_OTHERS = 7 };

/* Flags of presence stand behind what they are about: at offset 0 there is none (codec/json.h). */
struct on_off {
    bool enabled;
    bool has;
};

struct maintenance {
    struct on_off readonly;
    bool          has_readonly;
};

struct filesystem {
    struct str directory;
    bool       has_directory;
};

struct storage {
    struct on_off delete;
    struct maintenance maintenance;
    struct filesystem  filesystem;
    bool               has_delete;
    bool               has_maintenance;
    bool               has_filesystem;
    bool               has_other[N_OTHERS];
};

struct configuration {
    struct storage storage;
    bool           has_storage;
    bool           keep_metadata;
    bool           has_keep_metadata;
};

/* clang-format off */
static const struct json_field on_off_fields[] = {
    { .name = "enabled", .kind = JSON_BOOL, .offset = JSON_AT(struct on_off, enabled, bool),
      .has_offset = JSON_AT(struct on_off, has, bool) },
};
static const struct json_table on_off_table = {
    .name = "Switch", .size = sizeof(struct on_off), .fields = on_off_fields, .n_fields = ARRAY_LEN(on_off_fields),
};

static const struct json_field maintenance_fields[] = {
    { .name = "readonly", .kind = JSON_OBJECT, .offset = JSON_AT(struct maintenance, readonly, struct on_off),
      .has_offset = JSON_AT(struct maintenance, has_readonly, bool), .table = &on_off_table },
};
static const struct json_table maintenance_table = {
    .name = "Maintenance", .size = sizeof(struct maintenance), .fields = maintenance_fields,
    .n_fields = ARRAY_LEN(maintenance_fields),
};

static const struct json_field filesystem_fields[] = {
    { .name = "rootdirectory", .kind = JSON_STRING, .offset = JSON_AT(struct filesystem, directory, struct str),
      .has_offset = JSON_AT(struct filesystem, has_directory, bool) },
};
static const struct json_table filesystem_table = {
    .name = "Filesystem", .size = sizeof(struct filesystem), .fields = filesystem_fields, .n_fields = ARRAY_LEN(filesystem_fields),
};

#define OTHER(i, its_name) { .name = (its_name), .kind = JSON_ANY, .offset = JSON_AT(struct storage, has_other[i], bool) }

/* The storages that are not here come last. */
static const struct json_field storage_fields[] = {
    { .name = "delete",      .kind = JSON_OBJECT, .offset = JSON_AT(struct storage, delete, struct on_off),
      .has_offset = JSON_AT(struct storage, has_delete, bool), .table = &on_off_table },
    { .name = "maintenance", .kind = JSON_OBJECT, .offset = JSON_AT(struct storage, maintenance, struct maintenance),
      .has_offset = JSON_AT(struct storage, has_maintenance, bool), .table = &maintenance_table },
    { .name = "filesystem",  .kind = JSON_OBJECT, .offset = JSON_AT(struct storage, filesystem, struct filesystem),
      .has_offset = JSON_AT(struct storage, has_filesystem, bool), .table = &filesystem_table },
    OTHER(0, "s3"),
    OTHER(1, "azure"),
    OTHER(2, "gcs"),
    OTHER(3, "swift"),
    OTHER(4, "oss"),
    OTHER(5, "inmemory"),
    OTHER(6, "rados"),
};
static const struct json_table storage_table = {
    .name = "Storage", .size = sizeof(struct storage), .fields = storage_fields, .n_fields = ARRAY_LEN(storage_fields),
};

static const struct json_field configuration_fields[] = {
    { .name = "storage",       .kind = JSON_OBJECT, .offset = JSON_AT(struct configuration, storage, struct storage),
      .has_offset = JSON_AT(struct configuration, has_storage, bool), .table = &storage_table },
    { .name = "keep_metadata", .kind = JSON_BOOL,   .offset = JSON_AT(struct configuration, keep_metadata, bool),
      .has_offset = JSON_AT(struct configuration, has_keep_metadata, bool) },
};
static const struct json_table configuration_table = {
    .name = "RegistrySettings", .size = sizeof(struct configuration), .fields = configuration_fields,
    .n_fields = ARRAY_LEN(configuration_fields),
};
/* clang-format on */

static struct str directory_of(const struct conf *conf)
{
    struct str storage = conf_text(conf, CONF_STORAGE);

    return str_starts(storage, STR("file:")) ? str_from_index(storage, 5) : storage;
}

static struct configuration in_force(struct api_call *call, const struct conf *conf)
{
    return (struct configuration){
        .has_storage       = true,
        .has_keep_metadata = true,
        .keep_metadata     = true,
        .storage           = {
                      .has_delete      = true,
                      .delete          = { .has = true, .enabled = conf_switch(conf, CONF_ALLOW_DELETE) },
                      .has_maintenance = true,
                      .maintenance     = { .has_readonly = true,
                                           .readonly     = { .has     = true,
                                                             .enabled = conf_switch(conf, CONF_READ_ONLY) } },
                      .has_filesystem  = true,
                      .filesystem      = { .has_directory = true,
                                           .directory = str_copy(call->arena, directory_of(conf)) },
        },
    };
}

static int get_configuration(struct api_call *call, struct err *err)
{
    const struct api_host        *host = call->api->settings.host;
    AUTO(conf_unref) struct conf *conf = host->settings(host->node);
    struct configuration          now  = in_force(call, conf);

    return api_reply_value(call, &now, err);
}

static int check_storage(struct api_call *call, const struct conf *conf,
                         const struct configuration *given, struct err *err)
{
    const struct storage *storage = &given->storage;
    const char           *instead = mem_printf(
                  call->arena,
                  "the storage is " STR_FMT
                  ", which nodes are given when they start (setting `storage`); stop them, copy its "
                            "files to the new place, and start them with that",
                  STR_ARGS(directory_of(conf)));

    for (size_t i = 0; i < N_OTHERS; i++) {
        if (storage->has_other[i])
            return api_v0_refuse_setting(
                storage_fields[ARRAY_LEN(storage_fields) - N_OTHERS + i].name, instead, err);
    }
    if (storage->filesystem.has_directory &&
        !str_eq(storage->filesystem.directory, directory_of(conf)))
        return api_v0_refuse_setting("rootdirectory", instead, err);
    if (given->has_keep_metadata && !given->keep_metadata)
        return api_v0_refuse_setting("keep_metadata", "metadata stays whatever the storage is",
                                     err);
    return 0;
}

static int change(struct api_call *call, const struct configuration *given, const struct conf *conf,
                  struct err *err)
{
    const struct on_off *may_delete = &given->storage.delete;
    const struct on_off *read_only  = &given->storage.maintenance.readonly;
    struct work_setting  changes[2];
    size_t               n = 0;

    if (may_delete->has)
        changes[n++] = api_v0_switch(CONF_ALLOW_DELETE, conf_switch(conf, CONF_ALLOW_DELETE),
                                     may_delete->enabled);
    if (read_only->has)
        changes[n++] =
            api_v0_switch(CONF_READ_ONLY, conf_switch(conf, CONF_READ_ONLY), read_only->enabled);
    return api_v0_put_settings(call, changes, n, err);
}

static int put_configuration(struct api_call *call, struct err *err)
{
    const struct api_host        *host  = call->api->settings.host;
    AUTO(conf_unref) struct conf *conf  = host->settings(host->node);
    struct configuration          given = { 0 };

    if (api_body(call, &given, err) < 0 || check_storage(call, conf, &given, err) < 0 ||
        change(call, &given, conf, err) < 0)
        return -1;
    return get_configuration(call, err);
}

/* clang-format off */
const struct api_route api_v0_storage_routes[] = {
    { .name = "storage.get",           .method = HTTP_GET, .path = "/api/v0/admin/settings/registry",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "The storage in force",
      .gives = &configuration_table,
      .run = get_configuration },
    { .name = "storage.update",        .method = HTTP_PUT, .path = "/api/v0/admin/settings/registry",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "Switch deleting and read-only; another storage is refused", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = BODY_MAX, .takes = &configuration_table, .gives = &configuration_table,
      .run = put_configuration },
    { .name = "storage.update_simple", .method = HTTP_PUT, .path = "/api/v0/admin/settings/registry/simple",
      .may = API_MAY_INSTANCE, .family = API_DTR, .says = "The same", .changes = true,
      .body = HTTP_BODY_WHOLE, .limit = BODY_MAX, .takes = &configuration_table, .gives = &configuration_table,
      .run = put_configuration },
    { 0 },
};
/* clang-format on */
