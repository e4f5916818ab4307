/*
 * A file that a proxy reads, made from a template, and a command that has it read again.
 *
 * What is in force is what the proxy read last, and that is not to be seen. So the text before is
 * kept beside the file from before the change until the proxy has taken it: as long as it is
 * there, either may be in force.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/traffic/router_int.h"
#include "src/traffic/weights_text.h"

#define FILE_BYTES ((size_t)4 << 20)
#define PATH_BYTES 4096u
#define ARGUMENTS_MAX 64u
#define FILE_TAG "{{file}}"

struct file {
	struct mf_router router;
	const struct mf_router_plan *plan;
	struct mf_router_params params;
	char kept[PATH_BYTES];  /* where the text before is kept */
	char trial[PATH_BYTES]; /* the new one, to be checked */
};

/* The text of a file; *there false where it does not exist. */
static int
load(const char *path, struct mf_buf *out, bool *there, struct mf_error *e)
{
	struct mf_error why = {0};

	mf_buf_clear(out);
	*there = mf_fs_read_file(AT_FDCWD, path, FILE_BYTES, out, &why) == 0;
	if (*there || why.code == MF_ENOTFOUND)
		return 0;
	if (e != NULL)
		*e = why;
	return -1;
}

static int
render(const struct file *f, const struct mf_weights_text_values *values, struct mf_buf *out,
    struct mf_error *e)
{
	struct mf_buf text = MF_BUF_INIT;
	unsigned primary, canary;
	int rc;

	rc = mf_fs_read_file(AT_FDCWD, f->plan->template_path, FILE_BYTES, &text, e);
	if (rc == 0)
		rc = mf_weights_text_render(text.data, text.len, values, out, e);
	if (rc == 0)
		rc = mf_weights_text_read(out->data, out->len, &primary, &canary, e);
	mf_buf_fini(&text);
	return rc == 0 ? 0 : mf_error_while(e, "reading the template %s", f->plan->template_path);
}

static bool
has_file_tag(const char *const *argv)
{
	for (; argv != NULL && *argv != NULL; argv++)
		if (strcmp(*argv, FILE_TAG) == 0)
			return true;
	return false;
}

static int
run(const struct file *f, const char *const *argv, const char *path, uint64_t deadline_us,
    struct mf_error *e)
{
	const char *given[ARGUMENTS_MAX + 1];
	struct mf_program p = {.argv = given};
	size_t n;

	for (n = 0; argv[n] != NULL; n++) {
		if (n == ARGUMENTS_MAX)
			return mf_error_set(
			    e, MF_EUSAGE, "a command with more than %u arguments", ARGUMENTS_MAX);
		given[n] = strcmp(argv[n], FILE_TAG) == 0 ? path : argv[n];
	}
	given[n] = NULL;
	return mf_router_run(&p, &f->params, deadline_us, e);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 0777 : 0644;
}

static int
get(struct mf_router *r, struct mf_router_seen *out, struct mf_error *e)
{
	const struct file *f = (const struct file *)r;
	struct mf_buf text = MF_BUF_INIT;
	unsigned primary, canary;
	bool there, kept;
	int rc;

	*out = (struct mf_router_seen){.instances = 1, .instances_seen = 1};
	rc = load(f->plan->output_path, &text, &there, e);
	if (rc == 0 && !there) {
		mf_error_set(e, MF_ENOTFOUND, "%s does not exist", f->plan->output_path);
		rc = mf_error_hint(e, "fill in the template for 100/0 once by hand, and let the "
				      "proxy read it");
	}
	if (rc == 0)
		rc = mf_weights_text_read(text.data, text.len, &out->primary, &out->canary, e);
	if (rc != 0)
		mf_error_while(e, "reading %s", f->plan->output_path);
	/* one or the other: the one with more canary is what there is to fear */
	if (rc == 0 && load(f->kept, &text, &kept, e) == 0 && kept) {
		(void)snprintf(out->note, sizeof out->note,
		    "a change of %.100s was not seen through", f->plan->output_path);
		if (mf_weights_text_read(text.data, text.len, &primary, &canary, NULL) == 0 &&
		    canary > out->canary) {
			out->primary = primary;
			out->canary = canary;
		}
	}
	out->primary_share = out->primary;
	out->canary_share = out->canary;
	mf_buf_fini(&text);
	return rc;
}

