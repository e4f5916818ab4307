/* Notices: their JSON, which of them are sent, and that a webhook gets them. */
#include "tests/unit/report/sample_run.h"

#include <jansson.h>

#include "src/report/notify.h"
#include "tests/unit/net/http_server.h"

#define MINUTE ((uint64_t)60 * 1000000)

static void
put_run(struct mf_buf *b, const struct mf_report_run *run)
{
	struct mf_notify_run_memory memory = {.text = MF_BUF_INIT};
	struct mf_notify_event event;
	struct mf_error e = {0};

	assert_int_equal(mf_notify_of_run(&event, run, &memory, &e), 0);
	mf_notify_put_json(b, &event, 0);
	mf_buf_put_u8(b, '\n');
	mf_notify_run_memory_fini(&memory);
}

static void
runs(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error error;

	(void)state;
	put_run(&b, &run);
	assert_golden(&b, "success.json");
	mf_buf_clear(&b);
	run = sample_failure(&error);
	put_run(&b, &run);
	assert_golden(&b, "failed.json");
	/* nothing is known but that it failed */
	mf_buf_clear(&b);
	run.model = run.version = run.store = NULL;
	put_run(&b, &run);
	assert_null(strstr(mf_buf_cstr(&b), "\"Model\""));
	mf_buf_fini(&b);
}

/* Whatever is in it, it is JSON, names nobody and is of some length at most. */
static void
hostile(void **state)
{
	char big[4 * MF_NOTIFY_TEXT_MAX];
	const struct mf_notify_event event = {.level = MF_NOTIFY_WARNING,
	    .text = "<!channel> \"a\" & \x01\x7f\xff\\ \xc3\xa4 </a>",
	    .details = "```\n@all <!here>`\n\x1b[0m\t",
	    .fields = {{"<T>", big, true}, {"none", "", false}, {"null", NULL, false}},
	    .n_fields = 3};
	struct mf_buf b = MF_BUF_INIT;
	json_error_t why;
	const char *text, *value;
	json_t *o, *attachment;

	(void)state;
	memset(big, '<', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	mf_notify_put_json(&b, &event, 3);
	o = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, &why);
	assert_non_null(o);
	text = json_string_value(json_object_get(o, "text"));
	assert_string_equal(text, "&lt;!channel&gt; \"a\" &amp; \\x01\\x7f\\xff\\ \xc3\xa4 "
				  "&lt;/a&gt; (and 3 times before, "
				  "not told)");
	attachment = json_array_get(json_object_get(o, "attachments"), 0);
	assert_string_equal(json_string_value(json_object_get(attachment, "text")),
	    "```\n'''\n@all &lt;!here&gt;'\n\\x1b[0m\t\n```");
	assert_int_equal(json_array_size(json_object_get(attachment, "fields")), 1);
	value = json_string_value(
	    json_object_get(json_array_get(json_object_get(attachment, "fields"), 0), "value"));
	assert_true(strlen(value) < MF_NOTIFY_TEXT_MAX + 20);
	assert_null(strchr(value, '<'));
	json_decref(o);
	mf_buf_fini(&b);
}

static bool
passes(struct mf_notify_stories *s, const char *topic, const char *cause,
    enum mf_notify_level level, uint64_t now_us, uint64_t want_held)
{
	const struct mf_notify_event event = {.topic = topic, .cause = cause, .level = level};
	uint64_t n_held = 99;
	bool pass = mf_notify_stories_pass(s, &event, now_us, 60 * MINUTE, &n_held);

	if (pass)
		assert_int_equal(n_held, want_held);
	return pass;
}

