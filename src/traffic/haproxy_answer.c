/* The tables that HAProxy answers with. */
#include <stdlib.h>
#include <string.h>

#include "src/base/units.h"
#include "src/traffic/haproxy_int.h"

#define ADMIN_FORCED 0x01u /* SRV_ADMF_FMAINT of HAProxy's server-t.h, and so on */
#define ADMIN_MAINT 0x63u  /* forced, inherited, by resolution, by its host's name */
#define ADMIN_DRAIN 0x18u  /* forced, inherited */
#define LINE_BYTES ((size_t)64 << 10)

/* A run of bytes within the answer. */
struct field {
	const char *at;
	size_t n;
};

struct line {
	struct field fields[MF_HAPROXY_COLUMNS_MAX];
	size_t n;
};

/* Where the columns are that we look at; SIZE_MAX: nowhere. */
enum column {
	BACKEND,
	SERVER,
	OP_STATE,
	ADMIN_STATE,
	WEIGHT,
	CONFIGURED,
	SESSIONS,
	QUEUED,
	BACKUP,
	AGENT,
	COOKIE,
	ALGORITHM,
	COLUMNS
};

struct columns {
	size_t at[COLUMNS];
};

static const char *const state_names[COLUMNS] = {[BACKEND] = "be_name",
    [SERVER] = "srv_name",
    [OP_STATE] = "srv_op_state",
    [ADMIN_STATE] = "srv_admin_state",
    [WEIGHT] = "srv_uweight",
    [CONFIGURED] = "srv_iweight"};
static const char *const stat_names[COLUMNS] = {[BACKEND] = "pxname",
    [SERVER] = "svname",
    [SESSIONS] = "scur",
    [QUEUED] = "qcur",
    [BACKUP] = "bck",
    [AGENT] = "agent_status",
    [COOKIE] = "cookie",
    [ALGORITHM] = "algo"};

enum section { OUTSIDE, STATE, STAT };

struct reading {
	struct mf_haproxy_table *t;
	enum section section;
	struct columns columns;
	struct line line;
	bool any;    /* a table was there */
	size_t next; /* server that show stat is likely to name */
};

bool
mf_haproxy_is_name(const char *name)
{
	const size_t n = strlen(name);

	return n > 0 && n < MF_HAPROXY_NAME_BYTES &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "-_.:") == n;
}

void
mf_haproxy_table_fini(struct mf_haproxy_table *t)
{
	free(t->servers);
	*t = (struct mf_haproxy_table){0};
}

static bool
is(struct field f, const char *word)
{
	return f.n == strlen(word) && memcmp(f.at, word, f.n) == 0;
}

/* A field as a string, or "" where it is too long. */
static void
copy(struct field f, char *out, size_t bytes)
{
	if (f.n >= bytes)
		f.n = 0;
	memcpy(out, f.at, f.n);
	out[f.n] = '\0';
}

static int
number(struct field f, uint64_t max, uint64_t *out)
{
	char text[24];

	copy(f, text, sizeof text);
	return mf_parse_u64(text, max, out, NULL);
}

static int
add_field(struct line *line, const char *at, size_t n)
{
	if (line->n == MF_HAPROXY_COLUMNS_MAX)
		return -1;
	line->fields[line->n++] = (struct field){at, n};
	return 0;
}

static int
split_spaces(struct line *line, const char *at, size_t n)
{
	const char *const end = at + n;
	const char *begin;

	for (line->n = 0; at < end;) {
		for (; at < end && *at == ' '; at++)
			continue;
		for (begin = at; at < end && *at != ' '; at++)
			continue;
		if (at > begin && add_field(line, begin, (size_t)(at - begin)) != 0)
			return -1;
	}
	return 0;
}

/* Comma-separated; in quotes a comma is none. None of the fields that we want has quotes. */
static int
split_commas(struct line *line, const char *at, size_t n)
{
	const char *const end = at + n;
	const char *begin = at;
	bool quoted = false;

	for (line->n = 0; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		if (*at != ',' || quoted)
			continue;
		if (add_field(line, begin, (size_t)(at - begin)) != 0)
			return -1;
		begin = at + 1;
	}
	return begin < end ? add_field(line, begin, (size_t)(end - begin)) : 0;
}

