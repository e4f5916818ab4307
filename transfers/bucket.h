/*
 * A token bucket, as arithmetic: time is an argument, nothing waits. Whoever wants n tokens
 * takes them at once and gets a ticket; the ticket is good when the bucket has been filled
 * that far. Tickets are served in the order they were taken, a single one may be larger than
 * the burst, and a change of the rate counts from that moment for those who wait already.
 *
 * Times are microseconds of any one clock that does not go back (one that does stands still).
 * Not thread safe.
 */
#ifndef MF_TRANSFERS_BUCKET_H
#define MF_TRANSFERS_BUCKET_H

#include <stdint.h>

/* Rates above are cut to it: the arithmetic stays within 64 bits. 8 TiB/s. */
#define MF_BUCKET_RATE_MAX ((uint64_t)1 << 43)

struct mf_bucket {
	uint64_t rate;	  /* tokens per second; 0: no limit */
	uint64_t burst;	  /* how many may gather while nobody takes any */
	uint64_t filled;  /* tokens since the beginning: what tickets are measured against */
	uint64_t taken;	  /* the last ticket */
	uint64_t carry;	  /* millionths of a token */
	uint64_t last_us; /* filled up to here */
};

/* A full bucket. */
void mf_bucket_init(struct mf_bucket *b, uint64_t rate, uint64_t burst, uint64_t now_us);
/* From now on another rate and burst. */
void mf_bucket_set_rate(struct mf_bucket *b, uint64_t rate, uint64_t burst, uint64_t now_us);
/* Take n tokens. The ticket for mf_bucket_wait. */
uint64_t mf_bucket_take(struct mf_bucket *b, uint64_t n, uint64_t now_us);
/* How long until the ticket is good, at the present rate: 0 when it is. */
uint64_t mf_bucket_wait(struct mf_bucket *b, uint64_t ticket, uint64_t now_us);

#endif
