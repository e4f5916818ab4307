/* Lines that wait in memory for the disk. */
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/state/journal_int.h"

static void
free_one(struct mf_journal_waiting *w)
{
	free(w->run);
	free(w->phase);
	free(w->bytes);
}

void
mf_journal_unwait(struct mf_journal *j, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free_one(&j->waiting[i]);
	j->n_waiting -= n;
	if (j->n_waiting > 0)
		memmove(j->waiting, j->waiting + n, j->n_waiting * sizeof *j->waiting);
}

int
mf_journal_wait(struct mf_journal *j, const char *run, const struct mf_journal_line *line)
{
	struct mf_journal_waiting w = {.line = *line};

	if (j->waiting == NULL &&
	    (j->waiting = calloc(MF_JOURNAL_BACKLOG_MAX, sizeof *j->waiting)) == NULL)
		return -1;
	w.run = strdup(run);
	w.phase = strdup(line->phase);
	w.bytes = malloc(line->n + 1);
	if (w.run == NULL || w.phase == NULL || w.bytes == NULL) {
		free_one(&w);
		return -1;
	}
	if (line->n > 0)
		memcpy(w.bytes, line->bytes, line->n);
	w.line.phase = w.phase;
	w.line.bytes = w.bytes;
	if (j->n_waiting == MF_JOURNAL_BACKLOG_MAX) {
		mf_log(MF_LOG_ERROR, "a line of the journal of the run %s is dropped",
		    j->waiting[0].run);
		mf_journal_unwait(j, 1);
	}
	j->waiting[j->n_waiting++] = w;
	return 0;
}

size_t
mf_journal_waiting(const struct mf_journal *j)
{
	return j->n_waiting;
}
