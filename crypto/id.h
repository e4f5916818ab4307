/*
 * Object ids and types. An id is 32 bytes and no secret; it is printed as 64 lower-case
 * hexadecimal digits. Pure functions, any thread.
 */
#ifndef MF_CRYPTO_ID_H
#define MF_CRYPTO_ID_H

#include <stdint.h>

#define MF_ID_BYTES 32
#define MF_ID_HEX_BYTES (2 * MF_ID_BYTES + 1) /* with the NUL */

struct mf_id {
	uint8_t bytes[MF_ID_BYTES];
};

/* What a sealed object is; the number stands in its header. Never renumbered. */
enum mf_object_type {
	MF_OBJECT_CHUNK = 1,
	MF_OBJECT_SEGMENT = 2,	  /* of a manifest */
	MF_OBJECT_ROOT = 3,	  /* of a manifest */
	MF_OBJECT_REF = 4,
	MF_OBJECT_ANNOTATION = 5,
	MF_OBJECT_CONDEMNED = 6,  /* list of condemned names */
	MF_OBJECT_CONTROL = 7,	  /* what a person wants of a run */
	MF_OBJECT_RECEIPT = 8,	  /* what a site pulled */
	MF_OBJECT_LEASE = 9,
	MF_OBJECT_RUN = 10,	  /* a piece of a run's journal, or its heartbeat */
	MF_OBJECT_TYPES_END
};

/* "chunk", "manifest segment", ...; "object of unknown type" for any other number. */
const char *mf_object_type_name(unsigned type);

/* 64 lower-case hexadecimal digits and a NUL. */
void mf_id_to_hex(const struct mf_id *id, char out[MF_ID_HEX_BYTES]);
/* The first 64 characters of s. 0, or -1 where they are no lower-case hexadecimal digits. */
int mf_id_from_hex(struct mf_id *id, const char *s);
/* Less than, equal to or greater than 0, in the order of the bytes. Not constant-time: ids
 * are no secrets. */
int mf_id_compare(const struct mf_id *a, const struct mf_id *b);
/* The id of an object that is not named by its content: BLAKE2b-256, unkeyed, of its name. */
void mf_object_name_id(const char *name, struct mf_id *id);

#endif
