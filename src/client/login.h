/* client/login.h: the commands that are about who one is: login, logout, whoami, and a password of one's own. */
#ifndef CLIENT_LOGIN_H
#define CLIENT_LOGIN_H

struct client_run;
struct err;

int client_login(struct client_run *run, struct err *err);
int client_logout(struct client_run *run, struct err *err);
int client_whoami(struct client_run *run, struct err *err);
int client_password(struct client_run *run, struct err *err);

#endif
