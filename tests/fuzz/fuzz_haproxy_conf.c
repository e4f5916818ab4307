/* HAProxy's configuration as a stranger may write it. */
#include "tests/fuzz/fuzz_check.h"

#include "src/traffic/haproxy_int.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_haproxy_config *c = calloc(1, sizeof *c);
	struct mf_haproxy_facts f;
	uint8_t *copy = malloc(n > 0 ? n : 1); /* so that a read past its end is seen */

	fuzz_require(c != NULL && copy != NULL);
	memcpy(copy, data, n);
	mf_haproxy_config_read(c, "llm", copy, n / 2);
	mf_haproxy_config_read(c, "llm", copy + n / 2, n - n / 2);
	f = mf_haproxy_config_facts(c);
	fuzz_require(f.found || (!f.redispatch && !f.sticky && !f.load_state));
	fuzz_require(c->n_defaults <= MF_HAPROXY_DEFAULTS_MAX);
	free(copy);
	free(c);
	return 0;
}
