/* What a cut leaves, and how it looks on a disk. */
#include "config.h"

#include "tests/durability/replay_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

void
state_build(size_t end, enum variant variant, uint64_t seed)
{
	const struct event *v;
	uint64_t luck;
	bool data;
	size_t i;

	tree_empty();
	for (i = 0; i < end; i++) {
		v = &tape.events[i];
		data = v->r.type == POWER_WRITE;
		if (v->committed < end || variant == KEEP) {
			tree_apply(v, false);
		} else if (variant == TORN) {
			tree_apply(v, data);
		} else if (variant == RANDOM) {
			luck = mix(seed * 0x9e3779b97f4a7c15u + i) % 4;
			if (luck > 0)
				tree_apply(v, data && luck == 1);
		}
	}
}

uint64_t
state_fold(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

uint64_t
state_signature(struct node *n, uint64_t h, int depth)
{
	size_t i;

	h = mix(h + (uint64_t)n->type);
	if (n->type == FILE_NODE)
		return mix(state_fold(h, n->bytes, n->size));
	if (n->type == LINK_NODE)
		return mix(state_fold(h, n->target, strlen(n->target)));
	if (n->n_names > 1)
		qsort(n->names, n->n_names, sizeof *n->names, by_name);
	for (i = 0; depth < 64 && i < n->n_names; i++) {
		h = state_fold(h, n->names[i].name, strlen(n->names[i].name) + 1);
		h = state_signature(n->names[i].node, h, depth + 1);
	}
	return mix(h);
}

void
state_write(struct node *n, int dir, const char *name, int depth)
{
	struct mf_error e;
	size_t i;
	int fd;

	if (n->type == LINK_NODE) {
		if (symlinkat(n->target, dir, name) != 0)
			replay_die("cannot make a link");
		return;
	}
	if (n->type == FILE_NODE) {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || (n->size > 0 && mf_fs_write(fd, n->bytes, n->size, &e) != 0))
			replay_die("cannot write a file");
		close(fd);
		return;
	}
	if (mkdirat(dir, name, 0700) != 0)
		replay_die("cannot make a directory");
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		replay_die("cannot open a directory");
	for (i = 0; depth < 64 && i < n->n_names; i++)
		state_write(n->names[i].node, fd, n->names[i].name, depth + 1);
	close(fd);
}
