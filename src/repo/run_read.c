/* Reading runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/run_int.h"

int
mf_run_record_read(
    struct mf_repo *repo, const char *object, struct mf_run_record *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_buf plain = MF_BUF_INIT;
	int rc = mf_object_get(repo, MF_OBJECT_RUN, object, &plain, e);

	*out = (struct mf_run_record){0};
	if (rc == 0)
		rc = mf_run_record_decode(
		    plain.data, plain.len, mf_keyring_repo_id(repo->keyring), out, e);
	if (rc != 0) {
		mf_buf_fini(&plain);
		return mf_error_while(e, "reading the run record %s", object);
	}
	out->plain = plain;
	mf_run_prefix(repo, 'j', out->run, prefix);
	if (strncmp(prefix, object, MF_RUN_PREFIX_BYTES) == 0 &&
	    out->sequence == mf_run_sequence_of(object))
		return 0;
	mf_run_record_fini(out);
	return mf_error_set(e, MF_EDAMAGED, "run record %s belongs elsewhere", object);
}

/* Of the run: the names of its records, in order of their numbers. MF_ENOTFOUND. */
static int
list_records(struct mf_repo *repo, const char *run, struct mf_names *out, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	size_t i, n = 0;

	*out = (struct mf_names){0};
	if (mf_run_check_id(run, e) != 0)
		return -1;
	mf_run_prefix(repo, 'j', run, prefix);
	if (mf_names_list(repo, prefix, out, e) != 0)
		return -1;
	for (i = 0; i < out->n; i++) {
		if (mf_run_sequence_of(out->items[i]) != 0)
			out->items[n++] = out->items[i];
		else
			free(out->items[i]);
	}
	out->n = n;
	if (n > 0)
		return 0;
	mf_names_fini(out);
	return mf_error_set(
	    e, MF_ENOTFOUND, "there is no run %s in %s", run, mf_store_label(repo->store));
}

static bool
has_state(const struct mf_run_record *x)
{
	size_t i;

	for (i = 0; i < x->n_lines; i++)
		if (x->lines[i].kind == MF_JOURNAL_STATE)
			return true;
	return false;
}

/* Where the last record with a state is; 0 where none has one. */
static int
find_state(struct mf_repo *repo, const struct mf_names *names, size_t *at, struct mf_error *e)
{
	struct mf_run_record x;
	bool found = false;

	for (*at = names->n; *at > 0 && !found;) {
		if (mf_run_record_read(repo, names->items[--*at], &x, e) != 0)
			return -1;
		found = has_state(&x);
		mf_run_record_fini(&x);
	}
	return 0;
}

struct reading {
	uint64_t last, token; /* what was read so far */
	bool from_state;      /* pass over what is before the last state of the first record */
	mf_journal_line_cb *cb;
	void *arg;
};

/* Lines that were read before come twice where an answer was lost; what an older holder wrote
 * behind a newer one counts for nothing. */
static int
pass_on(struct reading *r, const struct mf_run_record *x)
{
	size_t i = 0, k;
	int rc = 0;

	if (x->token < r->token) {
		mf_log(MF_LOG_WARNING, "record %llu of the run %s is of a holder that had lost it",
		    (unsigned long long)x->sequence, x->run);
		return 0;
	}
	r->token = x->token;
	for (k = 0; r->from_state && k < x->n_lines; k++)
		if (x->lines[k].kind == MF_JOURNAL_STATE)
			i = k;
	r->from_state = false;
	for (; rc == 0 && i < x->n_lines; i++) {
		if (x->lines[i].number <= r->last)
			continue;
		r->last = x->lines[i].number;
		rc = r->cb(r->arg, &x->lines[i]);
	}
	return rc;
}

static int
read_from(struct mf_repo *repo, const struct mf_names *names, size_t at, struct reading *r,
    struct mf_error *e)
{
	struct mf_run_record x;
	int rc = 0;

