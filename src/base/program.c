#include "config.h"

#include "src/base/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/units.h"

#define GRACE_US 5000000
#define PAUSE_MS 20 /* at most: short programs are short */

/* POSIX has whoever uses it declare it; glibc's unistd.h does so, too, for _GNU_SOURCE. */
extern char **environ; /* NOLINT(readability-redundant-declaration) */

/* Ours, and a secret. */
static bool
is_withheld(const char *variable)
{
	static const char *const names[] = {"MODEL_ENCRYPTION_KEY", "MODEL_HMAC_KEY",
	    "MODELFERRY_NOTIFY_URL", "MODELFERRY_PING_URL"};
	size_t i, n;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		n = strlen(names[i]);
		if (strncmp(variable, names[i], n) == 0 && variable[n] == '=')
			return true;
	}
	return false;
}

/* Does the caller give the variable another value? */
static bool
is_replaced(const struct mf_program *p, const char *variable)
{
	const size_t n = strcspn(variable, "=");
	size_t i;

	for (i = 0; i < p->n_variables; i++)
		if (strncmp(p->variables[i], variable, n) == 0 && p->variables[i][n] == '=')
			return true;
	return false;
}

/* Views; the array is the caller's. NULL: out of memory. */
static char **
environment(const struct mf_program *p)
{
	size_t i, n = 0, at = 0;
	char **out;

	while (environ[n] != NULL)
		n++;
	if ((out = calloc(n + p->n_variables + 1, sizeof *out)) == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		if (!is_withheld(environ[i]) && !is_replaced(p, environ[i]))
			out[at++] = environ[i];
	for (i = 0; i < p->n_variables; i++)
		out[at++] = (char *)(uintptr_t)p->variables[i];
	return out;
}

/* Libraries open sockets that a program would inherit. */
static void
keep_files_to_ourselves(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *x;
	long fd;

	while (d != NULL && (x = readdir(d)) != NULL)
		if ((fd = strtol(x->d_name, NULL, 10)) > STDERR_FILENO)
			(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	if (d != NULL)
		closedir(d);
}

/* One that runs. */
struct child {
	const struct mf_program *p;
	pid_t pid;
	int out; /* its standard output, not blocking; -1: not ours, or at its end */
	uint64_t until_us;
	bool hurry;    /* we were interrupted */
	bool too_much; /* it says more than it may */
};

static int
attributes_of(posix_spawnattr_t *attributes)
{
	sigset_t none, ours;
	int status = posix_spawnattr_init(attributes);

	if (status != 0)
		return status;
	sigemptyset(&none);
	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE); /* which we ignore */
	(void)posix_spawnattr_setsigdefault(attributes, &ours);
	(void)posix_spawnattr_setsigmask(attributes, &none);
	(void)posix_spawnattr_setpgroup(attributes, 0);
	(void)posix_spawnattr_setflags(
	    attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	return 0;
}

/* 0 or an errno. in < 0: nothing to read; out < 0: standard error. */
static int
start(const struct mf_program *p, char **env, int in, int out, pid_t *pid)
{
	char *const *argv = (char *const *)(uintptr_t)p->argv;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int status;

	if ((status = posix_spawn_file_actions_init(&files)) != 0)
		return status;
	if ((status = attributes_of(&attributes)) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return status;
	}
	if (in >= 0)
		status = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	else
		status = posix_spawn_file_actions_addopen(
		    &files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(
		    &files, out >= 0 ? out : STDERR_FILENO, STDOUT_FILENO);
	keep_files_to_ourselves();
	if (status == 0)
		status = p->search ? posix_spawnp(pid, argv[0], &files, &attributes, argv, env)
				   : posix_spawn(pid, argv[0], &files, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return status;
}

/* Its input in a file without a name: nobody has to feed it, or to be ready for its end. -1 with
 * errno. */
static int
input_of(const struct mf_program *p)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (mf_fs_write(fd, p->input, p->input_bytes, NULL) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	errno = ENOSPC;
	return -1;
}

/* Start it between its files. 0 or an errno. */
static int
launch(struct child *c, char **env)
{
	const struct mf_program *p = c->p;
	int in = -1, ends[2] = {-1, -1}, status = 0;

	if (p->input != NULL && (in = input_of(p)) < 0)
		return errno;
	if (p->output != NULL && pipe2(ends, O_CLOEXEC) != 0)
		status = errno;
	if (status == 0 && p->output != NULL && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
		status = errno;
	if (status == 0)
		status = start(p, env, in, ends[1], &c->pid);
	if (in >= 0)
		close(in);
	if (ends[1] >= 0)
		close(ends[1]);
	if (status == 0)
		c->out = ends[0];
	else if (ends[0] >= 0)
		close(ends[0]);
	return status;
}

/* Take what it said so far. */
static void
hear(struct child *c)
{
	struct mf_buf *b = c->p->output;
	char bytes[4096];
	ssize_t n;

	while (c->out >= 0 && !c->too_much) {
		n = read(c->out, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0) {
			if (b->len + (size_t)n > c->p->max_output_bytes)
				c->too_much = true;
			else
				mf_buf_put(b, bytes, (size_t)n);
			continue;
		}
		close(c->out);
		c->out = -1;
	}
}

static uint64_t
grace_us(const struct mf_program *p)
{
	return p->grace_us != 0 ? p->grace_us : GRACE_US;
}

/* Wait for its end; the time for it comes nearer once we are interrupted. 0: it ended; 1: the
 * time is over, or it says too much; -1 with errno. */
static int
wait_until(struct child *c, int *status)
{
	const struct mf_program *p = c->p;
	uint64_t now_us;
	int pause_ms = 1;
	pid_t got;

	for (;; pause_ms = pause_ms < PAUSE_MS ? pause_ms + 1 : PAUSE_MS) {
		struct pollfd x = {.fd = c->out, .events = POLLIN};

		got = waitpid(c->pid, status, WNOHANG);
		hear(c);
		if (got == c->pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		now_us = p->now_us(p->arg);
		if (!c->hurry && p->interrupted != NULL && p->interrupted(p->arg)) {
			c->hurry = true;
			if (c->until_us > now_us + grace_us(p))
				c->until_us = now_us + grace_us(p);
		}
		if (now_us >= c->until_us || c->too_much)
			return 1;
		(void)poll(&x, 1, pause_ms);
	}
}

static int
describe(const struct child *c, int status, struct mf_error *e)
{
	const char *name = c->p->argv[0];

	if (c->too_much)
		return mf_error_set(
		    e, MF_EFAIL, "%s says more than %zu bytes", name, c->p->max_output_bytes);
	if (c->p->output != NULL && c->p->output->failed)
		return mf_error_nomem(e, "what a program says");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return mf_error_set(
		    e, MF_EFAIL, "%s ended with status %d", name, WEXITSTATUS(status));
	return mf_error_set(e, MF_EFAIL, "%s was ended by signal %d", name, WTERMSIG(status));
}

static void
cut_off(struct child *c)
{
	int status;

	(void)kill(-c->pid, SIGTERM);
	c->until_us = c->p->now_us(c->p->arg) + grace_us(c->p);
	if (c->too_much || wait_until(c, &status) == 1) {
		(void)kill(-c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
	} else {
		(void)kill(-c->pid, SIGKILL); /* what it left of its group */
	}
}

static bool
can_run(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int
mf_program_check(const char *path, struct mf_error *e)
{
	if (can_run(path))
		return 0;
	mf_error_set(e, MF_EUSAGE, "%s is no program that can be run", path);
	return mf_error_hint(e, "give the path of an executable file, without arguments");
}

int
mf_program_check_search(const char *name, struct mf_error *e)
{
	const char *at = getenv("PATH"), *end;
	char path[4096];
	int n;

	if (strchr(name, '/') != NULL)
		at = NULL;
	for (; at != NULL; at = *end != '\0' ? end + 1 : NULL) {
		end = strchrnul(at, ':');
		n = snprintf(
		    path, sizeof path, "%.*s%s%s", (int)(end - at), at, end > at ? "/" : "", name);
		if (n > 0 && (size_t)n < sizeof path && can_run(path))
			return 0;
	}
	if (strchr(name, '/') != NULL && can_run(name))
		return 0;
	mf_error_set(e, MF_EUSAGE, "%s is no program that can be run", name);
	return mf_error_hint(e, "give the path of an executable file, and its arguments as a list");
}

int
mf_program_run(const struct mf_program *p, struct mf_error *e)
{
	struct child c = {.p = p, .out = -1, .until_us = p->now_us(p->arg) + p->timeout_us};
	char **env = environment(p), age[MF_UNIT_TEXT_BYTES];
	int status = 0, rc;
	bool hurry;

	if (env == NULL)
		return mf_error_nomem(e, "an environment");
	rc = launch(&c, env);
	free(env);
	if (rc != 0) {
		mf_error_sys(e, rc, "cannot run %s", p->argv[0]);
		if (e != NULL)
			e->code = MF_EFAIL;
		return -1;
	}
	rc = wait_until(&c, &status);
	hurry = c.hurry;
	if (rc < 0)
		mf_error_sys(e, errno, "cannot wait for %s", p->argv[0]);
	else if (rc == 1)
		cut_off(&c);
	if (c.out >= 0)
		close(c.out);
	if (rc == 0 || c.too_much)
		return describe(&c, status, e);
	if (rc < 0)
		return -1;
	if (hurry)
		return mf_error_set(e, MF_EINTERRUPTED, "%s was cut off", p->argv[0]);
	return mf_error_set(e, MF_EINTERRUPTED, "%s was ended: it took longer than %s", p->argv[0],
	    mf_format_duration(p->timeout_us, age));
}
