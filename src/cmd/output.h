/*
 * Results on standard output: text for people, or one JSON value for programs.
 *
 * Names in a repository are bytes. In text, control characters and bytes that are not UTF-8
 * are written as \n, \t or \xNN, so that no name can act upon a terminal. In JSON a name that
 * is UTF-8 stands as it is. One that is not is written with each bad byte as \xNN and each
 * backslash doubled, and a member KEY_escaped: true beside it says so; undoing both gives the
 * bytes back.
 *
 * A failed write is an error, once, from the function that noticed or from mf_output_end:
 * MF_ECLOSED where the reader of a pipe went away, MF_ENOSPC on a full disk.
 */
#ifndef MF_CMD_OUTPUT_H
#define MF_CMD_OUTPUT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "src/base/error.h"

/* Write one JSON value and a newline; the value is taken. NULL stands for out of memory. */
int mf_output_json(FILE *out, json_t *take, struct mf_error *e);
/* Set object[key] to a name, and key_escaped where that is needed. -1: out of memory (the
 * object is then incomplete; the caller drops it). */
int mf_output_set_name(json_t *object, const char *key, const char *name);
/* Set object[key] to a Unix time in RFC 3339, UTC. */
int mf_output_set_time(json_t *object, const char *key, long long unix_us);

/* Write n bytes as they are. -1: the error names standard output. */
int mf_output_bytes(FILE *out, const void *bytes, size_t n, struct mf_error *e);
/* A name, escaped for a terminal. */
void mf_output_name(FILE *out, const char *name);
/* Flush; did everything since the beginning get written? */
int mf_output_end(FILE *out, struct mf_error *e);

#endif
