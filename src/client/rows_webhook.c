/* client/rows_webhook.c: webhooks: who is told of what, and what became of it. */
#include "client/rows.h"

#include <stddef.h>

#include "base/err.h"
#include "client/run.h"

/* Its id is a number. */
static int add_event(struct client_run *run, struct err *err)
{
    struct str event = client_hole(&run->input, "EVENT");
    int64_t    id;

    if (!str_to_int(event, &id))
        return err_set(err, ERR_INVALID, "EVENT is the number of an event");
    client_body_add(run, "from", event);
    return 0;
}

/* clang-format off */

static const struct client_option list_options[] = {
    { "--key",      "KEY",    CLIENT_TEXT, CLIENT_IN_QUERY, "key",  NULL, "of that repository or namespace" },
    { "--type",     "TYPE",   CLIENT_TEXT, CLIENT_IN_QUERY, "type", NULL, "of that type" },
    { 0 },
};

#define TARGET_OPTIONS \
    { "--cert",     "FILE",   CLIENT_FILE, CLIENT_IN_BODY,  "tlsCert",             NULL,   "authorities of the receiver, in PEM" }, \
    { "--skip-tls", NULL,     CLIENT_FLAG, CLIENT_IN_BODY,  "skipTLSVerification", "true", "trusts any certificate; for http:// too" }, \
    { "--shape",    "dtr|harbor|distribution|cloudevents", CLIENT_TEXT, CLIENT_IN_BODY, "shape", NULL, "of the body; dtr without it" }

static const struct client_option create_options[] = {
    { "--key",      "KEY",    CLIENT_TEXT, CLIENT_IN_BODY,  "key",  NULL, "a repository or a namespace; without it everything" },
    TARGET_OPTIONS,
    { "--secret",   "SECRET", CLIENT_TEXT, CLIENT_IN_BODY,  "secret", NULL, "whsec_ and base64; without it one is made" },
    { 0 },
};

static const struct client_option test_options[] = {
    TARGET_OPTIONS,
    { "--secret",   "SECRET", CLIENT_TEXT, CLIENT_IN_BODY,  "secret", NULL, "signs the call" },
    { 0 },
};

static const struct client_option update_options[] = {
    { "--endpoint", "URL",    CLIENT_TEXT, CLIENT_IN_BODY,  "endpoint", NULL, "where calls go from now on" },
    TARGET_OPTIONS,
    { "--verify",   NULL,     CLIENT_FLAG, CLIENT_IN_BODY,  "skipTLSVerification", "false", "trusts the system's authorities and --cert again" },
    { "--off",      NULL,     CLIENT_FLAG, CLIENT_IN_BODY,  "inactive", "true",  "it is told of nothing" },
    { "--on",       NULL,     CLIENT_FLAG, CLIENT_IN_BODY,  "inactive", "false", "it is told again of what happens from now on" },
    { 0 },
};

static const struct client_option enable_options[] = {
    { "--replay",   NULL,     CLIENT_FLAG, CLIENT_IN_BODY,  "replay", "true", "tells it of what it missed" },
    { 0 },
};

static const struct client_option rotate_options[] = {
    { "--overlap",  "24h",    CLIENT_TEXT, CLIENT_IN_BODY,  "overlap", NULL, "how long the one before signs too; 0 for not at all" },
    { "--secret",   "SECRET", CLIENT_TEXT, CLIENT_IN_BODY,  "secret",  NULL, "whsec_ and base64; without it one is made" },
    { 0 },
};

static const struct client_column columns[] = {
    { "ID", "id", CLIENT_AS_IS }, { "TYPE", "type", CLIENT_AS_IS }, { "KEY", "key", CLIENT_AS_IS }, { "SHAPE", "shape", CLIENT_AS_IS },
    { "ENDPOINT", "endpoint", CLIENT_AS_IS }, { "STATE", "state", CLIENT_AS_IS }, { "LAST SUCCESS", "lastSuccessfulAt", CLIENT_TIME },
    { 0 },
};

static const struct client_column details[] = {
    { "ID", "id", CLIENT_AS_IS }, { "TYPE", "type", CLIENT_AS_IS }, { "KEY", "key", CLIENT_AS_IS }, { "SHAPE", "shape", CLIENT_AS_IS },
    { "ENDPOINT", "endpoint", CLIENT_AS_IS }, { "STATE", "state", CLIENT_AS_IS }, { "SIGNED", "hasSecret", CLIENT_AS_IS },
    { "LAST SUCCESS", "lastSuccessfulAt", CLIENT_TIME }, { "FAILURES", "failures", CLIENT_AS_IS },
    { "LAST FAILURE", "lastFailure", CLIENT_AS_IS }, { "NEXT CALL", "nextAttemptAt", CLIENT_TIME },
    { "MISSED FROM", "missedFrom", CLIENT_AS_IS }, { 0 },
};

static const struct client_column new_columns[] = {
    { "ID", "id", CLIENT_AS_IS }, { "SECRET", "secret", CLIENT_AS_IS }, { "TYPE", "type", CLIENT_AS_IS }, { "KEY", "key", CLIENT_AS_IS },
    { 0 },
};

static const struct client_column secret_columns[] = {
    { "SECRET", "secret", CLIENT_AS_IS }, { "OLD ONE SIGNS UNTIL", "oldSecretUntil", CLIENT_TIME }, { 0 },
};