static int
split(struct reading *r, const char *at, size_t n)
{
	return r->section == STAT ? split_commas(&r->line, at, n) : split_spaces(&r->line, at, n);
}

/* The line of names after "# ". */
static int
find_columns(struct reading *r, const char *at, size_t n, struct mf_error *e)
{
	const char *const *names = r->section == STAT ? stat_names : state_names;
	size_t i, j;

	if (split(r, at, n) != 0)
		return mf_error_set(
		    e, MF_EDAMAGED, "a table with more than %u columns", MF_HAPROXY_COLUMNS_MAX);
	for (i = 0; i < COLUMNS; i++) {
		r->columns.at[i] = SIZE_MAX;
		for (j = 0; names[i] != NULL && j < r->line.n; j++)
			if (is(r->line.fields[j], names[i]))
				r->columns.at[i] = j;
		/* older ones do not tell agents, cookies and algorithms */
		if (names[i] != NULL && r->columns.at[i] == SIZE_MAX && i < AGENT)
			return mf_error_set(
			    e, MF_EDAMAGED, "a table without the column %s", names[i]);
	}
	r->any = true;
	return 0;
}

static struct field
field_of(const struct reading *r, enum column column)
{
	const size_t at = r->columns.at[column];

	return at < r->line.n ? r->line.fields[at] : (struct field){"", 0};
}

static enum mf_server_state
state_of(uint64_t op, uint64_t admin)
{
	if ((admin & ADMIN_MAINT) != 0)
		return MF_SERVER_MAINT;
	if (op != 1 && op != 2) /* neither starting nor running */
		return MF_SERVER_DOWN;
	return (admin & ADMIN_DRAIN) != 0 ? MF_SERVER_DRAIN : MF_SERVER_UP;
}

static struct mf_haproxy_server *
new_server(struct mf_haproxy_table *t, struct mf_error *e)
{
	size_t capacity = t->capacity == 0 ? 16 : 2 * t->capacity;
	struct mf_haproxy_server *servers;

	if (t->n == MF_HAPROXY_SERVERS_MAX) {
		mf_error_set(e, MF_EDAMAGED, "more than %u servers", MF_HAPROXY_SERVERS_MAX);
		return NULL;
	}
	if (t->n == t->capacity) {
		servers = realloc(t->servers, capacity * sizeof *servers);
		if (servers == NULL) {
			mf_error_nomem(e, "a proxy's servers");
			return NULL;
		}
		t->servers = servers;
		t->capacity = capacity;
	}
	t->servers[t->n] = (struct mf_haproxy_server){0};
	return &t->servers[t->n++];
}

static int
read_state(struct reading *r, struct mf_error *e)
{
	struct mf_haproxy_server *s = new_server(r->t, e);
	uint64_t op, admin, weight, configured;

	if (s == NULL)
		return -1;
	copy(field_of(r, BACKEND), s->backend, sizeof s->backend);
	copy(field_of(r, SERVER), s->name, sizeof s->name);
	if (!mf_haproxy_is_name(s->backend) || !mf_haproxy_is_name(s->name) ||
	    number(field_of(r, OP_STATE), 255, &op) != 0 ||
	    number(field_of(r, ADMIN_STATE), UINT32_MAX, &admin) != 0 ||
	    number(field_of(r, WEIGHT), MF_SHARES_WEIGHT_MAX, &weight) != 0 ||
	    number(field_of(r, CONFIGURED), MF_SHARES_WEIGHT_MAX, &configured) != 0)
		return mf_error_set(e, MF_EDAMAGED, "a line of servers' states that says nothing");
	s->state = state_of(op, admin);
	s->forced = (admin & ADMIN_FORCED) != 0;
	s->weight = (unsigned)weight;
	s->configured = (unsigned)configured;
	return 0;
}

static int
read_backend(struct reading *r, const char *name, struct mf_error *e)
{
	struct mf_haproxy_backend *b = &r->t->backends[r->t->n_backends];

	if (r->t->n_backends == MF_HAPROXY_BACKENDS_MAX)
		return mf_error_set(
		    e, MF_EDAMAGED, "more than %u backends", MF_HAPROXY_BACKENDS_MAX);
	r->t->n_backends++;
	memcpy(b->name, name, sizeof b->name);
	copy(field_of(r, ALGORITHM), b->algorithm, sizeof b->algorithm);
	b->cookie = field_of(r, COOKIE).n > 0;
	return 0;
}

