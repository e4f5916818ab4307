#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"

#define MAX_THREADS 16

void
die(const char *fmt, ...)
{
	va_list ap;

	fputs("make-checkpoint: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *
need(void *p)
{
	if (p == NULL)
		die("out of memory");
	return p;
}

void
put(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n > b->room) {
		b->room = (b->n + n) * 2;
		b->at = need(realloc(b->at, b->room));
	}
	if (n != 0)
		memcpy(b->at + b->n, p, n);
	b->n += n;
}

void
put_text(struct bytes *b, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		die("a line is too long");
	put(b, line, (size_t)n);
}

void
put_le(struct bytes *b, uint64_t v, unsigned width)
{
	uint8_t le[8];
	unsigned i;

	for (i = 0; i < width; i++)
		le[i] = (uint8_t)(v >> (8 * i));
	put(b, le, width);
}

int
out_create(const char *dir, const char *name, uint64_t size)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd == -1 || (size != 0 && ftruncate(fd, (off_t)size) == -1))
		die("%s: %s", path, strerror(errno));
	return fd;
}

void
out_write(int fd, const void *p, size_t n, uint64_t offset)
{
	const uint8_t *at = p;
	ssize_t done;

	for (; n != 0; at += done, n -= (size_t)done, offset += (uint64_t)done) {
		done = pwrite(fd, at, n, (off_t)offset);
		if (done == -1 && errno == EINTR)
			done = 0;
		if (done == -1)
			die("writing: %s", strerror(errno));
	}
}

void
out_close(int fd)
{
	if (close(fd) == -1)
		die("writing: %s", strerror(errno));
}

void
out_file(const char *dir, const char *name, const struct bytes *b)
{
	int fd = out_create(dir, name, 0);

	out_write(fd, b->at, b->n, 0);
	out_close(fd);
}

static uint32_t crc_table[8][256];

/* Slicing by 8, after M. Kounavis and F. Berry; the polynomial of ISO 3309. */
static void
crc32_prepare(void)
{
	uint32_t i, k, c;

	for (i = 0; i < 256; i++) {
		for (c = i, k = 0; k < 8; k++)
			c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
		crc_table[0][i] = c;
	}
	for (i = 0; i < 256; i++)
		for (k = 1; k < 8; k++)
			crc_table[k][i] = crc_table[0][crc_table[k - 1][i] & 0xff] ^
			    (crc_table[k - 1][i] >> 8);
}

uint32_t
crc32_of(uint32_t crc, const void *p, size_t n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const uint8_t *at = p;
	uint64_t x;

	pthread_once(&once, crc32_prepare);
	crc = ~crc;
	for (; n >= 8; n -= 8, at += 8) {
		memcpy(&x, at, 8);
		x ^= crc;
		crc = crc_table[7][x & 0xff] ^ crc_table[6][(x >> 8) & 0xff] ^
		    crc_table[5][(x >> 16) & 0xff] ^ crc_table[4][(x >> 24) & 0xff] ^
		    crc_table[3][(x >> 32) & 0xff] ^ crc_table[2][(x >> 40) & 0xff] ^
		    crc_table[1][(x >> 48) & 0xff] ^ crc_table[0][x >> 56];
	}
	for (; n != 0; n--, at++)
		crc = crc_table[0][(crc ^ *at) & 0xff] ^ (crc >> 8);
	return ~crc;
}

/* What the threads share: the next piece of work is a block, or a whole tensor where its CRC
 * is wanted. */
struct work {
	pthread_mutex_t lock;
	int fd;
	const struct recipe *recipe;
	struct extent *extents;
	size_t n, at;
	uint64_t block;
	bool want_crc;
};

static uint64_t
blocks_of(const struct tensor *t)
{
	return (tensor_elements(t) + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS;
}

static bool
take_work(struct work *w, struct extent **x, uint64_t *from, uint64_t *to)
{
	bool any;

	pthread_mutex_lock(&w->lock);
	any = w->at < w->n;
	if (any) {
		*x = &w->extents[w->at];
		*from = w->block;
		*to = w->want_crc ? blocks_of((*x)->tensor) : w->block + 1;
		w->block = *to;
		if (w->block >= blocks_of((*x)->tensor)) {
			w->at++;
			w->block = 0;
		}
	}
	pthread_mutex_unlock(&w->lock);
	return any;
}

static void *
run(void *arg)
{
	struct work *w = arg;
	struct source *source = source_new(w->recipe);
	uint8_t *bytes = need(malloc(BLOCK_ELEMENTS * sizeof(float)));
	uint64_t from, to, full;
	struct extent *x;
	struct tensor one;
	size_t n;

	while (take_work(w, &x, &from, &to)) {
		one = *x->tensor;
		one.dims = 1;
		one.shape[0] = BLOCK_ELEMENTS;
		full = tensor_bytes(&one);
		for (; from < to; from++) {
			n = source_block(source, x->tensor, from, bytes);
			if (w->want_crc)
				x->crc = crc32_of(x->crc, bytes, n);
			out_write(w->fd, bytes, n, x->offset + from * full);
		}
	}
	free(bytes);
	source_free(source);
	return NULL;
}

void
out_tensors(int fd, const struct recipe *r, struct extent *x, size_t n, bool want_crc)
{
	struct work w = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = fd, .recipe = r, .extents = x,
	    .n = n, .want_crc = want_crc};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread[MAX_THREADS];
	int i, threads = cpus < 1 ? 1 : cpus > MAX_THREADS ? MAX_THREADS : (int)cpus;

	for (i = 1; i < threads; i++)
		if (pthread_create(&thread[i], NULL, run, &w) != 0)
			die("cannot start a thread");
	run(&w);
	for (i = 1; i < threads; i++)
		pthread_join(thread[i], NULL);
}