static const struct client_column log_columns[] = {
    { "AT", "at", CLIENT_TIME }, { "EVENT", "event", CLIENT_AS_IS }, { "TYPE", "type", CLIENT_AS_IS },
    { "REPOSITORY", "repository", CLIENT_AS_IS }, { "OBJECT", "object", CLIENT_AS_IS }, { "TRY", "attempt", CLIENT_AS_IS },
    { "STATUS", "status", CLIENT_AS_IS }, { "MS", "durationMs", CLIENT_AS_IS }, { "DELIVERED", "delivered", CLIENT_AS_IS },
    { "FAILURE", "failure", CLIENT_AS_IS }, { 0 },
};

static const struct client_column replay_columns[] = { { "JOB", "job", CLIENT_AS_IS }, { 0 } };

const struct client_command client_webhook_rows[] = {
    { .name = "webhook ls", .args = "", .summary = "List webhooks that one may manage",
      .method = "GET", .path = "/api/v1/webhooks", .options = list_options,
      .list = "webhooks", .paging = CLIENT_BY_PAGE_START, .columns = columns,
      .examples = "assay webhook ls\nassay webhook ls --key acme/shop" },
    { .name = "webhook show", .args = "ID", .summary = "Show a webhook and how its calls go",
      .method = "GET", .path = "/api/v1/webhooks/{ID}", .columns = details,
      .examples = "assay webhook show 0198c0de-0000-7000-8000-000000000000" },
    { .name = "webhook create", .args = "TYPE ENDPOINT", .summary = "Make a webhook; its secret is shown once",
      .method = "POST", .path = "/api/v1/webhooks", .body = "type=TYPE,endpoint=ENDPOINT", .options = create_options,
      .columns = new_columns,
      .more = "TYPE is one of TAG_PUSH, TAG_PULL, TAG_DELETE, MANIFEST_PUSH, MANIFEST_PULL, MANIFEST_DELETE, BLOB_PUSH,\n"
              "BLOB_MOUNT, BLOB_DELETE, QUOTA_WARNING, QUOTA_EXCEED, REPO_EVENT (of a namespace), SCAN_COMPLETED,\n"
              "SCAN_FAILED, PROMOTION, PUSH_MIRRORING, POLL_MIRRORING, SCANNER_UPDATE_COMPLETED (of everything), or\n"
              "ANY. Calls are signed as Standard Webhooks say.",
      .examples = "assay webhook create TAG_PUSH https://ci.example.com/hook --key acme/shop\n"
                  "assay webhook create ANY https://bus.example.com/events --key acme --shape cloudevents" },
    { .name = "webhook test", .args = "TYPE ENDPOINT", .summary = "Call a receiver once with a sample",
      .method = "POST", .path = "/api/v1/webhooks/test", .body = "type=TYPE,endpoint=ENDPOINT", .options = test_options,
      .done = "{ENDPOINT} took it",
      .examples = "assay webhook test TAG_PUSH https://ci.example.com/hook" },
    { .name = "webhook update", .args = "ID", .summary = "Change a webhook, or switch it off and on",
      .method = "PATCH", .path = "/api/v1/webhooks/{ID}", .has_body = true, .options = update_options, .columns = columns,
      .examples = "assay webhook update 0198c0de-0000-7000-8000-000000000000 --off" },
    { .name = "webhook enable", .args = "ID", .summary = "Switch a webhook that was stopped on again",
      .method = "POST", .path = "/api/v1/webhooks/{ID}/enable", .has_body = true, .options = enable_options, .columns = columns,
      .examples = "assay webhook enable 0198c0de-0000-7000-8000-000000000000 --replay" },
    { .name = "webhook rm", .args = "ID", .summary = "Delete a webhook, with what waits for it",
      .method = "DELETE", .path = "/api/v1/webhooks/{ID}", .done = "deleted webhook {ID}",
      .examples = "assay webhook rm 0198c0de-0000-7000-8000-000000000000" },
    { .name = "webhook log", .args = "ID", .summary = "List the calls that were made for a webhook, the newest first",
      .method = "GET", .path = "/api/v1/webhooks/{ID}/deliveries", .list = "deliveries", .paging = CLIENT_BY_PAGE_START,
      .limit = 100, .columns = log_columns,
      .examples = "assay webhook log 0198c0de-0000-7000-8000-000000000000" },
    { .name = "webhook replay", .args = "ID EVENT", .summary = "Tell a webhook once more of what happened from an event on",
      .method = "POST", .path = "/api/v1/webhooks/{ID}/replay", .has_body = true, .fill = add_event, .columns = replay_columns,
      .more = "EVENT is an id of `assay webhook log` or of `missed from`. It is a job: receivers see each message with the\n"
              "id that it had before.",
      .examples = "assay webhook replay 0198c0de-0000-7000-8000-000000000000 4711" },
    { .name = "webhook rotate-secret", .args = "ID", .summary = "Give a webhook a new secret; it is shown once",
      .method = "POST", .path = "/api/v1/webhooks/{ID}/secret", .has_body = true, .options = rotate_options,
      .columns = secret_columns,
      .examples = "assay webhook rotate-secret 0198c0de-0000-7000-8000-000000000000 --overlap 7d" },
    { 0 },
};
/* clang-format on */
