/*
 * What a directory that pulls fill remembers of the repository, in DIR/.modelferry/seen: which
 * one stood behind a URL, and the highest sequence numbers and version times seen there. It is
 * a second memory beside the state directory, for the pod that starts anew on an old volume;
 * of the two the higher counts.
 *
 * The volume may be others' to write, and the file is not authenticated. It need not be: all it
 * can do is to make a pull refuse, and who can write the volume can do worse than that. So a
 * file that lies costs a refusal that names it, one that is gone costs the memory, and one that
 * is damaged is refused as well (MF_EDAMAGED), rather than forgotten without a word. The format
 * stands in modelferry-repository(5), WHAT A DIRECTORY REMEMBERS.
 *
 * One thread at a time. Calls block on the disk.
 */
#ifndef MF_REPO_SEEN_INT_H
#define MF_REPO_SEEN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_SEEN_MAX_BYTES ((size_t)1 << 20)
#define MF_SEEN_MAX_ROWS 4096
#define MF_SEEN_MAX_VERSIONS 256 /* times of versions that are kept: the latest */
#define MF_SEEN_KEY_MAX 300

struct mf_seen_row {
	char id[65];	   /* of the repository */
	uint64_t sequence; /* of a pin: 0 */
	char *key;	   /* as in src/state/state.h; of a pin: hash of the URL, 64 digits */
	bool is_pin;
};

struct mf_seen {
	char *path; /* for messages */
	struct mf_seen_row *rows;
	size_t n, capacity;
	bool changed; /* since it was read */
};

/* Read dir/.modelferry/seen; none is an empty memory. MF_EDAMAGED: it is not what a pull wrote;
 * MF_EUNSUPPORTED: of a newer modelferry; MF_EPERM: not readable, or a symbolic link. *s is to
 * be freed after success. */
int mf_seen_load(struct mf_seen *s, const char *dir, struct mf_error *e);
void mf_seen_fini(struct mf_seen *s);

/* The bytes of such a file, n and a NUL, which are taken apart; s is empty but for its path. */
int mf_seen_parse(struct mf_seen *s, char *text, size_t n, struct mf_error *e);
/* And back. MF_EUSAGE: too much. */
int mf_seen_format(const struct mf_seen *s, struct mf_buf *b, struct mf_error *e);

/* Behind url stands this repository: remember it, or MF_EKEY where it was another. url may be
 * NULL: nothing is known about it. */
int mf_seen_pin_repo(struct mf_seen *s, const char *url, const char *id, struct mf_error *e);
/* MF_EKEY: a higher sequence of key was seen. Else it is remembered (in memory), unless it is 0.
 * what names it for the message. */
int mf_seen_check(struct mf_seen *s, const char *id, const char *key, uint64_t sequence,
    const char *what, struct mf_error *e);

/* Write at/.modelferry/seen, made where missing; at is below dirfd ("." is itself) and not a
 * link. Durable, whole or not at all. */
int mf_seen_write(const struct mf_seen *s, int dirfd, const char *at, struct mf_error *e);
/* The same where something changed; what another pull wrote there meanwhile is kept, and of
 * each key the higher. */
int mf_seen_save(struct mf_seen *s, int dirfd, const char *at, struct mf_error *e);

#endif
