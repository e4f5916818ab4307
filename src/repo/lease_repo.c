/* A lease in the repository: the newest of l/KEY/SEQ. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/lease_int.h"
#include "src/repo/repo_int.h"

#define PREFIX_BYTES 35 /* "l/KEY/" */
#define SEQUENCE_DIGITS 16
#define TRIES 8

static void
prefix_of(
    struct mf_repo *repo, enum mf_lease_kind kind, const char *name, char out[MF_OBJECT_NAME_BYTES])
{
	char key[MF_NAME_HASH_BYTES], digit[2] = {(char)('0' + kind), '\0'};

	mf_keyring_name_hash(repo->keyring, "lease", digit, name, key);
	snprintf(out, MF_OBJECT_NAME_BYTES, "l/%s/", key);
}

static void
name_at(const char *prefix, uint64_t sequence, char out[MF_OBJECT_NAME_BYTES])
{
	snprintf(out, MF_OBJECT_NAME_BYTES, "%.*s%016" PRIx64, PREFIX_BYTES, prefix, sequence);
}

/* The sequence number of a name of the listing; 0: it is none of ours. */
static uint64_t
sequence_of(const char *name)
{
	if (strlen(name) != PREFIX_BYTES + SEQUENCE_DIGITS ||
	    strspn(name + PREFIX_BYTES, "0123456789abcdef") != SEQUENCE_DIGITS)
		return 0;
	return strtoull(name + PREFIX_BYTES, NULL, 16);
}

static uint64_t
newest_of(const struct mf_names *names)
{
	uint64_t newest = 0;
	size_t i;

	for (i = 0; i < names->n; i++)
		if (sequence_of(names->items[i]) > newest)
			newest = sequence_of(names->items[i]);
	return newest;
}

/* A record that its name contradicts is as good as none that can be read. */
static int
read_record(struct mf_repo *repo, const char *name, struct mf_lease_record *x, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	int rc = mf_object_get(repo, MF_OBJECT_LEASE, name, &plain, e);

	if (rc == 0)
		rc =
		    mf_lease_decode(plain.data, plain.len, mf_keyring_repo_id(repo->keyring), x, e);
	mf_buf_fini(&plain);
	if (rc != 0)
		return -1;
	prefix_of(repo, x->kind, x->name, prefix);
	if (strncmp(prefix, name, PREFIX_BYTES) == 0 && x->sequence == sequence_of(name))
		return 0;
	return mf_error_set(e, MF_EDAMAGED, "lease %s belongs elsewhere", name);
}

/* One look. 1: the newest was replaced meanwhile. */
static int
look_once(struct mf_repo *repo, const char *prefix, struct mf_lease_seen *seen, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_lease_record x;
	struct mf_names names;

	*seen = (struct mf_lease_seen){0};
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	seen->sequence = newest_of(&names);
	mf_names_fini(&names);
	if (seen->sequence == 0)
		return 0;
	seen->exists = true;
	name_at(prefix, seen->sequence, name);
	seen->readable = read_record(repo, name, &x, e) == 0;
	if (seen->readable) {
		seen->holder = x.holder;
		return 0;
	}
	if (e->code != MF_ENOTFOUND && !mf_error_is_damage(e))
		return -1;
	if (e->code != MF_ENOTFOUND)
		mf_log(MF_LOG_WARNING, "%s", e->message);
	x.sequence = e->code == MF_ENOTFOUND;
	mf_error_clear(e);
	return x.sequence != 0;
}

static int
look(struct mf_repo *repo, const char *prefix, struct mf_lease_seen *seen, struct mf_error *e)
{
	int tries, rc = 1;

	for (tries = 0; rc == 1 && tries < TRIES; tries++)
		rc = look_once(repo, prefix, seen, e);
	return rc == 1 ? mf_error_set(e, MF_ECONFLICT, "the lease %s changes all the time", prefix)
		       : rc;
}

