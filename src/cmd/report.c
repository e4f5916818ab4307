#include "config.h"

#include "src/cmd/report.h"

#include <stdlib.h>
#include <string.h>

#include "src/cmd/report_int.h"
#include "src/report/notify.h"
#include "src/report/ping.h"
#include "src/report/prom_file.h"
#include "src/report/prom_push.h"
#include "src/report/tail.h"

struct mf_cmd_report {
	struct mf_cmd_facts facts;
	struct mf_secret *notify_url; /* NULL: not asked for; so the others */
	struct mf_secret *ping_url;
	const char *metrics_file;
	const char *pushgateway;
	const char *instance;
	bool notify_always;
	bool failure_told; /* of a piece */
	struct mf_post *post; /* NULL where no server is told */
	struct mf_notifier *notifier;
	struct mf_tail *tail;
	uint64_t timeout_us;
	_Atomic uint64_t retries;
	char program[64];
};

int
mf_cmd_report_new(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_report *r = calloc(1, sizeof *r);
	int rc;

	if (r == NULL)
		return mf_error_nomem(e, "reports");
	c->report = r;
	atomic_init(&r->retries, 0);
	(void)snprintf(r->program, sizeof r->program, "modelferry/%s", PACKAGE_VERSION);
	rc = mf_cmd_facts_take(&r->facts, c->options, e);
	mf_cmd_facts_to_log(&r->facts);
	return rc;
}

const char *
mf_cmd_report_run_id(const struct mf_cmd *c)
{
	return c->report != NULL ? c->report->facts.run_id : NULL;
}

_Atomic uint64_t *
mf_cmd_report_retries(const struct mf_cmd *c)
{
	return c->report != NULL ? &c->report->retries : NULL;
}

struct mf_notifier *
mf_cmd_report_notifier(const struct mf_cmd *c)
{
	return c->report != NULL ? c->report->notifier : NULL;
}

void
mf_cmd_report_version(struct mf_cmd *c, const char *version)
{
	if (c->report == NULL || version == NULL)
		return;
	mf_log_set_context(NULL, 0);
	(void)snprintf(c->report->facts.version, sizeof c->report->facts.version, "%s", version);
	mf_cmd_facts_to_log(&c->report->facts);
}

/* A URL out of one of two options; *out stays NULL where neither is given. */
static int
take_url(const struct mf_options *o, enum mf_option direct, enum mf_option file,
    struct mf_secret **out, struct mf_error *e)
{
	const char *text = mf_options_text(o, direct), *path = mf_options_text(o, file);
	char name[MF_PROVENANCE_BYTES];

	if (text != NULL && path != NULL)
		return mf_error_set(e, MF_EUSAGE, "--%s and --%s exclude each other",
		    mf_option_table[direct].name, mf_option_table[file].name);
	if (text != NULL)
		*out = mf_post_take_url(mf_options_provenance(o, direct, name), text, e);
	else if (path != NULL)
		*out = mf_post_read_url(mf_options_provenance(o, file, name), path, e);
	else
		return 0;
	if (*out == NULL)
		return -1;
	if (mf_post_check_url(
		name, mf_post_url_view(*out), mf_options_flag(o, MF_OPT_ALLOW_HTTP), e) == 0)
		return 0;
	mf_secret_free(*out);
	*out = NULL;
	return -1;
}

static int
take_gateway(struct mf_cmd_report *r, const struct mf_options *o, struct mf_error *e)
{
	const char *url = mf_options_text(o, MF_OPT_PUSHGATEWAY);
	const struct mf_report_run run = {.command = ""};
	struct mf_buf group = MF_BUF_INIT;
	char name[MF_PROVENANCE_BYTES];
	int rc;

	if (url == NULL)
		return 0;
	rc = mf_post_check_url(mf_options_provenance(o, MF_OPT_PUSHGATEWAY, name), url,
	    mf_options_flag(o, MF_OPT_ALLOW_HTTP), e);
	if (rc == 0)
		rc = mf_prom_push_put_url(&group, url, "", &run, e);
	mf_buf_fini(&group);
	if (rc == 0)
		r->pushgateway = url;
	return rc;
}

