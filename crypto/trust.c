#include "config.h"

#include "crypto/trust.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/base/fs.h"
#include "src/base/units.h"

struct trusted {
	uint8_t public[MF_SIGN_PUBLIC_BYTES];
	int64_t valid_until_us; /* INT64_MAX: for ever */
	size_t line;
	char name[MF_TRUST_NAME_MAX + 1];
};

struct mf_trust {
	char *origin;
	struct trusted *keys; /* in the order of the file */
	size_t n, capacity;
};

struct word {
	const char *at;
	size_t n;
};

#define VALID_UNTIL "valid-until="
#define SPACE " \t\r"

static bool
is_space(char c)
{
	return c != '\0' && strchr(SPACE, c) != NULL;
}

static void
skip_space(struct word *rest)
{
	while (rest->n > 0 && is_space(rest->at[0])) {
		rest->at++;
		rest->n--;
	}
	while (rest->n > 0 && is_space(rest->at[rest->n - 1]))
		rest->n--;
}

/* The next word of a line, taken off *rest; n == 0 at its end. */
static struct word
next_word(struct word *rest)
{
	struct word w;

	skip_space(rest);
	w = (struct word){rest->at, 0};
	while (w.n < rest->n && !is_space(rest->at[w.n]))
		w.n++;
	rest->at += w.n;
	rest->n -= w.n;
	skip_space(rest);
	return w;
}

static bool
starts_with(struct word w, const char *text)
{
	const size_t n = strlen(text);

	return w.n >= n && memcmp(w.at, text, n) == 0;
}

static int
parse_valid_until(struct word w, struct trusted *k, const char *origin, struct mf_error *e)
{
	char time[MF_TIME_TEXT_BYTES];
	const size_t skip = strlen(VALID_UNTIL);
	struct mf_error why = {0};

	if (w.n - skip < sizeof time) {
		memcpy(time, w.at + skip, w.n - skip);
		time[w.n - skip] = '\0';
		if (mf_parse_time(time, &k->valid_until_us, &why) == 0)
			return 0;
	}
	return mf_error_set(e, MF_EKEY,
	    "%s, line %zu: valid-until must be a time like 2026-01-31T12:00:00Z", origin, k->line);
}

static int
parse_name(struct word rest, struct trusted *k, const char *origin, struct mf_error *e)
{
	if (rest.n > MF_TRUST_NAME_MAX)
		return mf_error_set(e, MF_EKEY, "%s, line %zu: name is longer than %d bytes", origin,
		    k->line, MF_TRUST_NAME_MAX);
	if (rest.n > 0 && memchr(rest.at, '\0', rest.n) != NULL)
		return mf_error_set(e, MF_EKEY, "%s, line %zu: zero byte", origin, k->line);
	memcpy(k->name, rest.at, rest.n);
	k->name[rest.n] = '\0';
	return 0;
}

static int
parse_line(struct word line, struct trusted *k, const char *origin, struct mf_error *e)
{
	struct word w = next_word(&line), rest;
	size_t got;

	if (w.n != strlen(MF_VERIFY_LABEL) || !starts_with(w, MF_VERIFY_LABEL))
		return mf_error_set(e, MF_EKEY, "%s, line %zu: no \"" MF_VERIFY_LABEL " ...\"",
		    origin, k->line);
	w = next_word(&line);
	if (mf_base64_key(w.at, w.n, k->public, &got) != MF_BASE64_OK)
		return mf_error_set(e, MF_EKEY, "%s, line %zu: the key is not base64 of %d bytes",
		    origin, k->line, MF_SIGN_PUBLIC_BYTES);
	k->valid_until_us = INT64_MAX;
	rest = line;
	w = next_word(&rest);
	if (starts_with(w, VALID_UNTIL)) {
		if (parse_valid_until(w, k, origin, e) != 0)
			return -1;
		line = rest;
	} else if (w.n > 0 && memchr(w.at, '=', w.n) != NULL) {
		/* Never overlook a limit: a misspelt "valid-untill=" must not become a name. */
		return mf_error_set(e, MF_EKEY, "%s, line %zu: unknown \"%.*s\"", origin, k->line,
		    (int)(w.n < 64 ? w.n : 64), w.at);
	}
	skip_space(&line);
	return parse_name(line, k, origin, e);
}

static const struct trusted *
find(const struct mf_trust *t, const uint8_t *public)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (memcmp(t->keys[i].public, public, MF_SIGN_PUBLIC_BYTES) == 0)
			return &t->keys[i];
	return NULL;
}

