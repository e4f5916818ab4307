/* The tree of a recorded directory, in the state that is being built. */
#include "config.h"

#include "tests/durability/replay_int.h"

#include <stdlib.h>
#include <string.h>

static struct node *all_nodes;

struct node *
tree_node_new(int type)
{
	struct node *n = replay_need(calloc(1, sizeof *n));

	n->type = type == DIR_NODE ? DIR_NODE : type == LINK_NODE ? LINK_NODE : FILE_NODE;
	n->next = all_nodes;
	all_nodes = n;
	return n;
}

static struct entry *
find_name(struct node *dir, const char *name)
{
	size_t i;

	for (i = 0; i < dir->n_names; i++)
		if (strcmp(dir->names[i].name, name) == 0)
			return &dir->names[i];
	return NULL;
}

struct node *
tree_look_up(struct node *dir, const char *name)
{
	struct entry *x = find_name(dir, name);

	return x == NULL ? NULL : x->node;
}

/* Names are views of the events' paths, which live as long as the program. */
static void
set_name(struct node *dir, const char *name, struct node *node)
{
	struct entry *x = find_name(dir, name);

	if (x != NULL) {
		x->node = node;
		return;
	}
	if (dir->n_names == dir->capacity) {
		dir->capacity = dir->capacity == 0 ? 16 : dir->capacity * 2;
		dir->names = replay_need(realloc(dir->names, dir->capacity * sizeof *dir->names));
	}
	dir->names[dir->n_names].name = replay_need(strdup(name));
	dir->names[dir->n_names++].node = node;
}

static void
remove_name(struct node *dir, const char *name)
{
	struct entry *x = find_name(dir, name);

	if (x == NULL)
		return;
	free(x->name);
	*x = dir->names[--dir->n_names];
}

void
tree_empty(void)
{
	struct node *n;

	for (n = all_nodes; n != NULL; n = n->next) {
		while (n->n_names > 0)
			free(n->names[--n->n_names].name);
		n->size = 0;
	}
}

static void
resize(struct node *n, size_t size)
{
	if (size > n->room) {
		n->room = size * 2;
		n->bytes = replay_need(realloc(n->bytes, n->room));
	}
	if (size > n->size)
		memset(n->bytes + n->size, 0, size - n->size);
	n->size = size;
}

static void
write_bytes(struct node *n, size_t offset, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return;
	if (offset + len > n->size)
		resize(n, offset + len);
	memcpy(n->bytes + offset, bytes, len);
}

void
tree_apply(const struct event *v, bool torn)
{
	struct node *moved, *other;
	size_t len = v->r.data_len;

	switch (v->r.type) {
	case POWER_DIR:
	case POWER_LINK:
	case POWER_SYMLINK:
		if (v->dir != NULL)
			set_name(v->dir, v->name, v->node);
		break;
	case POWER_UNLINK: remove_name(v->dir, v->name); break;
	case POWER_RENAME:
		moved = tree_look_up(v->dir, v->name);
		other = tree_look_up(v->dir2, v->name2);
		/* its own source may have been lost: what it moved is known all the same */
		set_name(v->dir2, v->name2, v->node);
		if (v->r.offset == 1 && other != NULL)
			set_name(v->dir, v->name, other);
		else if (moved == v->node && v->r.offset != 1)
			remove_name(v->dir, v->name);
		break;
	case POWER_WRITE:
		write_bytes(v->node, v->r.offset, v->data, torn ? len / 2 : len);
		/* some file systems grow the file before the bytes are there */
		if (torn && v->r.inode % 2 == 0 && v->r.offset + len > v->node->size)
			resize(v->node, v->r.offset + len);
		break;
	case POWER_TRUNC: resize(v->node, v->r.offset); break;
	default: break;
	}
}
