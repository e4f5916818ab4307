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

#include "tests/durability/replay_int.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/fs.h"

static const char *const variant_names[VARIANTS] = {"keep", "drop", "torn", "random"};

struct tape tape;

void
replay_die(const char *what)
{
	fprintf(stderr, "replay: %s\n", what);
	exit(2);
}

void *
replay_need(void *p)
{
	if (p == NULL)
		replay_die("out of memory");
	return p;
}

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
		run.seen = replay_need(realloc(run.seen, run.room * sizeof *run.seen));
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
		replay_die("cannot start the check");
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
		replay_die("cannot wait for the check");
	return status;
}

static const char *const type_names[POWER_TYPES] = {"", "mkdir", "new file", "link", "unlink",
    "rename", "symlink", "write", "truncate", "sync", "sync all", "start", "exit"};

static void
explain(size_t end, const char *variant, int status)
{
	size_t i = end > 8 ? end - 8 : 0;
	const struct event *v;

	printf("# the check failed (%s %d) after a cut before event %zu of %zu, variant %s\n",
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), end, tape.n_events,
	    variant);
	printf("# ended by then:%s; the state is in %s; the last events:\n", run.exited,
	    run.directory);
	for (; i < end; i++) {
		v = &tape.events[i];
		printf("#   %zu %s %s%s%s inode %" PRIu64 " at %" PRIu64 ", %" PRIu64 " bytes%s\n",
		    i, type_names[v->r.type], v->path, v->r.path2_len > 0 ? " -> " : "", v->path2,
		    v->r.inode, v->r.offset, v->r.data_len, v->committed < end ? ", durable" : "");
	}
}

/* 0, or 1 where the check failed. */
static int
try_state(size_t end, enum variant variant, uint64_t seed)
{
	struct mf_error e;
	char name[40];
	uint64_t h;
	int status;

	state_build(end, variant, seed);
	h = state_fold(14695981039346656037u, run.exited, strlen(run.exited));
	h = state_signature(tape.root, h, 0);
	if (is_old(h))
		return 0;
	if (mf_fs_remove_tree(AT_FDCWD, run.directory, &e) != 0)
		replay_die(e.message);
	state_write(tape.root, AT_FDCWD, run.directory, 0);
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

	run.exited = replay_need(realloc(run.exited, room));
	snprintf(run.exited + n, room - n, "%s=%" PRIu64 " ", v->path, v->r.offset);
}

static int
replay(const bool wanted[VARIANTS], unsigned long seeds, unsigned long step)
{
	size_t end;
	uint64_t seed;
	unsigned v;

	run.exited = replay_need(strdup(" "));
	for (end = tape.start + 1; end <= tape.n_events; end++) {
		if (tape.events[end - 1].r.type == POWER_EXIT)
			note_exit(&tape.events[end - 1]);
		if ((end - tape.start - 1) % step != 0 && end != tape.n_events)
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
			replay_die("unknown variant");
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
		replay_die("usage: replay [-v VARIANTS] [-n SEEDS] [-s STEP] [-q] LOG DIRECTORY COMMAND "
		    "[ARGUMENT ...]");
	log_load(argv[optind]);
	run.directory = argv[optind + 1];
	run.command = argv + optind + 2;
	log_understand();
	status = replay(wanted, seeds, step);
	if (!quiet)
		printf("# %zu events, %zu different states checked\n", tape.n_events - tape.start - 1,
		    run.checked);
	return status;
}
