/* The router haproxy on models of proxies that hang, refuse, forget and say nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/traffic/haproxy_int.h"
#include "tests/unit/traffic/fake_haproxy.h"
#include "tests/unit/traffic/router_contract.h"
#include "tests/unit/transfers/scratch.h"

struct pair {
	char dir[SCRATCH_PATH];
	struct fake_haproxy a, b;
	const char *sockets[2], *primary[1], *canary[1];
	struct mf_router_plan plan;
	bool stop; /* interrupts the router */
};

static bool
is_stopped(void *arg)
{
	return arg != NULL && *(bool *)arg;
}

static void
begin(struct pair *p)
{
	memset(p, 0, sizeof *p);
	scratch_make(p->dir);
	fake_haproxy_start(&p->a, p->dir, "a");
	fake_haproxy_start(&p->b, p->dir, "b");
	p->sockets[0] = p->a.name;
	p->sockets[1] = p->b.name;
	p->primary[0] = "llm/p*";
	p->canary[0] = "llm/c1";
	p->plan = (struct mf_router_plan){.type = MF_ROUTER_HAPROXY,
	    .sockets = p->sockets,
	    .n_sockets = 2,
	    .primary = p->primary,
	    .n_primary = 1,
	    .canary = p->canary,
	    .n_canary = 1,
	    .timeout_us = 5000000,
	    .drain_timeout_us = 300000};
}

static void
end(struct pair *p)
{
	fake_haproxy_stop(&p->a);
	fake_haproxy_stop(&p->b);
	scratch_remove(p->dir);
}

static struct fake_server
server_of(struct fake_haproxy *f, size_t i)
{
	struct fake_server s;

	pthread_mutex_lock(&f->lock);
	s = f->servers[i];
	pthread_mutex_unlock(&f->lock);
	return s;
}

static void
give_sessions(struct fake_haproxy *f, size_t i, unsigned n)
{
	pthread_mutex_lock(&f->lock);
	f->servers[i].sessions = n;
	pthread_mutex_unlock(&f->lock);
}

/* Who has to be asked what it serves. */
static void
test_distinct_canaries(void **state)
{
	struct mf_haproxy_server servers[] = {
	    {.backend = "a", .name = "c1", .side = MF_HAPROXY_CANARY, .state = MF_SERVER_UP},
	    {.backend = "a", .name = "c2", .side = MF_HAPROXY_CANARY, .state = MF_SERVER_DOWN},
	    {.backend = "a", .name = "p1", .side = MF_HAPROXY_PRIMARY, .state = MF_SERVER_UP},
	    {.backend = "a", .name = "c3", .side = MF_HAPROXY_CANARY, .state = MF_SERVER_MAINT},
	    {.backend = "a",
		.name = "c4",
		.side = MF_HAPROXY_CANARY,
		.state = MF_SERVER_MAINT,
		.forced = true},
	    {.backend = "b", .name = "c1", .side = MF_HAPROXY_CANARY, .state = MF_SERVER_UP},
	};
	const struct mf_haproxy_table t = {.servers = servers, .n = 6};

	(void)state;
	assert_int_equal(mf_haproxy_distinct_canaries(&t), 3);
}

static void
let_say(struct fake_haproxy *f, const char *text)
{
	pthread_mutex_lock(&f->lock);
	f->mode = FAKE_SAYS;
	f->say = text;
	f->say_bytes = strlen(text);
	pthread_mutex_unlock(&f->lock);
}

static struct mf_router *
open_pair(void *world, struct mf_error *e)
{
	struct mf_router_params params = router_test_params();
	struct pair *p = world;

	params.interrupted = is_stopped;
	params.arg = &p->stop;
	return mf_router_open(&p->plan, &params, e);
}

static double
in_force(void *world)
{
	struct pair *p = world;

	assert_true(fabs(fake_haproxy_share(&p->a) - fake_haproxy_share(&p->b)) < 0.1);
	return fake_haproxy_share(&p->a);
}

static void
by_hand(void *world, unsigned canary)
{
	struct pair *p = world;
	struct fake_haproxy *both[] = {&p->a, &p->b};
	size_t i;

	for (i = 0; i < 2; i++) {
		pthread_mutex_lock(&both[i]->lock);
		both[i]->servers[0].weight = both[i]->servers[1].weight = 100 - canary;
		both[i]->servers[2].weight = 2 * canary;
		both[i]->servers[2].admin = 0;
		both[i]->servers[2].op = 2;
		pthread_mutex_unlock(&both[i]->lock);
	}
}

