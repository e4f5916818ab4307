/* The bytes of run records and heartbeats, and how they are found. */
#ifndef MF_REPO_RUN_INT_H
#define MF_REPO_RUN_INT_H

#include "src/repo/repo_int.h"
#include "src/repo/run_record.h"

#define MF_RUN_LINES_MAX 4096u
/* A record is closed when it has so many bytes: with the longest line it stays below 1 MiB. */
#define MF_RUN_TARGET_BYTES ((size_t)256 << 10)

/* As read. Owns everything. */
struct mf_run_record {
	char *run;
	uint64_t sequence, token;
	bool has_head;
	struct mf_journal_run head; /* its texts are these: */
	char *texts[8];             /* digest, name, repository, model, actor, source, ... */
	struct mf_journal_line *lines;
	size_t n_lines;
	struct mf_buf plain; /* what the lines' bytes point into, where the record was read */
};

void mf_run_record_fini(struct mf_run_record *x);
/* Append the plaintext; head where has_head. */
void mf_run_record_encode(
    const struct mf_run_record *x, const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out);
/* 0 and *out, whose lines' bytes point into `bytes`; -1, *out is empty: MF_EDAMAGED,
 * MF_EUNSUPPORTED for a later format, MF_ENOMEM. */
int mf_run_record_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    struct mf_run_record *out, struct mf_error *e);

void mf_run_beat_encode(const char *run, const struct mf_run_beat *x,
    const uint8_t repo_id[MF_REPO_ID_BYTES], struct mf_buf *out);
/* *run is the caller's, also after a failure. out->view lies in bytes. */
int mf_run_beat_decode(const uint8_t *bytes, size_t n, const uint8_t repo_id[MF_REPO_ID_BYTES],
    char **run, struct mf_run_beat *out, struct mf_error *e);

/* "j/RUN/", "b/RUN/", "o/RUN/": 35 bytes */
#define MF_RUN_PREFIX_BYTES 35
#define MF_RUN_POSITION_BYTES (MF_RUN_PREFIX_BYTES + 16) /* and SEQ */
void mf_run_prefix(
    struct mf_repo *repo, char kind, const char *run, char out[MF_OBJECT_NAME_BYTES]);
/* The number in a name; 0: it is none of ours. */
uint64_t mf_run_sequence_of(const char *object);
/* MF_EUSAGE where it is no name. */
int mf_run_check_id(const char *run, struct mf_error *e);

/* run_read.c: the record of this name, which must be the one that it hashes to. */
int mf_run_record_read(
    struct mf_repo *repo, const char *object, struct mf_run_record *out, struct mf_error *e);

#endif
