/* Verify: are all segments and chunks of the versions stored, and the segments whole? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/repo/chunk_read_int.h"
#include "src/repo/segments_ahead_int.h"
#include "src/repo/verify_int.h"

int
verify_is_gone(struct verify *s, const struct mf_version *v, struct mf_error *e)
{
	char mark[MF_OBJECT_NAME_BYTES];
	int rc;

	snprintf(mark, sizeof(mark), "v/%s", v->object);
	if ((rc = mf_store_head(s->repo->store, mark, NULL, e)) == 1)
		mf_log(MF_LOG_INFO, "%s@%s was forgotten meanwhile", v->root.model, v->root.version);
	return rc;
}

static int
check_chunk(struct verify *s, const struct mf_chunk_ref *ref, struct verify_data *data,
    struct mf_error *e)
{
	uint64_t *state = mf_idmap_get(&s->chunks, &ref->id), missing = VERIFY_SEEN;

	if (state == NULL) {
		if (mf_idmap_add(&s->chunks, &ref->id, &missing) < 0)
			return mf_error_nomem(e, "the chunk index");
		s->out->chunks++;
		return verify_note_chunk(s, ref, NULL, false, e);
	}
	if (*state & VERIFY_SEEN)
		return 0;
	*state |= VERIFY_SEEN;
	s->out->chunks++;
	if ((*state & VERIFY_STORED) == 0)
		return verify_note_chunk(s, ref, NULL, true, e);
	return data != NULL ? verify_data_add(data, ref, e) : 0;
}

/* Look at a segment that was not looked at before. 0; 1: it is damaged, *e says how; -1. */
static int
check_segment(struct verify *s, const struct mf_segment_ref *ref, struct verify_data *data,
    uint64_t *entries, struct mf_error *e)
{
	struct mf_listing l = {0};
	bool continues;
	size_t i;
	int rc = 0;

	if (verify_read_segment(s, ref, &l, &continues, e) != 0)
		return mf_error_is_damage(e) ? 1 : -1;
	for (i = 0; rc == 0 && i < l.n_chunks; i++)
		rc = check_chunk(s, &l.chunks[i], data, e);
	*entries = verify_entries_of(&l, continues);
	mf_listing_fini(&l);
	if (rc == 0 && mf_idmap_add(&s->segments, &ref->id, entries) < 0)
		rc = mf_error_nomem(e, "the list of segments");
	return rc;
}

/* Report a damaged segment. 0; 1: the version is gone, and so it is no damage; -1. */
static int
report_segment(struct verify *s, const struct mf_version *v, const char *name,
    const struct mf_segment_ref *ref, struct mf_error *e)
{
	const struct verify_segment *lost = verify_find_lost(s, &ref->id);
	char object[MF_OBJECT_NAME_BYTES], text[MF_ERROR_MESSAGE_BYTES + sizeof(lost->why) + 40];
	struct mf_error why = *e;
	int rc = verify_is_gone(s, v, e);

	if (rc != 0)
		return rc;
	mf_name_chunk(object, &ref->id, ref->generation);
	snprintf(text, sizeof(text), "%s%s%s", why.message,
	    lost != NULL ? "; it cannot be made again: " : "", lost != NULL ? lost->why : "");
	verify_report(s, name, object, text);
	if (lost != NULL && s->given_up[0] == '\0')
		snprintf(s->given_up, sizeof(s->given_up), "%s", name);
	return 0;
}

static int
check_version(struct verify *s, const struct mf_version *v, const char *name,
    struct verify_data *data, struct mf_error *e)
{
	const struct mf_segment_ref *ref;
	uint64_t entries, total = 0, *known;
	bool whole = true;
	char why[96];
	size_t i;
	int rc = 0;

	for (i = 0; i < v->root.n_segments; i++) {
		ref = &v->root.segments[i];
		if (verify_interrupted(s, e))
			return -1;
		if ((known = mf_idmap_get(&s->segments, &ref->id)) != NULL)
			entries = *known;
		else if ((rc = check_segment(s, ref, data, &entries, e)) < 0)
			return -1;
		if (rc == 1) {
			if ((rc = report_segment(s, v, name, ref, e)) != 0)
				return rc < 0 ? -1 : 0;
			whole = false;
			continue;
		}
		total += entries;
	}
	if (!whole || total == v->root.n_entries)
		return 0;
	snprintf(why, sizeof(why), "its manifest lists %llu entries and promises %llu",
	    (unsigned long long)total, (unsigned long long)v->root.n_entries);
	verify_report(s, name, "", why);
	return 0;
}

int
verify_structure(struct verify *s, struct mf_error *e)
{
	struct verify_data *data = NULL;
	char *name;
	size_t i;
	int rc;

	if (verify_list_chunks(s, e) != 0)
		return -1;
	if (s->p->read_data && verify_data_start(s, &data, e) != 0)
		return -1;
	rc = mf_segments_ahead_start(s->repo, &s->versions, &s->ahead, e);
	for (i = 0; rc == 0 && i < s->versions.n; i++) {
		name = verify_name_of(&s->versions.items[i], e);
		rc = name != NULL ? check_version(s, &s->versions.items[i], name, data, e) : -1;
		free(name);
	}
	mf_segments_ahead_finish(s->ahead);
	s->ahead = NULL;
	if (verify_data_finish(data, rc != 0, e) != 0 || rc != 0)
		return -1;
	return verify_confirm_missing(s, e);
}
