/* How much of a file lies in the page cache. */
#ifndef TESTS_UNIT_BASE_RESIDENT_H
#define TESTS_UNIT_BASE_RESIDENT_H

#include <stddef.h>

/* In pages, of the whole file at path; fails the test where that cannot be told. */
size_t resident_pages(const char *path);
/* In pages, how long it is. */
size_t pages_of(const char *path);

#endif
