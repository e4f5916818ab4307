/* What runs and sites write, as a hostile writer with the data key could make it. The first byte
 * says which record it is; what is taken is the one encoding of what it says. */
#include "tests/fuzz/fuzz_check.h"

#include "src/repo/control_int.h"
#include "src/repo/lease_int.h"
#include "src/repo/receipt_int.h"
#include "src/repo/run_int.h"

static const uint8_t repo_id[MF_REPO_ID_BYTES];

static void
require_same(struct mf_buf *b, const uint8_t *data, size_t n)
{
	fuzz_require(!b->failed && b->len == n && memcmp(b->data, data, n) == 0);
	mf_buf_fini(b);
}

static int
lease(const uint8_t *data, size_t n, struct mf_error *e)
{
	struct mf_lease_watch watch = {0};
	struct mf_lease_seen seen = {.exists = true, .readable = true};
	struct mf_lease_record x;
	struct mf_buf b = MF_BUF_INIT;
	uint64_t wait_us;

	if (mf_lease_decode(data, n, repo_id, &x, e) != 0)
		return -1;
	mf_lease_encode(&x, repo_id, &b);
	require_same(&b, data, n);
	seen.holder = x.holder;
	seen.answered_us = 1;
	/* whoever looks for the first time never finds it expired */
	fuzz_require((mf_lease_judge(&watch, &seen, NULL, &wait_us) == MF_LEASE_IS_FREE) ==
		     (x.holder.duration_us == 0));
	fuzz_require(wait_us <= 2 * MF_LEASE_DURATION_MAX_US);
	return 0;
}

static int
run(const uint8_t *data, size_t n, struct mf_error *e)
{
	struct mf_run_record x;
	struct mf_buf b = MF_BUF_INIT;

	if (mf_run_record_decode(data, n, repo_id, &x, e) != 0)
		return -1;
	mf_run_record_encode(&x, repo_id, &b);
	require_same(&b, data, n);
	fuzz_require(x.n_lines <= MF_RUN_LINES_MAX && x.has_head == (x.sequence == 1));
	mf_run_record_fini(&x);
	return 0;
}

static int
beat(const uint8_t *data, size_t n, struct mf_error *e)
{
	struct mf_run_beat x;
	struct mf_buf b = MF_BUF_INIT;
	char *name;
	int rc = mf_run_beat_decode(data, n, repo_id, &name, &x, e);

	if (rc == 0) {
		mf_run_beat_encode(name, &x, repo_id, &b);
		require_same(&b, data, n);
	}
	free(name);
	return rc;
}

static int
control(const uint8_t *data, size_t n, struct mf_error *e)
{
	struct mf_control x;
	struct mf_buf b = MF_BUF_INIT;
	size_t signed_bytes = 0;
	char *name;
	int rc = mf_control_decode(data, n, repo_id, &name, &x, &signed_bytes, e);

	if (rc == 0) {
		mf_control_put_signed(name, &x, repo_id, &b);
		fuzz_require(b.len == signed_bytes);
		mf_control_put_signature(&x, &b);
		require_same(&b, data, n);
		fuzz_require(mf_control_verb_name(x.verb)[0] != '?');
	}
	free(name);
	return rc;
}

static int
receipt(const uint8_t *data, size_t n, struct mf_error *e)
{
	struct mf_receipt x;
	struct mf_buf b = MF_BUF_INIT;
	size_t signed_bytes = 0;

	if (mf_receipt_decode(data, n, repo_id, &x, &signed_bytes, e) != 0)
		return -1;
	mf_receipt_put_signed(&x, repo_id, &b);
	fuzz_require(b.len == signed_bytes);
	mf_receipt_put_signature(&x, &b);
	require_same(&b, data, n);
	mf_receipt_fini(&x);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int (*const records[])(const uint8_t *data, size_t n, struct mf_error *e) = {
	    lease, run, beat, control, receipt};
	struct mf_error e = {0};

	if (n == 0)
		return 0;
	if (records[data[0] % 5](data + 1, n - 1, &e) != 0)
		fuzz_require_error(&e);
	return 0;
}
