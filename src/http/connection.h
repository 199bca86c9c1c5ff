/* http/connection.h: all connections, and the sweeper that ends those that keep us waiting.
 *
 * The library knows one timeout for everything; here each phase has its own. The event thread only says
 * which phase a connection is in (http_connection_move); once a sweep the sweeper looks at all of them,
 * measures what moved meanwhile and shuts down the sockets of those that are late. A socket is shut down
 * under the lock that its closing takes first, so that its number is still its own. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

struct MHD_Connection;
struct err;
struct http_connection;
struct http_connections;
struct http_listener;
struct http_server;

int  http_connections_new(struct http_server *server, struct http_connections **out,
                          struct err *err);
void http_connections_free(struct http_connections **connections);

/* From the library's notification, in its thread. */
struct http_connection *http_connection_open(struct http_listener  *listener,
                                             struct MHD_Connection *handle);
void                    http_connection_close(struct http_connection **connection);

/* Shuts all sockets down. */
void http_connections_shut(struct http_connections *connections);

#endif
