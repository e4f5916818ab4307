#include "src/cmd/cmd.h"

#include <signal.h>
#include <stdatomic.h>

/* The one thing a signal handler may do is to raise a flag that everybody can see. */
static atomic_bool interrupted;

static void
note_signal(int number)
{
	(void)number;
	atomic_store(&interrupted, true);
}

bool
mf_cmd_interrupted(void)
{
	return atomic_load_explicit(&interrupted, memory_order_relaxed);
}

void
mf_cmd_catch_signals(void)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
	/* the second one finds the default action again */
	struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	unsigned i;

	sigemptyset(&action.sa_mask);
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGPIPE, &ignore, NULL);
	for (i = 0; i < sizeof caught / sizeof caught[0]; i++) {
		/* what nohup(1) had ignored stays ignored */
		if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
	}
}
