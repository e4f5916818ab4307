/*
 * A program of the user's that prints a number or JSON, run without a shell (src/base/program.h),
 * with an end. It fails where it ends with another status than 0, says too much, or takes too
 * long.
 */
#include "config.h"

#include <string.h>

#include "src/base/program.h"
#include "src/traffic/provider_int.h"

static void
ask(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_region *r,
    struct mf_measured *out)
{
	const struct mf_metric_params *params = &mf_metric_source_of(p)->params;
	struct mf_buf text = MF_BUF_INIT;
	struct mf_error e = {0};

	*out = (struct mf_measured){.end = MF_MEASURE_ERROR};
	if (mf_program_run(&(struct mf_program){.argv = q->argv,
			       .search = true,
			       .output = &text,
			       .max_output_bytes = MF_METRIC_OUTPUT_BYTES,
			       .timeout_us = mf_metric_timeout_us(q),
			       .grace_us = 1000000,
			       .now_us = params->now_us,
			       .interrupted = params->interrupted,
			       .arg = params->arg},
		&e) != 0)
		mf_metric_set_error(out, &e);
	else
		mf_metric_set_text(out, q, "the output", text.data, text.len, r);
	mf_buf_fini(&text);
}

static int
probe(struct mf_metric_provider *p, const struct mf_metric_query *q, struct mf_error *e)
{
	(void)p;
	return mf_program_check_search(q->argv[0], e);
}

const struct mf_metric_provider_ops mf_metric_command_ops = {
    .probe = probe, .ask = ask, .close = mf_metric_close};
