/*
 * Power-cut replayer: for every prefix of a recorded log (record.c) it rebuilds the directory
 * as a cut at that moment could have left it, and runs a check on it.
 *
 *	replay [-v VARIANTS] [-n SEEDS] [-s STEP] [-q] LOG DIRECTORY COMMAND [ARGUMENT ...]
 *
 * DIRECTORY is made anew for every state. The command sees it in MF_REPLAY_DIR, and in
 * MF_REPLAY_EXITED the recorded processes that had ended, as " tag=status tag=status ", for
 * what had been promised by then; MF_REPLAY_EVENT and MF_REPLAY_VARIANT name the state. It
 * must end with 0; else the replayer says what was being done, leaves DIRECTORY and ends 1.
 *
 * Variants (default all):
 *	keep	nothing is lost: a process that was killed
 *	drop	whatever was not synced is lost: bytes, names, removals, renames
 *	torn	names stay, but of each write that was not synced only the first half did; the
 *		rest of the file is missing, or zeros
 *	random	each name and write that was not synced stays, is torn or is lost, by itself;
 *		SEEDS times (default 2)
 * What survives for certain: the bytes of a file when it was last synced (fsync, fdatasync),
 * the names in a directory when it was, and everything at a syncfs. A sync of a file says
 * nothing of its name. A rename is one: it is there whole or not at all.
 *
 * A state that was checked before (with the same ended processes) is not checked again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "tests/durability/power_log.h"

enum variant { KEEP, DROP, TORN, RANDOM, VARIANTS };

static const char *const variant_names[VARIANTS] = {"keep", "drop", "torn", "random"};

struct event {
	struct power_record r;
	char *path, *path2; /* owned */
	const uint8_t *data; /* view of the mapped log */
	/* filled in by `understand` */
	struct node *node; /* what it is about */
	struct node *dir, *dir2; /* the directories whose names it changes */
	const char *name, *name2;
	size_t committed; /* the event that made it durable; SIZE_MAX: none did */
};

struct entry {
	char *name;
	struct node *node;
};

struct node {
	enum { FILE_NODE, DIR_NODE, LINK_NODE } type;
	const char *target;  /* of a link */
	struct entry *names; /* of a directory, in the state that is being built */
	size_t n_names, capacity;
	uint8_t *bytes; /* of a file, in the state that is being built */
	size_t size, room;
	struct node *next;
};

static struct event *events;
static size_t n_events;
static struct node *all_nodes, *root;
static size_t start; /* index of POWER_START */

static void
die(const char *what)
{
	fprintf(stderr, "replay: %s\n", what);
	exit(2);
}

static void *
need(void *p)
{
	if (p == NULL)
		die("out of memory");
	return p;
}

static char *
text(const uint8_t *bytes, size_t n)
{
	char *s = need(malloc(n + 1));

	if (n > 0)
		memcpy(s, bytes, n);
	s[n] = '\0';
	return s;
}

/* ---- reading ---- */

static void
load(const char *path)
{
	size_t at = 0, room = 0, rest;
	const uint8_t *log;
	struct stat st;
	struct event *v;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		die("cannot read the log, or it is empty");
	log = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (log == MAP_FAILED)
		die("cannot map the log");
	close(fd);
	while ((rest = (size_t)st.st_size - at) >= sizeof v->r) {
		if (n_events == room) {
			room = room == 0 ? 1024 : room * 2;
			events = need(realloc(events, room * sizeof *events));
		}
		v = &events[n_events++];
		memset(v, 0, sizeof *v);
		memcpy(&v->r, log + at, sizeof v->r);
		rest -= sizeof v->r;
		at += sizeof v->r;
		if (v->r.magic != POWER_MAGIC || v->r.type == 0 || v->r.type >= POWER_TYPES)
			die("the log is damaged");
		if (v->r.path_len > rest || v->r.path2_len > rest - v->r.path_len ||
		    v->r.data_len > rest - v->r.path_len - v->r.path2_len)
			die("the log is cut off");
		v->path = text(log + at, v->r.path_len);
		v->path2 = text(log + at + v->r.path_len, v->r.path2_len);
		v->data = log + at + v->r.path_len + v->r.path2_len;
		v->committed = SIZE_MAX;
		at += v->r.path_len + v->r.path2_len + v->r.data_len;
	}
}

