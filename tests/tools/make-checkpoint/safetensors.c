/* https://huggingface.co/docs/safetensors: u64 length, JSON header padded with spaces to 8,
 * then the tensors without gaps. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

unsigned *
shards_of(const struct layout *l, unsigned shards)
{
	unsigned *shard = need(calloc(l->n, sizeof *shard)), s = 0;
	uint64_t total = 0, sum = 0, n;
	size_t i;

	for (i = 0; i < l->n; i++)
		total += tensor_bytes(&l->tensors[i]);
	for (i = 0; i < l->n; i++) {
		n = tensor_bytes(&l->tensors[i]);
		if (s + 1 < shards && sum + n / 2 > total / shards * (s + 1))
			s++;
		shard[i] = s;
		sum += n;
	}
	return shard;
}

static void
shard_name(char *out, size_t n, const char *stem, const char *suffix, unsigned s, unsigned of)
{
	if (of == 1)
		snprintf(out, n, "%s%s", stem, suffix);
	else
		snprintf(out, n, "%s-%05u-of-%05u%s", stem, s + 1, of, suffix);
}

void
index_write(const char *dir, const char *name, const char *stem, const char *suffix,
    const struct layout *l, const unsigned *shard, unsigned shards)
{
	struct bytes b = {0};
	char file[128];
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		total += tensor_bytes(&l->tensors[i]);
	put_text(&b, "{\n  \"metadata\": {\n    \"total_size\": %" PRIu64 "\n  },\n"
	    "  \"weight_map\": {\n", total);
	for (i = 0; i < l->n; i++) {
		shard_name(file, sizeof file, stem, suffix, shard[i], shards);
		put_text(&b, "    \"%s\": \"%s\"%s\n", l->tensors[i].name, file,
		    i + 1 < l->n ? "," : "");
	}
	put_text(&b, "  }\n}\n");
	out_file(dir, name, &b);
	free(b.at);
}

static void
header(struct bytes *b, const struct extent *x, size_t n)
{
	static const char *const names[] = {"BF16", "F16", "F32", "F8_E4M3"};
	const struct tensor *t;
	size_t i;

	put_text(b, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (i = 0; i < n; i++) {
		t = x[i].tensor;
		put_text(b, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%" PRIu64, t->name,
		    names[t->dtype], t->shape[0]);
		if (t->dims == 2)
			put_text(b, ",%" PRIu64, t->shape[1]);
		put_text(b, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", x[i].offset,
		    x[i].offset + tensor_bytes(t));
	}
	put_text(b, "}");
	while (b->n % 8 != 0)
		put_text(b, " ");
}

static void
write_shard(const char *dir, const char *name, const struct recipe *r, const struct layout *l,
    const unsigned *shard, unsigned s)
{
	struct extent *x = need(calloc(l->n, sizeof *x));
	struct bytes length = {0}, b = {0};
	uint64_t size = 0;
	size_t i, n = 0;
	int fd;

	for (i = 0; i < l->n; i++) {
		if (shard[i] != s)
			continue;
		x[n++] = (struct extent){.tensor = &l->tensors[i], .offset = size};
		size += tensor_bytes(&l->tensors[i]);
	}
	header(&b, x, n);
	put_le(&length, b.n, 8);
	for (i = 0; i < n; i++)
		x[i].offset += 8 + b.n;
	fd = out_create(dir, name, 8 + b.n + size);
	out_write(fd, length.at, 8, 0);
	out_write(fd, b.at, b.n, 8);
	out_tensors(fd, r, x, n, false);
	out_close(fd);
	free(length.at);
	free(b.at);
	free(x);
}

void
safetensors_write(const char *dir, const struct recipe *r, const struct layout *l,
    unsigned shards)
{
	unsigned *shard = shards_of(l, shards), s;
	char name[128];

	for (s = 0; s < shards; s++) {
		shard_name(name, sizeof name, "model", ".safetensors", s, shards);
		write_shard(dir, name, r, l, shard, s);
	}
	if (shards > 1)
		index_write(dir, "model.safetensors.index.json", "model", ".safetensors", l, shard,
		    shards);
	free(shard);
}
