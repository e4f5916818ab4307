#include "config.h"

#include "tests/harness/objects.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/http_words.h"

struct harness_object **
harness_find(struct harness_object **first, const char *path)
{
	struct harness_object **at = first;

	while (*at != NULL && strcmp((*at)->path, path) < 0)
		at = &(*at)->next;
	return at;
}

bool
harness_is_there(struct harness_object *const *at, const char *path)
{
	return *at != NULL && strcmp((*at)->path, path) == 0;
}

void
harness_forget(struct harness_object **at)
{
	struct harness_object *o = *at;

	*at = o->next;
	free(o->path);
	free(o->bytes);
	free(o->head);
	free(o);
}

struct harness_object *
harness_keep(struct harness_object **at, const char *path, const char *head, uint8_t *bytes,
    size_t n, time_t now)
{
	struct harness_object *o = calloc(1, sizeof *o);

	if (o == NULL || (o->path = strdup(path)) == NULL || (o->head = strdup(head)) == NULL)
		harness_die("no memory");
	if (harness_is_there(at, path))
		harness_forget(at);
	o->next = *at;
	o->bytes = bytes;
	o->n = n;
	o->changed = now;
	return *at = o;
}
