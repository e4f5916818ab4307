#include "src/cmd/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/cmd/cmd.h"

#define LIVE_PERIOD_US 200000

struct mf_meter {
	struct mf_meter_params params;
	char title[200];
	pthread_t thread;
	pthread_mutex_t lock; /* guards everything below, and the terminal */
	pthread_cond_t wake;
	bool stopping;
	bool stands;               /* a block, on the terminal: */
	struct mf_buf text, drawn; /* as lines, and as it was written */
	struct mf_rate rate;
	int64_t started_us, next_line_us;
};

/* What cannot be drawn is not worth an error. */
static void
draw_text(const struct mf_meter *m, const char *text, size_t n)
{
	ssize_t rc = write(m->params.fd, text, n);

	(void)rc;
}

/* One column less than there are, since some terminals go on to the next line at the last one. */
static void
look_at_terminal(int fd, struct mf_meter_frame *out)
{
	struct winsize size;
	bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;

	out->columns = known && size.ws_col >= 20 ? size.ws_col - 1u : 79;
	out->rows = known && size.ws_row >= 4 ? size.ws_row - 1u : 23;
}

/* Rows of the terminal that the block takes as it is now: lines that were drawn when it was wider
 * may have been broken. */
static unsigned
rows_now(const struct mf_meter *m)
{
	struct mf_meter_frame now;
	unsigned rows = 0, width = 0;
	size_t i;

	if (!m->stands)
		return 0;
	look_at_terminal(m->params.fd, &now);
	for (i = 0; i <= m->text.len; i++) {
		if (i < m->text.len && m->text.data[i] != '\n') {
			width += (m->text.data[i] & 0xc0) != 0x80;
			continue;
		}
		rows += width == 0 ? 1 : (width + now.columns) / (now.columns + 1);
		width = 0;
	}
	return rows;
}

/* With the lock held. The cursor stands below the block, so that a process which is killed leaves
 * a clean line behind. */
static void
wipe(struct mf_meter *m)
{
	char up_and_clear[32];
	int n;

	if (!m->stands)
		return;
	n = snprintf(up_and_clear, sizeof up_and_clear, "\r\033[%uA\033[J", rows_now(m));
	draw_text(m, up_and_clear, (size_t)n);
	m->stands = false;
}

/* What is being worked on, as a line of its own, at most so wide: whole characters of it. */
static void
add_doing(const struct mf_meter *m, unsigned columns, char *block, size_t block_bytes)
{
	char text[512];
	size_t n, end;

	if (m->params.doing == NULL ||
	    m->params.doing(m->params.doing_arg, text, sizeof text)[0] == 0)
		return;
	end = columns > 2 ? columns - 2 : 0;
	n = strlen(text);
	for (end = end < n ? end : n; end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80; end--)
		;
	n = strlen(block);
	snprintf(block + n, block_bytes - n, "\n  %.*s", (int)end, text);
}

static void
put_block(struct mf_meter *m, const struct mf_meter_frame *frame)
{
	char block[1536];

	mf_buf_clear(&m->text);
	if (m->params.block != NULL) {
		m->params.block(m->params.block_arg, frame, &m->text);
		return;
	}
	mf_progress_block(m->params.progress, m->title, frame->rate_bps, frame->elapsed_us,
	    frame->columns, block, sizeof block);
	add_doing(m, frame->columns, block, sizeof block);
	mf_buf_put(&m->text, block, strlen(block));
}

/* Over the block that stands there, line by line, with one write: nothing is seen to go and come
 * again. */
static void
draw(struct mf_meter *m)
{
	struct mf_meter_frame frame = {.rate_bps = mf_rate_per_s(&m->rate),
	    .elapsed_us = mf_cmd_monotonic_us() - m->started_us};
	const char *line, *end;

	mf_buf_clear(&m->drawn);
	if (m->stands)
		mf_buf_printf(&m->drawn, "\r\033[%uA", rows_now(m));
	look_at_terminal(m->params.fd, &frame);
	put_block(m, &frame);
	for (line = mf_buf_cstr(&m->text); line != NULL; line = end == NULL ? NULL : end + 1) {
		end = strchr(line, '\n');
		mf_buf_put(&m->drawn, line, end == NULL ? strlen(line) : (size_t)(end - line));
		mf_buf_printf(&m->drawn, "\033[K\n");
	}
	mf_buf_printf(&m->drawn, "\033[J");
	if (m->text.failed || m->drawn.failed)
		return; /* what stands there, stands on */
	draw_text(m, (const char *)m->drawn.data, m->drawn.len);
	m->stands = true;
}

