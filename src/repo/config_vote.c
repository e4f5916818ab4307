/* Votes on the configuration. They are not sealed, as it is not itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/ballot_int.h"
#include "src/repo/config_vote_int.h"

#define BALLOTS "p/config/"
#define CONFIGS "config/"

struct config_vote {
	struct mf_repo *repo;
	uint64_t sequence;
};

static int
is_taken(void *arg, struct mf_error *e)
{
	const struct config_vote *v = arg;
	struct mf_names names;
	int taken = 0;

	if (mf_names_list(v->repo, CONFIGS, &names, e) != 0)
		return -1;
	if (names.n > 0)
		taken = strtoull(names.items[names.n - 1] + strlen(CONFIGS), NULL, 16) >= v->sequence;
	mf_names_fini(&names);
	return taken;
}

static int
put_vote(void *arg, const char *name, const struct mf_buf *vote, struct mf_error *e)
{
	const struct config_vote *v = arg;

	return mf_store_put(v->repo->store, name, vote->data, vote->len, MF_STORE_DURABLE, e);
}

/* No key is needed to see that it is a configuration. Whether it is a good one is for those to
 * say who open it; who can put votes can put configurations. */
static int
get_vote(void *arg, const char *name, struct mf_buf *vote, struct mf_error *e)
{
	const struct config_vote *v = arg;
	struct mf_config *c;

	if (mf_store_get(v->repo->store, name, 0, MF_CONFIG_MAX_BYTES + 1, vote, e) != 0)
		return -1;
	if ((c = mf_config_decode(vote->data, vote->len, v->sequence, e)) == NULL) {
		mf_error_hint(e, "if no init and no change of keys is still running, remove this object");
		return mf_error_while(e, "reading the vote %s", name);
	}
	mf_config_free(c);
	return 0;
}

struct config_put {
	const struct config_vote *v;
	const struct mf_buf *bytes;
	char name[MF_OBJECT_NAME_BYTES];
};

/* Each time under another name: one whose put failed may still arrive, and says the same. */
static int
put_once(void *arg, struct mf_error *e)
{
	struct config_put *p = arg;
	char rand[MF_RANDOM_NAME_BYTES];

	mf_name_random(rand);
	snprintf(p->name, sizeof(p->name), CONFIGS "%016" PRIx64 "-%s", p->v->sequence, rand);
	return mf_store_put(p->v->repo->store, p->name, p->bytes->data, p->bytes->len,
	    MF_STORE_DURABLE, e);
}

/* Does what counts as that number say this? 0. 1: no. -1. */
static int
compare(const struct config_vote *v, const struct mf_buf *own, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf there = MF_BUF_INIT;
	struct mf_names names;
	int rc = 1;

	snprintf(prefix, sizeof(prefix), CONFIGS "%016" PRIx64, v->sequence);
	if (mf_names_list(v->repo, prefix, &names, e) != 0)
		return -1;
	if (names.n > 0) {
		rc = mf_store_get(
		    v->repo->store, names.items[0], 0, MF_CONFIG_MAX_BYTES + 1, &there, e);
		if (rc == 0)
			rc = there.len != own->len || memcmp(there.data, own->data, own->len) != 0;
		else if (e->code == MF_ENOTFOUND)
			rc = 1; /* there is a newer one */
	}
	mf_buf_fini(&there);
	mf_names_fini(&names);
	return rc;
}

int
mf_config_vote(struct mf_repo *repo, uint64_t sequence, const struct mf_buf *own,
    struct mf_error *e)
{
	static const struct mf_ballot_ops ops = {is_taken, put_vote, get_vote};
	char prefix[MF_OBJECT_NAME_BYTES];
	struct config_vote v = {repo, sequence};
	struct mf_ballot ballot = {.repo = repo, .prefix = prefix, .ops = &ops, .arg = &v};
	struct mf_buf decided = MF_BUF_INIT;
	struct config_put put = {.v = &v, .bytes = &decided};
	int rc;

	snprintf(prefix, sizeof(prefix), BALLOTS "%016" PRIx64 "/", sequence);
	rc = mf_ballot_run(&ballot, own, &decided, e);
	if (rc == MF_BALLOT_DECIDED && (rc = mf_retry_run(&repo->retry, put.name, put_once, &put, e)) == 0)
		mf_ballot_clear(repo, BALLOTS, sequence, NULL);
	mf_buf_fini(&decided);
	return rc < 0 ? -1 : compare(&v, own, e);
}

int
mf_config_clear_votes(struct mf_repo *repo, uint64_t sequence, struct mf_error *e)
{
	return mf_ballot_clear(repo, BALLOTS, sequence, e);
}
