#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "crypto/keyfile_int.h"

#define ONES "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define TWOS "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
/* ONES, encoded once more */
#define TWICE "QVFFQkFRRUJBUUVCQVFFQkFRRUJBUUVCQVFFQkFRRUJBUUVCQVFFQkFRRT0="

static char dir[] = "/tmp/mf-keyfile-XXXXXX";
static char path[128], other[128];

static void
put_file(const char *name, const void *bytes, size_t n, char out[128])
{
	int fd;

	snprintf(out, 128, "%s/%s", dir, name);
	fd = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static int
clean_env(void **state)
{
	(void)state;
	unsetenv("MODEL_ENCRYPTION_KEY");
	unsetenv("MODEL_ENCRYPTION_KEY_FILE");
	unsetenv("MODEL_HMAC_KEY");
	unsetenv("MODEL_HMAC_KEY_FILE");
	return 0;
}

static void
a_pair_comes_from_the_environment(void **state)
{
	struct mf_unlock *u;
	uint8_t ones[32], twos[32];

	(void)state;
	memset(ones, 1, 32);
	memset(twos, 2, 32);
	assert_false(mf_unlock_in_env());
	setenv("MODEL_ENCRYPTION_KEY", ONES "\n", 1);
	setenv("MODEL_HMAC_KEY", " " TWOS, 1);
	assert_true(mf_unlock_in_env());
	u = mf_unlock_from_env(NULL);
	assert_non_null(u);
	assert_int_equal(mf_unlock_kind(u), MF_UNLOCK_RAW);
	assert_memory_equal(mf_secret_view(u->secret), ones, 32);
	assert_memory_equal(mf_secret_view(u->hmac), twos, 32);
	assert_string_equal(mf_unlock_origin(u), "MODEL_ENCRYPTION_KEY and MODEL_HMAC_KEY");
	mf_unlock_free(u);
}

static void
a_pair_comes_from_mounted_files(void **state)
{
	struct mf_unlock *u;
	uint8_t ones[32];

	(void)state;
	memset(ones, 1, 32);
	put_file("enc", ones, 32, path); /* what a volume has after data: was decoded */
	put_file("mac", TWOS "\n", strlen(TWOS) + 1, other);
	setenv("MODEL_ENCRYPTION_KEY_FILE", path, 1);
	setenv("MODEL_HMAC_KEY_FILE", other, 1);
	u = mf_unlock_from_env(NULL);
	assert_non_null(u);
	assert_memory_equal(mf_secret_view(u->secret), ones, 32);
	memset(ones, 2, 32);
	assert_memory_equal(mf_secret_view(u->hmac), ones, 32);
	mf_unlock_free(u);
	u = mf_unlock_from_pair_files(other, path, NULL);
	assert_memory_equal(mf_secret_view(u->secret), ones, 32);
	mf_unlock_free(u);
}

/* Sets the variables (NULL: unset), expects MF_EKEY with all these words and not the value. */
static void
expect_refusal(const char *enc, const char *hmac, const char *word, const char *word2)
{
	struct mf_error e = {0};

	clean_env(NULL);
	if (enc != NULL)
		setenv("MODEL_ENCRYPTION_KEY", enc, 1);
	if (hmac != NULL)
		setenv("MODEL_HMAC_KEY", hmac, 1);
	assert_null(mf_unlock_from_env(&e));
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, word));
	assert_non_null(strstr(e.message, word2));
	if (enc != NULL && enc[0] != '\0')
		assert_null(strstr(e.message, enc));
	assert_non_null(strstr(e.hint, "kubectl create secret generic"));
	assert_true(strlen(e.hint) < MF_ERROR_HINT_BYTES - 1);
	assert_non_null(strstr(e.hint, "decoded once"));
}

static void
each_mistake_is_named_and_no_key_shown(void **state)
{
	(void)state;
	expect_refusal(NULL, TWOS, "MODEL_ENCRYPTION_KEY is missing", "MODEL_ENCRYPTION_KEY_FILE");
	expect_refusal("", TWOS, "MODEL_ENCRYPTION_KEY is missing", "both needed");
	expect_refusal(ONES, NULL, "MODEL_HMAC_KEY is missing", "MODEL_HMAC_KEY_FILE");
	expect_refusal("not base64!", TWOS, "MODEL_ENCRYPTION_KEY", "not valid base64");
	expect_refusal(ONES "=", TWOS, "MODEL_ENCRYPTION_KEY", "not valid base64");
	expect_refusal(ONES, "AQEB", "MODEL_HMAC_KEY", "base64 of 3 bytes, not of 32");
	expect_refusal(TWICE, TWOS, "MODEL_ENCRYPTION_KEY", "encoded twice");
	expect_refusal("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==", TWOS,
	    "MODEL_ENCRYPTION_KEY", "base64 of 31 bytes");
}

static void
files_are_refused_by_name(void **state)
{
	struct mf_error e = {0};
	uint8_t raw[33] = {1};

	(void)state;
	put_file("long", raw, 33, path);
	setenv("MODEL_ENCRYPTION_KEY_FILE", path, 1);
	setenv("MODEL_HMAC_KEY", TWOS, 1);
	assert_null(mf_unlock_from_env(&e));
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, path));
	assert_non_null(strstr(e.message, "33 bytes"));
	unlink(path);
	assert_null(mf_unlock_from_env(&e));
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "MODEL_ENCRYPTION_KEY_FILE"));
	setenv("MODEL_ENCRYPTION_KEY", ONES, 1);
	assert_null(mf_unlock_from_env(&e));
	assert_non_null(strstr(e.message, "both MODEL_ENCRYPTION_KEY and"));
}

