#include "transfers/gate.h"

#include <pthread.h>
#include <stdlib.h>

struct places {
	unsigned limit; /* 0: none */
	unsigned taken;
	pthread_cond_t freed;
};

struct gate_store {
	struct mf_store store;
	struct mf_store *inner;
	pthread_mutex_t lock;
	struct places transfers, checkers; /* protected by lock */
};

static struct gate_store *
gate_of(struct mf_store *s)
{
	return (struct gate_store *)s;
}

static void
enter(struct gate_store *g, struct places *p)
{
	pthread_mutex_lock(&g->lock);
	while (p->limit > 0 && p->taken >= p->limit)
		pthread_cond_wait(&p->freed, &g->lock);
	p->taken++;
	pthread_mutex_unlock(&g->lock);
}

static void
leave(struct gate_store *g, struct places *p)
{
	pthread_mutex_lock(&g->lock);
	p->taken--;
	pthread_cond_signal(&p->freed);
	pthread_mutex_unlock(&g->lock);
}

static int
gate_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct gate_store *g = gate_of(s);
	int r;

	enter(g, &g->transfers);
	r = mf_store_put(g->inner, name, bytes, n, flags, e);
	leave(g, &g->transfers);
	return r;
}

static int
gate_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct gate_store *g = gate_of(s);
	int r;

	enter(g, &g->transfers);
	r = mf_store_get(g->inner, name, offset, max_bytes, out, e);
	leave(g, &g->transfers);
	return r;
}

static int
gate_head(struct mf_store *s, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	struct gate_store *g = gate_of(s);
	int r;

	enter(g, &g->checkers);
	r = mf_store_head(g->inner, name, out, e);
	leave(g, &g->checkers);
	return r;
}

static int
gate_del(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct gate_store *g = gate_of(s);
	int r;

	enter(g, &g->checkers);
	r = mf_store_del(g->inner, name, e);
	leave(g, &g->checkers);
	return r;
}

struct listing {
	struct gate_store *g;
	mf_store_list_cb *cb;
	void *arg;
};

/* The caller may use the store from here: its place is given up meanwhile. */
static int
show(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct listing *l = arg;
	int r;

	leave(l->g, &l->g->checkers);
	r = l->cb(l->arg, name, size, mtime_us);
	enter(l->g, &l->g->checkers);
	return r;
}

static int
gate_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct gate_store *g = gate_of(s);
	struct listing l = {g, cb, arg};
	int r;

	enter(g, &g->checkers);
	r = mf_store_list(g->inner, prefix, show, &l, e);
	leave(g, &g->checkers);
	return r;
}

static int
gate_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct gate_store *g = gate_of(s);
	struct listing l = {g, cb, arg};
	int r;

	enter(g, &g->checkers);
	r = mf_store_list_names(g->inner, prefix, show, &l, e);
	leave(g, &g->checkers);
	return r;
}

static int
gate_sync(struct mf_store *s, struct mf_error *e)
{
	return mf_store_sync(gate_of(s)->inner, e);
}

static int
gate_adopt(struct mf_store *s, const char *name, struct mf_error *e)
{
	return mf_store_adopt(gate_of(s)->inner, name, e);
}

static int
gate_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e)
{
	return mf_store_now(gate_of(s)->inner, unix_us, e);
}

static unsigned
gate_capabilities(struct mf_store *s)
{
	return mf_store_capabilities(gate_of(s)->inner);
}

static const char *
gate_label(struct mf_store *s)
{
	return mf_store_label(gate_of(s)->inner);
}

static void
gate_close(struct mf_store *s)
{
	struct gate_store *g = gate_of(s);

	mf_store_close(g->inner);
	pthread_cond_destroy(&g->transfers.freed);
	pthread_cond_destroy(&g->checkers.freed);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static const struct mf_store_ops gate_ops = {
    .scheme = "gate",
    .put = gate_put,
    .get = gate_get,
    .head = gate_head,
    .del = gate_del,
    .list = gate_list,
    .list_names = gate_list_names,
    .close = gate_close,
    .sync = gate_sync,
    .adopt = gate_adopt,
    .now = gate_now,
    .capabilities = gate_capabilities,
    .label = gate_label,
};

int
mf_store_gate_take(struct mf_store *inner, const struct mf_gate_params *params,
    struct mf_store **out, struct mf_error *e)
{
	struct gate_store *g = calloc(1, sizeof *g);

	if (g == NULL)
		return mf_error_nomem(e, "store");
	g->store.ops = &gate_ops;
	g->inner = inner;
	g->transfers.limit = params->transfers;
	g->checkers.limit = params->checkers;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->transfers.freed, NULL);
	pthread_cond_init(&g->checkers.freed, NULL);
	*out = &g->store;
	return 0;
}
