/* What the files of leases share: the handle, the record, and the rule by which an observer judges
 * it. */
#ifndef MF_REPO_LEASE_INT_H
#define MF_REPO_LEASE_INT_H

#include "crypto/keyring.h"
#include "src/base/buf.h"
#include "src/repo/lease.h"
#include "transfers/store.h"

struct mf_lease_record {
	enum mf_lease_kind kind;
	char name[MF_LEASE_NAME_MAX_BYTES + 1];
	uint64_t sequence;
	struct mf_lease_holder holder;
};

void mf_lease_encode(
    const struct mf_lease_record *x, const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out);
/* 0; -1: MF_EDAMAGED, MF_EUNSUPPORTED for a later format. */
int mf_lease_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_lease_record *out, struct mf_error *e);

/* What a look at a lease found. */
struct mf_lease_seen {
	bool exists;   /* was ever taken */
	bool readable; /* else it counts as held for the longest duration that there is */
	uint64_t sequence;
	struct mf_lease_holder holder;
	uint64_t asked_us, answered_us; /* before and after the look, by the own clock */
};

/* Since when a record is known; zero at the start. */
struct mf_lease_watch {
	bool is_set;
	uint64_t sequence, since_us;
	uint8_t instance[MF_LEASE_INSTANCE_BYTES];
};

enum mf_lease_verdict { MF_LEASE_IS_FREE, MF_LEASE_IS_HELD };

/* *wait_us: from answered_us until it can be found expired. dead: NULL, or an instance that is
 * known to be dead. */
enum mf_lease_verdict mf_lease_judge(struct mf_lease_watch *watch, const struct mf_lease_seen *seen,
    const uint8_t *dead, uint64_t *wait_us);

/* Where a lease lies. */
struct mf_lease_ops {
	/* As mf_lease_take; sets sequence, token and deadline_us. *other is who had it before, also
	 * where it was taken; zero: nobody. */
	int (*take)(struct mf_lease *l, struct mf_lease_holder *other, uint64_t *wait_us,
	    struct mf_error *e);
	int (*renew)(struct mf_lease *l, struct mf_error *e); /* 0; 1: lost; -1 */
	int (*release)(struct mf_lease *l, struct mf_error *e);
	void (*fini)(struct mf_lease *l); /* NULL: nothing to do */
};

struct mf_lease {
	const struct mf_lease_ops *ops;
	struct mf_lease_params p; /* its name and holder are these: */
	char name[MF_LEASE_NAME_MAX_BYTES + 1], holder[MF_LEASE_HOLDER_MAX_BYTES + 1];
	char label[MF_LEASE_NAME_MAX_BYTES + 64];
	bool is_held;
	bool was_held; /* at some time */
	bool was_elsewhere;
	uint64_t sequence, token, deadline_us;
	/* in a repository */
	struct mf_repo *repo;
	char prefix[MF_STORE_NAME_MAX + 1];
	struct mf_lease_watch watch;
	uint64_t tried, tried_us; /* the number that was sent last, and when for the first time */
	/* a file */
	int fd; /* -1: not open */
};

/* A handle with what params says; NULL with *e set. */
struct mf_lease *mf_lease_make(const struct mf_lease_params *params, struct mf_error *e);

#endif
