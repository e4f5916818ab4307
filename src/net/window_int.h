/*
 * Receive windows while a limit of the download rate holds. What the far end may send before we
 * read it goes over the wire at once, and a kernel's windows are 64 KiB at first and megabytes
 * later: eight connections would bring a second's worth in a moment. So they are made as narrow
 * as the limit allows, but at least twice as wide as the way asks for; and what fits into them
 * is paid for when a connection is made.
 *
 * A window cannot be widened much once a connection is made (RFC 7323: the scale is agreed upon
 * at the start), so connections are let go when the limit changes, or when the way turns out
 * longer than was known.
 */
#ifndef MF_NET_WINDOW_INT_H
#define MF_NET_WINDOW_INT_H

#include <stdbool.h>
#include <stdint.h>

/* What a network thread knows. */
struct mf_window {
	uint64_t rate;     /* that windows are made for; 0: no limit */
	uint64_t rtt_us;   /* the longest round trip seen; 0: none yet */
	uint64_t stale_us; /* connections made before this are to be let go; 0: none are */
};

/* The receive buffer for one of n connections (n > 0) that share rate bytes a second, by a way
 * of rtt_us (0: unknown, short); 0: leave it to the kernel. rate 0: no limit. Pure. */
uint32_t mf_window_bytes(uint64_t rate, uint64_t rtt_us, unsigned n);

/* From now on this rate. Pure. */
void mf_window_set_rate(struct mf_window *w, uint64_t rate, uint64_t now_us);
/* A new connection, one of n, has this round trip. Pure. */
void mf_window_learn(struct mf_window *w, uint64_t rtt_us, unsigned n, uint64_t now_us);
/* Connections of this age are too old, in seconds; 0: none is. Pure. */
uint64_t mf_window_age_max_s(const struct mf_window *w, uint64_t now_us);

/* Give a socket that is not connected yet a receive buffer (0: leave it). What the far end may
 * send before anything is read. */
uint32_t mf_window_open(int fd, uint32_t bytes);
/* The smoothed round trip of a connected TCP socket; 0: unknown. */
uint64_t mf_window_rtt_us(int fd);

#endif
