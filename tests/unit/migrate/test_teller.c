/* The thread that calls hooks which nobody waits for: what it says, in which order, how often, and
 * that nobody waits. */
#include "config.h"

#include "tests/unit/traffic/web_script.h"

#include <stdatomic.h>

#include "crypto/secret.h"
#include "src/migrate/teller.h"

#define LONG_US UINT64_C(20000000) /* of real time: only a failure takes so long */

enum { CACHE, WATCHER, REGISTRY, GATE, N_HOOKS };

struct fixture {
	struct web_script web;
	struct mf_hook hooks[N_HOOKS];
	char urls[N_HOOKS][100];
	struct mf_canary_plan plan;
	struct mf_alert_plan receiver; /* name NULL: hooks */
	struct mf_teller *teller;
	struct mf_error e;
};

static void
start(struct fixture *f)
{
	struct mf_teller_params p = {
	    .plan = &f->plan, .version = "v2", .checksum = "85", .model = "churn", .run_id = "r1"};

	if (f->receiver.name != NULL)
		p.receiver = &f->receiver;

	if (mf_teller_start(&f->teller, &p, &f->e) != 0)
		fail_msg("%s", f->e.message);
}

static void
begin(struct fixture *f, const char *script)
{
	static const struct {
		const char *name;
		enum mf_hook_type type;
	} rows[N_HOOKS] = {
	    [CACHE] = {"cache", MF_HOOK_PURGE},
	    [WATCHER] = {"watcher", MF_HOOK_EVENT},
	    [REGISTRY] = {"registry", MF_HOOK_MLFLOW},
	    [GATE] = {"gate", MF_HOOK_ROLLOUT},
	};
	unsigned i;

	memset(f, 0, sizeof *f);
	web_start(&f->web, script);
	for (i = 0; i < N_HOOKS; i++) {
		(void)snprintf(f->urls[i], sizeof f->urls[i], "%s/%s", f->web.origin, rows[i].name);
		f->hooks[i] =
		    (struct mf_hook){.name = rows[i].name, .type = rows[i].type, .url = f->urls[i]};
	}
	f->plan = (struct mf_canary_plan){
	    .name = "churn", .namespace_name = "prod", .hooks = f->hooks, .n_hooks = N_HOOKS};
	start(f);
	assert_non_null(f->teller);
}

static void
end(struct fixture *f)
{
	mf_teller_stop(f->teller);
	web_stop(&f->web);
}

static void
tell(struct fixture *f, enum mf_alert_severity severity, const char *phase, const char *text,
    int64_t unix_us)
{
	const struct mf_teller_event event = {
	    .severity = severity, .phase = phase, .text = text, .unix_us = unix_us};

	mf_teller_event(f->teller, &event);
}

static unsigned
n_seen(struct fixture *f)
{
	unsigned n;

	(void)pthread_mutex_lock(&f->web.lock);
	n = f->web.n_seen;
	(void)pthread_mutex_unlock(&f->web.lock);
	return n;
}

static void
wait_until_seen(struct fixture *f, unsigned n)
{
	unsigned tries;

	for (tries = 0; n_seen(f) < n; tries++) {
		assert_true(tries < 4000);
		http_nap(5);
	}
}

static void
events(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "500|200");
	tell(&f, MF_ALERT_INFO, "Progressing", "weights 60/40", 1769860800123456);
	tell(&f, MF_ALERT_WARN, "RollingBack", "going back: threshold", 1769860801000000);
	assert_true(mf_teller_wait(f.teller, true, LONG_US));
	web_settle(&f.web);
	assert_int_equal(f.web.n_seen, 2); /* the one that was refused is told once, too */
	assert_string_equal(f.web.seen[0].target, "/watcher");
	assert_string_equal(f.web.seen[0].body,
	    "{\"name\":\"churn\",\"namespace\":\"prod\",\"phase\":\"Progressing\","
	    "\"checksum\":\"85\",\"metadata\":{\"eventMessage\":\"weights 60/40\","
	    "\"eventType\":\"Normal\",\"timestamp\":\"1769860800123\",\"version\":\"v2\"}}");
	assert_string_equal(f.web.seen[1].body,
	    "{\"name\":\"churn\",\"namespace\":\"prod\",\"phase\":\"RollingBack\","
	    "\"checksum\":\"85\",\"metadata\":{\"eventMessage\":\"going back: threshold\","
	    "\"eventType\":\"Warning\",\"timestamp\":\"1769860801000\",\"version\":\"v2\"}}");
	end(&f);
}

