/* api/enzi_config.c: how people log in, on the route of DTR's accounts service: accounts are kept here, and how long
 * sessions live are settings of the registry. The rest is constant: it may be sent back as it was got, and is refused
 * with what to do instead when it is asked to be otherwise. */
#include "api/api_private.h"
#include "api/host.h"
#include "api/v0_settings.h"
#include "base/mem.h"
#include "conf/conf.h"

#define MINUTE_US INT64_C(60000000)

enum {
    MARGIN_MIN = 5
}; /* that a session must have left when it is renewed, at most its life less that */

struct saml {
    struct str metadata_url;
    struct str root_certs;
    struct str sp_host;
    bool       skips_verify;
};

struct sessions {
    int64_t lifetime_min;
    int64_t renewal_min;
    int64_t limit;
    bool    has_lifetime;
    bool    has_renewal;
    bool    has_limit;
};

struct auth_config {
    struct str      backend;
    struct str      default_role;
    bool            has_saml;
    struct str      saml_login_text;
    struct saml     saml;
    struct sessions sessions;
};

/* clang-format off */
#define SAML_TEXT(key, member) { .name = key, .kind = JSON_STRING, .offset = JSON_AT(struct saml, member, struct str) }
#define TEXT(key, member)      { .name = key, .kind = JSON_STRING, .offset = JSON_AT(struct auth_config, member, struct str) }
#define NUMBER(key, member)    { .name = key, .kind = JSON_INTEGER, .offset = JSON_AT(struct sessions, member, int64_t)
#define HAS(member)            .has_offset = JSON_AT(struct sessions, member, bool) }

static const struct json_field saml_fields[] = {
    SAML_TEXT("idpMetadataURL", metadata_url),
    SAML_TEXT("rootCerts",      root_certs),
    SAML_TEXT("spHost",         sp_host),
    { .name = "tlsSkipVerify", .kind = JSON_BOOL, .offset = JSON_AT(struct saml, skips_verify, bool) },
};

static const struct json_table saml_table = {
    .name = "SAMLConfig", .size = sizeof(struct saml), .fields = saml_fields, .n_fields = ARRAY_LEN(saml_fields),
};

static const struct json_field sessions_fields[] = {
    NUMBER("lifetimeMinutes",         lifetime_min), HAS(has_lifetime),
    NUMBER("renewalThresholdMinutes", renewal_min),  HAS(has_renewal),
    NUMBER("perUserLimit",            limit),        HAS(has_limit),
};

static const struct json_table sessions_table = {
    .name = "SessionsConfig", .size = sizeof(struct sessions), .fields = sessions_fields, .n_fields = ARRAY_LEN(sessions_fields),
};

static const struct json_field config_fields[] = {
    TEXT("backend",            backend),
    TEXT("defaultNewUserRole", default_role),
    { .name = "samlEnabled",   .kind = JSON_BOOL,   .offset = JSON_AT(struct auth_config, has_saml, bool) },
    TEXT("samlLoginText",      saml_login_text),
    { .name = "saml",          .kind = JSON_OBJECT, .offset = JSON_AT(struct auth_config, saml, struct saml), .table = &saml_table },
    { .name = "sessions",      .kind = JSON_OBJECT, .offset = JSON_AT(struct auth_config, sessions, struct sessions), .table = &sessions_table },
};

static const struct json_table config_table = {
    .name = "AuthConfig", .size = sizeof(struct auth_config), .fields = config_fields, .n_fields = ARRAY_LEN(config_fields),
};
/* clang-format on */

static struct sessions sessions_of(const struct conf *conf)
{
    return (struct sessions){
        .lifetime_min = conf_number(conf, CONF_SESSION_LIFE) / MINUTE_US,
        .renewal_min  = conf_number(conf, CONF_SESSION_RENEWAL) / MINUTE_US,
        .limit        = conf_number(conf, CONF_SESSION_LIMIT),
        .has_lifetime = true,
        .has_renewal  = true,
        .has_limit    = true,
    };
}

static int get_config(struct api_call *call, struct err *err)
{
    const struct api_host        *host   = call->api->settings.host;
    AUTO(conf_unref) struct conf *conf   = host->settings(host->node);
    struct auth_config            config = {
                   .backend         = STR("managed"),
                   .default_role    = STR(""),
                   .saml_login_text = STR(""),
                   .saml = { .metadata_url = STR(""), .root_certs = STR(""), .sp_host = STR("") },
                   .sessions = sessions_of(conf),
    };

    return api_reply_value(call, &config, err);
}

/* -- changing it -------------------------------------------------------------------------------------- */

static int refuse(const char *field, const char *rule, struct err *err)
{
    return err_set_code(err, ERR_INVALID, "INVALID_PARAMETERS", str_from(field), "%s: %s", field,
                        rule);
}

