/*
 * Errors. A function that can fail returns 0, -1 or a documented positive number, and takes
 * a caller-owned struct mf_error as its last parameter. The error says what happened to
 * which object (message), what was being done ("while ..." frames, innermost first), what to
 * do about it (hint), and through its code which exit status follows and whether trying
 * again can help. It is reported once, at the top.
 *
 * A struct mf_error holds no heap memory: it is copied by assignment and never freed.
 * Not thread safe: one error belongs to one thread at a time. No secret may be put into one.
 */
#ifndef MF_BASE_ERROR_H
#define MF_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* Why something failed. Names, exit statuses, retry rule and default hint: mf_error_table. */
enum mf_code {
	MF_OK = 0,
	MF_EFAIL,	  /* unexpected failure, our own or the system's */
	MF_ENOMEM,	  /* out of memory, or past the --memory budget */
	MF_EUSAGE,	  /* wrong use: option, argument, plan, configuration file */
	MF_EUNSUPPORTED,  /* asked for something that this build or store cannot do */
	MF_ENOTFOUND,	  /* no such repository, model, version, ref, object */
	MF_EDAMAGED,	  /* stored data is damaged, truncated, missing or not what it says */
	MF_EKEY,	  /* wrong or missing key, bad signature, rolled-back object */
	MF_EPERM,	  /* permission refused by the system or the store */
	MF_ETRANSFER,	  /* the store failed after all retries */
	MF_ENOSPC,	  /* no space or quota left */
	MF_ECONFLICT,	  /* somebody else holds it or was faster */
	MF_EROLLEDBACK,	  /* a migration was rolled back, everything verified */
	MF_EROLLBACKFAILED, /* the rollback itself failed */
	MF_EDIFFERENT,	  /* check or diff found differences */
	MF_EINTERRUPTED,  /* interrupted, resumable */
	MF_ESOURCE,	  /* the source changed or could not be read completely */
	MF_EEXIST,	  /* the object or directory is there already */
	MF_ECLOSED,	  /* nobody reads standard output any more: ends quietly */
	MF_CODES
};

#define MF_ERROR_MESSAGE_BYTES 512
#define MF_ERROR_HINT_BYTES 384
#define MF_ERROR_FRAME_BYTES 192
#define MF_ERROR_FRAMES 4

struct mf_error {
	enum mf_code code;
	int sys_errno;	 /* 0, or the errno that caused it */
	int http_status; /* 0, or the store's answer */
	char message[MF_ERROR_MESSAGE_BYTES];
	char hint[MF_ERROR_HINT_BYTES]; /* empty: the table's default hint */
	char frames[MF_ERROR_FRAMES][MF_ERROR_FRAME_BYTES];
	unsigned n_frames;
};

struct mf_error_row {
	const char *name; /* stable, for JSON logs: "damaged" */
	int exit_status;  /* never renumbered: modelferry(1), EXIT STATUS */
	bool retryable;	  /* trying the same again later can help */
	const char *hint; /* default hint or NULL */
};

/* The row of a code; never NULL (an unknown code has MF_EFAIL's row). */
const struct mf_error_row *mf_error_row(enum mf_code code);

/* Make *e a fresh error and return -1. e may be NULL, then only -1 is returned. The message
 * is lower case, names the object, has no full stop; control characters are escaped. */
int mf_error_set(struct mf_error *e, enum mf_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: ": <strerror>" is appended, and the code follows from
 * the errno (ENOSPC/EDQUOT, EACCES/EPERM/EROFS, ENOENT, ENOMEM, EEXIST, else MF_EFAIL). */
int mf_error_sys(struct mf_error *e, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Out of memory for `what`; returns -1. */
int mf_error_nomem(struct mf_error *e, const char *what);

/* Replace the hint. Returns -1, for `return mf_error_hint(...)`. */
int mf_error_hint(struct mf_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Add what was being done, e.g. "pushing churn@v2"; frames past MF_ERROR_FRAMES are dropped.
 * Returns -1. */
int mf_error_while(struct mf_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Make *e empty (MF_OK). */
void mf_error_clear(struct mf_error *e);

/* Write "message, while a, while b\nHINT: hint" into out (always terminated). Returns out. */
const char *mf_error_text(const struct mf_error *e, char *out, size_t out_bytes);

#endif
