/* Objects in memory, in the order of their paths. Whoever shares them locks for himself. */
#ifndef TESTS_HARNESS_OBJECTS_H
#define TESTS_HARNESS_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct harness_object {
	struct harness_object *next;
	char *path; /* "bucket/key" */
	uint8_t *bytes;
	size_t n;
	time_t changed;
	char *head; /* of the put */
	char etag[64]; /* filled in by whoever puts it */
};

/* Where the object of that path is or would be. */
struct harness_object **harness_find(struct harness_object **first, const char *path);
bool harness_is_there(struct harness_object *const *at, const char *path);
/* Put an object at that place, instead of one that is there. bytes become its own. */
struct harness_object *harness_keep(struct harness_object **at, const char *path, const char *head,
    uint8_t *bytes, size_t n, time_t now);
void harness_forget(struct harness_object **at);

#endif
