#include "config.h"

#include "transfers/s3_xml_int.h"

#include <assert.h>
#include <expat.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/base/size.h"
#include "src/base/units.h"

#define PATH_BYTES 256
#define NO_FIELD (-1)

/* One run through a document. */
struct reading {
	const struct mf_xml_document *d;
	void *arg;
	XML_Parser parser;
	struct mf_error *e;
	bool failed; /* and *e says why */
	unsigned depth;
	char path[PATH_BYTES]; /* of the element that is open */
	size_t path_len;
	size_t field_len[MF_XML_FIELDS_MAX]; /* of the paths of d->fields */
	size_t parent_len[MF_XML_DEPTH_MAX]; /* path_len outside of each open element */
	int field[MF_XML_DEPTH_MAX];         /* index in d->fields, or NO_FIELD */
	struct mf_buf text;
};

/* Memory that is wiped when it is given back: expat keeps copies of what it reads. The size
 * stands in front, in a maximally aligned place. */
#define FRONT ((size_t)16)

static void *
wiping_malloc(size_t n)
{
	size_t all;
	char *p;

	if (!mf_size_add(n, FRONT, &all) || (p = malloc(all)) == NULL)
		return NULL;
	memcpy(p, &n, sizeof n);
	return p + FRONT;
}

static void
wiping_free(void *memory)
{
	char *p = memory;
	size_t n;

	if (p == NULL)
		return;
	memcpy(&n, p - FRONT, sizeof n);
	sodium_memzero(p, n);
	free(p - FRONT);
}

static void *
wiping_realloc(void *memory, size_t n)
{
	void *bigger = wiping_malloc(n);
	size_t old = 0;

	if (bigger == NULL)
		return NULL;
	if (memory != NULL) {
		memcpy(&old, (char *)memory - FRONT, sizeof old);
		memcpy(bigger, memory, old < n ? old : n);
		wiping_free(memory);
	}
	return bigger;
}

int
mf_xml_bad(const struct mf_xml_document *d, const char *why, struct mf_error *e)
{
	mf_error_set(e, MF_ETRANSFER, "the store's answer is not %s as it should be: %s", d->name,
	    why);
	return mf_error_hint(e, "something on the way, a proxy perhaps, may have answered in the "
				"store's place or cut the answer short");
}

static void
stop(struct reading *r)
{
	r->failed = true;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void
stop_bad(struct reading *r, const char *why)
{
	if (!r->failed)
		mf_xml_bad(r->d, why, r->e);
	stop(r);
}

static void
on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
    int has_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_subset;
	stop_bad(arg, "it has a document type");
}

/* The field that the open path names. */
static int
find_field(const struct reading *r)
{
	size_t i;

	for (i = 0; i < r->d->n_fields; i++)
		if (r->field_len[i] == r->path_len &&
		    memcmp(r->d->fields[i].path, r->path, r->path_len) == 0)
			return (int)i;
	return NO_FIELD;
}

/* Is the open path, a root, where the path of a field begins? */
static bool
root_is_known(const struct reading *r)
{
	const char *path;
	size_t i;

	for (i = 0; i < r->d->n_fields; i++) {
		path = r->d->fields[i].path;
		if (strncmp(path, r->path, r->path_len) == 0 &&
		    (path[r->path_len] == '/' || path[r->path_len] == '\0'))
			return true;
	}
	return false;
}

static void
on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = arg;
	const char *colon = strrchr(name, ':');
	size_t n;

	(void)attributes;
	if (r->failed)
		return;
	if (colon != NULL)
		name = colon + 1;
	n = strlen(name);
	if (r->depth == MF_XML_DEPTH_MAX || n + 2 > PATH_BYTES - r->path_len) {
		stop_bad(r, "it is nested too deeply");
		return;
	}
	r->parent_len[r->depth] = r->path_len;
	if (r->depth > 0)
		r->path[r->path_len++] = '/';
	memcpy(r->path + r->path_len, name, n + 1);
	r->path_len += n;
	r->field[r->depth++] = find_field(r);
	r->text.len = 0;
	if (r->depth == 1 && !root_is_known(r))
		stop_bad(r, "it is another kind of document");
}

