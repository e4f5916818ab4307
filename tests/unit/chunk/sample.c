#include "tests/unit/chunk/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

const uint8_t sample_key[32] = "a key for the tests of cutting";

void
sample_init(struct sample *s)
{
	*s = (struct sample){.bytes = MF_BUF_INIT, .fail_at = UINT64_MAX};
}

void
sample_fini(struct sample *s)
{
	mf_buf_fini(&s->bytes);
	free(s->parts);
	*s = (struct sample){0};
}

static void
add_part(struct sample *s, uint64_t len, uint64_t content, size_t data)
{
	if (len == 0)
		return;
	if (s->n_parts == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 64;
		s->parts = realloc(s->parts, s->capacity * sizeof(*s->parts));
		assert_non_null(s->parts);
	}
	s->parts[s->n_parts++] = (struct sample_part){s->size, len, content, data};
	s->size += len;
}

void
sample_bytes(struct sample *s, const void *bytes, size_t n)
{
	add_part(s, n, 0, s->bytes.len);
	mf_buf_put(&s->bytes, bytes, n);
	assert_false(s->bytes.failed);
}

void
sample_virtual(struct sample *s, uint64_t n, uint64_t content)
{
	add_part(s, n, content, SIZE_MAX);
}

void
sample_header(struct sample *s, const char *json, uint64_t data_bytes)
{
	uint8_t length[8];

	mf_set_u64(length, strlen(json));
	sample_bytes(s, length, sizeof(length));
	sample_bytes(s, json, strlen(json));
	sample_virtual(s, data_bytes, 1);
}

void
sample_safetensors(struct sample *s, const struct sample_tensor *t, size_t n)
{
	struct mf_buf json = MF_BUF_INIT;
	uint64_t at = 0;
	size_t i;

	mf_buf_printf(&json, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (i = 0; i < n; i++) {
		mf_buf_printf(&json,
		    ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%llu],\"data_offsets\":[%llu,%llu]}",
		    t[i].name, t[i].dtype, (unsigned long long)t[i].len, (unsigned long long)at,
		    (unsigned long long)(at + t[i].len));
		at += t[i].len;
	}
	mf_buf_printf(&json, "}");
	while (json.len % 8 != 0)
		mf_buf_put_u8(&json, ' ');
	sample_header(s, mf_buf_cstr(&json), 0);
	mf_buf_fini(&json);
	for (i = 0; i < n; i++)
		sample_virtual(s, t[i].len, t[i].content);
}

static void
gguf_string(struct mf_buf *b, const char *text)
{
	mf_buf_put_u64(b, strlen(text));
	mf_buf_put(b, text, strlen(text));
}

/* Lengths here are the stored bytes, and the shape is written as for one-byte elements. */
void
sample_gguf(struct sample *s, const struct sample_tensor *t, size_t n, size_t vocabulary)
{
	static const uint64_t bytes_each[] = {[0] = 4, [1] = 2, [24] = 1, [30] = 2};
	struct mf_buf b = MF_BUF_INIT;
	uint64_t at = 0;
	size_t i;

	mf_buf_put(&b, "GGUF", 4);
	mf_buf_put_u32(&b, 3);
	mf_buf_put_u64(&b, n);
	mf_buf_put_u64(&b, 3);
	gguf_string(&b, "general.alignment");
	mf_buf_put_u32(&b, 4);
	mf_buf_put_u32(&b, 64);
	gguf_string(&b, "general.name");
	mf_buf_put_u32(&b, 8);
	gguf_string(&b, "sample");
	gguf_string(&b, "tokenizer.ggml.tokens");
	mf_buf_put_u32(&b, 9);
	mf_buf_put_u32(&b, 8);
	mf_buf_put_u64(&b, vocabulary);
	for (i = 0; i < vocabulary; i++)
		gguf_string(&b, "token");
	for (i = 0; i < n; i++) {
		gguf_string(&b, t[i].name);
		mf_buf_put_u32(&b, 1);
		if (t[i].type == 2) /* Q4_0 */
			mf_buf_put_u64(&b, t[i].len / 18 * 32);
		else if (t[i].type < 31)
			mf_buf_put_u64(&b, t[i].len / bytes_each[t[i].type]);
		else
			mf_buf_put_u64(&b, t[i].len);
		mf_buf_put_u32(&b, t[i].type);
		mf_buf_put_u64(&b, at);
		at += (t[i].len + 63) / 64 * 64;
	}
	while (b.len % 64 != 0)
		mf_buf_put_u8(&b, 0);
	sample_bytes(s, b.data, b.len);
	mf_buf_fini(&b);
	for (i = 0; i < n; i++) {
		sample_virtual(s, t[i].len, t[i].content);
		sample_virtual(s, (64 - t[i].len % 64) % 64, 2);
	}
}

