#include "tests/unit/repo/far_line.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

void
far_line_init(struct far_line *l, enum mf_store_op op, const char *prefix, unsigned enough)
{
	*l = (struct far_line){.op = op, .prefix = prefix, .enough = enough};
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
}

void
far_line_fini(struct far_line *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
}

static void
wait_for_company(struct far_line *l)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30; /* a machine may be slow */
	while (rc == 0 && l->most < l->enough)
		rc = pthread_cond_timedwait(&l->changed, &l->lock, &until);
}

int
far_line_step(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct far_line *l = arg;
	bool refused;

	if (op != l->op || strncmp(name, l->prefix, strlen(l->prefix)) != 0)
		return 0;
	pthread_mutex_lock(&l->lock);
	refused = ++l->seen == l->fail_at;
	l->inside++;
	l->most = l->inside > l->most ? l->inside : l->most;
	pthread_cond_broadcast(&l->changed);
	wait_for_company(l);
	l->inside--;
	pthread_mutex_unlock(&l->lock);
	return refused ? mf_error_set(e, MF_EPERM, "%s is not wanted", name) : 0;
}