static void
on_text(void *arg, const XML_Char *text, int len)
{
	struct reading *r = arg;
	const size_t max = r->d->text_max > 0 ? r->d->text_max : MF_XML_TEXT_MAX;
	size_t n = (size_t)len;

	if (r->failed || r->depth == 0 || r->field[r->depth - 1] == NO_FIELD)
		return;
	if (n > max - r->text.len) {
		if (!r->d->truncate) {
			stop_bad(r, "one of its texts is too long");
			return;
		}
		n = max - r->text.len;
	}
	mf_buf_put(&r->text, text, n);
}

static void
on_end(void *arg, const XML_Char *name)
{
	struct reading *r = arg;
	const char *text;
	int field;

	(void)name;
	if (r->failed)
		return;
	field = r->field[--r->depth];
	if (field != NO_FIELD) {
		if ((text = mf_buf_cstr(&r->text)) == NULL) {
			mf_error_nomem(r->e, "an answer of the store");
			stop(r);
		} else if (r->d->take(r->arg, r->d->fields[field].field, text, r->text.len, r->e) !=
			   0) {
			stop(r);
		}
	}
	r->text.len = 0;
	r->path_len = r->parent_len[r->depth];
	r->path[r->path_len] = '\0';
}

static int
start_parser(struct reading *r)
{
	static const XML_Memory_Handling_Suite wiping = {
	    wiping_malloc, wiping_realloc, wiping_free};
	const size_t max = r->d->text_max > 0 ? r->d->text_max : MF_XML_TEXT_MAX;
	size_t i;

	assert(r->d->n_fields <= MF_XML_FIELDS_MAX);
	for (i = 0; i < r->d->n_fields; i++)
		r->field_len[i] = strlen(r->d->fields[i].path);
	r->parser = XML_ParserCreate_MM(NULL, r->d->secret ? &wiping : NULL, NULL);
	if (r->parser == NULL)
		return -1;
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	/* In one piece, so that no copy of a secret is left behind by a growing buffer. */
	return r->d->secret ? mf_buf_reserve(&r->text, max + 1) : 0;
}

static int
parse(struct reading *r, const void *bytes, size_t n)
{
	enum XML_Error why;
	char text[128];

	if (XML_Parse(r->parser, bytes, (int)n, XML_TRUE) == XML_STATUS_OK && !r->failed)
		return 0;
	if (r->failed)
		return -1;
	why = XML_GetErrorCode(r->parser);
	if (why == XML_ERROR_NO_MEMORY)
		return mf_error_nomem(r->e, "an answer of the store");
	(void)snprintf(text, sizeof text, "%s, in line %lu", XML_ErrorString(why),
	    (unsigned long)XML_GetCurrentLineNumber(r->parser));
	return mf_xml_bad(r->d, text, r->e);
}

int
mf_xml_read(const struct mf_xml_document *d, void *arg, const void *bytes, size_t n,
    struct mf_error *e)
{
	struct reading r = {.d = d, .arg = arg, .e = e};
	const char *at = bytes;
	int rc;

	while (n > 0 && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
		at++;
		n--;
	}
	if (n == 0)
		return mf_xml_bad(d, "it is empty", e);
	if (n > MF_XML_DOCUMENT_MAX)
		return mf_xml_bad(d, "it is too long", e);
	rc = start_parser(&r) == 0 ? parse(&r, at, n) : mf_error_nomem(e, "an answer of the store");
	if (r.parser != NULL)
		XML_ParserFree(r.parser);
	if (d->secret && r.text.data != NULL)
		sodium_memzero(r.text.data, r.text.capacity);
	mf_buf_fini(&r.text);
	return rc;
}

void
mf_xml_copy(char *out, size_t out_bytes, const char *text, size_t n)
{
	assert(out_bytes > 0);
	if (n > out_bytes - 1)
		n = out_bytes - 1;
	memcpy(out, text, n);
	out[n] = '\0';
}

int
mf_xml_number(const char *text, uint64_t max, uint64_t *value)
{
	return mf_parse_u64(text, max, value, NULL);
}

int
mf_xml_bool(const char *text, bool *value)
{
	*value = strcmp(text, "true") == 0;
	return *value || strcmp(text, "false") == 0 ? 0 : -1;
}

void
mf_xml_unquote(const char **text, size_t *n)
{
	if (*n >= 2 && strncmp(*text, "W/", 2) == 0) {
		*text += 2;
		*n -= 2;
	}
	if (*n >= 2 && (*text)[0] == '"' && (*text)[*n - 1] == '"') {
		*text += 1;
		*n -= 2;
	}
}
