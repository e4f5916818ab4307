/* The run as it is now, on the terminal of the process that runs it: drawn by the meter. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/units.h"
#include "src/cmd/migrate.h"
#include "src/cmd/progress.h"
#include "src/cmd/view_text.h"

struct mf_live {
	struct mf_cmd *c;
	pthread_mutex_t lock; /* of the view: the run writes it, the meter's thread reads it */
	struct mf_migrate_view view;
	char name[200];
};

/* Is data under way, so that there is a rate to be seen? */
static bool
carries(const struct mf_migrate_view *v)
{
	return strcmp(v->stage, mf_migrate_stage_name(MF_STAGE_PUSH)) == 0 ||
	       strcmp(v->stage, mf_migrate_stage_name(MF_STAGE_DELIVER)) == 0;
}

static void
put_title(const struct mf_live *l, const struct mf_meter_frame *frame, char *out, size_t bytes)
{
	const struct mf_migrate_view *v = &l->view;
	char took[MF_UNIT_TEXT_BYTES];

	(void)mf_format_duration((uint64_t)frame->elapsed_us / 1000000 * 1000000, took);
	if (v->version[0] == '\0')
		(void)snprintf(out, bytes, "%s: %s so far", l->name, took);
	else if (v->phase[0] == '\0')
		(void)snprintf(out, bytes, "%s: %s -> %s, %s so far", l->name,
		    v->previous[0] == '\0' ? "nothing" : v->previous, v->version, took);
	else
		(void)snprintf(out, bytes, "%s: %s -> %s, %s, tick %llu, %s so far", l->name,
		    v->previous[0] == '\0' ? "nothing" : v->previous, v->version, v->phase,
		    (unsigned long long)v->tick, took);
}

static void
draw(void *arg, const struct mf_meter_frame *frame, struct mf_buf *out)
{
	struct mf_live *l = arg;
	char title[1024], progress[1024];
	struct mf_view_frame f = {.now_us = mf_cmd_now_us(),
	    .columns = frame->columns,
	    .rows = frame->rows,
	    .title = title,
	    .live = true};

	(void)pthread_mutex_lock(&l->lock);
	put_title(l, frame, title, sizeof title);
	if (l->view.phase[0] == '\0' && carries(&l->view)) {
		mf_progress_block(&l->c->progress, "  data", frame->rate_bps, frame->elapsed_us,
		    frame->columns, progress, sizeof progress);
		f.progress = progress;
	}
	mf_view_text(out, &l->view, &f);
	(void)pthread_mutex_unlock(&l->lock);
}

int
mf_live_start(struct mf_cmd *c, const char *name, struct mf_live **out, struct mf_error *e)
{
	struct mf_live *l;

	*out = NULL;
	if (!mf_cmd_draws_live(c))
		return 0;
	if ((l = calloc(1, sizeof *l)) == NULL)
		return mf_error_nomem(e, "the view of the run");
	l->c = c;
	(void)snprintf(l->name, sizeof l->name, "%s", name);
	if (pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return mf_error_nomem(e, "the view of the run");
	}
	if (mf_cmd_begin_block(c, name, draw, l, e) != 0) {
		(void)pthread_mutex_destroy(&l->lock);
		free(l);
		return -1;
	}
	*out = l;
	return 0;
}

void
mf_live_show(struct mf_live *l, const struct mf_migrate_view *view)
{
	if (l == NULL)
		return;
	(void)pthread_mutex_lock(&l->lock);
	l->view = *view;
	(void)pthread_mutex_unlock(&l->lock);
	mf_meter_redraw(l->c->meter);
}

void
mf_live_stop(struct mf_live *l)
{
	if (l == NULL)
		return;
	mf_cmd_end_progress(l->c);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
