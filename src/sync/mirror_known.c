#include "src/sync/mirror_known.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"

#define FORMAT 1u /* of the blob: records, sorted by key */
#define KEY_BYTES 16
#define RECORD_BYTES (KEY_BYTES + 8 + 8)
#define ANY_TIME 0 /* Last-Modified was not known */

struct mf_known {
	char *place;
	struct mf_buf old; /* sorted records */
	pthread_mutex_t lock;
	struct mf_buf learnt; /* records as they came; guarded */
};

static const struct mf_cache_key *
key_of(const struct mf_known *k, struct mf_cache_key *key)
{
	*key = (struct mf_cache_key){.repo_id_hex = "mirror", .model = "mtimes", .dir = k->place};
	return key;
}

struct mf_known *
mf_known_load(struct mf_cache *cache, const char *place, struct mf_error *e)
{
	struct mf_known *k = calloc(1, sizeof *k);
	struct mf_cache_key key;

	if (k == NULL || (k->place = strdup(place)) == NULL ||
	    pthread_mutex_init(&k->lock, NULL) != 0) {
		if (k != NULL)
			free(k->place);
		free(k);
		mf_error_nomem(e, "what is known of a bucket");
		return NULL;
	}
	if (mf_cache_get(cache, key_of(k, &key), FORMAT, &k->old) == 0 &&
	    (k->old.len % RECORD_BYTES != 0 || k->old.len / RECORD_BYTES > MF_KNOWN_MAX))
		mf_buf_fini(&k->old);
	return k;
}

void
mf_known_free(struct mf_known *k)
{
	if (k == NULL)
		return;
	mf_buf_fini(&k->old);
	mf_buf_fini(&k->learnt);
	pthread_mutex_destroy(&k->lock);
	free(k->place);
	free(k);
}

/* false: out of memory. */
static bool
record_key(const struct mf_tree_entry *entry, uint8_t out[KEY_BYTES])
{
	struct mf_buf b = MF_BUF_INIT;
	uint8_t digest[MF_SHA256_BYTES];
	bool done;

	mf_buf_put_string(&b, entry->path);
	mf_buf_put_string(&b, entry->tag);
	mf_buf_put_u64(&b, entry->size);
	if ((done = !b.failed)) {
		mf_sha256(b.data, b.len, digest);
		memcpy(out, digest, KEY_BYTES);
	}
	mf_buf_fini(&b);
	return done;
}

static int
compare_records(const void *a, const void *b)
{
	return memcmp(a, b, KEY_BYTES);
}

bool
mf_known_find(const struct mf_known *k, struct mf_tree_entry *entry)
{
	uint8_t key[KEY_BYTES];
	const uint8_t *record;
	int64_t stored_us;

	if (k->old.len == 0 || entry->tag[0] == '\0' || !record_key(entry, key))
		return false;
	record =
	    bsearch(key, k->old.data, k->old.len / RECORD_BYTES, RECORD_BYTES, compare_records);
	if (record == NULL)
		return false;
	stored_us = (int64_t)mf_get_u64(record + KEY_BYTES + 8);
	if (stored_us != ANY_TIME && stored_us != entry->stored_us)
		return false;
	entry->has_mtime = true;
	entry->mtime_ns = (int64_t)mf_get_u64(record + KEY_BYTES);
	return true;
}

void
mf_known_learn(struct mf_known *k, const struct mf_tree_entry *entry, bool listed)
{
	uint8_t key[KEY_BYTES];

	if (!entry->has_mtime || entry->tag[0] == '\0' || !record_key(entry, key))
		return;
	pthread_mutex_lock(&k->lock);
	if (k->learnt.len / RECORD_BYTES < MF_KNOWN_MAX &&
	    mf_buf_reserve(&k->learnt, RECORD_BYTES) == 0) {
		mf_buf_put(&k->learnt, key, KEY_BYTES);
		mf_buf_put_u64(&k->learnt, (uint64_t)entry->mtime_ns);
		mf_buf_put_u64(&k->learnt, (uint64_t)(listed ? entry->stored_us : ANY_TIME));
	}
	k->learnt.failed = false; /* what is not remembered is looked up */
	pthread_mutex_unlock(&k->lock);
}

/* Sort; of records with one key the last to come stays. */
static void
put_in_order(struct mf_buf *b)
{
	size_t n = b->len / RECORD_BYTES, kept = 0, i;

	if (n == 0)
		return;
	/* glibc's qsort is a merge sort while memory lasts, but need not be: any of them will do */
	qsort(b->data, n, RECORD_BYTES, compare_records);
	for (i = 1; i < n; i++) {
		if (memcmp(b->data + kept * RECORD_BYTES, b->data + i * RECORD_BYTES, KEY_BYTES) !=
		    0)
			kept++;
		memmove(b->data + kept * RECORD_BYTES, b->data + i * RECORD_BYTES, RECORD_BYTES);
	}
	b->len = (kept + 1) * RECORD_BYTES;
}

/* Add the old records whose keys were not learnt anew. */
static void
add_old(struct mf_known *k)
{
	size_t n = k->learnt.len / RECORD_BYTES, left = MF_KNOWN_MAX - n, at;
	const uint8_t *record;

	for (at = 0; at < k->old.len && left > 0 && !k->learnt.failed; at += RECORD_BYTES) {
		record = k->old.data + at;
		if (n > 0 &&
		    bsearch(record, k->learnt.data, n, RECORD_BYTES, compare_records) != NULL)
			continue;
		mf_buf_put(&k->learnt, record, RECORD_BYTES);
		left--;
	}
	put_in_order(&k->learnt);
}

void
mf_known_save(struct mf_known *k, struct mf_cache *cache, bool keep_old)
{
	struct mf_cache_key key;

	put_in_order(&k->learnt);
	if (keep_old)
		add_old(k);
	if (k->learnt.failed || (k->learnt.len == k->old.len && k->old.len > 0 &&
				    memcmp(k->learnt.data, k->old.data, k->old.len) == 0))
		return;
	mf_cache_put(cache, key_of(k, &key), FORMAT, k->learnt.data, k->learnt.len);
}
