/* The mlflow hook against a small registry that keeps what it is told: forth, back, again, after a
 * failure in the middle, and when somebody else was there in between. */
#include "tests/unit/traffic/web_script.h"

#include <jansson.h>

#include "crypto/secret.h"
#include "src/traffic/hooks.h"
#include "src/traffic/mlflow.h"

#define VERSIONS 4u
#define TAGS 8u

/* One registered model, "churn". */
struct registry {
	struct {
		char stage[16];
		char key[TAGS][64], value[TAGS][64];
	} versions[VERSIONS]; /* from 1 */
	char champion;        /* '2': the alias' version; 0: not there */
	unsigned writes;
	unsigned fail_at; /* the write (from 1) that is answered 500 */
	bool no_filter;   /* it answers with all versions, whatever the filter */
};

struct fixture {
	struct web_script web;
	struct web_clock clock;
	struct mf_dialer *dialer;
	struct mf_hook_caller *caller;
	struct mf_hook hook;
	struct mf_hook_answer out;
	struct registry registry;
};

static void
set_tag(struct registry *r, unsigned v, const char *key, const char *value)
{
	unsigned i, at = TAGS;

	for (i = TAGS; i-- > 0;)
		if (r->versions[v].key[i][0] == '\0' || strcmp(r->versions[v].key[i], key) == 0)
			at = i;
	for (i = 0; i < TAGS; i++)
		if (strcmp(r->versions[v].key[i], key) == 0)
			at = i;
	assert_true(at < TAGS);
	(void)snprintf(r->versions[v].key[at], 64, "%.63s", value != NULL ? key : "");
	(void)snprintf(r->versions[v].value[at], 64, "%.63s", value != NULL ? value : "");
}

static const char *
tag(const struct registry *r, unsigned v, const char *key)
{
	unsigned i;

	for (i = 0; i < TAGS; i++)
		if (strcmp(r->versions[v].key[i], key) == 0)
			return r->versions[v].value[i];
	return NULL;
}

static json_t *
version_json(const struct registry *r, unsigned v)
{
	json_t *tags = json_array(), *out;
	char number[8];
	unsigned i;

	(void)snprintf(number, sizeof number, "%u", v);
	for (i = 0; i < TAGS; i++)
		if (r->versions[v].key[i][0] != '\0')
			json_array_append_new(
			    tags, json_pack("{s:s,s:s}", "key", r->versions[v].key[i], "value",
				      r->versions[v].value[i]));
	out = json_pack("{s:s,s:s,s:s,s:o}", "name", "churn", "version", number, "current_stage",
	    r->versions[v].stage, "tags", tags);
	assert_non_null(out);
	return out;
}

static json_t *
model_json(const struct registry *r)
{
	json_t *aliases = json_array(), *latest = json_array();
	char number[2] = {r->champion, '\0'};
	unsigned v;

	if (r->champion != 0)
		json_array_append_new(
		    aliases, json_pack("{s:s,s:s}", "alias", "champion", "version", number));
	for (v = 1; v < VERSIONS; v++)
		json_array_append_new(latest, version_json(r, v));
	return json_pack("{s:{s:s,s:o,s:o}}", "registered_model", "name", "churn", "aliases",
	    aliases, "latest_versions", latest);
}

static json_t *
search_json(const struct registry *r, const char *target)
{
	json_t *found = json_array();
	char wanted[64] = "";
	unsigned v;

	(void)sscanf(target,
	    "%*[^&]&filter=name%%3D%%27churn%%27%%20AND%%20tags.%%60modelferry."
	    "version%%60%%3D%%27%63[a-z0-9]%%27",
	    wanted);
	for (v = 1; v < VERSIONS; v++) {
		const char *name = tag(r, v, "modelferry.version");

		if (r->no_filter || (name != NULL && strcmp(name, wanted) == 0))
			json_array_append_new(found, version_json(r, v));
	}
	return json_pack("{s:o}", "model_versions", found);
}

static const char *
text_of(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	assert_non_null(text);
	return text;
}

