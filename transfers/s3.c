#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/s3_int.h"

/* ---- putting and deleting ---- */

const char *
s3_key(const struct s3_store *s, const char *name, char out[MF_S3_KEY_BYTES])
{
	(void)snprintf(out, MF_S3_KEY_BYTES, "%s%s", s->prefix, name);
	return out;
}

static int
check_writable(const struct s3_store *s, struct mf_error *e)
{
	return s->write ? 0 : mf_error_set(e, MF_EPERM, "%s is open for reading only", s->label);
}

/* It is there, after a put that the store refused and may have carried out: is it that one's? No
 * two put the same bytes (retry.h). 0: yes; 1; -1. */
static int
look_whose(struct s3_store *s, const char *name, const void *bytes, size_t n, struct mf_error *e)
{
	struct mf_buf is = MF_BUF_INIT;
	struct mf_error own = {0};
	int rc;

	e = e == NULL ? &own : e;
	if (n == 0)
		return mf_error_set(e, MF_ETRANSFER,
		    "cannot tell whether %s/%s was stored by this put or by another", s->label,
		    name);
	rc = s3_get(&s->store, name, 0, n + 1, &is, e);
	if (rc == 0)
		rc = is.len != n || memcmp(is.data, bytes, n) != 0;
	else if (e->code == MF_ENOTFOUND)
		rc = 1; /* it was taken; nobody puts again what somebody deleted */
	mf_buf_fini(&is);
	return rc;
}