	for (; rc == 0 && at < names->n; at++) {
		if (mf_run_record_read(repo, names->items[at], &x, e) != 0)
			return -1;
		rc = pass_on(r, &x);
		mf_run_record_fini(&x);
	}
	return rc;
}

int
mf_run_each(
    struct mf_repo *repo, const char *run, mf_journal_line_cb *line, void *arg, struct mf_error *e)
{
	struct reading r = {.cb = line, .arg = arg};
	struct mf_names names;
	int rc;

	if (list_records(repo, run, &names, e) != 0)
		return -1;
	rc = read_from(repo, &names, 0, &r, e);
	mf_names_fini(&names);
	return rc;
}

/* The head, and how the run ended, where the newest record says that it did. */
static int
read_head(struct mf_repo *repo, const struct mf_names *names, mf_journal_run_cb *head, void *arg,
    struct mf_error *e)
{
	struct mf_run_record first, last;
	const struct mf_journal_line *line;
	char reason[MF_JOURNAL_REASON_MAX_BYTES + 1];
	int rc;

	if (mf_run_record_read(repo, names->items[0], &first, e) != 0)
		return -1;
	if (!first.has_head) {
		mf_error_set(e, MF_ENOTFOUND, "the first record of the run %s is gone", first.run);
		mf_run_record_fini(&first);
		return -1;
	}
	if (mf_run_record_read(repo, names->items[names->n - 1], &last, e) != 0) {
		mf_run_record_fini(&first);
		return -1;
	}
	line = last.n_lines > 0 ? &last.lines[last.n_lines - 1] : NULL;
	if (line != NULL && line->kind == MF_JOURNAL_END) {
		first.head.ended_us = line->time_us > 0 ? line->time_us : 1;
		first.head.result = line->phase;
		snprintf(reason, sizeof reason, "%.*s",
		    (int)(line->n < sizeof reason ? line->n : sizeof reason - 1),
		    (const char *)line->bytes);
		first.head.reason = reason;
	}
	first.head.mirrored = line != NULL ? line->number : 0;
	rc = head(arg, &first.head);
	mf_run_record_fini(&first);
	mf_run_record_fini(&last);
	return rc;
}

int
mf_run_resume(struct mf_repo *repo, const char *run, mf_journal_run_cb *head,
    mf_journal_line_cb *line, void *arg, struct mf_error *e)
{
	struct reading r = {.from_state = true, .cb = line, .arg = arg};
	struct mf_names names;
	size_t at = 0;
	int rc = 0;

	if (list_records(repo, run, &names, e) != 0)
		return -1;
	if (head != NULL)
		rc = read_head(repo, &names, head, arg, e);
	if (rc == 0)
		rc = find_state(repo, &names, &at, e);
	if (rc == 0)
		rc = read_from(repo, &names, at, &r, e);
	mf_names_fini(&names);
	return rc;
}

/* Of sorted names: those from first on that are of one run. */
static struct mf_names
one_run(const struct mf_names *all, size_t first)
{
	struct mf_names one = {.items = all->items + first};

	while (first + one.n < all->n &&
	       strncmp(one.items[0], one.items[one.n], MF_RUN_PREFIX_BYTES) == 0)
		one.n++;
	return one;
}

