/* What is Google's own in gs:// stores: tokens, conditions, checksums, headers, and what is
 * refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/harness/fake_gcs.h"
#include "tests/unit/transfers/s3_script.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/open.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* A machine: its files, its environment, what it remembers, and time that only passes. */
struct machine {
	char dir[SCRATCH_PATH];
	char paths[3][SCRATCH_PATH + 32];
	const char *emulator;
	char store[128];
	uint64_t value;
	int recalls, remembers, sleeps;
	uint64_t slept_us;
};

static const char *
variable(void *arg, const char *name)
{
	const struct machine *m = arg;

	if (strcmp(name, "GOOGLE_APPLICATION_CREDENTIALS") == 0)
		return m->paths[0];
	return strcmp(name, "STORAGE_EMULATOR_HOST") == 0 ? m->emulator : NULL;
}

static int
recall(void *arg, const char *store, const char *fact, uint64_t *value, struct mf_error *e)
{
	struct machine *m = arg;

	(void)e;
	if (strcmp(fact, "content-md5") == 0)
		return 1;
	assert_string_equal(fact, "conditional puts");
	m->recalls++;
	*value = m->value;
	return strcmp(store, m->store) == 0 ? 0 : 1;
}

static int
remember(void *arg, const char *store, const char *fact, uint64_t value, struct mf_error *e)
{
	struct machine *m = arg;

	(void)e;
	assert_string_equal(fact, "conditional puts");
	m->remembers++;
	m->value = value;
	(void)snprintf(m->store, sizeof m->store, "%s", store);
	return 0;
}

static void
sleep_us(void *arg, uint64_t us)
{
	struct machine *m = arg;

	m->sleeps++;
	m->slept_us += us;
}

static void
make_machine(struct machine *m, const struct fake_gcs *f)
{
	memset(m, 0, sizeof *m);
	scratch_make(m->dir);
	fake_gcs_write_credentials(f, m->dir);
	(void)snprintf(m->paths[0], sizeof m->paths[0], "%s/service.json", m->dir);
	(void)snprintf(m->paths[1], sizeof m->paths[1], "%s/hmac-id", m->dir);
	(void)snprintf(m->paths[2], sizeof m->paths[2], "%s/hmac-secret", m->dir);
}

static struct mf_gcs_options
options_of(struct machine *m, const char *url)
{
	return (struct mf_gcs_options){.endpoint_url = url,
	    .variable = variable,
	    .variable_arg = m,
	    .waiting = {.sleep_us = sleep_us, .arg = m}};
}

static int
open_at(struct machine *m, const struct mf_gcs_options *o, bool write, struct mf_store **out,
    struct mf_error *e)
{
	const struct mf_store_memory memory = {recall, remember, m};
	const struct mf_store_open_params p = {.write = write, .gcs = o, .memory = &memory};

	mf_error_clear(e);
	return mf_store_open("gs://bucket-1/p/", &p, out, e);
}

static struct mf_store *
open_fine(struct machine *m, const struct mf_gcs_options *o, bool write)
{
	struct mf_store *s = NULL;
	struct mf_error e;

	if (open_at(m, o, write, &s, &e) != 0)
		fail_msg("%s", e.message);
	return s;
}

static void
put(struct mf_store *s, const char *name, const char *text)
{
	struct mf_error e = {0};

	if (mf_store_put(s, name, text, strlen(text), MF_STORE_REPEATABLE, &e) != 0)
		fail_msg("%s", e.message);
}

