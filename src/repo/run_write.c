/* Writing runs: the next sequence number of j/RUN/, and heartbeats. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/run_int.h"

#define BATCH_BYTES ((size_t)900 << 10) /* plaintext of a record, at most */
#define LINE_EXTRA_BYTES (64 + MF_JOURNAL_TEXT_MAX_BYTES)

struct mf_run_writer {
	struct mf_repo *repo;
	char run[MF_RUN_ID_MAX_BYTES + 1];
	uint64_t token;
	bool as_last;                    /* under the token of the last record, whatever it is */
	uint64_t next;                   /* sequence number; 0: not known */
	uint64_t stored;                 /* lines up to here are in the repository */
	char beat[MF_OBJECT_NAME_BYTES]; /* the last one that was put; "": none */
};

int
mf_run_check_id(const char *run, struct mf_error *e)
{
	return mf_repo_check_name("run", run, e);
}

void
mf_run_prefix(struct mf_repo *repo, char kind, const char *run, char out[MF_OBJECT_NAME_BYTES])
{
	char hash[MF_NAME_HASH_BYTES];

	mf_keyring_name_hash(repo->keyring, "run", run, NULL, hash);
	snprintf(out, MF_OBJECT_NAME_BYTES, "%c/%s/", kind, hash);
}

uint64_t
mf_run_sequence_of(const char *object)
{
	size_t n = strlen(object);

	if (n < MF_RUN_POSITION_BYTES ||
	    strspn(object + MF_RUN_PREFIX_BYTES, "0123456789abcdef") != 16 ||
	    (n != MF_RUN_POSITION_BYTES && object[MF_RUN_POSITION_BYTES] != '-'))
		return 0;
	return strtoull(object + MF_RUN_PREFIX_BYTES, NULL, 16);
}

int
mf_run_writer_open(struct mf_repo *repo, const char *run, uint64_t token,
    struct mf_run_writer **out, struct mf_error *e)
{
	*out = NULL;
	if (mf_run_check_id(run, e) != 0)
		return -1;
	if ((*out = calloc(1, sizeof **out)) == NULL)
		return mf_error_nomem(e, "a run");
	(*out)->repo = repo;
	(*out)->token = token;
	snprintf((*out)->run, sizeof(*out)->run, "%s", run);
	return 0;
}

void
mf_run_writer_free(struct mf_run_writer *w)
{
	free(w);
}

static int
say_taken(const struct mf_run_writer *w, struct mf_error *e)
{
	mf_error_set(e, MF_ECONFLICT, "somebody else writes the run %s now", w->run);
	return mf_error_hint(e, "this process changes nothing any more; look what the other one "
				"does: modelferry status");
}

/* What stands there was written under this token: by an attempt whose answer was lost. */
static int
take_own(struct mf_run_writer *w, const char *name, struct mf_error *e)
{
	struct mf_run_record x;

	if (mf_run_record_read(w->repo, name, &x, e) != 0)
		return -1;
	if (x.token != w->token) {
		mf_run_record_fini(&x);
		return say_taken(w, e);
	}
	if (x.n_lines > 0)
		w->stored = x.lines[x.n_lines - 1].number;
	w->next = x.sequence + 1;
	mf_run_record_fini(&x);
	return 0;
}

/* Where to go on. */
static int
find_next(struct mf_run_writer *w, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_run_record x;
	struct mf_names names;
	size_t i;
	int rc = 0;

	mf_run_prefix(w->repo, 'j', w->run, prefix);
	if (mf_names_list(w->repo, prefix, &names, e) != 0)
		return -1;
	for (i = names.n; i > 0 && mf_run_sequence_of(names.items[i - 1]) == 0;)
		i--;
	w->next = 1;
	if (i > 0 && (rc = mf_run_record_read(w->repo, names.items[i - 1], &x, e)) == 0) {
		w->next = x.sequence + 1;
		if (x.n_lines > 0)
			w->stored = x.lines[x.n_lines - 1].number;
		if (w->as_last)
			w->token = x.token;
		else if (x.token > w->token)
			rc = say_taken(w, e);
		mf_run_record_fini(&x);
	}
	mf_names_fini(&names);
	if (rc != 0)
		w->next = 0;
	return rc;
}