static void
what_is_owed(void **state)
{
	struct mf_teller_result r;
	struct fixture f;

	(void)state;
	begin(&f, "200|403~~not now");
	assert_false(mf_teller_owes(f.teller, MF_HOOK_PURGE));
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Progressing");
	assert_true(mf_teller_wait(f.teller, false, LONG_US));
	assert_false(mf_teller_owes(f.teller, MF_HOOK_PURGE));
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Failed");
	assert_true(mf_teller_wait(f.teller, false, LONG_US));
	assert_true(mf_teller_take_result(f.teller, &r));
	assert_true(r.passed);
	assert_int_equal(r.hook, CACHE);
	assert_string_equal(r.text, "purge cache: 200");
	assert_true(mf_teller_take_result(f.teller, &r));
	assert_false(r.passed);
	assert_string_equal(r.text, "purge cache: answered 403: not now");
	assert_false(mf_teller_take_result(f.teller, &r));
	web_settle(&f.web);
	assert_int_equal(f.web.n_seen, 2);
	assert_string_equal(f.web.seen[1].target, "/cache");
	assert_string_equal(f.web.seen[1].body,
	    "{\"name\":\"churn\",\"namespace\":\"prod\",\"phase\":\"Failed\","
	    "\"checksum\":\"85\",\"metadata\":{\"version\":\"v2\"}}");
	end(&f);
}

static _Atomic bool held;

static void
answer_when_let(
    struct web_script *w, const struct web_request *q, int *status, char *text, size_t n)
{
	(void)w, (void)q;
	while (held)
		http_nap(5);
	*status = 200;
	(void)snprintf(text, n, "%s", "");
}

/* Asked for three times while one is under way: one more follows, before all events that wait. */
static void
owed_once(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "");
	held = true;
	f.web.answer = answer_when_let;
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Progressing");
	wait_until_seen(&f, 1);
	assert_false(mf_teller_wait(f.teller, false, 1000));
	assert_true(mf_teller_owes(f.teller, MF_HOOK_PURGE));
	assert_false(mf_teller_owes(f.teller, MF_HOOK_MLFLOW));
	tell(&f, MF_ALERT_INFO, "Progressing", "weights 60/40", 0);
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Progressing");
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Progressing");
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "RollingBack");
	held = false;
	assert_true(mf_teller_wait(f.teller, true, LONG_US));
	web_settle(&f.web);
	assert_int_equal(f.web.n_seen, 3);
	assert_string_equal(f.web.seen[1].target, "/cache");
	assert_non_null(strstr(f.web.seen[1].body, "\"phase\":\"RollingBack\""));
	assert_string_equal(f.web.seen[2].target, "/watcher");
	end(&f);
}

/* Who never answers holds up nobody: events are dropped, what is asked returns, and so does the
 * end. */
static void
nobody_waits(void **state)
{
	struct fixture f;
	unsigned i;

	(void)state;
	begin(&f, "hang");
	f.hooks[WATCHER].timeout_us = LONG_US;
	for (i = 0; i < 3 * MF_TELLER_EVENTS; i++)
		tell(&f, MF_ALERT_INFO, "Progressing", "weights 60/40", 0);
	wait_until_seen(&f, 1);
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Progressing");
	assert_false(mf_teller_wait(f.teller, false, 1000));
	assert_true(mf_teller_owes(f.teller, MF_HOOK_PURGE));
	end(&f);
	assert_int_equal(f.web.n_seen, 1);
}

/* Alerts to one receiver, in place of hooks. */
static void
begin_receiver(struct fixture *f, enum mf_alert_severity severity, const char *script)
{
	memset(f, 0, sizeof *f);
	web_start(&f->web, script);
	(void)snprintf(f->urls[0], sizeof f->urls[0], "%s/pager", f->web.origin);
	f->receiver = (struct mf_alert_plan){
	    .name = "pager", .severity = severity, .url = f->urls[0], .retries = 1};
	f->plan = (struct mf_canary_plan){.name = "churn", .namespace_name = "prod"};
	start(f);
	assert_non_null(f->teller);
}

