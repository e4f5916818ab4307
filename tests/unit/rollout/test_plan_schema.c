/* The shipped JSON Schema is what the reader's form makes, and is a schema of itself. */
#include "tests/unit/rollout/trees.h"

#include <fcntl.h>
#include <jansson.h>

#include "src/base/fs.h"
#include "src/rollout/plan_form.h"

#define SCHEMA "src/rollout/migration.schema.json"

static void
load(struct mf_buf *out)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/" SCHEMA,
	    getenv("MF_TOP_SRCDIR") != NULL ? getenv("MF_TOP_SRCDIR") : "..");
	assert_int_equal(mf_fs_read_file(AT_FDCWD, path, (size_t)1 << 20, out, NULL), 0);
}

static void
is_what_the_form_makes(void **state)
{
	struct mf_buf shipped = MF_BUF_INIT, made = MF_BUF_INIT;

	(void)state;
	load(&shipped);
	mf_form_put_schema(&made, &mf_form_migration);
	assert_false(made.failed);
	if (made.len != shipped.len || memcmp(made.data, shipped.data, made.len) != 0)
		fail_msg(
		    SCHEMA " is not what the form makes: tests/tools/plan-part schema >" SCHEMA);
	mf_buf_fini(&shipped);
	mf_buf_fini(&made);
}

/* Each $ref leads somewhere, each field has a description, each needed one is a property. */
static void
check_map(const json_t *defs, const json_t *map)
{
	const char *key, *ref;
	json_t *field, *need;
	size_t i;

	assert_string_equal(json_string_value(json_object_get(map, "type")), "object");
	assert_true(json_is_false(json_object_get(map, "additionalProperties")));
	json_object_foreach((json_t *)(uintptr_t)json_object_get(map, "properties"), key, field)
	{
		if (json_string_value(json_object_get(field, "description")) == NULL)
			fail_msg("%s has no description", key);
		ref = json_string_value(json_object_get(field, "$ref"));
		if (ref == NULL)
			continue;
		assert_int_equal(strncmp(ref, "#/$defs/", 8), 0);
		if (json_object_get(defs, ref + 8) == NULL)
			fail_msg("%s: %s leads nowhere", key, ref);
	}
	json_array_foreach(json_object_get(map, "required"), i, need) assert_non_null(
	    json_object_get(json_object_get(map, "properties"), json_string_value(need)));
}

static void
holds_together(void **state)
{
	struct mf_buf shipped = MF_BUF_INIT;
	const char *name;
	json_t *schema, *defs, *map;

	(void)state;
	load(&shipped);
	schema = json_loadb((const char *)shipped.data, shipped.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(schema);
	defs = json_object_get(schema, "$defs");
	assert_true(json_object_size(defs) >= 20);
	json_object_foreach(defs, name, map) check_map(defs, map);
	json_decref(schema);
	mf_buf_fini(&shipped);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_what_the_form_makes),
	    cmocka_unit_test(holds_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
