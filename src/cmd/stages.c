#include <stdatomic.h>
#include <stdio.h>

#include "src/base/log.h"
#include "src/cmd/cmd.h"

static const char *
seconds(const _Atomic uint64_t *ns, char out[24])
{
	snprintf(out, 24, "%.3f", (double)atomic_load(ns) / 1e9);
	return out;
}

void
mf_cmd_log_stages(const struct mf_cmd *c)
{
	const struct mf_progress *p = &c->progress;
	char t[7][24];

	if (!mf_log_enabled(MF_LOG_INFO))
		return;
	mf_log_fields(MF_LOG_INFO, "seconds of processor time by stage", "read",
	    seconds(&p->ns_read, t[0]), "hash", seconds(&p->ns_hash, t[1]), "codec",
	    seconds(&p->ns_codec, t[2]), "check", seconds(&p->ns_check, t[3]), "seal",
	    seconds(&p->ns_seal, t[4]), "store", seconds(&p->ns_store, t[5]), "write",
	    seconds(&p->ns_write, t[6]), NULL);
}
