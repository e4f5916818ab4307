/*
 * A plan: YAML documents as people have them, read and checked as one. Everything that would hang
 * or be ignored is refused by name with file, line and field before anything moves; keys that
 * nobody knows are warnings (an API server prunes them).
 *
 * The plan and all it points to live in its own region. Read-only; any thread may read it.
 */
#ifndef MF_ROLLOUT_PLAN_H
#define MF_ROLLOUT_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/rollout/canary_plan.h"
#include "src/rollout/migration_plan.h"

struct mf_rollout_plan;  /* rollout_plan.h: Argo's canary and blueGreen */
struct mf_analysis_plan; /* analysis_plan.h: Argo's AnalysisTemplate */

enum mf_plan_kind {
	MF_PLAN_CANARY,    /* flagger.app Canary */
	MF_PLAN_MIGRATION, /* ours; its analysis is `canary` or `rollout` */
	MF_PLAN_ROLLOUT,   /* argoproj.io Rollout */
	MF_PLAN_ANALYSIS,  /* an AnalysisTemplate alone: simulate only */
};

#define MF_PLAN_NOTES_MAX 64u

struct mf_plan_note {
	struct mf_plan_place place;
	const char *field; /* "spec.analysis.stepWeights[1]" */
	const char *text;
};

struct mf_plan {
	enum mf_plan_kind kind;
	enum mf_profile profile;
	enum mf_finish finish;
	const char *name, *namespace_name;
	const char *digest;                  /* hex of the documents' bytes; which plan a run ran */
	const struct mf_canary_plan *canary; /* or NULL */
	const struct mf_rollout_plan *rollout;     /* or NULL */
	const struct mf_analysis_plan *analysis;   /* or NULL */
	const struct mf_migration_plan *migration; /* or NULL */
	struct mf_plan_note warnings[MF_PLAN_NOTES_MAX];
	size_t n_warnings;
	bool bare; /* a Canary or Rollout, which the command line completed to a Migration */
	struct mf_region *region;
};

/* What completes a Canary or Rollout that stands alone to a Migration; modelferry-migrate(1). */
struct mf_plan_bare {
	const char *model, *version, *from, *to; /* NULL, all of them: traffic alone */
	const char *link;                        /* in `to`; NULL: none */
	bool has_verify_for;
	uint64_t verify_for_us;            /* rollback.verifyFor */
	const struct mf_pair *primary_args; /* analysis.primaryArgs, of a Rollout */
	size_t n_primary_args;
	const char *router; /* a short form, or the name of a file; NULL: none was given */
	/* What the file holds; NULL: it is a short form. */
	const char *router_text;
	size_t router_bytes;
};

/* Does this name a file, which is to be read, and no short form ("haproxy:...")? */
bool mf_plan_router_is_file(const char *router);

struct mf_plan_params {
	enum mf_profile profile; /* of a Canary, Rollout or AnalysisTemplate */
	bool profile_is_default; /* take each kind's own profile instead */
	enum mf_finish finish;
	bool finish_is_default; /* stay in profile migration, else copy-back */
	/* simulate in a foreign profile shows quirks that plan check refuses (stepWeight 0) */
	bool lenient;
	/* A Canary or Rollout is wanted as a Migration that can be run. NULL: it stays what it is
	 */
	const struct mf_plan_bare *bare;
	/* Gets a plan that is refused as far as it was read, for its warnings alone; mf_plan_free.
	 * NULL: nobody wants it. */
	struct mf_plan **refused;
};

/* Read the text of a plan file. file: for messages. NULL: MF_EUSAGE with the first refusal; with
 * `refusals` all of them are listed (at most MF_PLAN_NOTES_MAX), a line each. The error counts them
 * in any case. */
struct mf_plan *mf_plan_read(const char *file, const void *bytes, size_t n,
    const struct mf_plan_params *params, struct mf_buf *refusals, struct mf_error *e);
void mf_plan_free(struct mf_plan *plan);

/* What hooks take as the key of what they are asked about: it changes with the plan and with the
 * revision that the plan is run for. Hex. */
#define MF_PLAN_CHECKSUM_BYTES 65u
void mf_plan_checksum(
    const struct mf_plan *plan, const char *revision, char out[MF_PLAN_CHECKSUM_BYTES]);
/* "FILE:LINE", or FILE alone where no line is known: of JSON, and of the command line's words. */
#define MF_PLAN_PLACE_BYTES 160u
const char *mf_plan_place_text(const struct mf_plan_place *place, char out[MF_PLAN_PLACE_BYTES]);
/* What watches the primary after a way back, for as long as rollback.verifyFor says. */
enum mf_plan_way_back {
	MF_PLAN_WAY_BACK_SEEN,  /* out: the metrics that measure it */
	MF_PLAN_WAY_BACK_BLIND, /* nothing can: status 9. out: which metrics do not, and what would */
	MF_PLAN_WAY_BACK_NONE,  /* it is not asked for, or no traffic moves; out: "" */
};
#define MF_PLAN_WAY_BACK_BYTES 400u
enum mf_plan_way_back mf_plan_way_back(
    const struct mf_plan *plan, char out[MF_PLAN_WAY_BACK_BYTES]);
/* The internal plan for people, and as JSON. */
void mf_plan_put_text(struct mf_buf *b, const struct mf_plan *plan);
void mf_plan_put_json(struct mf_buf *b, const struct mf_plan *plan);
/* As JSON what is refused, lines as mf_plan_read has them, and the warnings of the same plan. */
void mf_plan_put_refused_json(
    struct mf_buf *b, const struct mf_plan *refused, const char *refusals);

#endif
