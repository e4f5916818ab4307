/* Metrics: a file of --metrics-from, or (after a byte M) one --metric. */
#include "tests/fuzz/fuzz_check.h"

#include <math.h>

#include "src/cmd/metrics.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_metrics m = {0};
	struct mf_error e = {0};
	char *text;
	size_t i, k;
	int rc;

	if (n > 0 && data[0] == 'M') {
		text = fuzz_text(data + 1, n - 1);
		rc = mf_metrics_add_text(&m, text, &e);
		free(text);
	} else {
		rc = mf_metrics_add_json(&m, "fuzz.json", data, n, &e);
	}
	if (rc != 0)
		fuzz_require_error(&e);
	for (i = 0; i < m.n; i++) {
		fuzz_require(isfinite(m.items[i].value));
		for (k = 0; k < i; k++)
			fuzz_require(strcmp(m.items[i].name, m.items[k].name) != 0);
	}
	mf_metrics_fini(&m);
	return 0;
}