static int
check_commands(const struct file *f, struct mf_error *e)
{
	const char *const *check = f->plan->check;

	if (f->plan->reload != NULL && mf_program_check_search(f->plan->reload[0], e) != 0)
		return -1;
	if (check == NULL)
		return 0;
	if (mf_program_check_search(check[0], e) != 0 ||
	    run(f, check, f->plan->output_path, mf_router_deadline_us(f->plan, &f->params), e) != 0)
		return mf_error_while(e, "checking what %s holds now", f->plan->output_path);
	return 0;
}

static int
check(struct mf_router *r, struct mf_router_can *can, struct mf_error *e)
{
	static const struct mf_weights_text_values samples[] = {
	    {100, 0, NULL}, {50, 50, "token"}, {0, 100, "token"}};
	const struct file *f = (const struct file *)r;
	struct mf_buf text = MF_BUF_INIT;
	char dir[PATH_BYTES];
	struct mf_router_seen seen;
	struct stat st;
	int rc = 0;
	size_t i;

	*can = (struct mf_router_can){0};
	for (i = 0; rc == 0 && i < sizeof samples / sizeof samples[0]; i++) {
		mf_buf_clear(&text);
		rc = render(f, &samples[i], &text, e);
	}
	mf_buf_fini(&text);
	if (rc == 0 && lstat(f->plan->output_path, &st) == 0 && S_ISLNK(st.st_mode)) {
		rc = mf_error_set(e, MF_EUSAGE, "%s is a symbolic link, and would be none after",
		    f->plan->output_path);
		mf_error_hint(e, "name the file that it leads to");
	}
	(void)snprintf(dir, sizeof dir, "%s", f->plan->output_path);
	if (rc == 0 && access(dirname(dir), W_OK) != 0)
		rc = mf_error_sys(e, errno, "cannot write beside %s", f->plan->output_path);
	if (rc == 0)
		rc = get(r, &seen, e);
	return rc == 0 ? check_commands(f, e) : rc;
}

/* The new text before it is in place. */
static int
try_text(const struct file *f, const struct mf_buf *text, uint64_t deadline_us, struct mf_error *e)
{
	int rc;

	if (!has_file_tag(f->plan->check))
		return 0;
	rc = mf_fs_replace(
	    AT_FDCWD, f->trial, text->data, text->len, mode_of(f->plan->output_path), e);
	if (rc == 0)
		rc = run(f, f->plan->check, f->trial, deadline_us, e);
	(void)unlink(f->trial);
	return rc;
}

/* The text before is dropped: nothing else is in force now. */
static int
confirm(const struct file *f, struct mf_error *e)
{
	char dir[PATH_BYTES];

	if (unlink(f->kept) != 0 && errno != ENOENT)
		return mf_error_sys(e, errno, "cannot remove %s", f->kept);
	(void)snprintf(dir, sizeof dir, "%s", f->kept);
	return mf_fs_sync_dir(AT_FDCWD, dirname(dir), e);
}

/* Put the text before back; it was empty where there was no file. */
static int
put_back(const struct file *f, const struct mf_buf *old, bool reload, struct mf_error *e)
{
	const char *const path = f->plan->output_path;

	if (old->len == 0) {
		if (unlink(path) != 0 && errno != ENOENT)
			return mf_error_sys(e, errno, "cannot remove %s", path);
	} else if (mf_fs_replace(AT_FDCWD, path, old->data, old->len, mode_of(path), e) != 0) {
		return -1;
	}
	if (reload && old->len > 0 && f->plan->reload != NULL &&
	    run(f, f->plan->reload, path, mf_router_deadline_us(f->plan, &f->params), e) != 0)
		return -1;
	return confirm(f, e);
}

/* In place, checked, and read again by the proxy. *taken: it got as far as that. */
static int
take_effect(const struct file *f, const struct mf_buf *text, uint64_t deadline_us, bool *taken,
    struct mf_error *e)
{
	const char *const path = f->plan->output_path;

