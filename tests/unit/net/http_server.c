#include "config.h"

#include "tests/unit/net/http_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 512 /* at once */

struct http_conn {
	struct http_server *server;
	pthread_t thread;
	int fd;
	SSL *ssl;
	bool gone;
	_Atomic bool ended; /* its thread does nothing more */
	uint64_t body_left;
	size_t ahead_at, ahead_n; /* read with a head, not used */
	char ahead[HTTP_HEAD_BYTES];
};

struct http_server {
	http_play *play;
	void *arg;
	SSL_CTX *tls;
	int fd;
	unsigned port;
	pthread_t thread;
	_Atomic bool stopping;
	_Atomic unsigned n_requests;
	_Atomic unsigned n_connections;
	pthread_mutex_t lock; /* guards the fds of connections against being closed twice */
	struct http_conn *connections[MAX_CONNECTIONS];
	unsigned n_places; /* used of them */
};

static void
die(const char *what)
{
	perror(what);
	abort();
}

void
http_nap(unsigned ms)
{
	const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&t, NULL);
}

static long
raw_read(struct http_conn *c, void *out, size_t n)
{
	return c->ssl != NULL ? SSL_read(c->ssl, out, (int)n) : (long)recv(c->fd, out, n, 0);
}

static size_t
read_some(struct http_conn *c, void *out, size_t n)
{
	long got;

	if (c->ahead_n > 0) {
		n = n < c->ahead_n ? n : c->ahead_n;
		memcpy(out, c->ahead + c->ahead_at, n);
		c->ahead_at += n;
		c->ahead_n -= n;
		return n;
	}
	if (c->gone || (got = raw_read(c, out, n)) <= 0) {
		c->gone = true;
		return 0;
	}
	return (size_t)got;
}

void
http_say_bytes(struct http_conn *c, const void *bytes, size_t n)
{
	const char *p = bytes;
	long put;

	while (n > 0 && !c->gone) {
		put = c->ssl != NULL ? SSL_write(c->ssl, p, (int)(n < 1 << 20 ? n : 1 << 20))
				     : (long)send(c->fd, p, n, MSG_NOSIGNAL);
		if (put <= 0) {
			c->gone = true;
			return;
		}
		p += put;
		n -= (size_t)put;
	}
}

void
http_say(struct http_conn *c, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text)
		abort();
	http_say_bytes(c, text, (size_t)n);
}

size_t
http_read_body(struct http_conn *c, void *out, size_t n)
{
	size_t at = 0, got;

	while (at < n && c->body_left > 0) {
		got = n - at < c->body_left ? n - at : (size_t)c->body_left;
		if ((got = read_some(c, (char *)out + at, got)) == 0)
			break;
		at += got;
		c->body_left -= got;
	}
	return at;
}

size_t
http_came_with_head(const struct http_conn *c)
{
	return c->ahead_n;
}

static void
skip_body(struct http_conn *c)
{
	char waste[16384];

	while (c->body_left > 0 && http_read_body(c, waste, sizeof waste) > 0)
		continue;
}

void
http_drop_body(struct http_conn *c)
{
	char ahead[HTTP_HEAD_BYTES];
	ssize_t got;

	(void)http_read_body(c, ahead, c->ahead_n); /* came with the head */
	while (c->ssl == NULL && c->body_left > 0 && !c->gone) {
		got = recv(c->fd, NULL, c->body_left < 1 << 20 ? (size_t)c->body_left : 1 << 20,
		    MSG_TRUNC);
		c->gone = got <= 0;
		c->body_left -= got > 0 ? (uint64_t)got : 0;
	}
	skip_body(c);
}

bool
http_answer(struct http_conn *c, int status, const char *text)
{
	skip_body(c);
	http_say(c, "HTTP/1.1 %d Some Words\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(text),
	    text);
	return true;
}

void
http_hold_back(struct http_conn *c)
{
	const int off = 0;

	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof off);
}

void
http_reset(struct http_conn *c)
{
	const struct linger now = {1, 0};

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	c->gone = true;
}

bool
http_gone(const struct http_conn *c)
{
	return c->gone;
}

bool
http_stopping(const struct http_conn *c)
{
	return c->server->stopping;
}

const char *
http_seen_header(const struct http_seen *q, const char *name, char *out, size_t n)
{
	const size_t name_n = strlen(name);
	const char *line = strchr(q->head, '\n');
	size_t len;

	out[0] = '\0';
	for (; line != NULL; line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, name_n) != 0 || line[name_n] != ':')
			continue;
		line += name_n + 1;
		line += strspn(line, " ");
		len = strcspn(line, "\r\n");
		(void)snprintf(out, n, "%.*s", (int)(len < n ? len : n - 1), line);
		break;
	}
	return out;
}

