/*
 * How long to wait before the next attempt: capped exponential backoff with full jitter (Marc
 * Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). Pure.
 */
#ifndef MF_TRANSFERS_BACKOFF_H
#define MF_TRANSFERS_BACKOFF_H

#include <stdint.h>

/* After the attempt of that number (from 0) failed: between 0 and
 * min(cap_us, base_us * 2^attempt), chosen evenly by random, any 64 random bits. */
uint64_t mf_backoff_us(uint64_t base_us, uint64_t cap_us, unsigned attempt, uint64_t random);

#endif
