/* hook_body_test.c: the bodies of webhooks, letter by letter, and their signature as Standard Webhooks give it. */
#include "work/hook_body.h"

#include <stdio.h>

#include "check.h"
#include "codec/json.h"
#include "oci/manifest.h"
#include "work/hook_private.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct arena *arena;

int hook_body_test_setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

int hook_body_test_teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct hook_facts facts_of(const char *type)
{
    return hook_sample(hook_type_find(str_from(type)), STR("https://r.example:5443"), STR("node1"));
}

static void check_body(enum hook_shape shape, const char *type, const char *wanted)
{
    struct hook_facts facts = facts_of(type);

    CHECK_STR(hook_body(arena, shape, &facts), wanted);
}

void test_hook_body_of_dtr(void **state)
{
    (void)state;
    check_body(
        HOOK_DTR, "TAG_PUSH",
        "{\"type\":\"TAG_PUSH\",\"createdAt\":\"2006-01-02T15:04:05Z\",\"contents\":{"
        "\"namespace\":\"foo\",\"repository\":\"bar\",\"tag\":\"latest\",\"digest\":\"" DIGEST "\","
        "\"imageName\":\"r.example:5443/foo/"
        "bar:latest\",\"os\":\"linux\",\"architecture\":\"amd64\","
        "\"author\":\"test\",\"pushedAt\":\"2006-01-02T15:04:05Z\"},"
        "\"location\":\"/repositories/foo/bar/tags/latest\"}");
    check_body(
        HOOK_DTR, "TAG_DELETE",
        "{\"type\":\"TAG_DELETE\",\"createdAt\":\"2006-01-02T15:04:05Z\",\"contents\":{"
        "\"namespace\":\"foo\",\"repository\":\"bar\",\"tag\":\"latest\",\"digest\":\"" DIGEST "\","
        "\"imageName\":\"r.example:5443/foo/"
        "bar:latest\",\"os\":\"linux\",\"architecture\":\"amd64\","
        "\"author\":\"test\",\"deletedAt\":\"2006-01-02T15:04:05Z\"},"
        "\"location\":\"/repositories/foo/bar/tags/latest\"}");
    check_body(HOOK_DTR, "MANIFEST_PUSH",
               "{\"type\":\"MANIFEST_PUSH\",\"createdAt\":\"2006-01-02T15:04:05Z\",\"contents\":{"
               "\"namespace\":\"foo\",\"repository\":\"bar\",\"digest\":\"" DIGEST "\","
               "\"imageName\":\"r.example:5443/foo/bar@" DIGEST
               "\",\"os\":\"linux\",\"architecture\":\"amd64\","
               "\"author\":\"test\"},\"location\":\"/repositories/foo/bar/manifests/" DIGEST "\"}");
    check_body(HOOK_DTR, "REPO_EVENT",
               "{\"type\":\"REPO_EVENT\",\"createdAt\":\"2006-01-02T15:04:05Z\",\"contents\":{"
               "\"namespace\":\"foo\",\"repository\":\"bar\",\"event\":\"REPO_CREATED\",\"author\":"
               "\"test\","
               "\"data\":null},\"location\":\"/repositories/foo/bar\"}");
    check_body(
        HOOK_DTR, "SCAN_COMPLETED",
        "{\"type\":\"SCAN_COMPLETED\",\"createdAt\":\"2006-01-02T15:04:05Z\",\"contents\":{"
        "\"namespace\":\"foo\",\"repository\":\"bar\",\"tag\":\"latest\","
        "\"imageName\":\"r.example:5443/foo/bar:latest\",\"scanSummary\":{\"namespace\":\"foo\","
        "\"repository\":\"bar\",\"tag\":\"latest\",\"critical\":1,\"major\":2,\"minor\":3,"
        "\"last_scan_status\":6,\"check_completed_at\":\"2006-01-02T15:04:05Z\"}},"
        "\"location\":\"/repositories/foo/bar/tags/latest\"}");
    check_body(HOOK_DTR, "SCAN_FAILED",
               "{\"type\":\"SCAN_FAILED\",\"createdAt\":\"2006-01-02T15:04:05Z\",\"contents\":{"
               "\"namespace\":\"foo\",\"repository\":\"bar\",\"tag\":\"latest\","
               "\"imageName\":\"r.example:5443/foo/bar:latest\",\"error\":\"this is a test\"},"
               "\"location\":\"/repositories/foo/bar/tags/latest\"}");
    check_body(
        HOOK_DTR, "SCANNER_UPDATE_COMPLETED",
        "{\"type\":\"SCANNER_UPDATE_COMPLETED\",\"createdAt\":\"2006-01-02T15:04:05Z\","
        "\"contents\":{"
        "\"scanner_version\":3,\"scanner_updated_at\":\"2006-01-02T15:04:05Z\",\"db_version\":1,"
        "\"db_updated_at\":\"2006-01-02T15:04:05Z\",\"success\":true,\"replicas\":{\"node1\":{"
        "\"db_updated_at\":\"2006-01-02T15:04:05Z\",\"version\":3,\"replica_id\":\"node1\"}}},"
        "\"location\":\"\"}");
}

