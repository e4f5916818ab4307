/*
 * Reading plans, for the readers of this room: what they share, and typed fields.
 *
 * A reader goes through a document once, takes what it knows, and refuses what it must with
 * "FILE:LINE: FIELD: why". A refusal does not end the reading: all of them are found in one go,
 * and mf_plan_read fails at its end where there was one. So the functions below return nothing to
 * check but "is there a value": where a field is absent or was refused, *out stays as it was (set
 * the default first). Out of memory is sticky, too.
 *
 * All that is handed out lies in the plan's region. Pure but for memory; one thread at a time.
 */
#ifndef MF_ROLLOUT_PLAN_INT_H
#define MF_ROLLOUT_PLAN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/rollout/document.h"
#include "src/rollout/plan.h"

#define MF_PLAN_TEXT_MAX ((size_t)64 << 10) /* one text of a plan */
#define MF_PLAN_LIST_MAX 512u               /* items of one list, where nothing is said */

struct mf_metrics_for; /* plan_stanza.h */

struct mf_plan_reading {
	struct mf_region *region;
	const struct mf_plan_params *params;
	struct mf_plan *plan; /* being filled; warnings go here */
	const struct mf_documents *docs;
	/* A Migration's analysis.primaryArgs, while its Rollout is read. */
	const struct mf_pair *primary_args;
	size_t n_primary_args;
	uint64_t primary_args_used;     /* bits: some analysis has it */
	/* While a Migration's Canary is read: whose series its built-in metrics read, and what they
	 * call the two sides; a provider that the Canary names itself goes before. NULL: it stands
	 * alone. */
	const struct mf_metrics_for *series;
	const struct mf_node *composed; /* of the command line's words; NULL: there is none */
	bool traffic_only;              /* these name no data */
	bool used[MF_DOCUMENTS_MAX];    /* which documents anybody asked for */
	struct mf_buf *refusals;        /* a line each; NULL: the first is enough */
	unsigned n_refusals;
	struct mf_error *first; /* the first refusal, or out of memory */
	bool no_memory;
};

/* What is wrong with a node, and where. Values that may be secret (URLs) are not quoted. */
void mf_plan_refuse(struct mf_plan_reading *rd, const struct mf_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of a key that is missing (or that its map cannot have). */
void mf_plan_refuse_key(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void mf_plan_warn(struct mf_plan_reading *rd, const struct mf_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A refusal of mf_error of some other reader (a query, a condition, a URL). */
void mf_plan_refuse_error(
    struct mf_plan_reading *rd, const struct mf_node *at, const struct mf_error *why);
struct mf_plan_place mf_plan_place_of(const struct mf_plan_reading *rd, const struct mf_node *at);

/* Zeroed memory, a copy of a text; NULL: out of memory, which rd remembers. */
void *mf_plan_alloc(struct mf_plan_reading *rd, size_t n, size_t bytes);
const char *mf_plan_copy(struct mf_plan_reading *rd, const char *text, size_t bytes);
/* What b holds, which is freed, as a text of the plan. NULL as mf_plan_alloc, also where b failed. */
const char *mf_plan_take(struct mf_plan_reading *rd, struct mf_buf *b);
const char *mf_plan_format(struct mf_plan_reading *rd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Typed fields of a map. map NULL: all is absent. null counts as absent. True: *out was set.
 */
bool mf_plan_string(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, const char **out);
/* The same, required and not empty: absent is refused. */
bool mf_plan_need_string(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, const char **out);
/* A number or boolean is taken as it is written, too: a version `1.10` is "1.10". */
bool mf_plan_text(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, const char **out);
bool mf_plan_bool(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, bool *out);
/* A whole number, 10 or 10.0; a fraction is refused, and what lies outside the range. */
bool mf_plan_whole(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    int64_t min, int64_t max, int64_t *out);
bool mf_plan_unsigned(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    unsigned min, unsigned max, unsigned *out);
/* The same, also written as text ("5"): Kubernetes' IntOrString. */
bool mf_plan_int_or_string(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    int64_t min, int64_t max, int64_t *out);
/* A finite number. */
bool mf_plan_number(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, double *out);
/* 0..100, whole. */
bool mf_plan_weight(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, unsigned *out);
/* Of one node, which may be an item of a list. */
bool mf_plan_weight_of(struct mf_plan_reading *rd, const struct mf_node *node, unsigned *out);
/* "90s", "5m", "1h30m"; a bare number, or text of one ("30"), is seconds. Microseconds. */
bool mf_plan_duration(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *out);
/* "64MiB", "1.5G"; a bare number is bytes. */
bool mf_plan_size(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, uint64_t *out);
/* One of words, which end with NULL; *out: its index. */
bool mf_plan_enum(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    const char *const *words, unsigned *out);
/* A list; NULL where absent, refused, or empty. At most max items (0: MF_PLAN_LIST_MAX). */
const struct mf_node *mf_plan_list(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key, size_t max);
/* A list of texts, ending with NULL. */
bool mf_plan_strings(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    const char *const **out, size_t *n);
/* A map; NULL where absent or refused. An empty map counts. */
const struct mf_node *mf_plan_map(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key);
/* The same, required: absent and null are refused. */
const struct mf_node *mf_plan_need_map(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *key);
/* A map of texts (numbers and booleans as they are written). */
bool mf_plan_pairs(struct mf_plan_reading *rd, const struct mf_node *map, const char *key,
    const struct mf_pair **out, size_t *n);

/* Does it stand in a Migration, where nothing may be ignored? */
bool mf_plan_is_strict(const struct mf_node *node);
/* A field that nobody reads: refused in a Migration, else a warning. */
void mf_plan_stranger(struct mf_plan_reading *rd, const struct mf_node *field);
/* The same of each key of the map that is not among these, which end with NULL. */
void mf_plan_known_keys(
    struct mf_plan_reading *rd, const struct mf_node *map, const char *const *keys);
/* The Migration that the command line makes of a Canary or Rollout, in plan_bare.c. NULL: refused.
 */
const struct mf_node *mf_plan_complete(
    struct mf_plan_reading *rd, const struct mf_node *doc, enum mf_plan_kind kind);
/* The map is one, or it is refused ("a map is wanted, not a list"). */
bool mf_plan_is_map(struct mf_plan_reading *rd, const struct mf_node *node);

/*
 * The documents of the file.
 */
/* apiVersion is GROUP/..., kind, metadata.name; a namespace on both sides must agree. NULL: none
 * such. The document counts as used from now on. */
const struct mf_node *mf_plan_document(struct mf_plan_reading *rd, const char *group,
    const char *kind, const char *name, const char *namespace_name);
void mf_plan_document_used(struct mf_plan_reading *rd, const struct mf_node *doc);
bool mf_plan_document_is(const struct mf_node *doc, const char *group, const char *kind);

/*
 * The readers of documents. Each fills what it makes; NULL: refused, or out of memory. The first
 * two are in plan_canary.c and plan_migration.c, the others in plan_rollout.c, plan_analysis.c.
 */
const struct mf_canary_plan *mf_plan_read_canary(
    struct mf_plan_reading *rd, const struct mf_node *doc);
const struct mf_migration_plan *mf_plan_read_migration(
    struct mf_plan_reading *rd, const struct mf_node *doc);
const struct mf_rollout_plan *mf_plan_read_rollout(
    struct mf_plan_reading *rd, const struct mf_node *doc);
/* An AnalysisTemplate or ClusterAnalysisTemplate that stands alone. */
const struct mf_analysis_plan *mf_plan_read_analysis(
    struct mf_plan_reading *rd, const struct mf_node *doc);

#endif
