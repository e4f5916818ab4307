/* The module s3v2.so: a request as libs3 wants it. */
#include "config.h"

#include "transfers/libs3_module.h"

#include <libs3.h>
#include <stdio.h>
#include <string.h>

#include "transfers/libs3_guard.h"

struct outcome {
	S3Status status;
};

/* The guard has taken the answer away: libs3 has nothing to tell but why it sent nothing. */

static S3Status
no_properties(const S3ResponseProperties *properties, void *arg)
{
	(void)properties;
	(void)arg;
	return S3StatusOK;
}

static void
complete(S3Status status, const S3ErrorDetails *details, void *arg)
{
	struct outcome *o = arg;

	(void)details;
	o->status = status;
}

static int
no_body(int n, char *buffer, void *arg)
{
	(void)n;
	(void)buffer;
	(void)arg;
	return -1;
}

static S3Status
no_bytes(int n, const char *buffer, void *arg)
{
	(void)n;
	(void)buffer;
	(void)arg;
	return S3StatusAbortedByCallback;
}

static S3Status
no_page(int truncated, const char *next, int n, const S3ListBucketContent *contents, int n_prefixes,
    const char **prefixes, void *arg)
{
	(void)truncated;
	(void)next;
	(void)n;
	(void)contents;
	(void)n_prefixes;
	(void)prefixes;
	(void)arg;
	return S3StatusAbortedByCallback;
}

static const S3ResponseHandler answered = {no_properties, complete};
static const S3PutObjectHandler put_handler = {{no_properties, complete}, no_body};
static const S3GetObjectHandler get_handler = {{no_properties, complete}, no_bytes};
static const S3ListBucketHandler list_handler = {{no_properties, complete}, no_page};

static void
send_off(const struct mf_libs3_request *q, struct outcome *o)
{
	const S3BucketContext bucket = {
	    .hostName = q->host,
	    .bucketName = q->bucket,
	    .protocol = q->tls ? S3ProtocolHTTPS : S3ProtocolHTTP,
	    .uriStyle = q->virtual_host ? S3UriStyleVirtualHost : S3UriStylePath,
	    .accessKeyId = q->key_id,
	    .secretAccessKey = q->secret,
	};
	const S3PutProperties put = {.md5 = q->md5, .expires = -1};

	switch (q->verb) {
	case MF_LIBS3_PUT:
		S3_put_object(&bucket, q->key, q->body_bytes, &put, NULL, &put_handler, o);
		break;
	case MF_LIBS3_GET:
		S3_get_object(&bucket, q->key, NULL, q->offset, q->count, NULL, &get_handler, o);
		break;
	case MF_LIBS3_HEAD: S3_head_object(&bucket, q->key, NULL, &answered, o); break;
	case MF_LIBS3_DELETE: S3_delete_object(&bucket, q->key, NULL, &answered, o); break;
	case MF_LIBS3_LIST:
		S3_list_bucket(
		    &bucket, q->prefix, q->marker, NULL, q->max_keys, NULL, &list_handler, o);
		break;
	}
}

static void
perform(const struct mf_libs3_request *q, struct mf_libs3_result *out)
{
	struct outcome o = {S3StatusInternalError};
	const char *name;

	*out = (struct mf_libs3_result){.refusal = ""};
	mf_libs3_guard_enter(q, out);
	send_off(q, &o);
	if (mf_libs3_guard_leave())
		return;
	name = S3_get_status_name(o.status);
	(void)snprintf(
	    out->refusal, sizeof out->refusal, "%s", name != NULL ? name : "no reason given");
}

__attribute__((visibility("default"))) extern const struct mf_libs3_module mf_libs3_module;
const struct mf_libs3_module mf_libs3_module = {
    .version = MF_LIBS3_VERSION,
    .begin = mf_libs3_guard_begin,
    .perform = perform,
};
