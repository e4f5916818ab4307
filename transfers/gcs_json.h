/* Reading JSON that has secrets in it. Pure, any thread. */
#ifndef MF_TRANSFERS_GCS_JSON_H
#define MF_TRANSFERS_GCS_JSON_H

#include <jansson.h>

#include "crypto/secret.h"
#include "src/base/error.h"

/* An object of n bytes, for mf_gcs_json_free; NULL: it is none. No name stands there twice. */
json_t *mf_gcs_json_read(const void *bytes, size_t n);
/* Wipe every text in it, and free it. NULL is fine. */
void mf_gcs_json_free(json_t *object);

/* The text of that name, a view; NULL: there is none, or it is empty. */
const char *mf_gcs_json_text(const json_t *object, const char *name);

/* A copy in guarded memory, with its NUL, frozen; NULL with *e set. */
struct mf_secret *mf_gcs_json_secret(const char *text, struct mf_error *e);

#endif
