/*
 * The fake Google Cloud Storage as a program: fake-gcs DIR [--page N] [--token-uses N]
 * [--refuse-every N]. It writes credential files into DIR, and its address, at last, into DIR/url;
 * serves until SIGTERM, and leaves counts of what happened in DIR/counts.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/fake_gcs.h"
#include "tests/harness/http_words.h"

static const char *const names[FAKE_GCS_COUNTS] = {
    "tokens", "expired", "refused", "signed", "sums", "conditions", "pages", "billed"};

static unsigned
number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	struct fake_gcs_params params = {0};
	struct fake_gcs *f;
	sigset_t ends;
	FILE *file;
	int i, got;

	for (i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--page") == 0)
			params.page = number(argv[i + 1]);
		else if (strcmp(argv[i], "--token-uses") == 0)
			params.token_uses = number(argv[i + 1]);
		else if (strcmp(argv[i], "--refuse-every") == 0)
			params.refuse_every = number(argv[i + 1]);
		else
			break;
	}
	if (argc < 2 || i != argc) {
		(void)fprintf(stderr, "usage: fake-gcs DIR [--page N] [--token-uses N] "
				      "[--refuse-every N]\n");
		return 2;
	}
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
	f = fake_gcs_start(&params);
	fake_gcs_write_credentials(f, argv[1]);
	harness_announce(argv[1], fake_gcs_url(f));
	(void)sigwait(&ends, &got);
	file = harness_create(argv[1], "counts", "w");
	for (i = 0; i < FAKE_GCS_COUNTS; i++)
		(void)fprintf(file, "%s %u\n", names[i], fake_gcs_count(f, (enum fake_gcs_count)i));
	(void)fclose(file);
	fake_gcs_stop(f);
	return 0;
}
