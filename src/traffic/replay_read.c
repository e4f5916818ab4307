#include "config.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/fs.h"
#include "src/traffic/replay.h"

struct one {
	struct mf_replay_request request;
	json_t *root; /* what the request's texts are of */
	char *body;   /* owned, where it was written anew */
};

struct mf_replay_requests {
	struct one *all;
	size_t n, capacity;
};

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The member that has no business there; NULL: none. */
static const char *
unknown_member(json_t *root)
{
	static const char *const known[] = {"method", "path", "headers", "body", "ignore"};
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(root, key, value)
	{
		for (i = 0; i < sizeof known / sizeof known[0] && strcmp(known[i], key) != 0; i++)
			continue;
		if (i == sizeof known / sizeof known[0])
			return key;
	}
	return NULL;
}

static int
take_headers(struct mf_replay_request *q, json_t *headers, struct mf_error *e)
{
	const char *name;
	json_t *value;

	if (headers != NULL && !json_is_object(headers))
		return mf_error_set(e, MF_EUSAGE, "headers are no object");
	json_object_foreach(headers, name, value)
	{
		if (!json_is_string(value))
			return mf_error_set(e, MF_EUSAGE, "header %s is no string", name);
		if (strcasecmp(name, "content-type") == 0)
			q->content_type = json_string_value(value);
		else if (q->n_headers == MF_REPLAY_HEADERS_MAX)
			return mf_error_set(
			    e, MF_EUSAGE, "more than %u headers", MF_REPLAY_HEADERS_MAX);
		else
			q->headers[q->n_headers++] =
			    (struct mf_pair){name, json_string_value(value)};
	}
	return 0;
}

static int
take_ignored(struct mf_replay_request *q, json_t *ignored, struct mf_error *e)
{
	const json_t *name;
	size_t i;

	if (ignored != NULL && !json_is_array(ignored))
		return mf_error_set(e, MF_EUSAGE, "ignore is no list");
	json_array_foreach(ignored, i, name)
	{
		if (!json_is_string(name) || i >= MF_REPLAY_IGNORED_MAX)
			return mf_error_set(e, MF_EUSAGE, "ignore is no list of at most %u names",
			    MF_REPLAY_IGNORED_MAX);
		q->ignored[q->n_ignored++] = json_string_value(name);
	}
	return 0;
}

static int
take_body(struct one *one, json_t *body, struct mf_error *e)
{
	struct mf_replay_request *q = &one->request;

	if (body == NULL || json_is_null(body))
		return 0;
	if (json_is_string(body)) {
		q->body = json_string_value(body);
		q->body_bytes = json_string_length(body);
		return 0;
	}
	one->body = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	if (one->body == NULL)
		return mf_error_nomem(e, "a recorded request");
	q->body = one->body;
	q->body_bytes = strlen(one->body);
	return 0;
}

static int
take(struct one *one, struct mf_error *e)
{
	struct mf_replay_request *q = &one->request;
	const char *unknown;
	json_t *root = one->root;

	if (!json_is_object(root))
		return mf_error_set(e, MF_EUSAGE, "this is no JSON object");
	if ((unknown = unknown_member(root)) != NULL)
		return mf_error_set(e, MF_EUSAGE, "%s is no member of a request", unknown);
	q->path = text_of(root, "path");
	if (q->path == NULL || q->path[0] != '/')
		return mf_error_set(e, MF_EUSAGE, "there is no path that begins with a slash");
	if (take_headers(q, json_object_get(root, "headers"), e) != 0 ||
	    take_ignored(q, json_object_get(root, "ignore"), e) != 0 ||
	    take_body(one, json_object_get(root, "body"), e) != 0)
		return -1;
	q->method = text_of(root, "method");
	if (json_object_get(root, "method") != NULL && q->method == NULL)
		return mf_error_set(e, MF_EUSAGE, "method is no string");
	if (q->method == NULL)
		q->method = q->body != NULL ? "POST" : "GET";
	return 0;
}

static struct one *
add(struct mf_replay_requests *r, struct mf_error *e)
{
	const size_t capacity = r->capacity == 0 ? 64 : r->capacity * 2;
	struct one *all;

	if (r->n == MF_REPLAY_REQUESTS_MAX) {
		mf_error_set(e, MF_EUSAGE, "more than %u requests", MF_REPLAY_REQUESTS_MAX);
		return NULL;
	}
	if (r->n == r->capacity) {
		if ((all = realloc(r->all, capacity * sizeof *all)) == NULL) {
			mf_error_nomem(e, "recorded requests");
			return NULL;
		}
		r->all = all;
		r->capacity = capacity;
	}
	r->all[r->n] = (struct one){.root = NULL};
	return &r->all[r->n++];
}

static bool
is_blank(const char *text, size_t n)
{
	while (n > 0 && strchr(" \t\r", text[n - 1]) != NULL && text[n - 1] != '\0')
		n--;
	return n == 0;
}

static int
read_lines(
    struct mf_replay_requests *r, const char *name, const char *text, size_t n, struct mf_error *e)
{
	const char *end = text + n, *eol;
	struct mf_error why = {0};
	json_error_t bad;
	struct one *one;
	unsigned line;

	for (line = 1; text < end; text = eol + 1, line++) {
		eol = memchr(text, '\n', (size_t)(end - text));
		eol = eol != NULL ? eol : end;
		n = (size_t)(eol - text);
		if (is_blank(text, n))
			continue;
		if ((one = add(r, &why)) == NULL)
			return mf_error_set(e, why.code, "%s:%u: %s", name, line, why.message);
		one->request.line = line;
		if (n > MF_REPLAY_LINE_BYTES)
			return mf_error_set(
			    e, MF_EUSAGE, "%s:%u: the line is too long", name, line);
		one->root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &bad);
		if (one->root == NULL)
			return mf_error_set(e, MF_EUSAGE, "%s:%u: %s", name, line, bad.text);
		if (take(one, &why) != 0)
			return mf_error_set(e, why.code, "%s:%u: %s", name, line, why.message);
	}
	if (r->n == 0)
		return mf_error_set(e, MF_EUSAGE, "%s holds no request", name);
	return 0;
}

struct mf_replay_requests *
mf_replay_read(const char *name, const void *text, size_t n, struct mf_error *e)
{
	struct mf_replay_requests *r = calloc(1, sizeof *r);

	if (r == NULL) {
		mf_error_nomem(e, "recorded requests");
		return NULL;
	}
	if (read_lines(r, name, text, n, e) == 0)
		return r;
	mf_replay_free(r);
	return NULL;
}

struct mf_replay_requests *
mf_replay_read_file(const char *path, struct mf_error *e)
{
	struct mf_replay_requests *r = NULL;
	struct mf_buf text = MF_BUF_INIT;

	if (mf_fs_read_file(AT_FDCWD, path, MF_REPLAY_FILE_BYTES, &text, e) == 0)
		r = mf_replay_read(
		    path, text.data != NULL ? text.data : (const void *)"", text.len, e);
	mf_buf_fini(&text);
	return r;
}

void
mf_replay_free(struct mf_replay_requests *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++) {
		json_decref(r->all[i].root);
		free(r->all[i].body);
	}
	free(r->all);
	free(r);
}

size_t
mf_replay_count(const struct mf_replay_requests *r)
{
	return r->n;
}

const struct mf_replay_request *
mf_replay_at(const struct mf_replay_requests *r, size_t i)
{
	return &r->all[i].request;
}
