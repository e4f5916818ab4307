/*
 * Gates that outlive the program: what is open stands in the file `gates` of a directory, replaced
 * as a whole and durable before anybody is told of the change. A program that was killed, or a
 * machine that lost its power, finds them as they were last answered. One program at a time.
 *
 * Blocking. One thread at a time.
 */
#ifndef MF_GATES_GATES_FILE_H
#define MF_GATES_GATES_FILE_H

#include "src/gates/gates.h"

struct mf_gates_file;

/* dir is made where it is missing. NULL: MF_ECONFLICT, another program has it; MF_EDAMAGED, the
 * file is none of ours or damaged; or as the file system says. */
struct mf_gates_file *mf_gates_file_open(const char *dir, struct mf_error *e);
void mf_gates_file_close(struct mf_gates_file *f);
size_t mf_gates_file_count(const struct mf_gates_file *f);

/* As mf_gates_ask, and what changed is durable when it returns; where that fails the answer is 500,
 * nothing has changed, and *e says why. 0, or -1 then. */
int mf_gates_file_ask(struct mf_gates_file *f, const char *method, const char *path,
    const void *body, size_t n, struct mf_gates_answer *out, struct mf_error *e);

#endif
