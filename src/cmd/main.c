/* From argv to the exit status. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "src/base/log.h"
#include "src/cmd/cmd.h"
#include "src/cmd/limits.h"
#include "src/cmd/output.h"
#include "src/cmd/progress.h"
#include "src/cmd/report.h"
#include "src/config/help.h"

static const char *
environment(const char *name, void *arg)
{
	(void)arg;
	return getenv(name);
}

static long long
log_time(void)
{
	return mf_cmd_now_us();
}

static enum mf_log_level
level_of(const struct mf_cmd *c)
{
	uint64_t level = mf_options_number(c->options, MF_OPT_LOG_LEVEL);

	if (level > MF_LOG_DEBUG) /* notice: rclone's warning */
		level = MF_LOG_WARNING;
	if (c->quiet)
		return MF_LOG_ERROR;
	if (c->verbose > 0 && level < MF_LOG_WARNING + c->verbose)
		level = c->verbose > 1 ? MF_LOG_DEBUG : MF_LOG_INFO;
	return (enum mf_log_level)level;
}

/* Open the log. *fd is -1 or to be closed. */
static int
open_log(struct mf_cmd *c, int *fd, struct mf_error *e)
{
	struct mf_log_params params = {
	    .level = level_of(c), .json = c->log_json, .fd = -1, .run_id = mf_cmd_report_run_id(c)};
	const char *path = mf_options_text(c->options, MF_OPT_LOG_FILE);

	if (path != NULL) {
		*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (*fd < 0) {
			mf_error_sys(e, errno, "cannot open the log file %s", path);
			if (e->code == MF_ENOTFOUND)
				e->code = MF_EUSAGE; /* its directory, and none of a repository */
			return -1;
		}
		c->has_log_file = true;
	}
	params.fd = *fd;
	if (c->log_json || *fd >= 0)
		params.now_us = log_time;
	mf_log_configure(&params);
	return 0;
}

static void
close_log(int fd)
{
	struct mf_log_params params = {.level = MF_LOG_WARNING, .fd = -1};

	mf_log_configure(&params);
	if (fd >= 0)
		close(fd);
}

/* The error that ends the command, once: into the log where that is a file or JSON, and as
 * text on standard error unless the log is JSON there. Not that the reader of our results has
 * seen enough: it knows. */
static void
report(const struct mf_cmd *c, const struct mf_error *error)
{
	const struct mf_error_row *row = mf_error_row(error->code);
	const char *hint = error->hint[0] != '\0' ? error->hint : row->hint;
	char text[MF_ERROR_MESSAGE_BYTES + MF_ERROR_HINT_BYTES +
	    MF_ERROR_FRAMES * (MF_ERROR_FRAME_BYTES + 16) + 64];
	char frames[MF_ERROR_FRAMES * (MF_ERROR_FRAME_BYTES + 2)] = "";
	size_t at = 0;
	unsigned i;

	if (c->log_json || c->has_log_file) {
		for (i = 0; i < error->n_frames && at < sizeof frames; i++)
			at += (size_t)snprintf(frames + at, sizeof frames - at, "%s%s",
			    i > 0 ? ", " : "", error->frames[i]);
		mf_log_fields(MF_LOG_ERROR, error->message, "code", row->name, "while", frames,
		    "hint", hint != NULL ? hint : "", NULL);
	}
	if (!c->log_json || c->has_log_file)
		fprintf(stderr, "modelferry: %s\n", mf_error_text(error, text, sizeof text));
}

static bool
draws(const struct mf_cmd *c)
{
	return !c->quiet && strcasecmp(mf_options_text(c->options, MF_OPT_PROGRESS), "off") != 0;
}

bool
mf_cmd_draws_live(const struct mf_cmd *c)
{
	return draws(c) && isatty(STDERR_FILENO) == 1 && !c->log_json;
}

int
mf_cmd_begin_block(struct mf_cmd *c, const char *title,
    void (*block)(void *arg, const struct mf_meter_frame *frame, struct mf_buf *out), void *arg,
    struct mf_error *e)
{
	struct mf_meter_params params = {.progress = &c->progress, .title = title,
	    .fd = STDERR_FILENO, .block = block, .block_arg = arg,
	    .stats_us = mf_options_number(c->options, MF_OPT_STATS)};

	if (!draws(c))
		return 0;
	params.live = mf_cmd_draws_live(c);
	params.last_line = strcasecmp(mf_options_text(c->options, MF_OPT_PROGRESS), "on") == 0;
	params.doing = c->doing;
	params.doing_arg = c->doing_arg;
	params.through_log = c->log_json || c->has_log_file;
	c->meter = mf_meter_start(&params, e);
	return c->meter != NULL ? 0 : -1;
}