static void
check_get(struct mf_store *s, const char *name, const char *text)
{
	struct mf_buf out = MF_BUF_INIT;
	struct mf_error e = {0};

	if (mf_store_get(s, name, 0, 1000, &out, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal(out.len, strlen(text));
	assert_memory_equal(out.data, text, out.len);
	mf_buf_fini(&out);
}

/* Tokens that end in mid-run are got anew, and nobody above notices. */
static void
tokens_end(void **state)
{
	const struct fake_gcs_params p = {.token_uses = 5};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	char name[16];
	int i;

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, fake_gcs_url(f));
	s = open_fine(&m, &o, true);
	for (i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof name, "o%d", i);
		put(s, name, name);
		check_get(s, name, name);
	}
	assert_true(fake_gcs_count(f, FAKE_GCS_TOKENS) > 8);
	assert_int_equal(
	    fake_gcs_count(f, FAKE_GCS_EXPIRED) + 1, fake_gcs_count(f, FAKE_GCS_TOKENS));
	fake_gcs_end_tokens(f);
	check_get(s, "o3", "o3");
	mf_store_close(s);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

/* 429 and 503 are waited for, as long as Retry-After says. */
static void
refused_for_now(void **state)
{
	const struct fake_gcs_params p = {.refuse_every = 3};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	int i;

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, fake_gcs_url(f));
	s = open_fine(&m, &o, true);
	for (i = 0; i < 10; i++)
		put(s, "o", "text");
	assert_true(fake_gcs_count(f, FAKE_GCS_REFUSED) >= 4);
	assert_true(m.slept_us >= 1000000u * (uint64_t)fake_gcs_count(f, FAKE_GCS_REFUSED));
	mf_store_close(s);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

/* What was changed on the way is noticed in either direction. */
static void
checksums(void **state)
{
	const struct fake_gcs_params p = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct mf_buf out = MF_BUF_INIT;
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	struct mf_error e = {0};

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, fake_gcs_url(f));
	s = open_fine(&m, &o, true);
	put(s, "o", "123456789");
	assert_string_equal(
	    fake_gcs_put_header(f, "bucket-1/p/o", "x-goog-hash"), "crc32c=4waSgw==");
	fake_gcs_corrupt(f, 1);
	assert_int_equal(mf_store_get(s, "o", 0, 100, &out, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_non_null(strstr(e.message, "gs://bucket-1/p/o has another checksum"));
	assert_int_equal(out.len, 0);
	check_get(s, "o", "123456789");
	/* Of a part nobody knows the sum. */
	assert_int_equal(mf_store_get(s, "o", 2, 3, &out, &e), 0);
	assert_memory_equal(out.data, "345", 3);
	mf_buf_fini(&out);
	mf_store_close(s);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

/* A store that took something else than was sent says so by its sum. */
static void
wrong_sum(void **state)
{
	static const struct s3_reply replies[] = {
	    {200, NULL, "{\"access_token\":\"t\",\"expires_in\":3599}", 0},
	    {200, "X-Goog-Hash: md5=AAAA\r\nX-Goog-Hash: crc32c=AAAAAA==\r\n", NULL, 0},
	    {200, "X-Goog-Hash: md5=AAAA,crc32c=4waSgw==\r\n", NULL, 0}};
	static const char user[] = "{\"type\":\"authorized_user\",\"client_id\":\"c\","
				   "\"client_secret\":\"s\",\"refresh_token\":\"r\","
				   "\"token_uri\":\"%s/token\"}";
	const struct fake_gcs_params p = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct s3_script script;
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	struct mf_error e;
	FILE *file;

	(void)state;
	s3_script_start(&script, replies, LENGTH(replies));
	make_machine(&m, f);
	assert_non_null(file = fopen(m.paths[0], "w"));
	(void)fprintf(file, user, script.url);
	assert_int_equal(fclose(file), 0);
	o = options_of(&m, script.url);
	(void)snprintf(m.store, sizeof m.store, "gs %s bucket-1", script.url);
	m.value = 1; /* it has conditional puts: nothing is tried */
	s = open_fine(&m, &o, true);
	assert_int_equal(mf_store_put(s, "o", "123456789", 9, 0, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_non_null(strstr(e.message, "arrived as something else"));
	assert_int_equal(mf_store_put(s, "o", "123456789", 9, 0, &e), 0);
	mf_store_close(s);
	s3_script_stop(&script);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

/* Tried once, and remembered under a name that the S3 dialect does not use for the bucket. */
static void
conditions(void **state)
{
	struct fake_gcs_params p = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&p);
	char identity[128];
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	struct mf_error e;
	unsigned stopped;

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, fake_gcs_url(f));
	s = open_fine(&m, &o, true);
	assert_int_equal(m.remembers, 1);
	(void)snprintf(identity, sizeof identity, "gs %s bucket-1", fake_gcs_url(f));
	assert_string_equal(m.store, identity);
	stopped = fake_gcs_count(f, FAKE_GCS_CONDITIONS);
	assert_int_equal(mf_store_put(s, "ref", "1", 1, MF_STORE_IF_ABSENT, NULL), 0);
	assert_int_equal(mf_store_put(s, "ref", "2", 1, MF_STORE_IF_ABSENT, NULL), 1);
	assert_int_equal(fake_gcs_count(f, FAKE_GCS_CONDITIONS), stopped + 1);
	mf_store_close(s);
	s = open_fine(&m, &o, true);
	assert_int_equal(m.remembers, 1);
	assert_int_equal(fake_gcs_count(f, FAKE_GCS_CONDITIONS), stopped + 1);
	mf_store_close(s);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
	/* A server that ignores the condition is found out, and such puts are refused by name. */
	p.ignore_conditions = true;
	f = fake_gcs_start(&p);
	make_machine(&m, f);
	o = options_of(&m, fake_gcs_url(f));
	s = open_fine(&m, &o, true);
	assert_int_equal(m.remembers, 0);
	assert_int_equal(mf_store_put(s, "ref", "1", 1, MF_STORE_IF_ABSENT, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_non_null(strstr(e.message, "x-goog-if-generation-match"));
	mf_store_close(s);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

/* HMAC keys: every header that matters is signed, the condition holds; a wrong secret is refused.
 */
static void
hmac(void **state)
{
	const struct fake_gcs_params p = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	struct mf_error e;
	FILE *file;

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, fake_gcs_url(f));
	o.access_key_file = m.paths[1];
	o.secret_key_file = m.paths[2];
	o.user_project = "payer-1";
	s = open_fine(&m, &o, true);
	put(s, "o", "text");
	check_get(s, "o", "text");
	assert_int_equal(fake_gcs_count(f, FAKE_GCS_TOKENS), 0);
	assert_int_equal(fake_gcs_count(f, FAKE_GCS_BILLED), fake_gcs_count(f, FAKE_GCS_SIGNED));
	assert_true(fake_gcs_count(f, FAKE_GCS_SIGNED) >= 6);
	mf_store_close(s);
	assert_non_null(file = fopen(m.paths[2], "w"));
	assert_true(fputs("wrong", file) >= 0);
	assert_int_equal(fclose(file), 0);
	s = open_fine(&m, &o, false);
	assert_int_equal(mf_store_get(s, "o", 0, 10, &(struct mf_buf){0}, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "getting gs://bucket-1/p/o: SignatureDoesNotMatch"));
	mf_store_close(s);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

static void
headers(void **state)
{
	static const struct mf_s3_header metadata[] = {{"model", "churn"}};
	static const char path[] = "bucket-1/p/o";
	const struct fake_gcs_params p = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	struct mf_error e;

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, fake_gcs_url(f));
	o.user_project = "payer-1";
	o.put = (struct mf_s3_put_options){.storage_class = "NEARLINE",
	    .kms_key_id = "projects/p/locations/l/keyRings/r/cryptoKeys/k",
	    .metadata = metadata,
	    .n_metadata = 1};
	s = open_fine(&m, &o, true);
	put(s, "o", "text");
	mf_store_close(s);
	assert_string_equal(fake_gcs_put_header(f, path, "x-goog-storage-class"), "NEARLINE");
	assert_string_equal(fake_gcs_put_header(f, path, "x-goog-encryption-kms-key-name"),
	    "projects/p/locations/l/keyRings/r/cryptoKeys/k");
	assert_string_equal(fake_gcs_put_header(f, path, "x-goog-meta-model"), "churn");
	assert_string_equal(fake_gcs_put_header(f, path, "x-goog-user-project"), "payer-1");
	assert_string_equal(fake_gcs_put_header(f, path, "Accept-Encoding"), "");
	o.put.encryption = "AES256";
	assert_int_equal(open_at(&m, &o, false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

/* A token goes to the endpoint that was named, over TLS or within this machine, and nowhere else.
 */
static void
tokens_stay(void **state)
{
	static const struct s3_reply elsewhere[] = {
	    {307, "Location: http://127.0.0.1:1/bucket-1/p/o\r\n", "<Error/>", 0}};
	const struct fake_gcs_params p = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct s3_script script;
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	struct mf_error e;

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, "http://gcs.example");
	o.allow_http = true;
	assert_int_equal(open_at(&m, &o, false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_non_null(strstr(e.message, "over http to gcs.example"));
	s3_script_start(&script, elsewhere, 1);
	o = options_of(&m, script.url);
	s = open_fine(&m, &o, false);
	assert_int_equal(mf_store_get(s, "o", 0, 10, &(struct mf_buf){0}, &e), -1);
	assert_int_equal(e.http_status, 307);
	assert_int_equal(atomic_load(&script.n_asked), 1);
	mf_store_close(s);
	s3_script_stop(&script);
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

static void
check_place(const char *rest, const char *url, const char *place)
{
	const struct mf_gcs_options o = {.endpoint_url = url};
	struct mf_buf b = MF_BUF_INIT;

	mf_gcs_place(rest, &o, &b);
	assert_string_equal(mf_buf_cstr(&b), place);
	mf_buf_fini(&b);
}

static void
opening(void **state)
{
	const struct fake_gcs_params p = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&p);
	struct machine m;
	struct mf_gcs_options o;
	struct mf_store *s;
	struct mf_error e;

	(void)state;
	make_machine(&m, f);
	o = options_of(&m, NULL);
	m.emulator = "localhost:4443";
	assert_int_equal(open_at(&m, &o, false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_non_null(strstr(e.message, "STORAGE_EMULATOR_HOST"));
	o.endpoint_url = fake_gcs_url(f);
	s = open_fine(&m, &o, false);
	assert_string_equal(mf_store_label(s), "gs://bucket-1/p");
	mf_store_close(s);
	assert_int_equal(mf_gcs_open("x", &o, false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	check_place("b/p//", NULL, "gs://b/p");
	check_place("b", "", "gs://b");
	check_place("b/p", "https://g.example/", "gs://b/p at https://g.example");
	fake_gcs_stop(f);
	scratch_remove(m.dir);
}

static int
start(void **state)
{
	(void)state;
	return mf_crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tokens_end),
	    cmocka_unit_test(refused_for_now), cmocka_unit_test(checksums),
	    cmocka_unit_test(wrong_sum), cmocka_unit_test(conditions), cmocka_unit_test(hmac),
	    cmocka_unit_test(headers), cmocka_unit_test(tokens_stay), cmocka_unit_test(opening)};

	return cmocka_run_group_tests_name("gcs", tests, start, NULL);
}
