/* Webhooks: what is sent, what passes, what is followed, what is tried again, and that no secret
 * gets into a message. */
#include "tests/unit/traffic/web_script.h"

#include "crypto/secret.h"
#include "src/traffic/hooks.h"
#include "tests/unit/net/certificates.h"

#define SECOND ((uint64_t)1000000)
#define DAY 86400

static const struct mf_pair metadata[] = {
    {"type", "cmd"}, {"cmd", "hey -z 1m \"http://a/\""}, {"eventType", "mine"}};

struct fixture {
	struct web_script web;
	struct web_clock clock;
	struct mf_dialer *dialer;
	struct mf_hook_caller *caller;
	struct mf_hook hook;
	struct mf_hook_answer out;
	const char *version; /* NULL: none moves */
	char url[100];
};

static void
begin_with(struct fixture *f, const char *ca_file)
{
	struct mf_error e = {0};

	f->dialer = web_dialer(&f->clock, ca_file);
	f->caller = mf_hooks_open(f->dialer, &e);
	assert_non_null(f->caller);
	(void)snprintf(f->url, sizeof f->url, "%s/gate", f->web.origin);
	f->hook = (struct mf_hook){.name = "gate", .url = f->url, .timeout_us = 5 * SECOND};
}

static void
begin(struct fixture *f, const char *script)
{
	memset(f, 0, sizeof *f);
	web_start(&f->web, script);
	begin_with(f, NULL);
}

static void
end(struct fixture *f)
{
	f->caller->ops->close(f->caller);
	mf_dialer_close(f->dialer);
	web_stop(&f->web);
}

static void
call_phase(struct fixture *f, const char *phase)
{
	const struct mf_hook_call call = {.hook = &f->hook,
	    .name = "podinfo",
	    .namespace_name = "test",
	    .phase = phase,
	    .checksum = "8577cb6b6b",
	    .version = f->version};

	f->caller->ops->call(f->caller, &call, &f->out);
	web_settle(&f->web);
}

static void
call(struct fixture *f)
{
	call_phase(f, "Progressing");
}

