/*
 * The file cache: for a directory that is pushed as a model of a repository, one blob of bytes
 * whose meaning is the caller's. It lies in cache.db in the cache directory (0700, file 0600)
 * and may be lost at any time. So nothing here is an error: a cache that cannot be read,
 * written or trusted is an empty one, and the log says so once. It keeps the 256 blobs that
 * were put last.
 *
 * Several processes may share it. A handle belongs to one thread at a time. Calls block.
 */
#ifndef MF_STATE_CACHE_H
#define MF_STATE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

struct mf_cache;

/* Which blob. Views; dir is absolute. */
struct mf_cache_key {
	const char *repo_id_hex;
	const char *model;
	const char *dir;
};

/* As mf_state_default_dir: $XDG_CACHE_HOME/modelferry, else $HOME/.cache/modelferry. */
char *mf_cache_default_dir(struct mf_error *e);

/* A handle on the cache in dir (NULL: the default one); mf_cache_close. Only NULL when memory
 * ran out; any other trouble gives a handle that remembers nothing. */
struct mf_cache *mf_cache_open(const char *dir);
void mf_cache_close(struct mf_cache *cache);

/* The blob of key, put before with the same version, appended to out. 0; 1: there is none (or
 * it is damaged or of another version, and out is as it was). cache may be NULL. */
int mf_cache_get(struct mf_cache *cache, const struct mf_cache_key *key, uint8_t version,
    struct mf_buf *out);

/* Store a copy of n bytes (at most 900 MB) in place of key's blob. version says how they are
 * encoded. Not durable against a power cut, whole or absent after anything else. */
void mf_cache_put(struct mf_cache *cache, const struct mf_cache_key *key, uint8_t version,
    const void *bytes, size_t n);

/* Forget the blob of key. */
void mf_cache_drop(struct mf_cache *cache, const struct mf_cache_key *key);

#endif
