/* oci/range.h: byte ranges: the Range header of a pull (RFC 9110, 14.1.2: one range; several, another
 * unit and what is no range at all are ignored, as the RFC allows) and the Content-Range of an upload
 * chunk ("0-1023", inclusive, or "bytes 0-1023/2048" as some clients write it). */
#ifndef OCI_RANGE_H
#define OCI_RANGE_H

#include <stdint.h>

#include "base/str.h"

struct err;

struct oci_range {
    int64_t from;
    int64_t size;
};

/* 1 and the part of the object to send; 0: send it all (no range, or one that is to be ignored);
 * -1 ERR_RANGE: nothing of it lies inside an object of that size. */
int oci_range_parse(struct str header, int64_t size, struct oci_range *out, struct err *err);

/* ERR_RANGE for anything that is not from-to with from <= to. */
int oci_content_range_parse(struct str header, struct oci_range *out, struct err *err);

#endif