static void
put_local(struct mf_buf *b, const struct sample_entry *v)
{
	mf_buf_put_u32(b, 0x04034b50);
	mf_buf_put_u16(b, 45);
	mf_buf_put_u16(b, 0);
	mf_buf_put_u16(b, v->method);
	mf_buf_put_u32(b, 0);
	mf_buf_put_u32(b, v->crc);
	mf_buf_put_u32(b, (uint32_t)v->len);
	mf_buf_put_u32(b, (uint32_t)v->len);
	mf_buf_put_u16(b, (uint16_t)strlen(v->name));
	mf_buf_put_u16(b, 0);
	mf_buf_put(b, v->name, strlen(v->name));
}

static void
put_entry(struct mf_buf *b, const struct sample_entry *v, uint64_t local, bool zip64)
{
	mf_buf_put_u32(b, 0x02014b50);
	mf_buf_put_u16(b, 45);
	mf_buf_put_u16(b, 45);
	mf_buf_put_u16(b, 0);
	mf_buf_put_u16(b, v->method);
	mf_buf_put_u32(b, 0);
	mf_buf_put_u32(b, v->crc);
	mf_buf_put_u32(b, zip64 ? UINT32_MAX : (uint32_t)v->len);
	mf_buf_put_u32(b, zip64 ? UINT32_MAX : (uint32_t)v->len);
	mf_buf_put_u16(b, (uint16_t)strlen(v->name));
	mf_buf_put_u16(b, zip64 ? 28 + 5 : 0);
	mf_buf_put_u16(b, 0);
	mf_buf_put_u16(b, 0);
	mf_buf_put_u16(b, 0);
	mf_buf_put_u32(b, 0);
	mf_buf_put_u32(b, zip64 ? UINT32_MAX : (uint32_t)local);
	mf_buf_put(b, v->name, strlen(v->name));
	if (!zip64)
		return;
	mf_buf_put_u16(b, 0x4246); /* another field first */
	mf_buf_put_u16(b, 1);
	mf_buf_put_u8(b, 0);
	mf_buf_put_u16(b, 1);
	mf_buf_put_u16(b, 24);
	mf_buf_put_u64(b, v->len);
	mf_buf_put_u64(b, v->len);
	mf_buf_put_u64(b, local);
}

static void
put_end(struct mf_buf *b, size_t n, uint64_t offset, uint64_t bytes, bool zip64)
{
	if (zip64) {
		mf_buf_put_u32(b, 0x06064b50);
		mf_buf_put_u64(b, 44);
		mf_buf_put_u16(b, 45);
		mf_buf_put_u16(b, 45);
		mf_buf_put_u32(b, 0);
		mf_buf_put_u32(b, 0);
		mf_buf_put_u64(b, n);
		mf_buf_put_u64(b, n);
		mf_buf_put_u64(b, bytes);
		mf_buf_put_u64(b, offset);
		mf_buf_put_u32(b, 0x07064b50);
		mf_buf_put_u32(b, 0);
		mf_buf_put_u64(b, offset + bytes);
		mf_buf_put_u32(b, 1);
	}
	mf_buf_put_u32(b, 0x06054b50);
	mf_buf_put_u32(b, 0);
	mf_buf_put_u16(b, zip64 ? UINT16_MAX : (uint16_t)n);
	mf_buf_put_u16(b, zip64 ? UINT16_MAX : (uint16_t)n);
	mf_buf_put_u32(b, zip64 ? UINT32_MAX : (uint32_t)bytes);
	mf_buf_put_u32(b, zip64 ? UINT32_MAX : (uint32_t)offset);
	mf_buf_put_u16(b, 0);
}

