/* numpy.savez: a zip of stored .npy members, format 1.0. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint.h"

static void
npy_header(struct bytes *b, const struct tensor *t)
{
	static const char *const types[] = {"|V2", "<f2", "<f4", "|V1"};
	struct bytes text = {0};

	put_text(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ",",
	    types[t->dtype], t->shape[0]);
	if (t->dims == 2)
		put_text(&text, " %" PRIu64, t->shape[1]);
	put_text(&text, "), }");
	while ((text.n + 11) % 64 != 0)
		put_text(&text, " ");
	put_text(&text, "\n");
	put(b, "\x93NUMPY\1\0", 8);
	put_le(b, text.n, 2);
	put(b, text.at, text.n);
	free(text.at);
}

void
npz_write(const char *dir, const struct recipe *r, const struct layout *l)
{
	struct zip_entry *e = need(calloc(l->n, sizeof *e));
	size_t i;

	for (i = 0; i < l->n; i++) {
		snprintf(e[i].name, sizeof e[i].name, "%s.npy", l->tensors[i].name);
		npy_header(&e[i].head, &l->tensors[i]);
		e[i].tensor = &l->tensors[i];
	}
	zip_write(dir, "weights.npz", r, e, l->n, 0);
}
