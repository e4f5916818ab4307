/* Reading a plan file: which document is the plan, which serve it, and who reads it. */
#include "src/rollout/plan.h"

#include <string.h>

#include "crypto/digest.h"
#include "src/base/hex.h"
#include "src/rollout/plan_int.h"

#define REGION_BYTES ((size_t)128 << 20)

/* What documents may be. */
struct kind_row {
	const char *group, *version, *kind;
	bool is_plan; /* else it serves one */
	enum mf_plan_kind plan;
};

static const struct kind_row kinds[] = {
    {"modelferry.dev", "v1alpha1", "Migration", true, MF_PLAN_MIGRATION},
    {"flagger.app", "v1beta1", "Canary", true, MF_PLAN_CANARY},
    {"argoproj.io", "v1alpha1", "Rollout", true, MF_PLAN_ROLLOUT},
    {"flagger.app", "v1beta1", "MetricTemplate", false, MF_PLAN_CANARY},
    {"argoproj.io", "v1alpha1", "AnalysisTemplate", false, MF_PLAN_ANALYSIS},
    {"argoproj.io", "v1alpha1", "ClusterAnalysisTemplate", false, MF_PLAN_ANALYSIS},
};

#define N_KINDS (sizeof kinds / sizeof kinds[0])

static const char *
text_at(const struct mf_node *doc, const char *key)
{
	const struct mf_node *v = mf_node_get(doc, key);

	return v != NULL && v->kind == MF_NODE_STRING ? v->text : NULL;
}

/* The row of a group and kind; its version is checked, too. NULL: it is none of ours. */
static const struct kind_row *
row_of(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	const char *version;
	size_t i;

	for (i = 0; i < N_KINDS; i++)
		if (mf_plan_document_is(doc, kinds[i].group, kinds[i].kind))
			break;
	if (i == N_KINDS)
		return NULL;
	version = strchr(text_at(doc, "apiVersion"), '/') + 1;
	if (strcmp(version, kinds[i].version) != 0)
		mf_plan_refuse(rd, mf_node_get(doc, "apiVersion"),
		    "of %s only %s/%s is known here, not %.40s", kinds[i].kind, kinds[i].group,
		    kinds[i].version, version);
	return &kinds[i];
}

/* A kind of those groups that there is not: a slip of the pen, and not a document of others. */
static bool
is_ours(const char *version, const char *kind)
{
	static const char *const others[] = {"AlertProvider", "AnalysisRun", "Experiment"};
	size_t i;

	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(kind, others[i]) == 0)
			return false;
	for (i = 0; i < N_KINDS; i++)
		if (strncmp(version, kinds[i].group, strlen(kinds[i].group)) == 0 &&
		    version[strlen(kinds[i].group)] == '/')
			return true;
	return false;
}

/* A Migration of whatever group, or a plan of none, is a slip of the pen: nobody else has those.
 * The row that is meant; NULL: it is somebody else's. */
static const struct kind_row *
meant(const char *version, const char *kind)
{
	size_t i;

	for (i = 0; i < N_KINDS; i++)
		if (kinds[i].is_plan && strcmp(kinds[i].kind, kind) == 0 &&
		    (kinds[i].plan == MF_PLAN_MIGRATION || strchr(version, '/') == NULL))
			return &kinds[i];
	return NULL;
}

/* A document that is nobody's. */
static void
stranger(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	const char *version = text_at(doc, "apiVersion"), *kind = text_at(doc, "kind");
	const struct kind_row *row;

	if (doc->kind != MF_NODE_MAP)
		mf_plan_refuse(rd, doc,
		    "a document is a map with apiVersion and kind, and not a %s",
		    mf_node_kind_name(doc->kind));
	else if (version == NULL || kind == NULL) {
		(void)mf_plan_need_string(rd, doc, "apiVersion", &version);
		(void)mf_plan_need_string(rd, doc, "kind", &kind);
	} else if ((row = meant(version, kind)) != NULL)
		mf_plan_refuse(rd, mf_node_get(doc, "apiVersion"),
		    "a %s has the apiVersion %s/%s here", kind, row->group, row->version);
	else if (strcmp(kind, "List") == 0)
		mf_plan_refuse(rd, doc, "a List is not taken apart: write its items as documents");
	else if (is_ours(version, kind))
		mf_plan_refuse(
		    rd, mf_node_get(doc, "kind"), "%.64s has no kind %.64s", version, kind);
	else
		mf_plan_warn(rd, doc, "a %.64s is not read", kind);
}

