/*
 * A bucket on 127.0.0.1 that forgets what is large: for scripts/bench, to measure a client alone.
 * Bodies of more than 64 KiB are read and dropped, their keys and sizes stay, so that listings and
 * HEAD tell of them; smaller ones can be read back, in ranges too. Puts with If-None-Match: * are
 * conditional. Signatures are not looked at. One bucket, in the path.
 * usage: s3-discard      prints its URL, and runs until its standard input ends
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/net/http_server.h"

#define KEPT_BYTES ((size_t)64 << 10)
#define KEY_BYTES 1100
#define PAGE_KEYS 1000

struct object {
	char *key;
	uint64_t size;
	char *body; /* NULL: forgotten */
	time_t put_s;
};

struct bucket {
	pthread_mutex_t lock;
	struct object *objects; /* by key, in byte order */
	size_t n, capacity;
};

static void
out_of_memory(void)
{
	fputs("s3-discard: out of memory\n", stderr);
	_exit(1);
}

/* Where key is, or belongs. */
static size_t
position(const struct bucket *b, const char *key)
{
	size_t low = 0, high = b->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(b->objects[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct object *
find(const struct bucket *b, const char *key)
{
	const size_t at = position(b, key);

	return at < b->n && strcmp(b->objects[at].key, key) == 0 ? &b->objects[at] : NULL;
}

static struct object *
make(struct bucket *b, const char *key)
{
	const size_t at = position(b, key);

	if (b->n == b->capacity) {
		b->capacity = b->capacity > 0 ? b->capacity * 2 : 1024;
		b->objects = reallocarray(b->objects, b->capacity, sizeof *b->objects);
		if (b->objects == NULL)
			out_of_memory();
	}
	memmove(b->objects + at + 1, b->objects + at, (b->n - at) * sizeof *b->objects);
	b->objects[at] = (struct object){.key = strdup(key)};
	if (b->objects[at].key == NULL)
		out_of_memory();
	b->n++;
	return &b->objects[at];
}

static void
drop(struct bucket *b, const char *key)
{
	struct object *o = find(b, key);

	if (o == NULL)
		return;
	free(o->key);
	free(o->body);
	memmove(o, o + 1, (size_t)(b->objects + b->n - (o + 1)) * sizeof *o);
	b->n--;
}

/* Percent-decoded, up to '&' or a space. */
static void
decode(const char *text, char out[KEY_BYTES])
{
	char digits[3] = "";
	size_t n = 0;

	while (*text != '\0' && *text != '&' && *text != '?' && *text != ' ' && n + 1 < KEY_BYTES) {
		if (*text == '%' && text[1] != '\0' && text[2] != '\0') {
			memcpy(digits, text + 1, 2);
			out[n++] = (char)strtoul(digits, NULL, 16);
			text += 3;
		} else
			out[n++] = *text++;
	}
	out[n] = '\0';
}

/* A parameter of the query, decoded; "" where it is not there. Returns out. */
static char *
parameter(const char *target, const char *name, char out[KEY_BYTES])
{
	const size_t n = strlen(name);
	const char *at = strchr(target, '?');

	out[0] = '\0';
	for (; at != NULL; at = strchr(at + 1, '&'))
		if (strncmp(at + 1, name, n) == 0 && at[1 + n] == '=') {
			decode(at + 1 + n + 1, out);
			break;
		}
	return out;
}

static const char *
date_of(time_t s, const char *format, char out[64])
{
	struct tm tm;

	(void)strftime(out, 64, format, gmtime_r(&s, &tm));
	return out;
}

static void
say_head(struct http_conn *c, const char *status, const char *type, uint64_t length,
    const struct object *o)
{
	char now[64], put[64];

	http_say(c, "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\n", status,
	    date_of(time(NULL), "%a, %d %b %Y %H:%M:%S GMT", now), type, (unsigned long long)length);
	if (o != NULL)
		http_say(c, "Last-Modified: %s\r\nETag: \"%016llx\"\r\n",
		    date_of(o->put_s, "%a, %d %b %Y %H:%M:%S GMT", put),
		    (unsigned long long)o->size);
}

static bool
refuse(struct http_conn *c, const char *method, const char *status, const char *code)
{
	char body[256];

	(void)snprintf(body, sizeof body, "<?xml version=\"1.0\"?><Error><Code>%s</Code></Error>", code);
	say_head(c, status, "application/xml", strlen(body), NULL);
	http_say(c, "\r\n%s", strcmp(method, "HEAD") == 0 ? "" : body);
	return true;
}

static char *
read_body(struct http_conn *c, uint64_t n)
{
	char *body = n <= KEPT_BYTES ? malloc((size_t)n + 1) : NULL;

	if (body != NULL)
		(void)http_read_body(c, body, (size_t)n);
	else
		http_drop_body(c);
	return body;
}

static bool
put(struct bucket *b, struct http_conn *c, const struct http_seen *q, const char *key)
{
	char condition[16];
	const bool if_absent = strcmp(http_seen_header(q, "If-None-Match", condition,
					  sizeof condition), "*") == 0;
	char *body = read_body(c, q->content_length);
	struct object *o, said;

	pthread_mutex_lock(&b->lock);
	o = find(b, key);
	if (o != NULL && if_absent) {
		pthread_mutex_unlock(&b->lock);
		free(body);
		return refuse(c, q->method, "412 Precondition Failed", "PreconditionFailed");
	}
	if (o == NULL)
		o = make(b, key);
	free(o->body);
	o->body = body;
	o->size = q->content_length;
	o->put_s = time(NULL);
	said = *o;
	pthread_mutex_unlock(&b->lock);
	say_head(c, "200 OK", "application/xml", 0, &said);
	http_say(c, "\r\n");
	return true;
}

/* The part that a Range header asks for, of size bytes. */
static void
range_of(const struct http_seen *q, uint64_t size, uint64_t *from, uint64_t *n)
{
	char range[64], *end;

	*from = 0;
	*n = size;
	if (strncmp(http_seen_header(q, "Range", range, sizeof range), "bytes=", 6) != 0)
		return;
	*from = strtoull(range + 6, &end, 10);
	*from = *from < size ? *from : size;
	*n = size - *from;
	if (*end == '-' && end[1] != '\0' && strtoull(end + 1, NULL, 10) + 1 - *from < *n)
		*n = strtoull(end + 1, NULL, 10) + 1 - *from;
}

static bool
get(struct bucket *b, struct http_conn *c, const struct http_seen *q, const char *key)
{
	const bool head = strcmp(q->method, "HEAD") == 0;
	struct object said = {.key = NULL};
	const struct object *o;
	char *body = NULL;
	uint64_t from, n;

	pthread_mutex_lock(&b->lock);
	if ((o = find(b, key)) != NULL) {
		said = *o;
		if (!head && o->body != NULL && (body = malloc((size_t)o->size + 1)) != NULL)
			memcpy(body, o->body, (size_t)o->size);
	}
	pthread_mutex_unlock(&b->lock);
	if (o == NULL)
		return refuse(c, q->method, "404 Not Found", "NoSuchKey");
	if (!head && body == NULL)
		return refuse(c, q->method, "400 Bad Request", "Forgotten");
	range_of(q, said.size, &from, &n);
	say_head(c, n < said.size ? "206 Partial Content" : "200 OK", "application/octet-stream", n,
	    &said);
	if (n < said.size)
		http_say(c, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)from,
		    (unsigned long long)(from + n - 1), (unsigned long long)said.size);
	http_say(c, "\r\n");
	if (!head)
		http_say_bytes(c, body + from, (size_t)n);
	free(body);
	return true;
}

/* Up to the first '/' behind n bytes of the key; false: there is none. */
static bool
child_of(const char *key, size_t n, char out[KEY_BYTES])
{
	const char *slash = strchr(key + n, '/');

	if (slash == NULL)
		return false;
	(void)snprintf(out, KEY_BYTES, "%.*s", (int)(slash + 1 - key), key);
	return true;
}

static bool
list(struct bucket *b, struct http_conn *c, const struct http_seen *q)
{
	char prefix[KEY_BYTES], after[KEY_BYTES], child[KEY_BYTES], when[64], *xml = NULL;
	size_t n = 0, at, begun, shown = 0;
	bool more = false;
	FILE *out = open_memstream(&xml, &n);

	if (out == NULL)
		out_of_memory();
	parameter(q->target, "prefix", prefix);
	if (parameter(q->target, "continuation-token", after)[0] == '\0')
		parameter(q->target, "start-after", after);
	fputs("<?xml version=\"1.0\"?><ListBucketResult>", out);
	pthread_mutex_lock(&b->lock);
	at = position(b, strcmp(after, prefix) > 0 ? after : prefix);
	if (at < b->n && strcmp(b->objects[at].key, after) == 0)
		at++;
	begun = at;
	for (; at < b->n && strncmp(b->objects[at].key, prefix, strlen(prefix)) == 0; at++) {
		if (parameter(q->target, "delimiter", child)[0] != '\0' &&
		    child_of(b->objects[at].key, strlen(prefix), child)) {
			if (at > begun && strncmp(b->objects[at - 1].key, child, strlen(child)) == 0)
				continue;
			if ((more = shown == PAGE_KEYS))
				break;
			shown++;
			fprintf(out, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", child);
			continue;
		}
		if ((more = shown == PAGE_KEYS))
			break;
		shown++;
		fprintf(out, "<Contents><Key>%s</Key><LastModified>%s</LastModified><Size>%llu</Size>"
			     "<ETag>&quot;0&quot;</ETag></Contents>",
		    b->objects[at].key,
		    date_of(b->objects[at].put_s, "%Y-%m-%dT%H:%M:%S.000Z", when),
		    (unsigned long long)b->objects[at].size);
	}
	fprintf(out, "<KeyCount>%zu</KeyCount><IsTruncated>%s</IsTruncated>", shown,
	    more ? "true" : "false");
	if (more)
		fprintf(out, "<NextContinuationToken>%s</NextContinuationToken>",
		    b->objects[at - 1].key);
	pthread_mutex_unlock(&b->lock);
	fputs("</ListBucketResult>", out);
	if (fclose(out) != 0)
		out_of_memory();
	say_head(c, "200 OK", "application/xml", n, NULL);
	http_say(c, "\r\n");
	http_say_bytes(c, xml, n);
	free(xml);
	return true;
}

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	const char *slash = strchr(q->target + 1, '/');
	struct bucket *b = arg;
	char key[KEY_BYTES] = "";

	if (slash != NULL)
		decode(slash + 1, key);
	if (strcmp(q->method, "PUT") == 0)
		return put(b, c, q, key);
	if (strcmp(q->method, "DELETE") == 0) {
		pthread_mutex_lock(&b->lock);
		drop(b, key);
		pthread_mutex_unlock(&b->lock);
		say_head(c, "204 No Content", "application/xml", 0, NULL);
		http_say(c, "\r\n");
		return true;
	}
	if (key[0] == '\0')
		return list(b, c, q);
	return get(b, c, q, key);
}

int
main(void)
{
	struct bucket b = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct http_server *s = http_server_start(play, &b);
	char waste[64];

	printf("http://127.0.0.1:%u\n", http_server_port(s));
	fflush(stdout);
	while (read(STDIN_FILENO, waste, sizeof waste) > 0)
		continue;
	http_server_stop(s);
	while (b.n > 0)
		drop(&b, b.objects[b.n - 1].key);
	free(b.objects);
	return 0;
}
