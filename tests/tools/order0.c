/*
 * The order-0 bound of checkpoints: what an entropy coder without any context can reach when
 * the exponents are coded and the mantissas are stored raw.
 *
 *	order0 [--dtype bf16|f16|f32|f8] PATH...
 *
 * Tensors are cut in chunks of 8 MiB from their starts. In a chunk of bf16 or f32 each float's
 * exponent (8 bits) costs the chunk's entropy of exponents, sign and mantissa cost their
 * bits; of f16 it is the byte of exponent and three bits of mantissa; of 8-bit floats, and
 * everything that is no float, the byte. safetensors files say what they hold; files of another
 * name are taken as --dtype, or as bytes where it is not given (text then has a bound that a
 * dictionary coder passes easily). One line for each file, and one with the sum:
 * input bytes, bound in bytes, per cent, name.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES (8u << 20)

struct sum {
	uint64_t input;
	double bound;
};

static void
fail(const char *what)
{
	fprintf(stderr, "order0: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
entropy_bits(const uint64_t *count, uint64_t n)
{
	double bits = 0;
	unsigned i;

	for (i = 0; i < 256; i++)
		if (count[i] != 0)
			bits -= (double)count[i] * log2((double)count[i] / (double)n);
	return bits;
}

/* The byte that is coded of each element, `width` bytes each; the others are stored. */
static double
chunk_bound(const uint8_t *p, uint64_t bytes, unsigned width, bool is_float)
{
	uint64_t count[256] = {0}, n = bytes / width, i;
	const uint8_t *hi;

	for (i = 0; i < n; i++) {
		hi = p + i * width + width - 1;
		count[width > 1 && is_float ? (uint8_t)(*hi << 1 | hi[-1] >> 7) : *hi]++;
	}
	return entropy_bits(count, n) / 8 + (double)(bytes - n);
}

static void
add_range(struct sum *s, const uint8_t *p, uint64_t bytes, unsigned width, bool is_float)
{
	uint64_t n;

	for (; bytes != 0; p += n, bytes -= n) {
		n = bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;
		s->bound += chunk_bound(p, n, width, is_float);
		s->input += n;
	}
}

static unsigned
width_of(const char *dtype)
{
	if (strncasecmp(dtype, "bf16", 4) == 0 || strncasecmp(dtype, "f16", 3) == 0)
		return 2;
	return strncasecmp(dtype, "f32", 3) == 0 ? 4 : 1;
}

static bool
add_safetensors(struct sum *s, const uint8_t *p, uint64_t size)
{
	uint64_t header, from, to, end = 0;
	char *json, *at, *dtype;

	if (size < 8)
		return false;
	memcpy(&header, p, 8);
	if (header > size - 8 || header > (100u << 20) || p[8] != '{')
		return false;
	json = strndup((const char *)p + 8, header);
	if (json == NULL)
		fail("memory");
	for (at = json; (at = strstr(at, "\"data_offsets\":[")) != NULL; at++) {
		for (dtype = at; dtype > json && strncmp(dtype, "\"dtype\":\"", 9) != 0; dtype--)
			;
		if (sscanf(at + 16, "%" SCNu64 ",%" SCNu64, &from, &to) != 2 || from > to ||
		    to > size - 8 - header)
			break;
		add_range(s, p + 8 + header + from, to - from, width_of(dtype + 9), true);
		end = to > end ? to : end;
	}
	free(json);
	add_range(s, p, 8 + header, 1, false);
	add_range(s, p + 8 + header + end, size - 8 - header - end, 1, false);
	return true;
}

static void
report(const char *name, const struct sum *s)
{
	printf("%" PRIu64 "\t%.0f\t%.2f\t%s\n", s->input, s->bound,
	    s->input == 0 ? 0 : 100 * s->bound / (double)s->input, name);
}

static void
add_file(struct sum *total, const char *path, const char *dtype)
{
	struct sum s = {0};
	struct stat st;
	const char *dot = strrchr(path, '.');
	uint8_t *p = NULL;
	int fd = open(path, O_RDONLY);

	if (fd == -1 || fstat(fd, &st) == -1)
		fail(path);
	if (st.st_size != 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			fail(path);
		if (dot == NULL || strcmp(dot, ".safetensors") != 0 ||
		    !add_safetensors(&s, p, (uint64_t)st.st_size)) {
			bool text = dot != NULL && strcmp(dot, ".json") == 0;

			s = (struct sum){0};
			add_range(&s, p, (uint64_t)st.st_size,
			    dtype == NULL || text ? 1 : width_of(dtype), !text);
		}
		munmap(p, (size_t)st.st_size);
	}
	close(fd);
	report(path, &s);
	total->input += s.input;
	total->bound += s.bound;
}

static void
add_path(struct sum *total, const char *path, const char *dtype)
{
	struct dirent *d;
	struct stat st;
	char name[4096];
	DIR *dir;

	if (stat(path, &st) == -1)
		fail(path);
	if (!S_ISDIR(st.st_mode)) {
		add_file(total, path, dtype);
		return;
	}
	dir = opendir(path);
	if (dir == NULL)
		fail(path);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, d->d_name);
		add_path(total, name, dtype);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	struct sum total = {0};
	const char *dtype = NULL;
	int i = 1;

	if (argc > 2 && strcmp(argv[1], "--dtype") == 0) {
		dtype = argv[2];
		i = 3;
	}
	if (i >= argc) {
		fprintf(stderr, "usage: order0 [--dtype bf16|f16|f32|f8] PATH...\n");
		return 2;
	}
	for (; i < argc; i++)
		add_path(&total, argv[i], dtype);
	report("total", &total);
	return 0;
}
