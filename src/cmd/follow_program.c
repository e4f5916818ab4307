/* --notify-cmd: once for each version that the directory shows, also over a kill. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/log.h"
#include "src/base/program.h"
#include "src/cmd/follow_int.h"
#include "src/cmd/report.h"

#define NOTE ".modelferry/notified"
#define NOTE_BYTES 300

/* What the note says of what lies at path. With a link that is the name of the version's own
 * directory; without one the note lies in what it is about, and goes with it. */
static void
note_of(const char *path, char out[NOTE_BYTES])
{
	const char *slash = strrchr(path, '/');

	snprintf(out, NOTE_BYTES, "%.250s\n", slash != NULL ? slash + 1 : path);
}

static int
open_dir(const struct mf_cmd_following *s)
{
	return open(s->pull.p.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool
is_noted(const struct mf_cmd_following *s, const char *want)
{
	char is[NOTE_BYTES];
	ssize_t n = -1;
	int dirfd = open_dir(s), fd = -1;

	if (dirfd >= 0)
		fd = mf_fs_open_beneath(dirfd, NOTE, O_RDONLY | O_NONBLOCK, 0, NULL);
	if (fd >= 0) {
		n = read(fd, is, sizeof is);
		close(fd);
	}
	if (dirfd >= 0)
		close(dirfd);
	return n == (ssize_t)strlen(want) && memcmp(is, want, (size_t)n) == 0;
}

/* That it cannot be written costs one run too many. */
static void
write_note(const struct mf_cmd_following *s, const char *text)
{
	struct mf_error e = {0};
	int dirfd = open_dir(s);

	if (dirfd < 0 || mf_fs_replace(dirfd, NOTE, text, strlen(text), 0644, &e) != 0)
		mf_log(MF_LOG_WARNING, "cannot note in %s that --notify-cmd was run: %s",
		    s->pull.p.dir, e.message);
	if (dirfd >= 0)
		close(dirfd);
}

static uint64_t
monotonic_us(void *arg)
{
	(void)arg;
	return (uint64_t)mf_cmd_monotonic_us();
}

static bool
interrupted(void *arg)
{
	(void)arg;
	return mf_cmd_interrupted();
}

enum { V_MODEL, V_REF, V_VERSION, V_SEQUENCE, V_DIR, V_PATH, V_RUN_ID, VARIABLES };

static int
run(const struct mf_cmd_following *s, const struct mf_follow_event *event, struct mf_error *e)
{
	const char *run_id = mf_cmd_report_run_id(s->c);
	char text[VARIABLES][4096 + 32];
	const char *variables[VARIABLES];
	const char *const argv[] = {s->program, NULL};
	const struct mf_program program = {.argv = argv,
	    .variables = variables,
	    .n_variables = VARIABLES,
	    .timeout_us = mf_options_number(s->c->options, MF_OPT_NOTIFY_CMD_TIMEOUT),
	    .now_us = monotonic_us,
	    .interrupted = interrupted};
	size_t i;

	snprintf(text[V_MODEL], sizeof text[0], "FOLLOW_MODEL=%s", s->model);
	snprintf(text[V_REF], sizeof text[0], "FOLLOW_REF=%s", s->ref);
	snprintf(text[V_VERSION], sizeof text[0], "FOLLOW_VERSION=%s", event->version);
	snprintf(text[V_SEQUENCE], sizeof text[0], "FOLLOW_SEQUENCE=%llu",
	    (unsigned long long)event->sequence);
	snprintf(text[V_DIR], sizeof text[0], "FOLLOW_DIR=%s", s->pull.p.dir);
	snprintf(text[V_PATH], sizeof text[0], "FOLLOW_PATH=%s", event->path);
	snprintf(text[V_RUN_ID], sizeof text[0], "FOLLOW_RUN_ID=%s", run_id != NULL ? run_id : "");
	for (i = 0; i < VARIABLES; i++)
		variables[i] = text[i];
	return mf_program_run(&program, e);
}

int
mf_cmd_follow_run_program(
    struct mf_cmd_following *s, const struct mf_follow_event *event, struct mf_error *e)
{
	char note[NOTE_BYTES];
	int rc;

	if (s->program == NULL)
		return 0;
	note_of(event->path, note);
	if (is_noted(s, note))
		return 0;
	rc = run(s, event, e);
	if (rc == 0 || e->code != MF_EINTERRUPTED)
		write_note(s, note);
	return rc;
}
