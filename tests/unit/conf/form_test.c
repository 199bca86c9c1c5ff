/* form_test.c: addresses, networks and URLs: what is taken and what is not. */
#include "check.h"
#include "conf/conf_private.h"

struct forms {
    bool (*has_form)(struct str value);
    const char *good[12];
    const char *bad[24];
};

static const struct forms forms[] = {
    { .has_form = conf_form_listen,
      .good     = { "127.0.0.1:5000", "0.0.0.0:0", "[::1]:443", "[::]:65535", "localhost:80" },
      .bad      = { "",
                    ":",
                    ":5000",
                    "127.0.0.1",
                    "127.0.0.1:",
                    "127.0.0.1:65536",
                    "127.0.0.1:-1",
                    "127.0.0.1:+1",
                    "127.0.0.1:1x",
                    "127.0.0.1:000080",
                    "::1:80",
                    "[::1]",
                    "[::1]80",
                    "[127.0.0.1]:80",
                    "[:80",
                    "300.0.0.1:80",
                    "1.2.3:80",
                    "example.com:80",
                    "[]:80",
                    "127.0.0.1 :80" } },
    { .has_form = conf_form_network,
      .good = { "10.0.0.0/8", "0.0.0.0/0", "192.0.2.1", "192.0.2.1/32", "::1", "fd00::/8", "::/0",
                "::1/128" },
      .bad  = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "300.0.0.0/8", "10/8", "fd00::/129",
                "fd00::/8/8", "10.0.0.0/-1", "x", "[::1]/128", "10.0.0.0/8 " } },
    { .has_form = conf_form_url,
      .good     = { "http://localhost", "https://registry.example.com", "https://r.example:8443",
                    "http://[::1]:5000", "https://[2001:db8::1]", "http://10.0.0.1:80" },
      .bad = { "", "https://", "https:", "ftp://x", "https://user@x", "https://x/", "https://x/y",
               "https://x:", "https://x:65536", "https://x y", "HTTPS://x", "registry.example.com",
               "https://[::1", "https://x:1:2", "https://:80", "https://-x", "https://.",
               "https://x?y", "https://x#y" } },
    { .has_form = conf_form_proxy,
      .good     = { "http://proxy:3128", "https://proxy.example.com/", "http://u:p@[::1]:3128",
                    "http://u%40x:p@10.0.0.1:80" },
      .bad      = { "", "proxy:3128", "socks5://proxy", "http://", "http://@", "http://u:p@",
                    "http://p/x", "http://u p@proxy", "http://u@v@proxy", "http://a/b@proxy",
                    "http://proxy:65536" } },
    { .has_form = conf_form_certificates,
      .good     = { "off" },
      .bad      = { "", "on", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" } },
    { .has_form = conf_form_database,
      .good     = { "sqlite:x.db", "postgres://h/d", "postgresql://h/d" },
      .bad      = { "", "sqlite:", "oracle:x", "x.db", "postgres:x", "postgresql://" } },
    { .has_form = conf_form_storage,
      .good     = { "file:/x", "file:x", "mem:" },
      .bad      = { "", "file:", "mem", "mem:x", "s3:x", "gopher:x", "/x" } },
};

void test_form_good_and_bad(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        for (const char *const *text = forms[i].good; *text != NULL; text++) {
            if (!forms[i].has_form(str_from(*text)))
                fail_msg("form %zu refuses %s", i, *text);
        }
        for (const char *const *text = forms[i].bad; *text != NULL; text++) {
            if (forms[i].has_form(str_from(*text)))
                fail_msg("form %zu takes %s", i, *text);
        }
    }
}

void test_form_long_texts(void **state)
{
    char text[CONF_VALUE_MAX];

    memset(text, '1', sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        assert_false(forms[i].has_form((struct str){ .p = text, .n = sizeof(text) }));
}
