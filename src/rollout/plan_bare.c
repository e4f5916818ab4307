/*
 * A Canary or Rollout that stands alone, completed to a Migration. A document is composed of what
 * the command line says, and read like one that somebody wrote: there is no second set of rules.
 */
#include <string.h>

#include "crypto/digest.h"
#include "src/base/hex.h"
#include "src/base/text.h"
#include "src/rollout/plan_int.h"

/* What a short form of a router may say. Values without a key are the first word's. */
enum word_kind { WORD_LIST, WORD_TEXT, WORD_TRUTH };
struct word {
	const char *key;
	enum word_kind kind;
};
static const struct word haproxy_words[] = {
    {"sockets", WORD_LIST},
    {"primary", WORD_LIST},
    {"canary", WORD_LIST},
    {"config", WORD_LIST},
    {"redispatch", WORD_TRUTH},
    {"cutStreams", WORD_TRUTH},
    {"drainTimeout", WORD_TEXT},
    {"timeout", WORD_TEXT},
    {NULL, WORD_TEXT},
};
static const struct word file_words[] = {
    {"template", WORD_TEXT},
    {"output", WORD_TEXT},
    {"reload", WORD_LIST},
    {"check", WORD_LIST},
    {"timeout", WORD_TEXT},
    {NULL, WORD_TEXT},
};
static const struct word exec_words[] = {
    {"command", WORD_LIST},
    {"timeout", WORD_TEXT},
    {NULL, WORD_TEXT},
};
static const struct short_form {
	const char *name;
	const struct word *words;
} short_forms[] = {
    {"haproxy", haproxy_words},
    {"file", file_words},
    {"exec", exec_words},
};
#define N_SHORT_FORMS (sizeof short_forms / sizeof short_forms[0])

/* How many bytes of the router's name stand before a colon; 0: it is a file. */
static size_t
name_bytes(const char *router)
{
	size_t n = strcspn(router, ":/");

	return router[n] == ':' ? n : 0;
}

bool
mf_plan_router_is_file(const char *router)
{
	return strcmp(router, "none") != 0 && name_bytes(router) == 0;
}

/* One item of a short form: KEY=VALUE, or VALUE alone. */
struct item {
	const struct word *word;
	const char *value;
	size_t value_bytes;
};

/* The item at *at, which moves behind it. False: it is none of the form's. */
static bool
next_item(
    struct mf_plan_reading *rd, const struct short_form *form, const char **at, struct item *out)
{
	const char *start = *at;
	size_t n = strcspn(start, ","), key = strcspn(start, "=,");
	const struct word *w;

	*at = start + n + (start[n] == ',');
	if (key == n) {
		*out = (struct item){form->words, start, n};
		return true;
	}
	for (w = form->words; w->key != NULL; w++)
		if (strlen(w->key) == key && strncmp(w->key, start, key) == 0) {
			*out = (struct item){w, start + key + 1, n - key - 1};
			return true;
		}
	mf_plan_refuse(
	    rd, NULL, "--router: %s has no %.*s", form->name, (int)(key > 64 ? 64 : key), start);
	return false;
}

