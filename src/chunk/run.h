/*
 * Runs: small things (tensors of a file, small files of a directory) that share chunks. A run
 * is closed before a member by a keyed hash of that member's name and size alone, so that one
 * member more among many thousands moves no other boundary. Pure; any thread.
 */
#ifndef MF_CHUNK_RUN_H
#define MF_CHUNK_RUN_H

#include <stdbool.h>
#include <stdint.h>

/* A member of s bytes closes the run before it with probability s / MF_RUN_TARGET_BYTES ... */
#define MF_RUN_TARGET_BYTES ((uint64_t)2 << 20)
/* ... and in any case where the run would grow past this many bytes. */
#define MF_RUN_MAX_BYTES ((uint64_t)8 << 20)
/* Members are smaller than this (files: the caller's rule; tensors: MF_CUT_LARGE_BYTES). */
#define MF_RUN_MEMBER_BYTES ((uint64_t)1 << 20)

/* Does the run, run_bytes long by now, end before the member of this name and size? An empty
 * run never does. key: the 32 bytes of the cut seed. name: for a file its path relative to the
 * pushed directory. */
bool mf_run_closes(const uint8_t *key, const char *name, uint64_t size, uint64_t run_bytes);

#endif
