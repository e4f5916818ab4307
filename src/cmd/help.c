/* help, version, completion: what needs no repository. */
#include "src/config/help.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "src/cmd/cmd.h"
#include "src/cmd/output.h"

static int
write_text(struct mf_cmd *c, struct mf_buf *b, struct mf_error *e)
{
	int rc = b->failed ? mf_error_nomem(e, "help")
			   : mf_output_bytes(c->out, b->data, b->len, e);

	mf_buf_fini(b);
	return rc;
}

/* The name asked for: "push", "key", "key add". */
static int
find_topic(const struct mf_options *o, char name[64], struct mf_error *e)
{
	const char *first = mf_options_arg(o, 0), *second = mf_options_arg(o, 1), *close;

	snprintf(name, 64, "%s%s%s", first, second != NULL ? " " : "",
	    second != NULL ? second : "");
	if (mf_command_find(name) != MF_COMMANDS || mf_command_is_group(name))
		return 0;
	if (mf_command_is_planned(name))
		return mf_error_set(e, MF_EUSAGE, "%s is not in this release", name);
	close = mf_command_closest(first);
	mf_error_set(e, MF_EUSAGE, "unknown command %s", name);
	return close != NULL ? mf_error_hint(e, "did you mean %s?", close)
			     : mf_error_hint(e, "`modelferry help` lists the commands");
}

int
mf_cmd_help(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	char name[64];

	if (mf_options_n_args(c->options) == 0) {
		mf_help_overview(&b);
		return write_text(c, &b, e);
	}
	if (find_topic(c->options, name, e) != 0)
		return -1;
	if (mf_command_is_group(name))
		mf_help_group(&b, name);
	else
		mf_help_command(&b, mf_command_find(name));
	return write_text(c, &b, e);
}

int
mf_cmd_completion(struct mf_cmd *c, struct mf_error *e)
{
	const char *shell = mf_options_arg(c->options, 0);
	struct mf_buf b = MF_BUF_INIT;

	if (mf_completion_write(&b, shell) != 0)
		return mf_error_set(e, MF_EUSAGE,
		    "no completion for %s: the shell is bash, zsh or fish", shell);
	return write_text(c, &b, e);
}
