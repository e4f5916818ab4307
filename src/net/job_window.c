/* The memory of windows on answers. */
#include "config.h"

#include "src/base/size.h"
#include "src/net/http_int.h"

#define WINDOW_DEFAULT ((size_t)256 << 10)
#define WINDOW_MIN (4 * MF_HTTP_PIECE_BYTES)
/* Idle: never more than were in use at once, and no more than this. From the heap each large window
 * is new pages, which the kernel clears: for a file of 8 MiB, two of them. */
#define WINDOWS_IDLE_BYTES ((size_t)64 << 20)

int
mf_http_windows_init(struct mf_http *http, struct mf_error *e)
{
	http->windows_idle = mf_memory_budget_new(WINDOWS_IDLE_BYTES, e);
	if (http->windows_idle == NULL)
		return -1;
	http->windows = mf_blocks_new(http->windows_idle, e);
	return http->windows != NULL ? 0 : -1;
}

void
mf_http_windows_fini(struct mf_http *http)
{
	mf_blocks_free(http->windows);
	mf_memory_budget_free(http->windows_idle);
}

int
mf_http_window_make(struct mf_http_job *job, struct mf_error *e)
{
	const struct mf_http_request *q = job->request;
	size_t n = q->window_bytes;

	if (q->sink == NULL)
		return 0;
	n = n == 0 ? WINDOW_DEFAULT : n < WINDOW_MIN ? WINDOW_MIN : n;
	if (q->piece_bytes > 0) {
		if (!mf_is_power_of_two(q->piece_bytes) || q->piece_bytes < MF_HTTP_WINDOW_ALIGN ||
		    q->piece_bytes > n / 2)
			return mf_error_set(e, MF_EUSAGE,
			    "no pieces of %zu bytes in a window of %zu", q->piece_bytes, n);
		n -= n % q->piece_bytes;
	}
	/* and where to begin on a boundary; what is not touched costs nothing */
	if (mf_blocks_take(job->http->windows, n + MF_HTTP_WINDOW_ALIGN, &job->window_block, e) !=
	    0)
		return -1;
	job->window = job->window_block.at;
	job->window += -(uintptr_t)job->window & (MF_HTTP_WINDOW_ALIGN - 1);
	job->window_bytes = n;
	job->window_piece = q->piece_bytes;
	return 0;
}

void
mf_http_window_drop(struct mf_http_job *job)
{
	mf_blocks_give(job->http->windows, &job->window_block);
	job->window = NULL;
}
