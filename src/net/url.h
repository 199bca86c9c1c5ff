/* net/url.h: an http or https URL, taken apart once by the parser that libcurl itself uses, so that what is looked at
 * is where it goes.
 *
 * One spelling only. Refused as ERR_INVALID: other schemes, a user or a password, blanks, control bytes, backslashes and
 * bytes beyond ASCII (names are written as xn--), a name with a dot at its end, empty labels, an IPv4 address that is
 * not four decimal numbers (0x7f.1, 2130706433, 0177.0.0.1), an IPv6 address with a zone, port 0, and more than
 * NET_URL_MAX bytes. Texts of errors name the URL's part at fault and never what a user or password was. Pure; any thread;
 * results live in the arena. */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/address.h"

struct arena;
struct err;

enum { NET_URL_MAX = 16 * 1024 };

struct net_url {
    struct str     text;       /* as libcurl prints it; terminated, like the next two */
    struct str     origin;     /* scheme://host:port */
    struct str     host;       /* in small letters; an IPv6 address without brackets */
    uint16_t       port;       /* the scheme's own when the URL has none */
    bool           is_plain;   /* http */
    bool           is_literal; /* the host is an address */
    struct address address;    /* of a literal */
};

int net_url_parse(struct arena *arena, struct str text, struct net_url *out, struct err *err);

/* What a Location of an answer from there means; its fragment is dropped. */
int net_url_join(struct arena *arena, const struct net_url *from, struct str location,
                 struct net_url *out, struct err *err);

#endif
