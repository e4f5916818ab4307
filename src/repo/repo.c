/* Opening and making repositories. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/hex.h"
#include "src/base/text.h"
#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/config_vote_int.h"
#include "src/repo/repo_int.h"
#include "src/repo/seen_int.h"

#define FIRST_SEQUENCE 1
#define NAME_BYTES (7 + 16) /* "config/" SEQ; "-RAND" may follow */

static void
config_name(uint64_t sequence, char out[MF_OBJECT_NAME_BYTES])
{
	snprintf(out, MF_OBJECT_NAME_BYTES, "config/%016" PRIx64, sequence);
}

/* 1: there is one of that number, or a higher one. */
static int
put_config(struct mf_repo *repo, const struct mf_config *c, const struct mf_keyring *kr,
    uint64_t sequence, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	int rc = mf_config_encode(c, kr, sequence, &b, e);

	config_name(sequence, name);
	if (rc == 0 && (mf_store_capabilities(repo->store) & MF_STORE_CONDITIONAL) == 0)
		rc = mf_config_vote(repo, sequence, &b, e);
	else if (rc == 0)
		rc = mf_store_put(repo->store, name, b.data, b.len,
		    MF_STORE_IF_ABSENT | MF_STORE_DURABLE, e);
	mf_buf_fini(&b);
	return rc;
}

static int
seen_any(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	(void)name;
	(void)size;
	(void)mtime_us;
	*(bool *)arg = true;
	return 1;
}

int
mf_repo_init(struct mf_store *store, const struct mf_config *config,
    const struct mf_keyring *keyring, struct mf_error *e)
{
	struct mf_repo making = {.store = store, .retry = {.attempts = 3, .base_us = 100000}};
	bool any = false;
	int rc;

	if (mf_store_list(store, "config/", seen_any, &any, e) != 0)
		return -1;
	rc = any ? 1 : put_config(&making, config, keyring, FIRST_SEQUENCE, e);
	if (rc == 1) {
		mf_error_set(e, MF_EEXIST, "%s holds a repository already", mf_store_label(store));
		return mf_error_hint(e, "nothing was changed; use it, or choose another place");
	}
	return rc < 0 ? -1 : mf_store_sync(store, e);
}

/* Say which configuration it was, and where it is damaged what helps: no push puts it back. */
static void
name_config(uint64_t sequence, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES];

	config_name(sequence, name);
	mf_error_while(e, "reading %s", name);
	if (e->code == MF_EDAMAGED && e->hint[0] == '\0')
		mf_error_hint(e, "put this object back from a copy of the store: without it nothing "
		    "opens");
}

/* The one that counts: of the highest number the lowest name. */
static size_t
newest_of(const struct mf_names *names)
{
	size_t i = names->n - 1;

	while (i > 0 && strncmp(names->items[i - 1], names->items[i], NAME_BYTES) == 0)
		i--;
	return i;
}

/* The newest configuration's bytes. It may be replaced, and its object deleted, between the
 * listing and the reading: then the listing is read again. */
static int
read_newest(struct mf_store *store, struct mf_buf *bytes, uint64_t *sequence, struct mf_error *e)
{
	struct mf_repo listing = {.store = store};
	struct mf_names names;
	size_t i;
	int tries, rc = -1;

	for (tries = 0; tries < 5; tries++) {
		if (mf_names_list(&listing, "config/", &names, e) != 0)
			return -1;
		if (names.n == 0) {
			mf_names_fini(&names);
			mf_error_set(e, MF_ENOTFOUND, "no repository at %s", mf_store_label(store));
			return mf_error_hint(e, "check -r; `modelferry -r URL init` makes one");
		}
		i = newest_of(&names);
		*sequence = strtoull(names.items[i] + strlen("config/"), NULL, 16);
		mf_buf_clear(bytes);
		rc = mf_store_get(store, names.items[i], 0, MF_CONFIG_MAX_BYTES + 1, bytes, e);
		mf_names_fini(&names);
		if (rc == 0)
			return 0;
		if (e->code != MF_ENOTFOUND)
			break;
	}
	name_config(*sequence, e);
	return -1;
}

static struct mf_config *
decode_config(const struct mf_buf *bytes, uint64_t sequence, struct mf_error *e)
{
	struct mf_config *config = mf_config_decode(bytes->data, bytes->len, sequence, e);

	if (config == NULL)
		name_config(sequence, e);
	return config;
}

static int
newest_config(struct mf_store *store, struct mf_config **out, struct mf_error *e)
{
	struct mf_buf bytes = MF_BUF_INIT;
	uint64_t sequence;

	*out = NULL;
	if (read_newest(store, &bytes, &sequence, e) == 0)
		*out = decode_config(&bytes, sequence, e);
	mf_buf_fini(&bytes);
	return *out != NULL ? 0
			    : mf_error_while(e, "opening the repository %s", mf_store_label(store));
}

