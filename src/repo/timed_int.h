/* Where the processor time of a run goes: the ns_ counters of struct mf_progress. */
#ifndef MF_REPO_TIMED_INT_H
#define MF_REPO_TIMED_INT_H

#include <stdint.h>

#include "src/base/progress.h"

uint64_t mf_cpu_ns(void); /* of this thread */

/* Do a piece of work, and have a counter of the progress (may be NULL) get its CPU time. */
#define MF_TIMED(progress, counter, work) \
	do { \
		uint64_t timed_from = mf_cpu_ns(); \
		work; \
		MF_PROGRESS_ADD(progress, counter, mf_cpu_ns() - timed_from); \
	} while (0)

#endif
