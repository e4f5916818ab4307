/* What the files of the bucket's tree share. */
#ifndef MF_TRANSFERS_TREE_S3_INT_H
#define MF_TRANSFERS_TREE_S3_INT_H

#include <pthread.h>

#include "crypto/digest.h"
#include "transfers/s3_int.h"
#include "transfers/tree_int.h"
#include "transfers/tree_s3.h"

#define S3_TREE_MTIME_BYTES 32
#define S3_TREE_MD5_BYTES 25 /* in base64, with the NUL */
#define S3_TREE_PART_BYTES_CHARS 24 /* in decimal, with the NUL */
#define S3_TREE_PARTS_AT_ONCE_MAX 64

#define S3_TREE_SPARES 16

struct s3_tree_spare {
	void *bytes;
	size_t n;
};

/* What the dialects call things. */
struct s3_tree_words {
	const char *meta;  /* "x-amz-meta-", in front of the names of metadata */
	const char *mtime; /* with meta in front, as all below */
	const char *md5;
	const char *part_bytes; /* NULL: no ETag is made of the MD5s of parts */
	/* Where the mtime is RFC 3339's, the one in whole seconds beside it; NULL: the mtime is in
	 * decimal seconds, and alone. */
	const char *mtime_s;
	const char *directive; /* whether a copy's metadata are new ones */
	const char *copy_source, *copy_source_match;
	const char *copy_range;   /* NULL: no part is made of another object */
	const char *copy_slash;   /* in front of the source's bucket: "/" or "" */
	uint64_t copy_bytes_max;  /* of what is copied in one request; 0: no limit */
	const char *stored_bytes; /* header: how long the object is, whatever is sent; NULL: none */
	const char *storage_class;
	struct mf_s3_header as_stored; /* asks for the object as it lies there; name NULL: none */
	bool batches;                  /* deletes several objects in one request */
};

struct s3_tree {
	struct mf_tree tree;
	struct s3_store *s; /* owned: client, prefix, label, headers of puts */
	const struct s3_tree_words *words;
	struct mf_tree_s3_params p;
	const struct mf_tree_memory *memory; /* of uploads; NULL: none */
	atomic_bool no_md5;   /* ETags are none: an answer spoke of keys */
	atomic_bool no_parts; /* those of what is put in parts are not made of the parts' MD5s */
	atomic_bool knows_part; /* a part's ETag was compared with its MD5 */
	atomic_bool no_batch; /* the store cannot delete several at once */

	pthread_mutex_t lock; /* of all below; held for no I/O */
	pthread_cond_t freed;
	uint64_t used_bytes, spare_bytes; /* of p.memory_bytes */
	struct s3_tree_spare spares[S3_TREE_SPARES];
	unsigned n_spares;
};

static inline struct s3_tree *
s3_tree_of(struct mf_tree *t)
{
	return (struct s3_tree *)t;
}

extern const struct mf_tree_ops s3_tree_ops;

/* The key of a path into out. 0, or -1 where it is longer than a key can be. */
int s3_tree_key(
    const struct s3_tree *t, const char *path, char out[MF_S3_KEY_BYTES], struct mf_error *e);
int s3_tree_check_write(const struct s3_tree *t, struct mf_error *e);
/* One request, tried again as p.retry says. answer as mf_s3_client_call has it. */
int s3_tree_call(struct s3_tree *t, const struct mf_s3_call *call, struct mf_s3_answer *answer,
    struct mf_error *e);
/* An Error document that came with 200: -1 with *e set. path may be NULL. */
int s3_tree_refused(const struct s3_tree *t, const char *doing, const char *path,
    const struct mf_s3_error_answer *answer, struct mf_error *e);
/* The same, and the CRC-32C that the store tells of it, in base64, "" where it tells none. */
int s3_tree_look_sum(struct s3_tree *t, const char *path, struct mf_tree_entry *out,
    char sum[S3_SUM_CHARS + 1], struct mf_error *e);
int s3_tree_look(
    struct mf_tree *t, const char *path, struct mf_tree_entry *out, struct mf_error *e);

/* tree_s3_headers.c */

const struct s3_tree_words *s3_tree_words_of(const struct mf_s3_dialect *d);