static void
transition(struct registry *r, const json_t *body)
{
	const unsigned v = (unsigned)strtoul(text_of(body, "version"), NULL, 10);
	const char *stage = text_of(body, "stage");
	unsigned i;

	for (i = 1; i < VERSIONS; i++)
		if (json_is_true(json_object_get(body, "archive_existing_versions")) && i != v &&
		    strcmp(r->versions[i].stage, stage) == 0)
			(void)snprintf(r->versions[i].stage, 16, "Archived");
	(void)snprintf(r->versions[v].stage, 16, "%.15s", stage);
}

static void
write_to(struct registry *r, const struct web_request *q, const json_t *body)
{
	const unsigned v = json_object_get(body, "version") != NULL
			       ? (unsigned)strtoul(text_of(body, "version"), NULL, 10)
			       : 0;

	assert_true(v < VERSIONS);
	assert_string_equal(text_of(body, "name"), "churn");
	if (strstr(q->target, "/registered-models/alias") != NULL) {
		assert_string_equal(text_of(body, "alias"), "champion");
		r->champion = strcmp(q->method, "DELETE") == 0 ? 0 : (char)('0' + v);
	} else if (strstr(q->target, "/set-tag") != NULL) {
		set_tag(r, v, text_of(body, "key"), text_of(body, "value"));
	} else if (strstr(q->target, "/delete-tag") != NULL) {
		assert_string_equal(q->method, "DELETE");
		set_tag(r, v, text_of(body, "key"), NULL);
	} else {
		assert_non_null(strstr(q->target, "/model-versions/transition-stage"));
		transition(r, body);
	}
}

static void
registry(struct web_script *w, const struct web_request *q, int *status, char *text, size_t n)
{
	struct registry *r = w->arg;
	json_t *body = json_loads(q->body, 0, NULL), *reply = NULL;
	char *dumped;

	assert_non_null(strstr(q->target, "/sub/api/2.0/mlflow/"));
	if (strcmp(q->method, "GET") != 0 && ++r->writes == r->fail_at)
		*status = 500;
	else if (strcmp(q->method, "GET") != 0)
		write_to(r, q, body);
	else if (strstr(q->target, "/registered-models/get?name=churn") != NULL)
		reply = model_json(r);
	else if (strstr(q->target, "/model-versions/search?") != NULL)
		reply = search_json(r, q->target);
	else if (strstr(q->target, "/model-versions/get?name=churn&version=") != NULL)
		reply = json_pack("{s:o}", "model_version",
		    version_json(r, (unsigned)strtoul(strrchr(q->target, '=') + 1, NULL, 10)));
	else
		*status = 404;
	dumped = json_dumps(reply, 0);
	(void)snprintf(text, n, "%s", dumped != NULL ? dumped : "{}");
	free(dumped);
	json_decref(reply);
	json_decref(body);
}

static const struct mf_pair by_alias[] = {
    {"model", "churn"}, {"alias", "champion"}, {"tag.serving", "site-2"}};
static const struct mf_pair by_stage[] = {
    {"model", "churn"}, {"stage", "Production"}, {"archive", "true"}, {"version", "3"}};

static char url[100];

static void
begin(struct fixture *f, const struct mf_pair *metadata, size_t n)
{
	struct mf_error e = {0};
	unsigned v;

	memset(f, 0, sizeof *f);
	web_start(&f->web, "200");
	f->web.answer = registry;
	f->web.arg = &f->registry;
	f->dialer = web_dialer(&f->clock, NULL);
	f->caller = mf_hooks_open(f->dialer, &e);
	(void)snprintf(url, sizeof url, "%s/sub/", f->web.origin);
	f->hook = (struct mf_hook){.name = "registry",
	    .type = MF_HOOK_MLFLOW,
	    .url = url,
	    .metadata = metadata,
	    .n_metadata = n};
	for (v = 1; v < VERSIONS; v++)
		(void)snprintf(f->registry.versions[v].stage, 16, "None");
	set_tag(&f->registry, 2, "modelferry.version", "v1");
	set_tag(&f->registry, 3, "modelferry.version", "v2");
	f->registry.champion = '2';
	(void)snprintf(f->registry.versions[2].stage, 16, "Production");
	(void)snprintf(f->registry.versions[3].stage, 16, "Staging");
	assert_int_equal(mf_hooks_check(&f->hook, false, &e), 0);
}

