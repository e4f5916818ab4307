/* What HAProxy's configuration says that its runtime API does not: redispatch, stickiness, and
 * whether weights come back after a reload. */
#include <string.h>

#include "src/traffic/haproxy_int.h"

#define WORDS_MAX 6u /* that count */
#define WORD_BYTES MF_HAPROXY_NAME_BYTES

struct words {
	char word[WORDS_MAX][WORD_BYTES];
	size_t n;
};

/* The next word of a line, without quotes and backslashes; NULL: none, or a comment. A longer
 * one is cut: none that is looked for is as long. */
static const char *
next_word(const char *at, const char *end, char out[WORD_BYTES])
{
	char quote = '\0';
	size_t n = 0;

	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	if (at == end || *at == '#')
		return NULL;
	for (; at < end && (quote != '\0' || (*at != ' ' && *at != '\t' && *at != '\r')); at++) {
		if (*at == quote) {
			quote = '\0';
			continue;
		}
		if (quote == '\0' && (*at == '"' || *at == '\'')) {
			quote = *at;
			continue;
		}
		if (quote == '\0' && *at == '#')
			break;
		if (*at == '\\' && quote != '\'' && at + 1 < end)
			at++;
		if (n + 1 < WORD_BYTES)
			out[n++] = *at;
	}
	out[n] = '\0';
	return at;
}

static void
split(struct words *w, const char *at, const char *end)
{
	for (w->n = 0; w->n < WORDS_MAX; w->n++)
		if ((at = next_word(at, end, w->word[w->n])) == NULL)
			break;
}

static bool
is(const struct words *w, size_t i, const char *word)
{
	return i < w->n && strcmp(w->word[i], word) == 0;
}

static struct mf_haproxy_section *
find_defaults(struct mf_haproxy_config *c, const char *name)
{
	size_t i;

	/* the last of that name counts */
	for (i = c->n_defaults; i > 0; i--)
		if (strcmp(c->defaults[i - 1].name, name) == 0)
			return &c->defaults[i - 1];
	return NULL;
}

/* End the section that we are in. */
static void
leave(struct mf_haproxy_config *c)
{
	if (c->in_defaults && c->n_defaults < MF_HAPROXY_DEFAULTS_MAX)
		c->defaults[c->n_defaults++] = c->now;
	else if (c->in_defaults)
		c->facts.conditions = true; /* more than we can tell apart */
	if (c->in_backend) {
		c->facts.found = true;
		c->facts.redispatch = c->now.redispatch;
		c->facts.sticky = c->now.sticky;
		c->facts.load_state = c->now.load_state;
	}
	c->in_defaults = c->in_backend = c->in_global = false;
}

/* What a section begins with: the section that it names with "from", else the last defaults; a
 * defaults section begins empty. */
static void
inherit(struct mf_haproxy_config *c, const struct words *w, bool defaults)
{
	const struct mf_haproxy_section *from = NULL;
	size_t i;

	for (i = 1; i + 1 < w->n; i++)
		if (is(w, i, "from"))
			from = find_defaults(c, w->word[i + 1]);
	if (from == NULL && !defaults && c->n_defaults > 0)
		from = &c->defaults[c->n_defaults - 1];
	c->now = from != NULL ? *from : (struct mf_haproxy_section){.name = ""};
	c->now.name[0] = '\0';
	if (defaults && w->n > 1 && !is(w, 1, "from"))
		memcpy(c->now.name, w->word[1], sizeof c->now.name);
}

/* Is the line the head of a section? */
static bool
enter(struct mf_haproxy_config *c, const struct words *w, const char *backend)
{
	static const char *const others[] = {"frontend", "peers", "userlist", "resolvers",
	    "mailers", "program", "cache", "http-errors", "ring", "log-forward", "fcgi-app",
	    "crt-store", "traces", "log-profile", "acme"};
	size_t i;

	if (is(w, 0, "defaults")) {
		leave(c);
		inherit(c, w, true);
		return c->in_defaults = true;
	}
	if (is(w, 0, "backend") || is(w, 0, "listen")) {
		leave(c);
		inherit(c, w, false);
		c->in_backend = is(w, 1, backend);
		return true;
	}
	if (is(w, 0, "global")) {
		leave(c);
		return c->in_global = true;
	}
	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		if (is(w, 0, others[i])) {
			leave(c);
			return true;
		}
	return false;
}

static void
read_line(struct mf_haproxy_config *c, const char *backend, const char *at, const char *end)
{
	struct words w;

	split(&w, at, end);
	if (w.n == 0 || enter(c, &w, backend))
		return;
	if (is(&w, 0, ".if"))
		c->facts.conditions = true;
	if (c->in_global && (is(&w, 0, "server-state-file") || is(&w, 0, "server-state-base")))
		c->state_file = true;
	if (!c->in_defaults && !c->in_backend)
		return;
	if (is(&w, 0, "option") && is(&w, 1, "redispatch"))
		c->now.redispatch = !is(&w, 2, "0");
	else if (is(&w, 0, "no") && is(&w, 1, "option") && is(&w, 2, "redispatch"))
		c->now.redispatch = false;
	else if (is(&w, 0, "cookie") || is(&w, 0, "stick") || is(&w, 0, "persist") ||
		 (is(&w, 0, "option") && is(&w, 1, "prefer-last-server")))
		c->now.sticky = true;
	else if (is(&w, 0, "load-server-state-from-file"))
		c->now.load_state = is(&w, 1, "global") || is(&w, 1, "local");
}

void
mf_haproxy_config_read(
    struct mf_haproxy_config *c, const char *backend, const void *bytes, size_t n)
{
	const char *at = n > 0 ? bytes : "", *const end = at + n, *stop;

	for (; at < end; at = stop + 1) {
		if ((stop = memchr(at, '\n', (size_t)(end - at))) == NULL)
			stop = end;
		read_line(c, backend, at, stop);
		if (stop == end)
			break;
	}
}

struct mf_haproxy_facts
mf_haproxy_config_facts(struct mf_haproxy_config *c)
{
	leave(c);
	c->facts.load_state = c->facts.load_state && c->state_file;
	return c->facts;
}
