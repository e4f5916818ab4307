/*
 * An open sealed repository: a store, the keys that open it, and the pins that tell a
 * repository from an older copy of itself. The layout and the order of writes:
 * modelferry-repository(5).
 *
 * A struct mf_repo may be shared by threads; the operations of this room (push, pull, verify,
 * prune, ...) each start their own threads and may run side by side on one handle.
 */
#ifndef MF_REPO_REPO_H
#define MF_REPO_REPO_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/configuration.h"
#include "crypto/keyring.h"
#include "src/base/error.h"
#include "src/state/state.h"
#include "transfers/retry.h"
#include "transfers/store.h"

struct mf_repo;

struct mf_repo_params {
	struct mf_store *store;	    /* taken, also on failure */
	const char *url;	    /* what pins are filed under; borrowed during the call */
	const struct mf_unlock *const *unlock; /* what may open a key slot; borrowed during the call */
	size_t n_unlock;
	struct mf_state *state;	    /* pins; borrowed until close; NULL: none are kept */
	const char *pulled_dir;	    /* what a pull noted there counts too; NULL: none */
	const char *expected_id;    /* --repo-id: 64 hex digits, or NULL */
	unsigned threads;	    /* workers; 0: one a CPU */
	unsigned transfers;	    /* objects moved at once, where the store is behind a network; 0: 4 */
	size_t memory_bytes;	    /* budget of one operation; 0: 256 MiB */
	int64_t now_us;		    /* Unix time */
	/* How often a chunk or manifest whose put failed for a passing reason is put again, under a
	 * fresh name; NULL: never. Copied. Everything else the store's own decorator repeats. */
	const struct mf_retry_params *retry;
};

/* Make a repository in an empty store: configuration 1 with the given slots (see
 * crypto/configuration.h; made by the caller with mf_config_create), durable when this returns.
 * MF_EEXIST where the store holds one already. */
int mf_repo_init(struct mf_store *store, const struct mf_config *config,
    const struct mf_keyring *keyring, struct mf_error *e);

/* Open: newest configuration, unlock, pins. MF_ENOTFOUND: no repository there; MF_EKEY: no
 * slot opens, other repository id than pinned or expected, older configuration than seen. */
int mf_repo_open(const struct mf_repo_params *params, struct mf_repo **out, struct mf_error *e);
/* Frees, closes the store. NULL is fine. */
void mf_repo_close(struct mf_repo *repo);

/* Views, valid until close. */
struct mf_store *mf_repo_store(const struct mf_repo *repo);
const struct mf_keyring *mf_repo_keyring(const struct mf_repo *repo);
const struct mf_config *mf_repo_config(const struct mf_repo *repo);
const char *mf_repo_id_hex(const struct mf_repo *repo); /* 64 digits */

/* The configuration, to be changed with mf_config_add_slot and its like; mf_repo_save_config
 * makes the change count. */
struct mf_config *mf_repo_config_edit(struct mf_repo *repo);
/* Put the changed configuration under the next sequence and remove the older ones. take_keyring
 * (NULL: it stays) is what a rekey gave; the repository's then, also on failure.
 * MF_ECONFLICT: somebody else changed it meanwhile; the handle is only good for closing then. */
int mf_repo_save_config(struct mf_repo *repo, struct mf_keyring *take_keyring,
    struct mf_error *e);

/* Is this a usable model, version or ref name: 1 to 128 bytes of A-Z a-z 0-9 . _ + -, not
 * starting with '.' or '-'? Models may hold '/' between such parts. MF_EUSAGE otherwise. */
int mf_repo_check_name(const char *what, const char *name, struct mf_error *e);

#endif