/* Those bytes, and the keys in them. */
static int
unlock(struct mf_repo *repo, const struct mf_repo_params *p, const struct mf_buf *bytes,
    uint64_t sequence, struct mf_error *e)
{
	if ((repo->config = decode_config(bytes, sequence, e)) == NULL)
		return -1;
	if (mf_config_unlock(repo->config, p->unlock, p->n_unlock, &repo->keyring, e) == 0)
		return 0;
	/* a damaged slot looks like a wrong key: say where it stands, too */
	name_config(sequence, e);
	mf_config_free(repo->config);
	repo->config = NULL;
	return -1;
}

/* What does not open may have been changed on the way, and is read once more. That the key is wrong
 * is said of the same bytes twice; then slots, which cost seconds, are not tried again. */
static int
open_config(struct mf_repo *repo, const struct mf_repo_params *p, struct mf_error *e)
{
	struct mf_buf bytes = MF_BUF_INIT, again = MF_BUF_INIT;
	struct mf_error why = {0};
	uint64_t sequence;
	int rc = read_newest(repo->store, &bytes, &sequence, e);

	if (rc != 0)
		goto out;
	rc = unlock(repo, p, &bytes, sequence, e);
	if (rc == 0 || (mf_store_capabilities(repo->store) & MF_STORE_LOCAL) != 0 ||
	    !mf_error_is_damage(e) || read_newest(repo->store, &again, &sequence, &why) != 0 ||
	    (again.len == bytes.len && memcmp(again.data, bytes.data, again.len) == 0))
		goto out;
	mf_log(MF_LOG_WARNING,
	    "the configuration is other bytes when it is read again; the first: %s", e->message);
	mf_error_clear(e);
	rc = unlock(repo, p, &again, sequence, e);
out:
	mf_buf_fini(&bytes);
	mf_buf_fini(&again);
	return rc == 0
		   ? 0
		   : mf_error_while(e, "opening the repository %s", mf_store_label(repo->store));
}

static int
open_once(struct mf_repo *repo, const struct mf_repo_params *p, struct mf_error *e)
{
	if (open_config(repo, p, e) != 0)
		return -1;
	mf_hex_encode(repo->id_hex, mf_keyring_repo_id(repo->keyring), MF_REPO_ID_BYTES);
	return 0;
}

/* While the keys were unlocked, which takes seconds with a passphrase, another process of this
 * client may have seen a newer configuration, or put one. A store that is honest has it. */
static int
open_newest(struct mf_repo *repo, const struct mf_repo_params *p, struct mf_error *e)
{
	uint64_t seen;

	if (open_once(repo, p, e) != 0 || mf_pin_seen(repo, MF_STATE_KEY_CONFIG, &seen, e) != 0)
		return -1;
	if (mf_config_sequence(repo->config) >= seen)
		return 0;
	mf_config_free(repo->config);
	mf_keyring_free(repo->keyring);
	repo->config = NULL;
	repo->keyring = NULL;
	return open_once(repo, p, e);
}

/* What the directory remembers; before anything is pinned in the state. */
static int
check_dir(struct mf_repo *repo, const char *dir, struct mf_error *e)
{
	struct mf_seen seen;
	int rc;

	if (mf_seen_load(&seen, dir, e) != 0)
		return -1;
	rc = mf_repo_check_seen(repo, &seen, e);
	mf_seen_fini(&seen);
	return rc;
}

int
mf_repo_check_seen(struct mf_repo *repo, struct mf_seen *seen, struct mf_error *e)
{
	if (mf_seen_pin_repo(seen, repo->url, repo->id_hex, e) != 0)
		return -1;
	return mf_seen_check(seen, repo->id_hex, MF_STATE_KEY_CONFIG,
	    mf_config_sequence(repo->config), "the repository's configuration", e);
}

static int
check_identity(struct mf_repo *repo, const struct mf_repo_params *p, struct mf_error *e)
{
	if (p->expected_id != NULL && strcmp(p->expected_id, repo->id_hex) != 0)
		return mf_error_set(e, MF_EKEY, "%s holds the repository %s, not %s as --repo-id says",
		    mf_store_label(repo->store), repo->id_hex, p->expected_id);
	if (p->url != NULL && (repo->url = strdup(p->url)) == NULL)
		return mf_error_nomem(e, "the repository");
	if (p->pulled_dir != NULL && check_dir(repo, p->pulled_dir, e) != 0)
		return -1;
	if (repo->state == NULL)
		return 0;
	if (p->url != NULL && mf_state_pin_repo(repo->state, p->url, repo->id_hex, e) != 0)
		return -1;
	if (mf_pin_check(repo, MF_STATE_KEY_CONFIG, mf_config_sequence(repo->config),
		"the repository's configuration", e) != 0)
		return -1;
	return mf_pin_raise(repo, MF_STATE_KEY_CONFIG, mf_config_sequence(repo->config), e);
}

