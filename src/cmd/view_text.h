/*
 * A view of a run (src/migrate/view.h) as text for people: the live block of `migrate`, and the
 * lines of `status`. Pure. Names are escaped, so that none can act upon a terminal.
 */
#ifndef MF_CMD_VIEW_TEXT_H
#define MF_CMD_VIEW_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/migrate/view.h"

/* When and where it is shown. */
struct mf_view_frame {
	int64_t now_us;         /* by the clock of the machine that runs it */
	unsigned columns, rows; /* none wider, no more lines; 0: as it comes */
	const char *title;      /* the first line; NULL: none */
	const char *progress;   /* lines of data that is being carried; NULL: none */
	bool live;              /* by the process that runs it: no ages, no word of who */
};

/* Appends lines parted by \n, without one at the end. */
void mf_view_text(
    struct mf_buf *out, const struct mf_migrate_view *v, const struct mf_view_frame *f);

#endif