void
sample_zip(struct sample *s, const struct sample_entry *v, size_t n, bool zip64)
{
	struct mf_buf local = MF_BUF_INIT, directory = MF_BUF_INIT;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < n; i++) {
		put_entry(&directory, &v[i], s->size, zip64);
		mf_buf_clear(&local);
		put_local(&local, &v[i]);
		sample_bytes(s, local.data, local.len);
		if (v[i].bytes != NULL)
			sample_bytes(s, v[i].bytes, v[i].len);
		else
			sample_virtual(s, v[i].len, v[i].content);
	}
	bytes = directory.len;
	put_end(&directory, n, s->size, bytes, zip64);
	sample_bytes(s, directory.data, directory.len);
	mf_buf_fini(&local);
	mf_buf_fini(&directory);
}

void
sample_npy(struct mf_buf *out, const char *descr)
{
	struct mf_buf text = MF_BUF_INIT;

	mf_buf_printf(&text, "{'descr': %s, 'fortran_order': False, 'shape': (3, 4), }", descr);
	while ((text.len + 11) % 64 != 0)
		mf_buf_put_u8(&text, ' ');
	mf_buf_put_u8(&text, '\n');
	mf_buf_put(out, "\223NUMPY\001\000", 8);
	mf_buf_put_u16(out, (uint16_t)text.len);
	mf_buf_put(out, text.data, text.len);
	mf_buf_fini(&text);
}

/* The part that holds this offset. */
static const struct sample_part *
find_part(const struct sample *s, uint64_t offset)
{
	size_t low = 0, high = s->n_parts, middle;

	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (s->parts[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &s->parts[low];
}

static int
read_sample(void *arg, void *buf, size_t n, uint64_t offset, struct mf_error *e)
{
	struct sample *s = arg;
	const struct sample_part *part;
	uint8_t *to = buf;
	uint64_t left;
	size_t k;

	assert_true(offset <= s->size && n <= s->size - offset);
	s->n_reads++;
	s->bytes_read += n;
	if (s->fail_at >= offset && s->fail_at - offset < n)
		return mf_error_set(e, MF_ESOURCE, "sample: cannot read");
	while (n > 0) {
		part = find_part(s, offset);
		left = part->offset + part->len - offset;
		k = left < n ? (size_t)left : n;
		if (part->data == SIZE_MAX)
			memset(to, 0, k);
		else
			memcpy(to, s->bytes.data + part->data + (offset - part->offset), k);
		to += k;
		offset += k;
		n -= k;
	}
	return 0;
}

static void
check_plan(const struct sample *s, const struct mf_cut_plan *p)
{
	uint32_t *have = calloc(p->n_chunks + 1, sizeof(*have));
	uint32_t *count = calloc(p->n_chunks + 1, sizeof(*count));
	uint64_t at = 0, open_bytes = 0;
	size_t i, seen = 0, open = 0;

	assert_non_null(have);
	assert_non_null(count);
	for (i = 0; i < p->n_extents; i++) {
		const struct mf_extent *x = &p->extents[i];
		const struct mf_cut_chunk *c = &p->chunks[x->chunk];

		assert_int_equal(x->offset, at);
		assert_true(x->len > 0 && x->chunk < p->n_chunks && x->chunk <= seen);
		assert_true(i == 0 || p->extents[i - 1].chunk != x->chunk);
		if (x->chunk == seen) {
			seen++;
			open++;
		}
		assert_true(open <= MF_CUT_OPEN_MAX);
		at += x->len;
		open_bytes += x->len;
		assert_true(open_bytes <= MF_CUT_OPEN_BYTES);
		have[x->chunk] += x->len;
		if (++count[x->chunk] == c->n_extents) {
			assert_int_equal(have[x->chunk], c->len);
			assert_true(c->len <= MF_CUT_CHUNK_MAX && c->element < MF_ELEMENTS);
			open--;
			open_bytes -= c->len;
		}
		assert_true(count[x->chunk] <= c->n_extents);
	}
	assert_int_equal(at, s->size);
	assert_int_equal(seen, p->n_chunks);
	assert_int_equal(open, 0);
	free(have);
	free(count);
}

int
sample_plan_in(struct sample *s, size_t memory_bytes, struct mf_cut_plan **out, struct mf_error *e)
{
	const struct mf_cut_source source = {s->size, read_sample, s, "sample"};
	const struct mf_cut_params params = {sample_key, memory_bytes};
	int r = mf_cut_plan_new(&source, &params, out, e);

	assert_true((r == 0) == (*out != NULL));
	if (r == 0)
		check_plan(s, *out);
	return r;
}

int
sample_plan(struct sample *s, struct mf_cut_plan **out, struct mf_error *e)
{
	return sample_plan_in(s, 0, out, e);
}

struct mf_cut_plan *
sample_must(struct sample *s, const char *format)
{
	struct mf_cut_plan *plan;
	struct mf_error e;

	if (sample_plan(s, &plan, &e) != 0)
		fail_msg("no plan: %s", e.message);
	assert_string_equal(plan->format, format);
	return plan;
}

void
sample_refused(struct sample *s, const char *word)
{
	struct mf_cut_plan *plan;
	struct mf_error e;

	assert_int_equal(sample_plan(s, &plan, &e), 1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	if (strstr(e.message, word) == NULL)
		fail_msg("refused because \"%s\", not \"%s\"", e.message, word);
}

struct signature {
	uint8_t bytes[16];
};

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct signature));
}

