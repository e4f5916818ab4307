/* Recorded requests, and answers that are compared: three parts, between bytes 1. A file that is
 * taken is bounded; an answer agrees with itself, and the order of two changes nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/traffic/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int yes)
{
	if (!yes)
		abort();
}

static void
compare(const struct mf_replay_request *q, const char *a, size_t n, const char *b, size_t m)
{
	struct mf_replay_difference one, other;
	bool same = mf_replay_agree(q, 0.01, a, n, b, m, &one);

	must(same == mf_replay_agree(q, 0.01, b, m, a, n, &other));
	if (!same) {
		must(memchr(one.path, '\0', sizeof one.path) != NULL);
		must(one.difference == other.difference);
	}
}

static size_t
part(const char **at, const char *end, const char **out)
{
	const char *stop = memchr(*at, 1, (size_t)(end - *at));

	*out = *at;
	stop = stop != NULL ? stop : end;
	*at = stop < end ? stop + 1 : end;
	return (size_t)(stop - *out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mf_replay_request plain = {
	    .line = 1, .ignored = {"id"}, .n_ignored = 1};
	const char *at = (const char *)data, *end = at + size, *file, *left, *right;
	struct mf_replay_requests *r;
	size_t n, m;

	if (size == 0)
		return 0;
	n = part(&at, end, &file);
	r = mf_replay_read("f", file, n, NULL);
	n = part(&at, end, &left);
	m = part(&at, end, &right);
	compare(&plain, left, n, right, m);
	if (r != NULL) {
		must(mf_replay_count(r) > 0 && mf_replay_at(r, 0)->path[0] == '/');
		compare(mf_replay_at(r, mf_replay_count(r) - 1), left, n, right, m);
	}
	mf_replay_free(r);
	return 0;
}
