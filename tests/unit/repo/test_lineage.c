/* `previous`, the best version and refs where signatures are demanded: nobody without a signing
 * key chooses among what is signed, whatever he adds, replaces or removes. */
#include "tests/unit/repo/repo_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/repo/ref_int.h"

#define VALID_UNTIL " valid-until=2023-11-15T00:00:00Z late\n" /* ten hours later */

struct scene {
	struct fixture f;
	struct mf_signer *signer;
	struct mf_trust *trust;
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	char line[MF_TEXTKEY_BYTES + sizeof(VALID_UNTIL)];
	struct mf_error e = {0};

	assert_non_null(s);
	fixture_init(&s->f);
	s->signer = mf_signer_generate(&e);
	assert_non_null(s->signer);
	mf_signer_public_text(s->signer, line);
	strcat(line, VALID_UNTIL);
	s->trust = mf_trust_parse(line, strlen(line), "the test", &e);
	assert_non_null(s->trust);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	fixture_fini(&s->f);
	mf_signer_free(s->signer);
	mf_trust_free(s->trust);
	free(s);
	return 0;
}

/* A version of this name, with the metric accuracy; signer may be NULL. */
static void
push(struct scene *s, const char *version, double accuracy, const struct mf_signer *signer)
{
	char name[] = "accuracy";
	struct mf_metric metric = {name, accuracy};
	struct mf_push_params p = {.dir = s->f.dir, .model = FIXTURE_MODEL, .version = version,
	    .by = "test", .now_us = fixture_now_us, .threads = 1, .signer = signer,
	    .metrics = &metric, .n_metrics = 1};
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_write(&s->f, "a.bin", (unsigned)version[1], 2000);
	fixture_expect_ok(mf_push(s->f.repo, &p, &out, &e), &e, version);
	fixture_advance(&s->f, 1000000);
}

static void
push_signed(struct scene *s, unsigned n)
{
	char version[] = "v0";

	while (version[1]++, n-- > 0)
		push(s, version, (double)(version[1] - '0') / 10, s->signer);
}

static void
set(struct scene *s, const char *version, const struct mf_signer *signer)
{
	struct mf_version v;
	struct mf_ref_move move = {.name = "production", .to = &v, .by = "test",
	    .signer = signer, .now_us = fixture_now_us()};
	struct mf_error e = {0};
	char spec[100];

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(s->f.repo, spec, &v, &e), &e, spec);
	fixture_expect_ok(mf_ref_set(s->f.repo, &move, NULL, &e), &e, spec);
	mf_version_fini(&v);
	fixture_advance(&s->f, 1000000);
}

/* Production goes through these versions, "1223" for v1, v2, v2, v3; all signed. */
static void
walk(struct scene *s, const char *versions)
{
	char version[] = "v?";

	for (; *versions != '\0'; versions++) {
		version[1] = *versions;
		set(s, version, s->signer);
	}
}

static int
roll_back(struct scene *s, const char *best, bool trusted, struct mf_error *e)
{
	struct mf_rollback p = {.model = FIXTURE_MODEL, .best = best, .reason = "test",
	    .by = "test", .now_us = fixture_now_us(), .signer = s->signer,
	    .trust = trusted ? s->trust : NULL};
	char *from, *to;
	int rc = mf_ref_rollback(s->f.repo, &p, &from, &to, e);

	free(from);
	free(to);
	fixture_advance(&s->f, 1000000);
	return rc;
}

/* Without a key: rejected 1, or cleared -1. */
static void
note(struct scene *s, const char *version, int rejected)
{
	struct mf_annotation a = {.rejected = rejected, .reason = "", .by = "mallory"};
	struct mf_error e = {0};
	struct mf_version v;
	char spec[100];

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(s->f.repo, spec, &v, &e), &e, spec);
	fixture_expect_ok(mf_version_annotate(s->f.repo, &v, &a, fixture_now_us(), &e), &e, spec);
	mf_version_fini(&v);
	fixture_advance(&s->f, 1000000);
}

/* What `name` is: a version; "" for none; "!" where it is refused. */
static void
expect(struct scene *s, const char *name, bool trusted, const char *want)
{
	struct mf_demands d = {.trust = s->trust, .now_us = fixture_now_us()};
	struct mf_error e = {0};
	struct mf_version v;
	char spec[100];
	int rc;

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", name);
	rc = mf_version_resolve_as(s->f.repo, spec, trusted ? &d : NULL, &v, &e);
	if (want[0] == 'v') {
		fixture_expect_ok(rc, &e, spec);
		assert_string_equal(v.root.version, want);
	} else {
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, want[0] == '!' ? MF_EKEY : MF_ENOTFOUND);
	}
	mf_version_fini(&v);
}

