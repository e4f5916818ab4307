/* A directory of a test's own, under $TMPDIR or /tmp. */
#ifndef MF_TESTS_SCRATCH_H
#define MF_TESTS_SCRATCH_H

#define SCRATCH_PATH 200

/* Make it; aborts where that fails. */
void scratch_make(char path[SCRATCH_PATH]);
/* Remove it and all that is in it. */
void scratch_remove(const char *path);

#endif
