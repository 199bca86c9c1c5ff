/* meta/statements.c: the list of lists. */
#include "meta/statements.h"

/* clang-format off */
const struct db_statements *const meta_statements[] = {
    &meta_account_key_statements,
    &meta_account_list_statements,
    &meta_account_statements,
    &meta_attempt_statements,
    &meta_audit_statements,
    &meta_blob_statements,
    &meta_check_statements,
    &meta_collect_statements,
    &meta_copy_statements,
    &meta_credential_statements,
    &meta_cron_statements,
    &meta_damage_statements,
    &meta_event_statements,
    &meta_grant_statements,
    &meta_job_statements,
    &meta_level_statements,
    &meta_manifest_statements,
    &meta_object_statements,
    &meta_org_statements,
    &meta_quota_statements,
    &meta_registry_statements,
    &meta_repo_list_statements,
    &meta_repo_statements,
    &meta_role_statements,
    &meta_session_statements,
    &meta_tag_statements,
    &meta_team_statements,
    &meta_token_statements,
    &meta_upload_statements,
    &meta_webhook_statements,
    &meta_webhook_queue_statements,
    NULL,
};
/* clang-format on */
