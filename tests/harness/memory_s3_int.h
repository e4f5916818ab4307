/* What the files of the S3 server in memory share. */
#ifndef TESTS_HARNESS_MEMORY_S3_INT_H
#define TESTS_HARNESS_MEMORY_S3_INT_H

#include <pthread.h>

#include "tests/harness/http_words.h"
#include "tests/harness/memory_s3.h"
#include "tests/harness/objects.h"

#define S3_PARTS 1000
#define S3_ETAG_BYTES 64

struct s3_upload {
	struct s3_upload *next;
	unsigned id;
	char *path, *head;
	time_t begun;
	struct {
		uint8_t *bytes;
		size_t n;
		char etag[S3_ETAG_BYTES];
	} parts[S3_PARTS]; /* by number, from 1 */
};

struct memory_s3 {
	pthread_mutex_t lock; /* of all below */
	unsigned page, n_uploads;
	struct harness_object *objects;
	struct s3_upload *uploads;
};

void s3_md5(const void *bytes, size_t n, uint8_t md5[16]);
void s3_etag(const void *bytes, size_t n, char out[S3_ETAG_BYTES]);
/* Answer with that document, which is finished. */
void s3_say_xml(const struct s3_query *q, struct s3_reply *reply, struct mf_buf *body);

/* All under the lock. */
void s3_list(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
void s3_list_uploads(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
void s3_begin_upload(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
void s3_put_part(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
void s3_list_parts(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
void s3_complete_upload(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
void s3_abort_upload(struct memory_s3 *m, struct s3_query *q, struct s3_reply *reply);
void s3_forget_upload(struct s3_upload **at);

#endif