static void
end(struct fixture *f)
{
	f->caller->ops->close(f->caller);
	mf_dialer_close(f->dialer);
	web_stop(&f->web);
}

static void
call(struct fixture *f, const char *phase, const char *version)
{
	const struct mf_hook_call c = {.hook = &f->hook,
	    .name = "churn",
	    .namespace_name = "prod",
	    .phase = phase,
	    .checksum = "1",
	    .version = version};

	f->registry.writes = 0;
	f->caller->ops->call(f->caller, &c, &f->out);
}

#define CALL_WELL(f, phase, version)                  \
	do {                                          \
		call((f), (phase), (version));        \
		if ((f)->out.status != 200)           \
			fail_msg("%s", (f)->out.why); \
	} while (0)

static void
alias_and_tags(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, by_alias, 3);
	CALL_WELL(&f, "Succeeded", "v2");
	assert_int_equal(f.registry.champion, '3');
	assert_string_equal(tag(&f.registry, 3, "modelferry.previous.alias.champion"), "2");
	assert_string_equal(tag(&f.registry, 3, "serving"), "site-2");
	CALL_WELL(&f, "Succeeded", "v2"); /* again: nothing is written, nothing is forgotten */
	assert_int_equal(f.registry.writes, 0);
	assert_string_equal(tag(&f.registry, 3, "modelferry.previous.alias.champion"), "2");
	CALL_WELL(&f, "Failed", "v2");
	assert_int_equal(f.registry.champion, '2');
	assert_null(tag(&f.registry, 3, "modelferry.previous.alias.champion"));
	assert_null(tag(&f.registry, 3, "serving"));
	CALL_WELL(&f, "Failed", "v2");
	assert_int_equal(f.registry.writes, 0);
	end(&f);
}

static void
alias_that_was_not_there(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, by_alias, 2);
	f.registry.champion = 0;
	CALL_WELL(&f, "Succeeded", "v2");
	assert_int_equal(f.registry.champion, '3');
	CALL_WELL(&f, "Failed", "v2");
	assert_int_equal(f.registry.champion, 0);
	end(&f);
}

/* A rollback before anything was set turns nothing back, even where the alias is ours already. */
static void
nothing_to_undo(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, by_alias, 3);
	f.registry.champion = '3';
	CALL_WELL(&f, "Failed", "v2");
	assert_int_equal(f.registry.champion, '3');
	assert_int_equal(f.registry.writes, 0);
	end(&f);
}

static void
somebody_else_moved_it(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, by_alias, 2);
	CALL_WELL(&f, "Succeeded", "v2");
	f.registry.champion = '1';
	CALL_WELL(&f, "Failed", "v2");
	assert_int_equal(f.registry.champion, '1');
	assert_null(tag(&f.registry, 3, "modelferry.previous.alias.champion"));
	end(&f);
}

static void
stage(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, by_stage, 4);
	CALL_WELL(&f, "Succeeded", NULL);
	assert_string_equal(f.registry.versions[3].stage, "Production");
	assert_string_equal(f.registry.versions[2].stage, "Archived");
	assert_string_equal(tag(&f.registry, 3, MF_MLFLOW_PREVIOUS_STAGE), "2 Staging");
	CALL_WELL(&f, "Failed", NULL);
	assert_string_equal(f.registry.versions[3].stage, "Staging");
	assert_string_equal(f.registry.versions[2].stage, "Production");
	assert_null(tag(&f.registry, 3, MF_MLFLOW_PREVIOUS_STAGE));
	end(&f);
}

/* Each write fails once; the call says so, and the next one ends where it would have ended. */
static void
failures_in_between(void **state)
{
	static const char *const phases[] = {"Succeeded", "Failed"};
	struct fixture f;
	unsigned k, p;

	(void)state;
	for (p = 0; p < 2; p++)
		for (k = 1; k <= 3; k++) {
			begin(&f, by_alias, 3);
			if (p == 1)
				CALL_WELL(&f, "Succeeded", "v2");
			f.registry.fail_at = k;
			call(&f, phases[p], "v2");
			assert_int_equal(f.out.status, 500);
			assert_non_null(strstr(f.out.why, "answered 500"));
			f.registry.fail_at = 0;
			CALL_WELL(&f, phases[p], "v2");
			assert_int_equal(f.registry.champion, p == 0 ? '3' : '2');
			if (p == 0)
				assert_string_equal(
				    tag(&f.registry, 3, "modelferry.previous.alias.champion"), "2");
			end(&f);
		}
}

