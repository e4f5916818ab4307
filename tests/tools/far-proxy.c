/*
 * A TCP proxy that is far away: what it is sent comes out at the other end --delay later, at most
 * --rate a connection in each direction, and with no more than a window's bytes on their way, as a
 * long line with one flow of TCP would have it. For scripts/bench; nothing but this program is
 * slowed down, and no privileges are needed.
 * usage: far-proxy --to PORT [--delay-ms N] [--rate-mbit N]
 *     prints the port of 127.0.0.1 that it listens on, and runs until its standard input ends
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE_BYTES 16384
#define FLOWS_MAX 512

/* Bytes that were taken in at one time, and may go out at another. */
struct piece {
	uint64_t due_us;
	size_t n, at;
	char bytes[PIECE_BYTES];
};

/* One direction of a connection: a ring of pieces. */
struct flow {
	int in, out;
	struct piece *ring;
	unsigned first, n;
	uint64_t free_us; /* when the line can take the next byte */
	bool ended;	  /* nothing more comes in */
};

struct line {
	uint64_t delay_us;
	double bytes_per_us;
	unsigned pieces; /* in a ring: what a flow has on its way within a round trip */
	struct flow flows[FLOWS_MAX];
	unsigned n_flows;
};

static void
die(const char *what)
{
	fprintf(stderr, "far-proxy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int
tcp_socket(void)
{
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static struct sockaddr_in
here(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int
listen_somewhere(void)
{
	struct sockaddr_in at = here(0);
	socklen_t n = sizeof at;
	int fd = tcp_socket();

	if (bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		die("cannot listen");
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void
add_flow(struct line *l, int in, int out)
{
	struct flow *f = &l->flows[l->n_flows++];

	*f = (struct flow){.in = in, .out = out};
	if ((f->ring = calloc(l->pieces, sizeof *f->ring)) == NULL)
		die("memory");
}

static void
take_connection(struct line *l, int listener, unsigned to)
{
	const struct sockaddr_in at = here(to);
	int near = accept(listener, NULL, NULL), far;
	const int one = 1;

	if (near < 0)
		return;
	far = tcp_socket();
	if (l->n_flows + 2 > FLOWS_MAX ||
	    connect(far, (const struct sockaddr *)&at, sizeof at) != 0 ||
	    fcntl(near, F_SETFL, O_NONBLOCK) != 0 || fcntl(far, F_SETFL, O_NONBLOCK) != 0) {
		close(near);
		close(far);
		return;
	}
	(void)setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	add_flow(l, near, far);
	add_flow(l, far, near);
}

/* Read one piece, and say when it is through: after those before it, and the delay. */
static void
take_in(const struct line *l, struct flow *f, uint64_t now)
{
	struct piece *p = &f->ring[(f->first + f->n) % l->pieces];
	ssize_t got = recv(f->in, p->bytes, sizeof p->bytes, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		f->ended = true;
		return;
	}
	f->free_us = (f->free_us > now ? f->free_us : now) + (uint64_t)((double)got / l->bytes_per_us);
	p->due_us = f->free_us + l->delay_us;
	p->n = (size_t)got;
	p->at = 0;
	f->n++;
}

static void
give_out(const struct line *l, struct flow *f, uint64_t now)
{
	struct piece *p;
	ssize_t put;

	while (f->n > 0 && (p = &f->ring[f->first])->due_us <= now) {
		put = send(f->out, p->bytes + p->at, p->n - p->at, MSG_NOSIGNAL);
		if (put < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (put < 0) { /* nobody is there any more */
			f->n = 0;
			f->ended = true;
			return;
		}
		p->at += (size_t)put;
		if (p->at < p->n)
			return;
		f->first = (f->first + 1) % l->pieces;
		f->n--;
	}
	if (f->ended && f->n == 0)
		(void)shutdown(f->out, SHUT_WR);
}

/* Both directions are over: the pair of flows goes. */
static void
forget_ended(struct line *l)
{
	unsigned i;

	for (i = 0; i < l->n_flows; i += 2) {
		if (!l->flows[i].ended || !l->flows[i + 1].ended || l->flows[i].n > 0 ||
		    l->flows[i + 1].n > 0)
			continue;
		close(l->flows[i].in);
		close(l->flows[i].out);
		free(l->flows[i].ring);
		free(l->flows[i + 1].ring);
		l->n_flows -= 2;
		memcpy(&l->flows[i], &l->flows[l->n_flows], 2 * sizeof *l->flows);
		i -= 2;
	}
}

/* What to wait for. The milliseconds until the first piece is due; -1: none is on its way. */
static int
prepare(const struct line *l, struct pollfd *fds, uint64_t now)
{
	int wait = -1, due;
	unsigned i;

	for (i = 0; i < l->n_flows; i++) {
		const struct flow *f = &l->flows[i];
		const bool ready = f->n > 0 && f->ring[f->first].due_us <= now;

		fds[2 * i] = (struct pollfd){!f->ended && f->n < l->pieces ? f->in : -1, POLLIN, 0};
		fds[2 * i + 1] = (struct pollfd){ready ? f->out : -1, POLLOUT, 0};
		if (f->n == 0 || ready)
			continue;
		due = (int)((f->ring[f->first].due_us - now) / 1000) + 1;
		wait = wait < 0 || due < wait ? due : wait;
	}
	return wait;
}

static void
run(struct line *l, int listener, unsigned to)
{
	static struct pollfd fds[2 + 2 * FLOWS_MAX];
	unsigned i, n;
	uint64_t now;
	int wait;

	for (;;) {
		wait = prepare(l, fds + 2, now_us());
		fds[0] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
		fds[1] = (struct pollfd){listener, POLLIN, 0};
		n = l->n_flows;
		if (poll(fds, 2 + 2 * n, wait) < 0 && errno != EINTR)
			die("poll");
		if ((fds[0].revents & (POLLHUP | POLLIN)) != 0 && getchar() == EOF)
			return;
		now = now_us();
		for (i = 0; i < n; i++) {
			if (fds[2 + 2 * i].revents != 0)
				take_in(l, &l->flows[i], now);
			give_out(l, &l->flows[i], now);
		}
		forget_ended(l);
		if (fds[1].revents != 0)
			take_connection(l, listener, to);
	}
}

static unsigned
number(const char *text)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n == 0 || n > 1000000) {
		fprintf(stderr, "far-proxy: '%s' is no number between 1 and 1000000\n", text);
		exit(2);
	}
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	static struct line l;
	unsigned to = 0, delay_ms = 20, rate_mbit = 80;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--to") == 0)
			to = number(argv[i + 1]);
		else if (strcmp(argv[i], "--delay-ms") == 0)
			delay_ms = number(argv[i + 1]);
		else if (strcmp(argv[i], "--rate-mbit") == 0)
			rate_mbit = number(argv[i + 1]);
		else
			break;
	}
	if (i != argc || to == 0 || to > 65535) {
		fputs("usage: far-proxy --to PORT [--delay-ms N] [--rate-mbit N]\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	l.delay_us = (uint64_t)delay_ms * 1000;
	l.bytes_per_us = rate_mbit / 8.0;
	/* a round trip's bytes, and as many again, for pieces are not always full */
	l.pieces = (unsigned)(l.bytes_per_us * (double)l.delay_us * 4 / PIECE_BYTES) + 4;
	run(&l, listen_somewhere(), to);
	return 0;
}
