/* The router haproxy on HAProxy itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/net/http_server.h"
#include "tests/unit/traffic/haproxy_world.h"
#include "tests/unit/traffic/router_contract.h"

#define REQUESTS 2000u

static struct mf_router *
open_world(void *world, struct mf_error *e)
{
	const struct mf_router_params params = router_test_params();

	return mf_router_open(&((struct haproxy_world *)world)->plan, &params, e);
}

static void
assert_set(struct mf_router *r, unsigned canary)
{
	struct mf_error e = {0};

	if (r->ops->set(r, 100 - canary, canary, false, NULL, &e) != 0)
		fail_msg("set %u: %s (%s)", canary, e.message, e.hint);
}

static struct mf_router_seen
assert_get(struct mf_router *r, unsigned canary)
{
	struct mf_router_seen seen;
	struct mf_error e = {0};

	if (r->ops->get(r, &seen, &e) != 0)
		fail_msg("get: %s", e.message);
	assert_int_equal(seen.canary, canary);
	assert_int_equal(seen.primary, 100 - canary);
	return seen;
}

/* Commands that must succeed. */
static void
tell(const struct haproxy_world *w, unsigned i, const char *commands)
{
	char out[4096];
	const char *at;

	haproxy_world_ask(w, i, commands, out, sizeof out);
	for (at = out; *at == '\n'; at++)
		continue;
	if (*at != '\0')
		fail_msg("%s: %s", commands, out);
}

static double
in_force(void *world)
{
	return haproxy_world_split(world, 0, 200);
}

static void
by_hand(void *world, unsigned canary)
{
	const struct haproxy_world *w = world;
	char text[200];
	unsigned i;

	(void)snprintf(text, sizeof text,
	    "set server llm/p1 state ready;set server llm/c1 state ready;"
	    "set server llm/p1 weight %u;set server llm/c1 weight %u",
	    100 - canary, canary);
	for (i = 0; i < w->n_proxies; i++)
		tell(w, i, text);
}

/* One of two proxies is gone. */
static void
cut(void *world, bool yes)
{
	struct haproxy_world *w = world;
	char state[200];

	if (yes) {
		haproxy_world_stop_proxy(w, 1);
		return;
	}
	haproxy_world_start_proxy(w, 1);
	/* it forgot; the other tells what is in force */
	(void)snprintf(state, sizeof state,
	    "set server llm/p1 weight %u;set server llm/c1 weight %u",
	    100 - (unsigned)lround(in_force(w)), (unsigned)lround(in_force(w)));
	tell(w, 1, state);
}

static void
contract(void **state)
{
	struct haproxy_world w = {.n_proxies = 2, .n_primary = 1, .n_canary = 1};

	(void)state;
	haproxy_world_start(&w);
	router_contract_run(&(struct router_contract){
	    .world = &w, .open = open_world, .in_force = in_force, .by_hand = by_hand, .cut = cut});
	haproxy_world_stop(&w);
}

/* At every step, with so many servers: within 2 percent of the requests. */
static void
split_holds(unsigned primary, unsigned canary)
{
	struct haproxy_world w = {.n_primary = primary, .n_canary = canary};
	struct mf_router *r;
	unsigned step;
	double got;

	haproxy_world_start(&w);
	r = open_world(&w, NULL);
	/* 1, 5, 10, 15 ... 100; of these, a few without MF_STRESS */
	for (step = 1; step <= 100; step += step == 1 ? 4 : 5) {
		if (getenv("MF_STRESS") == NULL && step != 1 && step != 10 && step % 50 != 0 &&
		    step != 90)
			continue;
		assert_set(r, step);
		got = haproxy_world_split(&w, 0, REQUESTS);
		if (fabs(got - step) > 2)
			fail_msg(
			    "%u+%u servers: %.2f percent, not %u", primary, canary, got, step);
	}
	assert_set(r, 0);
	assert_true(haproxy_world_split(&w, 0, 200) == 0);
	mf_router_close(r);
	haproxy_world_stop(&w);
}

