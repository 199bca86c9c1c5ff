/* meta/statements.h: all statements of this folder, file by file, for the test that prepares every one on
 * every engine and looks at its plan. A file's list begins with META_STATEMENTS below its table. */
#ifndef META_STATEMENTS_H
#define META_STATEMENTS_H

#include <stddef.h>

#include "base/mem.h"
#include "db/db.h"

/* Ends with null. */
extern const struct db_statements *const meta_statements[];

extern const struct db_statements meta_account_key_statements;
extern const struct db_statements meta_account_list_statements;
extern const struct db_statements meta_account_statements;
extern const struct db_statements meta_activity_statements;
extern const struct db_statements meta_attempt_statements;
extern const struct db_statements meta_audit_statements;
extern const struct db_statements meta_blob_statements;
extern const struct db_statements meta_collect_statements;
extern const struct db_statements meta_copy_statements;
extern const struct db_statements meta_check_statements;
extern const struct db_statements meta_credential_statements;
extern const struct db_statements meta_cron_statements;
extern const struct db_statements meta_damage_statements;
extern const struct db_statements meta_event_statements;
extern const struct db_statements meta_grant_statements;
extern const struct db_statements meta_history_statements;
extern const struct db_statements meta_image_statements;
extern const struct db_statements meta_hold_statements;
extern const struct db_statements meta_level_statements;
extern const struct db_statements meta_job_statements;
extern const struct db_statements meta_manifest_statements;
extern const struct db_statements meta_object_statements;
extern const struct db_statements meta_org_statements;
extern const struct db_statements meta_quota_statements;
extern const struct db_statements meta_outbox_statements;
extern const struct db_statements meta_pull_statements;
extern const struct db_statements meta_purge_statements;
extern const struct db_statements meta_registry_statements;
extern const struct db_statements meta_repo_list_statements;
extern const struct db_statements meta_repo_statements;
extern const struct db_statements meta_role_statements;
extern const struct db_statements meta_search_statements;
extern const struct db_statements meta_session_statements;
extern const struct db_statements meta_tag_rule_statements;
extern const struct db_statements meta_size_statements;
extern const struct db_statements meta_tag_statements;
extern const struct db_statements meta_team_statements;
extern const struct db_statements meta_token_statements;
extern const struct db_statements meta_upload_statements;
extern const struct db_statements meta_webhook_statements;
extern const struct db_statements meta_webhook_queue_statements;

/* The list of a file whose table is called `sql`. */
#define META_STATEMENTS(noun)                                                      \
    const struct db_statements meta_##noun##_statements = { .name = "meta/" #noun, \
                                                            .list = sql,           \
                                                            .n    = ARRAY_LEN(sql) }

#endif
