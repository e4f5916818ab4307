/*
 * The log: lines on standard error or a file, as text or as JSON objects. The sink, and each
 * thread's attempt, are the one mutable static of the project. Every function may be called from any thread; a line is
 * written by one write(2). Never log a secret, a signed URL or an Authorization header.
 */
#ifndef MF_BASE_LOG_H
#define MF_BASE_LOG_H

#include <stdbool.h>

#include "src/base/error.h"

enum mf_log_level { MF_LOG_ERROR, MF_LOG_WARNING, MF_LOG_INFO, MF_LOG_DEBUG };

struct mf_log_params {
	enum mf_log_level level;
	bool json;
	int fd;		    /* -1: standard error; else borrowed until mf_log_configure again */
	const char *run_id; /* NULL or borrowed: field "run" of each JSON line */
	long long (*now_us)(void); /* NULL: no time in the lines; else Unix time in us */
};

struct mf_log_field {
	const char *name;
	const char *value;
};

/* Called once at start (and again on SIGHUP by the daemon), before other threads log. */
void mf_log_configure(const struct mf_log_params *params);

/* What each JSON line says besides, after "run": what the whole process works on, such as model
 * and store. Borrowed until the next call; its names are taken: no line has them for its own.
 * NULL, 0: nothing. */
void mf_log_set_context(const struct mf_log_field *fields, size_t n);

/* Is a line of this level written? For callers that would build an expensive message. */
bool mf_log_enabled(enum mf_log_level level);

/* One line. Control characters are escaped. */
void mf_log(enum mf_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One line with structured fields: pairs of name and value strings, ended by NULL. In text
 * they follow the message as name=value. Example:
 * mf_log_fields(MF_LOG_INFO, "version published", "model", m, "version", v, NULL); */
void mf_log_fields(enum mf_log_level level, const char *message, ...) __attribute__((sentinel));

/* Which attempt of an operation this thread is at, from 1, for lines that name it. Whoever repeats
 * one begins, goes on to the next as often as he likes, and ends with what begin returned; within
 * an operation that another one repeats the number goes on where it is. It is a thread's own. */
bool mf_log_attempts_begin(void);
void mf_log_attempts_next(void);
void mf_log_attempts_end(bool begun);
unsigned mf_log_attempt(void);

/* Called around each log line by whoever draws on the terminal (the progress block), under
 * the log's lock: before (true) and after (false). It must not log. NULL: none. */
void mf_log_set_bracket(void (*bracket)(bool before, void *arg), void *arg);

/* Called with each line that is written, and its end, under the log's lock: for whoever keeps
 * the last ones. It must not log. NULL: none. */
void mf_log_set_tap(void (*tap)(void *arg, const void *line, size_t n), void *arg);

#endif