static void
expect_both(struct scene *s, const char *plain, const char *trusted)
{
	expect(s, "previous", false, plain);
	expect(s, "previous", true, trusted);
}

/* The object of a position; "" where there is none. */
static void
position(struct scene *s, unsigned sequence, char out[MF_OBJECT_NAME_BYTES])
{
	struct mf_error e = {0};
	struct mf_names names;
	size_t i;

	out[0] = '\0';
	fixture_expect_ok(mf_names_list(s->f.repo, "r/", &names, &e), &e, "refs");
	for (i = 0; i < names.n; i++)
		if (strtoull(strrchr(names.items[i], '/') + 1, NULL, 16) == sequence)
			snprintf(out, MF_OBJECT_NAME_BYTES, "%s", names.items[i]);
	mf_names_fini(&names);
}

static void
remove_object(struct scene *s, const char *name)
{
	struct mf_error e = {0};

	assert_true(name[0] != '\0');
	fixture_expect_ok(mf_store_del(s->f.repo->store, name, &e), &e, name);
}

static void
remove_position(struct scene *s, unsigned sequence)
{
	char name[MF_OBJECT_NAME_BYTES];

	position(s, sequence, name);
	remove_object(s, name);
}

/* What the data key alone can make: the position, naming another version, unsigned. */
static void
replace_position(struct scene *s, unsigned sequence, const char *version)
{
	char name[MF_OBJECT_NAME_BYTES], spec[100];
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	struct mf_version v;
	struct mf_ref ref;

	position(s, sequence, name);
	fixture_expect_ok(mf_ref_read(s->f.repo, name, &ref, &e), &e, name);
	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(s->f.repo, spec, &v, &e), &e, spec);
	free(ref.version);
	ref.version = strdup(version);
	memcpy(ref.digest, v.digest, sizeof(ref.digest));
	mf_ref_put_signed(&ref, mf_keyring_repo_id(s->f.repo->keyring), &b);
	mf_buf_put_u8(&b, 0);
	remove_object(s, name);
	fixture_expect_ok(mf_object_put(s->f.repo, MF_OBJECT_REF, name, b.data, b.len, 0, &e), &e,
	    name);
	mf_buf_fini(&b);
	mf_ref_fini(&ref);
	mf_version_fini(&v);
}

static void
remove_mark(struct scene *s, const char *version)
{
	char spec[100], mark[MF_OBJECT_NAME_BYTES];
	struct mf_error e = {0};
	struct mf_version v;

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(s->f.repo, spec, &v, &e), &e, spec);
	snprintf(mark, sizeof(mark), "v/%s", v.object);
	mf_version_fini(&v);
	remove_object(s, mark);
}

static void
remove_notes(struct scene *s)
{
	struct mf_error e = {0};
	struct mf_names names;
	size_t i;

	fixture_expect_ok(mf_names_list(s->f.repo, "a/", &names, &e), &e, "notes");
	for (i = 0; i < names.n; i++)
		remove_object(s, names.items[i]);
	mf_names_fini(&names);
}