int
mf_repo_open(const struct mf_repo_params *p, struct mf_repo **out, struct mf_error *e)
{
	struct mf_repo *repo = calloc(1, sizeof(*repo));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*out = NULL;
	if (repo == NULL) {
		mf_store_close(p->store);
		return mf_error_nomem(e, "the repository");
	}
	pthread_mutex_init(&repo->state_lock, NULL);
	repo->store = p->store;
	repo->state = p->state;
	repo->threads = p->threads ? p->threads : cpus > 0 ? (unsigned)cpus : 1;
	repo->transfers = p->transfers > 0 ? p->transfers : 4;
	repo->retry = p->retry != NULL ? *p->retry : (struct mf_retry_params){.attempts = 1};
	repo->memory_bytes = p->memory_bytes ? p->memory_bytes : MF_MEMORY_DEFAULT_BYTES;
	if (open_newest(repo, p, e) != 0)
		goto fail;
	if (check_identity(repo, p, e) != 0)
		goto fail;
	*out = repo;
	return 0;
fail:
	mf_repo_close(repo);
	return -1;
}

void
mf_repo_close(struct mf_repo *repo)
{
	if (repo == NULL)
		return;
	mf_store_close(repo->store);
	mf_config_free(repo->config);
	mf_keyring_free(repo->keyring);
	pthread_mutex_destroy(&repo->state_lock);
	free(repo->url);
	free(repo);
}

unsigned
mf_repo_readers(const struct mf_repo *repo, unsigned threads)
{
	if (threads == 0)
		threads = repo->threads;
	if ((mf_store_capabilities(repo->store) & MF_STORE_LOCAL) != 0)
		return threads;
	return threads > repo->transfers ? threads : repo->transfers;
}

struct mf_store *
mf_repo_store(const struct mf_repo *repo)
{
	return repo->store;
}

const struct mf_keyring *
mf_repo_keyring(const struct mf_repo *repo)
{
	return repo->keyring;
}

const struct mf_config *
mf_repo_config(const struct mf_repo *repo)
{
	return repo->config;
}

struct mf_config *
mf_repo_config_edit(struct mf_repo *repo)
{
	return repo->config;
}

const char *
mf_repo_id_hex(const struct mf_repo *repo)
{
	return repo->id_hex;
}

/* An old configuration still names removed slots and old wrapped keys: it goes. */
static int
delete_older(struct mf_repo *repo, uint64_t sequence, struct mf_error *e)
{
	char newest[MF_OBJECT_NAME_BYTES];
	struct mf_names names;
	size_t i;
	int rc = 0;

	config_name(sequence, newest);
	if (mf_names_list(repo, "config/", &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i++)
		if (strcmp(names.items[i], newest) < 0)
			rc = mf_store_del(repo->store, names.items[i], e);
	mf_names_fini(&names);
	if (rc == 0)
		rc = mf_config_clear_votes(repo, sequence, e);
	return rc;
}

int
mf_repo_save_config(struct mf_repo *repo, struct mf_keyring *take_keyring, struct mf_error *e)
{
	const struct mf_keyring *kr = take_keyring ? take_keyring : repo->keyring;
	uint64_t sequence = mf_config_sequence(repo->config) + 1;
	struct mf_config *fresh = NULL;
	int rc = put_config(repo, repo->config, kr, sequence, e);

	if (rc == 1) {
		rc = mf_error_set(e, MF_ECONFLICT,
		    "somebody else changed the keys of %s meanwhile", mf_store_label(repo->store));
		mf_error_hint(e, "look with `modelferry key list`, then try again");
	}
	if (rc == 0)
		rc = newest_config(repo->store, &fresh, e);
	if (rc != 0) {
		mf_keyring_free(take_keyring);
		return -1;
	}
	mf_config_free(repo->config);
	repo->config = fresh;
	if (take_keyring != NULL) {
		mf_keyring_free(repo->keyring);
		repo->keyring = take_keyring;
	}
	if (mf_pin_raise(repo, MF_STATE_KEY_CONFIG, sequence, e) != 0)
		return -1;
	if (delete_older(repo, sequence, e) != 0)
		return mf_error_while(e, "removing older configurations");
	return mf_store_sync(repo->store, e);
}

int
mf_repo_check_name(const char *what, const char *name, struct mf_error *e)
{
	bool slashes = strcmp(what, "model") == 0;

	if (mf_text_is_name(name, slashes))
		return 0;
	mf_error_set(e, MF_EUSAGE, "`%s` is no name for a %s", name, what);
	return mf_error_hint(
	    e, "%s%s", MF_TEXT_NAME_RULE, slashes ? ", in parts between /" : "");
}