/* Around each log line, under the log's lock: the block makes room for it. */
static void
make_room(bool before, void *arg)
{
	struct mf_meter *m = arg;

	if (before) {
		pthread_mutex_lock(&m->lock);
		wipe(m);
		return;
	}
	if (!m->stopping)
		draw(m);
	pthread_mutex_unlock(&m->lock);
}

void
mf_meter_redraw(struct mf_meter *m)
{
	if (m == NULL || !m->params.live)
		return;
	pthread_mutex_lock(&m->lock);
	draw(m);
	pthread_mutex_unlock(&m->lock);
}

void
mf_meter_aside(struct mf_meter *m, void (*say)(void *arg), void *arg)
{
	if (m == NULL || !m->params.live) {
		say(arg);
		return;
	}
	pthread_mutex_lock(&m->lock);
	wipe(m);
	say(arg);
	draw(m);
	pthread_mutex_unlock(&m->lock);
}

/* Without the lock: a log line may take it. */
static void
write_line(const struct mf_meter *m, uint64_t rate_bps)
{
	char line[512], doing[512] = "", all[1400];
	int n;

	mf_progress_line(m->params.progress, rate_bps, line, sizeof line);
	if (m->params.doing != NULL)
		m->params.doing(m->params.doing_arg, doing, sizeof doing);
	snprintf(all, sizeof all, "%s%s%s", line, doing[0] != '\0' ? "; " : "", doing);
	if (m->params.through_log) {
		mf_log_fields(MF_LOG_INFO, m->title, "progress", all, NULL);
		return;
	}
	n = snprintf(
	    all, sizeof all, "%s: %s%s%s\n", m->title, line, doing[0] != '\0' ? "; " : "", doing);
	draw_text(m, all, (size_t)n);
}

static void
sample(struct mf_meter *m, int64_t now_us)
{
	mf_rate_add(&m->rate, now_us,
	    atomic_load_explicit(&m->params.progress->bytes_done, memory_order_relaxed));
}

/* Sleep until the next tick; the lock is held before and after. */
static void
wait_tick(struct mf_meter *m)
{
	int64_t until_us = mf_cmd_monotonic_us() + LIVE_PERIOD_US;
	struct timespec until;

	until.tv_sec = until_us / 1000000;
	until.tv_nsec = until_us % 1000000 * 1000;
	pthread_cond_timedwait(&m->wake, &m->lock, &until);
}

static void *
run(void *arg)
{
	struct mf_meter *m = arg;
	int64_t now_us;
	uint64_t rate_bps;

	pthread_mutex_lock(&m->lock);
	while (!m->stopping) {
		now_us = mf_cmd_monotonic_us();
		sample(m, now_us);
		if (m->params.live)
			draw(m);
		else if (m->params.stats_us > 0 && now_us >= m->next_line_us) {
			rate_bps = mf_rate_per_s(&m->rate);
			pthread_mutex_unlock(&m->lock);
			write_line(m, rate_bps);
			pthread_mutex_lock(&m->lock);
			m->next_line_us += (int64_t)m->params.stats_us;
		}
		if (!m->stopping)
			wait_tick(m);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static int
start_thread(struct mf_meter *m)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&m->thread, NULL, run, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct mf_meter *
mf_meter_start(const struct mf_meter_params *params, struct mf_error *e)
{
	struct mf_meter *m = calloc(1, sizeof *m);
	pthread_condattr_t attr;
	int rc;

	if (m == NULL) {
		mf_error_nomem(e, "progress");
		return NULL;
	}
	m->params = *params;
	snprintf(m->title, sizeof m->title, "%s", params->title);
	m->started_us = mf_cmd_monotonic_us();
	m->next_line_us = m->started_us + (int64_t)params->stats_us;
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (params->live)
		mf_log_set_bracket(make_room, m);
	if ((rc = start_thread(m)) != 0) {
		mf_error_sys(e, rc, "cannot start the progress thread");
		mf_log_set_bracket(NULL, NULL);
		free(m);
		return NULL;
	}
	return m;
}

void
mf_meter_stop(struct mf_meter *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	if (m->params.live)
		mf_log_set_bracket(NULL, NULL);
	wipe(m);
	if (!m->params.live && m->params.last_line) {
		sample(m, mf_cmd_monotonic_us());
		write_line(m, mf_rate_per_s(&m->rate));
	}
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	mf_buf_fini(&m->text);
	mf_buf_fini(&m->drawn);
	free(m);
}
