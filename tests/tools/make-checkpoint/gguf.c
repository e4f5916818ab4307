/* GGUF version 3, ggml's docs/gguf.md: header, key-values, tensor infos, aligned tensors. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

#define ALIGNMENT 32
enum { TYPE_U32 = 4, TYPE_F32 = 6, TYPE_STRING = 8, TYPE_ARRAY = 9 };

static void
put_string(struct bytes *b, const char *text)
{
	put_le(b, strlen(text), 8);
	put(b, text, strlen(text));
}

static void
kv_string(struct bytes *b, const char *key, const char *value)
{
	put_string(b, key);
	put_le(b, TYPE_STRING, 4);
	put_string(b, value);
}

static void
kv_u32(struct bytes *b, const char *key, uint64_t value)
{
	put_string(b, key);
	put_le(b, TYPE_U32, 4);
	put_le(b, value, 4);
}

static void
kv_tokens(struct bytes *b, uint64_t vocab)
{
	char token[32];
	uint64_t i;

	put_string(b, "tokenizer.ggml.tokens");
	put_le(b, TYPE_ARRAY, 4);
	put_le(b, TYPE_STRING, 4);
	put_le(b, vocab, 8);
	for (i = 0; i < vocab; i++) {
		snprintf(token, sizeof token, "tok%" PRIx64, random_at(11, i) % 0xffffff);
		put_string(b, token);
	}
}

static unsigned
ggml_type(enum dtype d)
{
	switch (d) {
	case F32: return 0;
	case F16: return 1;
	case Q8_0: return 8;
	case Q4_K: return 12;
	case Q6_K: return 14;
	case BF16: return 30;
	case F8: break;
	}
	die("GGUF has no 8-bit float");
}

static void
put_meta(struct bytes *b, const struct layout *l)
{
	put(b, "GGUF", 4);
	put_le(b, 3, 4);
	put_le(b, l->n, 8);
	put_le(b, 9, 8);
	kv_string(b, "general.architecture", "llama");
	kv_string(b, "general.name", "made-up");
	kv_u32(b, "general.alignment", ALIGNMENT);
	kv_u32(b, "general.file_type", 15); /* mostly Q4_K, medium */
	kv_u32(b, "llama.block_count", l->layers);
	kv_u32(b, "llama.embedding_length", l->hidden);
	kv_u32(b, "llama.feed_forward_length", l->ffn);
	kv_string(b, "tokenizer.ggml.model", "gpt2");
	kv_tokens(b, l->vocab);
}

static uint64_t
align_up(uint64_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void
put_info(struct bytes *b, const struct tensor *t, uint64_t offset)
{
	unsigned i;

	put_string(b, t->name);
	put_le(b, t->dims, 4);
	for (i = t->dims; i > 0; i--) /* fastest dimension first */
		put_le(b, t->shape[i - 1], 8);
	put_le(b, ggml_type(t->dtype), 4);
	put_le(b, offset, 8);
}

void
gguf_write(const char *dir, const struct recipe *r, const struct layout *l)
{
	struct extent *x = need(calloc(l->n, sizeof *x));
	struct bytes b = {0};
	uint64_t size = 0, start;
	size_t i;
	int fd;

	put_meta(&b, l);
	for (i = 0; i < l->n; i++) {
		x[i] = (struct extent){.tensor = &l->tensors[i], .offset = size};
		put_info(&b, x[i].tensor, size);
		size = align_up(size + tensor_bytes(x[i].tensor));
	}
	start = align_up(b.n);
	for (i = 0; i < l->n; i++)
		x[i].offset += start;
	fd = out_create(dir, "model.Q4_K_M.gguf", start + size);
	out_write(fd, b.at, b.n, 0);
	out_tensors(fd, r, x, l->n, false);
	out_close(fd);
	free(b.at);
	free(x);
}
