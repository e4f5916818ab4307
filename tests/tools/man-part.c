/* Print a generated part of a manual page: man-part PART. */
#include <stdio.h>

#include "src/config/help.h"
#include "tests/tools/man-metrics.h"

int
main(int argc, char **argv)
{
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	if (argc != 2 ||
	    (mf_manual_write(&b, argv[1]) != 0 && man_metrics_write(&b, argv[1]) != 0)) {
		fprintf(stderr, "usage: man-part commands|global-options|options|environment|keys|"
				"builtin|presets\n");
		return 2;
	}
	rc = b.failed || fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout) != 0;
	mf_buf_fini(&b);
	return rc;
}
