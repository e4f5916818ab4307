/* The configuration file. The input: a byte that chooses the command, then the file. */
#include "tests/fuzz/fuzz_check.h"

#include "src/config/options_int.h"

static void
check_values(const struct mf_options *o, size_t n)
{
	struct mf_error e = {0};
	uint64_t number;
	size_t i;

	/* each value takes at least a byte of the file: aliases cannot blow it up */
	fuzz_require(o->n_values <= n);
	for (i = 0; i < o->n_values; i++) {
		const struct mf_value *v = &o->values[i];

		fuzz_require(v->id < MF_OPTIONS && v->source == MF_SOURCE_USER_FILE);
		fuzz_require(mf_option_applies(&mf_option_table[v->id], o->command));
		fuzz_require((mf_option_table[v->id].flags &
				 (MF_OPTION_ARGS_ONLY | MF_OPTION_NOT_IN_FILE)) == 0);
		fuzz_require(v->text != NULL && strncmp(v->where, "fuzz.conf:", 10) == 0);
		fuzz_require(mf_option_check(v->id, v->text, "value", &number, &e) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_options *o;
	struct mf_error e = {0};

	if (n == 0)
		return 0;
	o = calloc(1, sizeof(*o));
	fuzz_require(o != NULL);
	o->command = (enum mf_command)(data[0] % MF_COMMANDS);
	if (mf_options_read_text(o, "fuzz.conf", data + 1, n - 1, MF_SOURCE_USER_FILE, &e) == 0)
		check_values(o, n);
	else
		fuzz_require_error(&e);
	mf_options_free(o);
	return 0;
}
