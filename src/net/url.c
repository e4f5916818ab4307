#include "config.h"

#include "src/net/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63
#define PORT_HTTP 80
#define PORT_HTTPS 443

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
is_unreserved(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Are the n characters all of RFC 3986's pchar or of more, every '%' with two digits? */
static bool
is_encoded(const char *s, size_t n, const char *more)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '%') {
			if (n - i < 3 || hex_value(s[i + 1]) < 0 || hex_value(s[i + 2]) < 0)
				return false;
			i += 2;
		} else if (s[i] == '\0' ||
			   (!is_unreserved(s[i]) && strchr("!$&'()*+,;=:@", s[i]) == NULL &&
			       strchr(more, s[i]) == NULL)) {
			return false;
		}
	}
	return true;
}

static int
bad(struct mf_error *e, const char *why)
{
	return mf_error_set(e, MF_EUSAGE, "bad URL: %s", why);
}

/* Some readers take "127.1", "0x7f000001" and "2130706433" for IPv4 addresses. */
static bool
looks_like_number(const char *host)
{
	const char *last = strrchr(host, '.'), *s;

	last = last == NULL ? host : last + 1;
	if (last[0] == '0' && last[1] == 'x')
		return true;
	for (s = last; *s != '\0'; s++)
		if (*s < '0' || *s > '9')
			return false;
	return true;
}

