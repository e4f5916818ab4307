#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/traffic/replay.h"

#define DEPTH_MAX 64u

struct comparing {
	const struct mf_replay_request *request;
	double tolerance;
	char path[MF_REPLAY_PATH_BYTES]; /* of what is being looked at; cut where it is longer */
	size_t path_bytes;
	unsigned depth;
	struct mf_replay_difference *worst;
	bool differs;
};

static void
show(const json_t *value, char out[64])
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	mf_text_escape(out, 64, text != NULL ? text : "nothing");
	free(text);
}

static void
differ(struct comparing *c, const json_t *left, const json_t *right, double difference)
{
	struct mf_replay_difference *w = c->worst;

	if (c->differs && !(difference > w->difference))
		return;
	c->differs = true;
	w->difference = difference;
	mf_text_escape(w->path, sizeof w->path, c->path);
	show(left, w->left);
	show(right, w->right);
}

/* Append a step to the path; what does not fit is not told. Returns what to give to leave. */
static size_t
enter(struct comparing *c, const char *key, size_t index)
{
	const size_t before = c->path_bytes;
	const size_t room = sizeof c->path - before;
	int n = key != NULL ? snprintf(c->path + before, room, "%s%s", before > 0 ? "." : "", key)
			    : snprintf(c->path + before, room, "[%zu]", index);

	c->path_bytes = n > 0 && (size_t)n < room ? before + (size_t)n : sizeof c->path - 1;
	c->depth++;
	return before;
}

static void
leave(struct comparing *c, size_t before)
{
	c->path_bytes = before;
	c->path[before] = '\0';
	c->depth--;
}

static bool
is_ignored(const struct comparing *c, const char *key)
{
	size_t i;

	for (i = 0; i < c->request->n_ignored; i++)
		if (strcmp(c->request->ignored[i], key) == 0)
			return true;
	return false;
}

/* NOLINTBEGIN(misc-no-recursion): DEPTH_MAX ends it */
static void look(struct comparing *c, const json_t *left, const json_t *right);

static void
look_at_members(struct comparing *c, const json_t *left, const json_t *right)
{
	const char *key;
	json_t *value;
	size_t before;

	json_object_foreach((json_t *)(uintptr_t)left, key, value)
	{
		if (is_ignored(c, key))
			continue;
		before = enter(c, key, 0);
		look(c, value, json_object_get(right, key));
		leave(c, before);
	}
	json_object_foreach((json_t *)(uintptr_t)right, key, value)
	{
		if (is_ignored(c, key) || json_object_get(left, key) != NULL)
			continue;
		before = enter(c, key, 0);
		differ(c, NULL, value, INFINITY);
		leave(c, before);
	}
}

static void
look_at_items(struct comparing *c, const json_t *left, const json_t *right)
{
	const size_t n = json_array_size(left);
	size_t i, before;

	if (n != json_array_size(right)) {
		differ(c, left, right, INFINITY);
		return;
	}
	for (i = 0; i < n; i++) {
		before = enter(c, NULL, i);
		look(c, json_array_get(left, i), json_array_get(right, i));
		leave(c, before);
	}
}

static void
look_at_numbers(struct comparing *c, const json_t *left, const json_t *right)
{
	const double a = json_number_value(left), b = json_number_value(right);
	const double scale = fmax(1, fmax(fabs(a), fabs(b)));
	const double difference = fabs(a - b) / scale;

	if (json_is_integer(left) && json_is_integer(right) &&
	    json_integer_value(left) == json_integer_value(right))
		return;
	if (!(difference <= c->tolerance) ||
	    (c->tolerance <= 0 && json_is_integer(left) && json_is_integer(right)))
		differ(c, left, right, difference);
}

static void
look(struct comparing *c, const json_t *left, const json_t *right)
{
	if (left == NULL || right == NULL || c->depth > DEPTH_MAX) {
		differ(c, left, right, INFINITY);
		return;
	}
	if (json_is_number(left) && json_is_number(right))
		look_at_numbers(c, left, right);
	else if (json_is_object(left) && json_is_object(right))
		look_at_members(c, left, right);
	else if (json_is_array(left) && json_is_array(right))
		look_at_items(c, left, right);
	else if (!json_equal(left, right))
		differ(c, left, right, INFINITY);
}
/* NOLINTEND(misc-no-recursion) */

static void
not_the_same(struct mf_replay_difference *w, const void *left, size_t left_bytes, const void *right,
    size_t right_bytes)
{
	w->difference = INFINITY;
	w->path[0] = '\0';
	(void)snprintf(w->left, sizeof w->left, "%zu bytes", left_bytes);
	(void)snprintf(w->right, sizeof w->right, "%zu bytes%s", right_bytes,
	    left_bytes == right_bytes && left != right ? ", others" : "");
}

bool
mf_replay_agree(const struct mf_replay_request *request, double tolerance, const void *left,
    size_t left_bytes, const void *right, size_t right_bytes, struct mf_replay_difference *worst)
{
	const size_t flags = JSON_DECODE_ANY;
	struct comparing c = {.request = request, .tolerance = tolerance, .worst = worst};
	json_t *a = left_bytes > 0 ? json_loadb(left, left_bytes, flags, NULL) : NULL;
	json_t *b = right_bytes > 0 ? json_loadb(right, right_bytes, flags, NULL) : NULL;
	bool same;

	*worst = (struct mf_replay_difference){.line = request->line};
	if (a != NULL && b != NULL) {
		look(&c, a, b);
		same = !c.differs;
	} else {
		same = left_bytes == right_bytes &&
		       (left_bytes == 0 || memcmp(left, right, left_bytes) == 0);
		if (!same)
			not_the_same(worst, left, left_bytes, right, right_bytes);
	}
	json_decref(a);
	json_decref(b);
	return same;
}
