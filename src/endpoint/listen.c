#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/units.h"
#include "src/endpoint/endpoint_int.h"

#define BACKLOG 128

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a;
	socklen_t bytes;
};

/* An address alone, no name: what a name means may change behind one's back. */
static bool
take_address(struct place *p, const char *text, unsigned port)
{
	const size_t n = strlen(text);
	char inner[INET6_ADDRSTRLEN];

	memset(p, 0, sizeof *p);
	if (n > 2 && text[0] == '[' && text[n - 1] == ']' && n - 2 < sizeof inner) {
		memcpy(inner, text + 1, n - 2);
		inner[n - 2] = '\0';
		p->a.v6.sin6_family = AF_INET6;
		p->a.v6.sin6_port = htons((uint16_t)port);
		p->bytes = sizeof p->a.v6;
		return inet_pton(AF_INET6, inner, &p->a.v6.sin6_addr) == 1;
	}
	p->a.v4.sin_family = AF_INET;
	p->a.v4.sin_port = htons((uint16_t)port);
	p->bytes = sizeof p->a.v4;
	return inet_pton(AF_INET, text, &p->a.v4.sin_addr) == 1;
}

static int
take_place(struct place *p, const char *where, struct mf_error *e)
{
	const char *colon = strrchr(where, ':');
	char address[MF_ENDPOINT_NAME_BYTES];
	uint64_t port = 0;

	if (colon != NULL && (size_t)(colon - where) < sizeof address &&
	    mf_parse_u64(colon + 1, 65535, &port, NULL) == 0) {
		memcpy(address, where, (size_t)(colon - where));
		address[colon - where] = '\0';
		if (take_address(p, address, (unsigned)port))
			return 0;
	}
	mf_error_set(e, MF_EUSAGE, "%s is no ADDRESS:PORT", where);
	return mf_error_hint(e, "for example 127.0.0.1:8090, 0.0.0.0:8090 or [::1]:8090");
}

static int
say_where(struct mf_endpoint_socket *s, struct mf_error *e)
{
	struct place p;
	char address[INET6_ADDRSTRLEN] = "";

	p.bytes = sizeof p.a;
	if (getsockname(s->fd, &p.a.any, &p.bytes) != 0)
		return mf_error_sys(e, errno, "cannot tell where a socket listens");
	if (p.a.any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &p.a.v6.sin6_addr, address, sizeof address);
		(void)snprintf(
		    s->name, sizeof s->name, "[%s]:%u", address, (unsigned)ntohs(p.a.v6.sin6_port));
		s->loopback = IN6_IS_ADDR_LOOPBACK(&p.a.v6.sin6_addr);
	} else {
		(void)inet_ntop(AF_INET, &p.a.v4.sin_addr, address, sizeof address);
		(void)snprintf(
		    s->name, sizeof s->name, "%s:%u", address, (unsigned)ntohs(p.a.v4.sin_port));
		s->loopback = (ntohl(p.a.v4.sin_addr.s_addr) >> 24) == 127;
	}
	return 0;
}

int
mf_endpoint_listen(const char *where, struct mf_endpoint_socket *s, struct mf_error *e)
{
	const int yes = 1;
	struct place p;
	int why;

	s->fd = -1;
	if (take_place(&p, where, e) != 0)
		return -1;
	s->fd = socket(p.a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return mf_error_sys(e, errno, "cannot make a socket for %s", where);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (p.a.any.sa_family == AF_INET6)
		(void)setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
	if (bind(s->fd, &p.a.any, p.bytes) != 0 || listen(s->fd, BACKLOG) != 0) {
		why = errno;
		mf_error_sys(e, why, "cannot listen on %s", where);
		if (why == EADDRINUSE && e != NULL)
			e->code = MF_ECONFLICT;
		else if (why == EADDRNOTAVAIL && e != NULL)
			e->code = MF_EUSAGE;
	} else if (say_where(s, e) == 0) {
		return 0;
	}
	close(s->fd);
	s->fd = -1;
	return -1;
}
