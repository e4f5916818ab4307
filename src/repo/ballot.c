/* Votes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/ballot_int.h"
#include "transfers/backoff.h"

#define BALLOT_BYTES (16 + 1 + 32) /* NUM-RAND: the order of names is the order of ballots */
#define NUMBER_DIGITS 16
#define HEX "0123456789abcdef"
#define AGAIN 3
#define MAX_TRIES 16
#define WAIT_BASE_US 20000
#define WAIT_CAP_US UINT64_C(2000000)

enum kind { NEITHER, ANNOUNCED = 't', VOTE = 'v' };

/* "NUM-RAND.t" or "NUM-RAND.v" */
static enum kind
kind_of(const char *tail)
{
	if (strlen(tail) != BALLOT_BYTES + 2 || strspn(tail, HEX) != NUMBER_DIGITS ||
	    tail[NUMBER_DIGITS] != '-' || strspn(tail + NUMBER_DIGITS + 1, HEX) != 32 ||
	    tail[BALLOT_BYTES] != '.')
		return NEITHER;
	tail += BALLOT_BYTES + 1;
	return *tail == ANNOUNCED ? ANNOUNCED : *tail == VOTE ? VOTE : NEITHER;
}

/* What stands there, sorted, and nothing else. */
static int
list_ballots(const struct mf_ballot *b, struct mf_names *out, struct mf_error *e)
{
	size_t i, n = 0;

	if (mf_names_list(b->repo, b->prefix, out, e) != 0)
		return -1;
	for (i = 0; i < out->n; i++) {
		if (kind_of(out->items[i] + strlen(b->prefix)) != NEITHER)
			out->items[n++] = out->items[i];
		else
			free(out->items[i]);
	}
	out->n = n;
	return 0;
}

/* Ballots first, then positions: who finds no position has seen all ballots, since they are
 * deleted only when one is there. */
static int
look(const struct mf_ballot *b, struct mf_names *out, struct mf_error *e)
{
	int rc;

	if (list_ballots(b, out, e) != 0)
		return -1;
	if ((rc = b->ops->is_taken(b->arg, e)) != 0)
		mf_names_fini(out);
	return rc == 1 ? MF_BALLOT_TAKEN : rc;
}

static bool
is_beaten(const struct mf_names *names, const char *prefix, const char *own)
{
	return names->n > 0 &&
	    strncmp(names->items[names->n - 1] + strlen(prefix), own, BALLOT_BYTES) > 0;
}

/* A ballot above all that were listed. */
static int
choose(const struct mf_ballot *b, const struct mf_names *names, char ballot[BALLOT_BYTES + 1],
    struct mf_error *e)
{
	char rand[MF_RANDOM_NAME_BYTES];
	uint64_t number = 0;

	if (names->n > 0)
		number = strtoull(names->items[names->n - 1] + strlen(b->prefix), NULL, 16);
	if (number == UINT64_MAX)
		return mf_error_set(e, MF_EDAMAGED, "ballot %s cannot be", names->items[names->n - 1]);
	mf_name_random(rand);
	snprintf(ballot, BALLOT_BYTES + 1, "%016" PRIx64 "-%s", number + 1, rand);
	return 0;
}

/* What the highest vote that counts says. MF_BALLOT_NONE: there is none. AGAIN: it was deleted
 * meanwhile. */
static int
highest_vote(const struct mf_ballot *b, const struct mf_names *names, struct mf_buf *out,
    struct mf_error *e)
{
	size_t i;
	int rc;

	for (i = names->n; i-- > 0;) {
		if (kind_of(names->items[i] + strlen(b->prefix)) != VOTE)
			continue;
		mf_buf_clear(out);
		rc = b->ops->get(b->arg, names->items[i], out, e);
		if (rc == 0)
			return 0;
		if (rc < 0)
			return e->code == MF_ENOTFOUND ? AGAIN : -1;
	}
	return MF_BALLOT_NONE;
}

static bool
has_votes(const struct mf_ballot *b, const struct mf_names *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (kind_of(names->items[i] + strlen(b->prefix)) == VOTE)
			return true;
	return false;
}

