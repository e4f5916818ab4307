/* What the files of the replayer share. */
#ifndef MF_TESTS_REPLAY_INT_H
#define MF_TESTS_REPLAY_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/durability/power_log.h"

enum variant { KEEP, DROP, TORN, RANDOM, VARIANTS };

struct event {
	struct power_record r;
	char *path, *path2; /* owned */
	const uint8_t *data; /* view of the mapped log */
	/* filled in by log_understand */
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

/* The log, once it is loaded. */
struct tape {
	struct event *events;
	size_t n_events;
	size_t start;	   /* index of POWER_START */
	struct node *root; /* of the tree, once the log is understood */
};

extern struct tape tape;

void replay_die(const char *what) __attribute__((noreturn));
void *replay_need(void *p); /* p, which must not be NULL */

/* replay_tree.c: directories and files, changed by one event after the other. */
struct node *tree_node_new(int type); /* lives as long as the program */
struct node *tree_look_up(struct node *dir, const char *name);
void tree_empty(void); /* all nodes stay, without names and bytes */
/* Do the event to the tree; torn: of a write only the first half. */
void tree_apply(const struct event *v, bool torn);

/* replay_log.c */
void log_load(const char *path);
/* Fill in what each event is about, and what made it durable. */
void log_understand(void);

/* replay_state.c: the state after a cut */
/* Build the tree as a cut before event `end` leaves it. */
void state_build(size_t end, enum variant variant, uint64_t seed);
uint64_t state_fold(uint64_t h, const void *bytes, size_t n);
/* What the tree looks like, as a number; depth ends a loop that a lost rename could make. */
uint64_t state_signature(struct node *n, uint64_t h, int depth);
void state_write(struct node *n, int dir, const char *name, int depth);

#endif