/* ---- the tree ---- */

static struct node *
node_new(int type)
{
	struct node *n = need(calloc(1, sizeof *n));

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

static struct node *
look_up(struct node *dir, const char *name)
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
		dir->names = need(realloc(dir->names, dir->capacity * sizeof *dir->names));
	}
	dir->names[dir->n_names].name = need(strdup(name));
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

static void
empty_all(void)
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
		n->bytes = need(realloc(n->bytes, n->room));
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

/* Do the event to the tree; torn: of a write only the first half. */
static void
apply(const struct event *v, bool torn)
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
		moved = look_up(v->dir, v->name);
		other = look_up(v->dir2, v->name2);
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

/* ---- what each event is about ---- */

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
		inodes = need(realloc(inodes, inodes_room * sizeof *inodes));
	}
	inodes[n_inodes] = (struct inode){number, NULL};
	return &inodes[n_inodes++].node;
}

/* The directory that holds path, in the tree as it was when the event happened. */
static struct node *
walk_to(const char *path, const char **base)
{
	struct node *at = root;
	char part[4096];
	const char *slash;

	while ((slash = strchr(path, '/')) != NULL) {
		if ((size_t)(slash - path) >= sizeof part)
			die("a path is too long");
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		at = at == NULL ? NULL : look_up(at, part);
		path = slash + 1;
	}
	if (at == NULL || at->type != DIR_NODE)
		die("a name in a directory that the log does not know");
	*base = path;
	return at;
}

/* Link the event to nodes, replaying as nothing were lost. */
static void
understand_one(struct event *v)
{
	switch (v->r.type) {
	case POWER_FILE: *inode_slot(v->r.inode) = v->node = node_new(FILE_NODE); return;
	case POWER_DIR:
		*inode_slot(v->r.inode) = v->node = node_new(DIR_NODE);
		if (v->path[0] == '\0') {
			root = v->node;
			return;
		}
		break;
	case POWER_SYMLINK:
		v->node = node_new(LINK_NODE);
		v->node->target = v->path2;
		break;
	case POWER_LINK:
	case POWER_WRITE:
	case POWER_TRUNC:
		v->node = *inode_slot(v->r.inode);
		if (v->node == NULL)
			die("a file that came from outside of the recorded directory");
		break;
	case POWER_SYNC: v->node = *inode_slot(v->r.inode); return;
	default: break;
	}
	if (root == NULL)
		die("the log does not begin with the directory");
	if (v->r.path_len > 0 && v->r.type != POWER_EXIT)
		v->dir = walk_to(v->path, &v->name);
	if (v->r.type == POWER_RENAME) {
		v->dir2 = walk_to(v->path2, &v->name2);
		v->node = look_up(v->dir, v->name);
		if (v->node == NULL)
			die("a rename of something that the log does not know");
	}
	if (v->r.type == POWER_DIR || v->r.type == POWER_LINK || v->r.type == POWER_SYMLINK ||
	    v->r.type == POWER_UNLINK || v->r.type == POWER_RENAME)
		apply(v, false);
}

