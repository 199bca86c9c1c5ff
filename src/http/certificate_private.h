/* http/certificate_private.h: what the listener asks of a certificate at each handshake. */
#ifndef HTTP_CERTIFICATE_PRIVATE_H
#define HTTP_CERTIFICATE_PRIVATE_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

struct http_certificate;

/* Any thread. What is given out lives as long as the certificate, reloaded or not. */
int http_certificate_present(struct http_certificate *certificate, gnutls_pcert_st **chain,
                             unsigned *n_chain, gnutls_privkey_t *key);

#endif
