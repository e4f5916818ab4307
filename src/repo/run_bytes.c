/*
 * The bytes of a run record:
 *	u32 format, repository id[32], string run, u64 sequence, u64 token, u8 has_head,
 *	{string plan digest, plan name, repository, model, actor, source, destination, previous,
 *	u64 production sequence, i64 begun, block facts}, u32 lines,
 *	{u64 number, u8 kind, u64 tick, u64 of, i64 time, string phase, block bytes}
 * and of a heartbeat:
 *	u32 format, repository id[32], string run, u64 token, u64 tick, i64 time, u32 canary weight,
 *	string phase, string note
 * to which format 2 adds
 *	block view
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/run_int.h"

#define RUN_FORMAT 1
#define BEAT_FORMAT 1
#define BEAT_FORMAT_VIEW 2
#define TEXTS 8
#define LINE_LEAST_BYTES 41 /* so many lines fit */

void
mf_run_record_fini(struct mf_run_record *x)
{
	size_t i;

	free(x->run);
	for (i = 0; i < TEXTS; i++)
		free(x->texts[i]);
	for (i = 0; i < x->n_lines; i++)
		free((char *)(uintptr_t)x->lines[i].phase);
	free(x->lines);
	mf_buf_fini(&x->plain);
	*x = (struct mf_run_record){0};
}

static void
put_text(struct mf_buf *out, const char *s)
{
	mf_buf_put_string(out, s != NULL ? s : "");
}

static void
put_head(const struct mf_journal_run *head, struct mf_buf *out)
{
	put_text(out, head->plan_digest);
	put_text(out, head->plan_name);
	put_text(out, head->repository);
	put_text(out, head->model);
	put_text(out, head->actor);
	put_text(out, head->source);
	put_text(out, head->destination);
	put_text(out, head->previous);
	mf_buf_put_u64(out, head->production_sequence);
	mf_buf_put_u64(out, (uint64_t)head->begun_us);
	mf_buf_put_block(out, head->facts, head->n_facts);
}

void
mf_run_record_encode(
    const struct mf_run_record *x, const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out)
{
	const struct mf_journal_line *line;
	size_t i;

	mf_buf_put_u32(out, RUN_FORMAT);
	mf_buf_put(out, repo_id, MF_REPO_ID_BYTES);
	mf_buf_put_string(out, x->run);
	mf_buf_put_u64(out, x->sequence);
	mf_buf_put_u64(out, x->token);
	mf_buf_put_u8(out, x->has_head);
	if (x->has_head)
		put_head(&x->head, out);
	mf_buf_put_u32(out, (uint32_t)x->n_lines);
	for (i = 0; i < x->n_lines; i++) {
		line = &x->lines[i];
		mf_buf_put_u64(out, line->number);
		mf_buf_put_u8(out, (uint8_t)line->kind);
		mf_buf_put_u64(out, line->tick);
		mf_buf_put_u64(out, line->of);
		mf_buf_put_u64(out, (uint64_t)line->time_us);
		mf_buf_put_string(out, line->phase);
		mf_buf_put_block(out, line->bytes, line->n);
	}
}

static void
get_head(struct mf_reader *r, struct mf_run_record *out)
{
	struct mf_journal_run *head = &out->head;
	size_t i;

	for (i = 0; i < TEXTS; i++)
		out->texts[i] = mf_reader_string(r, MF_JOURNAL_TEXT_MAX_BYTES);
	*head = (struct mf_journal_run){.id = out->run,
	    .plan_digest = out->texts[0],
	    .plan_name = out->texts[1],
	    .repository = out->texts[2],
	    .model = out->texts[3],
	    .actor = out->texts[4],
	    .source = out->texts[5],
	    .destination = out->texts[6],
	    .previous = out->texts[7],
	    .result = "",
	    .reason = ""};
	head->production_sequence = mf_reader_u64(r);
	head->begun_us = (int64_t)mf_reader_u64(r);
	head->facts = mf_reader_block(r, MF_JOURNAL_FACTS_MAX, &head->n_facts);
}

