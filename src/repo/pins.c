/* The sequences that this client has seen: an older object put back is refused. */
#include "src/repo/repo_int.h"

int
mf_pin_seen(struct mf_repo *repo, const char *key, uint64_t *seen, struct mf_error *e)
{
	int rc;

	*seen = 0;
	if (repo->state == NULL)
		return 0;
	pthread_mutex_lock(&repo->state_lock);
	rc = mf_state_seen(repo->state, repo->id_hex, key, seen, e);
	pthread_mutex_unlock(&repo->state_lock);
	return rc < 0 ? -1 : 0;
}

int
mf_pin_compare(uint64_t sequence, uint64_t seen, const char *what, struct mf_error *e)
{
	if (sequence >= seen)
		return 0;
	mf_error_set(e, MF_EKEY,
	    "%s has sequence %llu, but this client has seen %llu: somebody put an older one back", what,
	    (unsigned long long)sequence, (unsigned long long)seen);
	return mf_error_hint(e, "restore the store's newer objects; if the repository was "
	    "restored from a backup on purpose, use a fresh --state-dir");
}

int
mf_pin_check(struct mf_repo *repo, const char *key, uint64_t sequence, const char *what,
    struct mf_error *e)
{
	uint64_t seen;

	return mf_pin_seen(repo, key, &seen, e) != 0 ? -1 : mf_pin_compare(sequence, seen, what, e);
}

int
mf_pin_raise(struct mf_repo *repo, const char *key, uint64_t sequence, struct mf_error *e)
{
	int rc;

	if (repo->state == NULL)
		return 0;
	pthread_mutex_lock(&repo->state_lock);
	rc = mf_state_raise(repo->state, repo->id_hex, key, sequence, e);
	pthread_mutex_unlock(&repo->state_lock);
	return rc;
}
