/*
 * Where there is no libFuzzer: run a fuzz target over its corpus, or over the files and
 * directories named as arguments, and report in TAP. The corpus of tests/fuzz/fuzz_x is
 * $MF_TOP_SRCDIR/tests/fuzz/corpus/fuzz_x, or corpus/x.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX ((long)64 << 20)
#define PATH_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned n_tests;
static bool failed;

static void
replay_file(const char *path)
{
	uint8_t *data = NULL;
	bool good = false;
	size_t n = 0;
	FILE *f;
	long end;

	if ((f = fopen(path, "rb")) != NULL && fseek(f, 0, SEEK_END) == 0 &&
	    (end = ftell(f)) >= 0 && end <= INPUT_MAX && fseek(f, 0, SEEK_SET) == 0) {
		n = (size_t)end;
		/* exactly n bytes, so that a sanitizer sees the first read past the input */
		data = malloc(n > 0 ? n : 1);
		good = data != NULL && fread(data, 1, n, f) == n;
	}
	if (f != NULL)
		(void)fclose(f);
	if (good) {
		(void)LLVMFuzzerTestOneInput(data, n);
		printf("ok %u - %s\n", ++n_tests, path);
	} else {
		printf("not ok %u - cannot read %s\n", ++n_tests, path);
		failed = true;
	}
	(void)fflush(stdout); /* before an input that may crash */
	free(data);
}

static int
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* A directory's files in the order of their names, or one file. */
static void
replay(const char *path)
{
	char inner[PATH_BYTES];
	struct dirent **names;
	int n, i;

	if ((n = scandir(path, &names, visible, alphasort)) < 0) {
		replay_file(path);
		return;
	}
	for (i = 0; i < n; i++) {
		(void)snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
		free(names[i]);
		replay_file(inner);
	}
	free(names);
}

/* The corpus of this program, by either name; false: there is none. */
static bool
find_corpus(const char *program, char path[PATH_BYTES])
{
	const char *slash = strrchr(program, '/'), *top = getenv("MF_TOP_SRCDIR");
	const char *name = slash == NULL ? program : slash + 1;
	struct stat st;

	(void)snprintf(path, PATH_BYTES, "%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	if (stat(path, &st) == 0)
		return true;
	if (strncmp(name, "fuzz_", 5) != 0)
		return false;
	(void)snprintf(path, PATH_BYTES, "%s/tests/fuzz/corpus/%s", top ? top : ".", name + 5);
	return stat(path, &st) == 0;
}

int
main(int argc, char **argv)
{
	char path[PATH_BYTES];
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		if (!find_corpus(argv[0], path)) {
			printf("1..0 # SKIP no corpus\n");
			return 0;
		}
		replay(path);
	}
	printf("1..%u\n", n_tests);
	return failed;
}
