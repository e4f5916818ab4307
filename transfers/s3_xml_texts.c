/* What the readers of long answers gather: texts that do not move, and arrays. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/size.h"
#include "transfers/s3_xml_int.h"

#define BLOCK_BYTES ((size_t)65536)

struct mf_s3_text_block {
	struct mf_s3_text_block *next;
	size_t used;
	size_t capacity;
	char bytes[];
};

/* A block with room for n bytes, in front. */
static struct mf_s3_text_block *
roomy_block(struct mf_s3_texts *t, size_t n)
{
	struct mf_s3_text_block *b = t->blocks;
	const size_t capacity = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	size_t all;

	if (b != NULL && b->capacity - b->used >= n)
		return b;
	if (!mf_size_add(sizeof *b, capacity, &all) || (b = malloc(all)) == NULL)
		return NULL;
	b->next = t->blocks;
	b->used = 0;
	b->capacity = capacity;
	t->blocks = b;
	return b;
}

char *
mf_s3_texts_keep(struct mf_s3_texts *t, const char *text, size_t n, struct mf_error *e)
{
	struct mf_s3_text_block *b;
	char *copy;

	if (n == SIZE_MAX || (b = roomy_block(t, n + 1)) == NULL) {
		mf_error_nomem(e, "an answer of the store");
		return NULL;
	}
	copy = b->bytes + b->used;
	memcpy(copy, text, n);
	copy[n] = '\0';
	b->used += n + 1;
	return copy;
}

void
mf_s3_texts_fini(struct mf_s3_texts *t)
{
	struct mf_s3_text_block *b;

	while ((b = t->blocks) != NULL) {
		t->blocks = b->next;
		free(b);
	}
}

int
mf_xml_array_add(struct mf_xml_array *a, const void *element, size_t bytes,
    const struct mf_xml_document *d, struct mf_error *e)
{
	size_t capacity = a->capacity == 0 ? 16 : a->capacity * 2, all;
	void *bigger;

	if (a->n == MF_S3_PAGE_MAX)
		return mf_xml_bad(d, "it has too many entries", e);
	if (a->n == a->capacity) {
		if (!mf_size_mul(capacity, bytes, &all) || (bigger = realloc(a->all, all)) == NULL)
			return mf_error_nomem(e, "an answer of the store");
		a->all = bigger;
		a->capacity = capacity;
	}
	memcpy((char *)a->all + a->n++ * bytes, element, bytes);
	return 0;
}
