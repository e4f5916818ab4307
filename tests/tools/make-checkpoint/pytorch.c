/* What torch.save writes: a zip of stored entries, data.pkl being a pickle (protocol 2) of an
 * OrderedDict of tensors whose storages are the entries data/0, data/1, ... torch.load reads
 * it, with weights_only too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

static void
pickle_text(struct bytes *b, const char *text)
{
	put(b, "X", 1); /* BINUNICODE */
	put_le(b, strlen(text), 4);
	put(b, text, strlen(text));
}

static void
pickle_int(struct bytes *b, uint64_t v)
{
	if (v <= 0x7fffffff) {
		put(b, "J", 1); /* BININT */
		put_le(b, v, 4);
	} else {
		put(b, "\x8a\x08", 2); /* LONG1 */
		put_le(b, v, 8);
	}
}

static void
pickle_shape(struct bytes *b, const uint64_t *v, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		pickle_int(b, v[i]);
	put(b, n == 1 ? "\x85" : "\x86", 1); /* TUPLE1, TUPLE2 */
}

static void
pickle_tensor(struct bytes *b, const struct tensor *t, size_t key)
{
	static const char *const storages[] = {"ctorch\nBFloat16Storage\n",
	    "ctorch\nHalfStorage\n", "ctorch\nFloatStorage\n",
	    "ctorch.storage\nUntypedStorage\n"};
	uint64_t stride[2] = {t->dims == 1 ? 1 : t->shape[1], 1};
	bool untyped = t->dtype == F8;
	char number[24];

	snprintf(number, sizeof number, "%zu", key);
	pickle_text(b, t->name);
	put_text(b, "ctorch._utils\n_rebuild_tensor_v%d\n((", untyped ? 3 : 2);
	pickle_text(b, "storage");
	put(b, storages[t->dtype], strlen(storages[t->dtype]));
	pickle_text(b, number);
	pickle_text(b, "cpu");
	pickle_int(b, tensor_elements(t)); /* for one byte an element it is the bytes too */
	put(b, "tQ", 2);		   /* TUPLE, BINPERSID */
	pickle_int(b, 0);
	pickle_shape(b, t->shape, t->dims);
	pickle_shape(b, stride, t->dims);
	put_text(b, "\x89" "ccollections\nOrderedDict\n)R"); /* NEWFALSE; hooks */
	if (untyped)
		put_text(b, "ctorch\nfloat8_e4m3fn\n");
	put(b, "tR", 2); /* TUPLE, REDUCE */
}

static void
entry_text(struct zip_entry *e, const char *stem, const char *name, const char *text)
{
	snprintf(e->name, sizeof e->name, "%s/%s", stem, name);
	put(&e->head, text, strlen(text));
}

static void
write_file(const char *dir, const char *file, const char *stem, const struct recipe *r,
    const struct layout *l, const unsigned *shard, unsigned s)
{
	struct zip_entry *e = need(calloc(l->n + 3, sizeof *e));
	size_t i, n = 2, key = 0;

	snprintf(e[0].name, sizeof e[0].name, "%s/data.pkl", stem);
	put_text(&e[0].head, "\x80\x02" "ccollections\nOrderedDict\n)R("); /* PROTO 2; MARK */
	entry_text(&e[1], stem, "byteorder", "little");
	for (i = 0; i < l->n; i++) {
		if (shard[i] != s)
			continue;
		pickle_tensor(&e[0].head, &l->tensors[i], key);
		snprintf(e[n].name, sizeof e[n].name, "%s/data/%zu", stem, key++);
		e[n++].tensor = &l->tensors[i];
	}
	put(&e[0].head, "u.", 2); /* SETITEMS, STOP */
	entry_text(&e[n++], stem, "version", "3\n");
	zip_write(dir, file, r, e, n, 64);
}

void
pytorch_write(const char *dir, const struct recipe *r, const struct layout *l, const char *stem,
    unsigned shards)
{
	const char *suffix = strcmp(stem, "optimizer") == 0 ? ".pt" : ".bin";
	unsigned *shard = shards_of(l, shards), s;
	char file[128], index[128];

	for (s = 0; s < shards; s++) {
		if (shards == 1)
			snprintf(file, sizeof file, "%s%s", stem, suffix);
		else
			snprintf(file, sizeof file, "%s-%05u-of-%05u%s", stem, s + 1, shards, suffix);
		write_file(dir, file, stem, r, l, shard, s);
	}
	snprintf(index, sizeof index, "%s%s.index.json", stem, suffix);
	if (shards > 1)
		index_write(dir, index, stem, suffix, l, shard, shards);
	free(shard);
}
