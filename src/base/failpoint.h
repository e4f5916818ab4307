/*
 * Places where a test ends the program, as if the machine had.
 *
 * MODELFERRY_TEST_KILL_AT=WHAT.PLACE[:N]    SIGKILL to this process when it comes to that place for
 *                                           the N-th time (1)
 *
 * Heard only by a program that was configured with --enable-failpoints.
 */
#ifndef MF_BASE_FAILPOINT_H
#define MF_BASE_FAILPOINT_H

/* This is the place of that name. Any thread. */
void mf_failpoint(const char *what, const char *place);

#endif
