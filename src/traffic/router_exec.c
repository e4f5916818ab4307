/* A program that speaks JSON moves the weights: modelferry-routers(7), "ROUTER EXEC". */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/traffic/router_int.h"

#define ANSWER_BYTES ((size_t)64 << 10)
#define AGAIN_MS 200 /* from one look to the next, until what was set is seen */

struct exec {
	struct mf_router router;
	const struct mf_router_plan *plan;
	struct mf_router_params params;
};

/* What the program said was wrong. Returns -1. */
static int
complain(const struct exec *x, const json_t *answer, struct mf_error *e)
{
	static const struct {
		const char *word;
		enum mf_code code;
	} codes[] = {{"conflict", MF_ECONFLICT}, {"unsupported", MF_EUNSUPPORTED},
	    {"permission", MF_EPERM}, {"unreachable", MF_ETRANSFER}, {"missing", MF_ENOTFOUND}};
	const char *word = json_string_value(json_object_get(answer, "code"));
	const char *text = json_string_value(json_object_get(answer, "error"));
	enum mf_code code = MF_EFAIL;
	size_t i;

	for (i = 0; word != NULL && i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(word, codes[i].word) == 0)
			code = codes[i].code;
	return mf_error_set(e, code, "%s: %s", x->plan->command[0],
	    text != NULL ? text : "an error that is no text");
}

/* Its one JSON object; NULL with *e. rc: how the program ended, *why if that was badly. */
static json_t *
read_answer(const struct exec *x, const struct mf_buf *out, int rc, const struct mf_error *why,
    struct mf_error *e)
{
	json_t *answer =
	    json_loadb((const char *)out->data, out->len, JSON_REJECT_DUPLICATES, NULL);
	const bool good = json_is_object(answer);

	if (good && json_object_get(answer, "error") != NULL) {
		complain(x, answer, e);
	} else if (rc != 0) {
		if (e != NULL)
			*e = *why;
	} else if (!good) {
		mf_error_set(
		    e, MF_EFAIL, "%s did not answer with a JSON object", x->plan->command[0]);
	} else {
		return answer;
	}
	json_decref(answer);
	return NULL;
}

/* Ask for one verb; takes the reference to question. */
static json_t *
ask(const struct exec *x, json_t *question, uint64_t deadline_us, struct mf_error *e)
{
	struct mf_buf out = MF_BUF_INIT, in = MF_BUF_INIT;
	struct mf_program p = {
	    .argv = x->plan->command, .output = &out, .max_output_bytes = ANSWER_BYTES};
	char *text = question != NULL ? json_dumps(question, JSON_COMPACT) : NULL;
	struct mf_error why = {0};
	json_t *answer = NULL;
	int rc;

	json_decref(question);
	if (text != NULL)
		mf_buf_printf(&in, "%s\n", text);
	free(text);
	if (text == NULL || in.failed) {
		mf_error_nomem(e, "a question");
		mf_buf_fini(&in);
		return NULL;
	}
	p.input = in.data;
	p.input_bytes = in.len;
	rc = mf_router_run(&p, &x->params, deadline_us, &why);
	if (rc == 0 || why.code == MF_EFAIL)
		answer = read_answer(x, &out, rc, &why, e);
	else if (e != NULL)
		*e = why;
	mf_buf_fini(&in);
	mf_buf_fini(&out);
	return answer;
}

static json_t *
verb(const char *name)
{
	return json_pack("{s:i, s:s}", "version", 1, "verb", name);
}

/* A whole number from 0 to max that may be missing. */
static int
take_number(const struct exec *x, const json_t *answer, const char *key, uint64_t max,
    uint64_t *out, struct mf_error *e)
{
	const json_t *value = json_object_get(answer, key);
	const json_int_t n = json_integer_value(value);

	if (value == NULL)
		return 0;
	if (!json_is_integer(value) || n < 0 || (uint64_t)n > max)
		return mf_error_set(e, MF_EFAIL, "%s: \"%s\" is no whole number from 0 to %llu",
		    x->plan->command[0], key, (unsigned long long)max);
	*out = (uint64_t)n;
	return 0;
}