static void
split_1_1(void **state)
{
	(void)state;
	split_holds(1, 1);
}

static void
split_4_1(void **state)
{
	(void)state;
	split_holds(4, 1);
}

static void
split_3_2(void **state)
{
	(void)state;
	split_holds(3, 2);
}

/* Until the router sees so many servers of the primary, and of the canary, up. */
static struct mf_router_seen
wait_for_up(struct mf_router *r, unsigned primary, unsigned canary)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct mf_router_seen seen = {0};
	unsigned tries;

	for (tries = 0; tries < 1000; tries++) {
		assert_int_equal(r->ops->get(r, &seen, NULL), 0);
		if (seen.primary_up == primary && seen.canary_up == canary)
			return seen;
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("%u and %u servers are up, not %u and %u", seen.primary_up, seen.canary_up,
	    primary, canary);
	return seen;
}

/* Three of four primaries are lost; the canary goes, and comes back. */
static void
servers_come_and_go(void **state)
{
	struct haproxy_world w = {.n_primary = 4,
	    .n_canary = 1,
	    .server = "check inter 200ms downinter 50ms fall 1 rise 1",
	    /* a machine may be slow to answer a check: that is no failure here */
	    .backend = " option httpchk GET /health\n timeout check 10s\n"};
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r, *other;

	(void)state;
	haproxy_world_start(&w);
	r = open_world(&w, NULL);
	assert_set(r, 10);
	haproxy_world_server_down(&w, "p2", true);
	haproxy_world_server_down(&w, "p3", true);
	haproxy_world_server_down(&w, "p4", true);
	seen = wait_for_up(r, 1, 1);
	/* what is wanted has not changed, but what comes of it */
	assert_int_equal(seen.canary, 10);
	assert_true(fabs(seen.canary_share - 30.77) < 0.1);
	assert_true(mf_router_is_off(&seen));
	assert_set(r, 10);
	seen = assert_get(r, 10);
	assert_false(mf_router_is_off(&seen));
	assert_true(fabs(haproxy_world_split(&w, 0, 500) - 10) <= 2);
	haproxy_world_server_down(&w, "p2", false);
	haproxy_world_server_down(&w, "p3", false);
	seen = wait_for_up(r, 3, 1);
	assert_true(seen.canary_share < 5 && mf_router_is_off(&seen));
	assert_set(r, 10);
	assert_true(fabs(haproxy_world_split(&w, 0, 500) - 10) <= 2);
	/* no canary is left: that is seen, and no step is possible */
	haproxy_world_server_down(&w, "c1", true);
	seen = wait_for_up(r, 3, 0);
	assert_int_equal(seen.canary_servers, 1);
	assert_true(seen.canary_share == 0);
	/* nobody lowered it, as one sees who did not set it, too: a run that was resumed */
	assert_int_equal(seen.canary, 10);
	other = open_world(&w, NULL);
	assert_get(other, 8);
	mf_router_close(other);
	assert_int_equal(r->ops->set(r, 80, 20, false, NULL, &e), -1);
	assert_string_equal(e.message, "none of the 1 servers of the canary is up");
	assert_set(r, 0);
	mf_router_close(r);
	haproxy_world_stop(&w);
}

