/*
 * What this room is for: telling others how a run went. A run is one call of the program; a
 * struct mf_report_run holds what is known of it, and the modules beside this one bring it to a
 * chat (notify.h), to a service that waits for it (ping.h), and to Prometheus (metrics.h,
 * metrics_file.h, pushgateway.h), the remote ones through one sender with bounded patience
 * (post.h).
 *
 * What the room refuses: to decide anything. A report that fails is its caller's to log; it never
 * changes how the run ended. What is told holds no secret: whoever fills the struct puts none in,
 * and the URLs that are secrets themselves (post.h) go into no text.
 *
 * Pure, any thread. Strings are borrowed.
 */
#ifndef MF_REPORT_RUN_H
#define MF_REPORT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_REPORT_RUN_ID_MAX 64

struct mf_report_counts {
	uint64_t bytes;         /* plaintext handled */
	uint64_t new_bytes;     /* plaintext that was not in the store yet */
	uint64_t stored_bytes;  /* sealed bytes written to the store */
	uint64_t fetched_bytes; /* sealed bytes read from it */
	uint64_t files;
	uint64_t new_chunks;
	uint64_t known_chunks;
	uint64_t retries; /* operations that were tried again, each time */
};

struct mf_report_run {
	const char *run_id;  /* mf_report_run_id_is_good */
	const char *program; /* "modelferry/1.2" */
	const char *command; /* "push" */
	const char *model;   /* NULL: the command has none */
	const char *version; /* NULL: none, or not known yet */
	const char *store;   /* NULL: none; its URL, without credentials */
	const char *host;
	int64_t ended_unix_us;
	uint64_t duration_us;
	int exit_status;
	const struct mf_error *error; /* NULL: the run succeeded */
	struct mf_report_counts counts;
};

/* What an exit status means, in the words of modelferry(1); "unknown" for others than its. */
const char *mf_report_status_text(int status);

/* Letters, digits, '.', '_', '-', 1 to MF_REPORT_RUN_ID_MAX of them: it is safe in a URL, a
 * label and a file's name. */
bool mf_report_run_id_is_good(const char *id);
/* The 16 random bytes as a UUID of version 4 (RFC 4122, 4.4); bits of them are overwritten. */
#define MF_REPORT_UUID_BYTES 37
void mf_report_make_uuid(uint8_t random[16], char out[MF_REPORT_UUID_BYTES]);
bool mf_report_is_uuid(const char *id);

/* Append "push churn@v2": the command and what it is about. */
void mf_report_put_subject(struct mf_buf *b, const struct mf_report_run *run);
/* Append one line, without its end: "push churn@v2 on db1 failed after 4.9s: transfer failed after
 * all retries, or no space is left (status 6)", or "... succeeded after 4.9s". */
void mf_report_put_summary(struct mf_buf *b, const struct mf_report_run *run);

#endif
