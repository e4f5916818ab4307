#include "src/chunk/cutter.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/size.h"
#include "src/chunk/plan_int.h"
#include "src/chunk/run_int.h"

#define FIRST_BYTES 16

typedef int parse_fn(struct mf_cut_job *job, const char **format, struct mf_error *e);

int
mf_cut_refuse(struct mf_error *e, const char *fmt, ...)
{
	char reason[MF_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	(void)mf_error_set(e, MF_EUNSUPPORTED, "%s", reason);
	return 1;
}

int
mf_cut_grow(struct mf_cut_job *job, void **v, size_t n, size_t *capacity, size_t item_bytes,
    struct mf_error *e)
{
	size_t more = *capacity == 0 ? 64 : *capacity;
	size_t bytes, peak, total;
	void *grown;

	if (n < *capacity)
		return 0;
	/* while realloc copies, the old array is there too: it is in memory_used */
	if (!mf_size_add(*capacity, more, &total) || !mf_size_mul(total, item_bytes, &bytes) ||
	    !mf_size_add(job->memory_used, bytes, &peak) || peak > job->memory_bytes)
		return mf_cut_refuse(e, "its structure does not fit the memory budget");
	if ((grown = realloc(*v, bytes)) == NULL)
		return mf_error_nomem(e, "the structure of a file");
	job->memory_used += more * item_bytes;
	*v = grown;
	*capacity = total;
	return 0;
}

int
mf_cut_add(struct mf_cut_job *job, const struct mf_cut_named *named, uint64_t offset, uint64_t len,
    enum mf_element element, struct mf_error *e)
{
	struct mf_cut_items *items = &job->items;
	struct mf_cut_item *item;
	void *v = items->v;
	int r;

	if (offset > job->src->size || len > job->src->size - offset)
		return mf_cut_refuse(e, "a tensor or entry reaches past the end of the file");
	r = mf_cut_grow(job, &v, items->n, &items->capacity, sizeof(*item), e);
	items->v = v;
	if (r != 0)
		return r;
	item = &items->v[items->n++];
	item->offset = offset;
	item->len = len;
	item->element = element;
	item->name_hash = mf_run_name_hash(job->key, named->name, named->name_bytes);
	item->run_hash = item->name_hash;
	if (named->run_name != NULL)
		item->run_hash = mf_run_name_hash(job->key, named->run_name, named->run_name_bytes);
	return 0;
}

/* Which format do the first bytes (zeros behind the end of the file) show? NULL: none. */
static parse_fn *
recognise(const uint8_t first[FIRST_BYTES], uint64_t size)
{
	if (memcmp(first, "GGUF", 4) == 0)
		return mf_cut_gguf;
	if (memcmp(first, "PK\003\004", 4) == 0)
		return mf_cut_zip;
	if (memcmp(first, "\223NUMPY", 6) == 0)
		return mf_cut_npy;
	if (mf_cut_is_safetensors(first, size))
		return mf_cut_safetensors;
	return NULL;
}

static int
plan(struct mf_cut_job *job, struct mf_cut_plan **out, struct mf_error *e)
{
	const struct mf_cut_source *src = job->src;
	uint8_t first[FIRST_BYTES] = {0};
	const char *format = NULL;
	parse_fn *parse;
	int r;

	if (src->size == 0)
		return 1;
	r = src->pread(
	    src->arg, first, src->size < sizeof(first) ? (size_t)src->size : sizeof(first), 0, e);
	if (r == 1)
		return mf_cut_refuse(e, "the file became shorter");
	if (r != 0)
		return -1;
	if ((parse = recognise(first, src->size)) == NULL)
		return 1;
	if ((r = parse(job, &format, e)) != 0 || (r = mf_cut_build(job, out, e)) != 0)
		return r;
	(*out)->format = format;
	return 0;
}

int
mf_cut_plan_new(const struct mf_cut_source *src, const struct mf_cut_params *params,
    struct mf_cut_plan **out, struct mf_error *e)
{
	struct mf_cut_job job = {.src = src,
	    .key = params->key,
	    .memory_bytes = params->memory_bytes ? params->memory_bytes : MF_CUT_MEMORY_DEFAULT,
	    .items = {.gap = MF_ELEMENT_BYTES}};
	struct mf_error scratch;
	int r;

	assert(params->key != NULL);
	if (e == NULL)
		e = &scratch;
	mf_error_clear(e);
	*out = NULL;
	r = plan(&job, out, e);
	free(job.items.v);
	return r;
}

void
mf_cut_plan_free(struct mf_cut_plan *p)
{
	if (p == NULL)
		return;
	free(p->extents);
	free(p->chunks);
	free(p);
}