static int
look_timed(struct mf_lease *l, struct mf_lease_seen *seen, struct mf_error *e)
{
	uint64_t asked_us = l->p.now_us(l->p.arg);

	if (look(l->repo, l->prefix, seen, e) != 0)
		return -1;
	seen->asked_us = asked_us;
	seen->answered_us = l->p.now_us(l->p.arg);
	return 0;
}

/* Is what stands at the sequence number from this handle? 1: yes. 0: no, or nothing. -1: who
 * knows. */
static int
is_own(struct mf_lease *l, uint64_t sequence, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_lease_record x;

	name_at(l->prefix, sequence, name);
	if (read_record(l->repo, name, &x, e) != 0)
		return e->code == MF_ENOTFOUND || mf_error_is_damage(e) ? 0 : -1;
	return memcmp(x.holder.instance, l->p.instance, MF_LEASE_INSTANCE_BYTES) == 0;
}

/* Old records say nothing any more. */
static void
delete_older(struct mf_lease *l, const struct mf_names *names, uint64_t than)
{
	uint64_t sequence;
	size_t i;

	for (i = 0; i < names->n; i++) {
		sequence = sequence_of(names->items[i]);
		if (sequence != 0 && sequence < than)
			mf_store_del(l->repo->store, names->items[i], NULL);
	}
}

/* The put went through. But the number may have been used and deleted long ago, by those who have
 * gone on from it; so it counts only if it is the newest now. The newest is never deleted.
 * 0; 1: it is not; -1. */
static int
settle(struct mf_lease *l, uint64_t sequence, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	int rc;

	if (mf_names_list(l->repo, l->prefix, &names, e) != 0)
		return -1;
	rc = newest_of(&names) == sequence ? 0 : 1;
	if (rc == 0) {
		delete_older(l, &names, sequence);
	} else {
		name_at(l->prefix, sequence, name);
		mf_store_del(l->repo->store, name, NULL);
	}
	mf_names_fini(&names);
	return rc;
}

/* 0; 1: somebody else was faster; -1, and it may be there all the same. An answer that was lost,
 * or a repeated request that met itself, are told from that by reading what is there. */
static int
put_record(struct mf_lease *l, const struct mf_lease_record *x, struct mf_error *e)
{
	struct mf_error first;
	struct mf_buf b = MF_BUF_INIT;
	char name[MF_OBJECT_NAME_BYTES];
	int rc, own;

	name_at(l->prefix, x->sequence, name);
	mf_lease_encode(x, mf_keyring_repo_id(l->repo->keyring), &b);
	rc = b.failed ? mf_error_nomem(e, "a lease")
		      : mf_object_put_new(l->repo, MF_OBJECT_LEASE, name, b.data, b.len,
			    MF_STORE_IF_ABSENT | MF_STORE_DURABLE, e);
	mf_buf_fini(&b);
	if (rc < 0 && e->code == MF_ECONFLICT)
		return -1; /* the keys changed, and it was taken back */
	if (rc != 0) {
		first = *e;
		own = is_own(l, x->sequence, e);
		if (own == 0 && rc < 0)
			*e = first;
		if (own != 1)
			return own < 0 ? -1 : rc;
		mf_error_clear(e);
	}
	return settle(l, x->sequence, e);
}

static struct mf_lease_record
record_of(const struct mf_lease *l, uint64_t sequence, uint64_t token, uint64_t duration_us)
{
	struct mf_lease_record x = {.kind = l->p.kind, .sequence = sequence};

	snprintf(x.name, sizeof x.name, "%s", l->name);
	snprintf(x.holder.name, sizeof x.holder.name, "%s", l->holder);
	memcpy(x.holder.instance, l->p.instance, sizeof x.holder.instance);
	x.holder.token = token;
	x.holder.duration_us = duration_us;
	x.holder.written_us = l->p.unix_us(l->p.arg);
	return x;
}

/* Put the next record. The term counts from the moment before it was sent for the first time:
 * others may have seen it since. */
