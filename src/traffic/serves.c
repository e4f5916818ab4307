#include "src/traffic/serves.h"

#include <stdio.h>
#include <string.h>

#include "src/base/text.h"
#include "src/rollout/document.h"
#include "src/rollout/jsonpath.h"

#define REGION_BYTES ((size_t)128 << 20)

static int
take_text(const char *text, size_t n, char out[MF_SERVES_SAID_BYTES], struct mf_error *e)
{
	char plain[MF_SERVES_SAID_BYTES];

	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	if (n == 0 || n >= sizeof plain || memchr(text, '\0', n) != NULL)
		return mf_error_set(e, MF_EUSAGE,
		    n == 0 ? "it says no version" : "what it says is too long for a version");
	memcpy(plain, text, n);
	plain[n] = '\0';
	mf_text_escape(out, MF_SERVES_SAID_BYTES, plain);
	return 0;
}

static int
take_node(const struct mf_node *node, char out[MF_SERVES_SAID_BYTES], struct mf_error *e)
{
	switch (node->kind) {
	case MF_NODE_STRING:
	case MF_NODE_NUMBER:
		if (node->text != NULL)
			return take_text(node->text, strlen(node->text), out, e);
		break;
	case MF_NODE_BOOL:
		return take_text(node->truth ? "true" : "false", node->truth ? 4 : 5, out, e);
	default: break;
	}
	return mf_error_set(
	    e, MF_EUSAGE, "a %s stands where its version should", mf_node_kind_name(node->kind));
}

static int
read_path(const char *json_path, const void *answer, size_t n, struct mf_region *r,
    char out[MF_SERVES_SAID_BYTES], struct mf_error *e)
{
	const struct mf_node *root, *hit;
	struct mf_jsonpath *path = mf_jsonpath_read(json_path, r, e);

	if (path == NULL || (root = mf_document_json("its answer", answer, n, r, e)) == NULL ||
	    (hit = mf_jsonpath_first(path, root, e)) == NULL)
		return -1;
	return take_node(hit, out, e);
}

int
mf_serves_read(const char *json_path, const void *answer, size_t n, char out[MF_SERVES_SAID_BYTES],
    struct mf_error *e)
{
	const struct mf_region_params p = {
	    .plain_bytes = REGION_BYTES, .reserve_bytes = 2 * REGION_BYTES, .what = "an answer"};
	struct mf_region *r;
	struct mf_error why = {0};
	int rc;

	out[0] = '\0';
	if (mf_region_new(&p, &r, e) != 0)
		return -1;
	rc = read_path(json_path != NULL ? json_path : "{$}", answer, n, r, out, &why);
	mf_region_free(r);
	if (rc != 0 && json_path == NULL && why.code == MF_EUSAGE)
		return take_text(answer, n, out, e);
	if (rc != 0 && e != NULL)
		*e = why;
	return rc;
}

static void
ask(const struct mf_serves_params *p, size_t i, uint64_t left_us, struct mf_serves_said *said)
{
	const struct mf_call_values values = {
	    .server = p->servers[i], .model = p->model, .version = p->version};
	struct mf_buf answer = MF_BUF_INIT;
	struct mf_error e = {0};

	said->asked++;
	said->right = false;
	said->version[0] = said->why[0] = '\0';
	if (mf_call_do(&p->call, &p->plan->call, &values, left_us, &answer, &e) != 0 ||
	    mf_serves_read(p->plan->json_path, answer.data, answer.len, said->version, &e) != 0)
		mf_text_escape(said->why, sizeof said->why, e.message);
	else
		said->right = strcmp(said->version, p->version) == 0;
	mf_buf_fini(&answer);
}

/* One round over those that have not said it, or over all. false: somebody does not serve it. */
static bool
ask_all(const struct mf_serves_params *p, bool all, uint64_t end_us, struct mf_serves_said *said)
{
	bool right = true;
	uint64_t now_us;
	size_t i;

	for (i = 0; i < p->n_servers; i++) {
		if (said[i].right && !all)
			continue;
		now_us = p->call.now_us(p->call.arg);
		if (now_us >= end_us)
			return false;
		ask(p, i, end_us - now_us, &said[i]);
		right = right && said[i].right;
	}
	return right;
}

static int
too_late(const struct mf_serves_params *p, const struct mf_serves_said *said, struct mf_error *e)
{
	size_t i, wrong = 0, first = 0;

	for (i = 0; i < p->n_servers; i++) {
		if (said[i].right)
			continue;
		first = wrong == 0 ? i : first;
		wrong++;
	}
	if (said[first].version[0] != '\0')
		mf_error_set(e, MF_EFAIL, "server %s serves %s, not %s", p->servers[first],
		    said[first].version, p->version);
	else
		mf_error_set(e, MF_EFAIL, "server %s does not say that it serves %s: %s",
		    p->servers[first], p->version,
		    said[first].why[0] != '\0' ? said[first].why : "it was not asked in time");
	if (wrong > 1)
		mf_error_while(e, "waiting for %zu of %zu servers", wrong, p->n_servers);
	return -1;
}

int
mf_serves_wait(
    const struct mf_serves_params *params, struct mf_serves_said *said, struct mf_error *e)
{
	const struct mf_serves_params *p = params;
	const uint64_t every_us = p->every_us != 0 ? p->every_us : MF_SERVES_EVERY_US;
	const uint64_t end_us = p->call.now_us(p->call.arg) + p->timeout_us;
	unsigned rounds = 0;
	uint64_t now_us;

	memset(said, 0, p->n_servers * sizeof *said);
	if (p->plan->by_metric)
		return mf_error_set(e, MF_EUSAGE, "serves.metric is not asked of servers");
	if (p->n_servers == 0)
		return mf_error_set(e, MF_EUSAGE, "there is no server to ask");
	for (;;) {
		if (ask_all(p, false, end_us, said) &&
		    (rounds == 0 || ask_all(p, true, end_us, said)))
			return 0;
		rounds++;
		if (p->call.interrupted != NULL && p->call.interrupted(p->call.arg))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		now_us = p->call.now_us(p->call.arg);
		if (now_us >= end_us)
			return too_late(p, said, e);
		if (!p->wait(p->call.arg, every_us < end_us - now_us ? every_us : end_us - now_us))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
	}
}
