#include "src/sync/mirror_names.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mf_names {
	pthread_mutex_t lock;
	size_t n;
	const char *paths[]; /* guarded */
};

struct mf_names *
mf_names_new(size_t slots, struct mf_error *e)
{
	struct mf_names *n = calloc(1, sizeof *n + slots * sizeof n->paths[0]);

	if (n == NULL || pthread_mutex_init(&n->lock, NULL) != 0) {
		free(n);
		mf_error_nomem(e, "progress");
		return NULL;
	}
	n->n = slots;
	return n;
}

void
mf_names_free(struct mf_names *n)
{
	if (n == NULL)
		return;
	pthread_mutex_destroy(&n->lock);
	free(n);
}

int
mf_names_enter(struct mf_names *n, const char *path)
{
	size_t i;

	if (n == NULL)
		return -1;
	pthread_mutex_lock(&n->lock);
	for (i = 0; i < n->n && n->paths[i] != NULL; i++)
		;
	if (i < n->n)
		n->paths[i] = path;
	pthread_mutex_unlock(&n->lock);
	return i < n->n ? (int)i : -1;
}

void
mf_names_leave(struct mf_names *n, int slot)
{
	if (slot < 0)
		return;
	pthread_mutex_lock(&n->lock);
	n->paths[slot] = NULL;
	pthread_mutex_unlock(&n->lock);
}

static bool
begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t
count_characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += begins_character(*s);
	return n;
}

struct text {
	char *out;
	size_t n, room; /* room counts the NUL */
};

static void
put(struct text *t, const char *s, size_t n)
{
	for (; n > 0 && t->n + 1 < t->room; n--, s++)
		t->out[t->n++] = (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s;
	t->out[t->n] = '\0';
}

/* Behind the first n characters of s. */
static const char *
skip_characters(const char *s, size_t n)
{
	for (; n > 0 && *s != '\0'; n--)
		for (s++; !begins_character(*s); s++)
			;
	return s;
}

/* As rclone does: both ends stay, and what is between them is one character. */
static void
put_name(struct text *t, const char *path, size_t max_chars)
{
	size_t n = count_characters(path), head;

	if (max_chars == 0 || n <= max_chars) {
		put(t, path, strlen(path));
		return;
	}
	head = (max_chars - 1) / 2;
	put(t, path, (size_t)(skip_characters(path, head) - path));
	put(t, "\xe2\x80\xa6", 3);
	path = skip_characters(path, n - (max_chars - 1 - head));
	put(t, path, strlen(path));
}

const char *
mf_names_text(struct mf_names *n, size_t max_chars, char *out, size_t out_bytes)
{
	struct text t = {out, 0, out_bytes};
	size_t i;

	out[0] = '\0';
	pthread_mutex_lock(&n->lock);
	for (i = 0; i < n->n; i++) {
		if (n->paths[i] == NULL)
			continue;
		if (t.n > 0)
			put(&t, ", ", 2);
		put_name(&t, n->paths[i], max_chars);
	}
	pthread_mutex_unlock(&n->lock);
	return out;
}
