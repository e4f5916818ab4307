/* What a run's compare found, in its report: also where that was within what the plan allows. */
#include <stdio.h>

#include "src/cmd/migrate.h"
#include "src/cmd/output.h"

static const char *
place_of(const struct mf_replay_difference *d)
{
	return d->path[0] == '\0' ? "the answer" : d->path;
}

void
mf_cmd_put_compared(FILE *out, const struct mf_replay_agreement *a)
{
	const unsigned long long all = a->compared + a->failed;
	size_t i;

	if (all == 0)
		return;
	fprintf(out, "compare: %llu of %llu answers agree\n", (unsigned long long)a->agreed, all);
	for (i = 0; i < a->n_worst; i++) {
		fprintf(out, "compare: line %u: ", a->worst[i].line);
		mf_output_name(out, place_of(&a->worst[i]));
		fprintf(out, " is ");
		mf_output_name(out, a->worst[i].left);
		fprintf(out, " and ");
		mf_output_name(out, a->worst[i].right);
		fputc('\n', out);
	}
}

static json_t *
difference_json(const struct mf_replay_difference *d)
{
	json_t *o = json_pack("{s:i}", "line", (int)d->line);

	if (o != NULL && mf_output_set_name(o, "path", d->path) == 0 &&
	    mf_output_set_name(o, "source", d->left) == 0 &&
	    mf_output_set_name(o, "destination", d->right) == 0)
		return o;
	json_decref(o);
	return NULL;
}

json_t *
mf_cmd_compared_json(const struct mf_replay_agreement *a)
{
	json_t *worst = json_array();
	size_t i;

	if (a->compared + a->failed == 0) {
		json_decref(worst);
		return json_null();
	}
	for (i = 0; worst != NULL && i < a->n_worst; i++)
		if (json_array_append_new(worst, difference_json(&a->worst[i])) != 0) {
			json_decref(worst);
			return NULL;
		}
	return json_pack("{s:I, s:I, s:I, s:o}", "compared", (json_int_t)a->compared, "agreed",
	    (json_int_t)a->agreed, "failed", (json_int_t)a->failed, "worst", worst);
}
