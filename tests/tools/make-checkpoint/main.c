#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoint.h"

static const char usage[] =
    "usage: make-checkpoint OUT [--kind safetensors|pytorch|gguf|npz|mixed]\n"
    "           [--dtype bf16|f16|f32|f8] [--size SIZE] [--shards N] [--seed K]\n"
    "           [--zero PERCENT] [--repeat PERCENT]\n"
    "       make-checkpoint OUT --next FROM [--frozen PERCENT] [--touched PERCENT] [--seed K]\n"
    "\n"
    "Writes a model checkpoint that looks real into the directory OUT, which is made or empty.\n"
    "The same options give the same bytes. Defaults: safetensors, bf16, 256M, shards by size,\n"
    "seed 1, nothing zero, nothing repeated.\n"
    "  --zero P     P % of the tensors' bytes, in pieces of up to 1 MiB, are zero\n"
    "  --repeat P   tensors with P % of the bytes hold the same numbers as another one\n"
    "  --next FROM  the version that follows FROM, a checkpoint that this program made (its\n"
    "               recipe is in trainer_state.json): tensors that are not frozen (80 %) move\n"
    "               a little in every element; of the frozen ones 5 % (--touched) change in one\n"
    "               contiguous tenth; a tensor is inserted before all others\n";

static void
make_directory(const char *path)
{
	struct dirent *d;
	DIR *dir;

	if (mkdir(path, 0755) == 0)
		return;
	dir = opendir(path);
	if (dir == NULL)
		die("%s: %s", path, strerror(errno));
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			die("%s is not empty", path);
	closedir(dir);
}

/* Half of it weights, the rest optimizer state and other people's formats. */
static void
write_mixed(const char *dir, const struct recipe *r, struct layout *l, unsigned shards)
{
	struct layout other;
	struct recipe float32 = *r;

	safetensors_write(dir, r, l, shards);
	layout_optimizer(&other, r, r->size_bytes / 10 * 3);
	pytorch_write(dir, r, &other, "optimizer", 1);
	layout_free(&other);
	layout_model(&other, r, KIND_GGUF, r->size_bytes / 10);
	gguf_write(dir, r, &other);
	layout_free(&other);
	float32.dtype = F32;
	layout_model(&other, &float32, KIND_NPZ, r->size_bytes / 10);
	npz_write(dir, r, &other);
	layout_free(&other);
}

static void
write_checkpoint(const char *dir, const struct recipe *r)
{
	uint64_t bytes = r->kind == KIND_MIXED ? r->size_bytes / 2 : r->size_bytes;
	unsigned shards = r->shards;
	struct layout l;

	if (shards == 0)
		shards = bytes < (64u << 20) ? 1 : 2 + (unsigned)(bytes >> 32);
	make_directory(dir);
	layout_model(&l, r, r->kind, bytes);
	switch (r->kind) {
	case KIND_SAFETENSORS: safetensors_write(dir, r, &l, shards); break;
	case KIND_PYTORCH: pytorch_write(dir, r, &l, "pytorch_model", shards); break;
	case KIND_GGUF: gguf_write(dir, r, &l); break;
	case KIND_NPZ: npz_write(dir, r, &l); break;
	case KIND_MIXED: write_mixed(dir, r, &l, shards); break;
	}
	text_write(dir, r, &l);
	layout_free(&l);
}

struct options {
	struct recipe recipe;
	struct step step;
	const char *next;
	bool has_seed, has_shape;
};

static void
take_option(struct options *o, int c, const char *value)
{
	struct recipe *r = &o->recipe;

	o->has_shape |= strchr("kdSnzr", c) != NULL;
	switch (c) {
	case 'k': r->kind = parse_kind(value); break;
	case 'd': r->dtype = parse_dtype(value); break;
	case 'S': r->size_bytes = parse_size(value); break;
	case 'n': r->shards = (unsigned)strtoul(value, NULL, 10); break;
	case 's':
		r->seed = strtoull(value, NULL, 10);
		o->has_seed = true;
		break;
	case 'z': r->zero = parse_percent(value); break;
	case 'r': r->repeat = parse_percent(value); break;
	case 'N': o->next = value; break;
	case 'f': o->step.frozen = parse_percent(value); break;
	case 't': o->step.touched = parse_percent(value); break;
	case 'h': fputs(usage, stdout); exit(0);
	default: fputs(usage, stderr); exit(2);
	}
}

int
main(int argc, char **argv)
{
	static const struct option table[] = {{"kind", 1, NULL, 'k'}, {"dtype", 1, NULL, 'd'},
	    {"size", 1, NULL, 'S'}, {"shards", 1, NULL, 'n'}, {"seed", 1, NULL, 's'},
	    {"zero", 1, NULL, 'z'}, {"repeat", 1, NULL, 'r'}, {"next", 1, NULL, 'N'},
	    {"frozen", 1, NULL, 'f'}, {"touched", 1, NULL, 't'}, {"help", 0, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	struct options o = {.recipe = {.size_bytes = 256u << 20, .seed = 1},
	    .step = {.frozen = 80, .touched = 5}};
	uint64_t seed;
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
		take_option(&o, c, optarg);
	if (optind + 1 != argc || (o.next != NULL && o.has_shape) || o.recipe.shards > 99999) {
		fputs(usage, stderr);
		return 2;
	}
	if (o.next != NULL) {
		seed = o.recipe.seed;
		recipe_read(&o.recipe, o.next);
		if (o.recipe.n_steps == MAX_STEPS)
			die("%s: too many versions", o.next);
		o.step.seed = o.has_seed ? seed : o.recipe.n_steps + 1;
		o.recipe.steps[o.recipe.n_steps++] = o.step;
	}
	write_checkpoint(argv[optind], &o.recipe);
	return 0;
}
