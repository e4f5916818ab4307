#include <string.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "src/sync/mirror_int.h"

/* So many files fail because of what they have in common, not because of themselves. */
#define IN_A_ROW_MAX 20u

int
mirror_failures_init(struct mirror_failures *f, struct mf_error *e)
{
	if (pthread_mutex_init(&f->lock, NULL) != 0)
		return mf_error_nomem(e, "a mirror");
	return 0;
}

void
mirror_failures_fini(struct mirror_failures *f)
{
	pthread_mutex_destroy(&f->lock);
}

/* How much it says about the state of things; ties go to the first. */
static int
weight(enum mf_code code)
{
	switch (code) {
	case MF_OK: return 0;
	case MF_EDIFFERENT: return 1;
	case MF_ESOURCE: return 2;
	case MF_ECONFLICT: return 3;
	case MF_ETRANSFER: return 4;
	case MF_ENOSPC: return 5;
	case MF_EDAMAGED: return 6;
	case MF_EPERM: return 7;
	case MF_ENOMEM: return 9;
	case MF_EINTERRUPTED: return 10;
	default: return 8;
	}
}

static bool
hits_every_file(enum mf_code code)
{
	return code == MF_ETRANSFER || code == MF_ENOSPC;
}

int
mirror_failed(struct mirror_failures *f, struct mf_error *e, const char *path)
{
	bool fatal = e->code == MF_EINTERRUPTED || e->code == MF_ENOMEM;

	if (e->code == MF_EEXIST) /* a directory where a file should be, or the other way round */
		e->code = MF_ECONFLICT;
	if (!fatal && path != NULL)
		mf_log_fields(MF_LOG_ERROR, e->message, "path", path, "code",
		    mf_error_row(e->code)->name, NULL);
	if (!fatal)
		MF_PROGRESS_ADD(f->progress, failures, 1);
	pthread_mutex_lock(&f->lock);
	f->n += !fatal;
	f->in_a_row = hits_every_file(e->code) ? f->in_a_row + 1 : 0;
	if (weight(e->code) > weight(f->worst.code))
		f->worst = *e;
	if (f->in_a_row >= IN_A_ROW_MAX) {
		fatal = true;
		mf_error_while(e, "giving up after %u such failures in a row", f->in_a_row);
	}
	pthread_mutex_unlock(&f->lock);
	return fatal ? -1 : 0;
}

void
mirror_succeeded(struct mirror_failures *f)
{
	pthread_mutex_lock(&f->lock);
	f->in_a_row = 0;
	pthread_mutex_unlock(&f->lock);
}

uint64_t
mirror_failures_n(struct mirror_failures *f)
{
	uint64_t n;

	pthread_mutex_lock(&f->lock);
	n = f->n;
	pthread_mutex_unlock(&f->lock);
	return n;
}

void
mirror_blame_source(struct mf_tree *src, struct mf_error *e)
{
	bool local = (mf_tree_capabilities(src) & MF_TREE_LOCAL) != 0;

	if (local && e->code == MF_EPERM)
		mf_error_hint(e, "let this user read it, or leave it out with --exclude");
	if (e->code == MF_ENOTFOUND ||
	    (local && e->code != MF_EINTERRUPTED && e->code != MF_ENOMEM))
		e->code = MF_ESOURCE;
}

int
mirror_verdict(
    struct mirror_failures *f, const struct mf_error *fatal, const char *doing, struct mf_error *e)
{
	const struct mf_error *worst = &f->worst;

	if (weight(fatal->code) > weight(worst->code))
		worst = fatal;
	if (worst->code == MF_OK)
		return 0;
	if (e == NULL)
		return -1;
	*e = *worst;
	if (f->n > 1)
		return mf_error_while(
		    e, "%s: %llu failure%s, which the log tells", doing, (unsigned long long)f->n,
	    mf_plural(f->n));
	return mf_error_while(e, "%s", doing);
}