/* Numbers rise, and an answer comes after its act. */
static void
get_line(struct mf_reader *r, uint64_t above, struct mf_journal_line *line)
{
	unsigned kind;

	line->number = mf_reader_u64(r);
	kind = mf_reader_u8(r);
	line->tick = mf_reader_u64(r);
	line->of = mf_reader_u64(r);
	line->time_us = (int64_t)mf_reader_u64(r);
	line->phase = mf_reader_string(r, MF_JOURNAL_TEXT_MAX_BYTES);
	line->bytes = mf_reader_block(r, MF_JOURNAL_BYTES_MAX, &line->n);
	if (kind < MF_JOURNAL_STATE || kind >= MF_JOURNAL_KINDS_END || line->number <= above ||
	    line->number > INT64_MAX || line->tick > INT64_MAX || line->of >= line->number)
		r->failed = true;
	line->kind = (enum mf_journal_kind)kind;
}

static void
get_lines(struct mf_reader *r, struct mf_run_record *out)
{
	uint32_t n = mf_reader_u32(r), i;
	uint64_t above = 0;

	if (r->failed || n > MF_RUN_LINES_MAX || n > r->left / LINE_LEAST_BYTES) {
		r->failed = true;
		return;
	}
	if ((out->lines = calloc((size_t)n + 1, sizeof *out->lines)) == NULL) {
		r->failed = r->no_memory = true;
		return;
	}
	for (i = 0; i < n && !r->failed; i++) {
		out->n_lines = i + 1;
		get_line(r, above, &out->lines[i]);
		above = out->lines[i].number;
	}
}

int
mf_run_record_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_run_record *out, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *id;
	uint8_t has_head;

	*out = (struct mf_run_record){0};
	if (!r.failed && format != RUN_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "run record of format %u", format);
	id = mf_reader_bytes(&r, MF_REPO_ID_BYTES);
	out->run = mf_reader_string(&r, MF_RUN_ID_MAX_BYTES);
	out->sequence = mf_reader_u64(&r);
	out->token = mf_reader_u64(&r);
	has_head = mf_reader_u8(&r);
	out->has_head = has_head == 1;
	if (out->has_head && !r.failed)
		get_head(&r, out);
	get_lines(&r, out);
	if (!r.failed && r.left == 0 && has_head == (out->sequence == 1) && out->sequence != 0 &&
	    out->head.production_sequence <= INT64_MAX &&
	    memcmp(id, repo_id, MF_REPO_ID_BYTES) == 0)
		return 0;
	mf_run_record_fini(out);
	return mf_reader_error(&r, e, "run record of a shape that cannot be");
}

void
mf_run_beat_encode(const char *run, const struct mf_run_beat *x,
    const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out)
{
	mf_buf_put_u32(out, x->view == NULL ? BEAT_FORMAT : BEAT_FORMAT_VIEW);
	mf_buf_put(out, repo_id, MF_REPO_ID_BYTES);
	mf_buf_put_string(out, run);
	mf_buf_put_u64(out, x->token);
	mf_buf_put_u64(out, x->tick);
	mf_buf_put_u64(out, (uint64_t)x->time_us);
	mf_buf_put_u32(out, x->canary_weight);
	mf_buf_put_string(out, x->phase);
	mf_buf_put_string(out, x->note);
	if (x->view != NULL)
		mf_buf_put_block(out, x->view, x->n_view);
}

/* A text into its place of so many bytes. */
static void
get_text(struct mf_reader *r, char *out, size_t bytes)
{
	char *s = mf_reader_string(r, bytes - 1);

	snprintf(out, bytes, "%s", s != NULL ? s : "");
	free(s);
}

int
mf_run_beat_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    char **run, struct mf_run_beat *out, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *id;

	*run = NULL;
	*out = (struct mf_run_beat){0};
	if (!r.failed && format != BEAT_FORMAT && format != BEAT_FORMAT_VIEW)
		return mf_error_set(e, MF_EUNSUPPORTED, "heartbeat of format %u", format);
	id = mf_reader_bytes(&r, MF_REPO_ID_BYTES);
	*run = mf_reader_string(&r, MF_RUN_ID_MAX_BYTES);
	out->token = mf_reader_u64(&r);
	out->tick = mf_reader_u64(&r);
	out->time_us = (int64_t)mf_reader_u64(&r);
	out->canary_weight = mf_reader_u32(&r);
	get_text(&r, out->phase, sizeof out->phase);
	get_text(&r, out->note, sizeof out->note);
	if (format == BEAT_FORMAT_VIEW)
		out->view = mf_reader_block(&r, MF_RUN_VIEW_MAX_BYTES, &out->n_view);
	if (!r.failed && r.left == 0 && out->canary_weight <= 100 &&
	    memcmp(id, repo_id, MF_REPO_ID_BYTES) == 0)
		return 0;
	out->view = NULL;
	return mf_reader_error(&r, e, "heartbeat of a shape that cannot be");
}
