/* What the variants share: a context that is set once. */
#include <stdlib.h>

#include "src/codec/literals_int.h"

struct mf_literals *
mf_literals_new(void)
{
	struct mf_literals *l = calloc(1, sizeof *l);
	const struct mf_literals_setting *s;

	if (l == NULL)
		return NULL;
	l->cctx = ZSTD_createCCtx();
	for (s = mf_literals_settings; l->cctx != NULL && s->parameter != 0; s++) {
		if (ZSTD_isError(ZSTD_CCtx_setParameter(l->cctx, s->parameter, s->value))) {
			ZSTD_freeCCtx(l->cctx);
			l->cctx = NULL;
		}
	}
	if (l->cctx != NULL)
		return l;
	free(l);
	return NULL;
}

void
mf_literals_free(struct mf_literals *l)
{
	if (l == NULL)
		return;
	ZSTD_freeCCtx(l->cctx);
	free(l);
}
