#include "src/net/sockets_int.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CAPACITY_FIRST 16

void
mf_sockets_add(struct mf_sockets *s, int fd)
{
	const size_t capacity = s->capacity > 0 ? 2 * s->capacity : CAPACITY_FIRST;
	struct mf_sockets_item *items;

	if (s->n == s->capacity) {
		if ((items = reallocarray(s->items, capacity, sizeof *items)) == NULL)
			return;
		s->items = items;
		s->capacity = capacity;
	}
	s->items[s->n++] = (struct mf_sockets_item){.fd = fd};
}

void
mf_sockets_remove(struct mf_sockets *s, int fd)
{
	size_t i = 0;

	while (i < s->n && s->items[i].fd != fd)
		i++;
	if (i < s->n)
		s->items[i] = s->items[--s->n];
}

static int
port_of(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t n = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&address)->sin_port);
	if (address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
	return 0;
}

int
mf_sockets_find(struct mf_sockets *s, int port)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->items[i].port == 0)
			s->items[i].port = port_of(s->items[i].fd);
		if (s->items[i].port == port)
			return port != 0 ? s->items[i].fd : -1;
	}
	return -1;
}

void
mf_sockets_fini(struct mf_sockets *s)
{
	free(s->items);
	*s = (struct mf_sockets){.items = NULL};
}

void
mf_socket_acknowledge(int fd)
{
	const int now = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &now, sizeof now);
}
