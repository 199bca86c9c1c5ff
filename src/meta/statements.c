/* meta/statements.c: the list of lists. */
#include "meta/statements.h"

const struct db_statements *const meta_statements[] = {
    &meta_account_statements,  &meta_blob_statements,
    &meta_copy_statements,     &meta_check_statements,
    &meta_damage_statements,   &meta_event_statements,
    &meta_manifest_statements, &meta_object_statements,
    &meta_registry_statements, &meta_repo_statements,
    &meta_tag_statements,      &meta_token_statements,
    &meta_upload_statements,   NULL,
};