void test_hook_body_of_harbor(void **state)
{
    (void)state;
    check_body(
        HOOK_HARBOR, "TAG_PULL",
        "{\"type\":\"PULL_ARTIFACT\",\"occur_at\":1136214245,\"operator\":\"test\",\"event_data\":{"
        "\"resources\":[{\"digest\":\"" DIGEST "\",\"tag\":\"latest\","
        "\"resource_url\":\"r.example:5443/foo/bar:latest\"}],\"repository\":{"
        "\"date_created\":1136214245,\"name\":\"bar\",\"namespace\":\"foo\","
        "\"repo_full_name\":\"foo/bar\",\"repo_type\":\"private\"}}}");
    check_body(HOOK_HARBOR, "MANIFEST_DELETE",
               "{\"type\":\"DELETE_ARTIFACT\",\"occur_at\":1136214245,\"operator\":\"test\","
               "\"event_data\":{"
               "\"resources\":[{\"digest\":\"" DIGEST "\",\"tag\":\"" DIGEST "\","
               "\"resource_url\":\"r.example:5443/foo/bar@" DIGEST "\"}],\"repository\":{"
               "\"date_created\":1136214245,\"name\":\"bar\",\"namespace\":\"foo\","
               "\"repo_full_name\":\"foo/bar\",\"repo_type\":\"private\"}}}");
}

void test_hook_body_of_quotas(void **state)
{
    struct hook_facts facts = facts_of("QUOTA_EXCEED");

    (void)state;
    CHECK_STR(hook_body(arena, HOOK_DTR, &facts),
              "{\"type\":\"QUOTA_EXCEED\",\"createdAt\":\"2006-01-02T15:04:05Z\",\"contents\":{"
              "\"path\":\"foo/bar\",\"author\":\"test\",\"exceededAt\":\"2006-01-02T15:04:05Z\"},"
              "\"location\":\"\"}");
    facts.repository = STR("");
    CHECK_STR(
        hook_body(arena, HOOK_HARBOR, &facts),
        "{\"type\":\"QUOTA_EXCEED\",\"occur_at\":1136214245,\"operator\":\"test\",\"event_data\":{"
        "\"custom_attributes\":{\"Details\":\"the quota of foo is all used up\"}}}");
}

void test_hook_body_of_cloudevents(void **state)
{
    (void)state;
    check_body(
        HOOK_CLOUDEVENTS, "REPO_EVENT",
        "{\"specversion\":\"1.0\",\"id\":\"3166c5b6-7190-8537-b9c1-bda7b12b4241\","
        "\"source\":\"/projects/foo/webhook/policies/00000000-0000-0000-0000-000000000000\","
        "\"type\":\"assay.repository.created\",\"time\":\"2006-01-02T15:04:05Z\","
        "\"datacontenttype\":\"application/json\",\"operator\":\"test\",\"data\":{\"repository\":{"
        "\"date_created\":1136214245,\"name\":\"bar\",\"namespace\":\"foo\","
        "\"repo_full_name\":\"foo/bar\",\"repo_type\":\"private\"}}}");
}