/* From an answer of the store: are its ETags no MD5s, because of keys? Then t->no_md5 says so. */
void s3_tree_note_keys(struct s3_tree *t, const struct mf_http_response *r);
/* What the headers of an answer say of an object: tag, MD5, mtime, time stored; size is not. */
void s3_tree_read_headers(
    struct s3_tree *t, const struct mf_http_response *r, struct mf_tree_entry *out);
/* How long the object is, as it lies there. -1: the answer does not say. */
int64_t s3_tree_read_size(const struct s3_tree *t, const struct mf_http_response *r);

/* The metadata that say an mtime. They point into here, which must not move. */
#define S3_TREE_MTIMES_MAX 2

struct s3_tree_mtimes {
	struct mf_s3_header headers[S3_TREE_MTIMES_MAX];
	size_t n;
	char texts[S3_TREE_MTIMES_MAX][S3_TREE_MTIME_BYTES];
};

void s3_tree_print_mtimes(const struct s3_tree *t, int64_t ns, struct s3_tree_mtimes *out);

/* Headers of a put: the store's, mtime, MD5 and the body's checksum. The same. */
#define S3_TREE_HEADERS_MAX (MF_S3_PUT_HEADERS_MAX + S3_TREE_MTIMES_MAX + 2)

struct s3_tree_headers {
	struct mf_s3_header headers[S3_TREE_HEADERS_MAX];
	size_t n;
	struct s3_tree_mtimes mtimes;
	char md5[S3_TREE_MD5_BYTES];
	char sum[MF_S3_SUM_BYTES];
};

/* md5 may be NULL. */
void s3_tree_put_headers(
    const struct s3_tree *t, int64_t mtime_ns, const uint8_t *md5, struct s3_tree_headers *out);
/* What the store is to check this body by, where it does that. The sum. */
uint32_t s3_tree_add_sum(
    const struct s3_tree *t, const void *bytes, size_t n, struct s3_tree_headers *out);
/* Did the store get what was sent, by the checksum of its answer? 0, or -1: it may go again. */
int s3_tree_check_sum(const struct s3_tree *t, const char *path, const struct mf_http_response *r,
    const void *bytes, size_t n, struct mf_error *e);

/* tree_s3_text.c: pure */

/* "1500000000.123456789", without zeros at the end; "-0.5" before 1970. */
void s3_tree_print_mtime(int64_t ns, char out[S3_TREE_MTIME_BYTES]);
/* The same, with any number of decimals, of which nine count. 0; -1: that is none, or does not fit
 * 64 bits. */
int s3_tree_parse_mtime(const char *text, int64_t *ns);
/* "2017-07-14T02:40:00.123456789Z" (RFC 3339), without zeros at the end of the decimals. */
void s3_tree_print_rfc3339(int64_t ns, char out[S3_TREE_MTIME_BYTES]);
/* The same, in any zone, with any number of decimals. 0; -1 as above. */
int s3_tree_parse_rfc3339(const char *text, int64_t *ns);
void s3_tree_print_md5(const uint8_t md5[MF_TREE_MD5_BYTES], char out[S3_TREE_MD5_BYTES]);
int s3_tree_parse_md5(const char *base64, uint8_t md5[MF_TREE_MD5_BYTES]);
/* An ETag, with its quotes or without, into tag: cut where it is too long. */
void s3_tree_copy_tag(const char *etag, char tag[MF_TREE_TAG_BYTES]);
/* 32 hexadecimal digits? */
bool s3_tree_tag_is_md5(const char *tag, uint8_t md5[MF_TREE_MD5_BYTES]);
/* The same, with '-' and a number of parts behind: 1 to MF_S3_PARTS_MAX. */
bool s3_tree_tag_is_parts(const char *tag, uint8_t md5[MF_TREE_MD5_BYTES], uint64_t *n_parts);

/* tree_s3_list.c */
int s3_tree_list(
    struct mf_tree *t, const char *dir, struct mf_tree_cursor **out, struct mf_error *e);
int s3_tree_next(struct mf_tree_cursor *c, struct mf_tree_entry *entry, struct mf_error *e);
void s3_tree_cursor_close(struct mf_tree_cursor *c);

