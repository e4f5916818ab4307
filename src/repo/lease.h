/*
 * Leases: of any number of processes that would move the same traffic, the same ref or the same
 * destination, at most one does. A lease lies in the repository, as the newest of the objects
 * l/KEY/SEQ; its bytes and the argument: modelferry-repository(5), LEASES. Where the store has no
 * conditional put, a local file stands in: lease_file.h.
 *
 * Nobody trusts another's clock. A holder trusts its lease until the deadline, which is the
 * moment before it sent the last renewal that came through, plus the duration. Everybody else
 * takes it for expired when its record stood unchanged for the duration and an eighth more, by
 * their own clock from the first look that saw it. A clock that runs a tenth faster than another
 * is broken.
 *
 * The clock must not stand still while the machine is suspended or the process is stopped:
 * CLOCK_BOOTTIME.
 *
 * A holder looks at mf_lease_may_act before each act, with the longest time that the act can
 * take; an act that a target may still obey later than that has to carry the token.
 *
 * A handle belongs to one thread at a time. Calls block on the store.
 */
#ifndef MF_REPO_LEASE_H
#define MF_REPO_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

#define MF_LEASE_NAME_MAX_BYTES 1024u
#define MF_LEASE_HOLDER_MAX_BYTES 256u
#define MF_LEASE_INSTANCE_BYTES 16u
#define MF_LEASE_DURATION_MAX_US UINT64_C(600000000) /* 10 min */
#define MF_LEASES_MAX 128u                           /* of one set */

struct mf_repo;

/* What it is for; sets are taken in this order, then by name. Numbers of the format. */
enum mf_lease_kind {
	MF_LEASE_TRAFFIC = 1,     /* name: of the traffic object, "haproxy:be_model" */
	MF_LEASE_REF = 2,         /* name: MODEL@REF */
	MF_LEASE_DESTINATION = 3, /* name: of a directory or a mirror */
};

const char *mf_lease_kind_name(enum mf_lease_kind kind); /* "traffic" */

/* Who holds it, as the newest record says. */
struct mf_lease_holder {
	char name[MF_LEASE_HOLDER_MAX_BYTES + 1];
	uint8_t instance[MF_LEASE_INSTANCE_BYTES];
	uint64_t token;
	uint64_t duration_us; /* 0: nobody holds it, it was released */
	int64_t written_us;   /* by its wall clock: for people alone */
};

struct mf_lease_params {
	enum mf_lease_kind kind;
	const char *name;
	const char *holder;   /* for people and for status: run and machine */
	const char *label;    /* what messages call it; NULL: by kind and name */
	uint64_t duration_us; /* at most MF_LEASE_DURATION_MAX_US */
	/* Random, one a run and process: what was written with it and is not held may be taken
	 * anew at once. */
	uint8_t instance[MF_LEASE_INSTANCE_BYTES];
	/* The instance of a process that is dead for sure (its journal's lock is free): what it
	 * holds may be taken at once. */
	bool has_dead;
	uint8_t dead[MF_LEASE_INSTANCE_BYTES];
	uint64_t (*now_us)(void *arg); /* see above */
	int64_t (*unix_us)(void *arg); /* the wall clock: for people alone */
	void *arg;
};

/* Everything until *deadline_us may be done; the rest of the time is too late. Pure. */
static inline bool
mf_lease_may_act_at(uint64_t deadline_us, uint64_t now_us, uint64_t act_timeout_us)
{
	return now_us < deadline_us && act_timeout_us < deadline_us - now_us;
}

struct mf_lease;

/* Has the store what leases need? Else they lie in a file. */
bool mf_lease_can(const struct mf_repo *repo);
/* A handle, which holds nothing yet; params is copied. repo is borrowed. MF_EUSAGE where a name
 * is too long or the duration is 0 or too long, and (with a hint that names --lease) where the
 * store has no conditional put. */
int mf_lease_new(struct mf_repo *repo, const struct mf_lease_params *params, struct mf_lease **out,
    struct mf_error *e);
/* Releases nothing: a lease that is held runs out. NULL is fine. */
void mf_lease_free(struct mf_lease *lease);

/* Try to take it, once. 0: held. 1: somebody else holds it; *other and *wait_us (either may be
 * NULL) say who, and how long from now until another try can find it expired: keep the handle,
 * which remembers since when the record is unchanged. -1: the store; nothing is held. */
