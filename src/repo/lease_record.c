/*
 * The bytes of a lease, and when it is expired.
 *	u32 format, repository id[32], u8 kind, string name, u64 sequence, u64 token,
 *	u64 duration_us, instance[16], u64 written_us, string holder
 */
#include <string.h>

#include "src/repo/lease_int.h"

#define LEASE_FORMAT 1

const char *
mf_lease_kind_name(enum mf_lease_kind kind)
{
	switch (kind) {
	case MF_LEASE_TRAFFIC: return "traffic";
	case MF_LEASE_REF: return "the ref";
	case MF_LEASE_DESTINATION: return "the destination";
	}
	return "something";
}

void
mf_lease_encode(
    const struct mf_lease_record *x, const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out)
{
	mf_buf_put_u32(out, LEASE_FORMAT);
	mf_buf_put(out, repo_id, MF_REPO_ID_BYTES);
	mf_buf_put_u8(out, (uint8_t)x->kind);
	mf_buf_put_string(out, x->name);
	mf_buf_put_u64(out, x->sequence);
	mf_buf_put_u64(out, x->holder.token);
	mf_buf_put_u64(out, x->holder.duration_us);
	mf_buf_put(out, x->holder.instance, sizeof x->holder.instance);
	mf_buf_put_u64(out, (uint64_t)x->holder.written_us);
	mf_buf_put_string(out, x->holder.name);
}

/* A text into its place, which has max + 1 bytes; one with a NUL is none. */
static void
get_text(struct mf_reader *r, char *out, size_t max)
{
	size_t n;
	const uint8_t *p = mf_reader_block(r, max, &n);

	if (p == NULL || memchr(p, '\0', n) != NULL) {
		r->failed = true;
		return;
	}
	memcpy(out, p, n);
	out[n] = '\0';
}

int
mf_lease_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_lease_record *out, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t format = mf_reader_u32(&r);
	const uint8_t *id, *instance;
	unsigned kind;

	*out = (struct mf_lease_record){0};
	if (!r.failed && format != LEASE_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "lease of format %u", format);
	id = mf_reader_bytes(&r, MF_REPO_ID_BYTES);
	kind = mf_reader_u8(&r);
	get_text(&r, out->name, MF_LEASE_NAME_MAX_BYTES);
	out->sequence = mf_reader_u64(&r);
	out->holder.token = mf_reader_u64(&r);
	out->holder.duration_us = mf_reader_u64(&r);
	if ((instance = mf_reader_bytes(&r, MF_LEASE_INSTANCE_BYTES)) != NULL)
		memcpy(out->holder.instance, instance, MF_LEASE_INSTANCE_BYTES);
	out->holder.written_us = (int64_t)mf_reader_u64(&r);
	get_text(&r, out->holder.name, MF_LEASE_HOLDER_MAX_BYTES);
	if (r.failed || r.left != 0 || kind < MF_LEASE_TRAFFIC || kind > MF_LEASE_DESTINATION ||
	    out->name[0] == '\0' || out->holder.token == 0 || out->sequence < out->holder.token ||
	    out->holder.duration_us > MF_LEASE_DURATION_MAX_US ||
	    memcmp(id, repo_id, MF_REPO_ID_BYTES) != 0)
		return mf_reader_error(&r, e, "lease of a shape that cannot be");
	out->kind = (enum mf_lease_kind)kind;
	return 0;
}

static bool
is_same(const struct mf_lease_watch *watch, const struct mf_lease_seen *seen)
{
	return watch->is_set && watch->sequence == seen->sequence &&
	       memcmp(watch->instance, seen->holder.instance, sizeof watch->instance) == 0;
}

/* The record came into being before the look that saw it first was answered, and its holder sent
 * it before that: counted from there, its deadline is over for sure. */
enum mf_lease_verdict
mf_lease_judge(struct mf_lease_watch *watch, const struct mf_lease_seen *seen, const uint8_t *dead,
    uint64_t *wait_us)
{
	uint64_t term = seen->readable ? seen->holder.duration_us : MF_LEASE_DURATION_MAX_US;

	*wait_us = 0;
	if (!seen->exists || (seen->readable && term == 0))
		return MF_LEASE_IS_FREE;
	if (seen->readable && dead != NULL &&
	    memcmp(dead, seen->holder.instance, MF_LEASE_INSTANCE_BYTES) == 0)
		return MF_LEASE_IS_FREE;
	if (!is_same(watch, seen)) {
		*watch = (struct mf_lease_watch){
		    .is_set = true, .sequence = seen->sequence, .since_us = seen->answered_us};
		memcpy(watch->instance, seen->holder.instance, sizeof watch->instance);
	}
	term += term / 8 + 1;
	if (seen->asked_us >= watch->since_us && seen->asked_us - watch->since_us >= term)
		return MF_LEASE_IS_FREE;
	*wait_us = watch->since_us + term - seen->answered_us;
	if (watch->since_us + term <= seen->answered_us)
		*wait_us = 1;
	return MF_LEASE_IS_HELD;
}
