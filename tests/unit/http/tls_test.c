/* tls_test.c: the own CA, serving under TLS, what is refused there, and a certificate replaced meanwhile. */
#include "http/certificate.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "rig.h"

struct client {
    int                              fd;
    gnutls_session_t                 session;
    gnutls_certificate_credentials_t trust;
};

int tls_test_setup(void **state)
{
    *state = rig_start(NULL, NULL, RIG_TLS);
    return 0;
}

int tls_test_teardown(void **state)
{
    struct rig *rig = *state;

    rig_stop(&rig);
    return 0;
}

static int shake_hands(struct rig *rig, struct client *client, const char *priorities)
{
    char ca[128];
    int  code;

    snprintf(ca, sizeof(ca), "%s/ca.pem", rig->folder);
    client->fd = rig_connect(rig);
    gnutls_certificate_allocate_credentials(&client->trust);
    assert_int_equal(gnutls_certificate_set_x509_trust_file(client->trust, ca, GNUTLS_X509_FMT_PEM),
                     1);
    gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    assert_int_equal(gnutls_priority_set_direct(client->session, priorities, NULL), 0);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->trust);
    gnutls_session_set_verify_cert(client->session, "localhost", 0);
    gnutls_transport_set_int(client->session, client->fd);
    do
        code = gnutls_handshake(client->session);
    while (code < 0 && gnutls_error_is_fatal(code) == 0);
    return code;
}

static void hang_up(struct client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->trust);
    rig_hang_up(&client->fd);
}

/* Everything until the server closes. */
static size_t ask(struct client *client, const char *text, char *out, size_t room)
{
    size_t  n = 0;
    ssize_t part;

    assert_int_equal(gnutls_record_send(client->session, text, strlen(text)), strlen(text));
    while ((part = gnutls_record_recv(client->session, out + n, room - 1 - n)) > 0)
        n += (size_t)part;
    out[n] = '\0';
    return n;
}

