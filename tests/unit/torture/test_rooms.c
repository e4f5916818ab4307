/* Allocation failure in the constructors and codecs below the repository. */
#include "tests/unit/torture/torture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/configuration.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"
#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/base/buf.h"
#include "src/base/crew.h"
#include "src/base/fs.h"
#include "src/base/queue.h"
#include "src/chunk/cdc.h"
#include "src/codec/codec.h"
#include "tests/unit/chunk/sample.h"

/* ---- base ---- */

static int
use_queue(void *arg, struct mf_error *e)
{
	struct mf_queue *q = mf_queue_new(8, e);

	if (q == NULL)
		return -1;
	assert_int_equal(mf_queue_push(q, arg), 0);
	assert_ptr_equal(mf_queue_pop(q), arg);
	mf_queue_free(q, NULL);
	return 0;
}

static int
pop_all(void *arg, struct mf_error *e)
{
	(void)e;
	while (mf_queue_pop(arg) != NULL)
		;
	return 0;
}

static int
push_some(void *arg, struct mf_error *e)
{
	int i;

	(void)e;
	for (i = 0; i < 20 && mf_queue_push(arg, arg) == 0; i++)
		;
	mf_queue_close(arg);
	return 0;
}

static int
use_crew(void *arg, struct mf_error *e)
{
	struct mf_queue *q = mf_queue_new(4, e);
	struct mf_crew *c;
	int rc = -1;

	(void)arg;
	if (q == NULL)
		return -1;
	c = mf_crew_new(e);
	if (c != NULL && mf_crew_watch(c, q, e) == 0) {
		/* who fails to start cancels the crew; the others end then */
		rc = mf_crew_start(c, "push", push_some, q, e);
		if (rc == 0)
			rc = mf_crew_start(c, "pop", pop_all, q, e);
		if (rc == 0)
			rc = mf_crew_join(c, e);
	}
	mf_crew_free(c);
	mf_queue_free(q, NULL);
	return rc;
}

static int
use_buf(void *arg, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_reader r;
	char *s = NULL;
	int i, rc = -1;

	(void)arg;
	for (i = 0; i < 500; i++) {
		mf_buf_put_u64(&b, (uint64_t)i);
		mf_buf_printf(&b, "%d and more", i);
	}
	mf_buf_clear(&b);
	mf_buf_put_string(&b, "a string");
	if (!b.failed) {
		r = mf_reader_of(b.data, b.len);
		s = mf_reader_string(&r, 100);
	}
	if (s != NULL) {
		assert_string_equal(s, "a string");
		rc = 0;
	}
	free(s);
	mf_buf_fini(&b);
	return rc == 0 ? 0 : mf_error_nomem(e, "a buffer");
}

static void
base(void **state)
{
	struct torture queue = {.name = "queue", .arg = state, .body = use_queue};
	struct torture crew = {.name = "crew", .body = use_crew};
	struct torture buf = {.name = "buf", .body = use_buf};

	torture(&queue);
	torture(&crew);
	torture(&buf);
}

/* ---- crypto ---- */

static struct mf_unlock *
raw_pair(struct mf_error *e)
{
	static const uint8_t encryption[MF_KEY_BYTES] = {1}, hmac[MF_KEY_BYTES] = {2};

	return mf_unlock_from_pair(encryption, hmac, "the test", e);
}

static int
unlock_again(const struct mf_buf *b, const struct mf_unlock *u, struct mf_error *e)
{
	struct mf_config *c = mf_config_decode(b->data, b->len, 7, e);
	struct mf_keyring *kr = NULL;
	int rc = -1;

	if (c != NULL)
		rc = mf_config_unlock(c, &u, 1, &kr, e);
	if (rc == 0)
		assert_int_equal(mf_keyring_epoch(kr), 1);
	mf_keyring_free(kr);
	mf_config_free(c);
	return rc;
}

static int
use_config(void *arg, struct mf_error *e)
{
	const char *feature = arg;
	struct mf_config_params cp = {.features = &feature, .n_features = 0};
	struct mf_keyring *kr = mf_keyring_create(MF_CIPHER_XCHACHA20_POLY1305, MF_PADDING_NONE, e);
	struct mf_unlock *u = kr != NULL ? raw_pair(e) : NULL;
	struct mf_slot_params slot = {.label = "first", .source = u};
	struct mf_config *c = u != NULL ? mf_config_create(kr, &cp, e) : NULL;
	struct mf_buf b = MF_BUF_INIT;
	int rc = -1;

	if (c != NULL)
		rc = mf_config_add_slot(c, kr, &slot, NULL, e);
	slot.label = "second";
	if (rc == 0)
		rc = mf_config_add_slot(c, kr, &slot, NULL, e);
	if (rc == 0)
		rc = mf_config_rotate(c, kr, "first", &slot, e);
	if (rc == 0)
		rc = mf_config_remove_slot(c, "second", e);
	if (rc == 0)
		rc = mf_config_encode(c, kr, 7, &b, e);
	if (rc == 0)
		rc = unlock_again(&b, u, e);
	mf_buf_fini(&b);
	mf_config_free(c);
	mf_unlock_free(u);
	mf_keyring_free(kr);
	return rc;
}

