/* The sockets of connections, and that what came on them is acknowledged at once. */
#include "config.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/net/http.h"
#include "src/net/sockets_int.h"
#include "tests/unit/net/http_server.h"

#define FILES 256 /* more than this program has open */
#define SOCKETS 40
#define REQUESTS 40
#define WARM 10          /* a new connection acknowledges at once for a while, whatever one does */
#define DELAYED_US 40000 /* TCP_DELACK_MIN of the kernel: no delayed one comes before */

/* Bound to a free port of this machine. */
static int
make_socket(int family, int *port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = {.any.sa_family = (sa_family_t)family};
	socklen_t n = family == AF_INET ? sizeof a.in : sizeof a.in6;
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*port = 0;
	if (fd < 0)
		return -1;
	if (family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.in6.sin6_addr = in6addr_loopback;
	if (bind(fd, &a.any, n) != 0 || getsockname(fd, &a.any, &n) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
	return fd;
}

/* Like make_socket, with a port that none of the n before has: 127.0.0.1 and ::1 each have their
 * own, and the kernel gives one number for both now and then. */
static int
make_distinct_socket(int family, int *ports, int n)
{
	int fd, i = 0;

	if ((fd = make_socket(family, &ports[n])) < 0)
		return -1;
	while (i < n && ports[i] != ports[n])
		i++;
	if (i < n) {
		/* This one stays bound until another is found, or the kernel might give it again.
		 */
		i = make_distinct_socket(family, ports, n);
		close(fd);
		fd = i;
	}
	return fd;
}

static void
found_by_port(void **state)
{
	struct mf_sockets s = {.items = NULL};
	int fds[SOCKETS], ports[SOCKETS], i;

	(void)state;
	assert_int_equal(mf_sockets_find(&s, 80), -1);
	mf_sockets_remove(&s, 3);
	for (i = 0; i < SOCKETS; i++) {
		fds[i] = make_distinct_socket(i % 2 == 0 ? AF_INET : AF_INET6, ports, i);
		if (fds[i] < 0) /* no IPv6 here */
			fds[i] = make_distinct_socket(AF_INET, ports, i);
		assert_true(fds[i] >= 0);
		mf_sockets_add(&s, fds[i]);
	}
	for (i = 0; i < SOCKETS; i += 3) {
		mf_sockets_remove(&s, fds[i]);
		close(fds[i]);
	}
	for (i = 0; i < SOCKETS; i++)
		assert_int_equal(mf_sockets_find(&s, ports[i]), i % 3 == 0 ? -1 : fds[i]);
	assert_int_equal(mf_sockets_find(&s, 0), -1);
	for (i = 0; i < SOCKETS; i++)
		if (i % 3 != 0)
			close(fds[i]);
	mf_sockets_fini(&s);
}

/* A socket may be known before it has a port: curl shows it before it is connected. */
static void
bound_later(void **state)
{
	struct mf_sockets s = {.items = NULL};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;

	(void)state;
	assert_true(fd >= 0);
	mf_sockets_add(&s, fd);
	assert_int_equal(mf_sockets_find(&s, 81), -1);
	assert_int_equal(mf_sockets_find(&s, 0), -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(mf_sockets_find(&s, ntohs(a.sin_port)), fd);
	close(fd);
	mf_sockets_fini(&s);
}

/* The head, and the body apart from it, which the kernel holds back. */
static bool
play_apart(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	http_hold_back(c);
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
	http_say(c, "body");
	return true;
}

static uint64_t
clock_us(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A busy machine makes requests slower, and none faster: the fastest shows whether the head was
 * acknowledged at once. */
static void
body_is_not_held_back(void **state)
{
	struct http_server *server = http_server_start(play_apart, NULL);
	struct mf_http *http = mf_http_open(&(struct mf_http_params){.net_threads = 1}, NULL);
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	uint64_t fastest_us = UINT64_MAX, us;
	char url[64];
	int i;

	(void)state;
	assert_non_null(server);
	assert_non_null(http);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
	for (i = 0; i < REQUESTS; i++) {
		us = clock_us();
		assert_int_equal(
		    mf_http_perform(
			http, &(struct mf_http_request){.method = "GET", .url = url}, &r, NULL),
		    0);
		us = clock_us() - us;
		assert_int_equal(r.body.len, 4);
		if (i >= WARM && us < fastest_us)
			fastest_us = us;
	}
	assert_int_equal(http_server_connections(server), 1);
	assert_in_range(fastest_us, 0, DELAYED_US - 1);
	mf_http_response_fini(&r);
	mf_http_close(http);
	http_server_stop(server);
}

static bool
play_fine(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 200, "fine");
}

/* Is it connected to that port of this machine? */
static bool
leads_to(int fd, unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_UNSPEC};
	socklen_t n = sizeof a;

	return getpeername(fd, (struct sockaddr *)&a, &n) == 0 && a.sin_family == AF_INET &&
	       ntohs(a.sin_port) == port;
}

/* A connection is kept open; a program that somebody starts meanwhile does not have it. */
static void
closed_for_programs(void **state)
{
	struct http_server *server = http_server_start(play_fine, NULL);
	struct mf_http *http = mf_http_open(&(struct mf_http_params){.net_threads = 1}, NULL);
	struct mf_http_response r = MF_HTTP_RESPONSE_INIT;
	int fd, found = 0;
	char url[64];

	(void)state;
	assert_non_null(server);
	assert_non_null(http);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
	assert_int_equal(
	    mf_http_perform(http, &(struct mf_http_request){.method = "GET", .url = url}, &r, NULL),
	    0);
	for (fd = 3; fd < FILES; fd++)
		if (leads_to(fd, http_server_port(server))) {
			found++;
			assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		}
	assert_int_equal(found, 1);
	mf_http_response_fini(&r);
	mf_http_close(http);
	http_server_stop(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(found_by_port),
	    cmocka_unit_test(bound_later),
	    cmocka_unit_test(body_is_not_held_back),
	    cmocka_unit_test(closed_for_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