/* Read a head, and keep what came with it. */
static bool
read_head(struct http_conn *c, struct http_seen *q)
{
	size_t n = 0, got;
	char length[32], *end;

	for (;;) {
		if (n >= sizeof q->head - 1 ||
		    (got = read_some(c, q->head + n, sizeof q->head - 1 - n)) == 0)
			return false;
		n += got;
		q->head[n] = '\0';
		if (q->head[0] < 'A' || q->head[0] > 'Z') {
			http_say(c, "HTTP/1.1 400 Bad Request\r\n\r\n");
			return false;
		}
		if ((end = strstr(q->head, "\r\n\r\n")) != NULL)
			break;
	}
	end += 4;
	c->ahead_at = 0;
	c->ahead_n = n - (size_t)(end - q->head);
	memcpy(c->ahead, end, c->ahead_n);
	*end = '\0';
	if (sscanf(q->head, "%15s %8199s", q->method, q->target) != 2)
		return false;
	http_seen_header(q, "Content-Length", length, sizeof length);
	c->body_left = q->content_length = strtoull(length, NULL, 10);
	return true;
}

static void
close_conn(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (c->ssl != NULL) {
		if (!c->gone)
			(void)SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	pthread_mutex_lock(&s->lock);
	(void)close(c->fd);
	c->fd = -1;
	pthread_mutex_unlock(&s->lock);
}

static void *
serve(void *arg)
{
	struct http_conn *c = arg;
	struct http_server *s = c->server;
	struct http_seen *q = calloc(1, sizeof *q);
	bool keep = q != NULL;

	if (s->tls != NULL) {
		c->ssl = SSL_new(s->tls);
		(void)SSL_set_fd(c->ssl, c->fd);
		keep = SSL_accept(c->ssl) == 1;
		c->gone = !keep;
	}
	while (s->play == NULL && !s->stopping)
		http_nap(5);
	for (; keep && s->play != NULL && read_head(c, q); q->nth++) {
		s->n_requests++;
		keep = s->play(c, q, s->arg);
		if (keep)
			skip_body(c);
	}
	close_conn(c);
	free(q);
	c->ended = true;
	return NULL;
}

/* A place for another connection: that of one that has ended, if there is one. */
static struct http_conn **
find_place(struct http_server *s)
{
	unsigned i;

	for (i = 0; i < s->n_places; i++)
		if (s->connections[i]->ended) {
			(void)pthread_join(s->connections[i]->thread, NULL);
			free(s->connections[i]);
			return &s->connections[i];
		}
	if (s->n_places == MAX_CONNECTIONS)
		die("too many connections");
	return &s->connections[s->n_places];
}

static void *
accept_all(void *arg)
{
	struct http_server *s = arg;
	struct http_conn *c, **place;
	const int one = 1;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		/* an answer is said in several pieces: none waits 40 ms for the one before */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if ((c = calloc(1, sizeof *c)) == NULL)
			die("calloc");
		c->server = s;
		c->fd = fd;
		place = find_place(s);
		*place = c;
		s->n_places += place == &s->connections[s->n_places];
		s->n_connections++;
		if (pthread_create(&c->thread, NULL, serve, c) != 0)
			die("pthread_create");
	}
	return NULL;
}

static struct http_server *
start(http_play *play, void *arg, SSL_CTX *tls)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof at;
	struct http_server *s = calloc(1, sizeof *s);

	if (s == NULL)
		die("calloc");
	(void)signal(SIGPIPE, SIG_IGN);
	s->play = play;
	s->arg = arg;
	s->tls = tls;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)pthread_mutex_init(&s->lock, NULL);
	if ((s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
	    bind(s->fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(s->fd, 128) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&at, &n) != 0)
		die("cannot listen");
	s->port = ntohs(at.sin_port);
	if (pthread_create(&s->thread, NULL, accept_all, s) != 0)
		die("pthread_create");
	return s;
}

struct http_server *
http_server_start(http_play *play, void *arg)
{
	return start(play, arg, NULL);
}

static SSL_CTX *
new_tls(const char *cert, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("cannot load the certificate");
	return tls;
}

struct http_server *
http_server_start_tls(http_play *play, void *arg, const char *cert, const char *key)
{
	return start(play, arg, new_tls(cert, key));
}

struct http_server *
http_server_start_old_tls(http_play *play, void *arg, const char *cert, const char *key)
{
	SSL_CTX *tls = new_tls(cert, key);

	if (SSL_CTX_set_min_proto_version(tls, TLS1_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(tls, "ALL:@SECLEVEL=0") != 1)
		die("cannot set up old TLS");
	return start(play, arg, tls);
}

void
http_server_stop(struct http_server *s)
{
	unsigned i;

	if (s == NULL)
		return;
	s->stopping = true;
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->n_places; i++)
		if (s->connections[i]->fd >= 0)
			(void)shutdown(s->connections[i]->fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < s->n_places; i++) {
		(void)pthread_join(s->connections[i]->thread, NULL);
		free(s->connections[i]);
	}
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

unsigned
http_server_port(const struct http_server *s)
{
	return s->port;
}

unsigned
http_server_connections(const struct http_server *s)
{
	return s->n_connections;
}

unsigned
http_server_requests(const struct http_server *s)
{
	return s->n_requests;
}
