/*
 * Gates that a webhook asks: the paths of the tester that ships with Flagger, so that this program
 * can stand in its place (https://docs.flagger.app/usage/webhooks#manual-gating):
 *
 *	/gate/approve                 200, always
 *	/gate/halt                    403, always
 *	/gate/check, /rollback/check  200 where the gate is open, else 403
 *	/gate/open, /rollback/open    202: it is open now
 *	/gate/close, /rollback/close  202: it is closed now
 *	/healthz                      200
 *
 * A gate is one of a canary, which the body names: {"name": ..., "namespace": ...}; what else is in
 * it does not matter. Gates of both kinds are apart, and closed until they are opened. Nothing is
 * ever answered with 204, which Flagger takes for a refusal.
 *
 * Stricter than the tester: a body that names no canary is 400, a method that does not fit 405, and
 * a namespace holds no dot, so that "a.b" in "c" is not "a" in "b.c". A check leaves no trace, so
 * that only opening takes room, and that is bounded.
 *
 * Pure: what is to be kept is put into a buffer, see gates_file.h. One thread at a time.
 */
#ifndef MF_GATES_GATES_H
#define MF_GATES_GATES_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_GATES_OPEN_MAX 10000u /* gates that are open at once */
#define MF_GATES_NAME_BYTES 253u /* of a canary's name, and of a namespace */
#define MF_GATES_BODY_BYTES ((size_t)64 << 10)
#define MF_GATES_TEXT_BYTES ((size_t)8 << 20) /* more than all gates take when written */

struct mf_gates;

struct mf_gates *mf_gates_new(struct mf_error *e); /* all closed; NULL: MF_ENOMEM */
void mf_gates_free(struct mf_gates *g);
size_t mf_gates_open_count(const struct mf_gates *g);

struct mf_gates_answer {
	int status;
	const char *text;  /* constant; for the answer's body */
	const char *allow; /* of 405: the methods that do fit; else NULL */
	const char *gate;  /* "name.namespace" where something changed; a view until the next one */
	bool changed;      /* what is open differs from before: keep it, then answer */
};

/* Would such a request change what is open? Those are the ones to ask a token of. */
bool mf_gates_changes(const char *path);

/* What is answered to method on path (without query) with that body of n bytes. */
void mf_gates_ask(struct mf_gates *g, const char *method, const char *path, const void *body,
    size_t n, struct mf_gates_answer *out);
/* Take the last change back, which could not be kept. */
void mf_gates_undo(struct mf_gates *g);

/* Append what is open as text, and read such text into fresh gates. -1: MF_EDAMAGED, MF_ENOMEM. */
void mf_gates_put(struct mf_buf *b, const struct mf_gates *g);
int mf_gates_take(struct mf_gates *g, const char *text, size_t n, struct mf_error *e);

#endif
