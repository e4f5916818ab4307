/*
 * The shared credentials and config files of the AWS tools (AWS SDKs and Tools Reference Guide,
 * "Shared config and credentials files"), as text: "[section]" and "key = value" lines, comments
 * from '#' or ';' at the start of a line or behind white space, indented lines that belong to the
 * key above and are passed over. Of a key or section that comes twice the later wins. Values lie
 * in guarded memory, for some are secrets; no error quotes one.
 *
 * One owner; threads may read one together.
 */
#ifndef MF_TRANSFERS_S3_INI_H
#define MF_TRANSFERS_S3_INI_H

#include <stdbool.h>

#include "crypto/secret.h"
#include "src/base/error.h"

#define MF_S3_INI_MAX_BYTES ((size_t)1 << 18)

struct mf_s3_ini;

/* Read a file of at most MF_S3_INI_MAX_BYTES. Blocking. 0; 1: there is none, *out is NULL; -1
 * with the errno's code, or with MF_EUSAGE and the line that is none of the above. */
int mf_s3_ini_read(const char *path, struct mf_s3_ini **out, struct mf_error *e);
/* The same of bytes at hand, which it takes (also where it fails); path is for errors. */
struct mf_s3_ini *mf_s3_ini_take(struct mf_secret *text, const char *path, struct mf_error *e);
void mf_s3_ini_free(struct mf_s3_ini *i); /* NULL is fine */

/* Section names with white space and quotes taken out of their way: "profile x". Those of a key
 * in any case. i may be NULL: there is nothing then. */
bool mf_s3_ini_has(const struct mf_s3_ini *i, const char *section);
/* A view in guarded memory, or NULL. */
const char *mf_s3_ini_get(const struct mf_s3_ini *i, const char *section, const char *key);

#endif