static int
take_share(
    const struct exec *x, const json_t *answer, const char *key, double *out, struct mf_error *e)
{
	const json_t *value = json_object_get(answer, key);
	const double n = json_number_value(value);

	if (value == NULL)
		return 0;
	if (!json_is_number(value) || !(n >= 0 && n <= 100))
		return mf_error_set(
		    e, MF_EFAIL, "%s: \"%s\" is no number from 0 to 100", x->plan->command[0], key);
	*out = n;
	return 0;
}

static int
take_weights(
    const struct exec *x, const json_t *answer, struct mf_router_seen *out, struct mf_error *e)
{
	uint64_t primary = UINT64_MAX, canary = UINT64_MAX;

	if (take_number(x, answer, "primary", 100, &primary, e) != 0 ||
	    take_number(x, answer, "canary", 100, &canary, e) != 0)
		return -1;
	if (primary == UINT64_MAX || canary == UINT64_MAX || primary + canary != 100)
		return mf_error_set(e, MF_EFAIL,
		    "%s: \"primary\" and \"canary\" do not add up to 100", x->plan->command[0]);
	out->primary = (unsigned)primary;
	out->canary = (unsigned)canary;
	out->primary_share = (double)primary;
	out->canary_share = (double)canary;
	return 0;
}

static int
take_seen(
    const struct exec *x, const json_t *answer, struct mf_router_seen *out, struct mf_error *e)
{
	const char *note = json_string_value(json_object_get(answer, "note"));
	struct {
		const char *key;
		unsigned *to;
		uint64_t n;
	} counts[] = {{"primaryUp", &out->primary_up, 0},
	    {"primaryServers", &out->primary_servers, 0}, {"canaryUp", &out->canary_up, 0},
	    {"canaryServers", &out->canary_servers, 0}};
	size_t i;

	*out = (struct mf_router_seen){.instances = 1, .instances_seen = 1};
	if (take_weights(x, answer, out, e) != 0 ||
	    take_share(x, answer, "primaryShare", &out->primary_share, e) != 0 ||
	    take_share(x, answer, "canaryShare", &out->canary_share, e) != 0 ||
	    take_number(x, answer, "canarySessions", UINT32_MAX, &out->canary_sessions, e) != 0)
		return -1;
	for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		if (take_number(x, answer, counts[i].key, 1000000, &counts[i].n, e) != 0)
			return -1;
		*counts[i].to = (unsigned)counts[i].n;
	}
	out->primary_in_service = out->primary_servers;
	out->canary_in_service = out->canary_servers;
	out->canary_distinct = out->canary_servers;
	out->mirror = json_is_true(json_object_get(answer, "mirror"));
	if (note != NULL)
		mf_text_escape(out->note, sizeof out->note, note);
	return 0;
}

static int
get_until(
    const struct exec *x, uint64_t deadline_us, struct mf_router_seen *out, struct mf_error *e)
{
	json_t *answer = ask(x, verb("get"), deadline_us, e);
	int rc;

	if (answer == NULL)
		return mf_error_while(e, "asking for the weights");
	rc = take_seen(x, answer, out, e);
	json_decref(answer);
	return rc;
}

static int
get(struct mf_router *r, struct mf_router_seen *out, struct mf_error *e)
{
	const struct exec *x = (const struct exec *)r;

	return get_until(x, mf_router_deadline_us(x->plan, &x->params), out, e);
}

static int
capabilities(const struct exec *x, struct mf_router_can *can, struct mf_error *e)
{
	json_t *answer =
	    ask(x, verb("capabilities"), mf_router_deadline_us(x->plan, &x->params), e);

	if (answer == NULL)
		return mf_error_while(e, "asking what it can do");
	*can = (struct mf_router_can){.mirror = json_is_true(json_object_get(answer, "mirror")),
	    .header_routes = json_is_true(json_object_get(answer, "headerRoutes")),
	    .capacity = json_is_true(json_object_get(answer, "capacity"))};
	json_decref(answer);
	return 0;
}

