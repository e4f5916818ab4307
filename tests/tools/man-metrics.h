/* The generated parts of modelferry-metrics(7): "builtin" and "presets". */
#ifndef TESTS_TOOLS_MAN_METRICS_H
#define TESTS_TOOLS_MAN_METRICS_H

#include "src/base/buf.h"

/* Append a part. 0; -1: there is none of that name. */
int man_metrics_write(struct mf_buf *out, const char *part);

#endif
