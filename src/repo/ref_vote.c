/*
 * Moving refs in a store without conditional put: the position is voted on, and what was decided
 * is put as r/MODEL/REF/SEQ-RAND. The steps: modelferry-repository(5), "Without conditional put".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/repo/ballot_int.h"
#include "src/repo/damaged_int.h"
#include "src/repo/ref_int.h"
#include "src/repo/rekey_int.h"

struct ref_vote {
	struct mf_repo *repo;
	const char *model, *name;
	uint64_t sequence;
	char positions[MF_OBJECT_NAME_BYTES]; /* "r/MODEL/REF/" */
	char ballots[MF_OBJECT_NAME_BYTES];   /* "p/MODEL/REF/SEQ/" */
};

bool
mf_ref_is_voted_on(struct mf_repo *repo)
{
	return (mf_store_capabilities(repo->store) & MF_STORE_CONDITIONAL) == 0;
}

static struct ref_vote
vote_of(struct mf_repo *repo, const char *model, const char *name, uint64_t sequence)
{
	struct ref_vote v = {repo, model, name, sequence, "", ""};

	mf_ref_prefix(repo, model, name, v.positions);
	snprintf(v.ballots, sizeof(v.ballots), "p%.*s%016" PRIx64 "/", MF_REF_PREFIX_BYTES - 1,
	    v.positions + 1, sequence);
	return v;
}

static int
is_taken(void *arg, struct mf_error *e)
{
	const struct ref_vote *v = arg;
	struct mf_names names;
	int taken;

	if (mf_names_list(v->repo, v->positions, &names, e) != 0)
		return -1;
	taken = names.n > 0 && mf_ref_sequence_of(names.items[names.n - 1]) >= v->sequence;
	mf_names_fini(&names);
	return taken;
}

/* The keys are looked at after the put, before it is counted. */
static int
put_vote(void *arg, const char *name, const struct mf_buf *vote, struct mf_error *e)
{
	const struct ref_vote *v = arg;

	return mf_object_put_new(v->repo, MF_OBJECT_REF, name, vote->data, vote->len,
	    MF_STORE_DURABLE, e);
}

/* What would be put there must be readable there. */
static int
check_vote(const struct ref_vote *v, const char *name, const struct mf_buf *vote,
    struct mf_error *e)
{
	struct mf_ref ref;
	bool fits;

	if (mf_ref_decode(vote->data, vote->len, mf_keyring_repo_id(v->repo->keyring), &ref, e) != 0)
		return -1;
	fits = ref.sequence == v->sequence && strcmp(ref.model, v->model) == 0 &&
	    strcmp(ref.name, v->name) == 0;
	mf_ref_fini(&ref);
	return fits ? 0 : mf_error_set(e, MF_EDAMAGED, "vote %s belongs elsewhere", name);
}

static int
get_vote(void *arg, const char *name, struct mf_buf *vote, struct mf_error *e)
{
	const struct ref_vote *v = arg;
	int64_t epoch = mf_rekey_epoch(v->repo, name, e);
	int rc;

	if (epoch < 0)
		return -1;
	if (epoch > 0 && epoch < mf_config_floor(v->repo->config))
		return 1; /* its writer found the newer keys, and did not decide */
	rc = mf_object_get(v->repo, MF_OBJECT_REF, name, vote, e);
	if (rc == 0)
		rc = check_vote(v, name, vote, e);
	if (rc != 0)
		mf_damaged_obstacle_hint(name, e);
	return rc;
}

struct position_put {
	const struct ref_vote *v;
	const struct mf_buf *bytes;
	char name[MF_OBJECT_NAME_BYTES];
};

/* Each time under another name: one whose put failed may still arrive, and says the same. */
static int
put_position_once(void *arg, struct mf_error *e)
{
	struct position_put *p = arg;
	char rand[MF_RANDOM_NAME_BYTES];

	mf_name_random(rand);
	snprintf(p->name, sizeof(p->name), "%.*s%016" PRIx64 "-%s", MF_REF_PREFIX_BYTES,
	    p->v->positions, p->v->sequence, rand);
	return mf_object_put_new(p->v->repo, MF_OBJECT_REF, p->name, p->bytes->data, p->bytes->len,
	    MF_STORE_DURABLE, e);
}

/* Put what was decided; its ballots go. */
static int
put_position(const struct ref_vote *v, const struct mf_buf *decided, struct mf_error *e)
{
	struct position_put put = {.v = v, .bytes = decided};
	char ballots[MF_OBJECT_NAME_BYTES];

	if (mf_retry_run(&v->repo->retry, put.name, put_position_once, &put, e) != 0)
		return -1;
	snprintf(ballots, sizeof(ballots), "%.*s", MF_REF_PREFIX_BYTES, v->ballots);
	mf_ballot_clear(v->repo, ballots, v->sequence, NULL);
	return 0;
}

/* Does what counts at the sequence number say this? 0. 1: no. -1. */
static int
compare(const struct ref_vote *v, const struct mf_buf *own, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf there = MF_BUF_INIT;
	struct mf_names names;
	int rc = 1;

	snprintf(prefix, sizeof(prefix), "%.*s%016" PRIx64, MF_REF_PREFIX_BYTES, v->positions,
	    v->sequence);
	if (mf_names_list(v->repo, prefix, &names, e) != 0)
		return -1;
	if (names.n > 0) {
		rc = mf_object_get(v->repo, MF_OBJECT_REF, names.items[0], &there, e);
		if (rc == 0)
			rc = there.len != own->len || memcmp(there.data, own->data, own->len) != 0;
	}
	mf_buf_fini(&there);
	mf_names_fini(&names);
	return rc;
}

static const struct mf_ballot_ops ops = {is_taken, put_vote, get_vote};

int
mf_ref_vote(struct mf_repo *repo, const struct mf_ref *ref, const struct mf_buf *own,
    bool *may_come, struct mf_error *e)
{
	struct ref_vote v = vote_of(repo, ref->model, ref->name, ref->sequence);
	struct mf_ballot ballot = {.repo = repo, .prefix = v.ballots, .ops = &ops, .arg = &v};
	struct mf_buf decided = MF_BUF_INIT;
	int rc = mf_ballot_run(&ballot, own, &decided, e);

	if (rc == MF_BALLOT_DECIDED)
		rc = put_position(&v, &decided, e);
	mf_buf_fini(&decided);
	if (rc >= 0)
		rc = compare(&v, own, e);
	*may_come = rc < 0 && ballot.has_voted;
	return rc;
}

int
mf_ref_finish_vote(struct mf_repo *repo, const char *model, const char *name, uint64_t sequence,
    struct mf_error *e)
{
	struct ref_vote v = vote_of(repo, model, name, sequence);
	struct mf_ballot ballot = {.repo = repo, .prefix = v.ballots, .ops = &ops, .arg = &v};
	struct mf_buf decided = MF_BUF_INIT;
	int rc = mf_ballot_run(&ballot, NULL, &decided, e);

	if (rc == MF_BALLOT_DECIDED)
		rc = put_position(&v, &decided, e) == 0 ? MF_BALLOT_TAKEN : -1;
	mf_buf_fini(&decided);
	return rc == MF_BALLOT_NONE ? 0 : rc < 0 ? -1 : 1;
}