static struct mf_haproxy_server *
find(struct reading *r, const char *backend, const char *name)
{
	struct mf_haproxy_server *s;
	size_t i;

	for (i = 0; i < r->t->n; i++) {
		s = &r->t->servers[(r->next + i) % r->t->n];
		if (strcmp(s->name, name) == 0 && strcmp(s->backend, backend) == 0) {
			r->next = (size_t)(s - r->t->servers) + 1;
			return s;
		}
	}
	return NULL;
}

static int
read_stat(struct reading *r, struct mf_error *e)
{
	char backend[MF_HAPROXY_NAME_BYTES], name[MF_HAPROXY_NAME_BYTES];
	uint64_t sessions, queued, backup;
	struct mf_haproxy_server *s;

	copy(field_of(r, BACKEND), backend, sizeof backend);
	copy(field_of(r, SERVER), name, sizeof name);
	if (strcmp(name, "BACKEND") == 0)
		return mf_haproxy_is_name(backend) ? read_backend(r, backend, e) : 0;
	if ((s = find(r, backend, name)) == NULL)
		return 0; /* it came between the two tables */
	if (number(field_of(r, SESSIONS), UINT32_MAX, &sessions) != 0 ||
	    number(field_of(r, QUEUED), UINT32_MAX, &queued) != 0 ||
	    number(field_of(r, BACKUP), UINT32_MAX, &backup) != 0)
		return mf_error_set(e, MF_EDAMAGED, "a line of statistics that says nothing");
	s->sessions = sessions + queued;
	s->backup = backup > 0;
	s->agent = field_of(r, AGENT).n > 0;
	return 0;
}

/* A line of its own: the version of the format, or words. */
static int
read_words(struct reading *r, const char *at, size_t n, struct mf_error *e)
{
	if (is((struct field){at, n}, "1"))
		return 0;
	if (n < 4 && n > 0 && *at >= '0' && *at <= '9')
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "version %.*s of the servers' states is not known", (int)n, at);
	if (r->t->complaint[0] == '\0') {
		if (n >= sizeof r->t->complaint)
			n = sizeof r->t->complaint - 1;
		memcpy(r->t->complaint, at, n);
		r->t->complaint[n] = '\0';
	}
	return 0;
}

static int
read_line(struct reading *r, const char *at, size_t n, struct mf_error *e)
{
	if (n > 0 && at[n - 1] == '\r')
		n--;
	if (n == 0) {
		r->section = OUTSIDE;
		return 0;
	}
	if (n > LINE_BYTES || memchr(at, '\0', n) != NULL)
		return mf_error_set(e, MF_EDAMAGED, "a line that HAProxy does not write");
	if (n > 2 && memcmp(at, "# ", 2) == 0 && r->section == OUTSIDE) {
		r->section = n > 9 && memcmp(at, "# pxname,", 9) == 0 ? STAT : STATE;
		return find_columns(r, at + 2, n - 2, e);
	}
	if (r->section == OUTSIDE)
		return read_words(r, at, n, e);
	if (split(r, at, n) != 0)
		return mf_error_set(
		    e, MF_EDAMAGED, "a line with more than %u columns", MF_HAPROXY_COLUMNS_MAX);
	return r->section == STATE ? read_state(r, e) : read_stat(r, e);
}

int
mf_haproxy_table_read(struct mf_haproxy_table *t, const void *bytes, size_t n, struct mf_error *e)
{
	struct reading r = {.t = t};
	const char *at = n > 0 ? bytes : "", *const end = at + n, *stop;

	t->n = t->n_backends = 0;
	t->complaint[0] = '\0';
	for (; at < end; at = stop + 1) {
		if ((stop = memchr(at, '\n', (size_t)(end - at))) == NULL)
			return mf_error_set(e, MF_EDAMAGED, "an answer that ends in a line");
		if (read_line(&r, at, (size_t)(stop - at), e) != 0)
			return -1;
	}
	if (!r.any && t->complaint[0] == '\0')
		return mf_error_set(e, MF_EDAMAGED, "an answer without a table");
	return 0;
}
