/*
 * Conversations with several proxies at a time: each gets its question as soon as there is one,
 * so that one that hangs delays no other. A question is one connection: HAProxy answers and ends
 * it (its non-interactive mode).
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/traffic/haproxy_int.h"

#define LOOK_MS 50 /* how often `interrupted` is looked at */
#define AGAIN_MS 5 /* a backlog that is full is tried again */

static int
bad_name(const char *name, struct mf_error *e)
{
	mf_error_set(e, MF_EUSAGE, "%s is no socket of HAProxy's runtime API", name);
	return mf_error_hint(e, "unix:PATH or tcp:HOST:PORT");
}

/* tcp:HOST:PORT, and [HOST] for IPv6, taken apart. */
static int
split_host(const char *name, char host[256], char port[8], struct mf_error *e)
{
	const char *at = name + strlen("tcp:"), *colon = strrchr(at, ':');
	size_t n;

	if (colon == NULL || colon == at || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return bad_name(name, e);
	n = (size_t)(colon - at);
	if (*at == '[' && n > 2 && at[n - 1] == ']') {
		at++;
		n -= 2;
	}
	if (n >= 256)
		return bad_name(name, e);
	memcpy(host, at, n);
	host[n] = '\0';
	memcpy(port, colon + 1, strlen(colon));
	return 0;
}

static int
take_path(struct mf_haproxy_peer *p, const char *path, struct mf_error *e)
{
	struct sockaddr_un *a = (struct sockaddr_un *)&p->address;
	const size_t n = strlen(path);

	if (n == 0)
		return bad_name(p->name, e);
	if (n >= sizeof a->sun_path)
		return mf_error_set(e, MF_EUSAGE, "%s: the path of a socket has at most %zu bytes",
		    p->name, sizeof a->sun_path - 1);
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, n + 1);
	p->address_bytes = sizeof *a;
	return 0;
}

int
mf_haproxy_peer_init(struct mf_haproxy_peer *p, const char *name, struct mf_error *e)
{
	char host[256], port[8];

	*p = (struct mf_haproxy_peer){.name = name, .fd = -1};
	if (strncmp(name, "unix:", 5) == 0)
		return take_path(p, name + 5, e);
	if (strncmp(name, "tcp:", 4) != 0)
		return bad_name(name, e);
	return split_host(name, host, port, e);
}

void
mf_haproxy_peer_fini(struct mf_haproxy_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	mf_buf_fini(&p->request);
	mf_buf_fini(&p->answer);
	p->fd = -1;
}

int
mf_haproxy_peer_resolve(struct mf_haproxy_peer *p, struct mf_error *e)
{
	const struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *got = NULL;
	char host[256], port[8];
	int status;

	if (p->address_bytes > 0)
		return 0;
	if (split_host(p->name, host, port, e) != 0)
		return -1;
	if ((status = getaddrinfo(host, port, &want, &got)) != 0)
		return mf_error_set(e, MF_ETRANSFER, "%s: %s", p->name, gai_strerror(status));
	memcpy(&p->address, got->ai_addr, got->ai_addrlen);
	p->address_bytes = got->ai_addrlen;
	freeaddrinfo(got);
	return 0;
}

static void
hang_up(struct mf_haproxy_peer *p, enum mf_haproxy_phase phase)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->phase = phase;
}

static void
fail(struct mf_haproxy_peer *p, int sys_errno, const char *what)
{
	/* where a host's name leads to may have changed */
	if (p->address.ss_family != AF_UNIX)
		p->address_bytes = 0;
	mf_error_sys(&p->error, sys_errno, "%s: %s", p->name, what);
	if (p->error.code != MF_EPERM && p->error.code != MF_ENOMEM)
		p->error.code = MF_ETRANSFER;
	hang_up(p, MF_HAPROXY_FAILED);
}

/* No answer as it should be. */
static void
refuse(struct mf_haproxy_peer *p, enum mf_code code, const char *what)
{
	mf_error_set(&p->error, code, "%s: %s", p->name, what);
	hang_up(p, MF_HAPROXY_FAILED);
}

void
mf_haproxy_peer_ask(struct mf_haproxy_peer *p)
{
	p->sent = 0;
	mf_buf_clear(&p->answer);
	mf_error_clear(&p->error);
	p->phase = MF_HAPROXY_CONNECT;
	if (p->request.failed)
		refuse(p, MF_ENOMEM, "out of memory for a command");
}

static void
connect_to(struct mf_haproxy_peer *p)
{
	if (p->address_bytes == 0) {
		refuse(p, MF_ETRANSFER, "its host's name is not known");
		return;
	}
	if (p->fd < 0)
		p->fd = socket(p->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0) {
		fail(p, errno, "cannot make a socket");
		return;
	}
	if (connect(p->fd, (const struct sockaddr *)&p->address, p->address_bytes) == 0 ||
	    errno == EINPROGRESS)
		p->phase = MF_HAPROXY_SEND;
	else if (errno != EAGAIN && errno != EINTR && errno != EALREADY)
		fail(p, errno, "cannot connect");
}

