/*
 * A model server for scenarios: it serves what a directory of pulls shows, and is as well as a
 * file says. It loads when told to, as real ones do: a link that was flipped is not yet served.
 *
 * usage: model-server LINK HEALTH URL-FILE [ignore-reload]
 *
 *	GET /version     {"version":"v2"}: of what was loaded last, LINK/version.txt
 *	POST /reload     loads LINK again; with ignore-reload it says so and does not
 *	GET /metrics     model_accuracy{version="v2"}, requests and how long they took, in
 *	                 Prometheus' text
 *	GET /health      200 or, with "ready 0", 503: for a proxy; predictions are made all the same
 *	GET /stream      "version v2", then "word 1", "word 2" as long as HEALTH says "stream 1",
 *	                 then "end 2"
 *	anything else    a prediction: {"version":"v2","score":0.5}, after latency_ms, with status
 *
 * HEALTH: lines "accuracy 0.95" or "accuracy nan", "latency_ms 5", "status 200", "ready 1",
 * "stream 0", read at each request. A line "accuracy:v1 0.5" is for that version alone, and goes
 * before what is said of all.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/net/http_server.h"

#define WORD_BYTES 64

struct model {
	const char *link, *health;
	bool ignore_reload;
	char version[WORD_BYTES]; /* written by one request at a time: the tests see to that */
	_Atomic unsigned long good, bad, took_ms;
};

struct health {
	double accuracy;
	unsigned latency_ms, status;
	bool ready, stream;
};

static void
load(struct model *m)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/version.txt", m->link);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%63s", m->version) != 1)
		(void)snprintf(m->version, sizeof m->version, "none");
	if (f != NULL)
		(void)fclose(f);
}

static struct health
look(const struct model *m)
{
	struct health h = {.accuracy = 0.95, .latency_ms = 0, .status = 200, .ready = true};
	char word[WORD_BYTES];
	double value, own = -1;
	FILE *f = fopen(m->health, "r");

	while (f != NULL && fscanf(f, "%63s %lf", word, &value) == 2) {
		if (strcmp(word, "accuracy") == 0)
			h.accuracy = value;
		else if (strncmp(word, "accuracy:", 9) == 0 && strcmp(word + 9, m->version) == 0)
			own = value;
		else if (strcmp(word, "latency_ms") == 0)
			h.latency_ms = (unsigned)value;
		else if (strcmp(word, "status") == 0)
			h.status = (unsigned)value;
		else if (strcmp(word, "ready") == 0)
			h.ready = value > 0;
		else if (strcmp(word, "stream") == 0)
			h.stream = value > 0;
	}
	if (f != NULL)
		(void)fclose(f);
	if (own >= 0)
		h.accuracy = own;
	return h;
}

static bool
metrics(struct http_conn *c, struct model *m, const struct health *h)
{
	char text[1024];

	(void)snprintf(text, sizeof text,
	    "# TYPE model_accuracy gauge\nmodel_accuracy{version=\"%s\"} %g\n"
	    "# TYPE model_requests_total counter\n"
	    "model_requests_total{code=\"ok\"} %lu\nmodel_requests_total{code=\"error\"} %lu\n"
	    "# TYPE model_prediction_latency_seconds summary\n"
	    "model_prediction_latency_seconds_sum %g\n"
	    "model_prediction_latency_seconds_count %lu\n",
	    m->version, h->accuracy, m->good, m->bad, (double)m->took_ms / 1000, m->good + m->bad);
	http_say(c,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: "
	    "%zu\r\n\r\n%s",
	    strlen(text), text);
	return true;
}

static void
say_chunk(struct http_conn *c, const char *text)
{
	http_say(c, "%zx\r\n%s\r\n", strlen(text), text);
}

static bool
stream(struct http_conn *c, const struct model *m)
{
	char text[WORD_BYTES + 16];
	unsigned words = 0;

	(void)snprintf(text, sizeof text, "version %s\n", m->version);
	http_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	say_chunk(c, text);
	while (look(m).stream && !http_gone(c) && !http_stopping(c)) {
		http_nap(20);
		(void)snprintf(text, sizeof text, "word %u\n", ++words);
		say_chunk(c, text);
	}
	(void)snprintf(text, sizeof text, "end %u\n", words);
	say_chunk(c, text);
	http_say(c, "0\r\n\r\n");
	return true;
}

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct model *m = arg;
	struct health h = look(m);
	char text[256];

	if (strcmp(q->target, "/metrics") == 0)
		return metrics(c, m, &h);
	if (strcmp(q->target, "/stream") == 0)
		return stream(c, m);
	if (strcmp(q->target, "/health") == 0)
		return http_answer(c, h.ready ? 200 : 503, "");
	if (strcmp(q->target, "/reload") == 0 && !m->ignore_reload)
		load(m);
	if (strcmp(q->target, "/version") == 0 || strcmp(q->target, "/reload") == 0) {
		(void)snprintf(text, sizeof text, "{\"version\":\"%s\"}", m->version);
		return http_answer(c, 200, text);
	}
	if (h.latency_ms > 0)
		http_nap(h.latency_ms);
	m->took_ms += h.latency_ms;
	if (h.status == 200)
		m->good++;
	else
		m->bad++;
	(void)snprintf(text, sizeof text, "{\"version\":\"%s\",\"score\":0.5}", m->version);
	return http_answer(c, (int)h.status, text);
}

int
main(int argc, char **argv)
{
	struct model m = {0};
	struct http_server *server;
	FILE *f;

	if (argc < 4) {
		fprintf(stderr, "usage: model-server LINK HEALTH URL-FILE [ignore-reload]\n");
		return 2;
	}
	m.link = argv[1];
	m.health = argv[2];
	m.ignore_reload = argc > 4;
	load(&m);
	server = http_server_start(play, &m);
	f = fopen(argv[3], "w");
	if (f == NULL || fprintf(f, "127.0.0.1:%u\n", http_server_port(server)) < 0 ||
	    fclose(f) != 0)
		return 1;
	(void)pause();
	http_server_stop(server);
	return 0;
}
