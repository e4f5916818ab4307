/* What a proxy answers: a table that is taken makes commands that are commands, and nothing else.
 */
#include "tests/fuzz/fuzz_check.h"

#include "src/traffic/haproxy_int.h"

static const char *const primary[] = {"llm/p*"}, *const canary[] = {"llm/c*", "llm/x"};

/* Commands end with ";", and each is one of ours with a name that HAProxy could have. */
static void
check_commands(const struct mf_buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		fuzz_require(b->data[i] >= ' ' && b->data[i] <= 'z' && b->data[i] != '"');
	fuzz_require(b->len == 0 || b->data[b->len - 1] == ';');
	fuzz_require(b->len < MF_HAPROXY_REQUEST_BYTES + 1024);
}

/* Two servers of one name, which HAProxy does not have. */
static int
has_twins(const struct mf_haproxy_table *t)
{
	size_t i, j;

	for (i = 0; i < t->n; i++)
		for (j = 0; j < i; j++)
			if (strcmp(t->servers[i].name, t->servers[j].name) == 0 &&
			    strcmp(t->servers[i].backend, t->servers[j].backend) == 0)
				return 1;
	return 0;
}

static void
use(struct mf_haproxy_table *t)
{
	struct mf_haproxy_target *targets = calloc(t->n + 1, sizeof *targets);
	struct mf_buf b = MF_BUF_INIT;
	struct mf_share_count c;
	struct mf_error e = {0};
	unsigned percent;
	double share;

	fuzz_require(targets != NULL);
	c = mf_haproxy_count(t);
	fuzz_require(c.primary_up <= c.primary && c.canary + c.primary <= t->n);
	share = mf_haproxy_share(t, true);
	fuzz_require(share <= 100 && mf_haproxy_share(t, false) <= share);
	(void)mf_haproxy_share_of_all(t);
	(void)mf_haproxy_is_drained(t);
	for (percent = 0; percent <= 100; percent += 25) {
		mf_buf_clear(&b);
		if (mf_haproxy_aim(t, percent, targets, &e) != 0)
			fuzz_require_error(&e);
		else
			(void)mf_haproxy_put_changes(&b, t, targets);
		check_commands(&b);
	}
	mf_haproxy_aim_back(t, t, targets);
	mf_buf_clear(&b);
	fuzz_require(mf_haproxy_put_changes(&b, t, targets) == 0 || has_twins(t));
	mf_buf_fini(&b);
	free(targets);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct mf_router_plan plan = {
	    .primary = primary, .n_primary = 1, .canary = canary, .n_canary = 2};
	struct mf_haproxy_table t = {.n = 0};
	struct mf_error e = {0};

	if (mf_haproxy_table_read(&t, data, n, &e) != 0) {
		fuzz_require_error(&e);
	} else {
		fuzz_require(t.n <= MF_HAPROXY_SERVERS_MAX);
		fuzz_require(mf_haproxy_take_sides(&t, &plan, &e) == 0);
		use(&t);
	}
	mf_haproxy_table_fini(&t);
	return 0;
}