/* What a sync at index i makes durable. */
static void
commit(size_t i)
{
	const struct event *sync = &events[i];
	struct event *v;
	size_t j;

	for (j = 0; j < i; j++) {
		v = &events[j];
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

static void
understand(void)
{
	size_t i;

	start = SIZE_MAX;
	for (i = 0; i < n_events; i++) {
		understand_one(&events[i]);
		if (events[i].r.type == POWER_START)
			start = i;
		if (events[i].r.type == POWER_START || events[i].r.type == POWER_SYNC ||
		    events[i].r.type == POWER_SYNCALL)
			commit(i);
	}
	if (start == SIZE_MAX)
		die("the log has no beginning");
}

/* ---- the state after a cut ---- */

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

/* Build the tree as a cut before event `end` leaves it. */
static void
build(size_t end, enum variant variant, uint64_t seed)
{
	const struct event *v;
	uint64_t luck;
	bool data;
	size_t i;

	empty_all();
	for (i = 0; i < end; i++) {
		v = &events[i];
		data = v->r.type == POWER_WRITE;
		if (v->committed < end || variant == KEEP) {
			apply(v, false);
		} else if (variant == TORN) {
			apply(v, data);
		} else if (variant == RANDOM) {
			luck = mix(seed * 0x9e3779b97f4a7c15u + i) % 4;
			if (luck > 0)
				apply(v, data && luck == 1);
		}
	}
}

static uint64_t
fold(uint64_t h, const void *bytes, size_t n)
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

/* What the tree looks like, as a number; depth ends a loop that a lost rename could make. */
static uint64_t
signature(struct node *n, uint64_t h, int depth)
{
	size_t i;

	h = mix(h + (uint64_t)n->type);
	if (n->type == FILE_NODE)
		return mix(fold(h, n->bytes, n->size));
	if (n->type == LINK_NODE)
		return mix(fold(h, n->target, strlen(n->target)));
	if (n->n_names > 1)
		qsort(n->names, n->n_names, sizeof *n->names, by_name);
	for (i = 0; depth < 64 && i < n->n_names; i++) {
		h = fold(h, n->names[i].name, strlen(n->names[i].name) + 1);
		h = signature(n->names[i].node, h, depth + 1);
	}
	return mix(h);
}

static void
write_out(struct node *n, int dir, const char *name, int depth)
{
	struct mf_error e;
	size_t i;
	int fd;

	if (n->type == LINK_NODE) {
		if (symlinkat(n->target, dir, name) != 0)
			die("cannot make a link");
		return;
	}
	if (n->type == FILE_NODE) {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || (n->size > 0 && mf_fs_write(fd, n->bytes, n->size, &e) != 0))
			die("cannot write a file");
		close(fd);
		return;
	}
	if (mkdirat(dir, name, 0700) != 0)
		die("cannot make a directory");
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die("cannot open a directory");
	for (i = 0; depth < 64 && i < n->n_names; i++)
		write_out(n->names[i].node, fd, n->names[i].name, depth + 1);
	close(fd);
}

/* ---- the check ---- */

static struct {
	const char *directory;
	char **command;
	char *exited;
	uint64_t *seen;
	size_t n_seen, room, checked;
} run;

/* Was it there already? Remembers it. */
static bool
is_old(uint64_t h)
{
	size_t i;

	for (i = 0; i < run.n_seen; i++)
		if (run.seen[i] == h)
			return true;
	if (run.n_seen == run.room) {
		run.room = run.room == 0 ? 1024 : run.room * 2;
		run.seen = need(realloc(run.seen, run.room * sizeof *run.seen));
	}
	run.seen[run.n_seen++] = h;
	return false;
}

static int
check(size_t end, const char *variant)
{
	char number[32];
	pid_t child;
	int status;

	child = fork();
	if (child < 0)
		die("cannot start the check");
	if (child == 0) {
		snprintf(number, sizeof number, "%zu", end);
		setenv("MF_REPLAY_DIR", run.directory, 1);
		setenv("MF_REPLAY_EVENT", number, 1);
		setenv("MF_REPLAY_VARIANT", variant, 1);
		setenv("MF_REPLAY_EXITED", run.exited, 1);
		execvp(run.command[0], run.command);
		perror(run.command[0]);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child)
		die("cannot wait for the check");
	return status;
}

static const char *const type_names[POWER_TYPES] = {"", "mkdir", "new file", "link", "unlink",
    "rename", "symlink", "write", "truncate", "sync", "sync all", "start", "exit"};

static void
explain(size_t end, const char *variant, int status)
{
	size_t i = end > 8 ? end - 8 : 0;

	printf("# the check failed (%s %d) after a cut before event %zu of %zu, variant %s\n",
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), end, n_events, variant);
	printf("# ended by then:%s; the state is in %s; the last events:\n", run.exited,
	    run.directory);
	for (; i < end; i++)
		printf("#   %zu %s %s%s%s inode %" PRIu64 " at %" PRIu64 ", %" PRIu64 " bytes%s\n",
		    i, type_names[events[i].r.type], events[i].path,
		    events[i].r.path2_len > 0 ? " -> " : "", events[i].path2, events[i].r.inode,
		    events[i].r.offset, events[i].r.data_len,
		    events[i].committed < end ? ", durable" : "");
}

