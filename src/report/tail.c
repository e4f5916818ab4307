#include "src/report/tail.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct mf_tail {
	pthread_mutex_t lock;
	size_t n;
	char bytes[MF_TAIL_BYTES];
};

struct mf_tail *
mf_tail_new(struct mf_error *e)
{
	struct mf_tail *t = calloc(1, sizeof *t);

	if (t == NULL) {
		mf_error_nomem(e, "the end of the log");
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
mf_tail_free(struct mf_tail *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Drop lines at the front until n more bytes fit. */
static void
make_room(struct mf_tail *t, size_t n)
{
	const char *end;
	size_t drop;

	if (t->n + n <= sizeof t->bytes)
		return;
	drop = t->n + n - sizeof t->bytes;
	end = memchr(t->bytes + drop - 1, '\n', t->n - (drop - 1));
	drop = end != NULL ? (size_t)(end - t->bytes) + 1 : t->n;
	memmove(t->bytes, t->bytes + drop, t->n - drop);
	t->n -= drop;
}

void
mf_tail_add(void *arg, const void *line, size_t n)
{
	struct mf_tail *t = arg;
	const size_t kept = n < sizeof t->bytes ? n : sizeof t->bytes;

	if (n == 0)
		return;
	pthread_mutex_lock(&t->lock);
	make_room(t, kept);
	memcpy(t->bytes + t->n, line, kept);
	t->n += kept;
	if (kept < n)
		t->bytes[t->n - 1] = '\n';
	pthread_mutex_unlock(&t->lock);
}

void
mf_tail_put(struct mf_tail *t, struct mf_buf *out)
{
	pthread_mutex_lock(&t->lock);
	mf_buf_put(out, t->bytes, t->n);
	pthread_mutex_unlock(&t->lock);
}
