#include "config.h"

#include "src/traffic/weights_text.h"

#include <stdbool.h>
#include <string.h>

#define NAME_BYTES 32u

struct rendering {
	const struct mf_weights_text_values *values;
	struct mf_buf *out;
	const char *text, *at, *end;
	char section[NAME_BYTES]; /* within {{#name}}; "" outside */
	bool hidden;
};

static unsigned
line_of(const struct rendering *r)
{
	const char *at;
	unsigned line = 1;

	for (at = r->text; at < r->at; at++)
		line += *at == '\n';
	return line;
}

static void
put(struct rendering *r, const void *bytes, size_t n)
{
	if (!r->hidden)
		mf_buf_put(r->out, bytes, n);
}

static void
put_number(struct rendering *r, unsigned n)
{
	if (!r->hidden)
		mf_buf_printf(r->out, "%u", n);
}

static int
put_token(struct rendering *r, struct mf_error *e)
{
	const char *token = r->values->token != NULL ? r->values->token : "-";
	const size_t n = strlen(token);

	if (n == 0 || n >= MF_WEIGHTS_TEXT_TOKEN_BYTES ||
	    strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:") !=
		n)
		return mf_error_set(e, MF_EUSAGE, "a token that cannot stand in a file");
	put(r, token, n);
	return 0;
}

static int
begin_section(struct rendering *r, const char *name, struct mf_error *e)
{
	const bool primary = strcmp(name, "primary") == 0;

	if (r->section[0] != '\0')
		return mf_error_set(e, MF_EUSAGE, "line %u of the template: {{#%s}} within {{#%s}}",
		    line_of(r), name, r->section);
	if (!primary && strcmp(name, "canary") != 0)
		return mf_error_set(
		    e, MF_EUSAGE, "line %u of the template: no such section: %s", line_of(r), name);
	memcpy(r->section, name, strlen(name) + 1);
	r->hidden = (primary ? r->values->primary : r->values->canary) == 0;
	return 0;
}

static int
end_section(struct rendering *r, const char *name, struct mf_error *e)
{
	if (strcmp(r->section, name) != 0)
		return mf_error_set(e, MF_EUSAGE,
		    "line %u of the template: {{/%s}} without its beginning", line_of(r), name);
	r->section[0] = '\0';
	r->hidden = false;
	return 0;
}

static int
put_tag(struct rendering *r, const char *name, struct mf_error *e)
{
	if (name[0] == '#')
		return begin_section(r, name + 1, e);
	if (name[0] == '/')
		return end_section(r, name + 1, e);
	if (strcmp(name, "token") == 0)
		return put_token(r, e);
	if (strcmp(name, "primary") == 0)
		put_number(r, r->values->primary);
	else if (strcmp(name, "canary") == 0)
		put_number(r, r->values->canary);
	else {
		mf_error_set(
		    e, MF_EUSAGE, "line %u of the template: {{%s}} is not known", line_of(r), name);
		return mf_error_hint(
		    e, "primary, canary, token, #primary, /primary, #canary, /canary");
	}
	return 0;
}

/* What stands between the braces, without blanks. NULL: no tag after all. */
static const char *
tag_at(const char *at, const char *end, char name[NAME_BYTES])
{
	size_t n = 0;

	for (at += 2; at < end && *at == ' '; at++)
		continue;
	for (; at < end && *at != ' ' && *at != '}'; at++) {
		if (n + 1 == NAME_BYTES || *at <= ' ' || *at > '~')
			return NULL;
		name[n++] = *at;
	}
	name[n] = '\0';
	for (; at < end && *at == ' '; at++)
		continue;
	return end - at >= 2 && at[0] == '}' && at[1] == '}' && n > 0 ? at + 2 : NULL;
}

int
mf_weights_text_render(const void *text, size_t n, const struct mf_weights_text_values *values,
    struct mf_buf *out, struct mf_error *e)
{
	const char *const begin = n > 0 ? text : "";
	struct rendering r = {
	    .values = values, .out = out, .text = begin, .at = begin, .end = begin + n};
	char name[NAME_BYTES];
	const char *after;

	while (r.at < r.end) {
		if (r.end - r.at < 2 || r.at[0] != '{' || r.at[1] != '{') {
			put(&r, r.at++, 1);
			continue;
		}
		if ((after = tag_at(r.at, r.end, name)) == NULL)
			return mf_error_set(e, MF_EUSAGE,
			    "line %u of the template: braces that name nothing", line_of(&r));
		if (put_tag(&r, name, e) != 0)
			return -1;
		r.at = after;
	}
	if (r.section[0] != '\0')
		return mf_error_set(
		    e, MF_EUSAGE, "the template has {{#%s}} and no {{/%s}}", r.section, r.section);
	return out->failed ? mf_error_nomem(e, "a file's text") : 0;
}

static const char *
find(const char *at, const char *end, const char *what)
{
	return memmem(at, (size_t)(end - at), what, strlen(what));
}

/* One to three digits. */
static const char *
number(const char *at, const char *end, unsigned *out)
{
	const char *const begin = at;

	for (*out = 0; at < end && at - begin < 3 && *at >= '0' && *at <= '9'; at++)
		*out = *out * 10 + (unsigned)(*at - '0');
	return at > begin ? at : NULL;
}

int
mf_weights_text_read(
    const void *text, size_t n, unsigned *primary, unsigned *canary, struct mf_error *e)
{
	const char *const begin = n > 0 ? text : "";
	const char *const end = begin + n;
	const char *at = find(begin, end, MF_WEIGHTS_TEXT_MARK);

	if (at == NULL) {
		mf_error_set(
		    e, MF_EDAMAGED, "the words \"" MF_WEIGHTS_TEXT_MARK "\" are not there");
		return mf_error_hint(e, "let the template have a comment with "
					"\"" MF_WEIGHTS_TEXT_MARK "{{primary}}/{{canary}}\"");
	}
	at += strlen(MF_WEIGHTS_TEXT_MARK);
	if (find(at, end, MF_WEIGHTS_TEXT_MARK) != NULL)
		return mf_error_set(
		    e, MF_EDAMAGED, "the words \"" MF_WEIGHTS_TEXT_MARK "\" are there twice");
	if ((at = number(at, end, primary)) == NULL || at == end || *at != '/' ||
	    (at = number(at + 1, end, canary)) == NULL || *primary + *canary != 100)
		return mf_error_set(e, MF_EDAMAGED,
		    "what follows \"" MF_WEIGHTS_TEXT_MARK "\" are no weights that add up to 100");
	return 0;
}
