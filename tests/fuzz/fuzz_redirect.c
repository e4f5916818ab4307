/* Redirects: the first line is a URL, the second a Location; what is followed is a URL, never
 * plain http after https, and messages quote nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/net/url.h"
#include "src/traffic/redirect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int yes)
{
	if (!yes)
		abort();
}

static void
follow(const char *from, const char *location, int status)
{
	struct mf_redirect r = MF_REDIRECT_INIT;
	struct mf_url base = MF_URL_INIT, next = MF_URL_INIT;
	struct mf_error e = {0};
	int rc = mf_redirect_next(from, "POST", status, location, &r, &e);

	if (rc == 1) {
		must(mf_url_parse(&base, from, NULL) == 0);
		must(mf_url_parse(&next, mf_buf_cstr(&r.url), NULL) == 0);
		must(next.tls || !base.tls);
		must(r.keep_body == (status == 307));
		if (r.same_origin)
			must(strcmp(base.host, next.host) == 0 && base.port == next.port);
		mf_url_fini(&base);
		mf_url_fini(&next);
	} else if (rc == -1) {
		must(e.message[0] != '\0');
	}
	mf_redirect_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *location;

	if (size > 20000 || (text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	location = strchr(text, '\n');
	if (location != NULL) {
		*location++ = '\0';
		follow(text, location, 307);
		follow(text, location, 302);
	}
	free(text);
	return 0;
}
