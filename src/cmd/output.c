#include "src/cmd/output.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/base/units.h"

static int
cannot_write(struct mf_error *e)
{
	if (errno == EPIPE)
		return mf_error_set(e, MF_ECLOSED, "nobody reads the result any more");
	return mf_error_sys(e, errno != 0 ? errno : EIO, "cannot write the result");
}

int
mf_output_bytes(FILE *out, const void *bytes, size_t n, struct mf_error *e)
{
	errno = 0;
	return n == 0 || fwrite(bytes, 1, n, out) == n ? 0 : cannot_write(e);
}

int
mf_output_end(FILE *out, struct mf_error *e)
{
	struct pollfd reader = {.fd = fileno(out), .events = POLLOUT};
	bool failed = ferror(out) != 0;

	errno = 0;
	if (fflush(out) == 0 && !failed)
		return 0;
	/* the write that failed may be long ago, and its errno gone */
	if (errno == 0 && poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR) != 0)
		errno = EPIPE;
	return cannot_write(e);
}

int
mf_output_json(FILE *out, json_t *take, struct mf_error *e)
{
	int rc;

	if (take == NULL)
		return mf_error_nomem(e, "result");
	errno = 0;
	rc = json_dumpf(take, out, JSON_PRESERVE_ORDER | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	json_decref(take);
	if (rc != 0 || putc('\n', out) == EOF)
		return cannot_write(e);
	return 0;
}

/* Bytes of the UTF-8 character at s, 0 where there is none. RFC 3629. */
static size_t
utf8_bytes(const unsigned char *s)
{
	size_t n, i;

	if (s[0] < 0x80)
		return s[0] != 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static bool
is_utf8(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n)
		if ((n = utf8_bytes((const unsigned char *)s)) == 0)
			return false;
	return true;
}

static int
set_escaped(json_t *object, const char *key, const char *name)
{
	struct mf_buf b = MF_BUF_INIT;
	char flag[64];
	size_t n;
	int rc = -1;

	for (; *name != '\0'; name += n) {
		n = utf8_bytes((const unsigned char *)name);
		if (n == 0) {
			mf_buf_printf(&b, "\\x%02x", (unsigned)(unsigned char)*name);
			n = 1;
		} else {
			mf_buf_put(&b, "\\", *name == '\\');
			mf_buf_put(&b, name, n);
		}
	}
	snprintf(flag, sizeof flag, "%s_escaped", key);
	if (mf_buf_cstr(&b) != NULL)
		rc = json_object_set_new(object, key, json_string(mf_buf_cstr(&b)));
	if (rc == 0)
		rc = json_object_set_new(object, flag, json_true());
	mf_buf_fini(&b);
	return rc;
}

int
mf_output_set_name(json_t *object, const char *key, const char *name)
{
	if (!is_utf8(name))
		return set_escaped(object, key, name);
	return json_object_set_new(object, key, json_string(name));
}

int
mf_output_set_time(json_t *object, const char *key, long long unix_us)
{
	char text[MF_TIME_TEXT_BYTES];

	return json_object_set_new(object, key, json_string(mf_format_time(unix_us, text)));
}

void
mf_output_name(FILE *out, const char *name)
{
	const unsigned char *u;
	size_t n;

	for (; *name != '\0'; name += n) {
		u = (const unsigned char *)name;
		n = utf8_bytes(u);
		if (*u == '\n' || *u == '\t')
			fprintf(out, "\\%c", *u == '\n' ? 'n' : 't');
		else if (n == 0 || *u < 0x20 || *u == 0x7f || (*u == 0xc2 && u[1] < 0xa0))
			fprintf(out, "\\x%02x", *u);
		else {
			fwrite(name, 1, n, out);
			continue;
		}
		n = 1;
	}
}