/* Lines that go into one record. */
struct batch {
	struct mf_run_record x;
	size_t bytes, capacity;
	bool is_full, failed;
};

static void
batch_clear(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->x.n_lines; i++)
		free((void *)(uintptr_t)b->x.lines[i].bytes);
	mf_run_record_fini(&b->x);
	*b = (struct batch){.capacity = 0};
}

static int
add_line(void *arg, const struct mf_journal_line *line)
{
	struct batch *b = arg;
	struct mf_journal_line *more, *copy;

	if (b->x.n_lines == MF_RUN_LINES_MAX ||
	    (b->x.n_lines > 0 && b->bytes + line->n + LINE_EXTRA_BYTES > BATCH_BYTES)) {
		b->is_full = true;
		return 1;
	}
	if (b->x.n_lines == b->capacity) {
		b->capacity = b->capacity > 0 ? b->capacity * 2 : 16;
		if ((more = reallocarray(b->x.lines, b->capacity, sizeof *more)) == NULL) {
			b->failed = true;
			return 1;
		}
		b->x.lines = more;
	}
	copy = &b->x.lines[b->x.n_lines];
	*copy = *line;
	copy->phase = strdup(line->phase);
	copy->bytes = malloc(line->n + 1);
	b->x.n_lines++;
	if (copy->phase == NULL || copy->bytes == NULL) {
		b->failed = true;
		return 1;
	}
	if (line->n > 0)
		memcpy((void *)(uintptr_t)copy->bytes, line->bytes, line->n);
	b->bytes += line->n + LINE_EXTRA_BYTES;
	return 0;
}