static void
a_passphrase_is_the_first_line(void **state)
{
	char big[2000];
	struct mf_unlock *u;
	struct mf_error e = {0};

	(void)state;
	put_file("pass", "correct horse \r\nsecond", 22, path);
	u = mf_unlock_from_passphrase_file(path, NULL);
	assert_int_equal(mf_secret_len(u->secret), 14);
	assert_memory_equal(mf_secret_view(u->secret), "correct horse ", 14);
	mf_unlock_free(u);
	put_file("pass", "\nx", 2, path);
	assert_null(mf_unlock_from_passphrase_file(path, &e));
	assert_int_equal(e.code, MF_EKEY);
	memset(big, 'x', sizeof big);
	put_file("pass", big, 1024, path);
	u = mf_unlock_from_passphrase_file(path, &e);
	assert_non_null(u);
	mf_unlock_free(u);
	put_file("pass", big, 1025, path);
	assert_null(mf_unlock_from_passphrase_file(path, &e));
	assert_int_equal(e.code, MF_EKEY);
	put_file("pass", big, sizeof big, path);
	assert_null(mf_unlock_from_passphrase_file(path, &e));
	assert_int_equal(e.code, MF_EKEY);
}

static void
an_identity_has_a_printable_half(void **state)
{
	char text[MF_TEXTKEY_BYTES];
	uint8_t a[32];
	struct mf_unlock *u;
	struct mf_error e = {0};
	struct stat st;

	(void)state;
	snprintf(path, sizeof path, "%s/identity", dir);
	assert_int_equal(mf_identity_generate(path, text, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mf_identity_generate(path, text, &e), -1);
	assert_int_equal(e.code, MF_EEXIST);
	u = mf_unlock_from_identity_file(path, &e);
	assert_non_null(u);
	assert_int_equal(mf_unlock_public(u, a, &e), 0);
	mf_unlock_free(u);
}

static void
public_halves_are_checked(void **state)
{
	char text[MF_TEXTKEY_BYTES], zero[MF_TEXTKEY_BYTES];
	uint8_t a[32], b[32], none[32] = {0};
	struct mf_unlock *u;
	struct mf_error e = {0};

	(void)state;
	snprintf(path, sizeof path, "%s/identity2", dir);
	assert_int_equal(mf_identity_generate(path, text, &e), 0);
	u = mf_unlock_from_identity_file(path, &e);
	assert_int_equal(mf_unlock_public(u, a, &e), 0);
	assert_int_equal(mf_public_parse(text, "argument", b, &e), 0);
	assert_memory_equal(a, b, 32);
	assert_int_equal(mf_public_parse(strchr(text, ' ') + 1, "argument", b, &e), 0);
	put_file("public", text, strlen(text), other);
	assert_int_equal(mf_public_load(other, b, &e), 0);
	assert_memory_equal(a, b, 32);
	assert_int_equal(mf_public_load(path, b, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	assert_non_null(strstr(e.message, "MODELFERRY-IDENTITY-1 where a MODELFERRY-PUBLIC-1"));
	mf_textkey_format(MF_PUBLIC_LABEL, none, zero);
	assert_int_equal(mf_public_parse(zero, "argument", b, &e), -1);
	assert_non_null(strstr(e.message, "no usable"));
	assert_null(mf_unlock_from_identity_file(other, &e));
	assert_int_equal(e.code, MF_EKEY);
	mf_unlock_free(u);
}

static void
key_text_is_strict(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {{"", "no line"}, {"# only\n\n", "no line"},
	    {"MODELFERRY-IDENTITY-1", "not valid base64"},
	    {"MODELFERRY-IDENTITY-1 AQEB", "has 3 bytes"},
	    {"MODELFERRY-IDENTITY-1 " ONES "\nMODELFERRY-IDENTITY-1 " ONES, "more than one"},
	    {"MODELFERRY-IDENTITY-1 " ONES " extra", "not valid base64"},
	    {"MODELFERRY-IDENTITY-11 " ONES, "no line"}, {ONES, "no line"}};
	uint8_t out[32];
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mf_error_clear(&e);
		assert_int_equal(mf_textkey_parse((const uint8_t *)cases[i].text,
				     strlen(cases[i].text), MF_IDENTITY_LABEL, "f", out, &e), -1);
		assert_int_equal(e.code, MF_EKEY);
		assert_non_null(strstr(e.message, cases[i].says));
	}
	assert_int_equal(mf_textkey_parse((const uint8_t *)"# c\r\n MODELFERRY-IDENTITY-1\t" ONES
					      "\r\n", 74, MF_IDENTITY_LABEL, "f", out, &e), 0);
}

static int
remove_files(void **state)
{
	static const char *const names[] = {
	    "enc", "mac", "long", "pass", "identity", "identity2", "public"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_pair_comes_from_the_environment, clean_env),
	    cmocka_unit_test_setup(a_pair_comes_from_mounted_files, clean_env),
	    cmocka_unit_test_setup(each_mistake_is_named_and_no_key_shown, clean_env),
	    cmocka_unit_test_setup(files_are_refused_by_name, clean_env),
	    cmocka_unit_test(a_passphrase_is_the_first_line),
	    cmocka_unit_test(an_identity_has_a_printable_half),
	    cmocka_unit_test(public_halves_are_checked),
	    cmocka_unit_test(key_text_is_strict),
	};

	if (mf_crypto_init(NULL) != 0 || mkdtemp(dir) == NULL)
		return 99;
	return cmocka_run_group_tests_name("crypto/keyfile", tests, NULL, remove_files);
}