void test_hook_body_of_distribution(void **state)
{
    struct hook_facts     facts    = facts_of("TAG_PUSH");
    struct oci_descriptor layer    = { .media_type = STR("application/x"), .size = 7 };
    struct oci_manifest   manifest = { .layers = &layer, .n_layers = 1 };

    (void)state;
    snprintf(layer.digest.text, sizeof(layer.digest.text), "%s", DIGEST);
    facts.manifest   = &manifest;
    facts.size       = 512;
    facts.request_id = STR("request-1");
    CHECK_STR(
        hook_body(arena, HOOK_DISTRIBUTION, &facts),
        "{\"events\":[{\"id\":\"3166c5b6-7190-8537-b9c1-bda7b12b4241\","
        "\"timestamp\":\"2006-01-02T15:04:05Z\",\"action\":\"push\",\"target\":{"
        "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"size\":512,\"length\":512,"
        "\"digest\":\"" DIGEST "\",\"repository\":\"foo/bar\","
        "\"url\":\"https://r.example:5443/v2/foo/bar/manifests/" DIGEST "\",\"tag\":\"latest\","
        "\"references\":[{\"mediaType\":\"application/x\",\"digest\":\"" DIGEST "\",\"size\":7}]},"
        "\"request\":{\"id\":\"request-1\",\"addr\":\"\",\"host\":\"r.example:5443\",\"method\":"
        "\"PUT\","
        "\"useragent\":\"\"},\"actor\":{\"name\":\"test\"},"
        "\"source\":{\"addr\":\"r.example:5443\",\"instanceID\":\"node1\"}}]}");
    facts.type = hook_type_find(STR("TAG_DELETE"));
    CHECK_STR(hook_body(arena, HOOK_DISTRIBUTION, &facts),
              "{\"events\":[{\"id\":\"3166c5b6-7190-8537-b9c1-bda7b12b4241\","
              "\"timestamp\":\"2006-01-02T15:04:05Z\",\"action\":\"delete\",\"target\":{"
              "\"digest\":\"" DIGEST "\",\"repository\":\"foo/bar\",\"tag\":\"latest\"},"
              "\"request\":{\"id\":\"request-1\",\"addr\":\"\",\"host\":\"r.example:5443\","
              "\"method\":\"DELETE\",\"useragent\":\"\"},\"actor\":{\"name\":\"test\"},"
              "\"source\":{\"addr\":\"r.example:5443\",\"instanceID\":\"node1\"}}]}");
}

void test_hook_body_of_every_type_and_shape_is_json(void **state)
{
    struct err err;

    (void)state;
    for (const struct hook_type *type = hook_types; type->name != NULL; type++) {
        for (int shape = 0; shape < HOOK_N_SHAPES; shape++) {
            struct hook_facts facts = facts_of(type->name);

            if (!hook_type_fits(type, (enum hook_shape)shape))
                continue;
            facts.actor = STR("\"<\\\n\xff");
            CHECK_OK(json_check(hook_body(arena, (enum hook_shape)shape, &facts),
                                &json_limits_default, &err),
                     &err);
        }
    }
}

void test_hook_types_are_found_by_their_events(void **state)
{
    (void)state;
    for (const struct hook_type *type = hook_types; type->name != NULL; type++) {
        struct str rest = str_from(type->events), event;

        assert_ptr_equal(hook_type_find(str_from(type->name)), type);
        assert_int_not_equal(type->scopes, 0);
        while (str_next(&rest, ' ', &event))
            assert_ptr_equal(hook_type_of_event(event), type);
    }
    assert_null(hook_type_find(STR("tag_push")));
    assert_null(hook_type_of_event(STR("WEBHOOK_SENT")));
}

/* The example of the specification of Standard Webhooks. */
void test_hook_signature_is_that_of_standard_webhooks(void **state)
{
    struct str secrets[] = { STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), STR_NULL };
    struct str signature;
    struct err err;

    (void)state;
    CHECK_OK(hook_sign(arena, secrets, 2, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                       STR("{\"test\": 2432232314}"), &signature, &err),
             &err);
    CHECK_STR(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    secrets[1] = secrets[0];
    CHECK_OK(hook_sign(arena, secrets, 2, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                       STR("{\"test\": 2432232314}"), &signature, &err),
             &err);
    CHECK_STR(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
                         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    secrets[0] = secrets[1] = STR_NULL;
    CHECK_OK(hook_sign(arena, secrets, 2, STR("m"), 1, STR(""), &signature, &err), &err);
    assert_int_equal(signature.n, 0);
}

void test_hook_secrets_have_one_form(void **state)
{
    static const char *const bad[] = { "", "whsec_", "whsec_AAAA",
                                       "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa*w" };
    struct str               key;
    struct err               err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_FAILS(hook_secret_parse(arena, str_from(bad[i]), &key, &err), &err, ERR_INVALID);
    CHECK_OK(hook_secret_parse(arena, hook_secret_make(arena), &key, &err), &err);
    assert_int_equal(key.n, 32);
}
