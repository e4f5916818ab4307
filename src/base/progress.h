/*
 * What a running operation has done so far: counters that workers raise and that whoever
 * draws the progress line reads. Lock-free; a reader may see counters a moment apart.
 */
#ifndef MF_BASE_PROGRESS_H
#define MF_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mf_progress {
	_Atomic uint64_t bytes_total;	/* plaintext to handle; 0 while unknown, grows with a scan */
	_Atomic uint64_t bytes_done;	/* plaintext handled (read, found unchanged, written) */
	_Atomic uint64_t files_total;
	_Atomic uint64_t files_done;
	bool files_are_read; /* a push's files_done, whose last bytes may be on their way; as plain
			      */
	bool plain; /* a mirror, which has no chunks; set before anybody draws */
	_Atomic uint64_t files_checked; /* found to need nothing */
	_Atomic uint64_t files_deleted;
	_Atomic uint64_t failures;
	_Atomic uint64_t chunks_new;	/* stored by this run */
	_Atomic uint64_t chunks_known;	/* were there already */
	_Atomic uint64_t bytes_stored;	/* sealed bytes written to the store */
	_Atomic uint64_t bytes_fetched;	/* sealed bytes read from the store */
	_Atomic uint64_t bytes_encoded_in; /* plaintext given to the codec: with bytes_stored, the ratio */
	/* CPU time by stage, in nanoseconds of the thread clock, for `-v` and scripts/bench */
	_Atomic uint64_t ns_read, ns_hash, ns_codec, ns_check, ns_seal, ns_store, ns_write;
};

/* Add to a counter where a progress struct was given. */
#define MF_PROGRESS_ADD(p, counter, n) \
	do { \
		if ((p) != NULL) \
			atomic_fetch_add_explicit(&(p)->counter, (n), memory_order_relaxed); \
	} while (0)

#endif