static void
stories(void **state)
{
	struct mf_notify_stories s = {0};
	struct mf_notify_event event = {.topic = "b", .cause = "transfer", .level = MF_NOTIFY_BAD};
	char topic[200];
	unsigned i;

	(void)state;
	assert_true(passes(&s, "a", "transfer", MF_NOTIFY_BAD, 5, 0));
	for (i = 1; i < 60; i++)
		assert_false(passes(&s, "a", "transfer", MF_NOTIFY_BAD, 5 + i * MINUTE, 0));
	/* another cause is another story, and so is another topic */
	assert_true(passes(&s, "a", "key", MF_NOTIFY_BAD, 10 * MINUTE, 0));
	assert_false(passes(&s, "a", "key", MF_NOTIFY_BAD, 11 * MINUTE, 0));
	assert_true(passes(&s, "b", "transfer", MF_NOTIFY_BAD, 11 * MINUTE, 0));
	assert_true(passes(&s, "a", "transfer", MF_NOTIFY_BAD, 5 + 60 * MINUTE, 59));
	assert_false(passes(&s, "a", "transfer", MF_NOTIFY_BAD, 6 + 60 * MINUTE, 0));
	/* a recovery is told at once, and ends the topic's failures, not others' */
	assert_true(passes(&s, "a", NULL, MF_NOTIFY_GOOD, 61 * MINUTE, 0));
	assert_false(passes(&s, "a", NULL, MF_NOTIFY_GOOD, 62 * MINUTE, 0));
	assert_true(passes(&s, "a", "transfer", MF_NOTIFY_BAD, 62 * MINUTE, 0));
	assert_true(passes(&s, "a", "key", MF_NOTIFY_BAD, 62 * MINUTE, 0));
	assert_false(passes(&s, "b", "transfer", MF_NOTIFY_BAD, 62 * MINUTE, 0));
	/* one that could not be sent is tried again, and what was held back is not lost */
	assert_true(passes(&s, "b", "transfer", MF_NOTIFY_BAD, 71 * MINUTE, 1));
	mf_notify_stories_lost(&s, &event, 1);
	assert_true(passes(&s, "b", "transfer", MF_NOTIFY_BAD, 72 * MINUTE, 2));
	assert_false(passes(&s, "b", "transfer", MF_NOTIFY_BAD, 73 * MINUTE, 0));
	/* more stories than fit: the oldest is forgotten, and passes again; long names are fine */
	for (i = 0; i < MF_NOTIFY_STORIES; i++) {
		(void)snprintf(topic, sizeof topic, "%02u%0190u", i, 7u);
		assert_true(passes(&s, topic, topic, MF_NOTIFY_BAD, 80 * MINUTE + i, 0));
		assert_false(passes(&s, topic, topic, MF_NOTIFY_BAD, 80 * MINUTE + i, 0));
	}
	assert_true(passes(&s, "b", "transfer", MF_NOTIFY_BAD, 81 * MINUTE, 0));
	assert_false(passes(&s, topic, topic, MF_NOTIFY_BAD, 81 * MINUTE, 0));
}

struct chat {
	unsigned n;
	int status;
	char body[2000];
};

static bool
play_chat(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct chat *chat = arg;
	char type[100];

	assert_string_equal(q->target, "/services/T0/B0/s3cr3t");
	assert_string_equal(
	    http_seen_header(q, "content-type", type, sizeof type), "application/json");
	chat->n++;
	chat->body[http_read_body(c, chat->body, sizeof chat->body - 1)] = '\0';
	return http_answer(c, chat->status, "ok");
}

static uint64_t
clock_of(void *arg)
{
	return *(uint64_t *)arg;
}

/* As a program that lives long does. */
static void
many_events(void **state)
{
	const struct mf_post_params params = {.allow_http = false};
	struct mf_notify_event event = {.level = MF_NOTIFY_BAD,
	    .text = "cannot follow churn@production",
	    .topic = "churn@production",
	    .cause = "transfer"};
	struct mf_notifier_params p = {.timeout_us = 30000000};
	struct chat chat = {.status = 200};
	struct http_server *s = http_server_start(play_chat, &chat);
	struct mf_secret *secret;
	struct mf_notifier *n;
	struct mf_error e = {0};
	uint64_t now = 0;
	char url[100];
	unsigned i;

	(void)state;
	(void)snprintf(
	    url, sizeof url, "http://127.0.0.1:%u/services/T0/B0/s3cr3t", http_server_port(s));
	p.post = mf_post_open(&params, &e);
	p.url = secret = mf_post_take_url("--notify-url", url, &e);
	p.now_us = clock_of;
	p.arg = &now;
	assert_true(p.post != NULL && p.url != NULL);
	n = mf_notifier_open(&p, &e);
	assert_non_null(n);
	assert_int_equal(mf_notifier_send(n, &event, &e), 0);
	for (i = 0; i < 100; i++, now += MINUTE / 2)
		assert_int_equal(mf_notifier_send(n, &event, &e), 1);
	assert_int_equal(chat.n, 1);
	/* refused for good: tried with the next event again */
	chat.status = 404;
	now += 60 * MINUTE;
	assert_int_equal(mf_notifier_send(n, &event, &e), -1);
	assert_int_equal(e.http_status, 404);
	assert_null(strstr(e.message, "s3cr3t"));
	chat.status = 200;
	assert_int_equal(mf_notifier_send(n, &event, &e), 0);
	assert_non_null(strstr(chat.body, "(and 101 times before, not told)"));
	event.level = MF_NOTIFY_GOOD;
	event.text = "following churn@production again";
	assert_int_equal(mf_notifier_send(n, &event, &e), 0);
	assert_int_equal(chat.n, 4);
	mf_notifier_close(n);
	mf_secret_free(secret);
	mf_post_close(p.post);
	http_server_stop(s);
}

static int
start_crypto(void **state)
{
	struct mf_error e;

	(void)state;
	return mf_crypto_init(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(stories),
	    cmocka_unit_test(many_events),
	};

	return cmocka_run_group_tests_name("report/notify", tests, start_crypto, NULL);
}
