#include "config.h"

#include <sodium.h>
#include <string.h>

#include "src/traffic/dial_int.h"

#define BASIC_BYTES_MAX (2 * MF_DIAL_SECRET_FILE_BYTES + 2)

const char *
mf_dial_secret_text(const struct mf_secret *s)
{
	return s != NULL ? (const char *)mf_secret_view(s) : NULL;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The one line that a file holds, without blanks at its ends, as a string. */
static struct mf_secret *
read_line(const char *path, const char *what, struct mf_error *e)
{
	struct mf_secret *text = mf_secret_read_file(path, MF_DIAL_SECRET_FILE_BYTES, what, e),
			 *line;
	const uint8_t *bytes;
	size_t n, i;

	if (text == NULL)
		return NULL;
	bytes = mf_secret_view(text);
	n = mf_secret_len(text);
	for (; n > 0 && is_blank(bytes[0]); bytes++, n--)
		continue;
	while (n > 0 && is_blank(bytes[n - 1]))
		n--;
	for (i = 0; i < n && bytes[i] >= ' ' && bytes[i] != 0x7f; i++)
		continue;
	if (n == 0 || i < n) {
		mf_error_set(e, MF_EUSAGE, "the %s %s does not hold one line", what, path);
		mf_secret_free(text);
		return NULL;
	}
	line = mf_secret_new(n + 1, e);
	if (line != NULL) {
		memcpy(mf_secret_bytes(line), bytes, n);
		mf_secret_freeze(line);
	}
	mf_secret_free(text);
	return line;
}

static struct mf_secret *
bearer(const char *scheme, const struct mf_secret *token, struct mf_error *e)
{
	const size_t n = strlen(scheme);
	struct mf_secret *out = mf_secret_new(n + 1 + mf_secret_len(token), e);

	if (out == NULL)
		return NULL;
	memcpy(mf_secret_bytes(out), scheme, n);
	mf_secret_bytes(out)[n] = ' ';
	memcpy(mf_secret_bytes(out) + n + 1, mf_secret_view(token), mf_secret_len(token));
	mf_secret_freeze(out);
	return out;
}

static struct mf_secret *
basic(const struct mf_secret *user, const struct mf_secret *password, struct mf_error *e)
{
	static const char lead[] = "Basic ";
	const size_t user_bytes = mf_secret_len(user) - 1;
	const size_t password_bytes = mf_secret_len(password) - 1;
	const size_t n = user_bytes + 1 + password_bytes;
	struct mf_secret *pair = mf_secret_new(BASIC_BYTES_MAX, e), *out;

	if (pair == NULL)
		return NULL;
	memcpy(mf_secret_bytes(pair), mf_secret_view(user), user_bytes);
	mf_secret_bytes(pair)[user_bytes] = ':';
	memcpy(mf_secret_bytes(pair) + user_bytes + 1, mf_secret_view(password), password_bytes);
	out = mf_secret_new(
	    sizeof lead + sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL), e);
	if (out != NULL) {
		memcpy(mf_secret_bytes(out), lead, sizeof lead - 1);
		sodium_bin2base64((char *)mf_secret_bytes(out) + sizeof lead - 1,
		    mf_secret_len(out) - (sizeof lead - 1), mf_secret_view(pair), n,
		    sodium_base64_VARIANT_ORIGINAL);
		mf_secret_freeze(out);
	}
	mf_secret_free(pair);
	return out;
}

static int
read_basic(struct mf_dial_secrets *s, const struct mf_metric_auth *auth, struct mf_error *e)
{
	struct mf_secret *user = read_line(auth->user_file, "user file", e);
	int rc = -1;

	if (user == NULL)
		return -1;
	if (memchr(mf_secret_view(user), ':', mf_secret_len(user)) != NULL)
		mf_error_set(e, MF_EUSAGE, "the user in %s holds a colon", auth->user_file);
	else if ((s->credential = read_line(auth->password_file, "password file", e)) != NULL &&
		 (s->authorization = basic(user, s->credential, e)) != NULL)
		rc = 0;
	mf_secret_free(user);
	return rc;
}

int
mf_dial_secrets_read(struct mf_dial_secrets *s, const struct mf_dial_call *call, struct mf_error *e)
{
	const struct mf_metric_auth *auth = call->auth;

	*s = (struct mf_dial_secrets){.url = NULL};
	if (call->url_file != NULL && (s->url = read_line(call->url_file, "URL file", e)) == NULL)
		return -1;
	if (auth == NULL)
		return 0;
	if (auth->secret_name != NULL)
		return mf_error_set(e, MF_EUSAGE, "the secret %s of a cluster cannot be read here",
		    auth->secret_name);
	if (auth->bearer_file != NULL) {
		s->credential = read_line(auth->bearer_file, "token file", e);
		if (s->credential == NULL)
			return -1;
		s->authorization =
		    bearer(call->scheme != NULL ? call->scheme : "Bearer", s->credential, e);
		return s->authorization != NULL ? 0 : -1;
	}
	return auth->user_file != NULL ? read_basic(s, auth, e) : 0;
}

void
mf_dial_secrets_fini(struct mf_dial_secrets *s)
{
	mf_secret_free(s->url);
	mf_secret_free(s->credential);
	mf_secret_free(s->authorization);
	*s = (struct mf_dial_secrets){.url = NULL};
}

static bool
within(const char *text, const void *bytes, size_t n)
{
	return text != NULL && n > 0 && memmem(bytes, n, text, strlen(text)) != NULL;
}

/* Of a URL the part behind the host is the secret. */
static const char *
path_of(const char *url)
{
	const char *host = url != NULL ? strstr(url, "://") : NULL;
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;

	return path != NULL && strlen(path) > 1 ? path : NULL;
}

/* Of an Authorization header the part behind the scheme. */
static const char *
value_of(const char *authorization)
{
	const char *blank = authorization != NULL ? strchr(authorization, ' ') : NULL;

	return blank != NULL ? blank + 1 : NULL;
}

bool
mf_dial_secrets_within(const struct mf_dial_secrets *s, const void *bytes, size_t n)
{
	return within(path_of(mf_dial_secret_text(s->url)), bytes, n) ||
	       within(mf_dial_secret_text(s->credential), bytes, n) ||
	       within(value_of(mf_dial_secret_text(s->authorization)), bytes, n);
}