/* tree_s3_get.c */
int s3_tree_get(struct mf_tree *t, const struct mf_tree_entry *entry, mf_tree_sink *sink, void *arg,
    struct mf_error *e);
int s3_tree_source_open(struct mf_tree *t, const struct mf_tree_entry *entry,
    struct mf_tree_source *out, struct mf_error *e);
void s3_tree_source_close(struct mf_tree *t, struct mf_tree_source *source);

/* Bytes at to end of an object. */
struct s3_tree_range {
	uint64_t at, end;
	mf_tree_sink *sink; /* gets each byte once */
	void *arg;
};

/* As it is under entry->tag, and going on where it broke off. Nothing is compared. */
int s3_tree_get_range(struct s3_tree *t, const struct mf_tree_entry *entry, const char *key,
    const struct s3_tree_range *range, struct mf_error *e);
/* Has it an MD5? An ETag that was taken for one, of an object that turns out to be encrypted, is
 * none. */
bool s3_tree_is_md5(struct s3_tree *t, const struct mf_tree_entry *entry);
/* No MD5 could be begun: 0 where the system's policy forbids MD5, so that nothing is compared with
 * one; else -1 with *e set to why. */
int s3_tree_without_md5(
    const struct s3_tree *t, const char *path, const struct mf_error *why, struct mf_error *e);
/* -1 with *e set: what came is not what its `by`, or the ETag of its parts, says. */
int s3_tree_damaged(const struct s3_tree *t, const char *path, const char *by, struct mf_error *e);
int s3_tree_damaged_parts(const struct s3_tree *t, const char *path, struct mf_error *e);
int s3_tree_is_another(const struct s3_tree *t, const char *path, struct mf_error *e);

/* tree_s3_spread.c: as read_spread of struct mf_tree_source has it */
int s3_tree_get_spread(struct s3_tree *t, const struct mf_tree_entry *entry, const char *key,
    const struct mf_tree_pieces *to, struct mf_error *e);

/* tree_s3_put.c */
int s3_tree_put(struct mf_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e);
/* What is known of an object because it was just put. */
void s3_tree_set_stored(struct mf_tree_entry *stored, const struct mf_tree_source *source);

/* tree_s3_memory.c */
/* n bytes within the tree's memory, waited for; more than there are: all of them. NULL, or
 * s3_tree_give_memory with the same n. */
void *s3_tree_take_memory(struct s3_tree *t, size_t n, struct mf_error *e);
void s3_tree_give_memory(struct s3_tree *t, void *bytes, size_t n);
void s3_tree_drop_memory(struct s3_tree *t); /* what is kept; for the end */

/* tree_s3_parts.c */

/* An object that is made in parts, wherever they come from. */
struct s3_tree_upload {
	struct s3_tree *tree;
	const char *path, *key;
	const struct mf_s3_header *headers; /* of the object */
	size_t n_headers;
	uint64_t size, part_bytes;
	int64_t mtime_ns; /* that the headers say */
	/* Make the part, from byte `at` on, and tell its ETag. Called by several threads at once,
	 * perhaps when crew was cancelled. 0, -1. */
	int (*send)(
	    struct s3_tree_upload *u, struct mf_s3_part *part, uint64_t at, struct mf_error *e);
	int (*still)(void *arg, struct mf_error *e); /* before it becomes visible; may be NULL */
	void *arg;
	const struct mf_tree_memory *memory; /* where it is remembered; NULL: nowhere */

	bool has_bodies; /* parts are sent from here, and may have checksums */

	/* the upload's own */
	bool summed;     /* and have them */
	bool told_parts; /* the object's metadata say how large they are, or may */
	char id[MF_S3_UPLOAD_ID_BYTES];
	bool remembered, resumed;
	size_t n_parts;
	/* Each written by the thread that sends it; before, with an ETag: what the store has. */
	struct mf_s3_part *parts;
	uint32_t *sums;           /* the same: CRC-32C, where the store tells them; else NULL */
	atomic_size_t next;
	struct mf_crew *crew;
	char etag[MF_S3_ETAG_BYTES]; /* of the whole, "" where the store does not tell */
	atomic_bool gone;            /* the store knows the upload no more */
	struct mf_error why;         /* a completion will never do */
};

