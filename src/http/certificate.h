/* http/certificate.h: the certificate of a TLS listener, replaceable while it serves, and the own CA that
 * is made when no certificate is given.
 *
 * The listener asks at each handshake (certificate callback), so a reload changes new connections and
 * leaves running ones alone. TLS 1.2 and 1.3 only, no renegotiation, modern suites. */
#ifndef HTTP_CERTIFICATE_H
#define HTTP_CERTIFICATE_H

#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;
struct http_certificate;

/* Reads a PEM chain and its key; checks that they belong together and tells when they end. */
int http_certificate_open(const char *chain_path, const char *key_path,
                          struct http_certificate **out, struct err *err);
/* Reads the same paths again. On failure the old one stays in force. */
int  http_certificate_reload(struct http_certificate *certificate, struct err *err);
void http_certificate_free(struct http_certificate **certificate);

/* Seconds since 1970 at which the chain's first certificate ends. */
int64_t http_certificate_ends_at(struct http_certificate *certificate);

/* The chain that is served now, as PEM in the arena. */
int http_certificate_chain(struct http_certificate *certificate, struct arena *arena,
                           struct str *out, struct err *err);

/* Does the certificate name this host or address (so that the token realm may use it)? */
int http_certificate_has_name(struct http_certificate *certificate, struct str host);

/* A CA (EC P-256, 10 years) and a server certificate (EC P-256, 397 days) for the given names and
 * addresses, as PEM texts. The caller keeps them: the CA key sealed. */
int http_ca_make(struct arena *arena, struct str *ca_pem, struct str *ca_key_pem, struct err *err);
int http_ca_issue(struct arena *arena, struct str ca_pem, struct str ca_key_pem,
                  const struct str *names, size_t n_names, struct str *chain_pem,
                  struct str *key_pem, struct err *err);

#endif
