/*
 * What most commands begin with: the repository at --repo, opened with the keys that were
 * given, under the limits that were given; and small helpers around it.
 */
#ifndef MF_CMD_REPO_H
#define MF_CMD_REPO_H

#include <jansson.h>

#include "crypto/keyfile.h"
#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/cmd/cmd.h"
#include "src/config/filter.h"
#include "src/repo/ref.h"
#include "src/repo/repo.h"
#include "src/repo/version.h"
#include "src/state/state.h"
#include "transfers/gcs_open.h"
#include "transfers/retry.h"
#include "transfers/s3_open.h"

#define MF_CMD_UNLOCKS 3

/* An open repository with what it leans on. Zero-initialise; mf_cmd_close_repo ends it. */
struct mf_cmd_repo {
	struct mf_repo *repo;
	struct mf_state *state;
	struct mf_unlock *unlocks[MF_CMD_UNLOCKS];
	size_t n_unlocks;
	const char *pulled_dir; /* set before it is opened: for a pull to this directory */
	bool is_target;		/* the same: the options of --to hold for it */
};

enum mf_cmd_access { MF_CMD_READ, MF_CMD_WRITE, MF_CMD_CREATE };

/* The store at url under --transfers, --checkers, --bwlimit, --tpslimit and --retries. */
int mf_cmd_open_store(const struct mf_cmd *c, const char *url, enum mf_cmd_access access,
    struct mf_store **out, struct mf_error *e);
/* How often what failed for a passing reason is tried again: --retries and --patience. */
struct mf_retry_params mf_cmd_retry_params(const struct mf_cmd *c);
/* The options of s3:// and s3+v2:// stores, target: of the one at --to. Views into c's options. */
void mf_cmd_s3_options(const struct mf_cmd *c, bool target, struct mf_s3_options *out);
/* Do the options --to-... name other credentials than the first store's? */
bool mf_cmd_s3_target_is_other(const struct mf_cmd *c);
/* MF_EUSAGE where the command line has one of --to-... for S3, and url, the second place, is none of
 * S3. What the environment or a file says is for other commands, too. */
int mf_cmd_check_target(const struct mf_cmd *c, const char *url, struct mf_error *e);
/* The options of gs:// stores. The same. */
void mf_cmd_gcs_options(const struct mf_cmd *c, struct mf_gcs_options *out);
/* What pins of the repository at an s3:// (s3+v2:// is the same place) or gs:// URL are filed under:
 * one bucket's name may stand for others at other endpoints. New string (free(3)); NULL: out of
 * memory. */
char *mf_cmd_s3_place(const struct mf_cmd *c, bool target, const char *url);
char *mf_cmd_gcs_place(const struct mf_cmd *c, const char *url);
/* For struct mf_store_memory: facts in the state directory; arg points to a
 * const struct mf_cmd *. */
int mf_cmd_recall(void *arg, const char *store, const char *fact, uint64_t *value,
    struct mf_error *e);
int mf_cmd_remember(void *arg, const char *store, const char *fact, uint64_t value,
    struct mf_error *e);
/* --repo, or MF_EUSAGE. */
const char *mf_cmd_url(const struct mf_cmd *c, struct mf_error *e);
/* All keys given: the raw pair, --key-file, --passphrase-file. MF_EKEY where there is none. */
int mf_cmd_load_unlocks(const struct mf_cmd *c, struct mf_cmd_repo *r, struct mf_error *e);
/* The sources of two files (either may be NULL). */
int mf_cmd_load_unlock_files(struct mf_cmd_repo *r, const char *key, const char *passphrase,
    struct mf_error *e);
/* Open the repository at --repo: its store, keys, state and pins. On success r is closed by
 * mf_cmd_close_repo; on failure nothing is left open. */
int mf_cmd_open_repo(const struct mf_cmd *c, enum mf_cmd_access access, struct mf_cmd_repo *r,
    struct mf_error *e);
/* The same for another URL, opened by the sources that r holds already. */
int mf_cmd_open_at(const struct mf_cmd *c, const char *url, enum mf_cmd_access access,
    const char *expected_id, struct mf_cmd_repo *r, struct mf_error *e);
/* Once after each success of the two. */
void mf_cmd_close_repo(struct mf_cmd_repo *r);

/* --sign-key; NULL in *out where it was not given. */
int mf_cmd_load_signer(const struct mf_cmd *c, struct mf_signer **out, struct mf_error *e);
/* --trusted-keys; NULL in *out where it was not given. */
int mf_cmd_load_trust(const struct mf_cmd *c, struct mf_trust **out, struct mf_error *e);
/* Who does it, for the record: "user@host". */
#define MF_CMD_ACTOR_BYTES 128
const char *mf_cmd_actor(char out[MF_CMD_ACTOR_BYTES]);

/* The filter of the options; NULL in *out where everything is taken. */
int mf_cmd_load_filter(const struct mf_cmd *c, struct mf_filter **out, struct mf_error *e);
/* For the `selects` of push and pull; arg is the filter. */
bool mf_cmd_selects(void *arg, const char *path, bool is_dir);

/* "key=value" into a pair of new strings. -1: out of memory. */
int mf_cmd_split_pair(const char *text, struct mf_tag *out, struct mf_error *e);

/* --tag, in *out (mf_cmd_free_tags, also after a failure). */
int mf_cmd_load_tags(
    const struct mf_options *o, struct mf_tag **out, size_t *n, struct mf_error *e);
/* NULL with 0 is fine. */
void mf_cmd_free_tags(struct mf_tag *tags, size_t n);

/* A version as JSON: model, version, created, files, bytes, refs, tags, metrics and more. refs
 * may be NULL. NULL: out of memory. */
json_t *mf_cmd_version_json(const struct mf_version *v, const struct mf_refs *refs);
/* Does the ref point at this version? */
bool mf_cmd_ref_is(const struct mf_ref *ref, const struct mf_version *v);

/* spill.c: a directory on a disk (no tmpfs) for large lists without a name: the cache directory,
 * $TMPDIR, /var/tmp or /tmp. The caller's (free(3)); NULL: there is none. */
char *mf_cmd_spill_dir(const struct mf_cmd *c);

#endif
