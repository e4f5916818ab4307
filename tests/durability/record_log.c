/* The recorder's log, and the way to the kernel. */
#include "tests/durability/record_int.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

struct recorder rec = {.log = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
long (*rec_syscall)(long number, ...);

void
rec_die(const char *what)
{
	static const char prefix[] = "recorder: ";

	(void)!rec_syscall(SYS_write, 2, prefix, sizeof prefix - 1);
	(void)!rec_syscall(SYS_write, 2, what, strlen(what));
	(void)!rec_syscall(SYS_write, 2, "\n", (size_t)1);
	_exit(99);
}

void
rec_find_real(void)
{
	void *p;

	if (rec_syscall != NULL)
		return;
	p = dlsym(RTLD_NEXT, "syscall");
	memcpy(&rec_syscall, &p, sizeof p);
}

void
rec_lock(void)
{
	pthread_mutex_lock(&rec.lock);
	while (flock(rec.log, LOCK_EX) != 0 && errno == EINTR)
		;
}

void
rec_unlock(void)
{
	int saved = errno;

	(void)flock(rec.log, LOCK_UN);
	pthread_mutex_unlock(&rec.lock);
	errno = saved;
}

static void
append(const void *bytes, size_t n)
{
	const char *p = bytes;
	long done;

	while (n > 0) {
		done = rec_syscall(SYS_write, rec.log, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			rec_die("cannot write the log");
		p += done;
		n -= (size_t)done;
	}
}

void
rec_note(enum power_type type, uint64_t inode, uint64_t offset, const char *path, const char *path2,
    const void *data, size_t n)
{
	struct power_record r = {.magic = POWER_MAGIC, .type = type, .inode = inode,
	    .offset = offset, .data_len = n};
	int saved = errno;

	r.path_len = path == NULL ? 0 : (uint32_t)strlen(path);
	r.path2_len = path2 == NULL ? 0 : (uint32_t)strlen(path2);
	append(&r, sizeof r);
	append(path, r.path_len);
	append(path2, r.path2_len);
	append(data, n);
	errno = saved;
}