/* Every rule of statuses, retries and redirects, one a row. */
static void
rules(void **state)
{
	static const struct {
		const char *script;
		unsigned retries;
		int status; /* of the answer */
		bool passes;
		const char *methods; /* what the server saw */
		const char *waits;   /* seconds */
		const char *why;
	} rows[] = {
	    /* the status */
	    {"200", 0, 200, true, "POST", "", ""},
	    {"201", 0, 201, true, "POST", "", ""},
	    {"202", 0, 202, true, "POST", "", ""},
	    {"203", 0, 203, false, "POST", "", "answered 203"},
	    {"204", 0, 204, false, "POST", "", "answered 204"},
	    {"206", 0, 206, false, "POST", "", "answered 206"},
	    {"400~~no", 0, 400, false, "POST", "", "answered 400: no"},
	    {"403~~Forbidden", 0, 403, false, "POST", "", "answered 403: Forbidden"},
	    {"404", 0, 404, false, "POST", "", "answered 404"},
	    {"500", 0, 500, false, "POST", "", "answered 500"},
	    {"501", 0, 501, false, "POST", "", "answered 501"},
	    /* the body says why: its first line, and nothing that acts upon a terminal */
	    {"403~~a\x1b[2Jb\nsecond", 0, 403, false, "POST", "", "answered 403: a\\x1b[2Jb"},
	    /* retries: on 429 and 5xx but 501, with growing waits */
	    {"500|200", 1, 200, true, "POST POST", "1", ""},
	    {"500|500|200", 2, 200, true, "POST POST POST", "1 2", ""},
	    {"429|202", 1, 202, true, "POST POST", "1", ""},
	    {"502|504|200", 5, 200, true, "POST POST POST", "1 2", ""},
	    {"503", 7, 503, false, "POST POST POST POST POST POST POST POST", "1 2 4 8 16 30 30",
		"giving up after 8 attempts: answered 503"},
	    {"501|200", 3, 501, false, "POST", "", "answered 501"},
	    {"403|200", 3, 403, false, "POST", "", "answered 403"},
	    {"204|200", 3, 204, false, "POST", "", "answered 204"},
	    {"500|403", 3, 403, false, "POST POST", "1", "answered 403"},
	    {"reset|200", 1, 200, true, "POST POST", "1", ""},
	    {"reset", 0, 0, false, "POST", "", "127.0.0.1"},
	    {"reset", 1, 0, false, "POST POST", "1", "giving up after 2 attempts: "},
	    /* Retry-After on 429 and 503 alone */
	    {"429~Retry-After: 7|200", 1, 200, true, "POST POST", "7", ""},
	    {"503~Retry-After: 0|200", 1, 200, true, "POST POST", "0", ""},
	    {"503~Retry-After: 45|503|200", 3, 200, true, "POST POST POST", "45 2", ""},
	    {"500~Retry-After: 7|200", 1, 200, true, "POST POST", "1", ""},
	    {"503~Retry-After: soon|200", 1, 200, true, "POST POST", "1", ""},
	    {"503~Retry-After: 61|200", 1, 503, false, "POST", "",
		"answered 503, and wants to be asked in 61 s"},
	    /* redirects, by a Go client's rules */
	    {"301~Location: /n|200", 0, 200, true, "POST GET", "", ""},
	    {"302~Location: n|200", 0, 200, true, "POST GET", "", ""},
	    {"303~Location: $/n|202", 0, 202, true, "POST GET", "", ""},
	    {"307~Location: /n|200", 0, 200, true, "POST POST", "", ""},
	    {"308~Location: /n|200", 0, 200, true, "POST POST", "", ""},
	    {"307~Location: /n|303~Location: /m|307~Location: /o|200", 0, 200, true,
		"POST POST GET GET", "", ""},
	    {"307~Location: /n|403", 0, 403, false, "POST POST", "", "answered 403"},
	    {"300~Location: /n|200", 0, 300, false, "POST", "", "answered 300"},
	    {"302", 0, 302, false, "POST", "", "answered 302"},
	    {"307", 0, 307, false, "POST", "", "answered 307"},
	    {"302~Location: ftp://b.example/", 3, 0, false, "POST", "",
		"is redirected to what is neither http nor https"},
	    {"302~Location: http://[::1", 3, 0, false, "POST", "",
		"is redirected to what is no URL"},
	    {"307~Location: /again", 3, 0, false,
		"POST POST POST POST POST POST POST POST POST POST", "", "is redirected too often"},
	    /* a retry starts at the hook's own URL again, with the body */
	    {"303~Location: /n|500|200", 1, 200, true, "POST GET POST", "1", ""},
	};
	char methods[200], waits[100];
	struct fixture f;
	size_t i, n;
	unsigned k;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(&f, rows[i].script);
		f.hook.retries = rows[i].retries;
		call(&f);
		for (k = 0, n = 0, waits[0] = '\0'; k < f.clock.n_waits; k++)
			n += (size_t)snprintf(waits + n, sizeof waits - n, "%s%u", k > 0 ? " " : "",
			    (unsigned)(f.clock.waited_us[k] / SECOND));
		if (f.out.status != rows[i].status || mf_hooks_passed(&f.out) != rows[i].passes)
			fail_msg("%s: %d %s", rows[i].script, f.out.status, f.out.why);
		assert_string_equal(web_methods(&f.web, methods, sizeof methods), rows[i].methods);
		assert_string_equal(waits, rows[i].waits);
		if (strstr(f.out.why, rows[i].why) == NULL ||
		    (rows[i].why[0] == '\0' && f.out.why[0] != '\0'))
			fail_msg("%s: %s", rows[i].script, f.out.why);
		assert_int_equal(f.out.attempts, f.clock.n_waits + 1);
		end(&f);
	}
}

