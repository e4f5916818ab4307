/*
 * Uploads in parts that were begun and have not ended: what the next run needs in order to go on
 * with them, or to remove them. They lie in uploads.db in the cache directory (0700, file 0600),
 * which may be lost at any time. So nothing here is an error: what cannot be read, written or
 * trusted is not remembered, and the log says so once. It keeps the 1000 uploads that were
 * remembered last.
 *
 * An upload is known by its place (a text that tells the bucket and the endpoint from all others)
 * and the path of its file there: there is one of each at most.
 *
 * Several processes may share it; any thread. Calls block on the disk and wait for each other; they
 * come when a large file begins and ends, and seldom between. u may be NULL everywhere: nothing is
 * remembered.
 */
#ifndef MF_STATE_UPLOADS_H
#define MF_STATE_UPLOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"

#define MF_UPLOADS_ID_BYTES 1024 /* with the NUL */

struct mf_uploads;

struct mf_uploads_row {
	char id[MF_UPLOADS_ID_BYTES]; /* the store's */
	uint64_t size, part_bytes;    /* of the file, and of its parts */
	int64_t mtime_ns;
	uint64_t headers; /* a digest of what the object was begun with */
	bool summed;      /* its parts are to come with checksums */
	int64_t used_us;  /* Unix time: when it was remembered last */
	bool of_source;   /* out: it was begun from the source that was asked for */
};

/* What is remembered in dir (NULL: the default one of mf_cache_open); mf_uploads_close. NULL only
 * when memory ran out. */
struct mf_uploads *mf_uploads_open(const char *dir);
void mf_uploads_close(struct mf_uploads *u);

/* The upload of that file. 0; 1: there is none. out->of_source is not set. */
int mf_uploads_get(
    struct mf_uploads *u, const char *place, const char *path, struct mf_uploads_row *out);
/* The next one of that place, behind the path `after` ("": the first): its path is put in place of
 * what path holds. 0; 1: there is no other. */
int mf_uploads_next(struct mf_uploads *u, const char *place, const char *source, const char *after,
    struct mf_buf *path, struct mf_uploads_row *out);
/* Remember it, in place of another of that file; source tells where the file comes from. Its parts
 * are kept where the id is the same. 0; -1: it is not remembered. */
int mf_uploads_put(struct mf_uploads *u, const char *place, const char *path, const char *source,
    const struct mf_uploads_row *row);
/* Forget it, if it is of that id. */
void mf_uploads_drop(struct mf_uploads *u, const char *place, const char *path, const char *id);

/* What was sent as a part that the store answered with that ETag, where the ETag itself does not
 * say it: the CRC-32C. 0; 1: it is not known. */
int mf_uploads_get_part(struct mf_uploads *u, const char *place, const char *path, unsigned number,
    const char *etag, uint32_t *sum);
/* Remember it, where the upload of that file is remembered. */
void mf_uploads_put_part(struct mf_uploads *u, const char *place, const char *path, unsigned number,
    const char *etag, uint32_t sum);

#endif
