#include "config.h"

#include "tests/unit/transfers/tree_known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
recall(void *arg, const char *path, struct mf_tree_upload *out)
{
	const struct tree_known *k = arg;

	if (k->n == 0 || strcmp(k->path, path) != 0)
		return 1;
	*out = k->upload;
	return 0;
}

static int
remember(void *arg, const char *path, const struct mf_tree_upload *u)
{
	struct tree_known *k = arg;

	if (k->refuses)
		return -1;
	if (k->n == 0 || strcmp(k->upload.id, u->id) != 0)
		k->n_parts = 0;
	k->n = 1;
	(void)snprintf(k->path, sizeof k->path, "%s", path);
	k->upload = *u;
	return 0;
}

static void
forget(void *arg, const char *path, const char *id)
{
	struct tree_known *k = arg;

	if (k->n == 1 && strcmp(k->path, path) == 0 && strcmp(k->upload.id, id) == 0)
		k->n = 0;
}

static int
recall_part(void *arg, const char *path, unsigned number, const char *etag, uint32_t *sum)
{
	const struct tree_known *k = arg;

	(void)path;
	if (strcmp(k->parts[number - 1].etag, etag) != 0)
		return 1;
	*sum = k->parts[number - 1].sum;
	return 0;
}

static void
remember_part(void *arg, const char *path, unsigned number, const char *etag, uint32_t sum)
{
	struct tree_known *k = arg;

	if (strcmp(k->path, path) != 0)
		abort();
	k->n_parts++;
	(void)snprintf(k->parts[number - 1].etag, sizeof k->parts[0].etag, "%s", etag);
	k->parts[number - 1].sum = sum;
}

static bool
keeps(void *arg, const char *path, const char *id)
{
	const struct tree_known *k = arg;

	return k->n == 1 && strcmp(k->path, path) == 0 && strcmp(k->upload.id, id) == 0;
}

struct tree_known
tree_known_nothing(void)
{
	return (struct tree_known){.memory = {.recall = recall,
				       .remember = remember,
				       .forget = forget,
				       .recall_part = recall_part,
				       .remember_part = remember_part,
				       .keeps = keeps}};
}

void
tree_known_begin(struct tree_known *k, struct mf_tree *t)
{
	k->memory.arg = k;
	mf_tree_remember(t, &k->memory);
}