static int
add_key(struct mf_trust *t, const struct trusted *k, struct mf_error *e)
{
	const struct trusted *twin = find(t, k->public);
	struct trusted *more;

	if (twin != NULL)
		return mf_error_set(e, MF_EKEY, "%s, line %zu: same key as in line %zu", t->origin,
		    k->line, twin->line);
	if (t->n == MF_TRUST_MAX_KEYS)
		return mf_error_set(e, MF_EKEY, "%s holds more than %d keys", t->origin,
		    MF_TRUST_MAX_KEYS);
	if (t->n == t->capacity) {
		more = realloc(t->keys, (2 * t->capacity + 8) * sizeof *more);
		if (more == NULL)
			return mf_error_nomem(e, "trusted keys");
		t->keys = more;
		t->capacity = 2 * t->capacity + 8;
	}
	t->keys[t->n++] = *k;
	return 0;
}

static int
parse_all(struct mf_trust *t, struct word text, struct mf_error *e)
{
	struct trusted k;
	struct word line;
	const char *nl;
	size_t number = 0;

	while (text.n > 0) {
		nl = memchr(text.at, '\n', text.n);
		line = (struct word){text.at, nl != NULL ? (size_t)(nl - text.at) : text.n};
		text.at += line.n + (nl != NULL);
		text.n -= line.n + (nl != NULL);
		number++;
		skip_space(&line);
		if (line.n == 0 || line.at[0] == '#')
			continue;
		memset(&k, 0, sizeof k);
		k.line = number;
		if (parse_line(line, &k, t->origin, e) != 0 || add_key(t, &k, e) != 0)
			return -1;
	}
	if (t->n == 0)
		return mf_error_set(e, MF_EKEY, "%s holds no key", t->origin);
	return 0;
}

struct mf_trust *
mf_trust_parse(const void *text, size_t n, const char *origin, struct mf_error *e)
{
	struct mf_trust *t = calloc(1, sizeof *t);

	if (t == NULL || (t->origin = strdup(origin)) == NULL) {
		mf_error_nomem(e, "trusted keys");
		mf_trust_free(t);
		return NULL;
	}
	if (parse_all(t, (struct word){text, n}, e) == 0)
		return t;
	mf_error_hint(e, "one key a line: " MF_VERIFY_LABEL " BASE64 [" VALID_UNTIL
			 "TIME] [name]; whoever made the signing key has that line");
	mf_trust_free(t);
	return NULL;
}

struct mf_trust *
mf_trust_load(const char *path, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_trust *t = NULL;
	struct mf_error why = {0};

	if (mf_fs_read_file(AT_FDCWD, path, MF_TRUST_MAX_FILE, &b, &why) != 0) {
		if (why.code == MF_ENOTFOUND)
			why.code = MF_EKEY; /* a missing key, not a missing repository */
		mf_error_while(&why, "reading the trusted keys");
		if (e != NULL)
			*e = why;
	} else {
		t = mf_trust_parse(b.data, b.len, path, e);
	}
	mf_buf_fini(&b);
	return t;
}

void
mf_trust_free(struct mf_trust *t)
{
	if (t == NULL)
		return;
	free(t->origin);
	free(t->keys);
	free(t);
}

size_t
mf_trust_keys(const struct mf_trust *t)
{
	return t->n;
}

const char *
mf_trust_name(const struct mf_trust *t, const uint8_t public[MF_SIGN_PUBLIC_BYTES])
{
	const struct trusted *k = find(t, public);

	return k != NULL ? k->name : NULL;
}

static int
not_trusted(const struct mf_trust *t, const char *fingerprint, struct mf_error *e)
{
	mf_error_set(e, MF_EKEY, "signed by key %s, which is not in %s", fingerprint, t->origin);
	return mf_error_hint(e, "if you trust that signer, add the line of its public half; "
			     "otherwise somebody else wrote this");
}

static int
expired(const struct mf_trust *t, const struct trusted *k, const char *fingerprint,
    struct mf_error *e)
{
	char time[MF_TIME_TEXT_BYTES];

	mf_error_set(e, MF_EKEY, "signer \"%s\" (key %s) has expired: valid until %s (%s, line %zu)",
	    k->name, fingerprint, mf_format_time(k->valid_until_us, time), t->origin, k->line);
	return mf_error_hint(e, "have it signed again by a valid key, or extend valid-until");
}

int
mf_trust_verify(const struct mf_trust *t, const uint8_t public[MF_SIGN_PUBLIC_BYTES],
    const void *msg, size_t n, const uint8_t sig[MF_SIGN_BYTES], int64_t now_us,
    struct mf_error *e)
{
	const struct trusted *k = find(t, public);
	char fingerprint[MF_SIGN_FINGERPRINT_BYTES];

	mf_sign_fingerprint(public, fingerprint);
	if (k == NULL)
		return not_trusted(t, fingerprint, e);
	if (now_us > k->valid_until_us)
		return expired(t, k, fingerprint, e);
	if (mf_signature_fits(public, msg, n, sig))
		return 0;
	mf_error_set(e, MF_EKEY, "signature of \"%s\" (key %s) does not fit", k->name,
	    fingerprint);
	return mf_error_hint(e, "it was changed after it was signed, or somebody forged it");
}
