/*
 * InfluxDB 2: POST <address>/api/v2/query?org=ORG of a Flux query. The token and the organisation
 * are `token` and `org` of the Secret; without one, the organisation is asked for in the address
 * (?org=...). The value is that of the first record. No record is 0, as Flagger has it.
 */
#include "config.h"

#include "src/traffic/influxdb.h"

#include <string.h>

#include "src/base/text.h"
#include "src/net/url.h"
#include "src/traffic/prometheus_answer.h"
#include "src/traffic/provider_int.h"

#define FIELD_BYTES 256u

/* Reading fields of one CSV text. */
struct csv {
	const char *at, *end;
	bool last; /* the field just read ended its line */
};

/* The next field, cut to what fits; false: the text ended before it. */
static bool
next_field(struct csv *c, char out[FIELD_BYTES])
{
	bool quoted = false;
	size_t n = 0;

	if (c->at >= c->end)
		return false;
	if (*c->at == '"') {
		quoted = true;
		c->at++;
	}
	c->last = true;
	for (; c->at < c->end; c->at++) {
		if (quoted && *c->at == '"') {
			if (c->at + 1 < c->end && c->at[1] == '"')
				c->at++;
			else {
				quoted = false;
				continue;
			}
		} else if (!quoted && (*c->at == ',' || *c->at == '\n')) {
			c->last = *c->at == '\n';
			c->at++;
			break;
		}
		if (n + 1 < FIELD_BYTES && (quoted || *c->at != '\r'))
			out[n++] = *c->at;
	}
	out[n] = '\0';
	return true;
}

static void
skip_line(struct csv *c)
{
	char ignored[FIELD_BYTES];

	while (!c->last && next_field(c, ignored))
		continue;
}

/* The header's columns: where _value stands, and error. */
struct columns {
	size_t value, error; /* SIZE_MAX: not there */
};

static void
read_header(struct csv *c, char field[FIELD_BYTES], struct columns *where)
{
	size_t i;

	*where = (struct columns){SIZE_MAX, SIZE_MAX};
	for (i = 0; i < MF_INFLUX_FIELDS_MAX; i++) {
		if (strcmp(field, "_value") == 0)
			where->value = i;
		else if (strcmp(field, "error") == 0)
			where->error = i;
		if (c->last || !next_field(c, field))
			return;
	}
	skip_line(c);
}

static int
read_record(struct csv *c, char field[FIELD_BYTES], const struct columns *where, double *value,
    struct mf_error *e)
{
	char text[FIELD_BYTES];
	size_t i;

	for (i = 0; i < MF_INFLUX_FIELDS_MAX; i++) {
		if (i == where->error && where->value == SIZE_MAX) {
			mf_text_escape(text, sizeof text, field);
			return mf_error_set(e, MF_EFAIL, "the server says: %s", text);
		}
		if (i == where->value) {
			if (*field == '\0')
				return mf_error_set(e, MF_EFAIL, "the first record has no value");
			if (mf_prom_number(field, value) != 0)
				return mf_error_set(
				    e, MF_EFAIL, "the value of the first record is no number");
			return 1;
		}
		if (c->last || !next_field(c, field))
			break;
	}
	return mf_error_set(e, MF_EUSAGE, "the answer has no column _value");
}

int
mf_influx_read(const void *bytes, size_t n, double *value, struct mf_error *e)
{
	struct csv c = {.at = bytes, .end = (const char *)bytes + n};
	struct columns where = {SIZE_MAX, SIZE_MAX};
	char field[FIELD_BYTES];
	bool has_header = false;

	if (n == 0)
		return 0;
	while (next_field(&c, field)) {
		if (c.last && *field == '\0') { /* an empty line parts tables */
			has_header = false;
			continue;
		}
		if (*field == '#') {
			has_header = false;
			skip_line(&c);
		} else if (!has_header) {
			read_header(&c, field, &where);
			has_header = true;
		} else
			return read_record(&c, field, &where, value, e);
	}
	return 0;
}

/* Append the URL of the query: the address may have an org of its own. */
static int
put_url(struct mf_buf *url, struct mf_metric_source *s, const struct mf_metric_query *q,
    struct mf_error *e)
{
	struct mf_buf base = MF_BUF_INIT, org = MF_BUF_INIT;
	const char *text, *mark;
	int rc = mf_metric_secret_line(s, q, "org", &org, e);

	(void)mf_metric_address(q, 0, &base);
	text = mf_buf_cstr(&base);
	if (rc >= 0 && text != NULL) {
		mark = strchr(text, '?');
		if (mark != NULL)
			base.data[mark - text] = '\0';
		mf_metric_put_url(url, text, "/api/v2/query");
		if (rc == 1) {
			mf_buf_printf(url, "?org=");
			mf_url_encode(url, org.data, org.len, "");
		} else if (mark != NULL)
			mf_buf_printf(url, "?%s", mark + 1);
		else
			rc = mf_error_set(e, MF_EUSAGE,
			    "provider influxdb needs an organisation: org in its secret, or ?org= "
			    "in the address");
	}
	if (rc >= 0 && (text == NULL || url->failed))
		rc = mf_error_nomem(e, "a URL");
	mf_buf_fini(&base);
	mf_buf_fini(&org);
	return rc < 0 ? -1 : 0;
}

static void
ask_for(struct mf_metric_provider *p, const struct mf_metric_query *q, const char *query,
    struct mf_measured *out)
{
	struct mf_metric_source *s = mf_metric_source_of(p);
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	struct mf_buf url = MF_BUF_INIT;
	uint64_t left_us = mf_metric_timeout_us(q);
	struct mf_metric_call call = {.body = query,
	    .body_bytes = strlen(query),
	    .content_type = "application/vnd.flux",
	    .scheme = "Token",
	    .header = {"Accept", "application/csv"},
	    .left_us = &left_us};
	struct mf_error e = {0};
	double value = 0;
	int rc = -1;

	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (put_url(&url, s, q, &e) == 0) {
		call.url = mf_buf_cstr(&url);
		if (call.url == NULL)
			mf_error_nomem(&e, "a URL");
		else if (mf_metric_fetch_ok(s, q, &call, &answer, &e) == 0)
			rc = mf_influx_read(answer.body.data, answer.body.len, &value, &e);
	}
	if (rc < 0)
		mf_metric_set_error(out, &e);
	else
		mf_metric_set_value(out, rc == 1 ? value : 0);
	mf_dial_answer_fini(&answer);
	mf_buf_fini(&url);
}

static void
ask(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	(void)r;
	ask_for(p, q, q->query, out);
}

static int
probe(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e)
{
	struct mf_measured m;

	ask_for(p, q, "buckets() |> limit(n: 0)", &m);
	return m.end == MF_MEASURE_ERROR ? mf_error_set(e, m.code, "%s", m.why) : 0;
}

const struct mf_metric_provider_ops mf_metric_influxdb_ops = {
    .probe = probe, .ask = ask, .close = mf_metric_close};
