/* Reading the recorder's log: which files and directories each event is about, and which
 * later one made it durable. */
#include "config.h"

#include "tests/durability/replay_int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
text(const uint8_t *bytes, size_t n)
{
	char *s = replay_need(malloc(n + 1));

	if (n > 0)
		memcpy(s, bytes, n);
	s[n] = '\0';
	return s;
}

void
log_load(const char *path)
{
	size_t at = 0, room = 0, rest;
	const uint8_t *log;
	struct stat st;
	struct event *v;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		replay_die("cannot read the log, or it is empty");
	log = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (log == MAP_FAILED)
		replay_die("cannot map the log");
	close(fd);
	while ((rest = (size_t)st.st_size - at) >= sizeof v->r) {
		if (tape.n_events == room) {
			room = room == 0 ? 1024 : room * 2;
			tape.events = replay_need(realloc(tape.events, room * sizeof *tape.events));
		}
		v = &tape.events[tape.n_events++];
		memset(v, 0, sizeof *v);
		memcpy(&v->r, log + at, sizeof v->r);
		rest -= sizeof v->r;
		at += sizeof v->r;
		if (v->r.magic != POWER_MAGIC || v->r.type == 0 || v->r.type >= POWER_TYPES)
			replay_die("the log is damaged");
		if (v->r.path_len > rest || v->r.path2_len > rest - v->r.path_len ||
		    v->r.data_len > rest - v->r.path_len - v->r.path2_len)
			replay_die("the log is cut off");
		v->path = text(log + at, v->r.path_len);
		v->path2 = text(log + at + v->r.path_len, v->r.path2_len);
		v->data = log + at + v->r.path_len + v->r.path2_len;
		v->committed = SIZE_MAX;
		at += v->r.path_len + v->r.path2_len + v->r.data_len;
	}
}

struct inode {
	uint64_t number;
	struct node *node;
};

static struct inode *inodes;
static size_t n_inodes, inodes_room;

static struct node **
inode_slot(uint64_t number)
{
	size_t i;

	for (i = n_inodes; i > 0; i--)
		if (inodes[i - 1].number == number)
			return &inodes[i - 1].node;
	if (n_inodes == inodes_room) {
		inodes_room = inodes_room == 0 ? 256 : inodes_room * 2;
		inodes = replay_need(realloc(inodes, inodes_room * sizeof *inodes));
	}
	inodes[n_inodes] = (struct inode){number, NULL};
	return &inodes[n_inodes++].node;
}

/* The directory that holds path, in the tree as it was when the event happened. */
static struct node *
walk_to(const char *path, const char **base)
{
	struct node *at = tape.root;
	char part[4096];
	const char *slash;

	while ((slash = strchr(path, '/')) != NULL) {
		if ((size_t)(slash - path) >= sizeof part)
			replay_die("a path is too long");
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		at = at == NULL ? NULL : tree_look_up(at, part);
		path = slash + 1;
	}
	if (at == NULL || at->type != DIR_NODE)
		replay_die("a name in a directory that the log does not know");
	*base = path;
	return at;
}

/* Link the event to nodes, replaying as nothing were lost. */
static void
understand_one(struct event *v)
{
	switch (v->r.type) {
	case POWER_FILE: *inode_slot(v->r.inode) = v->node = tree_node_new(FILE_NODE); return;
	case POWER_DIR:
		*inode_slot(v->r.inode) = v->node = tree_node_new(DIR_NODE);
		if (v->path[0] == '\0') {
			tape.root = v->node;
			return;
		}
		break;
	case POWER_SYMLINK:
		v->node = tree_node_new(LINK_NODE);
		v->node->target = v->path2;
		break;
	case POWER_LINK:
	case POWER_WRITE:
	case POWER_TRUNC:
		v->node = *inode_slot(v->r.inode);
		if (v->node == NULL)
			replay_die("a file that came from outside of the recorded directory");
		break;
	case POWER_SYNC: v->node = *inode_slot(v->r.inode); return;
	default: break;
	}
	if (tape.root == NULL)
		replay_die("the log does not begin with the directory");
	if (v->r.path_len > 0 && v->r.type != POWER_EXIT)
		v->dir = walk_to(v->path, &v->name);
	if (v->r.type == POWER_RENAME) {
		v->dir2 = walk_to(v->path2, &v->name2);
		v->node = tree_look_up(v->dir, v->name);
		if (v->node == NULL)
			replay_die("a rename of something that the log does not know");
	}
	if (v->r.type == POWER_DIR || v->r.type == POWER_LINK || v->r.type == POWER_SYMLINK ||
	    v->r.type == POWER_UNLINK || v->r.type == POWER_RENAME)
		tree_apply(v, false);
}

/* What a sync at index i makes durable. */
static void
commit(size_t i)
{
	const struct event *sync = &tape.events[i];
	struct event *v;
	size_t j;

	for (j = 0; j < i; j++) {
		v = &tape.events[j];
		if (v->committed != SIZE_MAX)
			continue;
		if (sync->r.type != POWER_SYNC)
			v->committed = i;
		else if (sync->node == NULL)
			continue; /* of something that was only read */
		else if (v->r.type == POWER_WRITE || v->r.type == POWER_TRUNC)
			v->committed = v->node == sync->node ? i : SIZE_MAX;
		else if (v->dir == sync->node || v->dir2 == sync->node)
			v->committed = i;
	}
}

void
log_understand(void)
{
	size_t i;

	tape.start = SIZE_MAX;
	for (i = 0; i < tape.n_events; i++) {
		understand_one(&tape.events[i]);
		if (tape.events[i].r.type == POWER_START)
			tape.start = i;
		if (tape.events[i].r.type == POWER_START || tape.events[i].r.type == POWER_SYNC ||
		    tape.events[i].r.type == POWER_SYNCALL)
			commit(i);
	}
	if (tape.start == SIZE_MAX)
		replay_die("the log has no beginning");
}