/* Does this Migration take its analysis from that document? */
static bool
refers_to(const struct mf_node *migration, const struct kind_row *row, const struct mf_node *doc)
{
	const char *key =
	    row->plan == MF_PLAN_CANARY ? "spec.analysis.canaryRef" : "spec.analysis.rolloutRef";
	const char *wanted = text_at(mf_node_find(migration, key), "name");
	const char *is = text_at(mf_node_get(doc, "metadata"), "name");

	return wanted != NULL && is != NULL && strcmp(wanted, is) == 0;
}

/* The documents by what they are. */
struct sorted {
	const struct mf_node *plan;
	const struct kind_row *row; /* of the plan */
	const struct mf_node *analysis;
	size_t n_analyses;
};

static void
take_plan(struct mf_plan_reading *rd, struct sorted *s, const struct kind_row *row,
    const struct mf_node *doc)
{
	if (s->plan == NULL ||
	    (row->plan == MF_PLAN_MIGRATION && s->row->plan != MF_PLAN_MIGRATION &&
		refers_to(doc, s->row, s->plan))) {
		s->plan = doc;
		s->row = row;
	} else if (s->row->plan != MF_PLAN_MIGRATION || !refers_to(s->plan, row, doc)) {
		mf_plan_refuse(rd, doc,
		    "this %s is a second plan beside the %s of line %u: a file holds one",
		    row->kind, s->row->kind, s->plan->line);
	}
}

static void
sort_documents(struct mf_plan_reading *rd, struct sorted *s)
{
	const struct mf_node *doc;
	const struct kind_row *row;
	size_t i;

	for (i = 0; i < rd->docs->n; i++) {
		doc = rd->docs->roots[i];
		row = row_of(rd, doc);
		if (row == NULL) {
			stranger(rd, doc);
			rd->used[i] = true;
		} else if (row->is_plan) {
			take_plan(rd, s, row, doc);
			rd->used[i] = true;
		} else if (row->plan == MF_PLAN_ANALYSIS) {
			s->analysis = doc;
			s->n_analyses++;
		}
	}
}

/* An AnalysisTemplate alone is a plan for simulate. */
static void
settle_plan(struct mf_plan_reading *rd, struct sorted *s)
{
	static const struct kind_row analysis = {
	    .kind = "AnalysisTemplate", .plan = MF_PLAN_ANALYSIS};

	if (s->plan != NULL || rd->n_refusals > 0)
		return;
	if (s->n_analyses == 1) {
		s->plan = s->analysis;
		s->row = &analysis;
		mf_plan_document_used(rd, s->analysis);
	} else if (rd->docs->n == 0) {
		mf_plan_refuse(rd, NULL, "the file holds no document");
	} else {
		mf_plan_refuse(rd, NULL,
		    "the file holds no plan: a Migration, a Canary or a Rollout is wanted beside "
		    "its "
		    "templates");
	}
}

static void
read_names(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	const struct mf_node *metadata = mf_plan_need_map(rd, doc, "metadata");

	if (metadata == NULL)
		return;
	mf_plan_need_string(rd, metadata, "name", &rd->plan->name);
	mf_plan_string(rd, metadata, "namespace", &rd->plan->namespace_name);
}

static enum mf_profile
profile_of(const struct mf_plan_params *p, enum mf_plan_kind kind)
{
	if (kind == MF_PLAN_MIGRATION)
		return MF_PROFILE_MIGRATION;
	if (!p->profile_is_default)
		return p->profile;
	return kind == MF_PLAN_CANARY ? MF_PROFILE_FLAGGER : MF_PROFILE_ARGO;
}

static void
read_kind(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	struct mf_plan *plan = rd->plan;

	switch (plan->kind) {
	case MF_PLAN_CANARY: plan->canary = mf_plan_read_canary(rd, doc); break;
	case MF_PLAN_MIGRATION: plan->migration = mf_plan_read_migration(rd, doc); break;
	case MF_PLAN_ROLLOUT: plan->rollout = mf_plan_read_rollout(rd, doc); break;
	case MF_PLAN_ANALYSIS: plan->analysis = mf_plan_read_analysis(rd, doc); break;
	}
}

static void
warn_of_unused(struct mf_plan_reading *rd)
{
	size_t i;

	for (i = 0; i < rd->docs->n; i++)
		if (!rd->used[i])
			mf_plan_warn(rd, rd->docs->roots[i],
			    "the plan does not refer to this %.64s",
			    text_at(rd->docs->roots[i], "kind"));
}

static void
refuse_words(struct mf_plan_reading *rd, const struct mf_node *doc)
{
	const struct mf_plan_bare *b = rd->params->bare;

	if (b->model != NULL || b->from != NULL || b->to != NULL || b->router != NULL ||
	    b->has_verify_for || b->n_primary_args > 0)
		mf_plan_refuse(rd, doc,
		    "--model, --from, --to, --router, --verify-for and --primary-arg complete a "
		    "Canary or a Rollout that stands alone: this plan says all of it itself");
}

