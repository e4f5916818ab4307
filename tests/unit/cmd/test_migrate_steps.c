/* What a person does after a way back that the run could not go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/cmd/migrate.h"

static const char *const sockets[] = {"unix:/run/a.sock", "tcp:127.0.0.1:9999"};
static const char *const primary[] = {"web/old1", "web/old2"};
static const char *const canary[] = {"web/new"};
static const char *const reload[] = {"systemctl", "reload", "nginx", NULL};
static const char *const command[] = {"/usr/local/bin/weights", "llm", NULL};

static void
steps(void **state)
{
	static const struct {
		struct mf_migration_plan plan;
		struct mf_migrate_report report;
		const char *steps[MF_CMD_MANUAL_STEPS]; /* up to NULL */
	} cases[] = {
	    {{.model = "churn",
		 .source = {.kind = MF_DESTINATION_DIR, .dir = "/models", .link = "current"},
		 .router = {.type = MF_ROUTER_HAPROXY,
		     .sockets = sockets,
		     .n_sockets = 2,
		     .primary = primary,
		     .n_primary = 2,
		     .canary = canary,
		     .n_canary = 1}},
		{.previous = "v1", .canary = 40},
		{"`modelferry pull churn@v1 /models --link current`, reload the primary's servers, "
		 "and see that they are well",
		    "give it all traffic at the router of HAProxy, at unix:/run/a.sock and "
		    "tcp:127.0.0.1:9999: `set server web/old1 state ready; set server web/old2 "
		    "state ready; set server web/old1 weight 256; set server web/old2 weight 256; "
		    "set server web/new weight 0`",
		    "`modelferry ref churn production v1`"}},
	    {{.model = "churn",
		 .production_ref = "live",
		 .router = {.type = MF_ROUTER_FILE,
		     .template_path = "/etc/up.tmpl",
		     .output_path = "/etc/up.conf",
		     .reload = reload}},
		{.canary = 100},
		{"see that the primary serves VERSION and is well",
		    "give it all traffic at the router: write /etc/up.conf as /etc/up.tmpl has it "
		    "for primary 100, canary 0, and run `systemctl reload nginx`",
		    "`modelferry ref churn live VERSION`"}},
	    /* traffic alone */
	    {{.router = {.type = MF_ROUTER_EXEC, .command = command}},
		{.canary = 10},
		{"see that the primary serves what it did and is well",
		    "give it all traffic at the router: `echo '{\"version\":1,\"verb\":\"set\","
		    "\"primary\":100,\"canary\":0,\"mirror\":false}' | /usr/local/bin/weights llm`"}},
	    /* the traffic is back */
	    {{.model = "churn", .router = {.type = MF_ROUTER_EXEC, .command = command}},
		{.previous = "v1"},
		{"see that the primary serves v1 and is well",
		    "`modelferry ref churn production v1`"}},
	    /* and so are link and ref: what is left is what could not be told */
	    {{.model = "churn",
		 .source = {.kind = MF_DESTINATION_DIR, .dir = "/old", .link = "current"},
		 .router = {.type = MF_ROUTER_EXEC, .command = command}},
		{.previous = "v1",
		    .link_is_back = true,
		    .ref_is_back = true,
		    .primary_ill = "the primary's errors has no value: connection refused"},
		{"see that the primary serves v1 and is well (the primary's errors has no value: "
		 "connection refused)"}},
	};
	size_t i, j, n;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mf_buf got[MF_CMD_MANUAL_STEPS] = {MF_BUF_INIT, MF_BUF_INIT, MF_BUF_INIT};

		n = mf_cmd_manual_steps(&cases[i].plan, &cases[i].report, got);
		for (j = 0; j < n; j++) {
			assert_non_null(cases[i].steps[j]);
			assert_string_equal(mf_buf_cstr(&got[j]), cases[i].steps[j]);
			mf_buf_fini(&got[j]);
		}
		assert_true(n == MF_CMD_MANUAL_STEPS || cases[i].steps[n] == NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(steps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
