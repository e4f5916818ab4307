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
	unsigned shown; /* lines of the block that stands on the terminal */
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

static unsigned
columns_of(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
		return 79;
	return size.ws_col - 1u;
}

/* With the lock held. The cursor stands behind the last line of the block. */
static void
wipe(struct mf_meter *m)
{
	char up_and_clear[32];
	int n;

	if (m->shown == 0)
		return;
	n = snprintf(up_and_clear, sizeof up_and_clear, "\r\033[%uA\033[J", m->shown - 1);
	draw_text(m, up_and_clear, (size_t)n);
	m->shown = 0;
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
draw(struct mf_meter *m)
{
	unsigned columns = columns_of(m->params.fd), lines = 1;
	char block[1536];
	const char *p;

	mf_progress_block(m->params.progress, m->title, mf_rate_per_s(&m->rate),
	    mf_cmd_monotonic_us() - m->started_us, columns, block, sizeof block);
	add_doing(m, columns, block, sizeof block);
	for (p = block; *p != '\0'; p++)
		lines += *p == '\n';
	wipe(m);
	draw_text(m, block, strlen(block));
	m->shown = lines;
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
	free(m);
}