static void
which_version(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, by_alias, 2);
	call(&f, "Succeeded", "v9");
	assert_int_equal(f.out.status, 0);
	assert_string_equal(f.out.why,
	    "no versions of churn have the tag modelferry.version=v9; tag one, or give its number");
	f.registry.no_filter = true;
	CALL_WELL(&f, "Succeeded", "v2");
	assert_int_equal(f.registry.champion, '3');
	set_tag(&f.registry, 1, "modelferry.version", "v2");
	call(&f, "Succeeded", "v2");
	assert_non_null(strstr(f.out.why, "several versions of churn"));
	call(&f, "Succeeded", "v' OR '1");
	assert_int_equal(f.out.status, 0);
	call(&f, "Succeeded", NULL);
	assert_int_equal(f.out.status, 0);
	call(&f, "Progressing", "v2");
	assert_int_equal(f.out.attempts, 0);
	end(&f);
}

/* What a registry must not be able to do to us. */
static void
odd_answers(void **state)
{
	static const char *const rows[] = {"200~~no JSON", "200", "200~~[]", "200~~{}",
	    "200~~{}|200~~{\"model_versions\":{}}",
	    "200~~{}|200~~{\"model_versions\":[{\"version\":3,\"tags\":7}]}",
	    "200~~{}|200~~{\"model_versions\":[{\"version\":\"../x\",\"tags\":"
	    "[{\"key\":\"modelferry.version\",\"value\":\"v2\"}]}]}",
	    "404~~{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\"}", "204"};
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(&f, by_alias, 2);
		f.web.answer = NULL;
		f.web.script = rows[i];
		call(&f, "Succeeded", "v2");
		assert_false(mf_hooks_passed(&f.out));
		assert_true(f.out.why[0] != '\0');
		assert_true(f.web.n_seen <= 2); /* it never came to a write */
		end(&f);
	}
}

static void
checks(void **state)
{
	static const struct {
		struct mf_pair metadata[3];
		const char *message;
	} rows[] = {
	    {{{"alias", "a"}}, "metadata.model is missing"},
	    {{{"model", "m"}}, "sets no alias, no stage and no tag"},
	    {{{"model", "m"}, {"alias", ""}}, "metadata.alias is empty"},
	    {{{"model", "m' OR '1"}, {"alias", "a"}}, "metadata.model is empty, or holds a quote"},
	    {{{"model", "m"}, {"allias", "a"}}, "metadata.allias is nothing that mlflow knows"},
	    {{{"model", "m"}, {"alias", "a"}, {"archive", "yes"}}, "neither true nor false"},
	    {{{"model", "m"}, {"alias", "a"}, {"version", "v2"}}, "metadata.version is no number"},
	    {{{"model", "m"}, {"tag.", "a"}}, "nothing that mlflow knows"},
	    {{{"model", "m"}, {"tag.x", "it's"}}, NULL},
	};
	struct mf_hook hook = {.name = "r", .type = MF_HOOK_MLFLOW, .url = "https://a.example"};
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		hook.metadata = rows[i].metadata;
		for (hook.n_metadata = 0;
		     hook.n_metadata < 3 && rows[i].metadata[hook.n_metadata].name != NULL;)
			hook.n_metadata++;
		mf_error_clear(&e);
		assert_int_equal(
		    mf_hooks_check(&hook, false, &e), rows[i].message == NULL ? 0 : -1);
		if (rows[i].message != NULL && strstr(e.message, rows[i].message) == NULL)
			fail_msg("%s", e.message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(alias_and_tags),
	    cmocka_unit_test(alias_that_was_not_there),
	    cmocka_unit_test(nothing_to_undo),
	    cmocka_unit_test(somebody_else_moved_it),
	    cmocka_unit_test(stage),
	    cmocka_unit_test(failures_in_between),
	    cmocka_unit_test(which_version),
	    cmocka_unit_test(odd_answers),
	    cmocka_unit_test(checks),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("traffic/mlflow", tests, NULL, NULL);
}