/* It hears of what is so severe, or more. */
static void
a_receiver(void **state)
{
	const struct mf_teller_event last = {
	    .severity = MF_ALERT_ERROR,
	    .phase = "Failed",
	    .text = "the migration was rolled back",
	    .details = "threshold, weights 100/0",
	    .unix_us = 1769860800000000,
	};
	struct fixture f;

	(void)state;
	begin_receiver(&f, MF_ALERT_WARN, "200");
	tell(&f, MF_ALERT_INFO, "Progressing", "weights 60/40", 0);
	tell(&f, MF_ALERT_WARN, "Progressing", "failed check 1 of 2", 0);
	mf_teller_event(f.teller, &last);
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Failed"); /* that is not the receiver's */
	assert_true(mf_teller_wait(f.teller, true, LONG_US));
	web_settle(&f.web);
	assert_int_equal(f.web.n_seen, 2);
	assert_non_null(strstr(f.web.seen[0].body, "\"message\":\"failed check 1 of 2\""));
	assert_string_equal(f.web.seen[1].body,
	    "{\"severity\":\"error\",\"name\":\"churn\",\"namespace\":\"prod\",\"phase\":"
	    "\"Failed\",\"message\":\"the migration was rolled back\",\"details\":\"threshold, "
	    "weights 100/0\",\"model\":\"churn\",\"version\":\"v2\",\"run\":\"r1\",\"time\":"
	    "\"2026-01-31T12:00:00Z\"}");
	end(&f);
}

static void
refuse_when_let(
    struct web_script *w, const struct web_request *q, int *status, char *text, size_t n)
{
	answer_when_let(w, q, status, text, n);
	*status = 503;
}

/* To one that does not take them, the worst comes before what is merely news; and where too much
 * waits the worst has a place. */
static void
a_receiver_that_is_ill(void **state)
{
	struct fixture f;
	unsigned i;

	(void)state;
	begin_receiver(&f, MF_ALERT_INFO, "");
	held = true;
	f.web.answer = refuse_when_let;
	for (i = 0; i < 2 * MF_TELLER_EVENTS; i++)
		tell(&f, MF_ALERT_INFO, "Progressing", "weights 60/40", 0);
	wait_until_seen(&f, 1);
	tell(&f, MF_ALERT_ERROR, "Failed", "the migration was rolled back", 0);
	held = false;
	assert_true(mf_teller_wait(f.teller, true, LONG_US));
	web_settle(&f.web);
	assert_int_equal(f.web.n_seen, 3); /* news are tried once */
	assert_non_null(strstr(f.web.seen[1].body, "rolled back"));
	assert_non_null(strstr(f.web.seen[2].body, "rolled back"));
	end(&f);
}

/* A plan without such hooks has no such thread, and nothing minds. */
static void
none(void **state)
{
	struct mf_teller_result r;
	struct fixture f;

	(void)state;
	memset(&f, 0, sizeof f);
	f.hooks[0] = (struct mf_hook){.name = "gate", .url = "http://127.0.0.1:1/"};
	f.plan = (struct mf_canary_plan){.hooks = f.hooks, .n_hooks = 1};
	start(&f);
	assert_null(f.teller);
	tell(&f, MF_ALERT_INFO, "Progressing", "weights 60/40", 0);
	mf_teller_owe(f.teller, MF_HOOK_PURGE, "Progressing");
	assert_false(mf_teller_owes(f.teller, MF_HOOK_PURGE));
	assert_true(mf_teller_wait(f.teller, true, LONG_US));
	assert_false(mf_teller_take_result(f.teller, &r));
	mf_teller_stop(f.teller);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(events),
	    cmocka_unit_test(what_is_owed),
	    cmocka_unit_test(owed_once),
	    cmocka_unit_test(nobody_waits),
	    cmocka_unit_test(a_receiver),
	    cmocka_unit_test(a_receiver_that_is_ill),
	    cmocka_unit_test(none),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("migrate/teller", tests, NULL, NULL);
}
