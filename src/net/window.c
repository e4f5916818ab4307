#include "config.h"

#include "src/net/window_int.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define NARROWEST 6144.0
#define WIDEST 131072.0 /* the kernel's own start there or below, and can grow */
#define UNSCALED 65535u /* the widest window before a scale is agreed upon */
#define FEW 4

uint32_t
mf_window_bytes(uint64_t rate, uint64_t rtt_us, unsigned n)
{
	/* A fortieth of a second for all, who may be more in a moment; or twice what the way
	 * holds. */
	const double hold = 0.025 * (double)rate / (n > FEW ? n : FEW);
	const double way = 2e-6 * (double)rtt_us * (double)rate / n;
	const double bytes = way > hold ? way : hold;

	if (rate == 0 || bytes >= WIDEST)
		return 0;
	return (uint32_t)(bytes < NARROWEST ? NARROWEST : bytes);
}

void
mf_window_set_rate(struct mf_window *w, uint64_t rate, uint64_t now_us)
{
	const bool limited = w->rate != 0 && rate != 0;

	if (limited ? rate / 2 <= w->rate && rate >= w->rate / 2 : rate == w->rate)
		return; /* not worth new connections */
	w->rate = rate;
	w->stale_us = now_us;
}

void
mf_window_learn(struct mf_window *w, uint64_t rtt_us, unsigned n, uint64_t now_us)
{
	const uint32_t had = mf_window_bytes(w->rate, w->rtt_us, n);
	uint32_t needed;

	if (rtt_us <= w->rtt_us)
		return;
	w->rtt_us = rtt_us;
	needed = mf_window_bytes(w->rate, rtt_us, n);
	if (had != 0 && (needed == 0 || needed / 2 > had))
		w->stale_us = now_us;
}

uint64_t
mf_window_age_max_s(const struct mf_window *w, uint64_t now_us)
{
	uint64_t age_s;

	if (w->stale_us == 0)
		return 0;
	age_s = (now_us - w->stale_us) / 1000000;
	return age_s > 0 ? age_s : 1;
}

uint32_t
mf_window_open(int fd, uint32_t bytes)
{
	const int value = (int)bytes;
	socklen_t n = sizeof(int);
	int buffer = 0;

	if (bytes > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof value);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, &n) != 0 || buffer <= 0)
		return UNSCALED;
	return (unsigned)buffer < UNSCALED ? (uint32_t)buffer : UNSCALED;
}

uint64_t
mf_window_rtt_us(int fd)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof info;

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_rtt : 0;
}
