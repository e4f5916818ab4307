#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"

static const char *const kinds[] = {"safetensors", "pytorch", "gguf", "npz", "mixed"};
static const char *const dtypes[] = {"bf16", "f16", "f32", "f8"};

static unsigned
find(const char *text, const char *const *names, size_t n, const char *what)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(text, names[i]) == 0)
			return (unsigned)i;
	die("unknown %s '%s'", what, text);
}

enum kind
parse_kind(const char *text)
{
	return (enum kind)find(text, kinds, 5, "kind");
}

enum dtype
parse_dtype(const char *text)
{
	return (enum dtype)find(text, dtypes, 4, "dtype");
}

const char *
dtype_name(enum dtype d)
{
	return dtypes[d <= F8 ? d : 0];
}

uint64_t
parse_size(const char *text)
{
	static const char units[] = "kmgt";
	const char *unit;
	char *end;
	double v = strtod(text, &end);

	if (end == text || v <= 0 || v > 1e15)
		die("'%s' is no size", text);
	if (*end != '\0' && (unit = strchr(units, tolower((unsigned char)*end))) != NULL) {
		for (; unit >= units; unit--)
			v *= 1024;
		end++;
		if (strcmp(end, "iB") == 0 || strcmp(end, "B") == 0)
			end += strlen(end);
	}
	if (*end != '\0')
		die("'%s' is no size", text);
	return (uint64_t)v;
}

unsigned
parse_percent(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || v > 100 || (*end != '\0' && strcmp(end, "%") != 0))
		die("'%s' is no percentage", text);
	return (unsigned)v;
}

void
recipe_format(const struct recipe *r, char *out, size_t out_bytes)
{
	unsigned i;
	size_t n;

	snprintf(out, out_bytes, "kind=%s dtype=%s size=%" PRIu64 " shards=%u seed=%" PRIu64
	    " zero=%u repeat=%u", kinds[r->kind], dtypes[r->dtype], r->size_bytes, r->shards,
	    r->seed, r->zero, r->repeat);
	for (i = 0; i < r->n_steps; i++) {
		n = strlen(out);
		snprintf(out + n, out_bytes - n, " next=%u:%u:%" PRIu64, r->steps[i].frozen,
		    r->steps[i].touched, r->steps[i].seed);
	}
}

void
recipe_parse(struct recipe *r, const char *text)
{
	char kind[16], dtype[16];
	int used = 0;

	*r = (struct recipe){0};
	if (sscanf(text, "kind=%15s dtype=%15s size=%" SCNu64 " shards=%u seed=%" SCNu64
	    " zero=%u repeat=%u%n", kind, dtype, &r->size_bytes, &r->shards, &r->seed, &r->zero,
	    &r->repeat, &used) != 7)
		die("this recipe cannot be read: %s", text);
	r->kind = parse_kind(kind);
	r->dtype = parse_dtype(dtype);
	for (text += used; r->n_steps < MAX_STEPS; text += used, r->n_steps++) {
		struct step *s = &r->steps[r->n_steps];

		if (sscanf(text, " next=%u:%u:%" SCNu64 "%n", &s->frozen, &s->touched, &s->seed,
		    &used) != 3)
			break;
	}
}

void
recipe_read(struct recipe *r, const char *dir)
{
	static const char mark[] = "\"recipe\": \"";
	char path[4096], line[8192], *at;
	FILE *f;

	snprintf(path, sizeof path, "%s/trainer_state.json", dir);
	f = fopen(path, "r");
	if (f == NULL)
		die("%s: not a checkpoint that this program made", path);
	while (fgets(line, sizeof line, f) != NULL) {
		at = strstr(line, mark);
		if (at == NULL)
			continue;
		fclose(f);
		at += strlen(mark);
		at[strcspn(at, "\"")] = '\0';
		recipe_parse(r, at);
		return;
	}
	die("%s: no recipe in it", path);
}
