/* api/routes.c: the list of tables; each stands at the head of its own file and ends with an empty row. */
#include "api/api_private.h"

extern const struct api_route api_assets_routes[];
extern const struct api_route api_description_routes[];
extern const struct api_route api_enzi_config_routes[];
extern const struct api_route api_enzi_account_routes[];
extern const struct api_route api_enzi_admin_routes[];
extern const struct api_route api_enzi_gone_routes[];
extern const struct api_route api_enzi_key_routes[];
extern const struct api_route api_enzi_member_routes[];
extern const struct api_route api_enzi_team_routes[];
extern const struct api_route api_login_routes[];
extern const struct api_route api_ops_routes[];
extern const struct api_route api_token_routes[];
extern const struct api_route api_v0_access_routes[];
extern const struct api_route api_v0_accounts_routes[];
extern const struct api_route api_v0_cron_routes[];
extern const struct api_route api_v0_events_routes[];
extern const struct api_route api_v0_gone_routes[];
extern const struct api_route api_v0_job_routes[];
extern const struct api_route api_v0_meta_routes[];
extern const struct api_route api_v0_repositories_routes[];
extern const struct api_route api_v0_tags_routes[];
extern const struct api_route api_v0_token_routes[];
extern const struct api_route api_v0_settings_routes[];
extern const struct api_route api_v0_state_routes[];
extern const struct api_route api_v0_storage_routes[];
extern const struct api_route api_v0_webhooks_routes[];
extern const struct api_route api_v0_worker_routes[];
extern const struct api_route api_v1_access_routes[];
extern const struct api_route api_v1_audit_routes[];
extern const struct api_route api_v1_collection_routes[];
extern const struct api_route api_v1_grants_routes[];
extern const struct api_route api_v1_quota_routes[];
extern const struct api_route api_v1_pulls_routes[];
extern const struct api_route api_v1_holds_routes[];
extern const struct api_route api_v1_purges_routes[];
extern const struct api_route api_v0_index_routes[];
extern const struct api_route api_v1_history_routes[];
extern const struct api_route api_v1_roles_routes[];
extern const struct api_route api_v1_sizes_routes[];
extern const struct api_route api_v1_service_routes[];
extern const struct api_route api_v1_webhooks_routes[];
extern const struct api_route api_v1_tag_rules_routes[];
extern const struct api_route api_v2_base_routes[];
extern const struct api_route api_v2_blob_routes[];
extern const struct api_route api_v2_list_routes[];
extern const struct api_route api_v2_manifest_routes[];
extern const struct api_route api_v2_upload_routes[];

/* clang-format off */
const struct api_route *const api_tables[] = {
    api_assets_routes,
    api_description_routes,
    api_enzi_config_routes,
    api_enzi_account_routes,
    api_enzi_admin_routes,
    api_enzi_gone_routes,
    api_enzi_key_routes,
    api_enzi_member_routes,
    api_enzi_team_routes,
    api_login_routes,
    api_ops_routes,
    api_token_routes,
    api_v0_access_routes,
    api_v0_accounts_routes,
    api_v0_cron_routes,
    api_v0_events_routes,
    api_v0_gone_routes,
    api_v0_job_routes,
    api_v0_meta_routes,
    api_v0_repositories_routes,
    api_v0_tags_routes,
    api_v0_token_routes,
    api_v0_settings_routes,
    api_v0_state_routes,
    api_v0_storage_routes,
    api_v0_webhooks_routes,
    api_v0_worker_routes,
    api_v1_access_routes,
    api_v1_audit_routes,
    api_v1_collection_routes,
    api_v1_grants_routes,
    api_v1_quota_routes,
    api_v1_pulls_routes,
    api_v1_holds_routes,
    api_v1_purges_routes,
    api_v0_index_routes,
    api_v1_history_routes,
    api_v1_roles_routes,
    api_v1_sizes_routes,
    api_v1_service_routes,
    api_v1_webhooks_routes,
    api_v1_tag_rules_routes,
    api_v2_base_routes,
    api_v2_blob_routes,
    api_v2_list_routes,
    api_v2_manifest_routes,
    api_v2_upload_routes,
    NULL,
};
/* clang-format on */
