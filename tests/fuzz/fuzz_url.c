/* URLs: what we take, curl must read the same way, and we ourselves when it is written out. */
#include "config.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/buf.h"
#include "src/net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int yes)
{
	if (!yes)
		abort();
}

static void
same_part(CURLU *c, CURLUPart part, const char *expected)
{
	char *text = NULL;

	if (curl_url_get(c, part, &text, 0) != CURLUE_OK)
		must(expected == NULL);
	else
		must(expected != NULL && strcmp(text, expected) == 0);
	curl_free(text);
}

static void
ask_curl(const struct mf_url *u, const char *text)
{
	char host[MF_URL_HOST_MAX + 3], port[8];
	CURLU *c = curl_url();

	must(c != NULL && curl_url_set(c, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK);
	same_part(c, CURLUPART_SCHEME, u->tls ? "https" : "http");
	if (!u->ipv6) { /* curl writes addresses in a form of its own */
		(void)snprintf(host, sizeof host, "%s", u->host);
		same_part(c, CURLUPART_HOST, host);
	}
	(void)snprintf(port, sizeof port, "%u", (unsigned)u->port);
	same_part(c, CURLUPART_PORT, u->port == (u->tls ? 443 : 80) ? NULL : port);
	same_part(c, CURLUPART_PATH, u->path);
	same_part(c, CURLUPART_USER, NULL);
	same_part(c, CURLUPART_FRAGMENT, NULL);
	same_part(c, CURLUPART_QUERY, u->query);
	curl_url_cleanup(c);
}

static void
url(const char *text)
{
	struct mf_buf first = MF_BUF_INIT, second = MF_BUF_INIT;
	struct mf_url u, again;

	if (mf_url_parse(&u, text, NULL) != 0)
		return;
	must(u.path != NULL && u.path[0] == '/' && u.host[0] != '\0' && u.port != 0);
	mf_url_put(&first, &u);
	must(mf_url_parse(&again, mf_buf_cstr(&first), NULL) == 0);
	mf_url_put(&second, &again);
	must(strcmp(mf_buf_cstr(&second), (const char *)first.data) == 0);
	must(mf_url_is_loopback(&u) == mf_url_is_loopback(&again));
	ask_curl(&u, (const char *)first.data);
	mf_url_fini(&u);
	mf_url_fini(&again);
	mf_buf_fini(&first);
	mf_buf_fini(&second);
}

/* Encoded and decoded again is the same; any text decodes or does not. */
static void
coding(const uint8_t *data, size_t size, const char *text)
{
	struct mf_buf coded = MF_BUF_INIT, back = MF_BUF_INIT;

	mf_url_encode(&coded, data, size, "/");
	if (size > 0 && memchr(data, 0, size) == NULL) {
		must(mf_url_decode(&back, (const char *)coded.data, coded.len) == 0);
		must(back.len == size && memcmp(back.data, data, size) == 0);
	}
	mf_buf_clear(&back);
	(void)mf_url_decode(&back, text, strlen(text));
	mf_buf_fini(&coded);
	mf_buf_fini(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	url(text);
	coding(data, size, text);
	free(text);
	return 0;
}