/* Put the record under the next number. */
static int
put_record(struct mf_run_writer *w, const struct mf_run_record *x, struct mf_error *e)
{
	bool conditional = (mf_store_capabilities(w->repo->store) & MF_STORE_CONDITIONAL) != 0;
	char name[MF_OBJECT_NAME_BYTES], rand[MF_RANDOM_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error first = {0};
	size_t at;
	int rc;

	mf_run_prefix(w->repo, 'j', w->run, name);
	at = strlen(name);
	mf_name_random(rand);
	snprintf(name + at, sizeof name - at, "%016" PRIx64 "%s%s", x->sequence,
	    conditional ? "" : "-", conditional ? "" : rand);
	mf_run_record_encode(x, mf_keyring_repo_id(w->repo->keyring), &b);
	rc = b.failed ? mf_error_nomem(e, "a run record")
		      : mf_object_put_new(w->repo, MF_OBJECT_RUN, name, b.data, b.len,
			    MF_STORE_DURABLE | (conditional ? MF_STORE_IF_ABSENT : 0), e);
	mf_buf_fini(&b);
	if (rc == 0) {
		w->stored = x->n_lines > 0 ? x->lines[x->n_lines - 1].number : w->stored;
		w->next = x->sequence + 1;
		return 0;
	}
	if (rc < 0 && (!conditional || e->code == MF_ECONFLICT))
		return -1;
	first = *e;
	if (take_own(w, name, e) == 0) {
		mf_error_clear(e);
		return 0;
	}
	if (rc < 0 && e->code == MF_ENOTFOUND)
		*e = first; /* it did not arrive, so far */
	return -1;
}

struct head_put {
	struct mf_run_writer *w;
	struct mf_error *e;
};

/* Record 1: the head, which is a view during this call. */
static int
put_head(void *arg, const struct mf_journal_run *run)
{
	struct head_put *p = arg;
	struct mf_run_record x = {
	    .run = p->w->run, .sequence = 1, .token = p->w->token, .has_head = true, .head = *run};

	return put_record(p->w, &x, p->e);
}

static int
put_lines(struct mf_run_writer *w, struct mf_journal *j, bool *more, struct mf_error *e)
{
	struct batch b = {.capacity = 0};
	int rc;

	*more = false;
	rc = mf_journal_each(j, w->run, w->stored + 1, add_line, &b, e);
	if (b.failed)
		rc = mf_error_nomem(e, "lines of a run");
	if (rc >= 0 && b.x.n_lines > 0) {
		*more = b.is_full;
		if ((b.x.run = strdup(w->run)) == NULL) {
			rc = mf_error_nomem(e, "a run");
		} else {
			b.x.sequence = w->next;
			b.x.token = w->token;
			rc = put_record(w, &b.x, e);
			/* an earlier attempt may have had fewer lines */
			if (rc == 0 && w->stored < b.x.lines[b.x.n_lines - 1].number)
				*more = true;
		}
	}
	batch_clear(&b);
	return rc < 0 ? -1 : 0;
}

int
mf_run_mirror(struct mf_run_writer *w, struct mf_journal *j, struct mf_error *e)
{
	struct mf_error own = {0};
	struct head_put head = {w, e == NULL ? &own : e};
	bool more = true;
	int rc = 0;

	e = head.e;
	if (w->next == 0)
		rc = find_next(w, e);
	if (rc == 0 && w->next == 1)
		rc = mf_journal_run(j, w->run, put_head, &head, e);
	while (rc == 0 && more)
		rc = put_lines(w, j, &more, e);
	if (rc == 0)
		rc = mf_journal_set_mirrored(j, w->run, w->stored, e);
	return rc == 0 ? 0 : mf_error_while(e, "writing the run %s", w->run);
}

int
mf_run_mirror_end(struct mf_repo *repo, const char *run, struct mf_journal *j, struct mf_error *e)
{
	struct mf_run_writer *w;
	int rc = mf_run_writer_open(repo, run, 0, &w, e);

	if (rc == 0) {
		w->as_last = true;
		rc = mf_run_mirror(w, j, e);
	}
	mf_run_writer_free(w);
	return rc;
}

/* All heartbeats but the one that was put just now. */
static void
delete_beats(struct mf_run_writer *w, const char *prefix, const char *but)
{
	struct mf_names names;
	size_t i;

	if (w->beat[0] != '\0') {
		mf_store_del(w->repo->store, w->beat, NULL);
	} else if (mf_names_list(w->repo, prefix, &names, NULL) == 0) {
		for (i = 0; i < names.n; i++)
			if (strcmp(names.items[i], but) < 0)
				mf_store_del(w->repo->store, names.items[i], NULL);
		mf_names_fini(&names);
	}
	snprintf(w->beat, sizeof w->beat, "%s", but);
}

int
mf_run_beat(struct mf_run_writer *w, const struct mf_run_beat *beat, struct mf_error *e)
{
	char name[MF_OBJECT_NAME_BYTES], prefix[MF_OBJECT_NAME_BYTES], rand[MF_RANDOM_NAME_BYTES];
	struct mf_run_beat x = *beat;
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	x.token = w->token;
	mf_run_prefix(w->repo, 'b', w->run, prefix);
	mf_name_random(rand);
	snprintf(name, sizeof name, "%.*s%016" PRIx64 "-%s", MF_RUN_PREFIX_BYTES, prefix,
	    (uint64_t)x.time_us, rand);
	mf_run_beat_encode(w->run, &x, mf_keyring_repo_id(w->repo->keyring), &b);
	rc = b.failed ? mf_error_nomem(e, "a heartbeat")
		      : mf_object_put_new(w->repo, MF_OBJECT_RUN, name, b.data, b.len, 0, e);
	mf_buf_fini(&b);
	if (rc != 0)
		return mf_error_while(e, "writing the heartbeat of the run %s", w->run);
	delete_beats(w, prefix, name);
	return 0;
}