int
s3_put_once(struct s3_store *s, const char *name, const void *bytes, size_t n, bool if_absent,
    bool repeatable, enum mf_s3_class *class, struct mf_error *e)
{
	struct mf_s3_header headers[MF_S3_PUT_HEADERS_MAX];
	char key[MF_S3_KEY_BYTES], sum[MF_S3_SUM_BYTES];
	struct mf_s3_call call = {
	    .method = "PUT",
	    .key = s3_key(s, name, key),
	    .headers = headers,
	    .n_headers = s->n_headers,
	    .body = bytes,
	    .body_bytes = n,
	    .has_body = true,
	    .repeatable = repeatable,
	    .stores = true,
	    .doing = "putting",
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc;

	memcpy(headers, s->headers, s->n_headers * sizeof headers[0]);
	if (if_absent)
		headers[call.n_headers++] = s->dialect->if_absent;
	if (s->dialect->sum_header != NULL)
		headers[call.n_headers++] =
		    (struct mf_s3_header){s->dialect->sum_header, s3_sum(bytes, n, sum)};
	rc = mf_s3_client_call(s->client, &call, &a, e);
	if (rc == 0 && !s3_sum_fits(s, &a.http, bytes, n))
		rc = mf_error_set(e, MF_ETRANSFER,
		    "%s/%s arrived as something else than was sent, by its checksum", s->label,
		    name);
	*class = MF_S3_FINAL;
	if (rc != 0 && a.refused)
		*class = a.class;
	mf_s3_answer_fini(&a);
	if (rc != 0 && if_absent && *class == MF_S3_PRECONDITION)
		return a.doubtful ? look_whose(s, name, bytes, n, e) : 1;
	if (rc != 0 && *class == MF_S3_RACE && e != NULL)
		e->code = MF_ETRANSFER;
	return rc;
}

static int
refuse_condition(const struct s3_store *s, struct mf_error *e)
{
	return mf_error_set(e, MF_EUNSUPPORTED, "%s has no conditional put (%s)", s->label,
	    s->dialect->if_absent.name);
}

static int
s3_put(struct mf_store *store, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct s3_store *s = s3_of(store);
	const bool if_absent = (flags & MF_STORE_IF_ABSENT) != 0;
	enum mf_s3_class class;

	if (check_writable(s, e) != 0)
		return -1;
	if (if_absent && !s->conditional)
		return refuse_condition(s, e);
	return s3_put_once(
	    s, name, bytes, n, if_absent, (flags & MF_STORE_REPEATABLE) != 0, &class, e);
}

int
s3_del(struct mf_store *store, const char *name, struct mf_error *e)
{
	struct s3_store *s = s3_of(store);
	char key[MF_S3_KEY_BYTES];
	const struct mf_s3_call call = {.method = "DELETE",
	    .key = s3_key(s, name, key),
	    .repeatable = true,
	    .doing = "deleting"};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc;

	if (check_writable(s, e) != 0)
		return -1;
	rc = mf_s3_client_call(s->client, &call, &a, e);
	if (rc != 0 && a.refused && a.class == MF_S3_NOT_FOUND)
		rc = 0;
	mf_s3_answer_fini(&a);
	return rc;
}

/* ---- the handle ---- */

static int
s3_now(struct mf_store *store, int64_t *unix_us, struct mf_error *e)
{
	int64_t unix_s;

	if (mf_s3_client_now(s3_of(store)->client, &unix_s, e) != 0)
		return -1;
	*unix_us = unix_s * 1000000;
	return 0;
}

static unsigned
s3_capabilities(struct mf_store *store)
{
	const struct s3_store *s = s3_of(store);

	return MF_STORE_ORDERED | (s->write ? (unsigned)MF_STORE_WRITABLE : 0u) |
	       (s->conditional ? (unsigned)MF_STORE_CONDITIONAL : 0u) |
	       (mf_s3_client_is_paced(s->client) ? (unsigned)(MF_STORE_PACED | MF_STORE_COUNTED)
						 : 0u);
}

static const char *
s3_label(struct mf_store *store)
{
	return s3_of(store)->label;
}

static void
free_store(struct s3_store *s)
{
	mf_buf_fini(&s->texts);
	free(s->prefix);
	free(s->label);
	free(s);
}

static void
s3_close(struct mf_store *store)
{
	struct s3_store *s = s3_of(store);

	if (s->release != NULL)
		s->release(s->release_arg);
	free_store(s);
}

static const struct mf_store_ops s3_ops = {
    .scheme = "s3",
    .put = s3_put,
    .get = s3_get,
    .head = s3_head,
    .del = s3_del,
    .list = s3_list,
    .close = s3_close,
    .now = s3_now,
    .capabilities = s3_capabilities,
    .label = s3_label,
};

/* ---- opening ---- */

/* Components that something on the way might take for directories, and normalise, are refused. */
static int
check_prefix(const char *prefix, struct mf_error *e)
{
	const char *at, *end;

	if (strlen(prefix) > MF_S3_PREFIX_MAX)
		return mf_error_set(e, MF_EUSAGE, "the path in the bucket is longer than %d bytes",
		    MF_S3_PREFIX_MAX);
	for (at = prefix; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == '?' || *at == '#')
			return mf_error_set(e, MF_EUSAGE,
			    "the path in the bucket has a character in it that it may not have");
	for (at = prefix; *prefix != '\0'; at = end + 1) {
		end = at + strcspn(at, "/");
		if (end == at || strncmp(at, "./", 2) == 0 || strncmp(at, "../", 3) == 0 ||
		    strcmp(at, ".") == 0 || strcmp(at, "..") == 0)
			return mf_error_set(e, MF_EUSAGE,
			    "the path in the bucket, \"%.200s\", has "
			    "an empty part, \".\" or \"..\" in it",
			    prefix);
		if (*end == '\0')
			break;
	}
	return 0;
}

static int
check_options(const struct mf_s3_put_options *o, const struct mf_s3_dialect *d, struct mf_error *e)
{
	static const char *const encryptions[] = {"AES256", "aws:kms", "aws:kms:dsse"};
	const char *class = o->storage_class, *encryption = o->encryption;
	const bool aws = d == &mf_s3_aws4;
	size_t i;

	if (class != NULL &&
	    (strcmp(class, "GLACIER") == 0 || strcmp(class, "DEEP_ARCHIVE") == 0)) {
		mf_error_set(e, MF_EUSAGE,
		    "objects of the storage class %s cannot be read back "
		    "before they are restored",
		    class);
		return mf_error_hint(e,
		    "take GLACIER_IR, or let a lifecycle rule of the bucket move "
		    "copies that nobody reads");
	}
	for (i = 0; encryption != NULL && i < 3 && strcmp(encryption, encryptions[i]) != 0;)
		i++;
	if (encryption != NULL && i == 3)
		return mf_error_set(e, MF_EUSAGE,
		    "no such encryption of a store: \"%.40s\" (there are "
		    "AES256, aws:kms, aws:kms:dsse)",
		    encryption);
	if (encryption != NULL && !aws)
		return mf_error_set(e, MF_EUSAGE,
		    "%s:// stores encrypt by a KMS key or the "
		    "bucket's, in no other way",
		    d->scheme);
	if (aws && o->kms_key_id != NULL && (encryption == NULL || encryption[0] == 'A'))
		return mf_error_set(e, MF_EUSAGE, "a KMS key without encryption aws:kms");
	if (o->n_metadata > MF_S3_METADATA_MAX)
		return mf_error_set(e, MF_EUSAGE, "more than %d metadata", MF_S3_METADATA_MAX);
	return 0;
}

/* Texts are collected first, since collecting may move them. */
static void
add_header(struct s3_store *s, const char *before, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	mf_buf_printf(&s->texts, "%s%s%s", s->dialect->prefix, before, name);
	mf_buf_put_u8(&s->texts, '\0');
	mf_buf_put(&s->texts, value, strlen(value) + 1);
	s->n_headers++;
}

static int
make_headers(struct s3_store *s, const struct mf_s3_put_options *o, struct mf_error *e)
{
	const char *at;
	size_t i;

	add_header(s, "", "storage-class", o->storage_class);
	add_header(s, "", "server-side-encryption", o->encryption);
	add_header(s, "", s->dialect->kms_header, o->kms_key_id);
	for (i = 0; i < o->n_metadata; i++)
		add_header(s, "meta-", o->metadata[i].name, o->metadata[i].value);
	if (s->texts.failed)
		return mf_error_nomem(e, "a store");
	for (at = (const char *)s->texts.data, i = 0; i < s->n_headers; i++) {
		s->headers[i].name = at;
		at += strlen(at) + 1;
		s->headers[i].value = at;
		at += strlen(at) + 1;
	}
	return 0;
}

static int
make_names(struct s3_store *s, const char *prefix, struct mf_error *e)
{
	const char *bucket = mf_s3_client_bucket(s->client), *slash = prefix[0] != '\0' ? "/" : "";
	const size_t n =
	    strlen(s->dialect->scheme) + strlen(bucket) + strlen(prefix) + sizeof ":///";

	if ((s->prefix = malloc(strlen(prefix) + 2)) == NULL || (s->label = malloc(n)) == NULL)
		return mf_error_nomem(e, "a store");
	(void)snprintf(s->prefix, strlen(prefix) + 2, "%s%s", prefix, slash);
	(void)snprintf(s->label, n, "%s://%s%s%s", s->dialect->scheme, bucket, slash, prefix);
	return 0;
}

int
mf_s3_store_open(const struct mf_s3_store_params *p, struct mf_store **out, struct mf_error *e)
{
	const char *prefix = p->prefix != NULL ? p->prefix : "";
	struct s3_store *s;

	if (check_prefix(prefix, e) != 0 ||
	    check_options(&p->options, mf_s3_client_dialect(p->client), e) != 0)
		return -1;
	if ((s = calloc(1, sizeof *s)) == NULL)
		return mf_error_nomem(e, "a store");
	s->store.ops = &s3_ops;
	s->client = p->client;
	s->dialect = mf_s3_client_dialect(p->client);
	s->write = p->write;
	s->lists_at_once = p->lists_at_once;
	atomic_init(&s->list_v1, s->dialect->first_list);
	if (make_names(s, prefix, e) != 0 || make_headers(s, &p->options, e) != 0) {
		free_store(s);
		return -1;
	}
	s->release = p->release;
	s->release_arg = p->release_arg;
	*out = &s->store;
	return 0;
}

void
mf_s3_store_believe(struct mf_store *s, const struct mf_s3_probe *p)
{
	s3_of(s)->conditional = p->conditional;
	if (p->md5)
		mf_s3_client_send_md5(s3_of(s)->client);
}

void
mf_s3_store_identity(const struct mf_store *s, struct mf_buf *out)
{
	const struct mf_s3_client *c = ((const struct s3_store *)s)->client;

	/* One bucket may be spoken to in two dialects, of which one ignores conditions. */
	if (mf_s3_client_dialect(c) != &mf_s3_aws4)
		mf_buf_printf(out, "%s ", mf_s3_client_dialect(c)->scheme);
	mf_s3_client_origin(c, out);
	mf_buf_printf(out, " %s", mf_s3_client_bucket(c));
}
