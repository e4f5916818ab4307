/* What the files of this room share: the handle, object names, sealed small objects. */
#ifndef MF_REPO_REPO_INT_H
#define MF_REPO_REPO_INT_H

#include <pthread.h>

#include "src/repo/repo.h"
#include "src/repo/version.h"

#define MF_OBJECT_NAME_BYTES (MF_STORE_NAME_MAX + 1)
#define MF_SMALL_OBJECT_MAX_BYTES (1u << 20) /* plaintext of roots, refs, annotations, lists */
#define MF_MEMORY_DEFAULT_BYTES ((size_t)256 << 20)
#define MF_RANDOM_NAME_BYTES 33 /* 32 hex digits and a NUL */

struct mf_repo {
	struct mf_store *store;
	struct mf_config *config;
	struct mf_keyring *keyring;
	struct mf_state *state; /* borrowed, may be NULL; one thread at a time: state_lock */
	pthread_mutex_t state_lock;
	char id_hex[65];
	char *url; /* what pins are filed under, may be NULL */
	unsigned threads, transfers;
	size_t memory_bytes;
	struct mf_retry_params retry; /* attempts is at least 1 */
};

/* names.c: object names. All take buffers of MF_OBJECT_NAME_BYTES. */
void mf_name_chunk(char *out, const struct mf_id *id, uint64_t generation);
void mf_name_chunk_prefix(char *out, const struct mf_id *id); /* of all generations of an id */
/* Id and generation of a chunk's name; -1 where it is none. */
int mf_name_parse_chunk(const char *name, struct mf_id *id, uint64_t *generation);
void mf_name_random(char out[MF_RANDOM_NAME_BYTES]);
uint64_t mf_generation_random(void);

/* object.c: small sealed objects (roots, refs, annotations, condemned lists) and segments. */
/* Compress and seal plain as the object `name`, and put it. 0; 1: IF_ABSENT and it is there. */
int mf_object_put(struct mf_repo *repo, enum mf_object_type type, const char *name,
    const void *plain, size_t n, unsigned flags, struct mf_error *e);
/* The same for a name of its own, by a handle that may have been opened before a rekey: what
 * it sealed in the old epoch after the rekey had passed would be refused for ever. So the
 * keys are looked at after the put (a rekey puts its configuration before it lists what to
 * reseal: one of the two sees the other), and the object is taken back. MF_ECONFLICT. */
int mf_object_put_new(struct mf_repo *repo, enum mf_object_type type, const char *name,
    const void *plain, size_t n, unsigned flags, struct mf_error *e);
/* Is the configuration this handle was opened with still the newest? 0, or MF_ECONFLICT. */
int mf_keys_are_current(struct mf_repo *repo, struct mf_error *e);
/* Fetch, open, decode. MF_ENOTFOUND, MF_EDAMAGED, MF_EKEY; the error names the object. */
int mf_object_get(struct mf_repo *repo, enum mf_object_type type, const char *name,
    struct mf_buf *plain, struct mf_error *e);
/* Fetch and decode a root. Both outputs are the caller's, also on failure. */
int mf_root_get(struct mf_repo *repo, const char *name, struct mf_buf *plain, struct mf_root *root,
    struct mf_error *e);
/* Put the sealed bytes of a chunk or segment under *generation; while that fails for a passing
 * reason, again under fresh ones, since what was sent may still arrive. *generation is then the
 * one that is stored. */
int mf_chunk_put(struct mf_repo *repo, const struct mf_id *id, const void *sealed, size_t n,
    uint64_t *generation, struct mf_error *e);
/* Encode, seal and put a segment under a fresh generation. */
int mf_segment_put(struct mf_repo *repo, const struct mf_id *id, const void *plain, size_t n,
    uint64_t *generation, uint64_t *stored_bytes, struct mf_error *e);
/* Fetch a segment by id: the hinted generation first, else any that the store lists and that
 * opens; its id is computed again. */
int mf_segment_get(struct mf_repo *repo, const struct mf_segment_ref *ref, struct mf_buf *plain,
    struct mf_error *e);
/* The sealed bytes of a chunk: the hinted generation first, else whatever is listed. name (may
 * be NULL) gets the name that was read. MF_ENOTFOUND: no generation is stored. */
int mf_chunk_fetch(struct mf_repo *repo, const struct mf_id *id, uint64_t hint,
    struct mf_buf *sealed, char *name, struct mf_error *e);

/* pins.c: sequences this client has seen; no-ops without a state. What another process of the client
 * may learn meanwhile is to be asked (mf_pin_seen: 0 for nothing) before the store is, and compared
 * after: the other way round, what the other saw is taken for something newer than what is there. */
int mf_pin_seen(struct mf_repo *repo, const char *key, uint64_t *seen, struct mf_error *e);
int mf_pin_compare(uint64_t sequence, uint64_t seen, const char *what, struct mf_error *e);
int mf_pin_check(struct mf_repo *repo, const char *key, uint64_t sequence, const char *what,
    struct mf_error *e);
int mf_pin_raise(struct mf_repo *repo, const char *key, uint64_t sequence, struct mf_error *e);

/* repo.c: how many threads read chunks, of threads (0: the repository's) that a caller would have.
 * From a store behind a network at least as many as objects may be moved at once: there a reader
 * mostly waits. */
unsigned mf_repo_readers(const struct mf_repo *repo, unsigned threads);
/* Is this repository, in this configuration, what the directory remembers? MF_EKEY;
 * else it is remembered. */
struct mf_seen;
int mf_repo_check_seen(struct mf_repo *repo, struct mf_seen *seen, struct mf_error *e);

/* A growing set of strings, sorted on demand: names of a listing. */
struct mf_names {
	char **items;
	size_t n, capacity;
	bool failed;
};
int mf_names_list(struct mf_repo *repo, const char *prefix, struct mf_names *out,
    struct mf_error *e); /* sorted */
bool mf_names_has(const struct mf_names *names, const char *name); /* of a sorted set */
void mf_names_add(struct mf_names *names, const char *name);
void mf_names_sort(struct mf_names *names);
void mf_names_fini(struct mf_names *names);

#endif
