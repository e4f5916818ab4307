/* The plan of staging: distinct chunks in order of first use, and where their parts go. */
#include <stdlib.h>
#include <string.h>

#include "src/repo/stage_work_int.h"

bool
stage_wants(const struct stage *s, size_t entry)
{
	return s->p->selected[entry] && !s->linked[entry] &&
	    s->p->listing->entries[entry].type == MF_ENTRY_FILE;
}

int
stage_number(struct stage *s, struct mf_idmap *ids, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	uint64_t value;
	uint32_t c;

	if ((s->canon = calloc(l->n_chunks + 1, sizeof(*s->canon))) == NULL)
		return mf_error_nomem(e, "the list of chunks");
	for (c = 0; c < l->n_chunks; c++) {
		value = c;
		if (mf_idmap_add(ids, &l->chunks[c].id, &value) < 0)
			return mf_error_nomem(e, "the list of chunks");
		if (l->chunks[c].plain_len != l->chunks[value].plain_len)
			return mf_error_set(e, MF_EDAMAGED, "a manifest gives one chunk two lengths");
		s->canon[c] = (uint32_t)value;
	}
	return 0;
}

/* Number the distinct chunks that are wanted, and count their targets. number: by canonical
 * index, the number + 1. */
static void
number_chunks(struct stage *s, uint32_t *number)
{
	const struct mf_listing *l = s->p->listing;
	const struct mf_entry *x;
	size_t i, j;

	for (i = 0; i < l->n_entries; i++) {
		x = &l->entries[i];
		for (j = 0; stage_wants(s, i) && j < x->n_slices; j++) {
			const uint32_t c = s->canon[l->slices[x->first_slice + j].chunk];

			if (number[c] == 0) {
				s->chunk[s->n++] = c;
				number[c] = (uint32_t)s->n;
			}
			s->first[number[c]]++;
			s->files[i].remaining++;
		}
	}
}

static int
place_targets(struct stage *s, const uint32_t *number, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	size_t *at = calloc(s->n + 1, sizeof(*at)), i, j;
	const struct mf_entry *x;
	uint64_t offset;

	if (at == NULL)
		return mf_error_nomem(e, "the list of chunks");
	for (i = 0; i < s->n; i++)
		s->first[i + 1] += s->first[i];
	memcpy(at, s->first, s->n * sizeof(*at));
	for (i = 0; i < l->n_entries; i++) {
		x = &l->entries[i];
		for (j = 0, offset = 0; stage_wants(s, i) && j < x->n_slices; j++) {
			const struct mf_slice *sl = &l->slices[x->first_slice + j];

			s->targets[at[number[s->canon[sl->chunk]] - 1]++] =
			    (struct stage_target){(uint32_t)i, sl->offset, sl->len, offset};
			offset += sl->len;
		}
		if (stage_wants(s, i) && offset != x->size) {
			free(at);
			return mf_error_set(e, MF_EDAMAGED,
			    "the manifest's slices of %s are not its size", x->path);
		}
	}
	free(at);
	return 0;
}

int
stage_plan(struct stage *s, struct mf_error *e)
{
	const struct mf_listing *l = s->p->listing;
	uint32_t *number = calloc(l->n_chunks + 1, sizeof(*number));
	int rc = -1;
	size_t i;

	s->chunk = calloc(l->n_chunks + 1, sizeof(*s->chunk));
	s->first = calloc(l->n_chunks + 2, sizeof(*s->first));
	s->targets = calloc(l->n_slices + 1, sizeof(*s->targets));
	s->files = calloc(l->n_entries + 1, sizeof(*s->files));
	if (number == NULL || s->chunk == NULL || s->first == NULL || s->targets == NULL ||
	    s->files == NULL) {
		mf_error_nomem(e, "the list of chunks");
	} else {
		for (i = 0; i < l->n_entries; i++)
			s->files[i] = (struct stage_file){.fd = -1, .direct = MF_DIRECT_IO_NONE};
		number_chunks(s, number);
		rc = place_targets(s, number, e);
	}
	free(number);
	return rc;
}