static void
body(void **state)
{
	struct mf_hooks_event event;
	struct fixture f;
	struct mf_hook_call c = {.hook = &f.hook,
	    .name = "podinfo",
	    .namespace_name = "test",
	    .phase = "Succeeded",
	    .checksum = "85"};

	(void)state;
	begin(&f, "200");
	call(&f);
	assert_string_equal(f.web.seen[0].body,
	    "{\"name\":\"podinfo\",\"namespace\":\"test\",\"phase\":\"Progressing\","
	    "\"checksum\":\"8577cb6b6b\"}");
	assert_string_equal(f.web.seen[0].content_type, "application/json");
	assert_string_equal(f.web.seen[0].authorization, "");
	assert_string_equal(f.web.seen[0].target, "/gate");
	f.hook.metadata = metadata;
	f.hook.n_metadata = 2;
	call(&f);
	assert_string_equal(f.web.seen[1].body,
	    "{\"name\":\"podinfo\",\"namespace\":\"test\",\"phase\":\"Progressing\","
	    "\"checksum\":\"8577cb6b6b\",\"metadata\":{\"type\":\"cmd\","
	    "\"cmd\":\"hey -z 1m \\\"http://a/\\\"\"}}");
	/* an event's own keys win over the hook's */
	f.hook.type = MF_HOOK_EVENT;
	f.hook.n_metadata = 3;
	mf_hooks_fill_event(&event, "Warning", "Halt podinfo.test", 1769860800123456);
	c.more = event.more;
	c.n_more = MF_HOOKS_EVENT_PAIRS;
	f.caller->ops->call(f.caller, &c, &f.out);
	assert_string_equal(f.web.seen[2].body,
	    "{\"name\":\"podinfo\",\"namespace\":\"test\",\"phase\":\"Succeeded\","
	    "\"checksum\":\"85\",\"metadata\":{\"eventMessage\":\"Halt podinfo.test\","
	    "\"eventType\":\"Warning\",\"timestamp\":\"1769860800123\",\"type\":\"cmd\","
	    "\"cmd\":\"hey -z 1m \\\"http://a/\\\"\"}}");
	end(&f);
}

/* Where a version moves, every hook is told which; its own word for it wins. */
static void
version(void **state)
{
	static const struct mf_pair own[] = {{"version", "of ours"}};
	struct fixture f;

	(void)state;
	begin(&f, "200");
	f.version = "v2";
	call(&f);
	assert_string_equal(f.web.seen[0].body,
	    "{\"name\":\"podinfo\",\"namespace\":\"test\",\"phase\":\"Progressing\","
	    "\"checksum\":\"8577cb6b6b\",\"metadata\":{\"version\":\"v2\"}}");
	f.hook.metadata = metadata;
	f.hook.n_metadata = 2;
	call(&f);
	assert_non_null(strstr(f.web.seen[1].body, "\",\"version\":\"v2\"}}"));
	f.hook.metadata = own;
	f.hook.n_metadata = 1;
	call(&f);
	assert_non_null(strstr(f.web.seen[2].body, "\"metadata\":{\"version\":\"of ours\"}}"));
	end(&f);
}

static void
bodies_of_redirects(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "307~Location: ../n?x=1#y|303~Location: m|200");
	call(&f);
	assert_string_equal(f.web.seen[1].target, "/n?x=1");
	assert_string_equal(f.web.seen[1].body, f.web.seen[0].body);
	assert_string_equal(f.web.seen[1].content_type, "application/json");
	assert_string_equal(f.web.seen[2].target, "/m");
	assert_string_equal(f.web.seen[2].body, "");
	assert_string_equal(f.web.seen[2].content_type, "");
	assert_string_equal(f.web.seen[2].referer, "");
	end(&f);
}

static void
purge(void **state)
{
	static const struct mf_pair by_purge[] = {{"method", "PURGE"}};
	static const struct mf_pair by_post[] = {{"cache", "predictions"}};
	static const struct mf_pair wrong[] = {{"method", "TRACE"}};
	struct mf_error e = {0};
	struct fixture f;

	(void)state;
	begin(&f, "200");
	f.version = "v2";
	f.hook.type = MF_HOOK_PURGE;
	f.hook.metadata = by_post;
	f.hook.n_metadata = 1;
	call(&f);
	assert_non_null(strstr(
	    f.web.seen[0].body, "\"metadata\":{\"cache\":\"predictions\",\"version\":\"v2\"}}"));
	f.hook.metadata = by_purge;
	call(&f);
	assert_string_equal(f.web.seen[1].method, "PURGE");
	assert_string_equal(f.web.seen[1].body, "");
	assert_int_equal(mf_hooks_check(&f.hook, false, &e), 0);
	f.hook.metadata = wrong;
	call(&f);
	assert_int_equal(f.out.status, 0);
	assert_int_equal(f.web.n_seen, 2);
	assert_int_equal(mf_hooks_check(&f.hook, false, &e), -1);
	assert_string_equal(
	    e.message, "hook gate: metadata.method is none of POST, PURGE, BAN and DELETE");
	end(&f);
}

