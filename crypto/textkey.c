#include "config.h"

#include "crypto/textkey.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BASE64_BYTES sodium_base64_ENCODED_LEN(MF_KEY_BYTES, sodium_base64_VARIANT_ORIGINAL)

struct span {
	const char *at;
	size_t n;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_space(s.at[0])) {
		s.at++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.at[s.n - 1]))
		s.n--;
	return s;
}

/* Is s base64 of any length up to 4096 bytes? Then *got is that length. */
static bool
other_length(struct span s, size_t *got)
{
	struct mf_secret *big;
	bool ok;

	if (s.n == 0 || s.n > 5500 || (big = mf_secret_new(4128, NULL)) == NULL)
		return false;
	ok = sodium_base642bin(mf_secret_bytes(big), mf_secret_len(big), s.at, s.n, NULL, got,
		 NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
	mf_secret_free(big);
	return ok;
}

enum mf_base64_result
mf_base64_key(const char *text, size_t n, uint8_t out[MF_KEY_BYTES], size_t *got)
{
	const struct span s = trim((struct span){text, n});
	const char *end = NULL;

	*got = 0;
	if (s.n == BASE64_BYTES - 1 &&
	    sodium_base642bin(out, MF_KEY_BYTES, s.at, s.n, NULL, got, &end,
		sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    *got == MF_KEY_BYTES && end == s.at + s.n)
		return MF_BASE64_OK;
	sodium_memzero(out, MF_KEY_BYTES);
	return other_length(s, got) ? MF_BASE64_LENGTH : MF_BASE64_BAD;
}

/* The next line of *rest, trimmed; false at the end. */
static bool
next_line(struct span *rest, struct span *line)
{
	const char *nl;

	if (rest->n == 0)
		return false;
	nl = memchr(rest->at, '\n', rest->n);
	*line = (struct span){rest->at, nl != NULL ? (size_t)(nl - rest->at) : rest->n};
	rest->n -= line->n + (nl != NULL);
	rest->at += line->n + (nl != NULL);
	*line = trim(*line);
	return true;
}

/* Does the line start with the word, followed by white space or nothing? */
static bool
has_label(struct span line, const char *label)
{
	const size_t n = strlen(label);

	return line.n >= n && memcmp(line.at, label, n) == 0 &&
	    (line.n == n || is_space(line.at[n]));
}

static int
not_this_kind(struct span line, const char *label, const char *path, struct mf_error *e)
{
	static const char *const known[] = {"MODELFERRY-IDENTITY-1", "MODELFERRY-PUBLIC-1",
	    "MODELFERRY-SIGNING-KEY-1", "MODELFERRY-VERIFY-KEY-1"};
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (has_label(line, known[i]))
			return mf_error_set(e, MF_EKEY, "%s holds a %s where a %s is needed", path,
			    known[i], label);
	return mf_error_set(e, MF_EKEY, "%s holds no line \"%s ...\"", path, label);
}

static int
parse_line(struct span line, const char *label, const char *path, uint8_t out[MF_KEY_BYTES],
    struct mf_error *e)
{
	const size_t n = strlen(label);
	size_t got;

	if (!has_label(line, label))
		return not_this_kind(line, label, path, e);
	switch (mf_base64_key(line.at + n, line.n - n, out, &got)) {
	case MF_BASE64_OK: return 0;
	case MF_BASE64_LENGTH:
		return mf_error_set(e, MF_EKEY, "%s: the %s has %zu bytes, not %d", path, label, got,
		    MF_KEY_BYTES);
	case MF_BASE64_BAD: break;
	}
	return mf_error_set(e, MF_EKEY, "%s: the %s is not valid base64", path, label);
}

int
mf_textkey_parse(const uint8_t *text, size_t n, const char *label, const char *path,
    uint8_t out[MF_KEY_BYTES], struct mf_error *e)
{
	struct span rest = {(const char *)text, n}, line, found = {NULL, 0};

	while (next_line(&rest, &line)) {
		if (line.n == 0 || line.at[0] == '#')
			continue;
		if (found.at != NULL)
			return mf_error_set(e, MF_EKEY, "%s holds more than one key", path);
		found = line;
	}
	if (found.at == NULL)
		return mf_error_set(e, MF_EKEY, "%s holds no line \"%s ...\"", path, label);
	return parse_line(found, label, path, out, e);
}

void
mf_textkey_format(const char *label, const uint8_t key[MF_KEY_BYTES],
    char out[MF_TEXTKEY_BYTES])
{
	char base64[BASE64_BYTES];

	sodium_bin2base64(base64, sizeof base64, key, MF_KEY_BYTES,
	    sodium_base64_VARIANT_ORIGINAL);
	snprintf(out, MF_TEXTKEY_BYTES, "%s %s", label, base64);
	sodium_memzero(base64, sizeof base64);
}

struct mf_secret *
mf_textkey_load(const char *path, const char *label, const char *what, struct mf_error *e)
{
	struct mf_secret *file = mf_secret_read_file(path, MF_TEXTKEY_MAX_FILE, what, e);
	struct mf_secret *key = NULL;

	if (file != NULL && (key = mf_secret_new(MF_KEY_BYTES, e)) != NULL &&
	    mf_textkey_parse(mf_secret_view(file), mf_secret_len(file), label, path,
		mf_secret_bytes(key), e) != 0) {
		mf_secret_free(key);
		key = NULL;
	}
	mf_secret_free(file);
	return key;
}

int
mf_textkey_save(const char *path, const char *comment, const char *label,
    const uint8_t key[MF_KEY_BYTES], const char *what, struct mf_error *e)
{
	const size_t n = strlen(comment);
	char line[MF_TEXTKEY_BYTES];
	struct mf_secret *s;
	int rc;

	mf_textkey_format(label, key, line);
	s = mf_secret_new(n + strlen(line) + 1, e);
	if (s != NULL) {
		memcpy(mf_secret_bytes(s), comment, n);
		memcpy(mf_secret_bytes(s) + n, line, strlen(line));
		mf_secret_bytes(s)[n + strlen(line)] = '\n';
	}
	sodium_memzero(line, sizeof line);
	rc = s != NULL ? mf_secret_write_file(path, s, what, e) : -1;
	mf_secret_free(s);
	return rc;
}