static int
check(struct mf_router *r, struct mf_router_can *can, struct mf_error *e)
{
	const struct exec *x = (const struct exec *)r;
	struct mf_router_seen seen;

	if (mf_program_check_search(x->plan->command[0], e) != 0 || capabilities(x, can, e) != 0)
		return -1;
	return get(r, &seen, e);
}

/* Until it says what was set: where weights are names' weights, that takes a while. */
static int
read_back(const struct exec *x, const struct mf_router_seen *want, uint64_t deadline_us,
    struct mf_error *e)
{
	struct mf_router_seen seen;

	for (;;) {
		if (get_until(x, deadline_us, &seen, e) != 0)
			return -1;
		if (seen.canary == want->canary && seen.mirror == want->mirror)
			return 0;
		if (x->params.now_us(x->params.arg) + (uint64_t)AGAIN_MS * 1000 >= deadline_us)
			return mf_error_set(e, MF_ECONFLICT,
			    "%s says %u/%u, and was told to set %u/%u", x->plan->command[0],
			    seen.primary, seen.canary, want->primary, want->canary);
		(void)poll(NULL, 0, AGAIN_MS);
	}
}

static int
set_and_see(
    const struct exec *x, const struct mf_router_seen *want, const char *token, struct mf_error *e)
{
	const uint64_t deadline_us = mf_router_deadline_us(x->plan, &x->params);
	json_t *question = json_pack("{s:i, s:s, s:i, s:i, s:b, s:s*}", "version", 1, "verb", "set",
	    "primary", (int)want->primary, "canary", (int)want->canary, "mirror", (int)want->mirror,
	    "token", token);
	json_t *answer = ask(x, question, deadline_us, e);

	if (answer == NULL)
		return -1;
	json_decref(answer);
	return read_back(x, want, deadline_us, e);
}

static int
refuse_mirror(const struct exec *x, struct mf_error *e)
{
	struct mf_router_can can;

	if (capabilities(x, &can, e) != 0)
		return -1;
	if (can.mirror)
		return 0;
	return mf_error_set(e, MF_EUNSUPPORTED, "%s cannot mirror traffic", x->plan->command[0]);
}

static int
set(struct mf_router *r, unsigned primary, unsigned canary, bool mirror, const char *token,
    struct mf_error *e)
{
	const struct exec *x = (const struct exec *)r;
	const struct mf_router_seen want = {.primary = primary, .canary = canary, .mirror = mirror};
	struct mf_router_seen before = {0};
	struct mf_error why = {0};

	if (mf_router_check_weights(primary, canary, e) != 0 ||
	    (mirror && refuse_mirror(x, e) != 0))
		return -1;
	/* the way back does not wait for anything */
	if (canary > 0 && get(r, &before, e) != 0)
		return -1;
	if (set_and_see(x, &want, token, &why) == 0)
		return 0;
	mf_error_while(&why, "setting the weights to %u/%u", primary, canary);
	if (canary > before.canary) {
		if (set_and_see(x, &before, token, NULL) == 0)
			mf_error_hint(
			    &why, "the weights are %u/%u again", before.primary, before.canary);
		else
			mf_error_hint(&why, "the weights before, %u/%u, could not be set either",
			    before.primary, before.canary);
	}
	if (e != NULL)
		*e = why;
	return -1;
}

static void
close_it(struct mf_router *r)
{
	free(r);
}

static const struct mf_router_ops ops = {
    .name = "exec", .check = check, .get = get, .set = set, .close = close_it};

struct mf_router *
mf_router_open_exec(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e)
{
	struct exec *x;

	if (plan->command == NULL || plan->command[0] == NULL) {
		mf_error_set(e, MF_EUSAGE, "an exec router needs a command");
		return NULL;
	}
	if ((x = calloc(1, sizeof *x)) == NULL) {
		mf_error_nomem(e, "a router");
		return NULL;
	}
	x->router.ops = &ops;
	x->plan = plan;
	x->params = *params;
	return &x->router;
}
