/*
 * Forms: a table of the fields of a map, which says for each where it goes in a struct. One table
 * reads the map, knows which keys are nobody's, and makes the JSON Schema: so that what the
 * schema allows and what the reader reads cannot part.
 *
 * All rules that go beyond one field are the reader's own, after mf_form_read. Pure.
 */
#ifndef MF_ROLLOUT_PLAN_FORM_H
#define MF_ROLLOUT_PLAN_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/rollout/plan_int.h"

#define MF_FIELD_NOWHERE SIZE_MAX

enum mf_field_type {
	MF_FIELD_KNOWN,    /* anything; not read */
	MF_FIELD_STRING,   /* const char * */
	MF_FIELD_TEXT,     /* the same; numbers as they are written */
	MF_FIELD_BOOL,     /* bool */
	MF_FIELD_UNSIGNED, /* unsigned, min to max */
	MF_FIELD_U64,      /* uint64_t, min to max */
	MF_FIELD_NUMBER,   /* double; more: bool, whether it is there */
	MF_FIELD_WEIGHT,   /* unsigned, 0 to 100 */
	MF_FIELD_DURATION, /* uint64_t, microseconds */
	MF_FIELD_SIZE,     /* uint64_t, bytes */
	MF_FIELD_ENUM,     /* unsigned (or an enum): index in words */
	MF_FIELD_STRINGS,  /* const char *const *; more: size_t, how many */
	MF_FIELD_PAIRS,    /* const struct mf_pair *; more: size_t */
	MF_FIELD_MAP,      /* form, filled in place; more: bool, whether it is there */
	MF_FIELD_LIST,     /* an array of form's structs; more: size_t */
	MF_FIELD_NODE,     /* const struct mf_node *: form says what it may hold, others read it */
};

struct mf_form;

struct mf_field {
	const char *key;
	enum mf_field_type type;
	bool need;
	size_t at, more; /* in the struct; more: MF_FIELD_NOWHERE where it is not wanted */
	uint64_t min, max;
	const char *const *words;   /* ENUM; NODE: texts that may stand in its place */
	const struct mf_form *form; /* MAP, LIST, NODE */
	bool list;                  /* NODE: a list of such */
	const char *about;          /* for the schema: one sentence without its full stop */
};

struct mf_form {
	const char *name; /* "Call", in the schema's $defs */
	size_t bytes;     /* of the struct */
	const struct mf_field *fields;
	size_t n_fields;
};

/* Read a map into the struct at out, whose defaults are there already. */
void mf_form_read(
    struct mf_plan_reading *rd, const struct mf_form *form, const struct mf_node *map, void *out);
/* JSON Schema (draft 2020-12) of a document whose spec is this form, and of all forms in it. */
void mf_form_put_schema(struct mf_buf *b, const struct mf_form *spec);

/* The spec of kind Migration. */
extern const struct mf_form mf_form_migration;

#endif