int
mf_cmd_begin_progress(struct mf_cmd *c, const char *title, struct mf_error *e)
{
	return mf_cmd_begin_block(c, title, NULL, NULL, e);
}

void
mf_cmd_end_progress(struct mf_cmd *c)
{
	mf_meter_stop(c->meter);
	c->meter = NULL;
}

static int
write_help(struct mf_cmd *c, struct mf_error *e)
{
	enum mf_command command = mf_options_command(c->options);
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	if (command != MF_COMMANDS)
		mf_help_command(&b, command);
	else if (mf_options_group(c->options) != NULL)
		mf_help_group(&b, mf_options_group(c->options));
	else
		mf_help_overview(&b);
	rc = b.failed ? mf_error_nomem(e, "help") : mf_output_bytes(c->out, b.data, b.len, e);
	mf_buf_fini(&b);
	return rc;
}

static int
run_function(struct mf_cmd *c, mf_cmd_function *function, const struct mf_options_params *params,
    struct mf_error *e)
{
	int rc = -1;

	if (mf_crypto_init(e) == 0 && mf_cmd_begin_limits(c, params, e) == 0)
		rc = function(c, e);
	mf_cmd_end_limits(c);
	return rc;
}

static int
run(struct mf_cmd *c, const struct mf_options_params *params, struct mf_error *e)
{
	enum mf_command command = mf_options_command(c->options);
	mf_cmd_function *function = mf_cmd_find(command);
	int rc;

	if (mf_options_flag(c->options, MF_OPT_HELP))
		rc = write_help(c, e);
	else if (mf_options_flag(c->options, MF_OPT_VERSION))
		rc = mf_cmd_version(c, e);
	else if (command == MF_COMMANDS) {
		mf_error_set(e, MF_EUSAGE, "no command given");
		return mf_error_hint(e, "`modelferry help` lists the commands");
	} else if (function == NULL)
		return mf_error_set(e, MF_EUNSUPPORTED, "%s is not in this build",
		    mf_command_table[command].name);
	else {
		rc = run_function(c, function, params, e);
		/* of a command that was killed the log says that it had "begun" (repo.c) */
		mf_log(MF_LOG_DEBUG, "%s: %s", rc == 0 ? "done" : "failed",
		    mf_command_table[command].name);
	}
	mf_cmd_end_progress(c);
	/* results that were printed come before the error that follows them; differences are one */
	if (mf_output_end(c->out, rc == 0 || e->code == MF_EDIFFERENT ? e : NULL) != 0)
		return -1;
	return rc;
}

static void
take_globals(struct mf_cmd *c, const struct mf_options *o)
{
	c->options = o;
	c->json = mf_options_flag(o, MF_OPT_JSON);
	c->log_json = mf_options_number(o, MF_OPT_LOG_FORMAT) == 1;
	c->verbose = (unsigned)mf_options_number(o, MF_OPT_VERBOSE);
	c->quiet = mf_options_flag(o, MF_OPT_QUIET);
}

/* The log, and those who are told: all are tried, so that as many as can hear of what fails. */
static int
begin(struct mf_cmd *c, int *fd, struct mf_error *e)
{
	int rc = mf_cmd_report_new(c, e);

	if (open_log(c, fd, rc == 0 ? e : NULL) != 0)
		rc = -1;
	if (mf_cmd_report_open(c, rc == 0 ? e : NULL) != 0)
		rc = -1;
	return rc;
}

int
mf_cmd_main(int argc, char *const *argv)
{
	struct mf_options_params params = {.argc = argc > 0 ? argc - 1 : 0, .argv = argv + 1,
	    .getenv = environment};
	struct mf_cmd c = {.out = stdout};
	struct mf_options *options = NULL;
	struct mf_error error = {0};
	int fd = -1, rc;

	mf_cmd_catch_signals();
	rc = mf_options_parse(&params, &options, &error);
	if (rc == 0) {
		take_globals(&c, options);
		rc = begin(&c, &fd, &error);
	}
	if (rc == 0) {
		mf_cmd_report_begin(&c);
		rc = run(&c, &params, &error);
	}
	if (rc != 0 && error.code != MF_ECLOSED)
		report(&c, &error);
	mf_cmd_report_end(&c, rc == 0 ? NULL : &error);
	close_log(fd);
	mf_cmd_report_free(&c);
	mf_options_free(options);
	return rc == 0 ? 0 : mf_error_row(error.code)->exit_status;
}
