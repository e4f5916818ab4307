/* Gates: requests "METHOD PATH BODY", one a line, or a file of gates. What is answered is one of
 * few statuses and never 204; what is written is read again as it was. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/gates/gates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int yes)
{
	if (!yes)
		abort();
}

static void
same_again(const struct mf_gates *g)
{
	struct mf_buf first = MF_BUF_INIT, second = MF_BUF_INIT;
	struct mf_gates *again = mf_gates_new(NULL);

	must(again != NULL);
	mf_gates_put(&first, g);
	must(mf_gates_take(again, (const char *)first.data, first.len, NULL) == 0);
	mf_gates_put(&second, again);
	must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	mf_gates_free(again);
	mf_buf_fini(&first);
	mf_buf_fini(&second);
}

static void
one(struct mf_gates *g, char *line, size_t n)
{
	static const int statuses[] = {200, 202, 400, 403, 404, 405, 503};
	char *path = memchr(line, ' ', n), *body;
	struct mf_gates_answer a;
	size_t i, before = mf_gates_open_count(g);

	if (path == NULL)
		return;
	*path++ = '\0';
	body = memchr(path, ' ', (size_t)(line + n - path));
	if (body == NULL)
		return;
	*body++ = '\0';
	mf_gates_ask(g, line, path, body, (size_t)(line + n - body), &a);
	for (i = 0; i < sizeof statuses / sizeof statuses[0] && statuses[i] != a.status; i++)
		continue;
	must(i < sizeof statuses / sizeof statuses[0]);
	must(a.changed == (mf_gates_open_count(g) != before));
	must(!a.changed || mf_gates_changes(path));
	if (a.changed && n % 2 == 0) {
		mf_gates_undo(g);
		must(mf_gates_open_count(g) == before);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mf_gates *g = mf_gates_new(NULL);
	char *text = malloc(size + 1), *at, *end, *eol;

	must(g != NULL && text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (mf_gates_take(g, text, size, NULL) == 0)
		same_again(g);
	mf_gates_free(g);
	must((g = mf_gates_new(NULL)) != NULL);
	end = text + size;
	for (at = text; at < end; at = eol + 1) {
		eol = memchr(at, '\n', (size_t)(end - at));
		if (eol == NULL)
			eol = end;
		one(g, at, (size_t)(eol - at));
	}
	same_again(g);
	mf_gates_free(g);
	free(text);
	return 0;
}
