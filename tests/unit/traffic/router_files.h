/*
 * Files for tests of routers, and the examples of modelferry-routers(7).
 */
#ifndef TESTS_UNIT_TRAFFIC_ROUTER_FILES_H
#define TESTS_UNIT_TRAFFIC_ROUTER_FILES_H

#include <stddef.h>

#include "tests/unit/transfers/scratch.h"

#define PATH_BYTES (SCRATCH_PATH + 100)

void put_file(const char *path, const char *text);
/* The text, cut where it is longer. Returns out. */
const char *get_file(const char *path, char *out, size_t bytes);
/* The example of that name, as it stands in the page, into a file. */
void take_example(const char *name, const char *path);

#endif