/* A restart forgets the weights, unless the state was saved before. */
static void
reload(void **state)
{
	struct haproxy_world w = {.n_primary = 1, .n_canary = 1};
	struct haproxy_world kept = {.n_primary = 1,
	    .n_canary = 1,
	    .global = " server-state-file state\n",
	    .defaults = " load-server-state-from-file global\n"};
	struct mf_router_can can;
	struct mf_router_seen seen;
	static char text[8192];
	char path[SCRATCH_PATH + 20];
	struct mf_router *r;
	FILE *f;

	(void)state;
	haproxy_world_start(&w);
	r = open_world(&w, NULL);
	assert_int_equal(r->ops->check(r, &can, NULL), 0);
	assert_set(r, 40);
	seen = assert_get(r, 40);
	assert_string_equal(seen.note, "1 of 1 sockets; weights do not survive a reload");
	haproxy_world_stop_proxy(&w, 0);
	haproxy_world_start_proxy(&w, 0);
	assert_get(r, 0);
	assert_set(r, 40);
	mf_router_close(r);
	haproxy_world_stop(&w);

	haproxy_world_start(&kept);
	r = open_world(&kept, NULL);
	assert_int_equal(r->ops->check(r, &can, NULL), 0);
	assert_set(r, 40);
	seen = assert_get(r, 40);
	assert_string_equal(
	    seen.note, "1 of 1 sockets; weights survive a reload that saves the state first");
	haproxy_world_ask(&kept, 0, "show servers state", text, sizeof text);
	(void)snprintf(path, sizeof path, "%s/state", kept.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	haproxy_world_stop_proxy(&kept, 0);
	haproxy_world_start_proxy(&kept, 0);
	assert_get(r, 40);
	assert_true(fabs(haproxy_world_split(&kept, 0, 500) - 40) <= 2);
	mf_router_close(r);
	haproxy_world_stop(&kept);
}

/* Two proxies, one is gone: nothing goes up, and what can go back does at once. */
static void
one_of_two(void **state)
{
	struct haproxy_world w = {.n_proxies = 2, .n_primary = 4, .n_canary = 1};
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;

	(void)state;
	haproxy_world_start(&w);
	r = open_world(&w, NULL);
	assert_set(r, 10);
	assert_true(fabs(haproxy_world_split(&w, 1, 1000) - 10) <= 1);
	haproxy_world_stop_proxy(&w, 1);
	assert_int_equal(r->ops->set(r, 70, 30, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_non_null(strstr(e.message, "api1.sock"));
	assert_string_equal(e.hint, "no proxy's canary was raised");
	seen = assert_get(r, 10);
	assert_int_equal(seen.instances, 2);
	assert_int_equal(seen.instances_seen, 1);
	assert_non_null(strstr(seen.note, "api1.sock"));
	assert_true(fabs(haproxy_world_split(&w, 0, 1000) - 10) <= 1);
	/* the way back */
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_non_null(strstr(e.message, "api1.sock"));
	assert_string_equal(e.frames[0], "setting the canary to 0 percent, done on 1 of 2 proxies");
	assert_true(haproxy_world_split(&w, 0, 500) == 0);
	/* it comes back with what its configuration says, or with more: then that is put right */
	haproxy_world_start_proxy(&w, 1);
	tell(&w, 1, "set server llm/c1 weight 100");
	seen = assert_get(r, 20);
	assert_int_equal(seen.instances_seen, 2);
	assert_int_equal(seen.canary_spread, 20);
	assert_non_null(strstr(seen.note, "has 0 percent"));
	assert_set(r, 0);
	assert_true(haproxy_world_split(&w, 1, 500) == 0);
	mf_router_close(r);
	haproxy_world_stop(&w);
}

/* Clients with a cookie: neither weight 0 nor the wait moves them, maintenance does. */
static void
sticky(void **state)
{
	struct haproxy_world w = {.n_primary = 2,
	    .n_canary = 1,
	    .cookies = true,
	    .backend = " cookie SRV insert indirect\n option redispatch\n"};
	struct haproxy_client stuck = {.w = &w};
	struct mf_router_can can;
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;
	uint64_t left = 99;
	char name[32];
	unsigned i;

	(void)state;
	haproxy_world_start(&w);
	r = open_world(&w, NULL);
	if (r->ops->check(r, &can, &e) != 0)
		fail_msg("%s", e.message);
	assert_set(r, 100);
	assert_string_equal(haproxy_client_get(&stuck, name), "c1");
	assert_string_equal(stuck.cookie, "c1");
	assert_set(r, 0);
	for (i = 0; i < 20; i++)
		assert_string_equal(haproxy_client_get(&stuck, name), "c1");
	w.plan.drain_timeout_us = 5000000;
	if (r->ops->drain(r, &left, &e) != 0)
		fail_msg("drain: %s", e.message);
	assert_int_equal(left, 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(haproxy_client_get(&stuck, name)[0], 'p');
	seen = assert_get(r, 0);
	assert_true(seen.canary_drained);
	assert_int_equal(seen.canary_up, 0);
	assert_non_null(strstr(seen.note, "the canary is in maintenance"));
	/* the next run */
	assert_set(r, 30);
	seen = assert_get(r, 30);
	assert_false(seen.canary_drained);
	assert_int_equal(seen.canary_up, 1);
	haproxy_client_close(&stuck);
	mf_router_close(r);
	haproxy_world_stop(&w);
}

static void
assert_refused(struct haproxy_world *w, enum mf_code code, const char *what)
{
	struct mf_router_can can;
	struct mf_error e = {0};
	struct mf_router *r = open_world(w, &e);

	assert_non_null(r);
	if (r->ops->check(r, &can, &e) == 0)
		fail_msg("not refused: %s", what);
	if (e.code != code || strstr(e.message, what) == NULL)
		fail_msg("%d %s, not: %s", (int)e.code, e.message, what);
	mf_router_close(r);
}

static void
refused(void **state)
{
	struct haproxy_world w = {.n_primary = 2,
	    .n_canary = 1,
	    .cookies = true,
	    .backend = " cookie SRV insert indirect\n"};
	struct haproxy_world hash = {
	    .n_primary = 1, .n_canary = 1, .backend = " balance static-rr\n"};
	struct mf_router_can can;
	struct mf_error e = {0};
	struct mf_router *r;
	char view[SCRATCH_PATH + 40];

	(void)state;
	haproxy_world_start(&w);
	assert_refused(&w, MF_EUNSUPPORTED, "has no \"option redispatch\"");
	/* without the configuration it is not known, unless the plan says it */
	w.plan.n_config = 0;
	assert_refused(&w, MF_EUNSUPPORTED, "is not known");
	w.plan.redispatch = true;
	r = open_world(&w, NULL);
	if (r->ops->check(r, &can, &e) != 0)
		fail_msg("%s", e.message);
	mf_router_close(r);
	w.canary[0] = "llm/d*";
	tell(&w, 0, "set server llm/c1 weight 10");
	assert_refused(&w, MF_EUSAGE, "c1 takes traffic and belongs to neither side");
	tell(&w, 0, "set server llm/c1 weight 0");
	assert_refused(&w, MF_EUSAGE, "backend llm has no server of the canary");
	w.canary[0] = "llm/p1";
	assert_refused(&w, MF_EUSAGE, "belongs to both sides");
	w.canary[0] = "nobody/c1";
	assert_refused(&w, MF_EUSAGE, "HAProxy has no backend nobody");
	w.canary[0] = "llm/c9";
	assert_refused(
	    &w, MF_EUSAGE, "backend llm has no server c9, which the router's canary names");
	w.canary[0] = "llm/c1";
	(void)snprintf(view, sizeof view, "unix:%s/view0.sock", w.dir);
	w.socket_names[0] = view;
	assert_refused(&w, MF_EPERM, "does not let us change weights");
	w.config[0] = "/nonexistent/haproxy.cfg";
	haproxy_world_stop(&w);

	haproxy_world_start(&hash);
	assert_refused(&hash, MF_EUNSUPPORTED, "balances by static-rr");
	r = open_world(&hash, NULL);
	assert_int_equal(r->ops->set(r, 90, 10, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	mf_router_close(r);
	hash.config[0] = "/nonexistent/haproxy.cfg";
	haproxy_world_stop(&hash);
}

static void
permanent(void **state)
{
	struct haproxy_world w = {.n_primary = 4, .n_canary = 1};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_router *r;

	(void)state;
	haproxy_world_start(&w);
	r = open_world(&w, NULL);
	assert_set(r, 10);
	assert_int_equal(r->ops->permanent(r, &b, NULL), 0);
	assert_string_equal(mf_buf_cstr(&b), "backend llm\n    server p1 ... weight 252\n"
					     "    server p2 ... weight 252\n"
					     "    server p3 ... weight 252\n"
					     "    server p4 ... weight 252\n"
					     "    server c1 ... weight 112\n");
	mf_buf_fini(&b);
	mf_router_close(r);
	haproxy_world_stop(&w);
}

/* Answers that stream until they are let go. */
struct streams {
	_Atomic bool finish;
	_Atomic unsigned n;
};

static bool
play_stream(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct streams *s = arg;

	(void)q;
	http_say(c, "HTTP/1.1 200 OK\r\nx-server: c1\r\ncontent-length: 8\r\n\r\nword");
	s->n++;
	while (!s->finish && !http_stopping(c))
		http_nap(2);
	http_say(c, "more");
	return true;
}

/* A socket that listens on a port of its own. */
static int
listen_somewhere(unsigned *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof a;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

/* n bytes of an answer's rest; fewer where it was cut. */
static size_t
rest_of(struct haproxy_client *c, char *out, size_t n)
{
	size_t at = 0;
	ssize_t got;

	while (at < n && (got = recv(c->fd, out + at, n - at, 0)) > 0)
		at += (size_t)got;
	return at;
}

static struct haproxy_client
begin_stream(const struct haproxy_world *w, struct streams *s, struct mf_router *r)
{
	struct haproxy_client c = {.w = w};
	const unsigned before = s->n;
	char name[32];

	s->finish = false;
	assert_set(r, 100);
	assert_string_equal(haproxy_client_get(&c, name), "c1");
	while (s->n == before)
		http_nap(1);
	assert_set(r, 0);
	return c;
}

/* A streamed answer outlives the way back, unless the plan says otherwise. Over TCP. */
static void
streams(void **state)
{
	static struct streams s;
	struct http_server *server = http_server_start(play_stream, &s);
	struct haproxy_world w = {.n_primary = 1, .n_canary = 1};
	struct haproxy_client c;
	char address[64], socket[64], text[8];
	struct mf_error e = {0};
	struct mf_router *r;
	uint64_t left = 0;
	unsigned port;

	(void)state;
	(void)snprintf(address, sizeof address, "127.0.0.1:%u", http_server_port(server));
	w.canary_address = address;
	w.tcp_fd = listen_somewhere(&port);
	haproxy_world_start(&w);
	(void)snprintf(socket, sizeof socket, "tcp:127.0.0.1:%u", port);
	w.socket_names[0] = socket;
	w.plan.drain_timeout_us = 200000;
	r = open_world(&w, NULL);
	c = begin_stream(&w, &s, r);
	if (r->ops->drain(r, &left, &e) != 0)
		fail_msg("drain: %s", e.message);
	assert_int_equal(left, 1);
	assert_true(haproxy_world_split(&w, 0, 20) == 0);
	s.finish = true;
	assert_int_equal(c.body_seen + rest_of(&c, text, 8 - c.body_seen), 8);
	haproxy_client_close(&c);

	w.plan.cut_streams = true;
	c = begin_stream(&w, &s, r);
	if (r->ops->drain(r, &left, &e) != 0)
		fail_msg("drain: %s", e.message);
	assert_int_equal(left, 0);
	assert_true(c.body_seen + rest_of(&c, text, 8 - c.body_seen) < 8);
	haproxy_client_close(&c);
	s.finish = true;
	mf_router_close(r);
	haproxy_world_stop(&w);
	close(w.tcp_fd);
	http_server_stop(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(contract), cmocka_unit_test(split_1_1),
	    cmocka_unit_test(split_4_1), cmocka_unit_test(split_3_2),
	    cmocka_unit_test(servers_come_and_go), cmocka_unit_test(reload),
	    cmocka_unit_test(one_of_two), cmocka_unit_test(sticky), cmocka_unit_test(refused),
	    cmocka_unit_test(permanent), cmocka_unit_test(streams)};
	const char *must = getenv("MF_SERVERS");
	char program[64];

	if (haproxy_program(program) == NULL && (must == NULL || strcmp(must, "required") != 0)) {
		printf("1..0 # SKIP haproxy is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