static void
cut(void *world, bool yes)
{
	struct pair *p = world;

	fake_haproxy_mode(&p->b, yes ? FAKE_CLOSES_SET : FAKE_GOOD);
}

static void
contract(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	router_contract_run(&(struct router_contract){
	    .world = &p, .open = open_pair, .in_force = in_force, .by_hand = by_hand, .cut = cut});
	end(&p);
}

/* The second proxy fails after the first one was raised: the step is undone on the first. */
static void
undone(void **state)
{
	static const struct {
		enum fake_mode mode;
		enum mf_code code;
		const char *hint;
	} cases[] = {{FAKE_HANGS_SET, MF_ETRANSFER, "the step was undone where that was possible"},
	    {FAKE_CLOSES_SET, MF_ETRANSFER, "the step was undone on all proxies"},
	    {FAKE_REFUSES, MF_EPERM, "the step was undone on all proxies"},
	    {FAKE_FORGETS, MF_ECONFLICT, "the step was undone on all proxies"},
	    {FAKE_LOSES, MF_EFAIL, "the step was undone on all proxies"}};
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;
	struct pair p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&p);
		p.plan.timeout_us = cases[i].mode == FAKE_HANGS_SET ? 300000 : 5000000;
		r = open_pair(&p, &e);
		assert_int_equal(r->ops->set(r, 90, 10, false, NULL, &e), 0);
		fake_haproxy_mode(&p.b, cases[i].mode);
		assert_int_equal(r->ops->set(r, 60, 40, false, NULL, &e), -1);
		assert_int_equal(e.code, cases[i].code);
		if (strncmp(e.hint, cases[i].hint, strlen(cases[i].hint)) != 0)
			fail_msg("%s: %s", e.message, e.hint);
		assert_true(fabs(fake_haproxy_share(&p.a) - 10) < 0.5);
		assert_true(fabs(fake_haproxy_share(&p.b) - 10) < 0.5 || i == 0);
		/* and the router knows that it has what it had */
		fake_haproxy_mode(&p.b, FAKE_GOOD);
		assert_int_equal(r->ops->get(r, &seen, &e), 0);
		if (i != 0 && cases[i].mode != FAKE_LOSES)
			assert_int_equal(seen.canary, 10);
		mf_router_close(r);
		end(&p);
	}
}

/* One hangs: the other gets its way back long before the time is over. */
static void
slow_one(void **state)
{
	const struct mf_router_params clock = router_test_params();
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;
	uint64_t begin_us;
	struct pair p;

	(void)state;
	begin(&p);
	r = open_pair(&p, &e);
	assert_int_equal(r->ops->set(r, 60, 40, false, NULL, &e), 0);
	fake_haproxy_mode(&p.a, FAKE_HANGS);
	p.plan.timeout_us = 1000000; /* the other one may be slow */
	begin_us = clock.now_us(NULL);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), -1);
	assert_true(clock.now_us(NULL) - begin_us < 20000000);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_non_null(strstr(e.message, "/a: no answer in time"));
	assert_true(fake_haproxy_share(&p.b) == 0);
	assert_true(fake_haproxy_share(&p.a) > 39);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.instances_seen, 1);
	/* both: then there is nothing to see */
	fake_haproxy_mode(&p.b, FAKE_HANGS);
	assert_int_equal(r->ops->get(r, &seen, &e), -1);
	assert_int_equal(seen.instances_seen, 0);
	/* an interrupt is obeyed at once */
	p.plan.timeout_us = 60000000;
	p.stop = true;
	begin_us = clock.now_us(NULL);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_true(clock.now_us(NULL) - begin_us < 20000000);
	mf_router_close(r);
	end(&p);
}

static unsigned
connections(struct fake_haproxy *f)
{
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->n_connections;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* All the way back: a proxy is told with the first question, by what it said last; and where its
 * servers are others by now, by what it says then. */
static void
told_at_once(void **state)
{
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;
	struct pair p;
	unsigned before;

	(void)state;
	begin(&p);
	p.canary[0] = "llm/c*";
	r = open_pair(&p, &e);
	assert_int_equal(r->ops->set(r, 60, 40, false, NULL, &e), 0);
	before = connections(&p.a);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), 0);
	assert_int_equal(connections(&p.a), before + 1);
	assert_true(fake_haproxy_share(&p.a) == 0 && fake_haproxy_share(&p.b) == 0);
	assert_int_equal(r->ops->set(r, 60, 40, false, NULL, &e), 0);
	pthread_mutex_lock(&p.a.lock);
	p.a.servers[2].name = "c9";
	pthread_mutex_unlock(&p.a.lock);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), 0);
	assert_true(fake_haproxy_share(&p.a) == 0 && fake_haproxy_share(&p.b) == 0);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary, 0);
	mf_router_close(r);
	end(&p);
}

