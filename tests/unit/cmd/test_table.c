/* Every command that the option table has is one that the program has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/cmd/cmd.h"

static void
every_command_has_a_function(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < MF_COMMANDS; i++)
		if (mf_cmd_find((enum mf_command)i) == NULL)
			fail_msg("%s has no function", mf_command_table[i].name);
	assert_null(mf_cmd_find(MF_COMMANDS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_command_has_a_function)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
