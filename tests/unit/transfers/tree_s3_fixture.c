#include "config.h"

#include "tests/unit/transfers/tree_s3_fixture.h"

#include <string.h>

void
tree_s3_begin(struct tree_s3_fixture *f, const struct s3_reply *replies, size_t n)
{
	tree_s3_begin_with(f, &(struct mf_s3_put_options){0}, replies, n);
}

void
tree_s3_begin_with(struct tree_s3_fixture *f, const struct mf_s3_put_options *put,
    const struct s3_reply *replies, size_t n)
{
	const struct mf_tree_s3_params p = {.retry = {.attempts = 3},
	    .part_bytes = 5 * MIB,
	    .parts_at_once = 1,
	    .copy_bytes_max = 8 * MIB,
	    .copy_part_bytes = 5 * MIB};
	struct mf_store *s;

	s3_world_make(&f->world, "KEYONE", "secret");
	f->world.put = *put;
	s3_script_start(&f->script, replies, n);
	s = s3_world_store(&f->world, f->script.url, "models", "a b", true);
	f->e = (struct mf_error){0};
	assert_int_equal(mf_tree_s3_take(s, &p, &f->t, &f->e), 0);
}

void
tree_s3_end(struct tree_s3_fixture *f)
{
	mf_tree_close(f->t);
	s3_world_drop(&f->world);
	s3_script_stop(&f->script);
}

unsigned
tree_s3_asked(const struct tree_s3_fixture *f)
{
	return atomic_load(&f->script.n_asked);
}

void
assert_asked(const struct tree_s3_fixture *f, unsigned nth, const char *method, const char *target)
{
	assert_true(nth < tree_s3_asked(f));
	assert_string_equal(f->script.asked[nth].method, method);
	if (strstr(f->script.asked[nth].target, target) == NULL)
		fail_msg("request %u: %s has no \"%s\"", nth, f->script.asked[nth].target, target);
}

void
assert_header(const struct tree_s3_fixture *f, unsigned nth, const char *name, const char *value)
{
	char is[1024];

	assert_string_equal(s3_script_header(&f->script, nth, name, is, sizeof is), value);
}
