/* The bytes of what runs and sites write, as they must be read for ever; each also cut off at every
 * length, and with another repository's id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/hex.h"
#include "src/repo/control_int.h"
#include "src/repo/lease_int.h"
#include "src/repo/receipt_int.h"
#include "src/repo/run_int.h"

#define LEASE_HEX                                                                  \
	"01000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"0110000000686170726f78793a62655f6d6f64656c0c0000000000000007000000000000" \
	"0080c3c90100000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa00401e18240a06000a0000" \
	"007231206f6e20686f7374"

#define RUN_HEX                                                                    \
	"01000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"020000007231010000000000000007000000000000000102000000643105000000636875" \
	"726e0000000005000000636875726e030000006f70730200000076310200000076320200" \
	"00007631030000000000000000401e18240a0600020000007b7d02000000040000000000" \
	"0000020200000000000000000000000000000000401e18240a06000b00000050726f6772" \
	"657373696e6708000000726f757465203130050000000000000003020000000000000004" \
	"00000000000000a0c61f18240a06000b00000050726f6772657373696e67020000006f6b"

#define BEAT_HEX                                                                   \
	"01000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"0200000072310700000000000000020000000000000000401e18240a06000a0000000b00" \
	"000050726f6772657373696e67020000007b7d"
/* as long as nothing is beside it; with a view it is format 2 */
#define VIEWED_BEAT_HEX                                                            \
	"02000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"0200000072310700000000000000020000000000000000401e18240a06000a0000000b00" \
	"000050726f6772657373696e67020000007b7d070000007b2261223a317d"

#define CONTROL_HEX                                                                \
	"01000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"0200000072310300000000000000bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0100401e1824" \
	"0a0600030000006f7073050000006472696c6c01cccccccccccccccccccccccccccccccc" \
	"ccccccccccccccccccccccccccccccccdddddddddddddddddddddddddddddddddddddddd" \
	"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd" \
	"dddddddddddddddd"

#define RECEIPT_HEX                                                                \
	"01000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" \
	"05000000636875726e020000007632eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee" \
	"eeeeeeeeeeeeeeeeeeeeee040000006561737405000000706f642d3000401e18240a0600" \
	"0300000000000000a00f0000000000000100"

static uint8_t repo_id[MF_REPO_ID_BYTES], other_id[MF_REPO_ID_BYTES];
static char run[] = "r1";

static int
setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof repo_id; i++)
		repo_id[i] = (uint8_t)i;
	return 0;
}

/* As the page has it: 64 digits a line, joined here. */
static void
expect_bytes(const struct mf_buf *b, const char *hex)
{
	char *have = malloc(2 * b->len + 1);

	assert_false(b->failed);
	mf_hex_encode(have, b->data, b->len);
	assert_string_equal(have, hex);
	free(have);
}

typedef int decode(
    const uint8_t *bytes, size_t n, const uint8_t id[MF_REPO_ID_BYTES], struct mf_error *e);

