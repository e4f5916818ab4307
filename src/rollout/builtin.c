#include <ctype.h>
#include <string.h>

#include "src/rollout/builtin.h"
#include "src/rollout/builtin_int.h"
#include "src/rollout/promtext.h"

#define HAPROXY "haproxy"
#define WINDOW_BYTES 32

const char *
mf_builtin_provider(size_t i)
{
	if (i == mf_builtin_n_rows)
		return HAPROXY;
	return i < mf_builtin_n_rows ? mf_builtin_rows[i].provider : NULL;
}

static const struct mf_builtin_row *
find_row(const char *provider)
{
	const struct mf_builtin_row *row;
	size_t i, n;

	for (i = 0; provider != NULL && i < mf_builtin_n_rows; i++) {
		row = &mf_builtin_rows[i];
		n = strlen(row->provider);
		if (strncmp(provider, row->provider, n) == 0 &&
		    (provider[n] == '\0' || (row->is_prefix && provider[n] == ':')))
			return row;
	}
	return NULL;
}

static bool
is_haproxy(const char *provider)
{
	return provider != NULL && strcmp(provider, HAPROXY) == 0;
}

bool
mf_builtin_knows(const char *provider)
{
	return is_haproxy(provider) || find_row(provider) != NULL;
}

static const struct mf_builtin_row *
need_row(const char *provider, const struct mf_builtin_names *names, struct mf_error *e)
{
	const struct mf_builtin_row *row = find_row(provider);

	if (row == NULL) {
		mf_error_set(e, MF_EUSAGE, "provider \"%s\" has no built-in metrics",
		    provider != NULL ? provider : "");
		mf_error_hint(e,
		    "give the metric a query or a templateRef; the providers that have "
		    "some are in modelferry-metrics(7)");
		return NULL;
	}
	if (names->primary && row->one_sided) {
		mf_error_set(e, MF_EUNSUPPORTED,
		    "the metrics of provider %s do not tell the primary's requests from the "
		    "canary's",
		    provider);
		return NULL;
	}
	return row;
}

struct name {
	char letter;
	const char *what;
	const char *text;
};

/* A name as Skipper writes it in the ids of its routes. */
static int
put_words(struct mf_buf *b, const struct name *name, struct mf_error *e)
{
	const size_t from = b->len;
	size_t i;

	if (mf_promtext_put_exact(b, name->what, name->text, e) != 0)
		return -1;
	for (i = from; i < b->len; i++)
		if (!isalnum(b->data[i]))
			b->data[i] = '_';
	return 0;
}

static int
put_name(
    struct mf_buf *b, const char **at, const struct mf_builtin_names *names, struct mf_error *e)
{
	const struct name table[] = {{'n', "the namespace", names->namespace_name},
	    {'t', "the name of the target", names->target},
	    {'s', "the name of the service", names->service},
	    {'i', "the name of the ingress", names->ingress},
	    {'r', "the name of the route", names->route}};
	const bool words = **at == 'W';
	const char letter = *(*at += words);
	size_t i;

	for (i = 0; table[i].letter != tolower((unsigned char)letter); i++)
		continue;
	++*at;
	if (words)
		return put_words(b, &table[i], e);
	if (isupper((unsigned char)letter))
		return mf_promtext_put_literal(b, table[i].what, table[i].text, e);
	return mf_promtext_put_exact(b, table[i].what, table[i].text, e);
}

/* The selector of a row, with the names in it. */
static int
put_selector(
    struct mf_buf *b, const char *text, const struct mf_builtin_names *names, struct mf_error *e)
{
	bool in_choice = false;

	while (*text != '\0') {
		if (*text == '}' && in_choice) {
			in_choice = false;
			text++;
			continue;
		}
		if (*text != '%') {
			mf_buf_put_u8(b, (uint8_t)*text++);
			continue;
		}
		switch (*++text) {
		case 'c':
			mf_buf_printf(b, names->primary ? "primary" : "canary");
			text++;
			break;
		case 'p':
			mf_buf_printf(b, names->primary ? "-primary" : "");
			text++;
			break;
		case 'x': /* for a canary only */
			text = names->primary ? strchr(text, '}') + 1 : text + 2;
			in_choice = !names->primary;
			break;
		default:
			if (put_name(b, &text, names, e) != 0)
				return -1;
		}
	}
	return 0;
}

struct sum {
	const char *function; /* "rate", "increase" */
	const char *metric, *suffix;
	const char *selector;
	const char *more; /* of the selector; NULL: none */
	const char *by;   /* " by (le) ", or "" */
	const char *window;
};

