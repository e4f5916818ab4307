/* Alerts: who is told of what, in which words, and what comes of it. */
#include "tests/unit/traffic/web_script.h"

#include "crypto/secret.h"
#include "src/traffic/alert.h"

static const struct mf_alert failure = {.severity = MF_ALERT_ERROR,
    .name = "churn",
    .namespace_name = "prod",
    .phase = "Failed",
    .message = "Rolling back churn.prod <@here> accuracy 0.71",
    .details = "line 1\nline \"2\"",
    .model = "churn",
    .version = "v2",
    .run_id = "0b5aa4dc",
    .unix_us = 1769860800000000};

static void
who_is_told(void **state)
{
	static const bool told[3][3] = {/* receiver info, warn, error: of info, warn, error */
	    {true, true, true}, {false, true, true}, {false, false, true}};
	unsigned to, of;

	(void)state;
	for (to = 0; to < 3; to++)
		for (of = 0; of < 3; of++) {
			const struct mf_alert_plan plan = {.severity = (enum mf_alert_severity)to};

			assert_int_equal(
			    mf_alert_is_for(&plan, (enum mf_alert_severity)of), told[to][of]);
		}
}

static void
words(void **state)
{
	const struct mf_alert small = {.severity = MF_ALERT_INFO, .message = "hello"};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	mf_alert_put_json(&b, MF_ALERT_GENERIC, &failure);
	assert_string_equal(mf_buf_cstr(&b),
	    "{\"severity\":\"error\",\"name\":\"churn\",\"namespace\":\"prod\",\"phase\":"
	    "\"Failed\","
	    "\"message\":\"Rolling back churn.prod <@here> accuracy 0.71\","
	    "\"details\":\"line 1\\nline \\\"2\\\"\",\"model\":\"churn\",\"version\":\"v2\","
	    "\"run\":\"0b5aa4dc\",\"time\":\"2026-01-31T12:00:00Z\"}");
	mf_buf_clear(&b);
	mf_alert_put_json(&b, MF_ALERT_GENERIC, &small);
	assert_string_equal(mf_buf_cstr(&b), "{\"severity\":\"info\",\"message\":\"hello\"}");
	mf_buf_clear(&b);
	/* a chat mentions nobody, whatever a message says */
	mf_alert_put_json(&b, MF_ALERT_SLACK, &failure);
	assert_non_null(strstr(mf_buf_cstr(&b),
	    "{\"text\":\"churn.prod: Rolling back churn.prod &lt;@here&gt; accuracy 0.71\""));
	assert_non_null(strstr(mf_buf_cstr(&b), "\"color\":\"#a30200\""));
	assert_non_null(strstr(mf_buf_cstr(&b), "{\"title\":\"Phase\",\"value\":\"Failed\""));
	mf_buf_clear(&b);
	mf_alert_put_json(&b, MF_ALERT_SLACK, &small);
	assert_non_null(strstr(mf_buf_cstr(&b), "{\"text\":\"modelferry: hello\""));
	assert_non_null(strstr(mf_buf_cstr(&b), "\"color\":\"#2eb886\""));
	mf_buf_fini(&b);
}

static void
sending(void **state)
{
	struct mf_alert warning = failure;
	struct mf_hook_answer answers[4];
	struct mf_alert_plan to[4];
	struct web_clock clock = {.n_waits = 0};
	struct mf_dialer *d = web_dialer(&clock, NULL);
	struct web_script w;
	char url[128], content[128];

	(void)state;
	web_start(&w, "204|503|200~~ok|404~~/s3cr3t is gone");
	(void)snprintf(content, sizeof content, "%s/s3cr3t\n", w.origin);
	web_secret_file(url, content);
	to[0] = (struct mf_alert_plan){.name = "all", .url = w.origin};
	to[1] = (struct mf_alert_plan){
	    .name = "chat", .kind = MF_ALERT_SLACK, .url_file = url, .retries = 2};
	to[2] =
	    (struct mf_alert_plan){.name = "pager", .severity = MF_ALERT_ERROR, .url = w.origin};
	to[3] = (struct mf_alert_plan){.name = "chat", .kind = MF_ALERT_SLACK, .url_file = url};
	warning.severity = MF_ALERT_WARN;
	assert_int_equal(mf_alert_send(d, to, 4, &warning, answers), 1);
	assert_int_equal(answers[0].status, 204);
	assert_string_equal(answers[0].why, "");
	assert_int_equal(answers[1].status, 200);
	assert_int_equal(answers[1].attempts, 2);
	assert_int_equal(answers[2].attempts, 0);
	assert_int_equal(answers[3].status, 404);
	assert_string_equal(answers[3].why, "answered 404");
	web_settle(&w);
	assert_int_equal(w.n_seen, 4);
	assert_non_null(strstr(w.seen[0].body, "\"severity\":\"warn\""));
	assert_non_null(strstr(w.seen[1].body, "\"attachments\""));
	assert_string_equal(w.seen[1].target, "/s3cr3t");
	web_remove_file(url);
	mf_dialer_close(d);
	web_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_told),
	    cmocka_unit_test(words),
	    cmocka_unit_test(sending),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("traffic/alert", tests, NULL, NULL);
}
