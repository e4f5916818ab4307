#include "src/cmd/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/units.h"
#include "src/cmd/cmd.h"

#define GRACE_US INT64_C(5000000)
#define PAUSE_US 20000

extern char **environ;

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

/* 0 or an errno. */
static int
start(const struct mf_program *p, char **env, pid_t *pid)
{
	char *const argv[] = {(char *)(uintptr_t)p->path, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, ours;
	int status;

	if ((status = posix_spawn_file_actions_init(&files)) != 0)
		return status;
	if ((status = posix_spawnattr_init(&attributes)) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return status;
	}
	sigemptyset(&none);
	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE); /* which we ignore */
	(void)posix_spawnattr_setsigdefault(&attributes, &ours);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setpgroup(&attributes, 0);
	(void)posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	status = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (status == 0)
		status = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	keep_files_to_ourselves();
	if (status == 0)
		status = posix_spawn(pid, p->path, &files, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return status;
}

/* Wait for its end until then; *until comes nearer once we are interrupted. 1: the time is over. */
static int
wait_until(const struct mf_program *p, pid_t pid, int64_t *until_us, int *status, bool *hurry)
{
	const struct timespec pause = {.tv_nsec = PAUSE_US * 1000L};
	int64_t now_us;
	pid_t got;

	for (;;) {
		got = waitpid(pid, status, WNOHANG);
		if (got == pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		now_us = mf_cmd_monotonic_us();
		if (!*hurry && p->interrupted != NULL && p->interrupted()) {
			*hurry = true;
			if (*until_us > now_us + GRACE_US)
				*until_us = now_us + GRACE_US;
		}
		if (now_us >= *until_us)
			return 1;
		(void)nanosleep(&pause, NULL);
	}
}

static int
describe(const struct mf_program *p, int status, struct mf_error *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return mf_error_set(
		    e, MF_EFAIL, "%s ended with status %d", p->path, WEXITSTATUS(status));
	return mf_error_set(e, MF_EFAIL, "%s was ended by signal %d", p->path, WTERMSIG(status));
}

static void
cut_off(const struct mf_program *p, pid_t pid)
{
	int64_t until_us = mf_cmd_monotonic_us() + GRACE_US;
	bool hurry = true;
	int status;

	(void)kill(-pid, SIGTERM);
	if (wait_until(p, pid, &until_us, &status, &hurry) == 1) {
		(void)kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	} else {
		(void)kill(-pid, SIGKILL); /* what it left of its group */
	}
}

int
mf_program_check(const char *path, struct mf_error *e)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
		return 0;
	mf_error_set(e, MF_EUSAGE, "%s is no program that can be run", path);
	return mf_error_hint(e, "give the path of an executable file, without arguments");
}

int
mf_program_run(const struct mf_program *p, struct mf_error *e)
{
	char **env = environment(p), age[MF_UNIT_TEXT_BYTES];
	int64_t until_us = mf_cmd_monotonic_us();
	bool hurry = false;
	int status, rc;
	pid_t pid;

	if (env == NULL)
		return mf_error_nomem(e, "an environment");
	rc = start(p, env, &pid);
	free(env);
	if (rc != 0) {
		mf_error_sys(e, rc, "cannot run %s", p->path);
		if (e != NULL)
			e->code = MF_EFAIL;
		return -1;
	}
	until_us += (int64_t)p->timeout_us;
	rc = wait_until(p, pid, &until_us, &status, &hurry);
	if (rc == 0)
		return describe(p, status, e);
	if (rc < 0)
		return mf_error_sys(e, errno, "cannot wait for %s", p->path);
	cut_off(p, pid);
	if (hurry)
		return mf_error_set(e, MF_EINTERRUPTED, "%s was cut off", p->path);
	return mf_error_set(e, MF_EINTERRUPTED, "%s was ended: it took longer than %s", p->path,
	    mf_format_duration(p->timeout_us, age));
}