/* Carry it out. Whatever goes wrong, it is aborted or remembered for another time, and nothing was
 * ever visible. 0 and u->etag; -1. */
int s3_tree_upload(struct s3_tree_upload *u, struct mf_error *e);
/* As large as 10,000 of them need to be, in whole MiB; least at least. */
uint64_t s3_tree_part_bytes(uint64_t size, uint64_t least);
int s3_tree_put_parts(struct s3_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e);
/* Remove an upload that was begun, also when nobody wants anything any more. One that is not there
 * is fine. */
int s3_tree_abort(struct s3_tree *t, const char *key, const char *id, struct mf_error *e);

/* tree_s3_composite.c: by what an object that was made in parts is known again */

#define S3_TREE_PART_BYTES_MAX ((uint64_t)5 << 30)

/* After everything else that the answer says of *out, with its size. */
void s3_tree_read_parts(
    const struct s3_tree *t, const struct mf_http_response *r, struct mf_tree_entry *out);
/* The header that tells how large its parts are, with its value in text; u->told_parts says
 * whether there is one. */
struct mf_s3_header s3_tree_tell_parts(
    struct s3_tree_upload *u, char text[S3_TREE_PART_BYTES_CHARS]);
/* What the store says of a part that it got: is that its MD5? Asked once. */
void s3_tree_learn_part(struct s3_tree *t, const struct mf_s3_part *part, const void *bytes);
/* The ETag of an object of these parts: the MD5 of their MD5s, and their number. false: they have
 * none. */
bool s3_tree_composite_tag(const struct s3_tree_upload *u, char out[MF_TREE_TAG_BYTES]);
/* It is complete. Where its ETag turns out to be something else, the object's metadata are to say
 * nothing of parts: it could not be read again. u->etag is "" where it is another object then. */
void s3_tree_check_told(struct s3_tree_upload *u);

/* tree_s3_resume.c: from one run to the next */

/* Go on with what is remembered of this file: u->id, and in u->parts what the store has of it. 0;
 * 1: there is nothing like it, or no more; -1. */
int s3_tree_resume(struct s3_tree_upload *u, struct mf_error *e);
/* It was begun. */
void s3_tree_remember_upload(struct s3_tree_upload *u);
/* Was this part, which the store has, made of these bytes? */
bool s3_tree_has_part(
    const struct s3_tree_upload *u, const struct mf_s3_part *part, const void *bytes);
/* It has arrived. */
void s3_tree_remember_part(
    const struct s3_tree_upload *u, const struct mf_s3_part *part, const void *bytes);
/* It has ended: why is NULL where it was completed. What is of no more use goes from the store and
 * the memory. */
void s3_tree_end_upload(struct s3_tree_upload *u, const struct mf_error *why);
void s3_tree_remember(struct mf_tree *t, const struct mf_tree_memory *memory);
int s3_tree_abandon(struct mf_tree *t, const char *path, const char *id, struct mf_error *e);

/* tree_s3_sweep.c */
int s3_tree_sweep(struct mf_tree *t, uint64_t min_age_us, struct mf_error *e);

/* tree_s3_copy_parts.c: make an object in parts of another one, as it is under entry->tag. headers
 * are all that it is to have. 0; 1: the store cannot, and nothing was done; -1. */
struct s3_tree_part_copy {
	struct s3_tree *from;
	const struct mf_tree_entry *entry; /* of from */
	const char *source;                /* as the header says it */
	const struct mf_s3_header *headers;
	size_t n_headers;
	int64_t mtime_ns; /* that the headers say */
};

int s3_tree_copy_parts(struct s3_tree *t, const char *path, const char *key,
    const struct s3_tree_part_copy *c, struct mf_error *e);

/* tree_s3_copy.c */
int s3_tree_copy(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e);
int s3_tree_move(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e);
int s3_tree_touch(
    struct mf_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e);
/* The same; its metadata tell nothing of parts any more. */
int s3_tree_untell_parts(
    struct s3_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e);

/* tree_s3_del.c */
int s3_tree_del(struct mf_tree *t, const char *const *paths, size_t n,
    void (*failed)(void *arg, const char *path, const struct mf_error *why), void *arg,
    struct mf_error *e);

#endif
