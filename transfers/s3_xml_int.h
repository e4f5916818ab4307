/*
 * XML as S3 speaks it, read into the hands of one function: a table names the elements that
 * matter by their paths, and each is handed over with its text when it ends. The rest is passed
 * over. By expat, with what makes XML dangerous refused: a document type (so no entities of its
 * own), deep nesting, long texts, long documents. Namespaces' prefixes are ignored.
 *
 * Pure, any thread.
 */
#ifndef MF_TRANSFERS_S3_XML_INT_H
#define MF_TRANSFERS_S3_XML_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "transfers/s3_xml.h"

#define MF_XML_DOCUMENT_MAX ((size_t)32 << 20)
#define MF_XML_DEPTH_MAX 16
#define MF_XML_FIELDS_MAX 32
#define MF_XML_TEXT_MAX 8192

struct mf_xml_field {
	const char *path; /* "ListBucketResult/Contents/Key"; its first part is a root */
	int field;        /* what take is told */
};

struct mf_xml_document {
	const char *name; /* how an error calls it: "a listing" */
	const struct mf_xml_field *fields;
	size_t n_fields;
	/* The element has ended; text (n bytes and a NUL) is what stood in it, of an element
	 * with children what came behind the last of them. 0, or -1 with *e set to end it all. */
	int (*take)(void *arg, int field, const char *text, size_t n, struct mf_error *e);
	size_t text_max; /* bytes of one text; 0: MF_XML_TEXT_MAX */
	bool truncate;   /* a longer text is cut; else it is an error */
	bool secret;     /* texts are wiped from every buffer that held them */
};

/* Read n bytes; white space in front of them is fine (Amazon sends some to keep a connection
 * alive). 0; -1 with what take set, or with MF_ENOMEM, or else with MF_ETRANSFER: not well
 * formed, cut short, over a limit, or with a root that no field's path begins with. */
int mf_xml_read(const struct mf_xml_document *d, void *arg, const void *bytes, size_t n,
    struct mf_error *e);

/* -1 with MF_ETRANSFER: the answer d is read from says what it must not. */
int mf_xml_bad(const struct mf_xml_document *d, const char *why, struct mf_error *e);

/* Copy n bytes into out, cut to what it holds, with a NUL. */
void mf_xml_copy(char *out, size_t out_bytes, const char *text, size_t n);
/* A decimal number, all of it. 0, or -1. */
int mf_xml_number(const char *text, uint64_t max, uint64_t *value);
/* "true", "false". 0, or -1. */
int mf_xml_bool(const char *text, bool *value);
/* An ETag without quotes and weakness mark: moves *text and *n to what is inside. */
void mf_xml_unquote(const char **text, size_t *n);

/* Keep a copy of n bytes with a NUL. NULL, with MF_ENOMEM. */
char *mf_s3_texts_keep(struct mf_s3_texts *t, const char *text, size_t n, struct mf_error *e);
void mf_s3_texts_fini(struct mf_s3_texts *t);

/* A growing array of elements of one size. */
struct mf_xml_array {
	void *all; /* free(3) */
	size_t n;
	size_t capacity;
};

/* A copy of *element behind the others. -1 with MF_ENOMEM, or MF_ETRANSFER past
 * MF_S3_PAGE_MAX. */
int mf_xml_array_add(struct mf_xml_array *a, const void *element, size_t bytes,
    const struct mf_xml_document *d, struct mf_error *e);

/* The fields of an Error document, for tables of answers that may be one. */
enum {
	MF_XML_ERROR_CODE = 1000,
	MF_XML_ERROR_MESSAGE,
	MF_XML_ERROR_REGION,
	MF_XML_ERROR_ENDPOINT,
	MF_XML_ERROR_BUCKET,
	MF_XML_ERROR_REQUEST,
	MF_XML_ERROR,
};

#define MF_XML_ERROR_FIELDS(root)                                                             \
	{root "Error/Code", MF_XML_ERROR_CODE}, {root "Error/Message", MF_XML_ERROR_MESSAGE}, \
	    {root "Error/Region", MF_XML_ERROR_REGION},                                       \
	    {root "Error/Endpoint", MF_XML_ERROR_ENDPOINT},                                   \
	    {root "Error/BucketName", MF_XML_ERROR_BUCKET},                                   \
	    {root "Error/RequestId", MF_XML_ERROR_REQUEST},                                   \
	{                                                                                     \
		root "Error", MF_XML_ERROR                                                    \
	}

/* Take one of these fields; other fields do nothing. */
void mf_xml_take_error(struct mf_s3_error_answer *out, int field, const char *text, size_t n);

#endif