/* Sessions that do not end: they are counted, and cut only where the plan says so. */
static void
drain_with_sessions(void **state)
{
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;
	uint64_t left = 0;
	struct pair p;

	(void)state;
	begin(&p);
	r = open_pair(&p, &e);
	give_sessions(&p.a, 2, 3);
	give_sessions(&p.b, 2, 2);
	give_sessions(&p.a, 0, 50);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary_sessions, 5);
	assert_int_equal(r->ops->drain(r, &left, &e), 0);
	assert_int_equal(left, 5);
	assert_int_equal(server_of(&p.a, 2).admin, 1);
	assert_int_equal(server_of(&p.b, 2).admin, 1);
	assert_int_equal(server_of(&p.a, 0).admin, 0);
	p.plan.cut_streams = true;
	assert_int_equal(r->ops->drain(r, &left, &e), 0);
	assert_int_equal(left, 0);
	assert_int_equal(server_of(&p.a, 2).sessions, 0);
	assert_int_equal(server_of(&p.a, 0).sessions, 50);
	/* one proxy is missing: the other is drained, and it is named */
	by_hand(&p, 0);
	fake_haproxy_mode(&p.b, FAKE_CLOSES_SET);
	assert_int_equal(r->ops->drain(r, &left, &e), -1);
	assert_non_null(strstr(e.message, "/b: the connection was closed without an answer"));
	assert_int_equal(server_of(&p.a, 2).admin, 1);
	assert_int_equal(server_of(&p.b, 2).admin, 0);
	mf_router_close(r);
	end(&p);
}

#define STATE_NAMES "# be_name srv_name srv_op_state srv_admin_state srv_uweight srv_iweight\n"
#define STAT_NAMES "# pxname,svname,qcur,scur,bck\n"

static void
hostile_answers(void **state)
{
	static const struct {
		const char *say, *want;
	} cases[] = {{"\n", "an answer without a table"},
	    {"Unknown command: 'show servers'\n\n", "says: Unknown command"},
	    {"\033[2J\n", "says: \\x1b[2J"}, {"1\n" STATE_NAMES, "backend llm"},
	    {"2\n" STATE_NAMES, "version 2 of the servers' states is not known"},
	    {"1\n# be_name srv_name\n", "a table without the column srv_op_state"},
	    {STATE_NAMES "llm p1 2 0 257 1\n", "a line of servers' states that says nothing"},
	    {STATE_NAMES "llm p1 2 0 -1 1\n", "a line of servers' states that says nothing"},
	    {STATE_NAMES "llm p1;drop 2 0 1 1\n", "a line of servers' states that says nothing"},
	    {STATE_NAMES "llm p1 2\n", "a line of servers' states that says nothing"},
	    {STATE_NAMES "llm p1 2 0 1 1\n\n" STAT_NAMES "llm,p1,x,1,0\n",
		"a line of statistics that says nothing"},
	    {STATE_NAMES "llm p1 2 0 1 1", "an answer that ends in a line"}};
	struct mf_router_can can;
	struct mf_error e = {0};
	struct mf_router *r;
	struct pair p;
	size_t i;

	(void)state;
	begin(&p);
	p.plan.n_sockets = 1;
	r = open_pair(&p, &e);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		let_say(&p.a, cases[i].say);
		assert_int_equal(r->ops->check(r, &can, &e), -1);
		if (strstr(e.message, cases[i].want) == NULL && e.code != MF_EPERM)
			fail_msg("%s: %s", cases[i].say, e.message);
		(void)r->ops->set(r, 90, 10, false, NULL, &e);
	}
	let_say(&p.a, "");
	assert_int_equal(r->ops->check(r, &can, &e), -1);
	assert_non_null(strstr(e.message, "closed without an answer"));
	fake_haproxy_mode(&p.a, FAKE_ENDLESS);
	assert_int_equal(r->ops->check(r, &can, &e), -1);
	assert_non_null(strstr(e.message, "an answer without end"));
	mf_router_close(r);
	end(&p);
}