/* A Canary or Rollout becomes what it is to be run as. */
static void
complete(struct mf_plan_reading *rd, struct sorted *s)
{
	const enum mf_plan_kind kind = s->row->plan;

	if (rd->params->bare == NULL)
		return;
	if (kind != MF_PLAN_CANARY && kind != MF_PLAN_ROLLOUT) {
		refuse_words(rd, s->plan);
		return;
	}
	read_names(rd, s->plan);
	s->plan = rd->plan->name == NULL ? NULL : mf_plan_complete(rd, s->plan, kind);
	s->row = &kinds[0];
	rd->plan->bare = true;
}

static void
read_plan(struct mf_plan_reading *rd)
{
	struct mf_plan *plan = rd->plan;
	struct sorted s = {0};

	sort_documents(rd, &s);
	settle_plan(rd, &s);
	if (s.plan != NULL)
		complete(rd, &s);
	if (s.plan == NULL)
		return;
	plan->kind = s.row->plan;
	plan->profile = profile_of(rd->params, plan->kind);
	plan->finish = !rd->params->finish_is_default          ? rd->params->finish
		       : plan->profile == MF_PROFILE_MIGRATION ? MF_FINISH_STAY
							       : MF_FINISH_COPY_BACK;
	plan->namespace_name = "default";
	read_names(rd, s.plan);
	read_kind(rd, s.plan);
	warn_of_unused(rd);
}

static int
digest(struct mf_plan *plan, const void *bytes, size_t n, struct mf_error *e)
{
	uint8_t sum[MF_SHA256_BYTES];
	char *hex = mf_region_alloc(plan->region, MF_SHA256_HEX_BYTES, e);

	if (hex == NULL)
		return -1;
	mf_sha256(bytes, n, sum);
	mf_hex_encode(hex, sum, sizeof sum);
	plan->digest = hex;
	return 0;
}

void
mf_plan_checksum(const struct mf_plan *plan, const char *revision, char out[MF_PLAN_CHECKSUM_BYTES])
{
	uint8_t sums[2][MF_SHA256_BYTES], sum[MF_SHA256_BYTES];

	/* of digests: where one ends and the other begins is no question */
	mf_sha256(plan->digest, strlen(plan->digest), sums[0]);
	mf_sha256(revision, strlen(revision), sums[1]);
	mf_sha256(sums, sizeof sums, sum);
	mf_hex_encode(out, sum, sizeof sum);
}

/* The end of a reading: 0, or -1 with the first refusal, which counts the others. */
static int
verdict(const struct mf_plan_reading *rd, struct mf_error *e)
{
	if (rd->no_memory)
		return -1;
	if (rd->n_refusals == 0)
		return 0;
	if (rd->n_refusals > 1)
		mf_error_while(
		    e, "reading the plan, which is refused for %u reasons", rd->n_refusals);
	return mf_error_hint(e,
	    "modelferry-plan(5) says what each field means; `plan check` lists all that is "
	    "refused");
}

struct mf_plan *
mf_plan_read(const char *file, const void *bytes, size_t n, const struct mf_plan_params *params,
    struct mf_buf *refusals, struct mf_error *e)
{
	struct mf_region_params rp = {
	    .plain_bytes = REGION_BYTES, .what = "a plan", .reserve_bytes = 2 * REGION_BYTES};
	struct mf_documents docs = {0};
	struct mf_error unused = {0};
	struct mf_region *region;
	struct mf_plan_reading rd = {.params = params, .docs = &docs, .refusals = refusals};

	rd.first = e != NULL ? e : &unused;
	if (mf_region_new(&rp, &region, e) != 0)
		return NULL;
	rd.region = region;
	rd.plan = mf_region_alloc(region, sizeof *rd.plan, e);
	if (rd.plan == NULL)
		goto fail;
	rd.plan->region = region;
	if (digest(rd.plan, bytes, n, e) != 0)
		goto fail;
	if (mf_documents_read(&docs, file, bytes, n, region, e) != 0) {
		if (refusals != NULL && rd.first->code == MF_EUSAGE)
			mf_buf_printf(refusals, "%s\n", rd.first->message);
		goto fail;
	}
	read_plan(&rd);
	if (verdict(&rd, rd.first) == 0)
		return rd.plan;
	if (!rd.no_memory && params->refused != NULL) {
		*params->refused = rd.plan;
		return NULL;
	}
fail:
	mf_region_free(region);
	return NULL;
}

void
mf_plan_free(struct mf_plan *plan)
{
	if (plan != NULL)
		mf_region_free(plan->region);
}
