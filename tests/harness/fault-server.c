/*
 * An S3 server in memory that plays faults, byte by byte: fault-server DIR [--page N]. Its address
 * goes into DIR/url once it serves, and DIR/log gets a line for each request, before its answer is
 * sent: operation, status, bytes of the request's body, access key id, fault ("-": none), path, and
 * behind that of a part '#' and its number.
 *
 * POST /_fault?fault=NAME[&op=..][&name=..][&after=N][&times=N][&value=..] adds a rule
 * (fault_rules.h; the faults are in fault_answers.c), DELETE /_fault removes all of them, and GET
 * /_fault says how often one played. Ended by SIGTERM.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/fault_rules.h"
#include "tests/harness/http_words.h"

#define BODY_MAX ((size_t)64 << 20)
#define HELD_MS 5

struct server {
	struct memory_s3 *objects;
	struct fault_rules *rules;
	FILE *log;
};

/* One line at once: the stream has its own lock. */
static void
log_line(struct server *s, const struct s3_query *q, int status, const struct fault_choice *choice)
{
	char authorization[512], key_id[128] = "-", number[16];

	http_seen_header(q->seen, "Authorization", authorization, sizeof authorization);
	(void)sscanf(authorization, "AWS4-HMAC-SHA256 Credential=%127[^/]", key_id);
	harness_param(q->seen, "partNumber", number, sizeof number);
	(void)fprintf(s->log, "%s %d %zu %s %s %s%s%s\n", s3_op_name(q->op), status, q->n, key_id,
	    choice->fault != NULL ? choice->fault->name : "-", q->path,
	    number[0] != '\0' ? "#" : "", number);
}

static bool
control(struct server *s, struct http_conn *c, const struct http_seen *q)
{
	const char *wrong = NULL;
	char text[32];

	if (strcmp(q->method, "POST") == 0)
		wrong = fault_rules_add(s->rules, q);
	else if (strcmp(q->method, "DELETE") == 0)
		fault_rules_clear(s->rules);
	(void)snprintf(text, sizeof text, "%u\n", fault_rules_played(s->rules));
	return http_answer(c, wrong != NULL ? 400 : 200, wrong != NULL ? wrong : text);
}

/* Wait with the answer until the rules are others. */
static void
hold(struct server *s, struct http_conn *c, struct s3_query *q, struct fault_choice *choice)
{
	unsigned edition;

	while (choice->fault != NULL && choice->fault->holds) {
		edition = fault_rules_edition(s->rules);
		log_line(s, q, 0, choice);
		while (edition == fault_rules_edition(s->rules) && !http_stopping(c))
			http_nap(HELD_MS);
		choice->fault = NULL;
		if (!http_stopping(c))
			fault_rules_choose(s->rules, q, choice);
	}
}

/* The whole of it, as it is. */
static bool
answer(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	struct mf_buf all = MF_BUF_INIT;
	const char *headers = mf_buf_cstr(&reply->headers);

	harness_head(&all, reply->status, q->now, headers != NULL ? headers : "");
	if (reply->status != 204)
		mf_buf_printf(&all, "Content-Length: %zu\r\n", reply->length);
	mf_buf_put(&all, "\r\n", 2);
	if (reply->body.len > 0)
		mf_buf_put(&all, reply->body.data, reply->body.len);
	if (all.failed)
		harness_die("no memory");
	http_say_bytes(c, all.data, all.len);
	mf_buf_fini(&all);
	return true;
}

static bool
carry_out(struct server *s, struct http_conn *c, struct s3_query *q)
{
	struct s3_reply reply = S3_REPLY_INIT;
	struct fault_choice choice;
	bool keep;

	q->now = time(NULL) + fault_rules_clock_s(s->rules);
	fault_rules_choose(s->rules, q, &choice);
	hold(s, c, q, &choice);
	if (choice.fault != NULL && choice.fault->read != NULL) {
		if (!choice.fault->read(c, q)) {
			log_line(s, q, 0, &choice);
			return false;
		}
	} else if (http_read_body(c, q->body, q->n) < q->n) {
		return false;
	}
	if (choice.fault != NULL && choice.fault->refuse != NULL)
		choice.fault->refuse(q, choice.value, &reply);
	else
		memory_s3_serve(s->objects, q, &reply);
	log_line(s, q, reply.status, &choice);
	if (choice.fault != NULL && choice.fault->answer != NULL)
		keep = choice.fault->answer(c, q, &reply);
	else
		keep = answer(c, q, &reply);
	s3_reply_fini(&reply);
	return keep;
}

static bool
play(struct http_conn *c, const struct http_seen *seen, void *arg)
{
	struct s3_query *q;
	bool keep;

	if (strncmp(seen->target, "/_fault", 7) == 0)
		return control(arg, c, seen);
	if (seen->content_length > BODY_MAX || (q = calloc(1, sizeof *q)) == NULL)
		return false;
	s3_query_read(q, seen);
	q->n = (size_t)seen->content_length;
	if ((q->body = calloc(1, q->n + 1)) == NULL)
		harness_die("no memory");
	keep = carry_out(arg, c, q);
	free(q->body);
	free(q);
	return keep;
}

int
main(int argc, char **argv)
{
	struct http_server *http;
	struct server s;
	char url[64];
	sigset_t ends;
	int got;

	if (argc != 2 && (argc != 4 || strcmp(argv[2], "--page") != 0)) {
		(void)fprintf(stderr, "usage: fault-server DIR [--page N]\n");
		return 2;
	}
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
	s.objects = memory_s3_new(argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0);
	s.rules = fault_rules_new();
	s.log = harness_create(argv[1], "log", "a");
	(void)setvbuf(s.log, NULL, _IOLBF, 1 << 16);
	http = http_server_start(play, &s);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(http));
	harness_announce(argv[1], url);
	(void)sigwait(&ends, &got);
	http_server_stop(http);
	memory_s3_free(s.objects);
	fault_rules_free(s.rules);
	(void)fclose(s.log);
	return 0;
}
