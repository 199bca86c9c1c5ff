/* api/realm.h: the address at which clients buy tokens. It must be absolute, and it must not be chosen by
 * whoever sends a Host header: an external URL; else the listener's scheme with the Host header when that
 * names the listener (localhost, loopback, this host's name and addresses, the certificate's names); else the
 * listener's own address. */
#ifndef API_REALM_H
#define API_REALM_H

#include "base/str.h"

struct api_realms;
struct api_settings;
struct arena;
struct http_request;

struct api_realms *api_realms_new(const struct api_settings *settings);
void               api_realms_free(struct api_realms **realms);

/* "https://registry.example.org" and its "registry.example.org". */
struct str api_realm_url(const struct api_realms *realms, struct arena *arena,
                         const struct http_request *req, struct str *out_service);

#endif
