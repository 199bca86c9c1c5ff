/* client/image.h: commands about what lies in a repository, each of which takes REPO, REPO:TAG or REPO@DIGEST: which of them
 * it is says which request is made. */
#ifndef CLIENT_IMAGE_H
#define CLIENT_IMAGE_H

struct client_run;
struct err;

int client_ls(struct client_run *run, struct err *err);
int client_inspect(struct client_run *run, struct err *err);
int client_history(struct client_run *run, struct err *err);
int client_rmi(struct client_run *run, struct err *err);
int client_undelete(struct client_run *run, struct err *err);
int client_size(struct client_run *run, struct err *err);
int client_info(struct client_run *run, struct err *err);

#endif