static const char *
variable(const char *lower, const char *upper)
{
	const char *value = getenv(lower);

	if ((value == NULL || value[0] == '\0') && upper != NULL)
		value = getenv(upper);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* As for stores (transfers/s3_open.c). */
static const char *
proxy(const char *lower, const char *upper)
{
	const char *found = variable(lower, upper);

	return found != NULL ? found : variable("all_proxy", "ALL_PROXY");
}

void
mf_cmd_proxies(const char **http, const char **https, const char **none)
{
	*http = proxy("http_proxy", NULL);
	*https = proxy("https_proxy", "HTTPS_PROXY");
	*none = variable("no_proxy", "NO_PROXY");
}

static uint64_t
monotonic(void *arg)
{
	(void)arg;
	return (uint64_t)mf_cmd_monotonic_us();
}

static int
open_post(struct mf_cmd_report *r, const struct mf_options *o, struct mf_error *e)
{
	const struct mf_post_params params = {
	    .allow_http = mf_options_flag(o, MF_OPT_ALLOW_HTTP),
	    .ca_file = mf_options_text(o, MF_OPT_REPORT_CA_FILE),
	    .http_proxy = proxy("http_proxy", NULL),
	    .https_proxy = proxy("https_proxy", "HTTPS_PROXY"),
	    .no_proxy = variable("no_proxy", "NO_PROXY"),
	};
	struct mf_notifier_params notifier = {
	    .url = r->notify_url, .timeout_us = r->timeout_us, .now_us = monotonic};

	if (r->notify_url == NULL && r->ping_url == NULL && r->pushgateway == NULL)
		return 0;
	if ((r->post = mf_post_open(&params, e)) == NULL)
		return -1;
	if (r->notify_url == NULL)
		return 0;
	notifier.post = r->post;
	r->notifier = mf_notifier_open(&notifier, e);
	return r->notifier != NULL ? 0 : -1;
}

int
mf_cmd_report_open(struct mf_cmd *c, struct mf_error *e)
{
	const struct mf_options *o = c->options;
	struct mf_cmd_report *r = c->report;
	struct mf_error first = {0}, later;
	int rc = 0;

	if (r == NULL || !r->facts.tells)
		return 0;
	r->timeout_us = mf_options_number(o, MF_OPT_REPORT_TIMEOUT);
	r->notify_always = mf_options_number(o, MF_OPT_NOTIFY_ON) == 1;
	r->metrics_file = mf_options_text(o, MF_OPT_METRICS_FILE);
	r->instance = mf_options_text(o, MF_OPT_METRICS_INSTANCE);
	if (r->instance == NULL || r->instance[0] == '\0')
		r->instance = r->facts.host;
	if (mf_crypto_init(&first) != 0)
		rc = -1;
	/* the first failure is the one to tell, to whom the others are */
	if (rc == 0)
		rc = take_url(o, MF_OPT_NOTIFY_URL, MF_OPT_NOTIFY_URL_FILE, &r->notify_url, &first);
	if (take_url(o, MF_OPT_PING_URL, MF_OPT_PING_URL_FILE, &r->ping_url,
		rc == 0 ? &first : &later) != 0)
		rc = -1;
	if (take_gateway(r, o, rc == 0 ? &first : &later) != 0)
		rc = -1;
	if (open_post(r, o, rc == 0 ? &first : &later) != 0)
		rc = -1;
	if (r->ping_url != NULL && (r->tail = mf_tail_new(rc == 0 ? &first : &later)) == NULL)
		rc = -1;
	if (r->tail != NULL)
		mf_log_set_tap(mf_tail_add, r->tail);
	if (rc != 0 && e != NULL)
		*e = first;
	return rc;
}

void
mf_cmd_report_free(struct mf_cmd *c)
{
	struct mf_cmd_report *r = c->report;

	if (r == NULL)
		return;
	mf_log_set_tap(NULL, NULL);
	mf_log_set_context(NULL, 0);
	mf_notifier_close(r->notifier);
	mf_post_close(r->post);
	mf_tail_free(r->tail);
	mf_secret_free(r->notify_url);
	mf_secret_free(r->ping_url);
	free(r);
	c->report = NULL;
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void
fill_run(const struct mf_cmd *c, struct mf_report_run *run)
{
	const struct mf_cmd_report *r = c->report;
	const struct mf_cmd_facts *f = &r->facts;
	const struct mf_progress *p = &c->progress;

	*run = (struct mf_report_run){.run_id = f->run_id,
	    .program = r->program,
	    .command = f->command,
	    .model = or_null(f->model),
	    .version = or_null(f->version),
	    .store = or_null(f->store),
	    .host = f->host,
	    .ended_unix_us = mf_cmd_now_us(),
	    .duration_us = (uint64_t)(mf_cmd_monotonic_us() - f->begun_us),
	    .counts = {.bytes = p->bytes_done,
		.new_bytes = p->bytes_encoded_in,
		.stored_bytes = p->bytes_stored,
		.fetched_bytes = p->bytes_fetched,
		.files = p->files_done,
		.new_chunks = p->chunks_new,
		.known_chunks = p->chunks_known,
		.retries = r->retries}};
}

static void
warn(const char *whom, const char *what, const struct mf_error *e)
{
	char text[MF_ERROR_MESSAGE_BYTES + MF_ERROR_HINT_BYTES +
		  MF_ERROR_FRAMES * (MF_ERROR_FRAME_BYTES + 16) + 64];
	char *hint;

	(void)mf_error_text(e, text, sizeof text);
	if ((hint = strchr(text, '\n')) != NULL)
		*hint = ' ';
	mf_log(MF_LOG_WARNING, "%s was not told %s: %s", whom, what, text);
}

static void
tell_begin(struct mf_cmd *c)
{
	const struct mf_cmd_report *r = c->report;
	struct mf_report_run run;
	struct mf_error e = {0};
	struct mf_ping ping;

	if (r == NULL || r->ping_url == NULL || r->post == NULL)
		return;
	ping =
	    (struct mf_ping){.post = r->post, .url = r->ping_url, .timeout_us = r->timeout_us / 4};
	fill_run(c, &run);
	if (mf_ping_start(&ping, &run, &e) != 0)
		warn("the server of --ping-url", "that the run begins", &e);
}

void
mf_cmd_report_begin(struct mf_cmd *c)
{
	if (c->report != NULL && !c->report->facts.in_pieces)
		tell_begin(c);
}

void
mf_cmd_report_piece_begin(struct mf_cmd *c, uint64_t ago_us)
{
	struct mf_cmd_report *r = c->report;

	if (r == NULL || !r->facts.in_pieces)
		return;
	r->facts.begun_us = mf_cmd_monotonic_us() - (int64_t)ago_us;
	atomic_store(&r->retries, 0);
	tell_begin(c);
}

static int
ping_end(
    const struct mf_cmd_report *r, const struct mf_report_run *run, uint64_t us, struct mf_error *e)
{
	const struct mf_ping ping = {.post = r->post, .url = r->ping_url, .timeout_us = us};
	struct mf_buf log = MF_BUF_INIT;
	int rc;

	if (r->tail != NULL)
		mf_tail_put(r->tail, &log);
	rc = mf_ping_end(&ping, run, log.data, log.len, e);
	mf_buf_fini(&log);
	return rc;
}

static int
notify(
    const struct mf_cmd_report *r, const struct mf_report_run *run, uint64_t us, struct mf_error *e)
{
	struct mf_notify_run_memory memory = {.text = MF_BUF_INIT};
	struct mf_notify_event event;
	int rc = mf_notify_of_run(&event, run, &memory, e);

	mf_notifier_set_timeout(r->notifier, us);
	if (rc == 0)
		rc = mf_notifier_send(r->notifier, &event, e);
	mf_notify_run_memory_fini(&memory);
	return rc;
}

static int
push_metrics(
    const struct mf_cmd_report *r, const struct mf_report_run *run, uint64_t us, struct mf_error *e)
{
	return mf_prom_push(r->post, r->pushgateway, r->instance, run, us, e);
}

#define TELL_NOTICE 1u
#define TELL_REST 2u

/* The servers, one after the other. Each has its share of what is left of the time. */
static void
tell_servers(const struct mf_cmd_report *r, const struct mf_report_run *run, unsigned what)
{
	const bool notice = (what & TELL_NOTICE) != 0, rest = (what & TELL_REST) != 0;
	const struct {
		bool wanted;
		const char *whom;
		int (*tell)(const struct mf_cmd_report *r, const struct mf_report_run *run,
		    uint64_t us, struct mf_error *e);
	} whom[] = {
	    {rest && r->ping_url != NULL, "the server of --ping-url", ping_end},
	    {notice && r->notifier != NULL && (run->error != NULL || r->notify_always),
		"the server of --notify-url", notify},
	    {rest && r->pushgateway != NULL, "the server of --pushgateway", push_metrics},
	};
	const int64_t begun_us = mf_cmd_monotonic_us();
	uint64_t gone_us, left_us;
	struct mf_error e;
	size_t i, n = 0;

	for (i = 0; i < sizeof whom / sizeof whom[0]; i++)
		n += whom[i].wanted;
	for (i = 0; i < sizeof whom / sizeof whom[0]; i++) {
		if (!whom[i].wanted)
			continue;
		gone_us = (uint64_t)(mf_cmd_monotonic_us() - begun_us);
		left_us = gone_us < r->timeout_us ? r->timeout_us - gone_us : 0;
		mf_error_clear(&e);
		if (whom[i].tell(r, run, left_us / n--, &e) != 0)
			warn(whom[i].whom, "how the run went", &e);
	}
}

static void
tell_end(struct mf_cmd *c, const struct mf_error *error, unsigned what)
{
	const struct mf_waiting waiting = {.now_us = NULL};
	struct mf_cmd_report *r = c->report;
	struct mf_report_run run;
	struct mf_error e = {0};

	fill_run(c, &run);
	run.error = error;
	run.exit_status = error != NULL ? mf_error_row(error->code)->exit_status : 0;
	if ((what & TELL_REST) != 0 && r->metrics_file != NULL &&
	    mf_prom_file_update(r->metrics_file, &run, &waiting, &e) != 0)
		warn("--metrics-file", "how the run went", &e);
	if (r->post != NULL)
		tell_servers(r, &run, what);
}

void
mf_cmd_report_piece_end(struct mf_cmd *c, const struct mf_error *error)
{
	struct mf_cmd_report *r = c->report;

	if (r == NULL || !r->facts.tells || !r->facts.in_pieces)
		return;
	r->failure_told = error != NULL;
	tell_end(c, error, TELL_REST);
}

void
mf_cmd_report_end(struct mf_cmd *c, const struct mf_error *error)
{
	const struct mf_cmd_report *r = c->report;

	if (r == NULL || !r->facts.tells || (r->facts.in_pieces && error == NULL))
		return;
	tell_end(c, error,
	    r->facts.in_pieces && r->failure_told ? TELL_NOTICE : TELL_NOTICE | TELL_REST);
}
