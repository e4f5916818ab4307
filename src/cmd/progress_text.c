#include "src/cmd/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/units.h"

struct text {
	char *out;
	size_t n, room;
};

static void __attribute__((format(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->out + t->n, t->room - t->n, fmt, args);
	va_end(args);
	if (n > 0)
		t->n = t->n + (size_t)n < t->room ? t->n + (size_t)n : t->room - 1;
}

static uint64_t
get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void
mf_rate_add(struct mf_rate *r, int64_t at_us, uint64_t count)
{
	unsigned last = (r->next + MF_RATE_SAMPLES - 1) % MF_RATE_SAMPLES;
	unsigned before = (r->next + MF_RATE_SAMPLES - 2) % MF_RATE_SAMPLES;

	if (r->n >= 2 &&
	    r->samples[last].at_us - r->samples[before].at_us < MF_RATE_WINDOW_US / 30) {
		r->samples[last].at_us = at_us;
		r->samples[last].count = count;
		return;
	}
	r->samples[r->next].at_us = at_us;
	r->samples[r->next].count = count;
	r->next = (r->next + 1) % MF_RATE_SAMPLES;
	r->n += r->n < MF_RATE_SAMPLES;
}

uint64_t
mf_rate_per_s(const struct mf_rate *r)
{
	unsigned last = (r->next + MF_RATE_SAMPLES - 1) % MF_RATE_SAMPLES, first = last, i, at;
	int64_t span;

	for (i = 1; i < r->n; i++) {
		at = (last + MF_RATE_SAMPLES - i) % MF_RATE_SAMPLES;
		if (r->samples[last].at_us - r->samples[at].at_us > MF_RATE_WINDOW_US && i > 1)
			break;
		first = at;
	}
	span = r->samples[last].at_us - r->samples[first].at_us;
	if (r->n < 2 || span <= 0)
		return 0;
	return (uint64_t)((double)(r->samples[last].count - r->samples[first].count) * 1e6 /
	    (double)span);
}

static void
put_bytes(struct text *t, const struct mf_progress *p, uint64_t rate_bps)
{
	uint64_t done = get(&p->bytes_done), total = get(&p->bytes_total);
	char text[MF_UNIT_TEXT_BYTES];

	put(t, "%s", mf_format_size(done, text));
	if (total > 0 && done <= total)
		put(t, " of %s (%u %%)", mf_format_size(total, text),
		    (unsigned)((double)done * 100 / (double)total));
	if (rate_bps > 0)
		put(t, ", %s/s", mf_format_size(rate_bps, text));
	if (rate_bps > 0 && total > done)
		put(t, ", %s left",
		    mf_format_duration(((total - done) / rate_bps + 1) * 1000000, text));
}

/* What a mirror has instead of chunks. */
static void
put_plain_counts(struct text *t, const struct mf_progress *p)
{
	uint64_t deleted = get(&p->files_deleted), failures = get(&p->failures);

	put(t, " files, %llu checked", (unsigned long long)get(&p->files_checked));
	if (deleted > 0)
		put(t, ", %llu deleted", (unsigned long long)deleted);
	if (failures > 0)
		put(t, ", %llu failure%s", (unsigned long long)failures, mf_plural(failures));
}

static void
put_counts(struct text *t, const struct mf_progress *p)
{
	uint64_t files = get(&p->files_done), total = get(&p->files_total);
	uint64_t in = get(&p->bytes_encoded_in), stored = get(&p->bytes_stored);
	uint64_t fetched = get(&p->bytes_fetched);
	char text[MF_UNIT_TEXT_BYTES];

	put(t, "%llu", (unsigned long long)files);
	if (total > 0)
		put(t, " of %llu", (unsigned long long)total);
	if (p->plain) {
		put_plain_counts(t, p);
		return;
	}
	put(t, " files%s, chunks %llu new %llu known", p->files_are_read ? " read" : "",
	    (unsigned long long)get(&p->chunks_new), (unsigned long long)get(&p->chunks_known));
	if (stored > 0)
		put(t, ", stored %s", mf_format_size(stored, text));
	if (stored > 0 && in > 0)
		put(t, " (%.1f %%)", (double)stored * 100 / (double)in);
	if (fetched > 0)
		put(t, ", fetched %s", mf_format_size(fetched, text));
}

void
mf_progress_line(const struct mf_progress *p, uint64_t rate_bps, char *out, size_t out_bytes)
{
	struct text t = {out, 0, out_bytes};

	put_bytes(&t, p, rate_bps);
	put(&t, ", ");
	put_counts(&t, p);
}

/* Cut the line that begins at from to the width; the texts here are ASCII but for the title,
 * whose characters are never cut apart. */
static void
cut(struct text *t, size_t from, unsigned columns)
{
	size_t end = from + columns;

	if (t->n <= end)
		return;
	while (end > from && ((unsigned char)t->out[end] & 0xc0) == 0x80)
		end--;
	t->n = end;
	t->out[end] = '\0';
}

void
mf_progress_block(const struct mf_progress *p, const char *title, uint64_t rate_bps,
    int64_t elapsed_us, unsigned columns, char *out, size_t out_bytes)
{
	struct text t = {out, 0, out_bytes};
	char text[MF_UNIT_TEXT_BYTES];
	size_t second;

	put(&t, "%s: ", title);
	put_bytes(&t, p, rate_bps);
	put(&t, ", %s so far", mf_format_duration((uint64_t)elapsed_us / 1000000 * 1000000, text));
	cut(&t, 0, columns);
	put(&t, "\n");
	second = t.n;
	put(&t, "  ");
	put_counts(&t, p);
	cut(&t, second, columns);
}