static void
put_value(struct mf_plan_reading *rd, struct mf_buf *b, const struct item *item)
{
	const char *text = mf_plan_copy(rd, item->value, item->value_bytes);

	if (text == NULL)
		return;
	if (item->word->kind == WORD_TRUTH &&
	    (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		mf_buf_printf(b, "%s", text);
	else
		mf_text_put_json(b, text);
}

/* All values of one word. How many there are. */
static unsigned
put_values(struct mf_plan_reading *rd, struct mf_buf *b, const struct short_form *form,
    const struct word *word, const char *items)
{
	struct item item;
	unsigned n = 0;

	while (*items != '\0') {
		if (!next_item(rd, form, &items, &item))
			return 0;
		if (item.word != word)
			continue;
		if (n++ > 0)
			mf_buf_put_u8(b, ',');
		put_value(rd, b, &item);
	}
	return n;
}

static void
put_words(
    struct mf_plan_reading *rd, struct mf_buf *b, const struct short_form *form, const char *items)
{
	struct mf_buf values = MF_BUF_INIT;
	const struct word *w;
	const char *comma = "";
	unsigned n;

	mf_buf_printf(b, "{\"%s\":{", form->name);
	for (w = form->words; w->key != NULL && rd->n_refusals == 0; w++) {
		mf_buf_clear(&values);
		n = put_values(rd, &values, form, w, items);
		b->failed = b->failed || values.failed; /* the next word clears it */
		if (n == 0)
			continue;
		if (n > 1 && w->kind != WORD_LIST)
			mf_plan_refuse(rd, NULL, "--router: %s a second time", w->key);
		mf_buf_printf(b, w->kind == WORD_LIST ? "%s\"%s\":[" : "%s\"%s\":", comma, w->key);
		mf_buf_put(b, values.data, values.len);
		if (w->kind == WORD_LIST)
			mf_buf_put_u8(b, ']');
		comma = ",";
	}
	mf_buf_printf(b, "}}");
	mf_buf_fini(&values);
}

/* The file holds what a Migration has under `router`. */
static void
put_file(struct mf_plan_reading *rd, struct mf_buf *b, const struct mf_plan_bare *bare)
{
	struct mf_documents docs = {0};
	struct mf_error why = {0};

	if (mf_documents_read(
		&docs, bare->router, bare->router_text, bare->router_bytes, rd->region, &why) != 0)
		mf_plan_refuse_error(rd, NULL, &why);
	else if (docs.n != 1)
		mf_plan_refuse(
		    rd, NULL, "--router: the file holds %zu documents, and one is wanted", docs.n);
	else
		mf_node_put_json(b, docs.roots[0]);
}

static void
put_router(struct mf_plan_reading *rd, struct mf_buf *b, const struct mf_plan_bare *bare)
{
	size_t n = name_bytes(bare->router), i;

	if (bare->router_text != NULL) {
		put_file(rd, b, bare);
		return;
	}
	if (strcmp(bare->router, "none") == 0) {
		mf_buf_printf(b, "\"none\"");
		return;
	}
	for (i = 0; i < N_SHORT_FORMS; i++)
		if (strlen(short_forms[i].name) == n &&
		    strncmp(short_forms[i].name, bare->router, n) == 0) {
			put_words(rd, b, &short_forms[i], bare->router + n + 1);
			return;
		}
	mf_plan_refuse(rd, NULL,
	    "--router: there is no router %.*s: haproxy:, file:, exec:, or a FILE is wanted",
	    (int)(n > 64 ? 64 : n), bare->router);
}

/* Who could move the traffic without being named here is in a cluster. */
static void
refuse_without_router(struct mf_plan_reading *rd, const struct mf_node *doc, enum mf_plan_kind kind)
{
	const struct mf_node *spec = mf_node_get(doc, "spec");
	const struct mf_node *provider = mf_node_get(spec, "provider");
	const struct mf_node *routing = mf_node_find(spec, "strategy.canary.trafficRouting");
	const char *name = "istio"; /* where Flagger is told of none */

	if (kind == MF_PLAN_ROLLOUT && routing == NULL) {
		mf_plan_refuse(rd, spec, "a Rollout without a router of its own needs --router");
		return;
	}
	if (provider != NULL && provider->kind == MF_NODE_STRING)
		name = provider->text;
	if (kind == MF_PLAN_ROLLOUT)
		mf_plan_refuse(rd, routing,
		    "a router of a cluster is not moved from here yet: name one with --router");
	else
		mf_plan_refuse(rd, provider != NULL ? provider : spec,
		    "the provider %.64s of a cluster is not moved from here yet: name a router "
		    "with --router",
		    name);
}

static bool
has_data(struct mf_plan_reading *rd, const struct mf_plan_bare *bare)
{
	const struct {
		const char *name, *value;
	} parts[] = {{"--model", bare->model}, {"--from", bare->from}, {"--to", bare->to}};
	const char *missing = NULL;
	size_t i, n = 0;

	for (i = 0; i < 3; i++)
		if (parts[i].value != NULL)
			n++;
		else
			missing = parts[i].name;
	if (n != 0 && n != 3)
		mf_plan_refuse(
		    rd, NULL, "--model, --from and --to go together: %s is missing", missing);
	return n == 3;
}

static void
put_pair(struct mf_buf *b, const char *key, const char *value)
{
	if (value == NULL || b->failed)
		return;
	mf_buf_printf(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", key);
	mf_text_put_json(b, value);
}

static void
put_data(struct mf_buf *b, const struct mf_plan_bare *bare)
{
	mf_buf_printf(b, "\"model\":{");
	put_pair(b, "name", bare->model);
	put_pair(b, "version", bare->version);
	mf_buf_printf(b, "},\"source\":{");
	put_pair(b, "dir", bare->from);
	put_pair(b, "serves", "unchecked");
	mf_buf_printf(b, "},\"destination\":{");
	put_pair(b, "dir", bare->to);
	put_pair(b, "link", bare->link);
	put_pair(b, "serves", "unchecked");
	mf_buf_printf(b, "},");
}

static void
put_primary_args(struct mf_buf *b, const struct mf_plan_bare *bare)
{
	size_t i;

	if (bare->n_primary_args == 0)
		return;
	mf_buf_printf(b, ",\"primaryArgs\":{");
	for (i = 0; i < bare->n_primary_args; i++) {
		if (i > 0)
			mf_buf_put_u8(b, ',');
		mf_text_put_json(b, bare->primary_args[i].name);
		mf_buf_put_u8(b, ':');
		mf_text_put_json(b, bare->primary_args[i].value);
	}
	mf_buf_put_u8(b, '}');
}

static void
compose(struct mf_plan_reading *rd, struct mf_buf *b, enum mf_plan_kind kind)
{
	const struct mf_plan_bare *bare = rd->params->bare;

	mf_buf_printf(b, "{\"apiVersion\":\"modelferry.dev/v1alpha1\",\"kind\":\"Migration\","
			 "\"metadata\":{");
	put_pair(b, "name", rd->plan->name);
	put_pair(b, "namespace", rd->plan->namespace_name);
	mf_buf_printf(b, "},\"spec\":{");
	if (!rd->traffic_only)
		put_data(b, bare);
	mf_buf_printf(b, "\"router\":");
	put_router(rd, b, bare);
	mf_buf_printf(
	    b, ",\"analysis\":{\"%s\":{", kind == MF_PLAN_CANARY ? "canaryRef" : "rolloutRef");
	put_pair(b, "name", rd->plan->name);
	mf_buf_printf(b, "}");
	put_primary_args(b, bare);
	mf_buf_printf(b, "}");
	if (bare->has_verify_for) /* to the microsecond, as seconds */
		mf_buf_printf(b, ",\"rollback\":{\"verifyFor\":%llu.%06u}",
		    (unsigned long long)(bare->verify_for_us / 1000000),
		    (unsigned)(bare->verify_for_us % 1000000));
	mf_buf_printf(b, "}}");
}

/* The same file with other words is another plan. */
static void
digest_all(struct mf_plan_reading *rd, const struct mf_buf *composed)
{
	const char *both = mf_plan_format(
	    rd, "%s\n%.*s", rd->plan->digest, (int)composed->len, (const char *)composed->data);
	char *hex = mf_plan_alloc(rd, MF_SHA256_HEX_BYTES, 1);
	uint8_t sum[MF_SHA256_BYTES];

	if (both == NULL || hex == NULL)
		return;
	mf_sha256(both, strlen(both), sum);
	mf_hex_encode(hex, sum, sizeof sum);
	rd->plan->digest = hex;
}

const struct mf_node *
mf_plan_complete(struct mf_plan_reading *rd, const struct mf_node *doc, enum mf_plan_kind kind)
{
	const struct mf_plan_bare *bare = rd->params->bare;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error why = {0};
	struct mf_node *root = NULL;

	rd->traffic_only = !has_data(rd, bare);
	if (kind == MF_PLAN_CANARY && bare->n_primary_args > 0)
		mf_plan_refuse(rd, doc,
		    "--primary-arg is for a Rollout: a Canary's metrics have no arguments");
	if (bare->router == NULL)
		refuse_without_router(rd, doc, kind);
	if (rd->n_refusals > 0)
		return NULL;
	compose(rd, &b, kind);
	if (rd->n_refusals == 0) {
		if (b.failed)
			mf_error_nomem(&why, "a plan");
		else
			root =
			    mf_document_json("the command line", b.data, b.len, rd->region, &why);
		if (root == NULL)
			mf_plan_refuse_error(rd, NULL, &why);
		else
			digest_all(rd, &b);
	}
	mf_buf_fini(&b);
	rd->composed = root;
	return root;
}