static int
rekey_config(void *arg, struct mf_error *e)
{
	struct mf_config_params cp = {0};
	struct mf_keyring *kr = mf_keyring_create(MF_CIPHER_AES256_GCM, MF_PADDING_PADME, e);
	struct mf_keyring *next = NULL, *last = NULL;
	struct mf_unlock *u = kr != NULL ? raw_pair(e) : NULL;
	struct mf_slot_params slot = {.label = "first", .source = u};
	struct mf_config *c = u != NULL ? mf_config_create(kr, &cp, e) : NULL;
	int rc = -1;

	(void)arg;
	if (c != NULL)
		rc = mf_config_add_slot(c, kr, &slot, NULL, e);
	if (rc == 0)
		rc = mf_config_rekey(c, kr, &next, e);
	if (rc == 0)
		rc = mf_config_rekey_finish(c, next, &last, e);
	mf_keyring_free(last);
	mf_keyring_free(next);
	mf_config_free(c);
	mf_unlock_free(u);
	mf_keyring_free(kr);
	return rc;
}

static int
use_signer(void *arg, struct mf_error *e)
{
	static const char message[] = "modelferry ref v1 and the rest";
	uint8_t sig[MF_SIGN_BYTES];
	char path[600], text[MF_TEXTKEY_BYTES + 16];
	struct mf_signer *s = mf_signer_generate(e), *again = NULL;
	struct mf_trust *t = NULL;
	int rc = -1;

	snprintf(path, sizeof(path), "%s/signer", (const char *)arg);
	unlink(path);
	if (s != NULL && mf_signer_save(s, path, e) == 0)
		again = mf_signer_load(path, e);
	if (again != NULL) {
		mf_signer_public_text(again, text);
		strcat(text, " somebody");
		t = mf_trust_parse(text, strlen(text), "the test", e);
	}
	if (t != NULL) {
		mf_sign(again, message, sizeof(message), sig);
		rc = mf_trust_verify(t, mf_signer_public(s), message, sizeof(message), sig, 0, e);
	}
	mf_trust_free(t);
	mf_signer_free(again);
	mf_signer_free(s);
	return rc;
}

static int
use_identity(void *arg, struct mf_error *e)
{
	char path[600], text[MF_TEXTKEY_BYTES];
	uint8_t public_half[MF_PUBLIC_BYTES];
	struct mf_unlock *u = NULL;
	int rc = -1;

	snprintf(path, sizeof(path), "%s/identity", (const char *)arg);
	unlink(path);
	if (mf_identity_generate(path, text, e) == 0)
		u = mf_unlock_from_identity_file(path, e);
	if (u != NULL)
		rc = mf_unlock_public(u, public_half, e);
	if (rc == 0)
		rc = mf_public_parse(text, "the test", public_half, e);
	mf_unlock_free(u);
	return rc;
}

static void
crypto(void **state)
{
	char dir[] = "/tmp/mf-test-torture-XXXXXX";
	struct torture config = {.name = "configuration", .body = use_config};
	struct torture rekey = {.name = "rekey", .body = rekey_config};
	struct torture signer = {.name = "signer and trust", .arg = dir, .body = use_signer};
	struct torture identity = {.name = "identity", .arg = dir, .body = use_identity};
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_crypto_init(&e), 0);
	assert_non_null(mkdtemp(dir));
	torture(&config);
	torture(&rekey);
	torture(&signer);
	torture(&identity);
	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, dir, &e), 0);
}

/* ---- codec ---- */

#define PLAIN_BYTES 300000

struct material {
	enum mf_element element;
	uint8_t plain[PLAIN_BYTES], back[PLAIN_BYTES], encoded[PLAIN_BYTES + 65536];
};

static int
code(void *arg, struct mf_error *e)
{
	struct material *m = arg;
	struct mf_encoder *enc = mf_encoder_new(NULL, e);
	struct mf_decoder *dec = enc != NULL ? mf_decoder_new(e) : NULL;
	struct mf_encoded x = {0};
	int rc = -1;

	if (dec != NULL)
		rc = mf_encode(
		    enc, m->element, m->plain, PLAIN_BYTES, m->encoded, sizeof(m->encoded), &x, e);
	memset(m->back, 0, PLAIN_BYTES);
	if (rc == 0)
		rc = mf_decode(dec, x.codec, x.body, x.len, m->back, PLAIN_BYTES, e);
	if (rc == 0)
		assert_memory_equal(m->back, m->plain, PLAIN_BYTES);
	mf_decoder_free(dec);
	mf_encoder_free(enc);
	return rc;
}

