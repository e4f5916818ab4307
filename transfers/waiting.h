/*
 * What a decorator that waits needs from outside: a clock, sleep, randomness, and a way to
 * learn that nobody wants the result any more. Zero members mean the real ones; tests give
 * their own, and then nothing really waits.
 */
#ifndef MF_TRANSFERS_WAITING_H
#define MF_TRANSFERS_WAITING_H

#include <stdbool.h>
#include <stdint.h>

struct mf_waiting {
	uint64_t (*now_us)(void *arg);		   /* monotonic */
	unsigned (*week_minute)(void *arg);	   /* local time, from Sunday 00:00 */
	void (*sleep_us)(void *arg, uint64_t us);
	uint64_t (*random)(void *arg);		   /* 64 bits, for jitter */
	bool (*cancelled)(void *arg);		   /* NULL: never. Any thread */
	void *arg;				   /* for all of them */
};

uint64_t mf_waiting_now_us(const struct mf_waiting *w);
unsigned mf_waiting_week_minute(const struct mf_waiting *w);
uint64_t mf_waiting_random(const struct mf_waiting *w);
bool mf_waiting_cancelled(const struct mf_waiting *w);
/* Sleep for us, looking at `cancelled` ten times a second. false when cancelled. */
bool mf_waiting_sleep(const struct mf_waiting *w, uint64_t us);

#endif