static int
put_sum(
    struct mf_buf *b, const struct sum *s, const struct mf_builtin_names *names, struct mf_error *e)
{
	mf_buf_printf(b, "sum%s(%s(%s%s{", s->by, s->function, s->metric, s->suffix);
	if (put_selector(b, s->selector, names, e) != 0)
		return -1;
	mf_buf_printf(b, "%s%s}[%s]))", s->more != NULL ? "," : "", s->more != NULL ? s->more : "",
	    s->window);
	return 0;
}

static int
put_success(struct mf_buf *b, const struct mf_builtin_row *row,
    const struct mf_builtin_names *names, const char *window, struct mf_error *e)
{
	struct sum s = {"rate", row->requests, "", row->selector, row->bad, "", window};

	mf_buf_printf(b, "100 * (1 - (");
	if (put_sum(b, &s, names, e) != 0)
		return -1;
	mf_buf_printf(b, " or vector(0)) / ");
	s.more = NULL;
	if (put_sum(b, &s, names, e) != 0)
		return -1;
	mf_buf_printf(b, ")");
	return 0;
}

static int
put_duration(struct mf_buf *b, const struct mf_builtin_row *row,
    const struct mf_builtin_names *names, const char *window, struct mf_error *e)
{
	const char *selector = row->d_selector != NULL ? row->d_selector : row->selector;
	struct sum s = {"rate", row->duration, "_bucket", selector, NULL, " by (le) ", window};

	if (row->to_ms != 1)
		mf_buf_printf(b, "%u * ", row->to_ms);
	if (!row->mean) {
		mf_buf_printf(b, "histogram_quantile(0.99, ");
		if (put_sum(b, &s, names, e) != 0)
			return -1;
		mf_buf_printf(b, ")");
		return 0;
	}
	s.by = "";
	s.suffix = "_sum";
	if (put_sum(b, &s, names, e) != 0)
		return -1;
	mf_buf_printf(b, " / ");
	s.suffix = "_count";
	return put_sum(b, &s, names, e);
}

static int
window_text(char out[WINDOW_BYTES], uint64_t window_us, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int r = mf_promtext_put_window(&b, window_us, e);

	if (r == 0 && (mf_buf_cstr(&b) == NULL || b.len >= WINDOW_BYTES))
		r = mf_error_nomem(e, "a query");
	if (r == 0)
		memcpy(out, b.data, b.len + 1);
	mf_buf_fini(&b);
	return r;
}

static int
done(const struct mf_buf *out, struct mf_error *e)
{
	return out->failed ? mf_error_nomem(e, "a query") : 0;
}

int
mf_builtin_query(const char *provider, enum mf_metric_rule rule,
    const struct mf_builtin_names *names, uint64_t window_us, struct mf_buf *out,
    struct mf_error *e)
{
	const struct mf_builtin_row *row;
	const bool success = rule == MF_RULE_SUCCESS_RATE;
	char window[WINDOW_BYTES];

	if (!success && rule != MF_RULE_DURATION)
		return mf_error_set(
		    e, MF_EUSAGE, "only request-success-rate and request-duration are built in");
	if (window_text(window, window_us, e) != 0)
		return -1;
	if (is_haproxy(provider)) {
		if ((success ? mf_builtin_put_haproxy_success : mf_builtin_put_haproxy_duration)(
			out, names, window, e) != 0)
			return -1;
		return done(out, e);
	}
	if ((row = need_row(provider, names, e)) == NULL ||
	    (success ? put_success : put_duration)(out, row, names, window, e) != 0)
		return -1;
	return done(out, e);
}

int
mf_builtin_count_query(const char *provider, const struct mf_builtin_names *names,
    uint64_t window_us, struct mf_buf *out, struct mf_error *e)
{
	const struct mf_builtin_row *row;
	struct sum s = {.function = "increase", .suffix = "", .by = ""};
	char window[WINDOW_BYTES];

	if (window_text(window, window_us, e) != 0)
		return -1;
	if (is_haproxy(provider))
		return mf_builtin_put_haproxy_count(out, names, window, e) == 0 ? done(out, e) : -1;
	if ((row = need_row(provider, names, e)) == NULL)
		return -1;
	s.metric = row->requests;
	s.selector = row->selector;
	s.window = window;
	return put_sum(out, &s, names, e) == 0 ? done(out, e) : -1;
}

int
mf_builtin_age_query(const char *provider, const struct mf_builtin_names *names, struct mf_buf *out,
    struct mf_error *e)
{
	const struct mf_builtin_row *row;

	if (is_haproxy(provider))
		return mf_builtin_put_haproxy_age(out, names, e) == 0 ? done(out, e) : -1;
	if ((row = need_row(provider, names, e)) == NULL)
		return -1;
	mf_buf_printf(out, "time() - max(timestamp(%s{", row->requests);
	if (put_selector(out, row->selector, names, e) != 0)
		return -1;
	mf_buf_printf(out, "}))");
	return done(out, e);
}