int mf_lease_take(
    struct mf_lease *lease, struct mf_lease_holder *other, uint64_t *wait_us, struct mf_error *e);
/* Move the deadline. 0. -1 with MF_ECONFLICT: lost. Somebody else took it, or it had run out, or
 * the keys of the repository changed (open it anew, and take the lease with the same instance);
 * mf_lease_may_act says no from now on. Any other -1: it is held until the deadline that it had,
 * and trying again may help. */
int mf_lease_renew(struct mf_lease *lease, struct mf_error *e);
/* Let go, so that the next one need not wait. 0 also where it is not held (any more). */
int mf_lease_release(struct mf_lease *lease, struct mf_error *e);

bool mf_lease_is_held(const struct mf_lease *lease);
/* May an act begin now that ends within act_timeout_us? Reads the clock. */
bool mf_lease_may_act(const struct mf_lease *lease, uint64_t act_timeout_us);
uint64_t mf_lease_deadline_us(const struct mf_lease *lease); /* 0: not held */
/* Grows with every taking, by whomever; 0: not held. */
uint64_t mf_lease_token(const struct mf_lease *lease);
/* Since this handle held it for the first time somebody else has had it, for however short. */
bool mf_lease_was_elsewhere(const struct mf_lease *lease);
const char *mf_lease_label(const struct mf_lease *lease); /* "the lease of traffic X"; view */
/* It lies in a file: who holds it lives, for the kernel takes it from who dies. */
bool mf_lease_is_in_file(const struct mf_lease *lease);

/* Who holds it now, without taking part. 0; 1: never taken; -1. */
int mf_lease_look(struct mf_repo *repo, enum mf_lease_kind kind, const char *name,
    struct mf_lease_holder *out, struct mf_error *e);

/*
 * Several, in the fixed order, so that two that want the same ones cannot wait for each other.
 */
struct mf_lease_set {
	struct mf_lease *items[MF_LEASES_MAX]; /* in order */
	size_t n;
};

/* Sorted and without doubles. On failure the set is empty. mf_lease_set_fini. */
int mf_lease_set_init(struct mf_lease_set *set, struct mf_repo *repo,
    const struct mf_lease_params *params, size_t n, struct mf_error *e);
/* One more, in a file (lease_file.h), which is the first to be taken from now on: before the first
 * mf_lease_set_take. */
int mf_lease_set_add_file(struct mf_lease_set *set, const char *path,
    const struct mf_lease_params *params, struct mf_error *e);
void mf_lease_set_fini(struct mf_lease_set *set);
/* All or none: as mf_lease_take; *which is the one that somebody else holds. */
int mf_lease_set_take(struct mf_lease_set *set, const struct mf_lease **which,
    struct mf_lease_holder *other, uint64_t *wait_us, struct mf_error *e);
/* As mf_lease_renew, of each; the first that is lost ends it. */
int mf_lease_set_renew(struct mf_lease_set *set, struct mf_error *e);
int mf_lease_set_release(struct mf_lease_set *set, struct mf_error *e);
/* All of them allow it. */
bool mf_lease_set_may_act(const struct mf_lease_set *set, uint64_t act_timeout_us);
/* The sum of the tokens of those in the repository; where there are none, the token of the first,
 * in a file. 0: one is not held.
 *
 * Of one run, whoever takes it over has a higher one: its plan names the same leases in the
 * repository each time, and each taking raises each of their tokens. A file's counts for nothing
 * beside them: its numbers are another file's, or none, where the next process is given another
 * --lease, and a high one would make whoever holds the run without it look older than one that is
 * gone. */
uint64_t mf_lease_set_token(const struct mf_lease_set *set);
/* For what is moved, which sees the tokens of other runs, too: that of the first lease on traffic
 * alone, or where there is none in the repository, the file's. All who move the same file or
 * command hold the same lease of it, one after the other, so that a higher number is a later
 * holder; refs and destinations are each plan's own, and a sum with those could be the higher one
 * with whoever came first. 0: one is not held. */
uint64_t mf_lease_set_traffic_token(const struct mf_lease_set *set);
/* One of them was, since it was held for the first time. */
bool mf_lease_set_was_elsewhere(const struct mf_lease_set *set);
/* The deadline that comes first; 0: one is not held. */
uint64_t mf_lease_set_deadline_us(const struct mf_lease_set *set);

#endif