void test_requests_under_tls(void **state)
{
    struct rig   *rig = *state;
    struct client client;
    size_t        room = 512 * 1024;
    char         *text = malloc(room);

    assert_int_equal(shake_hands(rig, &client, "NORMAL"), 0);
    ask(&client, "GET /facts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", text, room);
    assert_non_null(strstr(text, "\ntls 1\n"));
    hang_up(&client);

    assert_int_equal(shake_hands(rig, &client, "NORMAL"), 0);
    ask(&client,
        "PUT /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        text, room);
    assert_non_null(
        strstr(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    hang_up(&client);

    assert_int_equal(shake_hands(rig, &client, "NORMAL"), 0);
    size_t n = ask(&client, "GET /file?5-200000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                   text, room);
    const char *body = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(n - (size_t)(body - text), 200000);
    for (size_t i = 0; i < 200000; i++)
        assert_int_equal(body[i], rig_file_text[(i + 5) % 16]);
    hang_up(&client);
    free(text);
}

/* The answer past the library works under TLS as well. */
void test_an_endless_body_under_tls(void **state)
{
    struct rig   *rig = *state;
    struct client client;
    size_t        size = 1024 * 1024;
    char         *body = calloc(1, size);
    char          text[4096];

    assert_int_equal(shake_hands(rig, &client, "NORMAL"), 0);
    snprintf(text, sizeof(text),
             "PUT /deny HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
    assert_true(gnutls_record_send(client.session, text, strlen(text)) > 0);
    for (int i = 0; i < 18; i++) {
        for (size_t n = 0; n < size;) {
            ssize_t part = gnutls_record_send(client.session, body + n, size - n);

            if (part <= 0)
                break;
            n += (size_t)part;
        }
    }
    ssize_t n = gnutls_record_recv(client.session, text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_int_equal(strncmp(text, "HTTP/1.1 401 ", 13), 0);
    hang_up(&client);
    free(body);
}

void test_old_protocols_and_suites_are_refused(void **state)
{
    static const char *const refused[] = {
        "NORMAL:-VERS-ALL:+VERS-TLS1.0",
        "NORMAL:-VERS-ALL:+VERS-TLS1.1",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
    };
    static const char *const taken[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                         "NORMAL:-VERS-ALL:+VERS-TLS1.3" };
    struct client            client;

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        print_message("%s\n", refused[i]);
        assert_true(shake_hands(*state, &client, refused[i]) < 0);
        hang_up(&client);
    }
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        assert_int_equal(shake_hands(*state, &client, taken[i]), 0);
        hang_up(&client);
    }
}

void test_no_resumption_no_early_data(void **state)
{
    struct client client;
    char          text[4096];

    assert_int_equal(shake_hands(*state, &client, "NORMAL"), 0);
    ask(&client, "GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", text, sizeof(text));
    assert_true((gnutls_session_get_flags(client.session) & GNUTLS_SFLAGS_SESSION_TICKET) == 0);
    assert_true((gnutls_session_get_flags(client.session) & GNUTLS_SFLAGS_EARLY_DATA) == 0);
    hang_up(&client);
}

void test_plain_http_to_a_tls_listener(void **state)
{
    struct rig *rig = *state;
    int         fd  = rig_connect(rig);

    rig_say(fd, "GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(rig_is_closed(fd));
    assert_int_equal(atomic_load(&rig->n_known), 0);
    rig_hang_up(&fd);
}

static void serial_of(struct client *client, unsigned char out[32], size_t *n)
{
    unsigned              n_list;
    const gnutls_datum_t *list = gnutls_certificate_get_peers(client->session, &n_list);
    gnutls_x509_crt_t     crt;

    assert_int_equal(n_list, 2);
    gnutls_x509_crt_init(&crt);
    assert_int_equal(gnutls_x509_crt_import(crt, &list[0], GNUTLS_X509_FMT_DER), 0);
    *n = 32;
    gnutls_x509_crt_get_serial(crt, out, n);
    gnutls_x509_crt_deinit(crt);
}

static void write_text(struct rig *rig, const char *name, struct str text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
    FILE *file = fopen(path, "w");
    assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    fclose(file);
}

void test_a_reload_changes_new_connections_only(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct rig                    *rig   = *state;
    const struct str               name  = STR("localhost");
    struct client                  old;
    struct client new;
    struct str    ca, ca_key, chain, key;
    unsigned char a[32], b[32];
    size_t        n_a, n_b;
    char          text[4096];
    struct err    err;

    assert_int_equal(shake_hands(rig, &old, "NORMAL"), 0);
    serial_of(&old, a, &n_a);

    /* A key that is another's: the old certificate stays in force. */
    CHECK_OK(http_ca_make(arena, &ca, &ca_key, &err), &err);
    CHECK_OK(http_ca_issue(arena, ca, ca_key, &name, 1, &chain, &key, &err), &err);
    write_text(rig, "key.pem", key);
    CHECK_FAILS(http_certificate_reload(rig->certificate, &err), &err, ERR_INVALID);
    assert_int_equal(shake_hands(rig, &new, "NORMAL"), 0);
    hang_up(&new);

    write_text(rig, "chain.pem", chain);
    write_text(rig, "ca.pem", ca);
    for (int i = 0; i < 20; i++)
        CHECK_OK(http_certificate_reload(rig->certificate, &err), &err);
    assert_int_equal(shake_hands(rig, &new, "NORMAL"), 0);
    serial_of(&new, b, &n_b);
    assert_true(n_a != n_b || memcmp(a, b, n_a) != 0);
    hang_up(&new);
    ask(&old, "GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", text, sizeof(text));
    assert_non_null(strstr(text, "\r\n\r\nfast"));
    hang_up(&old);
}

void test_names_and_the_end(void **state)
{
    struct rig              *rig         = *state;
    struct http_certificate *certificate = rig->certificate;
    int64_t                  days = (http_certificate_ends_at(certificate) - time(NULL)) / 86400;

    assert_in_range(days, 396, 397);
    assert_true(http_certificate_has_name(certificate, STR("localhost")));
    assert_true(http_certificate_has_name(certificate, STR("LOCALHOST")));
    assert_true(http_certificate_has_name(certificate, STR("127.0.0.1")));
    assert_false(http_certificate_has_name(certificate, STR("127.0.0.2")));
    assert_false(http_certificate_has_name(certificate, STR("localhost.evil.org")));
    assert_false(http_certificate_has_name(certificate, STR("")));
}

void test_what_cannot_be_a_certificate(void **state)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct rig                    *rig   = *state;
    struct http_certificate       *out   = NULL;
    char                           chain[128];
    char                           key[128];
    struct err                     err;

    snprintf(chain, sizeof(chain), "%s/chain.pem", rig->folder);
    snprintf(key, sizeof(key), "%s/key.pem", rig->folder);
    assert_int_equal(http_certificate_open("/nowhere/x.pem", key, &out, &err), -1);
    CHECK_FAILS(http_certificate_open(key, key, &out, &err), &err, ERR_INVALID);
    CHECK_FAILS(http_certificate_open(chain, chain, &out, &err), &err, ERR_INVALID);
    write_text(rig, "key.pem", STR(""));
    CHECK_FAILS(http_certificate_open(chain, key, &out, &err), &err, ERR_INVALID);
    assert_null(out);
}

void test_names_that_a_certificate_cannot_have(void **state)
{
    static const char *const       bad[] = { "",     "a,DNS:evil.org", "a b",
                                             "a\nb", "dirName:x",      "IP:1.2.3.4" };
    AUTO(arena_free) struct arena *arena = arena_new();
    struct str                     ca, ca_key, chain, key;
    struct err                     err;

    (void)state;
    CHECK_OK(http_ca_make(arena, &ca, &ca_key, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str name = str_from(bad[i]);

        CHECK_FAILS(http_ca_issue(arena, ca, ca_key, &name, 1, &chain, &key, &err), &err,
                    ERR_INVALID);
    }
    assert_int_equal(http_ca_issue(arena, ca, ca_key, NULL, 0, &chain, &key, &err), -1);
    struct str name = STR("[2001:db8::1]");
    CHECK_OK(http_ca_issue(arena, ca, ca_key, &name, 1, &chain, &key, &err), &err);
    assert_true(str_starts(chain, STR("-----BEGIN CERTIFICATE-----\n")));
    assert_true(str_starts(key, STR("-----BEGIN PRIVATE KEY-----\n")));
    assert_int_equal(http_ca_issue(arena, ca, key, &name, 1, &chain, &key, &err), -1);
}