/* Honest histories: the same answer with trust and without. */
static void
test_honest(void **state)
{
	struct scene *s = *state;
	struct mf_error e = {0};

	push_signed(s, 4);
	walk(s, "1");
	expect_both(s, "", "");
	walk(s, "22");
	expect_both(s, "v1", "v1");
	walk(s, "3");
	expect_both(s, "v2", "v2");
	fixture_expect_ok(roll_back(s, NULL, true, &e), &e, "to v2");
	expect_both(s, "v1", "v1");
	walk(s, "4");
	expect_both(s, "v2", "v2");
	fixture_forget(&s->f, "v3"); /* the rejected one */
	fixture_expect_ok(roll_back(s, NULL, true, &e), &e, "to v2 again");
	expect_both(s, "v1", "v1");
	fixture_expect_ok(roll_back(s, NULL, true, &e), &e, "to v1");
	expect_both(s, "", "");
	assert_int_equal(roll_back(s, NULL, true, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
}

/* What counts is how a version was left the last time. */
static void
test_left_twice(void **state)
{
	struct scene *s = *state;

	push_signed(s, 3);
	walk(s, "2321");
	expect(s, "previous", true, "");
	walk(s, "23");
	expect(s, "previous", true, "v2");
}

static void
test_added_position(void **state)
{
	struct scene *s = *state;

	push_signed(s, 3);
	walk(s, "123");
	set(s, "v1", NULL);
	expect_both(s, "v3", "!");
	expect(s, "production", true, "!");
	set(s, "v3", NULL);
	expect_both(s, "v1", "!");
	/* and a signed one above does not make it good */
	set(s, "v3", s->signer);
	expect_both(s, "v1", "!");
}

static void
test_replaced_position(void **state)
{
	struct scene *s = *state;

	push_signed(s, 4);
	walk(s, "123");
	replace_position(s, 2, "v4");
	expect_both(s, "v4", "!");
	replace_position(s, 2, "v1");
	expect_both(s, "v1", "!");
}

static void
test_removed_position(void **state)
{
	struct scene *s = *state;

	push_signed(s, 3);
	walk(s, "123");
	remove_position(s, 2);
	expect_both(s, "v1", "!");
	remove_position(s, 1);
	expect_both(s, "", "!");
}

/* After a rollback from v3 to v2, that v2 was production before is gone with the mark of v3. */
static void
test_removed_tail(void **state)
{
	struct scene *s = *state;

	push_signed(s, 3);
	walk(s, "1232");
	expect(s, "previous", true, "v1");
	remove_mark(s, "v3");
	expect(s, "previous", true, "v1");
	remove_position(s, 2);
	expect(s, "previous", true, "!");
}

static void
test_rejection(void **state)
{
	struct scene *s = *state;

	push_signed(s, 3);
	walk(s, "123");
	note(s, "v2", 1);
	expect_both(s, "v1", "!");
	note(s, "v2", -1);
	expect_both(s, "v2", "v2");
	note(s, "v1", 1);
	expect_both(s, "v2", "v2");
}

static void
test_rejection_removed(void **state)
{
	struct scene *s = *state;
	struct mf_error e = {0};

	push_signed(s, 3);
	walk(s, "123");
	fixture_expect_ok(roll_back(s, NULL, true, &e), &e, "to v2");
	remove_notes(s);
	expect_both(s, "v3", "v1");
	note(s, "v3", -1);
	expect_both(s, "v3", "v1");
	/* back to one that was never production: the only witness is its age */
	walk(s, "3");
	push(s, "v4", 0.4, s->signer);
	walk(s, "4");
	expect_both(s, "v3", "v3");
	walk(s, "1");
	expect_both(s, "v4", "v3");
}

static void
test_removed_mark(void **state)
{
	struct scene *s = *state;

	push_signed(s, 3);
	walk(s, "123");
	remove_mark(s, "v2");
	expect_both(s, "v1", "!");
}

static void
test_unsigned_past(void **state)
{
	struct scene *s = *state;

	push(s, "v1", 0.1, NULL);
	set(s, "v1", NULL);
	push(s, "v2", 0.2, s->signer);
	push(s, "v3", 0.3, s->signer);
	walk(s, "2");
	expect_both(s, "v1", "!");
	walk(s, "3");
	expect_both(s, "v2", "v2");
}

static void
test_stranger_and_expiry(void **state)
{
	struct scene *s = *state;
	struct mf_error e = {0};
	struct mf_signer *stranger = mf_signer_generate(&e);

	push_signed(s, 3);
	set(s, "v1", stranger);
	walk(s, "23");
	expect_both(s, "v2", "v2");
	set(s, "v1", stranger);
	walk(s, "3");
	expect_both(s, "v1", "!");
	walk(s, "23");
	expect_both(s, "v2", "v2");
	fixture_advance(&s->f, 48 * FIXTURE_HOUR_US);
	expect_both(s, "v2", "!");
	mf_signer_free(stranger);
}

/* previous may be signed as production, and no version may be taken that is not signed. */
static void
test_unsigned_version(void **state)
{
	struct scene *s = *state;
	struct mf_error e = {0};

	push(s, "v1", 0.1, NULL);
	push(s, "v2", 0.2, s->signer);
	walk(s, "12");
	expect_both(s, "v1", "!");
	assert_int_equal(roll_back(s, NULL, true, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	expect(s, "production", true, "v2");
}

static void
expect_best(struct scene *s, bool trusted, const char *want)
{
	struct mf_demands d = {.trust = s->trust, .now_us = fixture_now_us()};
	struct mf_error e = {0};
	struct mf_version v;
	int rc = mf_ref_best(s->f.repo, FIXTURE_MODEL, "accuracy", false, trusted ? &d : NULL, &v,
	    &e);

	if (want[0] == 'v') {
		fixture_expect_ok(rc, &e, "best");
		assert_string_equal(v.root.version, want);
	} else {
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, want[0] == '!' ? MF_EKEY : MF_ENOTFOUND);
	}
	mf_version_fini(&v);
}

/* Their names, the best first. */
static void
expect_list(struct scene *s, bool trusted, const char *without, size_t most, const char *want)
{
	struct mf_demands d = {.trust = s->trust, .now_us = fixture_now_us()};
	const struct mf_best p = {.model = FIXTURE_MODEL, .metric = "accuracy",
	    .without = &without, .n_without = without != NULL, .most = most};
	struct mf_versions list;
	struct mf_error e = {0};
	char got[64] = "";
	size_t i, n = 0;
	int rc = mf_ref_list_best(s->f.repo, &p, trusted ? &d : NULL, &list, &e);

	if (want[0] == '\0') {
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, MF_ENOTFOUND);
		return;
	}
	fixture_expect_ok(rc, &e, "the best");
	for (i = 0; i < list.n; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s ",
		    list.items[i].root.version);
	assert_string_equal(got, want);
	mf_versions_fini(&list);
}

/* What a run may fall back to: what production names, too, but not what it is told to leave. */
static void
test_list_of_best(void **state)
{
	struct scene *s = *state;

	push_signed(s, 4); /* the later the better */
	walk(s, "12");
	expect_list(s, false, NULL, 9, "v4 v3 v2 v1 ");
	expect_list(s, false, "v4", 2, "v3 v2 ");
	note(s, "v3", 1);
	expect_list(s, false, "v4", 2, "v2 v1 ");
	push(s, "v9", 0.99, NULL);
	expect_list(s, false, NULL, 2, "v9 v4 ");
	expect_list(s, true, NULL, 1, "v4 "); /* nobody signed v9 */
	/* a note that nobody signed ends the list, and chooses nothing else */
	expect_list(s, true, NULL, 4, "v4 ");
	note(s, "v1", 1);
	note(s, "v2", 1);
	note(s, "v4", 1);
	expect_list(s, false, "v9", 4, "");
}

static void
test_best(void **state)
{
	struct scene *s = *state;
	struct mf_error e = {0};

	push_signed(s, 4); /* the later the better */
	walk(s, "12");
	expect_best(s, true, "v4");
	push(s, "v9", 0.99, NULL);
	expect_best(s, false, "v9");
	expect_best(s, true, "v4");
	note(s, "v4", 1);
	note(s, "v9", 1);
	expect_best(s, false, "v3");
	expect_best(s, true, "!");
	note(s, "v4", -1);
	walk(s, "4");
	fixture_expect_ok(roll_back(s, "accuracy", true, &e), &e, "to v3");
	expect(s, "production", true, "v3");
	remove_notes(s);
	expect_best(s, false, "v9");
	expect_best(s, true, "v2"); /* v4 was left for an earlier one, by a signer */
	remove_position(s, 3);
	expect_best(s, true, "!");
}

/* The oldest note, or the newest. */
static void
remove_note(struct scene *s, bool newest)
{
	struct mf_error e = {0};
	struct mf_names names;

	fixture_expect_ok(mf_names_list(s->f.repo, "a/", &names, &e), &e, "notes");
	remove_object(s, names.items[newest ? names.n - 1 : 0]);
	mf_names_fini(&names);
}

static int
tag(struct scene *s, const char *version, const char *key, const char *value)
{
	char k[4096], *v = strdup(value), spec[100];
	struct mf_tag pair = {k, v};
	struct mf_annotation a = {.tags = &pair, .n_tags = 1, .by = "test"};
	struct mf_error e = {0};
	struct mf_version to;
	int rc;

	snprintf(k, sizeof(k), "%s", key);
	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(s->f.repo, spec, &to, &e), &e, spec);
	rc = mf_version_annotate(s->f.repo, &to, &a, fixture_now_us(), &e);
	if (rc != 0)
		assert_int_equal(e.code, MF_EUSAGE);
	mf_version_fini(&to);
	free(v);
	fixture_advance(&s->f, 1000000);
	return rc;
}

static void
count_damage(void *arg, const struct mf_version *v, const char *object,
    const struct mf_error *why)
{
	assert_string_equal(v->root.version, "v2");
	assert_memory_equal(object, "a/", 2);
	assert_int_equal(why->code, MF_EDAMAGED);
	(*(unsigned *)arg)++;
}

static unsigned
removed_notes(struct scene *s)
{
	struct mf_error e = {0};
	struct mf_versions vs;
	unsigned n = 0;

	fixture_expect_ok(mf_versions_list(s->f.repo, FIXTURE_MODEL, count_damage, &n, &vs, &e), &e,
	    "versions");
	mf_versions_fini(&vs);
	return n;
}

/* A note that another came after is missed; the last is not. */
static void
test_removed_note(void **state)
{
	struct scene *s = *state;
	struct mf_error e = {0};
	struct mf_version v;
	struct mf_refs refs;

	push_signed(s, 3);
	walk(s, "123");
	note(s, "v2", 1);
	assert_int_equal(tag(s, "v2", "site", "here"), 0);
	assert_int_equal(removed_notes(s), 0);
	expect_both(s, "v1", "!");
	remove_note(s, false);
	assert_int_equal(removed_notes(s), 1);
	assert_int_equal(mf_version_resolve(s->f.repo, FIXTURE_MODEL "@previous", &v, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	expect(s, "previous", true, "v2"); /* of signed bytes */
	expect(s, "v2", false, "v2");
	fixture_expect_ok(mf_version_resolve(s->f.repo, FIXTURE_MODEL "@v2", &v, &e), &e, "v2");
	assert_true(v.note_removed);
	assert_int_equal(v.root.n_tags, 1); /* no more than the site */
	mf_version_fini(&v);
	/* lists go on, and keep rules keep what was previous */
	fixture_expect_ok(mf_ref_list(s->f.repo, FIXTURE_MODEL, &refs, &e), &e, "refs");
	assert_int_equal(refs.n, 2);
	mf_refs_fini(&refs);
	/* what comes later does not hide it */
	assert_int_equal(tag(s, "v2", "site", ""), 0);
	assert_int_equal(removed_notes(s), 1);
	remove_note(s, true);
	assert_int_equal(removed_notes(s), 1);
	remove_note(s, true);
	assert_int_equal(removed_notes(s), 0); /* all of them: as if never written */
}

/* Two writers that do not see each other: neither's note is lost to the chain. */
static void
test_notes_side_by_side(void **state)
{
	struct scene *s = *state;

	push_signed(s, 2);
	assert_int_equal(tag(s, "v2", "a", "1"), 0);
	/* a clock that is behind: its note comes first by name */
	fixture_advance(&s->f, -FIXTURE_HOUR_US);
	assert_int_equal(tag(s, "v2", "b", "1"), 0);
	fixture_advance(&s->f, FIXTURE_HOUR_US);
	assert_int_equal(tag(s, "v2", "c", "1"), 0);
	assert_int_equal(removed_notes(s), 0);
	remove_note(s, false);
	assert_int_equal(removed_notes(s), 1);
}

/* What a reader would refuse is not written. */
static void
test_notes_too_long(void **state)
{
	struct scene *s = *state;
	char *text = malloc(70001);

	assert_non_null(text);
	memset(text, 'x', 70000);
	text[70000] = '\0';
	push_signed(s, 2);
	assert_int_equal(tag(s, "v2", "a", text), -1);
	text[2000] = '\0';
	assert_int_equal(tag(s, "v2", text, "1"), -1);
	assert_int_equal(tag(s, "v2", "\001a", "1"), -1);
	text[1024] = '\0';
	assert_int_equal(tag(s, "v2", text, "1"), 0);
	expect(s, "v2", false, "v2");
	free(text);
}

static void
test_rules_on_previous(void **state)
{
	struct scene *s = *state;
	struct mf_demands d = {.now_us = fixture_now_us(), .min_sequence = 2};
	struct mf_error e = {0};
	struct mf_version v;

	push_signed(s, 2);
	walk(s, "12");
	fixture_expect_ok(mf_version_resolve_as(s->f.repo, FIXTURE_MODEL "@previous", &d, &v, &e),
	    &e, "sequence 2");
	mf_version_fini(&v);
	d.min_sequence = 3;
	assert_int_equal(mf_version_resolve_as(s->f.repo, FIXTURE_MODEL "@previous", &d, &v, &e),
	    -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_int_equal(mf_version_resolve_as(s->f.repo, FIXTURE_MODEL "@v1", &d, &v, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_honest),
		TEST(test_left_twice),
		TEST(test_added_position),
		TEST(test_replaced_position),
		TEST(test_removed_position),
		TEST(test_removed_tail),
		TEST(test_rejection),
		TEST(test_rejection_removed),
		TEST(test_removed_mark),
		TEST(test_unsigned_past),
		TEST(test_stranger_and_expiry),
		TEST(test_unsigned_version),
		TEST(test_best),
		TEST(test_list_of_best),
		TEST(test_removed_note),
		TEST(test_notes_side_by_side),
		TEST(test_notes_too_long),
		TEST(test_rules_on_previous),
	};

	return cmocka_run_group_tests_name("lineage", tests, NULL, NULL);
}