/* Add what stands in [x->offset, x->offset + x->len) to the hash. */
static void
hash_extent(crypto_generichash_state *h, const struct sample *s, const struct mf_extent *x)
{
	uint64_t at = x->offset, end = x->offset + x->len, numbers[3], stop;
	const struct sample_part *part;

	while (at < end) {
		part = find_part(s, at);
		stop = part->offset + part->len < end ? part->offset + part->len : end;
		numbers[0] = part->content;
		numbers[1] = at - part->offset;
		numbers[2] = stop - at;
		if (part->data == SIZE_MAX)
			crypto_generichash_update(h, (uint8_t *)numbers, sizeof(numbers));
		else
			crypto_generichash_update(
			    h, s->bytes.data + part->data + numbers[1], numbers[2]);
		at = stop;
	}
}

static struct signature *
signatures(const struct sample *s, const struct mf_cut_plan *p)
{
	crypto_generichash_state *h = aligned_alloc(64, p->n_chunks * sizeof(*h));
	struct signature *v = calloc(p->n_chunks, sizeof(*v));
	size_t i;

	assert_non_null(h);
	assert_non_null(v);
	for (i = 0; i < p->n_chunks; i++)
		crypto_generichash_init(&h[i], NULL, 0, sizeof(*v));
	for (i = 0; i < p->n_extents; i++)
		hash_extent(&h[p->extents[i].chunk], s, &p->extents[i]);
	for (i = 0; i < p->n_chunks; i++)
		crypto_generichash_final(&h[i], v[i].bytes, sizeof(*v));
	free(h);
	return v;
}

size_t
sample_changed(const struct sample *a, const struct mf_cut_plan *pa, const struct sample *b,
    const struct mf_cut_plan *pb, uint64_t header_bytes)
{
	struct signature *va = signatures(a, pa), *vb = signatures(b, pb);
	size_t i, chunk, seen = 0, changed = 0;

	qsort(va, pa->n_chunks, sizeof(*va), compare);
	for (i = 0; i < pb->n_extents; i++) {
		chunk = pb->extents[i].chunk;
		if (chunk != seen) /* not its first extent */
			continue;
		seen++;
		if (pb->extents[i].offset >= header_bytes &&
		    bsearch(&vb[chunk], va, pa->n_chunks, sizeof(*va), compare) == NULL)
			changed++;
	}
	free(va);
	free(vb);
	return changed;
}
