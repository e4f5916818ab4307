#include "tests/unit/repo/orders.h"

#include <limits.h>
#include <pthread.h>

/* Two actors, of which one may work at a time. */
struct stage {
	pthread_mutex_t lock;
	pthread_cond_t turned;
	int turn;
	int phase; /* 0: first k operations; 1: then j of the other; 2: to the end */
	unsigned k, j;
	bool ended[2];
	void (*at_switch)(void *arg);
	void *arg;
};

struct player {
	struct stage *stage; /* NULL: still opening */
	int number;
	struct orders_actor *actor;
	struct mf_repo *repo;
	pthread_t thread;
};

static int
wait_for_turn(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct player *p = arg;
	struct stage *s = p->stage;

	(void)op;
	(void)name;
	(void)e;
	if (s == NULL)
		return 0;
	pthread_mutex_lock(&s->lock);
	p->actor->ops++;
	if (s->phase == p->number && s->phase < 2 &&
	    p->actor->ops == (s->phase == 0 ? s->k : s->j)) {
		if (s->phase == 0 && s->at_switch != NULL)
			s->at_switch(s->arg);
		s->phase++;
		s->turn = s->ended[!p->number] ? p->number : !p->number;
		pthread_cond_broadcast(&s->turned);
	}
	while (s->turn != p->number)
		pthread_cond_wait(&s->turned, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void *
play(void *arg)
{
	struct player *p = arg;
	struct stage *s = p->stage;

	pthread_mutex_lock(&s->lock);
	while (s->turn != p->number)
		pthread_cond_wait(&s->turned, &s->lock);
	pthread_mutex_unlock(&s->lock);
	p->actor->rc = p->actor->work(p->actor->arg, p->repo, &p->actor->e);
	pthread_mutex_lock(&s->lock);
	s->ended[p->number] = true;
	s->turn = !p->number;
	s->phase = 2;
	pthread_cond_broadcast(&s->turned);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

void
orders_act(const struct fixture *f, struct orders_actor actors[2], unsigned k, unsigned j,
    void (*at_switch)(void *arg), void *arg)
{
	struct stage s = {.k = k, .j = j, .at_switch = at_switch, .arg = arg};
	struct player players[2];
	int i;

	pthread_mutex_init(&s.lock, NULL);
	pthread_cond_init(&s.turned, NULL);
	for (i = 0; i < 2; i++) {
		players[i] = (struct player){.number = i, .actor = &actors[i]};
		players[i].repo = fixture_open(f, wait_for_turn, &players[i], NULL);
		players[i].stage = &s;
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
	for (i = 0; i < 2; i++)
		pthread_join(players[i].thread, NULL);
	for (i = 0; i < 2; i++) {
		players[i].stage = NULL;
		mf_repo_close(players[i].repo);
	}
	pthread_cond_destroy(&s.turned);
	pthread_mutex_destroy(&s.lock);
}

void
orders_all(
    void (*act)(void *arg, unsigned k, unsigned j, unsigned ops[2]), void *arg, unsigned stride)
{
	const unsigned step_k = fixture_stride(1, 3);
	unsigned ops[2], k, j;

	stride = fixture_stride(stride, 4);
	for (k = 1;; k += step_k) {
		act(arg, k, UINT_MAX, ops);
		if (ops[0] < k)
			break;
		for (j = 1 + k % stride, ops[1] = UINT_MAX; ops[1] >= j; j += stride)
			act(arg, k, j, ops);
	}
}
