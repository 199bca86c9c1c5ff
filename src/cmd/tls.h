/* cmd/tls.h: the certificate of the TLS listeners: the operator's, or one of our own making. */
#ifndef CMD_TLS_H
#define CMD_TLS_H

#include "base/str.h"
#include "cmd/node.h"
#include "http/certificate.h"

/* With --tls-cert and --tls-key those; otherwise an own CA and a server certificate under DATA/tls, made
 * when missing, for this host's names, the listeners' addresses and the external URLs; the CA's key is
 * sealed. *out_ca is the CA's PEM, or the null view. The server certificate is made anew when it has less
 * than 30 days left or lacks a name. */
/* Before anything is opened: ERR_INVALID when only one of --tls-cert and --tls-key is given. */
int tls_check(const struct conf *conf, struct err *err);

int tls_open(struct node *node, struct http_certificate **out, struct str *out_ca, struct err *err);

#endif
