#include "config.h"

#include "tests/unit/transfers/s3_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static void
note(struct s3_asked *a, struct http_conn *c, const struct http_seen *q)
{
	(void)snprintf(a->method, sizeof a->method, "%s", q->method);
	(void)snprintf(a->target, sizeof a->target, "%.*s", (int)sizeof a->target - 1, q->target);
	(void)snprintf(a->head, sizeof a->head, "%.*s", (int)sizeof a->head - 1, q->head);
	a->body[http_read_body(c, a->body, sizeof a->body - 1)] = '\0';
}

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct s3_script *s = arg;
	const unsigned nth = atomic_fetch_add(&s->n_asked, 1);
	const struct s3_reply *r = &s->replies[nth < s->n_replies ? nth : s->n_replies - 1];
	const char *body = r->body != NULL ? r->body : "";
	char waste[4096];

	if (nth < S3_SCRIPT_MAX)
		note(&s->asked[nth], c, q);
	while (http_read_body(c, waste, sizeof waste) > 0)
		continue;
	if (r->status == 0) {
		http_reset(c);
		return false;
	}
	while (r->status < 0 && !http_stopping(c))
		http_nap(10);
	http_say(c, "HTTP/1.1 %d Words\r\nContent-Length: %zu\r\n", r->status,
	    r->announce != 0 ? (size_t)r->announce : strlen(body));
	if (r->headers != NULL)
		http_say_bytes(c, r->headers, strlen(r->headers));
	http_say_bytes(c, "\r\n", 2);
	if (strcmp(q->method, "HEAD") != 0)
		http_say_bytes(c, body, strlen(body));
	return r->announce == 0;
}

void
s3_script_start(struct s3_script *s, const struct s3_reply *replies, size_t n)
{
	memset(s, 0, sizeof *s);
	s->replies = replies;
	s->n_replies = n;
	atomic_init(&s->n_asked, 0);
	s->server = http_server_start(play, s);
	assert_non_null(s->server);
	(void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", http_server_port(s->server));
}

void
s3_script_stop(struct s3_script *s)
{
	http_server_stop(s->server);
}

const char *
s3_script_header(const struct s3_script *s, unsigned nth, const char *name, char *out, size_t bytes)
{
	const char *at = s->asked[nth].head, *end;
	const size_t n = strlen(name);

	out[0] = '\0';
	for (; (at = strstr(at, "\r\n")) != NULL; at += 2) {
		if (strncasecmp(at + 2, name, n) != 0 || at[2 + n] != ':')
			continue;
		at += 2 + n + 1;
		at += strspn(at, " ");
		end = strstr(at, "\r\n");
		(void)snprintf(out, bytes, "%.*s", (int)(end != NULL ? end - at : 0), at);
		break;
	}
	return out;
}
