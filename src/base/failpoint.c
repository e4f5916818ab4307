#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/failpoint.h"
#include "src/base/units.h"

/* Does the word name this place? *nth gets its N. */
static bool
names(const char *word, const char *what, const char *place, uint64_t *nth)
{
	const size_t a = strlen(what), b = strlen(place);
	struct mf_error ignored = {0};

	*nth = 1;
	if (strncmp(word, what, a) != 0 || word[a] != '.' || strncmp(word + a + 1, place, b) != 0)
		return false;
	word += a + 1 + b;
	return word[0] == '\0' ||
	       (word[0] == ':' && mf_parse_u64(word + 1, UINT64_MAX, nth, &ignored) == 0);
}

void
mf_failpoint(const char *what, const char *place)
{
	static atomic_uint_fast64_t passed;
	const char *word = MF_FAILPOINTS ? getenv("MODELFERRY_TEST_KILL_AT") : NULL;
	uint64_t nth;

	if (word != NULL && names(word, what, place, &nth) &&
	    atomic_fetch_add(&passed, 1) + 1 == nth)
		(void)kill(getpid(), SIGKILL);
}
