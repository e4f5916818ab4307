/* --tag of push and commit. */
#include <stdlib.h>

#include "src/cmd/repo.h"

int
mf_cmd_load_tags(const struct mf_options *o, struct mf_tag **out, size_t *n, struct mf_error *e)
{
	const char *text;
	size_t want = 0;

	*out = NULL;
	*n = 0;
	while (mf_options_nth(o, MF_OPT_TAG, want) != NULL)
		want++;
	if (want == 0)
		return 0;
	if ((*out = calloc(want, sizeof **out)) == NULL)
		return mf_error_nomem(e, "tags");
	for (; (text = mf_options_nth(o, MF_OPT_TAG, *n)) != NULL; (*n)++)
		if (mf_cmd_split_pair(text, &(*out)[*n], e) != 0)
			return -1;
	return 0;
}

void
mf_cmd_free_tags(struct mf_tag *tags, size_t n)
{
	while (n > 0) {
		free(tags[--n].key);
		free(tags[n].value);
	}
	free(tags);
}