/* The time is one of an attempt, redirects and all. */
static void
time_runs_out(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "hang|307~Location: /n|hang|200");
	f.hook.timeout_us = SECOND / 5;
	f.hook.retries = 20; /* two are needed, and more on a machine that is slow */
	call(&f);
	assert_int_equal(f.out.status, 200);
	assert_true(f.out.attempts >= 3);
	assert_int_equal(f.clock.n_waits, f.out.attempts - 1);
	end(&f);
	begin(&f, "hang");
	f.hook.timeout_us = SECOND / 10;
	call(&f);
	assert_int_equal(f.out.status, 0);
	assert_non_null(strstr(f.out.why, "127.0.0.1"));
	end(&f);
}

static void
cancelled(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "500");
	f.hook.retries = 9;
	f.clock.cancel_at = 3;
	call(&f);
	assert_int_equal(f.out.status, 500);
	assert_int_equal(f.out.attempts, 3);
	f.clock = (struct web_clock){.interrupted = true};
	call(&f);
	assert_int_equal(f.clock.n_waits, 0);
	assert_int_equal(f.out.attempts, 1);
	end(&f);
}

/* More than the bound, and the server goes on: no pass, and not asked for again. */
static bool
play_endless(struct http_conn *c, const struct http_seen *q, void *arg)
{
	static char block[65536];

	(void)q;
	(void)arg;
	memset(block, 'x', sizeof block);
	http_drop_body(c);
	http_say(c, "HTTP/1.1 200 Fine\r\nConnection: close\r\n\r\n");
	while (!http_gone(c) && !http_stopping(c))
		http_say_bytes(c, block, sizeof block);
	return false;
}

static void
long_answer(void **state)
{
	struct http_server *server = http_server_start(play_endless, NULL);
	struct fixture f;

	(void)state;
	begin(&f, "200");
	(void)snprintf(f.url, sizeof f.url, "http://127.0.0.1:%u/", http_server_port(server));
	f.hook.retries = 3;
	call(&f);
	assert_int_equal(f.out.status, 0);
	assert_int_equal(f.out.attempts, 1);
	assert_non_null(strstr(f.out.why, "127.0.0.1"));
	end(&f);
	http_server_stop(server);
}

static void
secrets(void **state)
{
	static const char *const scripts[] = {"401~~no, t0k3n", "500~~/s3cr3t/hook is bad", "reset",
	    "302~Location: ftp://x/s3cr3t", "403~~cGF0OnQwazNu"};
	char url[128], token[128], user[128], content[128];
	struct mf_error e = {0};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		begin(&f, scripts[i]);
		(void)snprintf(content, sizeof content, " %s/s3cr3t/hook \n", f.web.origin);
		web_secret_file(url, content);
		web_secret_file(token, "t0k3n\n");
		web_secret_file(user, "pat\n");
		f.hook.url = NULL;
		f.hook.url_file = url;
		f.hook.retries = 1;
		f.hook.auth.bearer_file = token;
		call(&f);
		assert_false(mf_hooks_passed(&f.out));
		assert_string_equal(f.web.seen[0].target, "/s3cr3t/hook");
		assert_string_equal(f.web.seen[0].authorization, "Bearer t0k3n");
		if (strstr(f.out.why, "s3cr3t") != NULL || strstr(f.out.why, "t0k3n") != NULL)
			fail_msg("%s", f.out.why);
		assert_true(f.out.why[0] != '\0');
		f.hook.auth = (struct mf_metric_auth){.user_file = user, .password_file = token};
		f.web.n_seen = 0;
		call(&f);
		assert_string_equal(f.web.seen[0].authorization, "Basic cGF0OnQwazNu");
		assert_null(strstr(f.out.why, "cGF0OnQwazNu"));
		web_remove_file(user);
		call(&f); /* read at each call, so it may vanish */
		assert_int_equal(f.out.status, 0);
		assert_int_equal(f.out.attempts, 0);
		web_remove_file(url);
		web_remove_file(token);
		assert_int_equal(mf_hooks_check(&f.hook, false, &e), 0);
		end(&f);
	}
}

/* What proves who we are stays behind when a redirect leads elsewhere, and does not come back. */
static void
credentials_stay(void **state)
{
	struct web_script other;
	char token[128], back[200];
	struct fixture f;

	(void)state;
	begin(&f, "307~Location: /same|307~Location: $/else|200");
	(void)snprintf(back, sizeof back, "307~Location: %s/back", f.web.origin);
	web_start(&other, back);
	f.web.other = other.origin;
	web_secret_file(token, "t0k3n");
	f.hook.auth.bearer_file = token;
	call(&f);
	assert_int_equal(f.out.status, 200);
	assert_string_equal(f.web.seen[1].authorization, "Bearer t0k3n");
	web_settle(&other);
	assert_string_equal(other.seen[0].authorization, "");
	assert_string_equal(other.seen[0].body, f.web.seen[0].body);
	assert_string_equal(f.web.seen[2].target, "/back");
	assert_string_equal(f.web.seen[2].authorization, "");
	web_remove_file(token);
	web_stop(&other);
	end(&f);
}

