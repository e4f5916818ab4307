#include "src/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/text.h"
#include "src/base/units.h"

/* The sink: the one mutable static of the project. */
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int sink_level = MF_LOG_INFO; /* read without the lock */
static struct mf_log_params sink = {.level = MF_LOG_INFO, .fd = -1};
static void (*bracket_call)(bool before, void *arg);
static void *bracket_arg;
static void (*tap_call)(void *arg, const void *line, size_t n);
static void *tap_arg;
static const struct mf_log_field *context;
static size_t n_context;

static _Thread_local unsigned attempt_number; /* 0: of nothing that is repeated */

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void
mf_log_configure(const struct mf_log_params *params)
{
	pthread_mutex_lock(&sink_lock);
	sink = *params;
	atomic_store_explicit(&sink_level, (int)params->level, memory_order_relaxed);
	pthread_mutex_unlock(&sink_lock);
}

void
mf_log_set_bracket(void (*bracket)(bool before, void *arg), void *arg)
{
	pthread_mutex_lock(&sink_lock);
	bracket_call = bracket;
	bracket_arg = arg;
	pthread_mutex_unlock(&sink_lock);
}

void
mf_log_set_tap(void (*tap)(void *arg, const void *line, size_t n), void *arg)
{
	pthread_mutex_lock(&sink_lock);
	tap_call = tap;
	tap_arg = arg;
	pthread_mutex_unlock(&sink_lock);
}

void
mf_log_set_context(const struct mf_log_field *fields, size_t n)
{
	pthread_mutex_lock(&sink_lock);
	context = fields;
	n_context = n;
	pthread_mutex_unlock(&sink_lock);
}

bool
mf_log_attempts_begin(void)
{
	if (attempt_number > 0)
		return false;
	attempt_number = 1;
	return true;
}

void
mf_log_attempts_next(void)
{
	attempt_number = mf_log_attempt() + 1;
}

void
mf_log_attempts_end(bool begun)
{
	if (begun)
		attempt_number = 0;
}

unsigned
mf_log_attempt(void)
{
	return attempt_number > 0 ? attempt_number : 1;
}

bool
mf_log_enabled(enum mf_log_level level)
{
	return (int)level <= atomic_load_explicit(&sink_level, memory_order_relaxed);
}

static void
put_json_pair(struct mf_buf *b, const char *lead, const char *name, const char *value)
{
	mf_buf_put(b, lead, strlen(lead));
	mf_text_put_json(b, name);
	mf_buf_put_u8(b, ':');
	mf_text_put_json(b, value);
}

/* name=value, with quotes where the value could be misread. */
static void
put_text_pair(struct mf_buf *b, const char *name, const char *value)
{
	mf_buf_put_u8(b, ' ');
	mf_text_put_escaped(b, name);
	mf_buf_put_u8(b, '=');
	if (value[0] == '\0' || strpbrk(value, " \"\\=\t\n") != NULL)
		mf_text_put_json(b, value);
	else
		mf_text_put_escaped(b, value);
}

static void
put_head(struct mf_buf *b, enum mf_log_level level, const char *message)
{
	char when[MF_TIME_TEXT_BYTES] = "";
	size_t i;

	if (sink.now_us != NULL)
		mf_format_time(sink.now_us(), when);
	if (!sink.json) {
		if (when[0] != '\0')
			mf_buf_printf(b, "%s ", when);
		mf_buf_printf(b, "%s: ", level_names[level]);
		mf_text_put_escaped(b, message);
		return;
	}
	mf_buf_put_u8(b, '{');
	if (when[0] != '\0') {
		put_json_pair(b, "", "time", when);
		mf_buf_put_u8(b, ',');
	}
	put_json_pair(b, "", "level", level_names[level]);
	if (sink.run_id != NULL)
		put_json_pair(b, ",", "run", sink.run_id);
	for (i = 0; i < n_context; i++)
		put_json_pair(b, ",", context[i].name, context[i].value);
	put_json_pair(b, ",", "message", message);
}

/* There is nowhere to report a failure of the log to. */
static void
write_line(const void *line, size_t n)
{
	const char *at = line;
	int fd = sink.fd < 0 ? STDERR_FILENO : sink.fd;
	ssize_t done;

	if (tap_call != NULL)
		tap_call(tap_arg, line, n);
	if (bracket_call != NULL)
		bracket_call(true, bracket_arg);
	while (n > 0) {
		done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		at += done;
		n -= (size_t)done;
	}
	if (bracket_call != NULL)
		bracket_call(false, bracket_arg);
}

static void
put_fields(struct mf_buf *b, va_list ap)
{
	const char *name, *value;

	while ((name = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (value == NULL)
			value = "";
		if (sink.json)
			put_json_pair(b, ",", name, value);
		else
			put_text_pair(b, name, value);
	}
}

static void
write_record(struct mf_buf *b)
{
	static const char lost[] = "error: out of memory for a log line\n";

	mf_buf_printf(b, "%s", sink.json ? "}\n" : "\n");
	if (b->failed)
		write_line(lost, sizeof lost - 1);
	else
		write_line(b->data, b->len);
}

void
mf_log(enum mf_log_level level, const char *fmt, ...)
{
	struct mf_buf line = MF_BUF_INIT;
	char text[MF_ERROR_MESSAGE_BYTES * 4];
	va_list ap;
	int n, saved = errno;

	if (!mf_log_enabled(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	pthread_mutex_lock(&sink_lock);
	put_head(&line, level, text);
	write_record(&line);
	pthread_mutex_unlock(&sink_lock);
	mf_buf_fini(&line);
	errno = saved;
}

void
mf_log_fields(enum mf_log_level level, const char *message, ...)
{
	struct mf_buf line = MF_BUF_INIT;
	va_list ap;
	int saved = errno;

	if (!mf_log_enabled(level))
		return;
	pthread_mutex_lock(&sink_lock);
	put_head(&line, level, message);
	va_start(ap, message);
	put_fields(&line, ap);
	va_end(ap);
	write_record(&line);
	pthread_mutex_unlock(&sink_lock);
	mf_buf_fini(&line);
	errno = saved;
}