static int check_constants(const struct auth_config *given, struct err *err)
{
    const struct saml *saml = &given->saml;

    if (given->backend.n > 0 && !str_is(given->backend, "managed"))
        return refuse("backend", "is managed: there is no directory behind this registry", err);
    if (given->default_role.n > 0)
        return refuse("defaultNewUserRole", "is empty: grant rights to teams instead", err);
    if (given->has_saml || given->saml_login_text.n > 0)
        return refuse("samlEnabled", "is false: people log in with passwords and tokens", err);
    if (saml->metadata_url.n > 0 || saml->root_certs.n > 0 || saml->sp_host.n > 0 ||
        saml->skips_verify)
        return refuse("saml", "is empty: people log in with passwords and tokens", err);
    return 0;
}

/* What is not given stays; together they must fit. */
static int check_sessions(const struct sessions *now, const struct sessions *given, struct err *err)
{
    int64_t life    = given->has_lifetime ? given->lifetime_min : now->lifetime_min;
    int64_t renewal = given->has_renewal ? given->renewal_min : now->renewal_min;

    if (given->has_lifetime && (life < conf_table[CONF_SESSION_LIFE].min / MINUTE_US ||
                                life > conf_table[CONF_SESSION_LIFE].max / MINUTE_US))
        return refuse("sessions.lifetimeMinutes", "is 10 minutes to 365 days", err);
    if (renewal < 0 || renewal > life - MARGIN_MIN)
        return refuse("sessions.renewalThresholdMinutes",
                      "is 0, or at most five minutes less than the lifetime", err);
    if (given->has_limit && (given->limit < 0 || given->limit > conf_table[CONF_SESSION_LIMIT].max))
        return refuse("sessions.perUserLimit", "is 0 to 1,000", err);
    return 0;
}

/* As the table of settings prints it. */
static int add_setting(struct arena *arena, struct conf *conf, enum conf_id id, int64_t value,
                       const char *unit, struct work_setting *out, struct err *err)
{
    AUTO(conf_unref) struct conf *changed = NULL;
    const char                   *text    = mem_printf(arena, "%lld%s", (long long)value, unit);

    if (conf_with(conf, id, str_from(text), &changed, err) < 0)
        return -1;
    *out = (struct work_setting){
        .key      = str_from(conf_table[id].key),
        .value    = conf_print(changed, id, arena),
        .standard = conf_print(conf, id, arena),
    };
    return 0;
}

/* Only what is given: the others may hold what no number of minutes says. */
static int list_changes(struct arena *arena, struct conf *conf, const struct sessions *given,
                        struct work_setting *out, size_t *out_n, struct err *err)
{
    const struct {
        bool         is_given;
        enum conf_id id;
        int64_t      value;
        const char  *unit;
    } rows[] = {
        { given->has_lifetime, CONF_SESSION_LIFE, given->lifetime_min, "m" },
        { given->has_renewal, CONF_SESSION_RENEWAL, given->renewal_min, "m" },
        { given->has_limit, CONF_SESSION_LIMIT, given->limit, "" },
    };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].is_given)
            continue;
        if (add_setting(arena, conf, rows[i].id, rows[i].value, rows[i].unit, &out[n++], err) < 0)
            return -1;
    }
    *out_n = n;
    return 0;
}

static int put_config(struct api_call *call, struct err *err)
{
    const struct api_host        *host  = call->api->settings.host;
    AUTO(conf_unref) struct conf *conf  = host->settings(host->node);
    struct auth_config            given = { .has_saml = false };
    struct sessions               now   = sessions_of(conf);
    struct work_setting           changes[3];
    size_t                        n;

    if (api_body(call, &given, err) < 0 || check_constants(&given, err) < 0 ||
        check_sessions(&now, &given.sessions, err) < 0 ||
        list_changes(call->arena, conf, &given.sessions, changes, &n, err) < 0 ||
        api_v0_put_settings(call, changes, n, err) < 0)
        return -1;
    return get_config(call, err);
}

/* clang-format off */
const struct api_route api_enzi_config_routes[] = {
    { .name = "auth.config",     .method = HTTP_GET, .path = "/enzi/v0/config/auth",
      .may  = API_MAY_INSTANCE,  .family = API_DTR,  .run = get_config, .says = "How people log in, and how long their sessions live",
      .gives = &config_table },
    { .name = "auth.config.put", .method = HTTP_PUT, .path = "/enzi/v0/config/auth",
      .may  = API_MAY_INSTANCE,  .family = API_DTR,  .run = put_config, .says = "Change how long sessions live; the rest is constant",
      .body = HTTP_BODY_WHOLE,   .limit = API_BODY_MAX, .takes = &config_table, .gives = &config_table, .changes = true },
    { 0 },
};
/* clang-format on */
