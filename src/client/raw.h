/* client/raw.h: `assay api`: any request, with the credentials of the log-in, and the answer as it is. */
#ifndef CLIENT_RAW_H
#define CLIENT_RAW_H

struct client_run;
struct err;

int client_raw(struct client_run *run, struct err *err);

#endif