static void
send_some(struct mf_haproxy_peer *p)
{
	ssize_t n;

	while (p->sent < p->request.len) {
		n = send(p->fd, p->request.data + p->sent, p->request.len - p->sent, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
			return;
		if (n < 0) {
			fail(p, errno, "cannot connect");
			return;
		}
		p->sent += (size_t)n;
	}
	p->phase = MF_HAPROXY_LISTEN;
}

static void
hear_some(struct mf_haproxy_peer *p)
{
	char bytes[16384];
	ssize_t n;

	for (;;) {
		n = recv(p->fd, bytes, sizeof bytes, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			fail(p, errno, "no answer");
			return;
		}
		if (n == 0)
			break;
		if (p->answer.len + (size_t)n > MF_HAPROXY_ANSWER_BYTES) {
			refuse(p, MF_EDAMAGED, "an answer without end");
			return;
		}
		mf_buf_put(&p->answer, bytes, (size_t)n);
		if (p->answer.failed) {
			refuse(p, MF_ENOMEM, "out of memory for an answer");
			return;
		}
	}
	if (p->answer.len == 0)
		refuse(p, MF_ETRANSFER, "the connection was closed without an answer");
	else
		hang_up(p, MF_HAPROXY_ANSWERED);
}

static bool
is_busy(const struct mf_haproxy_peer *p)
{
	return p->phase == MF_HAPROXY_CONNECT || p->phase == MF_HAPROXY_SEND ||
	       p->phase == MF_HAPROXY_LISTEN;
}

static void
go_on(struct mf_haproxy_peer *p, int events, mf_haproxy_answered *answered, void *arg)
{
	if (p->phase == MF_HAPROXY_CONNECT)
		connect_to(p);
	else if (p->phase == MF_HAPROXY_SEND && events != 0)
		send_some(p);
	if (p->phase == MF_HAPROXY_LISTEN && events != 0)
		hear_some(p);
	if ((p->phase == MF_HAPROXY_ANSWERED || p->phase == MF_HAPROXY_FAILED) && answered != NULL)
		answered(p, arg);
}

static void
give_up(struct mf_haproxy_peer *const *peers, size_t n, bool interrupted,
    mf_haproxy_answered *answered, void *arg)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!is_busy(peers[i]))
			continue;
		if (interrupted)
			refuse(peers[i], MF_EINTERRUPTED, "interrupted before an answer came");
		else if (peers[i]->phase == MF_HAPROXY_LISTEN)
			refuse(peers[i], MF_ETRANSFER, "no answer in time");
		else
			refuse(peers[i], MF_ETRANSFER, "no connection in time");
		if (answered != NULL)
			answered(peers[i], arg);
		if (is_busy(peers[i])) /* it would begin anew, and there is no time */
			refuse(peers[i], MF_ETRANSFER, "no time left");
	}
}

void
mf_haproxy_converse(struct mf_haproxy_peer *const *peers, size_t n,
    const struct mf_router_params *params, uint64_t deadline_us, mf_haproxy_answered *answered,
    void *arg)
{
	struct pollfd polls[MF_HAPROXY_PEERS_MAX];
	uint64_t now_us;
	size_t i, busy;
	int wait_ms;
	bool stop;

	for (;;) {
		busy = 0;
		wait_ms = LOOK_MS;
		for (i = 0; i < n; i++) {
			polls[i] = (struct pollfd){.fd = -1};
			if (!is_busy(peers[i]))
				continue;
			busy++;
			if (peers[i]->phase == MF_HAPROXY_CONNECT)
				wait_ms = peers[i]->fd < 0 ? 0 : AGAIN_MS;
			else
				polls[i] = (struct pollfd){.fd = peers[i]->fd,
				    .events =
					peers[i]->phase == MF_HAPROXY_SEND ? POLLOUT : POLLIN};
		}
		if (busy == 0)
			return;
		now_us = params->now_us(params->arg);
		stop = params->interrupted != NULL && params->interrupted(params->arg);
		if (stop || now_us >= deadline_us) {
			give_up(peers, n, stop, answered, arg);
			return;
		}
		if (deadline_us - now_us < (uint64_t)wait_ms * 1000)
			wait_ms = (int)((deadline_us - now_us) / 1000) + 1;
		(void)poll(polls, n, wait_ms);
		for (i = 0; i < n; i++)
			if (is_busy(peers[i]))
				go_on(peers[i], polls[i].revents, answered, arg);
	}
}