static void
codec(void **state)
{
	struct material *m = calloc(1, sizeof(*m));
	struct torture t = {.name = "codec", .arg = m, .body = code};
	uint32_t x = 1;
	size_t i;

	(void)state;
	assert_non_null(m);
	assert_true(mf_encode_bound(PLAIN_BYTES) <= sizeof(m->encoded));
	for (i = 0; i < PLAIN_BYTES; i++) {
		x = x * 1664525u + 1013904223u;
		m->plain[i] = i % 2 ? (uint8_t)(0x3c + (x >> 31)) : (uint8_t)(x >> 24);
	}
	m->element = MF_ELEMENT_BF16;
	torture(&t);
	m->element = MF_ELEMENT_F32;
	torture(&t);
	m->element = MF_ELEMENT_UNKNOWN;
	torture(&t);
	for (i = 0; i < PLAIN_BYTES; i++)
		m->plain[i] = (uint8_t)"{\"text\": [1, 22, 333]}, "[i % 24];
	torture(&t);
	free(m);
}

/* ---- chunk ---- */

static int
sample_pread(void *arg, void *buf, size_t n, uint64_t offset, struct mf_error *e)
{
	const struct sample *s = arg;
	uint64_t from, to;
	size_t i;

	(void)e;
	memset(buf, 0, n);
	for (i = 0; i < s->n_parts; i++) {
		const struct sample_part *p = &s->parts[i];

		from = p->offset > offset ? p->offset : offset;
		to = p->offset + p->len < offset + n ? p->offset + p->len : offset + n;
		if (p->data != SIZE_MAX && from < to)
			memcpy((uint8_t *)buf + (from - offset),
			    s->bytes.data + p->data + (from - p->offset), (size_t)(to - from));
	}
	return 0;
}

static int
plan(void *arg, struct mf_error *e)
{
	struct sample *s = arg;
	struct mf_cut_source src = {.size = s->size, .pread = sample_pread, .arg = s};
	struct mf_cut_params p = {.key = sample_key};
	struct mf_cut_plan *out = NULL;
	int rc = mf_cut_plan_new(&src, &p, &out, e);

	/* out of memory is no lack of structure: the same file must be cut the same every time */
	assert_int_not_equal(rc, 1);
	assert_int_equal(rc == 0, out != NULL);
	mf_cut_plan_free(out);
	return rc;
}

static void
plan_of(const char *format, struct sample *s)
{
	struct torture t = {.name = format, .arg = s, .body = plan};

	mf_cut_plan_free(sample_must(s, format));
	torture(&t);
	sample_fini(s);
}

static int
use_cdc(void *arg, struct mf_error *e)
{
	struct mf_cdc *c = mf_cdc_new(sample_key, e);

	(void)arg;
	mf_cdc_free(c);
	return c != NULL ? 0 : -1;
}

static void
chunk(void **state)
{
	static const struct sample_tensor tensors[] = {{"a.weight", "BF16", 30, 3 << 20, 1},
	    {"a.bias", "F32", 0, 4096, 2}, {"b.weight", "F16", 1, 20 << 20, 3},
	    {"b.bias", "F16", 1, 2048, 4}};
	static const struct sample_entry entries[] = {
	    {.name = "m/data.pkl", .bytes = "\x80\x02.", .len = 3},
	    {.name = "m/data/0", .len = 5 << 20, .content = 1},
	    {.name = "m/data/1", .len = 100, .content = 2}};
	struct sample_entry arrays[] = {{.name = "x.npy"}, {.name = "y.npy"}};
	struct torture cdc = {.name = "cdc", .body = use_cdc};
	struct mf_buf npy = MF_BUF_INIT;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_safetensors(&s, tensors, 4);
	plan_of("safetensors", &s);
	sample_init(&s);
	sample_gguf(&s, tensors, 4, 10);
	plan_of("gguf", &s);
	sample_init(&s);
	sample_zip(&s, entries, 3, false);
	plan_of("pytorch", &s);
	sample_npy(&npy, "'<f4'");
	arrays[0].bytes = arrays[1].bytes = npy.data;
	arrays[0].len = arrays[1].len = npy.len;
	sample_init(&s);
	sample_zip(&s, arrays, 2, true);
	plan_of("npz", &s);
	sample_init(&s);
	sample_bytes(&s, npy.data, npy.len);
	sample_virtual(&s, 20 << 20, 1);
	plan_of("npy", &s);
	mf_buf_fini(&npy);
	torture(&cdc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base),
	    cmocka_unit_test(crypto),
	    cmocka_unit_test(codec),
	    cmocka_unit_test(chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