/* Steps 1 and 2. */
static int
announce(const struct mf_ballot *b, bool has_own, char ballot[BALLOT_BYTES + 1],
    struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc = look(b, &names, e);

	if (rc != 0)
		return rc;
	rc = !has_own && !has_votes(b, &names) ? MF_BALLOT_NONE : choose(b, &names, ballot, e);
	mf_names_fini(&names);
	if (rc != 0)
		return rc;
	snprintf(name, sizeof(name), "%s%s.%c", b->prefix, ballot, ANNOUNCED);
	return mf_store_put(b->repo->store, name, NULL, 0, MF_STORE_DURABLE | MF_STORE_REPEATABLE,
	    e);
}

/* Step 3, and what to vote for. A ballot that does not come to its vote need not be known. */
static int
find_vote(struct mf_ballot *b, const struct mf_buf *own, const char *ballot, struct mf_buf *vote,
    bool *is_own, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc = look(b, &names, e);

	if (rc == 0) {
		rc = is_beaten(&names, b->prefix, ballot) ? AGAIN : highest_vote(b, &names, vote, e);
		mf_names_fini(&names);
	}
	*is_own = rc == MF_BALLOT_NONE && own != NULL;
	if (*is_own) {
		mf_buf_clear(vote);
		mf_buf_put(vote, own->data, own->len);
		rc = vote->failed ? mf_error_nomem(e, "a vote") : 0;
	}
	if (rc > 0) {
		snprintf(name, sizeof(name), "%s%s.%c", b->prefix, ballot, ANNOUNCED);
		mf_store_del(b->repo->store, name, NULL);
	}
	return rc;
}

/* Steps 4 and 5. */
static int
vote_for(struct mf_ballot *b, const char *ballot, const struct mf_buf *vote, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc;

	snprintf(name, sizeof(name), "%s%s.%c", b->prefix, ballot, VOTE);
	if (b->ops->put(b->arg, name, vote, e) != 0)
		return e->code == MF_ETRANSFER ? AGAIN : -1;
	if ((rc = look(b, &names, e)) != 0)
		return rc;
	rc = is_beaten(&names, b->prefix, ballot) ? AGAIN : MF_BALLOT_DECIDED;
	mf_names_fini(&names);
	return rc;
}

static int
try_once(struct mf_ballot *b, const struct mf_buf *own, struct mf_buf *vote, struct mf_error *e)
{
	char ballot[BALLOT_BYTES + 1];
	bool is_own;
	int rc = announce(b, own != NULL, ballot, e);

	if (rc == 0)
		rc = find_vote(b, own, ballot, vote, &is_own, e);
	if (rc != 0)
		return rc;
	b->has_voted = b->has_voted || is_own;
	return vote_for(b, ballot, vote, e);
}

static int
give_up(const struct mf_ballot *b, struct mf_error *e)
{
	if (!b->has_voted) {
		mf_error_set(e, MF_ECONFLICT, "others change the same, and were faster each time");
		return mf_error_hint(e, "look what they made of it, then try again");
	}
	mf_error_set(e, MF_ETRANSFER, "whether the change was made cannot be told: others try to "
	    "change the same, or the store did not answer");
	return mf_error_hint(e, "try again: what is under way is finished first then");
}

int
mf_ballot_run(struct mf_ballot *b, const struct mf_buf *own, struct mf_buf *decided,
    struct mf_error *e)
{
	const struct mf_waiting *waiting = &b->repo->retry.waiting;
	unsigned tries;
	int rc;

	b->has_voted = false;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (tries > 1 &&
		    !mf_waiting_sleep(waiting, mf_backoff_us(WAIT_BASE_US, WAIT_CAP_US, tries,
						   mf_waiting_random(waiting))))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		if ((rc = try_once(b, own, decided, e)) != AGAIN)
			return rc;
		mf_error_clear(e);
	}
	return give_up(b, e);
}

int
mf_ballot_clear(struct mf_repo *repo, const char *prefix, uint64_t sequence, struct mf_error *e)
{
	struct mf_names names;
	size_t i;
	int rc = 0;

	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++)
		if (strtoull(names.items[i] + strlen(prefix), NULL, 16) <= sequence)
			rc = mf_store_del(repo->store, names.items[i], e);
	mf_names_fini(&names);
	return rc;
}

bool
mf_ballot_is_ref_vote(const char *name)
{
	static const size_t tail = 2 + 32 + 1 + 32 + 1 + NUMBER_DIGITS + 1;

	return strncmp(name, "p/", 2) == 0 && strlen(name) == tail + BALLOT_BYTES + 2 &&
	    strspn(name + 2, HEX "/") == tail + NUMBER_DIGITS - 2 && kind_of(name + tail) == VOTE;
}