static bool
is_host_name(const char *host)
{
	size_t label = 0, i;

	for (i = 0; host[i] != '\0'; i++) {
		if (host[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if ((is_alnum(host[i]) || host[i] == '-' || host[i] == '_') &&
			   label < LABEL_MAX) {
			label++;
		} else {
			return false;
		}
	}
	return label > 0;
}

static int
set_host(struct mf_url *u, const char *s, size_t n, struct mf_error *e)
{
	struct in6_addr v6;
	struct in_addr v4;
	size_t i;

	if (n == 0 || n > MF_URL_HOST_MAX)
		return bad(e, n == 0 ? "no host" : "the host is too long");
	for (i = 0; i < n; i++)
		u->host[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + ('a' - 'A') : s[i]);
	u->host[n] = '\0';
	if (strlen(u->host) != n)
		return bad(e, "the host is no name");
	if (u->ipv6)
		return inet_pton(AF_INET6, u->host, &v6) == 1 ? 0 : bad(e, "no IPv6 address in []");
	if (inet_pton(AF_INET, u->host, &v4) == 1)
		return 0;
	if (!is_host_name(u->host))
		return bad(e, "the host is no name (one that is not ASCII is written in Punycode)");
	if (looks_like_number(u->host))
		return bad(e, "the host is neither a name nor an IPv4 address with four numbers");
	return 0;
}

static int
set_port(struct mf_url *u, const char *s, size_t n, struct mf_error *e)
{
	unsigned port = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || i >= 5)
			return bad(e, "the port is no number up to 65535");
		port = port * 10 + (unsigned)(s[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX)
		return bad(e, "the port is no number from 1 to 65535");
	u->port = (uint16_t)port;
	return 0;
}

/* "host", "host:port", "[v6]" or "[v6]:port" */
static int
set_authority(struct mf_url *u, const char *s, size_t n, struct mf_error *e)
{
	const char *end = s + n, *host = s, *host_end, *port;

	if (memchr(s, '@', n) != NULL)
		return bad(e, "it has a user or password; credentials do not belong into a URL");
	u->ipv6 = n > 0 && s[0] == '[';
	if (u->ipv6) {
		host = s + 1;
		if ((host_end = memchr(host, ']', n - 1)) == NULL)
			return bad(e, "'[' without ']'");
		port = host_end + 1;
	} else {
		host_end = memchr(s, ':', n);
		port = host_end = host_end == NULL ? end : host_end;
	}
	if (set_host(u, host, (size_t)(host_end - host), e) != 0)
		return -1;
	if (port == end)
		return 0;
	if (*port != ':')
		return bad(e, "something stands between host and path");
	return set_port(u, port + 1, (size_t)(end - port - 1), e);
}

/* Scheme and "//". The rest, or NULL with the error set. */
static const char *
set_scheme(struct mf_url *u, const char *text, struct mf_error *e)
{
	const char *colon = strstr(text, "://");
	size_t n = colon == NULL ? 0 : (size_t)(colon - text);

	if (n == 5 && strncasecmp(text, "https", n) == 0) {
		u->tls = true;
		u->port = PORT_HTTPS;
	} else if (n == 4 && strncasecmp(text, "http", n) == 0) {
		u->port = PORT_HTTP;
	} else {
		bad(e, "it begins with neither https:// nor http://");
		return NULL;
	}
	return colon + 3;
}

static int
set_target(struct mf_url *u, const char *s, struct mf_error *e)
{
	const size_t path_n = strcspn(s, "?#");
	const char *query = s[path_n] == '?' ? s + path_n + 1 : NULL;

	if (strchr(s, '#') != NULL)
		return bad(e, "it has a fragment");
	if (!is_encoded(s, path_n, "/"))
		return bad(e, "its path has a character that must be percent-encoded");
	if (query != NULL && !is_encoded(query, strlen(query), "/?"))
		return bad(e, "its query has a character that must be percent-encoded");
	u->path = path_n == 0 ? strdup("/") : strndup(s, path_n);
	if (query != NULL)
		u->query = strdup(query);
	if (u->path == NULL || (query != NULL && u->query == NULL))
		return mf_error_nomem(e, "a URL");
	return 0;
}

int
mf_url_parse(struct mf_url *u, const char *text, struct mf_error *e)
{
	const char *rest;
	size_t n;

	*u = MF_URL_INIT;
	if (strnlen(text, MF_URL_TEXT_MAX + 1) > MF_URL_TEXT_MAX)
		return bad(e, "it is too long");
	if ((rest = set_scheme(u, text, e)) == NULL)
		return -1;
	n = strcspn(rest, "/?#");
	if (set_authority(u, rest, n, e) != 0)
		return -1;
	if (set_target(u, rest + n, e) == 0)
		return 0;
	mf_url_fini(u);
	return -1;
}

void
mf_url_fini(struct mf_url *u)
{
	if (u->query != NULL)
		explicit_bzero(u->query, strlen(u->query));
	free(u->query);
	free(u->path);
	*u = MF_URL_INIT;
}

const char *
mf_url_authority(const struct mf_url *u, char out[MF_URL_AUTHORITY_BYTES])
{
	const char *open = u->ipv6 ? "[" : "", *close = u->ipv6 ? "]" : "";

	if (u->port == (u->tls ? PORT_HTTPS : PORT_HTTP))
		(void)snprintf(out, MF_URL_AUTHORITY_BYTES, "%s%s%s", open, u->host, close);
	else
		(void)snprintf(out, MF_URL_AUTHORITY_BYTES, "%s%s%s:%u", open, u->host, close,
		    (unsigned)u->port);
	return out;
}

void
mf_url_put(struct mf_buf *out, const struct mf_url *u)
{
	char authority[MF_URL_AUTHORITY_BYTES];

	mf_buf_printf(out, "%s://%s%s", u->tls ? "https" : "http", mf_url_authority(u, authority),
	    u->path);
	if (u->query != NULL)
		mf_buf_printf(out, "?%s", u->query);
}

bool
mf_url_is_loopback(const struct mf_url *u)
{
	static const char suffix[] = ".localhost";
	const size_t n = strlen(u->host), m = sizeof suffix - 1;
	struct in6_addr v6;
	struct in_addr v4;

	if (u->ipv6)
		return inet_pton(AF_INET6, u->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
	if (inet_pton(AF_INET, u->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcmp(u->host, suffix + 1) == 0 || (n > m && strcmp(u->host + n - m, suffix) == 0);
}

void
mf_url_encode(struct mf_buf *out, const void *bytes, size_t n, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t *b = bytes;
	size_t i;

	if (mf_buf_reserve(out, n) != 0)
		return;
	for (i = 0; i < n; i++) {
		if (is_unreserved((char)b[i]) || (b[i] != 0 && strchr(keep, b[i]) != NULL)) {
			mf_buf_put_u8(out, b[i]);
		} else {
			mf_buf_put_u8(out, '%');
			mf_buf_put_u8(out, (uint8_t)digits[b[i] >> 4]);
			mf_buf_put_u8(out, (uint8_t)digits[b[i] & 15]);
		}
	}
}

int
mf_url_decode(struct mf_buf *out, const char *text, size_t n)
{
	size_t i;
	int high, low;

	for (i = 0; i < n; i++) {
		if (text[i] != '%') {
			mf_buf_put_u8(out, (uint8_t)text[i]);
			continue;
		}
		if (n - i < 3 || (high = hex_value(text[i + 1])) < 0 ||
		    (low = hex_value(text[i + 2])) < 0 || (high == 0 && low == 0))
			return -1;
		mf_buf_put_u8(out, (uint8_t)(high << 4 | low));
		i += 2;
	}
	return out->failed ? -1 : 0;
}