/* 0, or 1 where the check failed. */
static int
try_state(size_t end, enum variant variant, uint64_t seed)
{
	struct mf_error e;
	char name[40];
	uint64_t h;
	int status;

	build(end, variant, seed);
	h = signature(root, fold(14695981039346656037u, run.exited, strlen(run.exited)), 0);
	if (is_old(h))
		return 0;
	if (mf_fs_remove_tree(AT_FDCWD, run.directory, &e) != 0)
		die(e.message);
	write_out(root, AT_FDCWD, run.directory, 0);
	run.checked++;
	if (variant == RANDOM)
		snprintf(name, sizeof name, "random:%" PRIu64, seed);
	else
		snprintf(name, sizeof name, "%s", variant_names[variant]);
	status = check(end, name);
	if (status == 0)
		return 0;
	explain(end, name, status);
	return 1;
}

static void
note_exit(const struct event *v)
{
	size_t n = strlen(run.exited), room = n + strlen(v->path) + 32;

	run.exited = need(realloc(run.exited, room));
	snprintf(run.exited + n, room - n, "%s=%" PRIu64 " ", v->path, v->r.offset);
}

static int
replay(const bool wanted[VARIANTS], unsigned long seeds, unsigned long step)
{
	size_t end;
	uint64_t seed;
	unsigned v;

	run.exited = need(strdup(" "));
	for (end = start + 1; end <= n_events; end++) {
		if (events[end - 1].r.type == POWER_EXIT)
			note_exit(&events[end - 1]);
		if ((end - start - 1) % step != 0 && end != n_events)
			continue;
		for (v = KEEP; v < VARIANTS; v++)
			for (seed = 0; wanted[v] && seed < (v == RANDOM ? seeds : 1); seed++)
				if (try_state(end, (enum variant)v, seed) != 0)
					return 1;
	}
	return 0;
}

static void
parse_variants(char *list, bool wanted[VARIANTS])
{
	char *word, *save = NULL;
	unsigned v;

	memset(wanted, 0, VARIANTS * sizeof wanted[0]);
	for (word = strtok_r(list, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save)) {
		for (v = 0; v < VARIANTS && strcmp(word, variant_names[v]) != 0; v++)
			;
		if (v == VARIANTS)
			die("unknown variant");
		wanted[v] = true;
	}
}

int
main(int argc, char **argv)
{
	bool wanted[VARIANTS] = {true, true, true, true}, quiet = false;
	unsigned long seeds = 2, step = 1;
	int option, status;

	while ((option = getopt(argc, argv, "+v:n:s:q")) != -1) {
		switch (option) {
		case 'v': parse_variants(optarg, wanted); break;
		case 'n': seeds = strtoul(optarg, NULL, 10); break;
		case 's': step = strtoul(optarg, NULL, 10); break;
		case 'q': quiet = true; break;
		default: return 2;
		}
	}
	if (argc - optind < 3 || step == 0)
		die("usage: replay [-v VARIANTS] [-n SEEDS] [-s STEP] [-q] LOG DIRECTORY COMMAND "
		    "[ARGUMENT ...]");
	load(argv[optind]);
	run.directory = argv[optind + 1];
	run.command = argv + optind + 2;
	understand();
	status = replay(wanted, seeds, step);
	if (!quiet)
		printf("# %zu events, %zu different states checked\n", n_events - start - 1,
		    run.checked);
	return status;
}