int
mf_runs_list(struct mf_repo *repo, mf_journal_run_cb *head, void *arg, struct mf_error *e)
{
	struct mf_error own = {0};
	struct mf_names names, one;
	size_t i;
	int rc = 0;

	e = e == NULL ? &own : e;
	if (mf_names_list(repo, "j/", &names, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < names.n; i += one.n) {
		one = one_run(&names, i);
		rc =
		    mf_run_sequence_of(one.items[0]) == 0 ? 0 : read_head(repo, &one, head, arg, e);
		if (rc == -1 && (mf_error_is_damage(e) || e->code == MF_ENOTFOUND)) {
			mf_log(MF_LOG_WARNING, "%s", e->message);
			mf_error_clear(e);
			rc = 0;
		}
	}
	mf_names_fini(&names);
	return rc;
}

struct restoring {
	struct mf_journal *j;
	const char *run;
	uint64_t last;
	struct mf_error *e;
};

static int
restore_head(void *arg, const struct mf_journal_run *run)
{
	struct restoring *r = arg;

	return mf_journal_begin(r->j, run, r->e);
}

static int
restore_line(void *arg, const struct mf_journal_line *line)
{
	struct restoring *r = arg;

	char reason[MF_JOURNAL_REASON_MAX_BYTES + 1];

	r->last = line->number;
	if (line->kind != MF_JOURNAL_END)
		return mf_journal_import(r->j, r->run, line, r->e);
	snprintf(reason, sizeof reason, "%.*s",
	    (int)(line->n < sizeof reason ? line->n : sizeof reason - 1),
	    (const char *)line->bytes);
	return mf_journal_end(r->j, r->run, line->phase, reason, line->time_us, r->e);
}

int
mf_run_restore(struct mf_repo *repo, const char *run, struct mf_journal *j, struct mf_error *e)
{
	struct restoring r = {j, run, 0, e};

	if (mf_run_resume(repo, run, restore_head, restore_line, &r, e) != 0)
		return mf_error_while(e, "restoring the run %s", run);
	return mf_journal_set_mirrored(j, run, r.last, e);
}

static int
read_beat(struct mf_repo *repo, const char *run, const char *name, struct mf_run_beat *out,
    struct mf_buf *plain, struct mf_error *e)
{
	char *of = NULL;
	int rc;

	mf_buf_clear(plain);
	rc = mf_object_get(repo, MF_OBJECT_RUN, name, plain, e);
	if (rc == 0)
		rc = mf_run_beat_decode(
		    plain->data, plain->len, mf_keyring_repo_id(repo->keyring), &of, out, e);
	if (rc == 0 && strcmp(of, run) != 0)
		rc = mf_error_set(e, MF_EDAMAGED, "heartbeat %s belongs elsewhere", name);
	free(of);
	return rc;
}

/* The newest of those that are listed. 1: there is none, or it was replaced meanwhile. */
static int
last_beat(struct mf_repo *repo, const char *run, struct mf_run_beat *out, struct mf_buf *plain,
    uint64_t *age_us, struct mf_error *e)
{
	char prefix[MF_OBJECT_NAME_BYTES];
	struct mf_store_stat stat = {0};
	struct mf_names names;
	const char *name;
	int64_t now_us = 0;
	int rc = 1;

	mf_run_prefix(repo, 'b', run, prefix);
	if (mf_names_list(repo, prefix, &names, e) != 0)
		return -1;
	if (names.n > 0) {
		name = names.items[names.n - 1];
		rc = read_beat(repo, run, name, out, plain, e);
		if (rc == 0)
			rc = mf_store_head(repo->store, name, &stat, e);
		if (rc == 0)
			rc = mf_store_now(repo->store, &now_us, e);
		if (rc == -1 && e->code == MF_ENOTFOUND)
			rc = 1;
		*age_us = now_us > stat.mtime_us ? (uint64_t)(now_us - stat.mtime_us) : 0;
	}
	mf_names_fini(&names);
	return rc;
}

int
mf_run_last_beat(struct mf_repo *repo, const char *run, struct mf_run_beat *out,
    struct mf_buf *plain, uint64_t *age_us, struct mf_error *e)
{
	struct mf_error own = {0};
	int rc = 1, tries;

	e = e == NULL ? &own : e;
	*out = (struct mf_run_beat){0};
	*plain = MF_BUF_INIT;
	*age_us = 0;
	if (mf_run_check_id(run, e) != 0)
		return -1;
	for (tries = 0; rc == 1 && tries < 4; tries++) {
		mf_error_clear(e);
		rc = last_beat(repo, run, out, plain, age_us, e);
	}
	return rc;
}