	*taken = false;
	if (mf_fs_replace(AT_FDCWD, path, text->data, text->len, mode_of(path), e) != 0)
		return -1;
	if (f->plan->check != NULL && !has_file_tag(f->plan->check) &&
	    run(f, f->plan->check, path, deadline_us, e) != 0)
		return -1;
	*taken = true;
	return f->plan->reload != NULL ? run(f, f->plan->reload, path, deadline_us, e) : 0;
}

static int
change(const struct file *f, const struct mf_buf *text, const struct mf_buf *old, bool up,
    struct mf_error *e)
{
	const uint64_t deadline_us = mf_router_deadline_us(f->plan, &f->params);
	struct mf_error why = {0}, more = {0};
	bool taken;

	if (try_text(f, text, deadline_us, e) != 0 ||
	    mf_fs_replace(AT_FDCWD, f->kept, old->data, old->len, 0600, e) != 0)
		return -1;
	if (take_effect(f, text, deadline_us, &taken, &why) == 0)
		return confirm(f, e);
	if (taken && !up)
		/* a proxy that starts anew shall read the way back; this is called again */
		mf_error_hint(&why, "%s has the new weights, and the proxy may not have read it",
		    f->plan->output_path);
	else if (put_back(f, old, taken, &more) == 0)
		mf_error_hint(&why, "%s is as it was", f->plan->output_path);
	else
		mf_error_hint(
		    &why, "%s could not be put back: %s", f->plan->output_path, more.message);
	if (e != NULL)
		*e = why;
	return -1;
}

/* More canary than in the text before, or nobody knows. */
static bool
goes_up(const struct mf_buf *old, unsigned canary)
{
	unsigned was_primary, was;

	return old->len == 0 ||
	       mf_weights_text_read(old->data, old->len, &was_primary, &was, NULL) != 0 ||
	       canary > was;
}

static int
set(struct mf_router *r, unsigned primary, unsigned canary, bool mirror, const char *token,
    struct mf_error *e)
{
	const struct file *f = (const struct file *)r;
	const struct mf_weights_text_values values = {primary, canary, token};
	struct mf_buf text = MF_BUF_INIT, now = MF_BUF_INIT, old = MF_BUF_INIT;
	bool there, kept = false;
	int rc;

	if (mf_router_check_weights(primary, canary, e) != 0)
		return -1;
	if (mirror)
		return mf_error_set(e, MF_EUNSUPPORTED, "a file router cannot mirror traffic");
	rc = render(f, &values, &text, e);
	if (rc == 0)
		rc = load(f->plan->output_path, &now, &there, e);
	if (rc == 0)
		rc = load(f->kept, &old, &kept, e);
	if (rc == 0 &&
	    (kept || !there || now.len != text.len || memcmp(now.data, text.data, text.len) != 0))
		rc = change(f, &text, kept ? &old : &now, goes_up(kept ? &old : &now, canary), e);
	if (rc != 0)
		mf_error_while(
		    e, "setting the weights in %s to %u/%u", f->plan->output_path, primary, canary);
	mf_buf_fini(&text);
	mf_buf_fini(&now);
	mf_buf_fini(&old);
	return rc;
}

static void
close_it(struct mf_router *r)
{
	free(r);
}

static const struct mf_router_ops ops = {
    .name = "file", .check = check, .get = get, .set = set, .close = close_it};

struct mf_router *
mf_router_open_file(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e)
{
	struct file *f;
	int n, m;

	if (plan->template_path == NULL || plan->output_path == NULL) {
		mf_error_set(e, MF_EUSAGE, "a file router needs a template and an output");
		return NULL;
	}
	if ((f = calloc(1, sizeof *f)) == NULL) {
		mf_error_nomem(e, "a router");
		return NULL;
	}
	f->router.ops = &ops;
	f->plan = plan;
	f->params = *params;
	n = snprintf(f->kept, sizeof f->kept, "%s.modelferry-before", plan->output_path);
	m = snprintf(f->trial, sizeof f->trial, "%s.modelferry-new", plan->output_path);
	if (n > 0 && (size_t)n < sizeof f->kept && m > 0 && (size_t)m < sizeof f->trial)
		return &f->router;
	mf_error_set(e, MF_EUSAGE, "the path of a file router's output is too long");
	free(f);
	return NULL;
}
