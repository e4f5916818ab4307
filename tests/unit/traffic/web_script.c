#include "config.h"

#include "tests/unit/traffic/web_script.h"

#include <unistd.h>

static void
copy_header(const struct http_seen *q, const char *name, char *out, size_t n)
{
	(void)snprintf(out, n, "%s", "");
	(void)http_seen_header(q, name, out, n);
}

static void
put_answer(struct http_conn *c, struct web_script *w, const char *line)
{
	const char *status_end = line + strcspn(line, "~");
	const char *head = *status_end == '~' ? status_end + 1 : status_end;
	const char *head_end = head + strcspn(head, "~");
	const char *body = *head_end == '~' ? head_end + 1 : head_end;
	char headers[1024] = "";
	size_t n = 0;

	for (; head < head_end && n + 80 < sizeof headers; head++) {
		if (*head == '$')
			n += (size_t)snprintf(headers + n, sizeof headers - n, "%s",
			    w->other != NULL ? w->other : w->origin);
		else
			headers[n++] = *head;
	}
	headers[n] = '\0';
	http_say(c, "HTTP/1.1 %.3s Some Words\r\n%s%sContent-Length: %zu\r\n\r\n%s", line, headers,
	    n > 0 ? "\r\n" : "", strlen(body), body);
}

static void
remember(struct http_conn *c, const struct http_seen *q, struct web_request *r)
{
	(void)snprintf(r->method, sizeof r->method, "%s", q->method);
	(void)snprintf(r->target, sizeof r->target, "%.500s", q->target);
	copy_header(q, "Authorization", r->authorization, sizeof r->authorization);
	copy_header(q, "Content-Type", r->content_type, sizeof r->content_type);
	copy_header(q, "Referer", r->referer, sizeof r->referer);
	copy_header(q, "X-Custom", r->custom, sizeof r->custom);
	r->body[http_read_body(c, r->body, sizeof r->body - 1)] = '\0';
}

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct web_script *w = arg;
	struct web_request r;
	const char *at = w->script;
	char line[4096];
	int status = 200;
	unsigned nth, i;

	remember(c, q, &r);
	(void)pthread_mutex_lock(&w->lock);
	nth = w->n_seen++;
	if (nth < WEB_REQUESTS)
		w->seen[nth] = r;
	(void)pthread_mutex_unlock(&w->lock);
	if (w->answer != NULL) {
		w->answer(w, &r, &status, line, sizeof line);
		return http_answer(c, status, line);
	}
	for (i = 0; i < nth && strchr(at, '|') != NULL; i++)
		at = strchr(at, '|') + 1;
	(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "|"), at);
	if (strcmp(line, "reset") == 0) {
		http_reset(c);
		return false;
	}
	if (strcmp(line, "hang") == 0) {
		while (!http_stopping(c) && !http_gone(c))
			http_nap(5);
		return false;
	}
	put_answer(c, w, line);
	return true;
}

void
web_start(struct web_script *w, const char *script)
{
	*w = (struct web_script){.script = script};
	(void)pthread_mutex_init(&w->lock, NULL);
	w->server = http_server_start(play, w);
	(void)snprintf(
	    w->origin, sizeof w->origin, "http://127.0.0.1:%u", http_server_port(w->server));
}

void
web_start_tls(struct web_script *w, const char *script, const char *cert, const char *key)
{
	*w = (struct web_script){.script = script};
	(void)pthread_mutex_init(&w->lock, NULL);
	w->server = http_server_start_tls(play, w, cert, key);
	(void)snprintf(
	    w->origin, sizeof w->origin, "https://127.0.0.1:%u", http_server_port(w->server));
}

void
web_stop(struct web_script *w)
{
	http_server_stop(w->server);
	(void)pthread_mutex_destroy(&w->lock);
}

void
web_settle(struct web_script *w)
{
	(void)pthread_mutex_lock(&w->lock);
	(void)pthread_mutex_unlock(&w->lock);
}

const char *
web_methods(struct web_script *w, char *out, size_t n)
{
	size_t at = 0;
	unsigned i;

	out[0] = '\0';
	(void)pthread_mutex_lock(&w->lock);
	for (i = 0; i < w->n_seen && i < WEB_REQUESTS && at + 20 < n; i++)
		at +=
		    (size_t)snprintf(out + at, n - at, "%s%s", i > 0 ? " " : "", w->seen[i].method);
	(void)pthread_mutex_unlock(&w->lock);
	return out;
}

static bool
wait_for(void *arg, uint64_t us)
{
	struct web_clock *clock = arg;

	assert_true(clock->n_waits < sizeof clock->waited_us / sizeof clock->waited_us[0]);
	clock->waited_us[clock->n_waits++] = us;
	return clock->cancel_at == 0 || clock->n_waits < clock->cancel_at;
}

static bool
is_interrupted(void *arg)
{
	return ((struct web_clock *)arg)->interrupted;
}

struct mf_dialer *
web_dialer(struct web_clock *clock, const char *ca_file)
{
	const struct mf_dialer_params p = {
	    .ca_file = ca_file, .wait = wait_for, .interrupted = is_interrupted, .arg = clock};
	struct mf_error e = {0};
	struct mf_dialer *d = mf_dialer_open(&p, &e);

	if (d == NULL)
		fail_msg("%s", e.message);
	return d;
}

void
web_secret_file(char out[128], const char *content)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	(void)snprintf(out, 128, "%s/mf-secret-XXXXXX", dir != NULL ? dir : "/tmp");
	fd = mkstemp(out);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

void
web_remove_file(const char *path)
{
	(void)unlink(path);
}
