/* url: one spelling of a URL, and what is looked at is where it goes. */
#include "net/url.h"

#include "check.h"

static struct arena *arena;
static struct err    err;

int url_test_setup(void **state)
{
    arena = arena_new();
    return 0;
}

int url_test_teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

static void check_url(const char *text, const char *origin, const char *host, const char *printed)
{
    struct net_url url;

    CHECK_OK(net_url_parse(arena, str_from(text), &url, &err), &err);
    CHECK_STR(url.origin, origin);
    CHECK_STR(url.host, host);
    CHECK_STR(url.text, printed);
}

void test_url_parts(void **state)
{
    check_url("https://Registry.Example.com/a?b=c#d", "https://registry.example.com:443",
              "registry.example.com", "https://Registry.Example.com/a?b=c");
    check_url("HTTP://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1",
              "http://127.0.0.1:8080/");
    check_url("https://[2001:DB8::1]:5000/x", "https://[2001:db8::1]:5000", "2001:db8::1",
              "https://[2001:DB8::1]:5000/x");
    check_url("https://[::fcff:10.0.0.1]/", "https://[::fcff:a00:1]:443", "::fcff:a00:1",
              "https://[::fcff:a00:1]/");
    check_url("https://[::ffff:10.0.0.1]/", "https://[::ffff:10.0.0.1]:443", "::ffff:10.0.0.1",
              "https://[::ffff:10.0.0.1]/");
    check_url("https://my_cache/", "https://my_cache:443", "my_cache", "https://my_cache/");
    check_url("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example:443",
              "xn--bcher-kva.example", "https://xn--bcher-kva.example/");
}

void test_url_has_one_spelling(void **state)
{
    static const char *const bad[] = {
        "",
        "example.com/x",
        "file:///etc/passwd",
        "gopher://example.com/",
        "ftp://example.com/",
        "https:/example.com/",
        "https:///example.com/",
        "https://",
        "https://:443/",
        "https://a:b@example.com/",
        "https://docker.io@evil.example/",
        "https://example.com:443@evil.example/",
        "https://example.com\\@evil.example/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://b\xc3\xbc"
        "cher.example/",
        "https://example.com./",
        "https://a..b/",
        "https://.example.com/",
        "https://exa%6dple.com/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://127.0.0.01/",
        "https://127.0.0.256/",
        "https://1.2.3.4.5/",
        "https://a.0x7f/",
        "https://[fe80::1%25eth0]/",
        "https://[127.0.0.1]/",
        "https://[::1/",
        "https://::1/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:+80/",
        "https://example.com:/",
    };
    struct net_url url;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (net_url_parse(arena, str_from(bad[i]), &url, &err) == 0)
            fail_msg("taken: %s as " STR_FMT, bad[i], STR_ARGS(url.text));
        assert_int_equal(err.kind, ERR_INVALID);
    }
    assert_int_equal(net_url_parse(arena, (struct str){ .p = "https://a/\0b", .n = 12 }, &url,
                                   &err),
                     -1);
}

/* What somebody typed before the @ is nobody else's business. */
void test_url_errors_tell_no_password(void **state)
{
    struct net_url url;

    CHECK_FAILS(net_url_parse(arena, STR("https://user:s3cret@example.com/"), &url, &err), &err,
                ERR_INVALID);
    assert_null(strstr(err.text, "s3cret"));
    assert_null(strstr(err.text, "user:"));
}

static void check_join(const char *location, const char *wanted)
{
    struct net_url from, url;

    CHECK_OK(net_url_parse(arena, STR("https://a.example/x/y?z"), &from, &err), &err);
    if (wanted == NULL) {
        CHECK_FAILS(net_url_join(arena, &from, str_from(location), &url, &err), &err, ERR_INVALID);
        return;
    }
    CHECK_OK(net_url_join(arena, &from, str_from(location), &url, &err), &err);
    CHECK_STR(url.text, wanted);
}

void test_url_of_a_redirect(void **state)
{
    check_join("/b", "https://a.example/b");
    check_join("b?c#d", "https://a.example/x/b?c");
    check_join("//b.example/c", "https://b.example/c");
    check_join("http://b.example/c", "http://b.example/c");
    check_join("../../../etc", "https://a.example/etc");
    check_join("file:///etc/passwd", NULL);
    check_join("gopher://b.example/", NULL);
    check_join("https:/b.example", NULL);
    check_join("https://u:p@b.example/", NULL);
    check_join("//u:p@b.example/", NULL);
    check_join("https://0x7f.1/", NULL);
    check_join("/a b", NULL);
    check_join("\\\\b.example\\c", NULL);
}

void test_url_is_bounded(void **state)
{
    char          *text = mem_alloc(arena, NET_URL_MAX + 2);
    struct net_url url;

    memset(text, 'x', NET_URL_MAX + 1);
    memcpy(text, "https://a.example/", 18);
    CHECK_OK(net_url_parse(arena, (struct str){ text, NET_URL_MAX }, &url, &err), &err);
    CHECK_FAILS(net_url_parse(arena, (struct str){ text, NET_URL_MAX + 1 }, &url, &err), &err,
                ERR_INVALID);
}
