#include "src/repo/locked_int.h"

#include "src/base/units.h"

bool
mf_locked(struct mf_store *store, const char *name, struct mf_error *e)
{
	struct mf_store_stat stat;
	char text[MF_TIME_TEXT_BYTES];
	int64_t now_us;

	if (e->code != MF_EPERM || mf_store_head(store, name, &stat, NULL) != 0 ||
	    mf_store_now(store, &now_us, NULL) != 0 || stat.locked_until_us <= now_us)
		return false;
	if (stat.locked_until_us == MF_STORE_HELD) {
		mf_error_set(e, MF_EPERM, "%s stays: it is under a legal hold", name);
		mf_error_hint(e, "whoever set the hold can lift it; a prune after that deletes it");
	} else {
		mf_error_set(e, MF_EPERM, "%s stays until %s: it is under a retention", name,
		    mf_format_time(stat.locked_until_us, text));
		mf_error_hint(e, "a prune after that deletes it");
	}
	return true;
}

bool
mf_locked_is_final(const struct mf_error *e)
{
	return e->n_frames == 0; /* "trying 2 times" */
}
