/*
 * A small HTTP/1.1 server for tests: it listens on a free port of 127.0.0.1 and plays, for each
 * request, what the test's function says, byte by byte if it likes. A thread per connection.
 */
#ifndef TESTS_UNIT_NET_HTTP_SERVER_H
#define TESTS_UNIT_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_conn;

#define HTTP_HEAD_BYTES ((size_t)64 << 10)

/* A request whose head has been read, and not yet its body. */
struct http_seen {
	char method[16];
	char target[8200];
	char head[HTTP_HEAD_BYTES]; /* all of it, a string */
	uint64_t content_length;
	unsigned nth; /* on its connection, from 0 */
};

/* On the connection's thread. false: close the connection. A body that was not read is skipped
 * where the connection is kept. */
typedef bool http_play(struct http_conn *c, const struct http_seen *q, void *arg);

/* play NULL: it takes connections, and neither reads nor says anything. */
struct http_server *http_server_start(http_play *play, void *arg);
/* With TLS: certificate and key as PEM files. */
struct http_server *http_server_start_tls(http_play *play, void *arg, const char *cert,
    const char *key);
/* The same, with TLS 1.1 at most. */
struct http_server *http_server_start_old_tls(http_play *play, void *arg, const char *cert,
    const char *key);
void http_server_stop(struct http_server *s); /* closes what is open; NULL is fine */
unsigned http_server_port(const struct http_server *s);
unsigned http_server_connections(const struct http_server *s); /* accepted so far */
unsigned http_server_requests(const struct http_server *s);

/* For players. A client that is gone makes them do nothing. */
void http_say(struct http_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void http_say_bytes(struct http_conn *c, const void *bytes, size_t n);
/* Read up to n bytes of the body; fewer at its end or where the client left. */
size_t http_read_body(struct http_conn *c, void *out, size_t n);
/* So much of the body came in one piece with its head. */
size_t http_came_with_head(const struct http_conn *c);
/* Drop what is left of the body; without TLS the bytes do not even leave the kernel. */
void http_drop_body(struct http_conn *c);
/* Answer with that status and text, after reading the body. Returns true. */
bool http_answer(struct http_conn *c, int status, const char *text);
/* From now on hold back what fills no segment until all before it is acknowledged (Nagle). */
void http_hold_back(struct http_conn *c);
void http_reset(struct http_conn *c); /* end with a TCP reset */
bool http_gone(const struct http_conn *c); /* the client is: known once it was written to */
bool http_stopping(const struct http_conn *c);
void http_nap(unsigned ms);
/* The value of a header into out, or "". */
const char *http_seen_header(const struct http_seen *q, const char *name, char *out, size_t n);

#endif