static int
put_next(struct mf_lease *l, uint64_t sequence, uint64_t token, struct mf_error *e)
{
	struct mf_lease_record x = record_of(l, sequence, token, l->p.duration_us);
	int rc;

	if (l->tried != sequence) {
		l->tried = sequence;
		l->tried_us = l->p.now_us(l->p.arg);
	}
	if ((rc = put_record(l, &x, e)) != 0)
		return rc;
	l->sequence = sequence;
	l->token = token;
	l->deadline_us = l->tried_us + l->p.duration_us;
	return 0;
}

/* One record further; and another one where the first was sent before, by a call whose answer was
 * lost: its term began then. */
static int
advance(struct mf_lease *l, uint64_t from, uint64_t token, struct mf_error *e)
{
	bool again = l->tried == from + 1;
	int rc = put_next(l, from + 1, token, e);

	if (rc == 0 && again)
		rc = put_next(l, l->sequence + 1, token, e);
	return rc;
}

/* What this handle wrote itself, and does not hold, is free for it. */
static bool
is_free(struct mf_lease *l, const struct mf_lease_seen *seen, uint64_t *wait_us)
{
	return mf_lease_judge(&l->watch, seen, l->p.has_dead ? l->p.dead : NULL, wait_us) ==
		   MF_LEASE_IS_FREE ||
	       (seen->readable &&
		   memcmp(seen->holder.instance, l->p.instance, MF_LEASE_INSTANCE_BYTES) == 0);
}

static int
take(struct mf_lease *l, struct mf_lease_holder *other, uint64_t *wait_us, struct mf_error *e)
{
	struct mf_lease_seen seen;
	int rc = 1, tries;

	for (tries = 0; rc == 1 && tries < TRIES; tries++) {
		if (look_timed(l, &seen, e) != 0)
			return -1;
		*other = seen.holder;
		if (!is_free(l, &seen, wait_us))
			return 1;
		*wait_us = 1;
		rc = advance(l, seen.sequence, seen.sequence + 1, e);
	}
	return rc;
}

static int
renew(struct mf_lease *l, struct mf_error *e)
{
	return advance(l, l->sequence, l->token, e);
}

/* A record that says so: the newest must stay, or an old put could come through. */
static int
let_go(struct mf_lease *l, struct mf_error *e)
{
	struct mf_lease_record x;
	uint64_t next = l->sequence + 1;
	int rc = 1;

	/* a renewal whose answer was lost may stand at the next number */
	if (l->tried == next && (rc = is_own(l, next, e)) < 0)
		return -1;
	if (l->tried == next && rc == 1)
		next++;
	x = record_of(l, next, l->token, 0);
	return put_record(l, &x, e) < 0 ? -1 : 0;
}

static const struct mf_lease_ops ops = {take, renew, let_go, NULL};

bool
mf_lease_can(const struct mf_repo *repo)
{
	return (mf_store_capabilities(repo->store) & MF_STORE_CONDITIONAL) != 0;
}

int
mf_lease_new(struct mf_repo *repo, const struct mf_lease_params *params, struct mf_lease **out,
    struct mf_error *e)
{
	*out = NULL;
	if (!mf_lease_can(repo)) {
		mf_error_set(e, MF_EUSAGE, "%s cannot hold leases: it has no conditional writes",
		    mf_store_label(repo->store));
		return mf_error_hint(e, "give --lease file:PATH, a file on a disk that is shared "
					"by all who might run this plan");
	}
	if ((*out = mf_lease_make(params, e)) == NULL)
		return -1;
	(*out)->ops = &ops;
	(*out)->repo = repo;
	prefix_of(repo, params->kind, params->name, (*out)->prefix);
	return 0;
}

int
mf_lease_look(struct mf_repo *repo, enum mf_lease_kind kind, const char *name,
    struct mf_lease_holder *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_error own = {0};
	struct mf_lease_seen seen;

	prefix_of(repo, kind, name, prefix);
	if (look(repo, prefix, &seen, e == NULL ? &own : e) != 0)
		return -1;
	*out = seen.holder;
	return seen.exists ? 0 : 1;
}
