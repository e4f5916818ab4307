#include "tests/unit/transfers/store_contract_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct contract_fixture *
fixture_new(const struct mf_contract_subject *subject)
{
	struct contract_fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->subject = subject;
	f->s = f->subject->make(&f->world);
	assert_non_null(f->s);
	return f;
}

static void
fixture_free(struct contract_fixture *f)
{
	mf_store_close(f->s);
	f->subject->drop(f->world);
	free(f);
}

void
contract_put_text(struct contract_fixture *f, const char *name, const char *text)
{
	assert_int_equal(mf_store_put(f->s, name, text, strlen(text), 0, &f->e), 0);
}

void
contract_assert_text(struct contract_fixture *f, const char *name, const char *text)
{
	struct mf_buf b = MF_BUF_INIT;

	assert_int_equal(mf_store_get(f->s, name, 0, 1000, &b, &f->e), 0);
	assert_int_equal(b.len, strlen(text));
	if (b.len > 0)
		assert_memory_equal(b.data, text, b.len);
	mf_buf_fini(&b);
}

int
contract_see(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct contract_seen *v = arg;
	size_t n = strlen(v->text);

	if (mtime_us <= 0)
		v->calls += 1000; /* every object has a time */
	snprintf(v->text + n, sizeof v->text - n, "%s=%llu ", name, (unsigned long long)size);
	return ++v->calls == v->stop_after;
}

static int
see_name(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct contract_seen *v = arg;
	size_t n = strlen(v->text);

	(void)size; /* may be 0 or true, and so may the time */
	(void)mtime_us;
	snprintf(v->text + n, sizeof v->text - n, "%s ", name);
	v->calls++;
	return 0;
}

/* Is `listed` "name=size " wherever `names` is "name "? */
static void
assert_names_equal(const char *names, const char *listed)
{
	size_t n;

	for (; *names != '\0'; names += n + 1, listed = strchr(listed, ' ') + 1) {
		n = strcspn(names, " ");
		assert_memory_equal(listed, names, n);
		assert_int_equal(listed[n], '=');
	}
	assert_int_equal(*listed, '\0');
}

static int
compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
contract_assert_list(struct contract_fixture *f, const char *prefix, const char *expected)
{
	char *words[64], *p, *save = NULL, sorted[1000] = "";
	struct contract_seen v = {.calls = 0}, names = {.calls = 0};
	size_t n = 0, i;

	assert_int_equal(mf_store_list(f->s, prefix, contract_see, &v, &f->e), 0);
	assert_int_equal(mf_store_list_names(f->s, prefix, see_name, &names, &f->e), 0);
	assert_int_equal(names.calls, v.calls);
	assert_names_equal(names.text, v.text);
	assert_in_range(v.calls, 0, 63);
	if ((mf_store_capabilities(f->s) & MF_STORE_ORDERED) != 0)
		assert_string_equal(v.text, expected);
	for (p = strtok_r(v.text, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save))
		words[n++] = p;
	qsort(words, n, sizeof words[0], compare_words);
	for (i = 0; i < n; i++)
		snprintf(sorted + strlen(sorted), sizeof sorted - strlen(sorted), "%s ", words[i]);
	assert_string_equal(sorted, expected);
}

static const struct {
	const char *name;
	void (*run)(struct contract_fixture *f);
} cases[] = {
	{"round trip", contract_round_trip},
	{"empty object", contract_empty_object},
	{"large object", contract_large_object},
	{"ranges", contract_ranges},
	{"missing objects", contract_missing_objects},
	{"deleting", contract_deleting},
	{"prefixes", contract_prefixes},
	{"stopping a list", contract_stopping_a_list},
	{"calls from a list", contract_calls_from_a_list},
	{"bad names", contract_bad_names},
	{"if absent", contract_if_absent},
	{"durable", contract_durable},
	{"large batch", contract_large_batch},
	{"times", contract_times},
	{"second handle", contract_second_handle},
	{"one winner", contract_one_winner},
	{"list during puts", contract_list_during_puts},
};

#define CASES (sizeof cases / sizeof cases[0])

struct planned {
	const struct mf_contract_subject *subject;
	size_t number;
	char name[96];
};

static void
run_case(void **state)
{
	const struct planned *p = *state;
	struct contract_fixture *f = fixture_new(p->subject);

	cases[p->number].run(f);
	fixture_free(f);
}

int
mf_contract_run(const char *group, const struct mf_contract_subject *subjects, size_t n)
{
	struct CMUnitTest *tests = calloc(n * CASES, sizeof *tests);
	struct planned *plan = calloc(n * CASES, sizeof *plan), *p = plan;
	size_t i, j;
	int failed;

	if (tests == NULL || plan == NULL)
		abort();
	for (i = 0; i < n; i++) {
		for (j = 0; j < CASES; j++, p++) {
			p->subject = &subjects[i];
			p->number = j;
			snprintf(p->name, sizeof p->name, "%s: %s", subjects[i].name,
			    cases[j].name);
			tests[p - plan].name = p->name;
			tests[p - plan].test_func = run_case;
			tests[p - plan].initial_state = p;
		}
	}
	failed = _cmocka_run_group_tests(group, tests, n * CASES, NULL, NULL);
	free(tests);
	free(plan);
	return failed;
}
