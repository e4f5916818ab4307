#include "tests/unit/base/resident.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

size_t
pages_of(const char *path)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return ((size_t)st.st_size + page - 1) / page;
}

size_t
resident_pages(const char *path)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), n = pages_of(path);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *is = calloc(n, 1);
	size_t i, resident = 0;
	void *at;

	assert_true(fd >= 0);
	assert_non_null(is);
	at = mmap(NULL, n * page, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(at != MAP_FAILED);
	assert_int_equal(mincore(at, n * page, is), 0);
	for (i = 0; i < n; i++)
		resident += is[i] & 1;
	munmap(at, n * page);
	free(is);
	close(fd);
	return resident;
}
