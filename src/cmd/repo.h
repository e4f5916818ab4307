/*
 * What most commands begin with: the repository at --repo, opened with the keys that were
 * given, under the limits that were given; and small helpers around it.
 */
#ifndef MF_CMD_REPO_H
#define MF_CMD_REPO_H

#include <jansson.h>

#include "crypto/keyfile.h"
#include "crypto/sign.h"
#include "src/cmd/cmd.h"
#include "src/config/filter.h"
#include "src/repo/ref.h"
#include "src/repo/repo.h"
#include "src/repo/version.h"
#include "src/state/state.h"

#define MF_CMD_UNLOCKS 3

/* An open repository with what it leans on. Zero-initialise; mf_cmd_close_repo ends it. */
struct mf_cmd_repo {
	struct mf_repo *repo;
	struct mf_state *state;
	struct mf_unlock *unlocks[MF_CMD_UNLOCKS];
	size_t n_unlocks;
};

enum mf_cmd_access { MF_CMD_READ, MF_CMD_WRITE, MF_CMD_CREATE };

/* The store at url under --transfers, --checkers, --bwlimit, --tpslimit and --retries. */
int mf_cmd_open_store(const struct mf_cmd *c, const char *url, enum mf_cmd_access access,
    struct mf_store **out, struct mf_error *e);
/* --repo, or MF_EUSAGE. */
const char *mf_cmd_url(const struct mf_cmd *c, struct mf_error *e);
/* All keys given: the raw pair, --key-file, --passphrase-file. MF_EKEY where there is none. */
int mf_cmd_load_unlocks(const struct mf_cmd *c, struct mf_cmd_repo *r, struct mf_error *e);
/* The sources of two files (either may be NULL). */
int mf_cmd_load_unlock_files(struct mf_cmd_repo *r, const char *key, const char *passphrase,
    struct mf_error *e);
int mf_cmd_open_repo(const struct mf_cmd *c, enum mf_cmd_access access, struct mf_cmd_repo *r,
    struct mf_error *e);
/* The same for another URL, opened by the sources that r holds already. */
int mf_cmd_open_at(const struct mf_cmd *c, const char *url, enum mf_cmd_access access,
    const char *expected_id, struct mf_cmd_repo *r, struct mf_error *e);
void mf_cmd_close_repo(struct mf_cmd_repo *r);

/* --sign-key; NULL in *out where it was not given. */
int mf_cmd_load_signer(const struct mf_cmd *c, struct mf_signer **out, struct mf_error *e);
/* Who does it, for the record: "user@host". */
#define MF_CMD_ACTOR_BYTES 128
const char *mf_cmd_actor(char out[MF_CMD_ACTOR_BYTES]);

/* The filter of the options; NULL in *out where everything is taken. */
int mf_cmd_load_filter(const struct mf_cmd *c, struct mf_filter **out, struct mf_error *e);
/* For the `selects` of push and pull; arg is the filter. */
bool mf_cmd_selects(void *arg, const char *path, bool is_dir);

/* "key=value" into a pair of new strings. -1: out of memory. */
int mf_cmd_split_pair(const char *text, struct mf_pair *out, struct mf_error *e);

/* A version as JSON: model, version, created, files, bytes, refs, tags, metrics and more. refs
 * may be NULL. NULL: out of memory. */
json_t *mf_cmd_version_json(const struct mf_version *v, const struct mf_refs *refs);
/* Does the ref point at this version? */
bool mf_cmd_ref_is(const struct mf_ref *ref, const struct mf_version *v);

#endif