/* Only all of it, and nothing more, in this repository. */
static void
expect_strict(struct mf_buf *b, decode *one)
{
	struct mf_error e = {0};
	uint8_t *copy;
	size_t n;

	assert_int_equal(one(b->data, b->len, repo_id, &e), 0);
	assert_int_equal(one(b->data, b->len, other_id, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	for (n = 0; n < b->len; n++) {
		copy = malloc(n + 1); /* in exactly as many bytes, for a sanitizer */
		memcpy(copy, b->data, n);
		assert_int_equal(one(copy, n, repo_id, &e), -1);
		free(copy);
	}
	mf_buf_put_u8(b, 0);
	assert_int_equal(one(b->data, b->len, repo_id, &e), -1);
	b->data[0] = 9; /* a format of later times */
	assert_int_equal(one(b->data, b->len, repo_id, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	mf_buf_fini(b);
}

static int
decode_lease(const uint8_t *bytes, size_t n, const uint8_t id[MF_REPO_ID_BYTES], struct mf_error *e)
{
	struct mf_lease_record x;

	return mf_lease_decode(bytes, n, id, &x, e);
}

static void
test_lease(void **state)
{
	struct mf_lease_record x = {.kind = MF_LEASE_TRAFFIC,
	    .name = "haproxy:be_model",
	    .sequence = 12,
	    .holder = {.name = "r1 on host",
		.token = 7,
		.duration_us = 30000000,
		.written_us = 1700000000000000}};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	memset(x.holder.instance, 0xaa, sizeof x.holder.instance);
	mf_lease_encode(&x, repo_id, &b);
	expect_bytes(&b, LEASE_HEX);
	expect_strict(&b, decode_lease);
}

static int
decode_run(const uint8_t *bytes, size_t n, const uint8_t id[MF_REPO_ID_BYTES], struct mf_error *e)
{
	struct mf_run_record x;

	if (mf_run_record_decode(bytes, n, id, &x, e) != 0)
		return -1;
	assert_string_equal(x.head.destination, "v2");
	assert_int_equal(x.n_lines, 2);
	assert_int_equal(x.lines[1].of, 4);
	mf_run_record_fini(&x);
	return 0;
}

static void
test_run(void **state)
{
	struct mf_journal_line lines[] = {
	    {4, MF_JOURNAL_ACT, 2, 0, 1700000000000000, "Progressing", "route 10", 8},
	    {5, MF_JOURNAL_ANSWER, 2, 4, 1700000000100000, "Progressing", "ok", 2}};
	struct mf_run_record x = {.run = run,
	    .sequence = 1,
	    .token = 7,
	    .has_head = true,
	    .head = {.plan_digest = "d1",
		.plan_name = "churn",
		.repository = "",
		.model = "churn",
		.actor = "ops",
		.source = "v1",
		.destination = "v2",
		.previous = "v1",
		.production_sequence = 3,
		.begun_us = 1700000000000000,
		.facts = "{}",
		.n_facts = 2},
	    .lines = lines,
	    .n_lines = 2};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	mf_run_record_encode(&x, repo_id, &b);
	expect_bytes(&b, RUN_HEX);
	expect_strict(&b, decode_run);
}

static int
decode_beat(const uint8_t *bytes, size_t n, const uint8_t id[MF_REPO_ID_BYTES], struct mf_error *e)
{
	struct mf_run_beat x;
	char *name;
	int rc = mf_run_beat_decode(bytes, n, id, &name, &x, e);

	if (rc == 0)
		assert_string_equal(name, run);
	free(name);
	return rc;
}

static void
test_beat(void **state)
{
	struct mf_run_beat x = {.token = 7,
	    .tick = 2,
	    .time_us = 1700000000000000,
	    .canary_weight = 10,
	    .phase = "Progressing",
	    .note = "{}"};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	mf_run_beat_encode(run, &x, repo_id, &b);
	expect_bytes(&b, BEAT_HEX);
	expect_strict(&b, decode_beat);
	x.view = "{\"a\":1}";
	x.n_view = 7;
	mf_run_beat_encode(run, &x, repo_id, &b);
	expect_bytes(&b, VIEWED_BEAT_HEX);
	expect_strict(&b, decode_beat);
}

static int
decode_control(
    const uint8_t *bytes, size_t n, const uint8_t id[MF_REPO_ID_BYTES], struct mf_error *e)
{
	struct mf_control x;
	char *name;
	int rc = mf_control_decode(bytes, n, id, &name, &x, NULL, e);

	if (rc == 0)
		assert_string_equal(name, run);
	free(name);
	return rc;
}

static void
test_control(void **state)
{
	struct mf_control x = {.sequence = 3,
	    .verb = MF_CONTROL_ABORT,
	    .time_us = 1700000000000000,
	    .by = "ops",
	    .reason = "drill",
	    .is_signed = true};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	memset(x.nonce, 0xbb, sizeof x.nonce);
	memset(x.signer, 0xcc, sizeof x.signer);
	memset(x.signature, 0xdd, sizeof x.signature);
	mf_control_put_signed(run, &x, repo_id, &b);
	mf_control_put_signature(&x, &b);
	expect_bytes(&b, CONTROL_HEX);
	expect_strict(&b, decode_control);
}

static int
decode_receipt(
    const uint8_t *bytes, size_t n, const uint8_t id[MF_REPO_ID_BYTES], struct mf_error *e)
{
	struct mf_receipt x;

	if (mf_receipt_decode(bytes, n, id, &x, NULL, e) != 0)
		return -1;
	assert_string_equal(x.instance, "pod-0");
	mf_receipt_fini(&x);
	return 0;
}

static void
test_receipt(void **state)
{
	char model[] = "churn", version[] = "v2", site[] = "east", instance[] = "pod-0";
	struct mf_receipt x = {.model = model,
	    .version = version,
	    .site = site,
	    .instance = instance,
	    .time_us = 1700000000000000,
	    .files = 3,
	    .bytes = 4000,
	    .serving = MF_SERVING_YES};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	memset(x.digest, 0xee, sizeof x.digest);
	mf_receipt_put_signed(&x, repo_id, &b);
	mf_receipt_put_signature(&x, &b);
	expect_bytes(&b, RECEIPT_HEX);
	expect_strict(&b, decode_receipt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lease),
	    cmocka_unit_test(test_run),
	    cmocka_unit_test(test_beat),
	    cmocka_unit_test(test_control),
	    cmocka_unit_test(test_receipt),
	};

	return cmocka_run_group_tests_name("record bytes", tests, setup, NULL);
}
