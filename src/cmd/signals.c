#include "src/cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* The one thing a signal handler may do is to raise a flag that everybody can see, and to wake
 * who waits for it (sem_post is safe in a handler: signal-safety(7)). */
static atomic_bool interrupted;
static atomic_bool nobody_waits;
/* Not by a signal: what a run carries, which can be ended apart from the run. */
static atomic_int carrying;
enum { CARRIES_NOTHING, CARRIES, CARRIES_NO_MORE };
static _Atomic int64_t ends_us; /* by the monotonic clock; 0: never */
static sem_t hangups;

static void
note_interrupt(int number)
{
	(void)number;
	atomic_store(&interrupted, true);
}

static void
note_hangup(int number)
{
	const int saved = errno;

	(void)number;
	(void)sem_post(&hangups);
	errno = saved;
}

bool
mf_cmd_interrupted(void)
{
	return atomic_load_explicit(&interrupted, memory_order_relaxed);
}

void
mf_cmd_carry(bool begins)
{
	atomic_store(&carrying, begins ? CARRIES : CARRIES_NOTHING);
}

void
mf_cmd_stop_carrying(void)
{
	int now = CARRIES;

	(void)atomic_compare_exchange_strong(&carrying, &now, CARRIES_NO_MORE);
}

void
mf_cmd_end_at(int64_t monotonic_us)
{
	atomic_store(&ends_us, monotonic_us);
}

bool
mf_cmd_is_over(void)
{
	const int64_t us = atomic_load_explicit(&ends_us, memory_order_relaxed);

	return us != 0 && mf_cmd_monotonic_us() > us;
}

bool
mf_cmd_stopped(void)
{
	return mf_cmd_interrupted() || mf_cmd_is_over() ||
	       atomic_load_explicit(&carrying, memory_order_relaxed) == CARRIES_NO_MORE;
}

bool
mf_cmd_wait_hangup(void)
{
	while (sem_wait(&hangups) != 0)
		if (errno != EINTR)
			return false;
	return !atomic_load(&nobody_waits);
}

void
mf_cmd_end_hangups(void)
{
	atomic_store(&nobody_waits, true);
	(void)sem_post(&hangups);
}

static bool
has_terminal(void)
{
	const int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* With a terminal it means that the terminal is gone. Without one, and below nohup(1), somebody
 * asks us to look at the configuration again. */
static void
catch_hangup(const struct sigaction *interrupt)
{
	struct sigaction reload = {.sa_handler = note_hangup, .sa_flags = SA_RESTART}, old;

	sigemptyset(&reload.sa_mask);
	if (sigaction(SIGHUP, NULL, &old) != 0)
		return;
	sigaction(SIGHUP, old.sa_handler == SIG_IGN || !has_terminal() ? &reload : interrupt, NULL);
}

void
mf_cmd_catch_signals(void)
{
	static const int caught[] = {SIGINT, SIGTERM};
	/* the second one finds the default action again */
	struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	unsigned i;

	sigemptyset(&action.sa_mask);
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGPIPE, &ignore, NULL);
	for (i = 0; i < sizeof caught / sizeof caught[0]; i++) {
		/* what a shell had ignored for a command in the background stays ignored */
		if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
	}
	if (sem_init(&hangups, 0, 0) == 0)
		catch_hangup(&action);
}