static void
sockets(void **state)
{
	static const char *const bad[] = {"", "unix:", "tcp:host", "tcp::1",
	    "tcp:host:", "tcp:h:x1", "tcp:h:123456", "http://x", "/run/haproxy.sock"};
	struct mf_haproxy_peer peer;
	struct mf_error e = {0};
	char path[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(mf_haproxy_peer_init(&peer, bad[i], &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
	(void)snprintf(path, sizeof path, "unix:/%0150d", 1);
	assert_int_equal(mf_haproxy_peer_init(&peer, path, &e), -1);
	assert_int_equal(mf_haproxy_peer_init(&peer, "tcp:[::1]:9999", &e), 0);
	assert_int_equal(mf_haproxy_peer_resolve(&peer, &e), 0);
	mf_haproxy_peer_fini(&peer);
	assert_int_equal(mf_haproxy_peer_init(&peer, "tcp:127.0.0.1:9999", &e), 0);
	assert_int_equal(mf_haproxy_peer_resolve(&peer, &e), 0);
	mf_haproxy_peer_fini(&peer);
}

static struct mf_haproxy_facts
facts_of(const char *text)
{
	static struct mf_haproxy_config c;

	memset(&c, 0, sizeof c);
	mf_haproxy_config_read(&c, "llm", text, strlen(text));
	return mf_haproxy_config_facts(&c);
}

static void
configurations(void **state)
{
	struct mf_haproxy_facts f;

	(void)state;
	f = facts_of("backend llm\n");
	assert_true(f.found && !f.sticky && !f.redispatch && !f.load_state && !f.conditions);
	assert_false(facts_of("backend other\n option redispatch").found);
	/* what the defaults say, and what takes it back */
	f = facts_of("defaults\n option redispatch 3\n cookie A insert\nbackend x\nbackend llm\n");
	assert_true(f.redispatch && f.sticky);
	assert_false(facts_of("defaults\n option redispatch\nbackend llm\n no option redispatch\n")
			 .redispatch);
	assert_false(
	    facts_of("defaults\n option redispatch\ndefaults\n#\nbackend llm\n").redispatch);
	assert_false(facts_of("backend llm\n option redispatch 0\n").redispatch);
	assert_false(facts_of("backend llm\n # option redispatch\n").redispatch);
	assert_true(facts_of("backend llm\r\n\t\"option\" redis\\patch # yes\r\n").redispatch);
	assert_true(facts_of("backend llm\n stick on src\n").sticky);
	assert_true(facts_of("defaults\n option prefer-last-server\nbackend llm\n").sticky);
	assert_false(facts_of("backend llm\n stick-table type ip size 1\n").sticky);
	/* named ones */
	f = facts_of("defaults a\n option redispatch\ndefaults b\n cookie X\n"
		     "listen llm from a\n server x y\n");
	assert_true(f.found && f.redispatch && !f.sticky);
	f = facts_of("defaults a\n option redispatch\ndefaults b from a\n cookie X\n"
		     "backend llm\n");
	assert_true(f.redispatch && f.sticky);
	/* another section's words are not ours */
	assert_false(facts_of("backend llm\nfrontend f\n option redispatch\n").redispatch);
	assert_false(facts_of("backend llm\nbackend z\n option redispatch\n").redispatch);
	/* weights come back only with both */
	assert_false(
	    facts_of("defaults\n load-server-state-from-file global\nbackend llm\n").load_state);
	assert_true(facts_of("global\n server-state-file /x\ndefaults\n"
			     " load-server-state-from-file global\nbackend llm\n")
			.load_state);
	assert_false(facts_of("global\n server-state-file /x\ndefaults\n"
			      " load-server-state-from-file none\nbackend llm\n")
			 .load_state);
	assert_true(
	    facts_of("backend llm\n.if defined(X)\n option redispatch\n.endif\n").conditions);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(contract), cmocka_unit_test(undone),
	    cmocka_unit_test(test_distinct_canaries),
	    cmocka_unit_test(slow_one), cmocka_unit_test(told_at_once),
	    cmocka_unit_test(drain_with_sessions), cmocka_unit_test(hostile_answers),
	    cmocka_unit_test(sockets), cmocka_unit_test(configurations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