static void
certificates(void **state)
{
	struct certificates certs;
	struct web_script plain;
	struct fixture f;

	(void)state;
	memset(&f, 0, sizeof f);
	certificates_make(&certs, "an authority", "IP:127.0.0.1", -DAY, DAY);
	web_start(&plain, "200");
	web_start_tls(&f.web, "200", certs.cert, certs.key);
	begin_with(&f, certs.ca);
	call(&f);
	assert_int_equal(f.out.status, 200);
	/* never down to plain http */
	f.web.script = "307~Location: $/";
	f.web.other = plain.origin;
	call(&f);
	assert_int_equal(f.out.status, 0);
	assert_string_equal(f.out.why, "is redirected from https to http");
	assert_int_equal(plain.n_seen, 0);
	f.caller->ops->close(f.caller);
	mf_dialer_close(f.dialer);
	/* one that nobody vouches for: refused and not tried again, unless the plan says so */
	f.web.script = "200";
	begin_with(&f, NULL);
	f.hook.retries = 3;
	call(&f);
	assert_int_equal(f.out.status, 0);
	assert_int_equal(f.out.attempts, 1);
	assert_non_null(strstr(f.out.why, "cannot trust the certificate"));
	f.hook.disable_tls = true;
	call(&f);
	assert_int_equal(f.out.status, 200);
	f.hook.disable_tls = false;
	call(&f);
	assert_int_equal(f.out.status, 0);
	end(&f);
	web_stop(&plain);
	certificates_remove(&certs);
}

static void
checks(void **state)
{
	static const struct {
		struct mf_hook hook;
		const char *message;
	} rows[] = {
	    {{.url = "https://a.example/s3cr3t"}, NULL},
	    {{.url = "http://localhost:8080/"}, NULL},
	    {{.url_file = "/no/such/file"}, NULL},
	    {{.url = "http://a.example/s3cr3t"}, "plain http to another machine"},
	    {{.url = NULL}, "either a URL or a file"},
	    {{.url = "https://a/", .url_file = "/f"}, "either a URL or a file"},
	    {{.url = "s3cr3t"}, "no http or https URL"},
	    {{.url = "https://a/", .retries = 101}, "101 retries are more than 100"},
	    {{.url = "https://a/", .auth = {.user_file = "/u"}}, "go together"},
	    {{.url = "https://a/", .auth = {.secret_name = "s"}}, "secret s of a cluster"},
	    {{.url = "https://a/",
		 .auth = {.bearer_file = "/t", .user_file = "/u", .password_file = "/p"}},
		"one of them"},
	};
	struct mf_hook hook;
	struct mf_error e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		hook = rows[i].hook;
		hook.name = "load";
		mf_error_clear(&e);
		rc = mf_hooks_check(&hook, false, &e);
		assert_int_equal(rc, rows[i].message == NULL ? 0 : -1);
		if (rc == 0)
			continue;
		assert_int_equal(e.code, MF_EUSAGE);
		if (strstr(e.message, rows[i].message) == NULL ||
		    strstr(e.message, "s3cr3t") != NULL ||
		    strncmp(e.message, "hook load: ", 11) != 0)
			fail_msg("%s", e.message);
	}
	hook = (struct mf_hook){.name = "x", .url = "http://a.example/"};
	assert_int_equal(mf_hooks_check(&hook, true, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules),
	    cmocka_unit_test(body),
	    cmocka_unit_test(version),
	    cmocka_unit_test(bodies_of_redirects),
	    cmocka_unit_test(purge),
	    cmocka_unit_test(time_runs_out),
	    cmocka_unit_test(cancelled),
	    cmocka_unit_test(long_answer),
	    cmocka_unit_test(secrets),
	    cmocka_unit_test(credentials_stay),
	    cmocka_unit_test(certificates),
	    cmocka_unit_test(checks),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("traffic/hooks", tests, NULL, NULL);
}
