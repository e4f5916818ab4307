/*
 * The progress of an operation as a person sees it: on a terminal one live block, elsewhere a
 * line every --stats. The text is made by pure functions; struct mf_meter is the thread that
 * draws it.
 */
#ifndef MF_CMD_PROGRESS_H
#define MF_CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/base/progress.h"

/* A rate over the last seconds: samples of a counter that only grows. Zero-initialised. */
#define MF_RATE_SAMPLES 32
struct mf_rate {
	struct {
		int64_t at_us;
		uint64_t count;
	} samples[MF_RATE_SAMPLES];
	unsigned n, next;
};
#define MF_RATE_WINDOW_US 10000000

/* Note the counter at this time; times must not decrease. A sample less than a 30th of the
 * window after the last replaces it. */
void mf_rate_add(struct mf_rate *r, int64_t at_us, uint64_t count);
/* Units a second over the samples of the window; 0 with fewer than two. */
uint64_t mf_rate_per_s(const struct mf_rate *r);

/* One line without its end: "3.1 GiB of 12 GiB (25 %), 410 MiB/s, 22s left, ...". rate_bps 0: not
 * known. Parts that are not known are left out; time left needs total and rate. */
void mf_progress_line(const struct mf_progress *p, uint64_t rate_bps, char *out, size_t out_bytes);
/* The same for a terminal: lines parted by \n, each at most `columns` wide. */
void mf_progress_block(const struct mf_progress *p, const char *title, uint64_t rate_bps,
    int64_t elapsed_us, unsigned columns, char *out, size_t out_bytes);

/* A moment at which a block is drawn. */
struct mf_meter_frame {
	unsigned columns, rows;
	uint64_t rate_bps;
	int64_t elapsed_us;
};

struct mf_meter_params {
	const struct mf_progress *progress; /* borrowed until stop */
	const char *title;		    /* copied */
	int fd;				    /* where it is drawn; standard error */
	bool live;			    /* a terminal: draw a block */
	bool last_line;			    /* off a terminal: write a line at the end too */
	bool through_log; /* lines are log lines of level info instead */
	uint64_t stats_us; /* time between lines; 0: none */
	/* Draws the live block in place of mf_progress_block: lines parted by \n, at most so many,
	 * none wider than columns. Called on the meter's thread, and on others for a log line; it
	 * must not log. NULL: none. */
	void (*block)(void *arg, const struct mf_meter_frame *frame, struct mf_buf *out);
	void *block_arg;
	/* What is being worked on at this moment, into out; called on the meter's thread, and
	 * returns out. NULL: nothing is said. */
	const char *(*doing)(void *arg, char *out, size_t out_bytes);
	void *doing_arg;
};

struct mf_meter;

/* Start the thread. It holds the log's bracket until stop: at most one meter at a time. */
struct mf_meter *mf_meter_start(const struct mf_meter_params *params, struct mf_error *e);
/* Draw now, not at the next turn. */
void mf_meter_redraw(struct mf_meter *m);
/* The block makes room for what say writes to the terminal, whole lines, which then stand above it.
 * say must not log. m NULL: it is just called. */
void mf_meter_aside(struct mf_meter *m, void (*say)(void *arg), void *arg);
/* Stop it, wipe the block, free. NULL is fine. */
void mf_meter_stop(struct mf_meter *m);

#endif
